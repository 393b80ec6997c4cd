//! The scan over tokens that finds secrets without knowing the grammar: it has to work on
//! statements with a mistake in them, and those with a secret in the wrong place above all.

use std::ops::Range;

use super::braces::key_text;
use super::telling::{first_telling, tells};
use crate::lexer::{Token, TokenKind};
use crate::target::{endpoint_has_user_info, has_user_info, has_user_info_after_scheme};
use crate::text::unquote;

/// Words of a statement about accounts or users behind which a literal is no secret.
const PUBLIC_WORDS: &[&str] = &["ACCOUNT", "ADMIN_NAME", "COMMENT", "EXISTS", "ROLE", "USER"];

/// How much of a bare URL is looked at.
const URL_CHARS_MAX: usize = 1024;

/// Where in the text the scan is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Outside,
    /// Behind the word CREDENTIALS, which may still be a column's name.
    Announced,
    /// Behind `CREDENTIALS =`.
    Assigned,
    Credentials,
    /// In other braces; whether the value that comes may be shown.
    Braces {
        public: bool,
    },
    /// Behind IDENTIFIED BY or SET PASSWORD: what comes is a secret or a parameter.
    Password,
    /// Behind a word that ends in PASSWORD, which may be a column's name.
    MaybePassword,
    /// Behind the `:` of a parameter; whether that is inside of CREDENTIALS.
    Parameter {
        in_credentials: bool,
    },
}

/// How the statement begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// No token of it was seen yet.
    Nothing,
    /// CREATE or ALTER.
    Making,
    /// CREATE or ALTER, then USER or ACCOUNT, or SET PASSWORD: its literals are secrets where
    /// nothing else is known of them.
    Access,
    /// SET.
    Setting,
    /// Anything else.
    Other,
}

pub(super) struct Scan<'a> {
    pub(super) sql: &'a str,
    ranges: Vec<Range<usize>>,
    pub(super) state: State,
    opening: Opening,
    /// How many braces are open.
    pub(super) depth: usize,
    /// The last token and the one before it.
    pub(super) before: [Option<Token>; 2],
}

impl<'a> Scan<'a> {
    pub(super) fn new(sql: &'a str) -> Self {
        Self {
            sql,
            ranges: Vec::new(),
            state: State::Outside,
            opening: Opening::Nothing,
            depth: 0,
            before: [None, None],
        }
    }

    pub(super) fn into_ranges(self) -> Vec<Range<usize>> {
        self.ranges
    }

    /// Takes a literal that is never closed, behind `behind`: nobody knows any more what was meant
    /// to be inside of it.
    pub(super) fn take_open(&mut self, behind: usize) {
        let rest = self.sql.get(behind..).unwrap_or_default();
        // Of a URL, the `@` that tells a secret from a host may be what is missing.
        let secret = self.state != State::Outside || rest.contains("://") || self.at_endpoint();
        if self.opening == Opening::Setting {
            // The quote may stand inside of PASSWORD.
            self.hide_from(self.sql.find(['\'', '"', '`']).unwrap_or(behind));
        } else if secret
            || self.opening == Opening::Access
            || self.sql.contains('{')
            || tells(Some(self.sql))
        {
            self.hide_from(behind);
        }
    }

    pub(super) fn hide(&mut self, range: Range<usize>) {
        if self
            .ranges
            .last()
            .is_none_or(|last| last.end <= range.start)
        {
            self.ranges.push(range);
        }
    }

    /// Hides the rest from `at` on, and all from the first brace or telling word before that: what
    /// looked like code there may have been inside a literal, and the other way round.
    pub(super) fn hide_from(&mut self, at: usize) {
        let before = self.sql.get(..at).unwrap_or_default();
        let telling = first_telling(before.as_bytes());
        let start = [before.find('{'), telling, Some(at)]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(at);
        self.ranges.retain(|range| range.end <= start);
        self.ranges.push(start..self.sql.len());
    }

    fn is_word(&self, token: Option<Token>, words: &[&str]) -> bool {
        token.is_some_and(|token| token.is_any(self.sql, words))
    }

    /// Takes one token; `false` asks for everything from it on to be hidden.
    pub(super) fn take(&mut self, token: Token) -> bool {
        if self.holds_user_info(token) {
            self.hide(token.span.range());
        }
        let goes_on = self.take_in_state(token);
        self.open(token);
        self.before = [Some(token), self.before[0]];
        goes_on
    }

    /// What the first tokens say about the statement.
    fn open(&mut self, token: Token) {
        self.opening = match self.opening {
            _ if token.is(b';') => Opening::Nothing,
            Opening::Nothing if token.is_any(self.sql, &["CREATE", "ALTER"]) => Opening::Making,
            Opening::Nothing if token.is_word(self.sql, "SET") => Opening::Setting,
            Opening::Nothing => Opening::Other,
            Opening::Making if token.is_any(self.sql, &["USER", "ACCOUNT"]) => Opening::Access,
            Opening::Setting if token.is_word(self.sql, "PASSWORD") => Opening::Access,
            Opening::Making => Opening::Other,
            known @ (Opening::Access | Opening::Setting | Opening::Other) => known,
        };
    }

    /// Whether a literal is a URL with a user or a password in it.
    fn holds_user_info(&self, token: Token) -> bool {
        let text = token.text(self.sql);
        if token.kind != TokenKind::Str || !text.contains([':', '@']) {
            return false;
        }
        let value = unquote(text);
        has_user_info_after_scheme(&value) || self.at_endpoint() && endpoint_has_user_info(&value)
    }

