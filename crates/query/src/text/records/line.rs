//! Lines that are a record each, with neither quote nor escape: most are, and this way they are copied at once and looked
//! through eight bytes at a time.

use memchr::{memchr, memchr2};

use super::block::{Field, Place};
use super::{CsvReadOptions, Records};

impl Records {
    /// Reads a record that is one line without quotes and escapes, if that is there whole.
    pub(super) fn whole_line(&mut self, separator: u8) -> bool {
        let rest = &self.buffer[self.at..];
        let Some(length) = memchr(b'\n', rest) else {
            return false;
        };
        let line = &rest[..length];
        let is_bare = match (self.enclosed, self.escaped) {
            (Some(quote), Some(escape)) => memchr2(quote, escape, line).is_none(),
            (Some(byte), None) | (None, Some(byte)) => memchr(byte, line).is_none(),
            (None, None) => true,
        };
        if !is_bare {
            return false;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let place = Place {
            byte: self.block.bytes.len(),
            field: self.block.fields.len(),
            gap: 1,
            line: self.line,
        };
        self.block.bytes.extend_from_slice(line);
        let mut start = 0;
        for_each_place(separator, line, |end| {
            self.block.fields.push(Field {
                end: u32::try_from(place.byte + end).unwrap_or(u32::MAX),
                null: is_null(self.null.as_deref(), self.null_word, &line[start..end]),
            });
            start = end + 1;
        });
        let null = is_null(self.null.as_deref(), self.null_word, &line[start..]);
        self.block.push(null);
        self.block.records.push(place);
        self.at += length + 1;
        self.line += 1;
        true
    }
}

/// The byte between fields, where it is one, and lines end with a newline and begin with nothing of their own.
pub(super) fn separator(options: &CsvReadOptions, newline: bool) -> Option<u8> {
    let [byte] = *options.fields_terminated.as_bytes() else {
        return None;
    };
    let is_else = matches!(byte, b'\n' | b'\r')
        || options.enclosed == Some(byte)
        || options.escaped == Some(byte);
    (newline && options.lines_starting.is_empty() && !is_else).then_some(byte)
}

/// Whether a bare field without escapes is NULL.
fn is_null(null: Option<&[u8]>, null_word: bool, field: &[u8]) -> bool {
    null == Some(field) || null_word && field == b"NULL"
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
