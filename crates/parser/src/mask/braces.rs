//! The scan inside of braces: CREDENTIALS, whose keys are known, and options of other kinds.

use super::scan::{Scan, State};
use super::telling::tells;
use crate::lexer::{Token, TokenKind};
use crate::plan::credentials::CredentialKey;
use crate::text::unquote;

/// Options in braces that hold no secret.
const PUBLIC_KEYS: &[&str] = &[
    "filepath",
    "format",
    "compression",
    "jsondata",
    "write_file_pattern",
    "comment",
    "host",
    "port",
    "database",
    "dbname",
    "schema",
    "table",
    "sslmode",
    "formats",
    "max_bytes",
    "max_rows",
    "daily_bytes",
    "require_manifest",
    "formula_guard",
    "expires",
];

impl Scan<'_> {
    pub(super) fn take_in_credentials(&mut self, token: Token) -> bool {
        match token.kind {
            TokenKind::Str => {
                if CredentialKey::from_name(&unquote(token.text(self.sql))).is_none() {
                    self.hide(token.span.range());
                }
                true
            }
            TokenKind::Punct(b'}') => {
                self.state = State::Outside;
                true
            }
            TokenKind::Punct(b':') => {
                self.state = State::Parameter {
                    in_credentials: true,
                };
                true
            }
            TokenKind::Punct(b'=' | b',' | b'?') => true,
            TokenKind::Word | TokenKind::Number | TokenKind::Quoted | TokenKind::Punct(_) => false,
        }
    }

    pub(super) fn take_in_braces(&mut self, token: Token, public: bool) -> bool {
        let last = self.before[0];
        match token.kind {
            TokenKind::Punct(b'{') => self.depth += 1,
            TokenKind::Punct(b'}') => {
                self.depth -= 1;
                if self.depth == 0 {
                    self.state = State::Outside;
                }
            }
            TokenKind::Punct(b'=') => {
                let key = last
                    .map(|last| key_text(last, self.sql))
                    .unwrap_or_default();
                self.state = State::Braces {
                    public: PUBLIC_KEYS.contains(&key.as_str()),
                };
            }
            TokenKind::Punct(_) => {}
            _ if last.is_some_and(|last| last.is(b'=')) && public => {}
            _ if last.is_some_and(|last| last.is(b'=')) => self.hide(token.span.range()),
            TokenKind::Str => {
                let text = unquote(token.text(self.sql));
                // A key that is more than the key has its value in it: the `=` between them is missing.
                if text.to_ascii_lowercase().contains("password")
                    && !text.eq_ignore_ascii_case("password")
                {
                    return false;
                }
                return CredentialKey::from_name(&text).is_some() || !tells(Some(&text));
            }
            TokenKind::Word | TokenKind::Number | TokenKind::Quoted => {}
        }
        true
    }
}

/// A word or literal as a key, in lower case.
pub(super) fn key_text(token: Token, sql: &str) -> String {
    let text = token.text(sql);
    let key = if token.kind == TokenKind::Str {
        unquote(text)
    } else {
        text.to_owned()
    };
    key.to_ascii_lowercase()
}
