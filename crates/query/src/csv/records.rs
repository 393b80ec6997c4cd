//! Bytes to records: a push parser that is fed chunks and gives back whole records,
//! each field unescaped, with NULL told apart from text.

use super::CsvReadOptions;

/// The fields of one record.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Unescaped bytes of all fields.
    bytes: Vec<u8>,
    /// Where each field ends in `bytes`, and whether it is NULL.
    fields: Vec<(usize, bool)>,
    /// The line it began on, from 1.
    pub(super) line: u64,
}

impl Record {
    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    /// A field's bytes; `None` is NULL.
    pub(super) fn field(&self, index: usize) -> Option<&[u8]> {
        let (end, null) = *self.fields.get(index)?;
        let start = if index == 0 {
            0
        } else {
            self.fields[index - 1].0
        };
        (!null).then(|| &self.bytes[start..end])
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.fields.clear();
    }
}

/// What the next step of the parser found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A record.
    Record,
    /// The chunk ends within a record: feed more, or say that this was all.
    More,
    /// The end.
    End,
}

/// The parser's state between chunks.
pub(super) struct Records {
    options: CsvReadOptions,
    buffer: Vec<u8>,
    at: usize,
    line: u64,
    ignore: u64,
    ended: bool,
}

impl Records {
    pub(super) fn new(options: CsvReadOptions) -> Self {
        let ignore = options.ignore_lines;
        Self {
            options,
            buffer: Vec::new(),
            at: 0,
            line: 1,
            ignore,
            ended: false,
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

    /// The bytes waiting for the rest of their record.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.buffer.len() - self.at
    }

    /// The next record into `record`.
    pub(super) fn next(&mut self, record: &mut Record) -> Step {
        loop {
            if self.at >= self.buffer.len() {
                return if self.ended { Step::End } else { Step::More };
            }
            record.clear();
            record.line = self.line;
            let Some((next, found)) = self.parse(record) else {
                return Step::More;
            };
            let lines = self.buffer[self.at..next]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            self.line += lines as u64;
            self.at = next;
            if self.ignore > 0 {
                self.ignore -= 1;
                continue;
            }
            if found {
                return Step::Record;
            }
        }
    }

    /// Parses one record from `self.at`; gives where the next begins, and whether there was one
    /// (not so without STARTING BY). `None` if more bytes are needed to tell.
    fn parse(&self, record: &mut Record) -> Option<(usize, bool)> {
        let (field_end, line_end) = (
            self.options.fields_terminated.as_bytes(),
            self.options.lines_terminated.as_bytes(),
        );
        let mut at = self.at;
        let starting = self.options.lines_starting.as_bytes();
        if !starting.is_empty() && self.ignore == 0 {
            let end = find(&self.buffer[at..], line_end).map(|offset| at + offset);
            if end.is_none() && !self.ended {
                return None;
            }
            let line = &self.buffer[at..end.unwrap_or(self.buffer.len())];
            match find(line, starting) {
                Some(offset) => at += offset + starting.len(),
                None => {
                    return Some((
                        end.map_or(self.buffer.len(), |end| end + line_end.len()),
                        false,
                    ));
                }
            }
        }
        loop {
            let enclosed = self.options.enclosed.is_some()
                && self.buffer.get(at) == self.options.enclosed.as_ref();
            let (end, after) = if enclosed {
                self.enclosed(at + 1, record)?
            } else {
                self.bare(at, record)?
            };
            match after {
                After::Field => at = end + field_end.len(),
                After::Line => return Some((end + line_end.len(), true)),
                After::CarriageLine => return Some((end + 1 + line_end.len(), true)),
                After::File => return Some((end, true)),
            }
        }
    }

    /// What stands at `at`: a terminator, the end of the file, or neither.
    /// `Err` if the chunk ends too early to tell.
    fn after(&self, at: usize) -> Result<Option<After>, ()> {
        let rest = &self.buffer[at..];
        if rest.is_empty() {
            return if self.ended {
                Ok(Some(After::File))
            } else {
                Err(())
            };
        }
        let (field_end, line_end) = (
            self.options.fields_terminated.as_bytes(),
            self.options.lines_terminated.as_bytes(),
        );
        // The longer terminator first: one may begin as the other.
        let mut ends = [(field_end, After::Field), (line_end, After::Line)];
        if line_end.len() > field_end.len() {
            ends.swap(0, 1);
        }
        for (terminator, after) in ends {
            if rest.starts_with(terminator) {
                return Ok(Some(after));
            }
            if !self.ended && terminator.starts_with(rest) {
                return Err(());
            }
        }
        if rest[0] == b'\r' && self.options.strip_carriage_return && line_end == b"\n" {
            match rest.get(1) {
                Some(b'\n') => return Ok(Some(After::CarriageLine)),
                None if !self.ended => return Err(()),
                _ => {}
            }
        }
        Ok(None)
    }

    fn enclosed(&self, from: usize, record: &mut Record) -> Option<(usize, After)> {
        let quote = self.options.enclosed?;
        let mut at = from;
        loop {
            let Some(byte) = self.buffer.get(at).copied() else {
                // A quote that is never closed ends with the file.
                return self.ended.then(|| {
                    record.fields.push((record.bytes.len(), false));
                    (at, After::File)
                });
            };
            if byte == quote {
                match self.buffer.get(at + 1) {
                    Some(next) if *next == quote => {
                        record.bytes.push(quote);
                        at += 2;
                        continue;
                    }
                    None if !self.ended => return None,
                    _ => {}
                }
                if let Some(after) = self.after(at + 1).ok()? {
                    record.fields.push((record.bytes.len(), false));
                    return Some((at + 1, after));
                }
                // A quote within a field: MySQL takes it as it is.
                record.bytes.push(quote);
                at += 1;
            } else if Some(byte) == self.options.escaped {
                at = self.escape(at, record)?;
            } else {
                record.bytes.push(byte);
                at += 1;
            }
        }
    }

    fn bare(&self, from: usize, record: &mut Record) -> Option<(usize, After)> {
        let start = record.bytes.len();
        let mut at = from;
        loop {
            if let Some(after) = self.after(at).ok()? {
                let raw = &self.buffer[from..at];
                record.fields.push((
                    record.bytes.len(),
                    self.is_null(raw, &record.bytes[start..]),
                ));
                return Some((at, after));
            }
            if Some(self.buffer[at]) == self.options.escaped {
                at = self.escape(at, record)?;
            } else {
                record.bytes.push(self.buffer[at]);
                at += 1;
            }
        }
    }

    fn is_null(&self, raw: &[u8], text: &[u8]) -> bool {
        match &self.options.null {
            Some(null) => raw == null.as_bytes(),
            None => {
                self.options
                    .escaped
                    .is_some_and(|escape| raw == [escape, b'N'])
                    || self.options.enclosed.is_some() && text == b"NULL"
            }
        }
    }

    fn escape(&self, at: usize, record: &mut Record) -> Option<usize> {
        let Some(next) = self.buffer.get(at + 1).copied() else {
            return self.ended.then(|| {
                record.bytes.push(self.buffer[at]);
                at + 1
            });
        };
        record.bytes.push(match next {
            b'0' => 0,
            b'b' => 8,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'Z' => 26,
            other => other,
        });
        Some(at + 2)
    }
}

enum After {
    Field,
    Line,
    CarriageLine,
    File,
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests;
