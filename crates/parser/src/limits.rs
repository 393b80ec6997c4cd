//! [`Limits`]: how long and how deeply nested a statement may be.
//! Checked in one linear pass before the grammar runs, so that no input can exhaust the stack.

use crate::error::{ErrorKind, ParseError};
use crate::lexer::{Lexer, Open, Token, TokenKind, Unterminated};

/// What a statement may cost before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest text, in bytes.
    pub statement_bytes_max: usize,
    /// The deepest nesting of `(`, `[` and `{` together.
    pub nesting_max: usize,
}

/// 8 MiB and 64 levels.
impl Default for Limits {
    fn default() -> Self {
        Self {
            statement_bytes_max: 8 << 20,
            nesting_max: 64,
        }
    }
}

impl Limits {
    /// Refuses what is too long, too deep or ends inside a literal or a comment, and says on the
    /// way where the first statement stands: long texts are not scanned once more for that.
    pub(crate) fn check(&self, sql: &str) -> Result<Extent, ParseError> {
        if sql.len() > self.statement_bytes_max {
            let message = format!(
                "a statement of {} bytes is longer than the {} that are permitted",
                sql.len(),
                self.statement_bytes_max
            );
            return Err(ParseError::new(ErrorKind::TooLong, sql, 0..0, message));
        }
        let mut lexer = Lexer::at(sql, 0);
        let mut depth = 0usize;
        let mut extent = Extent::default();
        let mut ended = false;
        while let Some(token) = lexer.next_token().map_err(|open| unterminated(sql, open))? {
            match token.kind {
                TokenKind::Punct(b'(' | b'[' | b'{') => {
                    depth += 1;
                    if depth > self.nesting_max {
                        let message = format!(
                            "brackets are nested deeper than {} levels",
                            self.nesting_max
                        );
                        let span = token.span.range();
                        return Err(ParseError::new(ErrorKind::TooDeep, sql, span, message));
                    }
                }
                TokenKind::Punct(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
                TokenKind::Punct(b';') => {
                    ended = true;
                    continue;
                }
                _ => {}
            }
            if ended {
                extent.next.get_or_insert(token);
            } else {
                extent.first.get_or_insert(token);
                extent.end = token.span.end;
            }
        }
        Ok(extent)
    }
}

/// Where the first statement of a text stands.
#[derive(Default)]
pub(crate) struct Extent {
    /// Its first token; `None` where nothing stands before the first `;`.
    pub(crate) first: Option<Token>,
    /// Where its last token ends.
    pub(crate) end: usize,
    /// The first token behind a `;`.
    pub(crate) next: Option<Token>,
}

/// The error for text that ends inside a literal or a comment; it points at where that began.
pub(crate) fn unterminated(sql: &str, what: Unterminated) -> ParseError {
    let (thing, end) = match what.open {
        Open::SingleQuote => ("string", "'"),
        Open::DoubleQuote => ("string", "\""),
        Open::Backquote => ("name", "`"),
        Open::Comment => ("comment", "*/"),
    };
    let message = format!("the {thing} that begins here is never closed with {end}");
    ParseError::new(ErrorKind::Syntax, sql, what.start..sql.len(), message)
}
