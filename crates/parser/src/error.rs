//! [`ParseError`]: what is wrong, where, and what would be right.
//! Its texts are masked when it is made, so that no error can carry a secret.

use std::fmt;
use std::ops::Range;

use crate::mask::{masked, secret_ranges};
use crate::span::Span;

/// How messages call the end; always the last of what is expected.
pub(crate) const END: &str = "the end of the statement";

/// How many characters of the rest of the text a message shows.
const NEAR_CHARS_MAX: usize = 40;

/// The kind of a [`ParseError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text does not follow the grammar.
    Syntax,
    /// The text is longer than [`Limits::statement_bytes_max`](crate::Limits::statement_bytes_max).
    TooLong,
    /// Brackets are nested deeper than [`Limits::nesting_max`](crate::Limits::nesting_max).
    TooDeep,
    /// A statement that is known elsewhere, but not here.
    Unsupported,
    /// A value outside its set, an option given twice, an unknown key.
    Invalid,
}

/// Why a text is no statement. `Display` gives the text that MySQL clients see:
/// `SQL parser error: You have an error in your SQL syntax; <message> at line L column C near "…"`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", Shown(self))]
pub struct ParseError {
    inner: Box<Inner>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    message: String,
    expected: Vec<String>,
    span: Span,
    line: usize,
    column: usize,
    near: String,
}

impl ParseError {
    /// `message` must not hold a value that may be a secret.
    pub(crate) fn new(
        kind: ErrorKind,
        sql: &str,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        let (line, column) = position(sql, span.start);
        // A text beyond the limit may be beyond any size: look at its beginning only.
        let seen = if kind == ErrorKind::TooLong {
            prefix(sql, 4096)
        } else {
            sql
        };
        let near = near(seen, span.start);
        let message = message.into();
        let span = Span::new(span.start, span.end);
        let inner = Inner {
            kind,
            message,
            expected: Vec::new(),
            span,
            line,
            column,
            near,
        };
        Self {
            inner: Box::new(inner),
        }
    }

    /// The same error of another text, of which it is about these bytes.
    pub(crate) fn placed(self, sql: &str, span: Span) -> Self {
        let Inner {
            kind,
            message,
            expected,
            ..
        } = *self.inner;
        Self::new(kind, sql, span.range(), message).expecting(expected)
    }

    /// Says what would have been right; an empty message becomes "expected A, B or C".
    pub(crate) fn expecting(mut self, expected: Vec<String>) -> Self {
        if self.inner.message.is_empty() {
            self.inner.message = format!("expected {}", one_of(&expected));
        }
        self.inner.expected = expected;
        self
    }

    /// The same error for a part of a statement, behind which `what` comes and not the end.
    pub(crate) fn with_end_as(mut self, what: &[&str]) -> Self {
        let expected = &mut self.inner.expected;
        if expected.last().is_some_and(|last| last == END) {
            expected.pop();
            expected.extend(what.iter().map(|item| (*item).to_owned()));
            self.inner.message = format!("expected {}", one_of(expected));
        }
        self
    }

    /// What the caller may make of it.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// What is wrong, without the position.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// What would have been right at this place; empty where that is not known.
    pub fn expected(&self) -> &[String] {
        &self.inner.expected
    }

    /// The bytes of the text that the error is about.
    pub fn span(&self) -> Span {
        self.inner.span
    }

    /// Line, from 1.
    pub fn line(&self) -> usize {
        self.inner.line
    }

    /// Column in characters, from 1.
    pub fn column(&self) -> usize {
        self.inner.column
    }

    /// The masked beginning of the text from the error's place on, at most 40 characters.
    pub fn near(&self) -> &str {
        &self.inner.near
    }

    /// A picture of the place for terminals: message, line, and a caret under the column.
    /// `sql` is the text that was parsed; secrets in it are shown as `******`.
    pub fn report(&self, sql: &str) -> String {
        let Inner {
            message,
            span,
            line,
            column,
            ..
        } = &*self.inner;
        let at = span.start.min(sql.len());
        let start = sql
            .get(..at)
            .and_then(|head| head.rfind('\n'))
            .map_or(0, |n| n + 1);
        let end = sql
            .get(at..)
            .and_then(|tail| tail.find('\n'))
            .map_or(sql.len(), |n| at + n);
        let secrets = secret_ranges(sql);
        let before = masked(sql, &secrets, start..at);
        let shown = masked(sql, &secrets, start..end);
        // A secret can span lines; the picture has one.
        let shown = shown.lines().next().unwrap_or_default();
        let indent = before.chars().count().min(shown.chars().count());
        let number = line.to_string();
        let gutter = " ".repeat(number.len());
        let indent: String = shown
            .chars()
            .take(indent)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        format!(
            "error: {message}\n{gutter}--> line {line}, column {column}\n{gutter} |\n\
             {number} | {shown}\n{gutter} | {indent}^"
        )
    }
}

struct Shown<'a>(&'a ParseError);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            message,
            line,
            column,
            near,
            ..
        } = &*self.0.inner;
        write!(
            f,
            "SQL parser error: You have an error in your SQL syntax; \
             {message} at line {line} column {column} near \"{near}\""
        )
    }
}

/// `A`, `A or B`, `A, B or C`.
pub(crate) fn one_of<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [head @ .., last] => {
            let head: Vec<&str> = head.iter().map(AsRef::as_ref).collect();
            format!("{} or {}", head.join(", "), last.as_ref())
        }
    }
}

fn position(sql: &str, at: usize) -> (usize, usize) {
    let head = sql.get(..at).unwrap_or(sql);
    let line_start = head.rfind('\n').map_or(0, |n| n + 1);
    let line = head.bytes().filter(|b| *b == b'\n').count() + 1;
    (line, head[line_start..].chars().count() + 1)
}

fn near(sql: &str, at: usize) -> String {
    let secrets = secret_ranges(sql);
    let mut end = at;
    // Enough text for the shown characters, even when some of it is masked away.
    for secret in &secrets {
        if secret.start <= end + 4 * NEAR_CHARS_MAX {
            end = end.max(secret.end);
        }
    }
    let mut end = (end + 4 * NEAR_CHARS_MAX).min(sql.len());
    while !sql.is_char_boundary(end) {
        end -= 1;
    }
    let rest = masked(sql, &secrets, at.min(end)..end);
    rest.chars().take(NEAR_CHARS_MAX).collect()
}

fn prefix(sql: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(sql.len());
    while !sql.is_char_boundary(end) {
        end -= 1;
    }
    &sql[..end]
}
