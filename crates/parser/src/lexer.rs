//! The lexer shared by the limits, the splitter, the masking and the capture of query text:
//! one linear pass over bytes that knows strings, comments and backquotes and nothing else.

use crate::span::Span;

/// What a token is. Comments and blanks are no tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A bare word: keyword or identifier.
    Word,
    /// Digits and what belongs to them.
    Number,
    /// A literal in `'` or `"`.
    Str,
    /// An identifier in backquotes.
    Quoted,
    /// One byte of punctuation, or a run of dashes.
    Punct(u8),
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
}

/// What the text was in the middle of when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// A string in `'`.
    SingleQuote,
    /// A string in `"`.
    DoubleQuote,
    /// An identifier in backquotes.
    Backquote,
    /// A `/* … */` comment.
    Comment,
}

/// Text that ended inside a literal or a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unterminated {
    pub(crate) open: Open,
    /// Offset of the opening quote or comment.
    pub(crate) start: usize,
}

/// A cursor over the tokens of a text.
#[derive(Clone)]
pub(crate) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

pub(crate) fn is_word_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || b == b'$' || b >= 0x80
}

pub(crate) fn is_word_part(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

impl<'a> Lexer<'a> {
    /// Begins at byte `at` of `text`, which must be between tokens.
    pub(crate) fn at(text: &'a str, at: usize) -> Self {
        Self {
            bytes: text.as_bytes(),
            at,
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    /// Moves behind blanks and comments.
    pub(crate) fn skip_blanks(&mut self) -> Result<(), Unterminated> {
        while let Some(b) = self.peek(0) {
            match b {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => self.at += 1,
                b'#' => self.skip_line(),
                b'-' if self.comment_dashes() => self.skip_line(),
                b'/' if self.peek(1) == Some(b'*') => self.skip_block_comment()?,
                0xef if self.bytes[self.at..].starts_with(BYTE_ORDER_MARK) => {
                    self.at += BYTE_ORDER_MARK.len();
                }
                _ => break,
            }
        }
        Ok(())
    }

    /// How many dashes stand here.
    fn dashes(&self) -> usize {
        self.bytes[self.at..]
            .iter()
            .take_while(|b| **b == b'-')
            .count()
    }

    /// As in MySQL, `1--2` is no comment: a blank or the end must follow the dashes. Unlike there,
    /// a longer run is a comment from its first dash on; were it from the last but one, then what
    /// is left in front of it could begin a comment when it is printed.
    fn comment_dashes(&self) -> bool {
        let dashes = self.dashes();
        dashes >= 2 && self.peek(dashes).is_none_or(|b| b <= b' ')
    }

    fn skip_line(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest
            .iter()
            .position(|b| *b == b'\n')
            .map_or(rest.len(), |n| n + 1);
    }

    fn skip_block_comment(&mut self) -> Result<(), Unterminated> {
        let start = self.at;
        let body = &self.bytes[start + 2..];
        match body.windows(2).position(|pair| pair == b"*/") {
            Some(n) => {
                self.at = start + 2 + n + 2;
                Ok(())
            }
            None => {
                self.at = self.bytes.len();
                Err(Unterminated {
                    open: Open::Comment,
                    start,
                })
            }
        }
    }

    /// The next token, or `None` at the end of the text.
    pub(crate) fn next_token(&mut self) -> Result<Option<Token>, Unterminated> {
        self.skip_blanks()?;
        let start = self.at;
        let Some(first) = self.peek(0) else {
            return Ok(None);
        };
        let kind = match first {
            b'\'' => self.quoted(b'\'', true, Open::SingleQuote, TokenKind::Str)?,
            b'"' => self.quoted(b'"', true, Open::DoubleQuote, TokenKind::Str)?,
            b'`' => self.quoted(b'`', false, Open::Backquote, TokenKind::Quoted)?,
            b'0'..=b'9' => self.number(),
            b if is_word_start(b) => {
                self.skip_word();
                TokenKind::Word
            }
            // A run is one token, so that it is not counted again at each of its dashes.
            b'-' => {
                self.at += self.dashes();
                TokenKind::Punct(b'-')
            }
            b => {
                self.at += 1;
                TokenKind::Punct(b)
            }
        };
        Ok(Some(Token {
            kind,
            span: Span::new(start, self.at),
        }))
    }

    fn skip_word(&mut self) {
        while self.peek(0).is_some_and(is_word_part) {
            self.at += 1;
        }
    }

    fn number(&mut self) -> TokenKind {
        self.skip_word();
        if self.peek(0) == Some(b'.') {
            self.at += 1;
            // Only digits: in `1.FROM t` the word is a keyword.
            while self.peek(0).is_some_and(|b| b.is_ascii_digit()) {
                self.at += 1;
            }
        }
        TokenKind::Number
    }

    /// A doubled quote needs no care of its own for finding the end: it reads as a second
    /// literal directly behind the first, so it is joined here.
    fn quoted(
        &mut self,
        quote: u8,
        escapes: bool,
        open: Open,
        kind: TokenKind,
    ) -> Result<TokenKind, Unterminated> {
        let start = self.at;
        self.at += 1;
        while let Some(b) = self.peek(0) {
            if b == b'\\' && escapes {
                self.at += 2;
            } else if b != quote {
                self.at += 1;
            } else if self.peek(1) == Some(quote) {
                self.at += 2;
            } else {
                self.at += 1;
                return Ok(kind);
            }
        }
        self.at = self.bytes.len();
        Err(Unterminated { open, start })
    }
}

impl Token {
    /// The token's text.
    pub(crate) fn text<'a>(&self, sql: &'a str) -> &'a str {
        sql.get(self.span.range()).unwrap_or_default()
    }

    /// Whether it is this bare word, in any case.
    pub(crate) fn is_word(&self, sql: &str, word: &str) -> bool {
        self.kind == TokenKind::Word && self.text(sql).eq_ignore_ascii_case(word)
    }

    /// Whether it is one of these bare words, in any case.
    pub(crate) fn is_any(&self, sql: &str, words: &[&str]) -> bool {
        self.kind == TokenKind::Word
            && words
                .iter()
                .any(|word| self.text(sql).eq_ignore_ascii_case(word))
    }

    /// Whether it is this punctuation.
    pub(crate) fn is(&self, punct: u8) -> bool {
        self.kind == TokenKind::Punct(punct)
    }
}