    /// Behind `"endpoint" =`, where a URL has no scheme.
    fn at_endpoint(&self) -> bool {
        let [last, key] = self.before;
        last.is_some_and(|last| last.is(b'='))
            && key.is_some_and(|key| key_text(key, self.sql) == "endpoint")
    }

    fn take_in_state(&mut self, token: Token) -> bool {
        match self.state {
            State::Outside => self.take_outside(token),
            State::Announced | State::Assigned if token.is(b'{') => {
                self.state = State::Credentials;
                true
            }
            State::Announced if token.is(b'=') => {
                self.state = State::Assigned;
                true
            }
            State::Announced => {
                self.state = State::Outside;
                token.kind == TokenKind::Word
                    || [b',', b')', b';', b'.']
                        .map(|p| token.is(p))
                        .contains(&true)
            }
            State::Assigned => false,
            State::Credentials => self.take_in_credentials(token),
            State::Braces { public } => self.take_in_braces(token, public),
            State::Password => self.take_password(token),
            State::MaybePassword if token.is(b'=') => true,
            State::MaybePassword => {
                self.state = State::Outside;
                if token.kind == TokenKind::Str {
                    self.hide(token.span.range());
                    return true;
                }
                self.take_outside(token)
            }
            State::Parameter { in_credentials } => {
                self.state = if in_credentials {
                    State::Credentials
                } else {
                    State::Outside
                };
                token.kind == TokenKind::Word
            }
        }
    }

    fn take_outside(&mut self, token: Token) -> bool {
        let last = self.before[0];
        match token.kind {
            TokenKind::Word => self.take_word(token, last),
            TokenKind::Str | TokenKind::Quoted if tells(Some(token.text(self.sql))) => false,
            // The key of an option whose brace is missing.
            TokenKind::Str
                if self.opening != Opening::Access && is_password(token.text(self.sql)) =>
            {
                self.state = State::MaybePassword;
                true
            }
            TokenKind::Str => {
                if self.opening == Opening::Access && !self.is_public(last) {
                    self.hide(token.span.range());
                }
                true
            }
            TokenKind::Punct(b'{') => {
                self.state = State::Braces { public: false };
                self.depth = 1;
                true
            }
            TokenKind::Punct(b'=') if self.opening == Opening::Access => {
                if !self.is_word(last, PUBLIC_WORDS) {
                    self.state = State::Password;
                }
                true
            }
            TokenKind::Punct(b':') => !self.bare_user_info(token),
            TokenKind::Quoted | TokenKind::Number | TokenKind::Punct(_) => true,
        }
    }

    fn take_word(&mut self, token: Token, last: Option<Token>) -> bool {
        let text = token.text(self.sql);
        let behind_literal = last
            .is_some_and(|last| last.kind == TokenKind::Str && last.span.end == token.span.start);
        let guarded = self.opening == Opening::Access;
        if token.is_word(self.sql, "CREDENTIALS") {
            self.state = State::Announced;
        } else if token.is_word(self.sql, "BY") && self.is_word(last, &["IDENTIFIED"])
            || token.is_word(self.sql, "PASSWORD") && self.is_word(last, &["SET"])
        {
            self.state = State::Password;
        } else if ends_in_password(text) {
            self.state = State::MaybePassword;
        } else if behind_literal && (guarded || tells(Some(text))) {
            // Directly behind a quote: literals and what is between them changed places.
            return false;
        }
        true
    }

    /// Whether what a literal stands behind says that it is no secret.
    fn is_public(&self, last: Option<Token>) -> bool {
        let word = if last.is_some_and(|last| last.is(b'=')) {
            self.before[1]
        } else {
            last
        };
        self.is_word(word, PUBLIC_WORDS)
    }

    /// Whether the `:` begins the `://` of a URL without quotes that has a user in it.
    fn bare_user_info(&self, token: Token) -> bool {
        let rest = self.sql.get(token.span.start..).unwrap_or_default();
        let Some(rest) = rest.strip_prefix("://") else {
            return false;
        };
        let url: String = rest
            .chars()
            .take(URL_CHARS_MAX)
            .take_while(|c| !c.is_whitespace())
            .collect();
        has_user_info(&url)
    }

    fn take_password(&mut self, token: Token) -> bool {
        match token.kind {
            TokenKind::Punct(b'=') => return true,
            TokenKind::Punct(b':') => {
                self.state = State::Parameter {
                    in_credentials: false,
                };
                return true;
            }
            _ => self.state = State::Outside,
        }
        match token.kind {
            TokenKind::Str => {
                self.hide(token.span.range());
                true
            }
            // SET PASSWORD FOR somebody = 'password'
            TokenKind::Word if token.is_word(self.sql, "FOR") => true,
            TokenKind::Punct(b'?') => true,
            TokenKind::Word | TokenKind::Number | TokenKind::Quoted | TokenKind::Punct(_) => false,
        }
    }
}

/// Whether a literal is the word, whatever its quotes are.
fn is_password(literal: &str) -> bool {
    literal.len() == "'password'".len()
        && literal
            .get(1..9)
            .is_some_and(|word| word.eq_ignore_ascii_case("password"))
}

fn ends_in_password(word: &str) -> bool {
    let start = word.len().saturating_sub("password".len());
    word.get(start..)
        .is_some_and(|end| end.eq_ignore_ascii_case("password"))
}
