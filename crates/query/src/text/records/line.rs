//! Lines that are a record each, without escapes: most are, and this way they are copied at once and looked through eight
//! bytes at a time.

use memchr::memchr;

use super::block::{Block, Place};
use super::{CsvReadOptions, Records};

impl Records {
    /// Reads a record that is one line without escapes, if that is there whole, its quotes at fields' ends alone and none
    /// doubled. Nothing is read of any other.
    pub(super) fn whole_line(&mut self, separator: u8) -> bool {
        let rest = &self.buffer[self.at..];
        let Some(length) = memchr(b'\n', rest) else {
            return false;
        };
        let line = rest[..length].strip_suffix(b"\r");
        let line = line.unwrap_or(&rest[..length]);
        if let Some(escape) = self.escaped
            && memchr(escape, line).is_some()
        {
            return false;
        }
        let place = Place {
            byte: self.block.bytes.len(),
            field: self.block.fields.len(),
            line: self.line,
        };
        self.block.bytes.extend_from_slice(line);
        let mut fields = LineFields {
            block: &mut self.block,
            line,
            from: place.byte,
            separator,
            null: self.null.as_deref(),
            null_word: self.null_word,
        };
        if !fields.read(self.enclosed) {
            self.block.take_back(place);
            return false;
        }
        self.block.records.push(place);
        self.at += length + 1;
        self.line += 1;
        true
    }
}

/// A line, and where its fields go.
struct LineFields<'a> {
    block: &'a mut Block,
    line: &'a [u8],
    /// Where the line begins in the block's bytes.
    from: usize,
    separator: u8,
    null: Option<&'a [u8]>,
    null_word: bool,
}

impl LineFields<'_> {
    /// Whether the line was read to its end.
    fn read(&mut self, quote: Option<u8>) -> bool {
        let mut at = 0;
        loop {
            let rest = &self.line[at..];
            let opened = quote.and_then(|quote| Some((quote, memchr(quote, rest)?)));
            let Some((quote, opened)) = opened else {
                self.bare(at, self.line.len());
                return true;
            };
            if opened > 0 {
                // A quote within a bare field is text.
                if rest[opened - 1] != self.separator {
                    return false;
                }
                self.bare(at, at + opened - 1);
            }
            let start = at + opened + 1;
            let Some(length) = memchr(quote, &self.line[start..]) else {
                return false;
            };
            let end = start + length;
            self.block.push(self.from + start, self.from + end, false);
            match self.line.get(end + 1) {
                None => return true,
                Some(byte) if *byte == self.separator => at = end + 2,
                Some(_) => return false,
            }
        }
    }

    /// The fields without quotes from one place to another.
    fn bare(&mut self, from: usize, to: usize) {
        let text = &self.line[from..to];
        let mut start = 0;
        let mut push = |start: usize, end: usize| {
            let field = &text[start..end];
            let null = self.null == Some(field) || self.null_word && field == b"NULL";
            let first = self.from + from;
            self.block.push(first + start, first + end, null);
        };
        for_each_place(self.separator, text, |end| {
            push(start, end);
            start = end + 1;
        });
        push(start, text.len());
    }
}

/// The byte between fields, where it is one, and lines end with a newline and begin with nothing of their own.
pub(super) fn separator(options: &CsvReadOptions, newline: bool) -> Option<u8> {
    let [byte] = *options.fields_terminated.as_bytes() else {
        return None;
    };
    let is_else = matches!(byte, b'\n' | b'\r')
        || options.enclosed == Some(byte)
        || options.escaped == Some(byte)
        // The end of a line may be theirs.
        || [options.enclosed, options.escaped].contains(&Some(b'\r'));
    (newline && options.lines_starting.is_empty() && !is_else).then_some(byte)
}

/// Calls with each place of `byte`, in order. Fields are short: it is faster than a search for each.
pub(super) fn for_each_place(byte: u8, text: &[u8], mut call: impl FnMut(usize)) {
    const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
    let wanted = u64::from_ne_bytes([byte; 8]);
    let (words, rest) = text.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let different = u64::from_le_bytes(*word) ^ wanted;
        // The highest bit of each byte that is zero, and of no other.
        let mut found = !(((different & LOW) + LOW) | different | LOW);
        while found != 0 {
            call(number * 8 + found.trailing_zeros() as usize / 8);
            found &= found - 1;
        }
    }
    let done = words.len() * 8;
    for (number, at) in rest.iter().enumerate() {
        if *at == byte {
            call(done + number);
        }
    }
}
