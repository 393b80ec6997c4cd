//! Bytes to records: a push parser that is fed chunks and gives back whole records, each field unescaped,
//! with NULL told apart from text. It looks at each byte once, however the chunks fall.

mod block;
mod line;

use memchr::memmem::Finder;
use memchr::{memchr_iter, memchr2, memchr3};

use super::CsvReadOptions;
use block::Place;
pub(super) use block::{Block, Record};

/// Longest record; a quote that is never closed would otherwise take the whole file into memory.
const RECORD_BYTES_MAX: usize = 64 << 20;

/// What the next step of the parser found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The block has one more.
    Record,
    /// The chunk ends within a record: feed more, or say that this was all.
    More,
    /// The end.
    End,
}

/// Text that is no record, and the line it is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) reason: String,
    pub(super) line: u64,
}

/// Where the parser is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a record; so many bytes were searched for its beginning already.
    Start { searched: usize },
    /// Within a line that is no record.
    Skip,
    /// Before a field.
    Field,
    /// In a field without quotes. A `\r` before `kept` was written as an escape.
    Bare { kept: usize },
    /// Behind a quote on line `opened`; `stray`: there was a quote that did not end the field.
    Enclosed { opened: u64, stray: bool },
}

/// What stands at a place of the buffer.
enum At {
    Nothing,
    /// A separator of so many bytes.
    Field(usize),
    Line(usize),
    /// The bytes that would tell are not there yet.
    Unknown,
}

enum LineEnd {
    /// `\n` or `\r\n`.
    Newline,
    Bytes(Vec<u8>),
}

/// The parser's state between chunks.
pub(super) struct Records {
    field_end: Vec<u8>,
    line_end: LineEnd,
    /// The line end's first byte, as bare text meets it.
    line_first: u8,
    line_finder: Finder<'static>,
    starting: Option<Finder<'static>>,
    enclosed: Option<u8>,
    escaped: Option<u8>,
    /// The bare text of NULL, as it stands in the file.
    null: Option<Vec<u8>>,
    null_word: bool,
    /// Whether the escape of NULL is one between quotes, too: MySQL's own is.
    null_enclosed: bool,
    buffer: Vec<u8>,
    at: usize,
    line: u64,
    /// Lines to skip unseen.
    ignore: u64,
    ended: bool,
    state: State,
    block: Block,
    /// The record that is being read.
    open: Place,
    /// The separator of lines that are read at once, where there is no quote and no escape in them: one byte.
    separator: Option<u8>,
    /// The beginning of a bare field as it stands in the file, to tell NULL.
    raw: Vec<u8>,
}

impl Records {
    /// Reads everything behind the first `ignore` lines.
    pub(super) fn new(options: &CsvReadOptions, ignore: u64) -> Self {
        let lines = options.lines_terminated.as_bytes();
        let newline = matches!(lines, b"\n" | b"\r\n");
        let null = match &options.null {
            Some(null) => Some(null.clone().into_bytes()),
            None => options.escaped.map(|escape| vec![escape, b'N']),
        };
        let starting = options.lines_starting.as_bytes();
        Self {
            field_end: options.fields_terminated.clone().into_bytes(),
            line_end: match newline {
                true => LineEnd::Newline,
                false => LineEnd::Bytes(lines.to_vec()),
            },
            line_first: if newline { b'\n' } else { lines[0] },
            line_finder: Finder::new(if newline { &b"\n"[..] } else { lines }).into_owned(),
            starting: (!starting.is_empty()).then(|| Finder::new(starting).into_owned()),
            enclosed: options.enclosed,
            escaped: options.escaped,
            null,
            null_word: options.null.is_none()
                && (options.enclosed.is_some() || options.escaped.is_none()),
            null_enclosed: options.null.is_none(),
            buffer: Vec::new(),
            at: 0,
            line: 1,
            ignore,
            ended: false,
            state: State::Start { searched: 0 },
            block: Block::default(),
            open: Place::default(),
            separator: line::separator(options, newline),
            raw: Vec::new(),
        }
    }

