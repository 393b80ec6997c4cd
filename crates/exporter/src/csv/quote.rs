//! The rule by which one column's texts are enclosed, escaped or left bare, so that a reader can
//! tell every value from every other and from NULL. The fast paths of `text` fall back on it.

use super::options::{CsvOptions, ESCAPE_LETTERS, QuotePolicy};
use crate::cells::scan::{NEEDLES, Scan};
use crate::cells::slot::{Ends, Lane, SUFFIX_MAX};
use crate::cells::text::{self, CellError, Rule};
use arrow::array::Array;

/// What happens to a column's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// All are enclosed.
    Enclose,
    /// Those that need it are enclosed.
    Needed,
    /// There is no enclosure: what needs care is escaped, or is an error.
    Bare,
}

/// The quoting rule of a column.
#[derive(Debug, Clone)]
pub(crate) struct TextRule {
    pub(crate) mode: Mode,
    quote: u8,
    escape: Option<u8>,
    marker: Vec<u8>,
    guard: bool,
    tail: Vec<u8>,
    /// Bytes that need care anywhere in a text.
    special: [bool; 256],
    /// First bytes that need a closer look; always false in mode `Enclose` without guard.
    first: [bool; 256],
    needles: [u8; NEEDLES],
}

impl TextRule {
    /// The rule for texts under `options`, followed by `tail`. `enclose`: whether to enclose all.
    /// `guard`: whether the formula guard applies, if it is on.
    pub(crate) fn new(options: &CsvOptions, enclose: bool, guard: bool, tail: &[u8]) -> Self {
        let mode = match options.enclosed {
            None => Mode::Bare,
            Some(_) if enclose || options.quote == QuotePolicy::All => Mode::Enclose,
            Some(_) => Mode::Needed,
        };
        let quote = options.enclosed.unwrap_or(0);
        // An escape equal to the enclosure only says that the latter is doubled.
        let escape = options
            .escaped
            .filter(|escape| Some(*escape) != options.enclosed);
        let mut needles: Vec<u8> = escape.into_iter().chain(options.enclosed).collect();
        if mode != Mode::Enclose {
            let lines = options.lines_terminated.as_bytes();
            needles.extend([options.fields_terminated.as_bytes()[0], lines[0]]);
            // Readers take CR, LF and CR LF for each other.
            if mode == Mode::Needed || lines.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
                needles.extend(*b"\r\n");
            }
        }
        let mut special = [false; 256];
        let mut first = [false; 256];
        for needle in &needles {
            special[usize::from(*needle)] = true;
        }
        let guard = guard && options.formula_guard;
        if guard {
            b"=+-@\t\r"
                .iter()
                .for_each(|byte| first[usize::from(*byte)] = true);
        }
        let marker = options.null.as_bytes().to_vec();
        if mode != Mode::Enclose {
            first[usize::from(b'\\')] = true;
            if let Some(byte) = marker.first() {
                first[usize::from(*byte)] = true;
            }
        }
        let padding = needles.first().copied().unwrap_or(0);
        let needles = std::array::from_fn(|at| needles.get(at).copied().unwrap_or(padding));
        Self {
            mode,
            quote,
            escape,
            marker,
            guard,
            tail: tail.to_vec(),
            special,
            first,
            needles,
        }
    }

    /// Fills slots with texts; in mode `Enclose` the first two needles suffice.
    pub(crate) fn fill<'b>(
        &self,
        array: &'b dyn Array,
        at: usize,
        lane: &mut Lane<'_, 'b>,
    ) -> Result<(), CellError> {
        match self.mode {
            Mode::Enclose => text::fill(&Enclosing(self), array, at, lane),
            Mode::Needed | Mode::Bare => text::fill(self, array, at, lane),
        }
    }
}

/// A rule of mode `Enclose`.
struct Enclosing<'a>(&'a TextRule);

impl Rule for Enclosing<'_> {
    type Find = Scan<2>;
    const PREFIXED: bool = true;

    fn find(&self) -> Scan<2> {
        Scan::new(&self.0.needles)
    }

    #[inline(always)]
    fn is_suspect(&self, first: Option<u8>) -> bool {
        self.0.is_suspect(first)
    }

    fn ends(&self) -> Option<Ends> {
        self.0.ends()
    }

    fn append(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        self.0.append(text, out)
    }
}

impl Rule for TextRule {
    type Find = Scan<NEEDLES>;
    const PREFIXED: bool = false;

