//! [`QueryText`]: a query kept verbatim for the engine, with the staged files it reads.

use std::ops::Range;

use crate::lexer::{Lexer, TokenKind};
use crate::span::Span;
use crate::text::{fold_name, unquote};

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

impl QueryText {
    /// `VALUES (…)` of these expressions, for a row that stood at `span` in another form.
    pub(crate) fn values(span: Span, expressions: &[Self]) -> Self {
        let mut row = Self {
            text: "VALUES (".to_owned(),
            span,
            ..Self::default()
        };
        for (at, expression) in expressions.iter().enumerate() {
            row.text.push_str(if at > 0 { ", " } else { "" });
            let before = row.text.len();
            row.text.push_str(&expression.text);
            let moved = |range: &Range<usize>| before + range.start..before + range.end;
            row.staged_files
                .extend(expression.staged_files.iter().map(|file| StagedFile {
                    range: moved(&file.range),
                    ..file.clone()
                }));
            let calls = expression.stage_functions.iter();
            row.stage_functions
                .extend(calls.map(|call| StageFunctionCall {
                    range: moved(&call.range),
                    ..call.clone()
                }));
        }
        row.text.push(')');
        row
    }

    /// The text with each user variable, `@name`, replaced by what `column` gives for its name.
    ///
    /// # Errors
    /// The name of the first variable for which it gives nothing.
    pub fn with_variables(
        &self,
        column: impl Fn(&str) -> Option<String>,
    ) -> Result<QueryText, String> {
        let mut parts = Vec::new();
        let mut lexer = Lexer::at(&self.text, 0);
        let mut at: Option<Span> = None;
        // The text was read to its end once already.
        while let Ok(Some(token)) = lexer.next_token() {
            let before = at.take();
            if token.is(b'@') {
                // `@@name` is a variable of the server.
                let system = before.is_some_and(|before| before.end == token.span.start);
                at = (!system).then_some(token.span);
                continue;
            }
            let Some(sign) = before.filter(|sign| sign.end == token.span.start) else {
                continue;
            };
            if !matches!(
                token.kind,
                TokenKind::Word | TokenKind::Quoted | TokenKind::Str
            ) {
                continue;
            }
            let name = match token.kind {
                TokenKind::Str => unquote(token.text(&self.text)).to_lowercase(),
                _ => fold_name(token.text(&self.text)),
            };
            let text = column(&name).ok_or(name)?;
            parts.push((sign.start..token.span.end, text));
        }
        Ok(self.replaced(parts))
    }

    /// The text with other texts in the place of some parts of it, which are given in their order. None of them stands
    /// within a file's literal or a call's argument.
    pub(crate) fn replaced(&self, parts: Vec<(Range<usize>, String)>) -> QueryText {
        let mut replaced = Self {
            span: self.span,
            staged_files: self.staged_files.clone(),
            stage_functions: self.stage_functions.clone(),
            ..Self::default()
        };
        let mut from = 0;
        for (range, text) in parts {
            replaced.text.push_str(&self.text[from..range.start]);
            replaced.text.push_str(&text);
            let (end, old, new) = (range.end, range.len(), text.len());
            let moved = |original: &Range<usize>, range: &mut Range<usize>| {
                if original.start >= end {
                    *range = range.start + new - old..range.end + new - old;
                }
            };
            for (file, original) in replaced.staged_files.iter_mut().zip(&self.staged_files) {
                moved(&original.range, &mut file.range);
            }
            let calls = replaced.stage_functions.iter_mut();
            for (call, original) in calls.zip(&self.stage_functions) {
                moved(&original.range, &mut call.range);
            }
            from = end;
        }
        replaced.text.push_str(&self.text[from..]);
        replaced
    }
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
