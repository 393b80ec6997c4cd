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
    /// Its calls of functions on stages, in order.
    pub stage_functions: Vec<StageFunctionCall>,
}

/// Equal when the texts are; the rest follows from the text and its place.
impl PartialEq for QueryText {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
            && self.staged_files == other.staged_files
            && self.stage_functions == other.stage_functions
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

/// A call `stage_list('stage://…')` or `DIRECTORY('stage')` in the place of a table, or `load_file('stage://…')` anywhere. The argument is a
/// literal: what a query reads is known before it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageFunctionCall {
    /// The bytes of [`QueryText::text`] from the function's name to the closing parenthesis.
    pub range: Range<usize>,
    /// Which function.
    pub function: StageFunction,
    /// The literal's value.
    pub argument: String,
}

/// A function on a stage's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageFunction {
    /// `stage_list`: a table of files.
    List,
    /// `load_file`: the content of one.
    Load,
    /// `DIRECTORY`: the stage's directory table. The argument is the stage's name.
    Directory,
}

impl StageFunction {
    /// Its name in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::List => "stage_list",
            Self::Load => "load_file",
            Self::Directory => "directory",
        }
    }
}