    pub(super) fn feed(&mut self, chunk: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(chunk);
    }

    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// The records since this was last called.
    pub(super) fn take(&mut self) -> Block {
        let fresh = Block {
            bytes: Vec::with_capacity(self.block.bytes.len()),
            fields: Vec::with_capacity(self.block.fields.len()),
            records: Vec::with_capacity(self.block.records.len()),
        };
        std::mem::replace(&mut self.block, fresh)
    }

    /// Those that have not been taken.
    pub(super) fn block(&self) -> &Block {
        &self.block
    }

    /// Forgets them.
    pub(super) fn forget(&mut self) {
        self.block.clear();
    }

    /// Forgets what was read of a record that does not come to its end.
    pub(super) fn forget_open(&mut self) {
        self.block.take_back(self.open);
    }

    /// The record that [`Step::Record`] told of.
    pub(super) fn record(&self) -> Option<Record<'_>> {
        self.block.record(self.block.len().checked_sub(1)?)
    }

    /// Goes on to the next record.
    pub(super) fn next(&mut self) -> Result<Step, Fault> {
        loop {
            let went_on = match self.state {
                State::Start { searched } => {
                    if self.at >= self.buffer.len() && self.ended {
                        return Ok(Step::End);
                    }
                    if searched == 0
                        && self.ignore == 0
                        && let Some(separator) = self.separator
                        && self.whole_line(separator)
                    {
                        return Ok(Step::Record);
                    }
                    self.start(searched)
                }
                State::Skip => self.skip(),
                State::Field => self.begin_field(),
                State::Bare { kept } => self.bare(kept),
                State::Enclosed { opened, stray } => self.enclosed(opened, stray)?,
            };
            let waiting = self.block.bytes.len() - self.open.byte + self.buffer.len() - self.at;
            match went_on {
                Went::On => {}
                Went::Record => {
                    self.state = State::Start { searched: 0 };
                    self.block.records.push(self.open);
                    return Ok(Step::Record);
                }
                Went::Waits if waiting > RECORD_BYTES_MAX => {
                    let reason = format!(
                        "a record is longer than {RECORD_BYTES_MAX} bytes; is a quote not closed, or are lines ended otherwise?"
                    );
                    return Err(self.fault(reason, self.open.line));
                }
                Went::Waits => return Ok(Step::More),
            }
        }
    }

    fn fault(&self, reason: impl Into<String>, line: u64) -> Fault {
        Fault {
            reason: reason.into(),
            line,
        }
    }

    /// Takes bytes as read.
    fn consume(&mut self, bytes: usize) {
        let taken = &self.buffer[self.at..self.at + bytes];
        self.line += memchr_iter(b'\n', taken).count() as u64;
        self.at += bytes;
    }

    fn start(&mut self, searched: usize) -> Went {
        self.open = Place {
            byte: self.block.bytes.len(),
            field: self.block.fields.len(),
            line: self.line,
        };
        if self.at >= self.buffer.len() {
            return Went::Waits;
        }
        if self.ignore > 0 {
            self.ignore -= 1;
            self.state = State::Skip;
            return Went::On;
        }
        let Some(starting) = &self.starting else {
            self.state = State::Field;
            return Went::On;
        };
        // A match may begin in what was searched already.
        let begin = (self.at + searched)
            .saturating_sub(starting.needle().len().max(self.line_finder.needle().len()))
            .max(self.at);
        let rest = &self.buffer[begin..];
        let line_end = self.line_finder.find(rest);
        match starting.find(&rest[..line_end.unwrap_or(rest.len())]) {
            Some(offset) => {
                let bytes = begin + offset + starting.needle().len() - self.at;
                self.consume(bytes);
                self.state = State::Field;
                Went::On
            }
            None if line_end.is_some() || self.ended => {
                self.state = State::Skip;
                Went::On
            }
            None => {
                self.state = State::Start {
                    searched: self.buffer.len() - self.at,
                };
                Went::Waits
            }
        }
    }

    fn skip(&mut self) -> Went {
        let rest = &self.buffer[self.at..];
        let length = self.line_finder.needle().len();
        match self.line_finder.find(rest) {
            Some(offset) => {
                self.consume(offset + length);
                self.state = State::Start { searched: 0 };
                Went::On
            }
            None if self.ended => {
                self.consume(rest.len());
                self.state = State::Start { searched: 0 };
                Went::On
            }
            None => {
                let bytes = rest.len().saturating_sub(length - 1);
                self.consume(bytes);
                Went::Waits
            }
        }
    }

    fn begin_field(&mut self) -> Went {
        self.raw.clear();
        match self.buffer.get(self.at) {
            Some(byte) if Some(*byte) == self.enclosed => {
                self.state = State::Enclosed {
                    opened: self.line,
                    stray: false,
                };
                self.consume(1);
                Went::On
            }
            None if !self.ended => Went::Waits,
            Some(_) | None => {
                self.state = State::Bare {
                    kept: self.block.bytes.len(),
                };
                Went::On
            }
        }
    }

    /// What ends a field or line at `at`. `in_bare`: a `\r` is text until the `\n` shows.
    fn what_is(&self, at: usize, in_bare: bool) -> At {
        let rest = &self.buffer[at..];
        let mut unknown = false;
        let mut stands = |wanted: &[u8]| {
            let begins = rest.len() < wanted.len() && wanted.starts_with(rest);
            unknown |= begins && !self.ended;
            rest.starts_with(wanted)
        };
        let found = match &self.line_end {
            LineEnd::Newline => {
                let line = match rest.first() {
                    Some(b'\n') => Some(1),
                    Some(b'\r') if !in_bare => match rest.get(1) {
                        Some(b'\n') => Some(2),
                        None if self.ended => Some(1),
                        None => return At::Unknown,
                        Some(_) => None,
                    },
                    _ => None,
                };
                // The longer one first: a separator may begin as a line end does.
                match line {
                    Some(length) if length >= self.field_end.len() => At::Line(length),
                    _ if stands(&self.field_end) => At::Field(self.field_end.len()),
                    Some(length) => At::Line(length),
                    None => At::Nothing,
                }
            }
            LineEnd::Bytes(line) => {
                let (field, line_first) = (&self.field_end, line.len() > self.field_end.len());
                if line_first && stands(line) {
                    At::Line(line.len())
                } else if stands(field) {
                    At::Field(field.len())
                } else if !line_first && stands(line) {
                    At::Line(line.len())
                } else {
                    At::Nothing
                }
            }
        };
        // A shorter separator that stands may be the beginning of a longer one.
        if unknown { At::Unknown } else { found }
    }

    /// Where the field that is being read begins in the block's bytes.
    fn field_start(&self) -> usize {
        match self.block.fields.get(self.open.field..) {
            Some([.., last]) => last.end as usize,
            Some([]) | None => self.open.byte,
        }
    }

    /// Ends a field, and with it perhaps the record.
    fn end_field(&mut self, null: bool, end: At) -> Went {
        let start = self.field_start();
        self.block.push(start, self.block.bytes.len(), null);
        match end {
            At::Field(bytes) => {
                self.consume(bytes);
                self.state = State::Field;
                Went::On
            }
            At::Line(bytes) => {
                self.consume(bytes);
                Went::Record
            }
            At::Nothing | At::Unknown => Went::Record,
        }
    }

    fn bare(&mut self, mut kept: usize) -> Went {
        loop {
            let rest = &self.buffer[self.at..];
            let (field, line) = (self.field_end[0], self.line_first);
            let found = match self.escaped {
                Some(escape) => memchr3(field, line, escape, rest),
                None => memchr2(field, line, rest),
            };
            let text = found.unwrap_or(rest.len());
            self.keep(text);
            self.state = State::Bare { kept };
            if found.is_none() {
                if !self.ended {
                    return Went::Waits;
                }
                return self.end_bare(kept, At::Nothing);
            }
            if Some(self.buffer[self.at]) == self.escaped {
                if !self.escape() {
                    return Went::Waits;
                }
                kept = self.block.bytes.len();
                self.state = State::Bare { kept };
                continue;
            }
            match self.what_is(self.at, true) {
                At::Unknown => return Went::Waits,
                // The first byte of a separator, and no more of it.
                At::Nothing => self.keep(1),
                end @ (At::Field(_) | At::Line(_)) => return self.end_bare(kept, end),
            }
        }
    }

    fn end_bare(&mut self, kept: usize, end: At) -> Went {
        let newline = matches!(self.line_end, LineEnd::Newline) && !matches!(end, At::Field(_));
        if newline && self.block.bytes.len() > kept && self.block.bytes.last() == Some(&b'\r') {
            self.block.bytes.pop();
            self.raw.pop();
        }
        let start = self.field_start();
        let null = self.null.as_ref().is_some_and(|null| *null == self.raw)
            || self.null_word && self.block.bytes[start..] == *b"NULL";
        self.end_field(null, end)
    }

    /// `"\N"` is NULL; `"\\N"` is the text `\N`.
    fn end_enclosed(&mut self, end: At) -> Went {
        let start = self.field_start();
        let alone = self.block.bytes.len() - start == 1;
        let null = self.null_enclosed && alone && self.null.as_ref() == Some(&self.raw);
        self.end_field(null, end)
    }

    /// Takes bytes of the buffer as the field's text.
    fn keep(&mut self, bytes: usize) {
        let text = &self.buffer[self.at..self.at + bytes];
        self.block.bytes.extend_from_slice(text);
        note(&mut self.raw, self.null.as_deref(), text);
        self.consume(bytes);
    }

    /// Takes an escape; false if its second byte is not there yet.
    fn escape(&mut self) -> bool {
        let pair = &self.buffer[self.at..];
        let text = match pair.get(1) {
            Some(b'0') => 0,
            Some(b'b') => 8,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'Z') => 26,
            Some(other) => *other,
            None if self.ended => pair[0],
            None => return false,
        };
        let length = pair.len().min(2);
        note(&mut self.raw, self.null.as_deref(), &pair[..length]);
        self.block.bytes.push(text);
        self.consume(length);
        true
    }

    fn enclosed(&mut self, opened: u64, mut stray: bool) -> Result<Went, Fault> {
        let Some(quote) = self.enclosed else {
            return Ok(Went::Record);
        };
        let stray_fault = |records: &Self| {
            records.fault(
                "a quote within a quoted field is not doubled, and the field goes over several lines",
                opened,
            )
        };
        loop {
            let rest = &self.buffer[self.at..];
            let found = memchr2(quote, self.escaped.unwrap_or(quote), rest);
            let text = found.unwrap_or(rest.len());
            self.block.bytes.extend_from_slice(&rest[..text]);
            self.consume(text);
            self.state = State::Enclosed { opened, stray };
            if found.is_none() {
                if !self.ended {
                    return Ok(Went::Waits);
                }
                return Err(self.fault("a quote is opened here and never closed", opened));
            }
            if self.buffer[self.at] != quote {
                if !self.escape() {
                    return Ok(Went::Waits);
                }
                continue;
            }
            match self.buffer.get(self.at + 1) {
                Some(next) if *next == quote => {
                    self.block.bytes.push(quote);
                    self.consume(2);
                    continue;
                }
                Some(_) => {}
                None if !self.ended => return Ok(Went::Waits),
                None => {
                    self.consume(1);
                    return Ok(self.end_enclosed(At::Nothing));
                }
            }
            match self.what_is(self.at + 1, false) {
                At::Unknown => return Ok(Went::Waits),
                end @ (At::Field(_) | At::Line(_)) => {
                    if stray && self.line != opened {
                        return Err(stray_fault(self));
                    }
                    self.consume(1);
                    return Ok(self.end_enclosed(end));
                }
                // MySQL takes a quote within a field as it is. Over several lines it is more likely that
                // a quote is missing, and rows would vanish into the field.
                At::Nothing if self.line != opened => return Err(stray_fault(self)),
                At::Nothing => {
                    stray = true;
                    self.block.bytes.push(quote);
                    self.consume(1);
                }
            }
        }
    }
}

enum Went {
    On,
    Record,
    Waits,
}

/// Keeps just so much of a bare field's own bytes as tells whether they are NULL's.
fn note(raw: &mut Vec<u8>, null: Option<&[u8]>, bytes: &[u8]) {
    // One more shows that it is longer, and one may be the `\r` of the line's end.
    let most = null.map_or(0, |null| null.len() + 2);
    let room = most.saturating_sub(raw.len());
    raw.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

#[cfg(test)]
mod tests;
