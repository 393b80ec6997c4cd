//! A script, read in pieces and split into statements by the server's own grammar.
//! Memory holds a piece or two and the statement that is not complete yet, however long the script is.

use std::collections::VecDeque;
use std::io;

use proto::v1::SplitScriptResponse;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::failure::Failure;

/// The most that is read at once, and sent to be split unless a long statement is unfinished.
const PIECE_BYTES_MAX: usize = 1024 * 1024;

/// From this length on, an unfinished statement is not split again at every few bytes.
const LONG_BYTES: usize = 64 * 1024;
/// The server takes no statement of this length, so growing faster than by this gains nothing.
const GROWTH_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A script from a reader.
#[derive(Debug)]
pub(crate) struct Script<R> {
    reader: R,
    /// Bytes read but not yet text: at most one character that a piece cut in two.
    tail: Vec<u8>,
    /// Text that no statement has been made of yet; it begins on line `line`.
    rest: String,
    line: u64,
    ready: VecDeque<Located>,
    begun: bool,
    ended: bool,
}

/// One statement of a script.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) statement: String,
    /// The 1-based line of the script where it begins.
    pub(crate) line: u64,
}

/// Why a script cannot go on.
#[derive(Debug)]
pub(crate) enum ScriptError {
    /// It cannot be read.
    Read(io::Error),
    /// Its text is not UTF-8, on or after this line.
    NotUtf8 { line: u64 },
    /// The server could not split it.
    Split(Failure),
}

impl<R: AsyncRead + Unpin> Script<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self {
            reader,
            tail: Vec::new(),
            rest: String::new(),
            line: 1,
            ready: VecDeque::new(),
            begun: false,
            ended: false,
        }
    }

    /// The next statement, or `None` at the end. The last one needs no semicolon.
    /// `split` is the server's `SplitScript`.
    pub(crate) async fn next(
        &mut self,
        mut split: impl AsyncFnMut(String) -> Result<SplitScriptResponse, Failure>,
    ) -> Result<Option<Located>, ScriptError> {
        loop {
            if let Some(located) = self.ready.pop_front() {
                return Ok(Some(located));
            }
            if self.ended {
                return Ok(None);
            }
            if self.grow().await? {
                let answer = split(self.rest.clone()).await.map_err(ScriptError::Split)?;
                self.take(answer);
            } else {
                self.ended = true;
                self.end(&mut split).await?;
            }
        }
    }

    /// Appends text to `rest`; false at the end of the script. While a long statement is unfinished,
    /// it doubles, or splitting it again and again would take time in the square of its length.
    async fn grow(&mut self) -> Result<bool, ScriptError> {
        let before = self.rest.len();
        let wanted = if before < LONG_BYTES {
            1
        } else {
            before.min(GROWTH_BYTES_MAX)
        };
        while self.rest.len() < before + wanted {
            if !self.read().await? {
                break;
            }
        }
        Ok(self.rest.len() > before)
    }

    /// Appends one piece to `rest`; false at the end of the script.
    async fn read(&mut self) -> Result<bool, ScriptError> {
        let mut piece = std::mem::take(&mut self.tail);
        let carried = piece.len();
        piece.reserve_exact(PIECE_BYTES_MAX);
        let mut limited = (&mut self.reader).take((PIECE_BYTES_MAX - carried) as u64);
        if limited
            .read_buf(&mut piece)
            .await
            .map_err(ScriptError::Read)?
            == 0
        {
            return if carried == 0 {
                Ok(false)
            } else {
                Err(self.not_utf8(""))
            };
        }
        let valid = match std::str::from_utf8(&piece) {
            Ok(text) => text.len(),
            // The last character may only be cut in two; anything else is not text.
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(error) => {
                let good = String::from_utf8_lossy(&piece[..error.valid_up_to()]);
                return Err(self.not_utf8(&good));
            }
        };
        self.tail = piece.split_off(valid);
        let text = String::from_utf8_lossy(&piece);
        let begun = self.begun;
        self.begun |= !text.is_empty();
        // Only at the very beginning is U+FEFF a byte order mark.
        self.rest += if begun {
            &text
        } else {
            text.strip_prefix('\u{feff}').unwrap_or(&text)
        };
        Ok(true)
    }

    fn not_utf8(&self, good: &str) -> ScriptError {
        let lines = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count() as u64;
        ScriptError::NotUtf8 {
            line: self.line + lines(&self.rest) + lines(good),
        }
    }

    fn take(&mut self, answer: SplitScriptResponse) {
        let first_line = self.line;
        let line = |line: u32| first_line + u64::from(line.saturating_sub(1));
        self.ready
            .extend(answer.statements.into_iter().map(|found| Located {
                statement: found.statement,
                line: line(found.line),
            }));
        self.line = line(answer.rest_line);
        self.rest = answer.rest;
    }

    /// Makes the last statement of what is left. A semicolon tells a statement from mere comments;
    /// what is still unfinished then (an open string) goes to the server for its error message.
    async fn end(
        &mut self,
        split: &mut impl AsyncFnMut(String) -> Result<SplitScriptResponse, Failure>,
    ) -> Result<(), ScriptError> {
        if self.rest.trim().is_empty() {
            return Ok(());
        }
        let answer = split(format!("{}\n;", self.rest))
            .await
            .map_err(ScriptError::Split)?;
        if answer.rest.trim().is_empty() {
            self.take(answer);
        } else {
            let statement = std::mem::take(&mut self.rest);
            self.ready.push_back(Located {
                statement,
                line: self.line,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
