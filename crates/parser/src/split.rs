//! [`split`]: a script into its statements, for shells and script runners.
//! It knows strings, comments and backquotes, and no grammar.

use crate::lexer::{Lexer, Open, Unterminated};
use crate::span::Span;

/// The statements of a script and what is left behind the last `;`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split<'a> {
    /// The statements that a `;` ends, in order. Empty ones are left out.
    pub statements: Vec<StatementText<'a>>,
    /// The text behind the last `;`, from its first token on; empty when there is none.
    /// A script's last statement may stand here when its `;` is missing.
    pub rest: &'a str,
    /// Byte offset of `rest`.
    pub rest_offset: usize,
    /// Line on which `rest` begins, from 1.
    pub rest_line: usize,
    /// What `rest` was in the middle of when the text ended: a shell asks for more.
    pub open: Option<Open>,
}

/// One statement of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementText<'a> {
    /// From the first token to the last, without the `;`.
    pub text: &'a str,
    /// Byte offset of `text` in the script.
    pub offset: usize,
    /// Line on which it begins, from 1.
    pub line: usize,
}

/// Splits `text` at each `;` outside strings, comments and backquotes.
pub fn split(text: &str) -> Split<'_> {
    let mut found = Split {
        rest_line: 1,
        ..Split::default()
    };
    let mut lines = LineCounter {
        text,
        at: 0,
        line: 1,
    };
    let mut lexer = Lexer::at(text, 0);
    let mut statement: Option<Span> = None;
    loop {
        match lexer.next_token() {
            Ok(Some(token)) if token.is(b';') => {
                if let Some(span) = statement.take() {
                    found.statements.push(StatementText {
                        text: text.get(span.range()).unwrap_or_default(),
                        offset: span.start,
                        line: lines.line_of(span.start),
                    });
                }
            }
            Ok(Some(token)) => {
                let start = statement.map_or(token.span.start, |span| span.start);
                statement = Some(Span::new(start, token.span.end));
            }
            Ok(None) => {
                let start = statement.map_or(text.len(), |span| span.start);
                found.set_rest(text, start, &mut lines);
                return found;
            }
            Err(Unterminated { open, start }) => {
                let start = statement.map_or(start, |span| span.start);
                found.set_rest(text, start, &mut lines);
                found.open = Some(open);
                return found;
            }
        }
    }
}

impl<'a> Split<'a> {
    fn set_rest(&mut self, text: &'a str, start: usize, lines: &mut LineCounter<'_>) {
        self.rest = text.get(start..).unwrap_or_default();
        self.rest_offset = start;
        self.rest_line = lines.line_of(start);
    }
}

/// Counts lines once, for offsets that only grow.
struct LineCounter<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl LineCounter<'_> {
    fn line_of(&mut self, offset: usize) -> usize {
        let passed = self
            .text
            .as_bytes()
            .get(self.at..offset)
            .unwrap_or_default();
        self.line += passed.iter().filter(|b| **b == b'\n').count();
        self.at = offset;
        self.line
    }
}
