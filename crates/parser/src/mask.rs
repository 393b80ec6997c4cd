//! [`mask_secrets`]: any text, also one that does not parse, with its secrets replaced.
//! For logs, audit and error messages; it would rather hide too much than too little.

use std::ops::Range;

use crate::lexer::{Lexer, Token, TokenKind};
use crate::plan::credentials::CredentialKey;
use crate::text::unquote;

/// What stands in place of a secret.
pub(crate) const MASK: &str = "******";

/// Options in braces that hold no secret.
const PUBLIC_KEYS: &[&str] = &[
    "filepath",
    "format",
    "compression",
    "jsondata",
    "write_file_pattern",
    "comment",
];

/// `sql` with every literal inside `CREDENTIALS = {…}`, and every other value in braces or behind
/// `IDENTIFIED BY` that may be a secret, replaced by `******`. Text that has the word
/// `CREDENTIALS` in an odd place, such as inside an unbalanced literal, is hidden from there on.
pub fn mask_secrets(sql: &str) -> String {
    masked(sql, &secret_ranges(sql), 0..sql.len())
}

/// The part `window` of `sql` with what `secrets` covers replaced. A secret that begins before
/// the window is shown at its start.
pub(crate) fn masked(sql: &str, secrets: &[Range<usize>], window: Range<usize>) -> String {
    let mut out = String::new();
    let mut at = window.start;
    for secret in secrets {
        if secret.end <= at || secret.start >= window.end {
            continue;
        }
        out.push_str(sql.get(at..secret.start.max(at)).unwrap_or_default());
        out.push_str(MASK);
        at = secret.end;
    }
    out.push_str(sql.get(at..window.end.max(at)).unwrap_or_default());
    out
}

/// The ranges of `sql` that may hold secrets, in order and apart.
pub(crate) fn secret_ranges(sql: &str) -> Vec<Range<usize>> {
    let mut scan = Scan {
        sql,
        ranges: Vec::new(),
        state: State::Outside,
        depth: 0,
        last: None,
    };
    let mut lexer = Lexer::at(sql, 0);
    let mut behind = 0;
    loop {
        let Ok(next) = lexer.next_token() else {
            // An open literal: nobody knows any more what was meant to be inside of it.
            if scan.state != State::Outside || sql.contains('{') || tells(Some(sql)) {
                scan.hide_from(behind);
            }
            break;
        };
        let end = next.map_or(sql.len(), |token| token.span.start);
        if tells(sql.get(behind..end)) {
            // In a comment, which may be a statement that somebody switched off.
            scan.hide_from(behind);
            break;
        }
        let Some(token) = next else { break };
        if !scan.take(token) {
            scan.hide_from(token.span.start);
            break;
        }
        behind = token.span.end;
    }
    scan.ranges
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
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
    /// Behind IDENTIFIED BY.
    Password,
}

struct Scan<'a> {
    sql: &'a str,
    ranges: Vec<Range<usize>>,
    state: State,
    depth: usize,
    last: Option<Token>,
}

impl Scan<'_> {
    fn hide(&mut self, range: Range<usize>) {
        self.ranges.push(range);
    }

    /// Hides the rest from `at` on, and all from the first brace or telling word before that: what
    /// looked like code there may have been inside a literal, and the other way round.
    fn hide_from(&mut self, at: usize) {
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

    /// Takes one token; `false` asks for everything from it on to be hidden.
    fn take(&mut self, token: Token) -> bool {
        let last = self.last.replace(token);
        match self.state {
            State::Outside => self.take_outside(token, last),
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
            State::Credentials => match token.kind {
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
                TokenKind::Punct(b'=' | b',') => true,
                _ => false,
            },
            State::Braces { public } => self.take_in_braces(token, last, public),
            State::Password => {
                self.state = State::Outside;
                token.kind == TokenKind::Str && {
                    self.hide(token.span.range());
                    true
                }
            }
        }
    }

    fn take_outside(&mut self, token: Token, last: Option<Token>) -> bool {
        if token.is_word(self.sql, "CREDENTIALS") {
            self.state = State::Announced;
        } else if token.is(b'{') {
            self.state = State::Braces { public: false };
            self.depth = 1;
        } else if token.is_word(self.sql, "BY")
            && last.is_some_and(|last| last.is_word(self.sql, "IDENTIFIED"))
        {
            self.state = State::Password;
        } else if matches!(token.kind, TokenKind::Str | TokenKind::Quoted) {
            if tells(Some(token.text(self.sql))) {
                return false;
            }
        } else if token.kind == TokenKind::Word && tells(Some(token.text(self.sql))) {
            // A key directly behind a quote: literals and what is between them changed places.
            return !last.is_some_and(|last| {
                last.kind == TokenKind::Str && last.span.end == token.span.start
            });
        }
        true
    }

    fn take_in_braces(&mut self, token: Token, last: Option<Token>, public: bool) -> bool {
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
                return CredentialKey::from_name(&text).is_some() || !tells(Some(&text));
            }
            _ => {}
        }
        true
    }
}

fn key_text(token: Token, sql: &str) -> String {
    let text = token.text(sql);
    let key = if token.kind == TokenKind::Str {
        unquote(text)
    } else {
        text.to_owned()
    };
    key.to_ascii_lowercase()
}

/// Words that stand near secrets: where they turn up inside a literal or a comment, a quote was
/// forgotten or something was switched off.
const TELLING: &[&str] = &[
    "credentials",
    "access_key_id",
    "secret_access_key",
    "aws_key_id",
    "aws_secret_key",
    "aws_token",
    "aws_role",
];

fn tells(text: Option<&str>) -> bool {
    text.is_some_and(|text| first_telling(text.as_bytes()).is_some())
}

/// Where the first of the telling words is.
fn first_telling(bytes: &[u8]) -> Option<usize> {
    let is_first = |b: u8| matches!(b, b'a' | b'A' | b'c' | b'C' | b's' | b'S');
    let mut starts = bytes
        .iter()
        .enumerate()
        .filter(|(_, b)| is_first(**b))
        .map(|(at, _)| at);
    starts.find(|at| {
        TELLING.iter().any(|word| {
            let found = bytes.get(*at..*at + word.len());
            found.is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
        })
    })
}