    fn find(&self) -> Scan<NEEDLES> {
        Scan::new(&self.needles)
    }

    /// It is empty, or begins like the NULL marker.
    #[inline(always)]
    fn is_suspect(&self, first: Option<u8>) -> bool {
        match first {
            Some(byte) => self.first[usize::from(byte)],
            None => self.mode != Mode::Enclose,
        }
    }

    fn ends(&self) -> Option<Ends> {
        let quoted = usize::from(self.mode == Mode::Enclose);
        let mut suffix = [0; SUFFIX_MAX];
        let len = quoted + self.tail.len();
        let quote = if quoted == 1 { &[self.quote][..] } else { &[] };
        for (to, from) in suffix.iter_mut().zip(quote.iter().chain(&self.tail)) {
            *to = *from;
        }
        (len <= SUFFIX_MAX).then_some(Ends {
            prefix: self.quote,
            prefix_len: quoted as u8,
            suffix,
            suffix_len: len as u8,
        })
    }

    #[cold]
    #[inline(never)]
    fn append(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        let guarded = self.guard
            && matches!(
                text.first(),
                Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r')
            );
        match self.mode {
            Mode::Bare => self.append_bare(text, out)?,
            Mode::Needed if !guarded && !self.needs_quotes(text) => out.extend_from_slice(text),
            Mode::Needed | Mode::Enclose => {
                let apostrophe: &[u8] = if guarded { b"'" } else { b"" };
                // The apostrophe is the text's first character: it may be the enclosure, or make the text the marker.
                if guarded
                    && self.mode == Mode::Needed
                    && !self.has_special(apostrophe)
                    && !self.has_special(text)
                    && self.marker.strip_prefix(apostrophe) != Some(text)
                {
                    out.extend_from_slice(apostrophe);
                    out.extend_from_slice(text);
                } else {
                    out.push(self.quote);
                    self.append_doubled(apostrophe, out);
                    self.append_doubled(text, out);
                    out.push(self.quote);
                }
            }
        }
        out.extend_from_slice(&self.tail);
        Ok(())
    }
}

impl TextRule {
    /// Whether every value made of these bytes can stand as it is.
    pub(crate) fn leaves_alone(&self, alphabet: &[u8]) -> bool {
        let marker_like =
            !self.marker.is_empty() && self.marker.iter().all(|byte| alphabet.contains(byte));
        self.mode != Mode::Enclose
            && !marker_like
            && !alphabet.iter().any(|byte| self.special[usize::from(*byte)])
    }

    /// Inside an enclosure the quote and the escape are each written twice, everything else as it is.
    fn append_doubled(&self, mut text: &[u8], out: &mut Vec<u8>) {
        let escape = self.escape.unwrap_or(self.quote);
        while let Some(at) = memchr::memchr2(self.quote, escape, text) {
            out.extend_from_slice(&text[..=at]);
            out.push(text[at]);
            text = &text[at + 1..];
        }
        out.extend_from_slice(text);
    }

    fn needs_quotes(&self, text: &[u8]) -> bool {
        // `\.` alone on a line ends the data for PostgreSQL's COPY.
        text.is_empty() || text == self.marker || text == b"\\." || self.has_special(text)
    }

    fn has_special(&self, text: &[u8]) -> bool {
        text.iter().any(|byte| self.special[usize::from(*byte)])
    }

    fn append_bare(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        let is_marker = text == self.marker;
        let special = text
            .iter()
            .position(|byte| self.special[usize::from(*byte)]);
        match (self.escape, special) {
            (None, Some(at)) => {
                return Err(format!(
                    "byte 0x{:02x} at offset {at} could be taken for a separator, and there is neither ENCLOSED BY nor ESCAPED BY",
                    text[at]
                ));
            }
            (Some(escape), Some(_)) => {
                for byte in text {
                    if self.special[usize::from(*byte)] {
                        out.push(escape);
                    }
                    out.push(*byte);
                }
            }
            (Some(escape), None)
                if is_marker
                    && text
                        .first()
                        .is_some_and(|byte| !ESCAPE_LETTERS.contains(byte)) =>
            {
                out.push(escape);
                out.extend_from_slice(text);
            }
            (_, None) if is_marker => {
                let what = if text.is_empty() {
                    "an empty text"
                } else {
                    "the text"
                };
                return Err(format!(
                    "{what} could be taken for NULL; choose another NULL AS, or ENCLOSED BY"
                ));
            }
            (_, None) => out.extend_from_slice(text),
        }
        Ok(())
    }
}
