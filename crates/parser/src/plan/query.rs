//! [`QueryText`]: a query kept verbatim for the engine, with the staged files it reads.

use std::ops::Range;

use crate::span::Span;

/// A query body as typed, from its first token to its last.
#[derive(Clone, Debug, Default)]
pub struct QueryText {
    /// The text, untouched: strings, comments and blanks inside it are as typed.
    pub text: String,
    /// Where it stood in the statement.
    pub span: Span,
    /// The files it reads from stages, in order.
    pub staged_files: Vec<StagedFile>,
}

/// Equal when the texts are; the rest follows from the text and its place.
impl PartialEq for QueryText {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.staged_files == other.staged_files
    }
}

impl Eq for QueryText {}

/// A string literal `'stage://…'` in the place of a table, with the options right behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedFile {
    /// The bytes of [`QueryText::text`] that a table name may replace: literal and options.
    pub range: Range<usize>,
    /// The literal's value, `stage://name/path`.
    pub target: String,
    /// `FORMAT 'csv', HEADER 'true', …` in order, names in upper case; values as typed, words and
    /// numbers as text.
    pub options: Vec<(String, String)>,
}
