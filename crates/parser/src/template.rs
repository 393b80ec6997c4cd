//! [`Template`]: a statement with a `?` for each value that is given later. The values are put into the text as
//! literals, and the text is then read as every other, so that limits, masking and plans stay one path.

mod value;

use crate::error::{ErrorKind, ParseError};
use crate::lexer::{Lexer, Token, TokenKind};
use crate::limits::{Limits, unterminated};
use crate::plan::Plan;
use crate::span::Span;
use crate::statement::{QUERY_WORDS, parse_with};

pub use value::{Date, DateTime, Time, Value};

/// Why values cannot take their places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// Too many or too few.
    #[error("the statement has {expected} parameters (each a ?), and {given} values were given")]
    Count {
        /// How many `?` stand in the statement.
        expected: usize,
        /// How many values there are.
        given: usize,
    },
    /// A value that no literal can say. Its text is not shown.
    #[error("the value of parameter {} is not valid: {what}", .position + 1)]
    Invalid {
        /// Which parameter, from 0.
        position: usize,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// A statement and where its parameters are: each `?` outside strings, comments and backquotes.
#[derive(Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    places: Vec<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// The byte of the `?`.
    at: usize,
    role: Role,
}

/// What stands there, so that the statement can be read before the value is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Value,
    /// Behind LIMIT and OFFSET, where no NULL can be.
    Count,
    /// Behind OUTFILE and INFILE, where a string has to be.
    File,
}

/// A statement whose parameters have their values.
#[derive(Clone, PartialEq, Eq)]
pub struct Filled<'t> {
    template: &'t Template,
    text: String,
    /// Where each value's literal stands in `text`.
    literals: Vec<Span>,
}

impl Template {
    /// Finds the parameters.
    ///
    /// # Errors
    /// A [`ParseError`] for a text that is too long, or ends inside a literal or a comment.
    pub fn new(text: &str, limits: &Limits) -> Result<Self, ParseError> {
        if text.len() > limits.statement_bytes_max {
            limits.check(text)?;
        }
        let mut places = Vec::new();
        let mut lexer = Lexer::at(text, 0);
        let mut before = Before::default();
        while let Some(token) = lexer
            .next_token()
            .map_err(|open| unterminated(text, open))?
        {
            if token.is(b'?') {
                let (at, role) = (token.span.start, before.role);
                places.push(Place { at, role });
            }
            before.passes(text, token);
        }
        Ok(Self {
            text: text.to_owned(),
            places,
        })
    }

    /// How many values it takes.
    pub fn parameters(&self) -> usize {
        self.places.len()
    }

    /// The statement as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The statement with a literal in the place of each parameter.
    ///
    /// # Errors
    /// [`FillError`].
    pub fn fill(&self, values: &[Value]) -> Result<Filled<'_>, FillError> {
        if values.len() != self.places.len() {
            return Err(FillError::Count {
                expected: self.places.len(),
                given: values.len(),
            });
        }
        let literals = values.iter().enumerate().map(|(position, value)| {
            let invalid = |what| FillError::Invalid { position, what };
            value.literal().map_err(invalid)
        });
        Ok(self.with_literals(&literals.collect::<Result<Vec<_>, _>>()?))
    }

    /// The statement as it can be read without its values: with NULL for each, or what else can stand there.
    pub fn sample(&self) -> Filled<'_> {
        let literal = |place: &Place| match place.role {
            Role::Value => "NULL".to_owned(),
            Role::Count => "1".to_owned(),
            Role::File => "'stage://s/f'".to_owned(),
        };
        let literals: Vec<String> = self.places.iter().map(literal).collect();
        self.with_literals(&literals)
    }

    /// Whether parameters can only stand where [`Template::sample`] can be read: in queries and changes of rows. In
    /// other statements a value may be a part of the statement itself, such as a pattern.
    pub fn is_of_expressions(&self) -> bool {
        const CHANGES: [&str; 5] = ["INSERT", "REPLACE", "UPDATE", "DELETE", "EXPLAIN"];
        let first = Lexer::at(&self.text, 0).next_token().ok().flatten();
        first.is_some_and(|first| {
            first.is(b'(')
                || first.is_any(&self.text, QUERY_WORDS)
                || first.is_any(&self.text, &CHANGES)
        })
    }

    fn with_literals(&self, literals: &[String]) -> Filled<'_> {
        let added: usize = literals.iter().map(|literal| literal.len() + 2).sum();
        let mut text = String::with_capacity(self.text.len() + added);
        let mut spans = Vec::with_capacity(literals.len());
        let mut from = 0;
        for (place, literal) in self.places.iter().zip(literals) {
            text.push_str(self.text.get(from..place.at).unwrap_or_default());
            from = place.at + 1;
            // A literal must not grow together with what stands beside it.
            if !matches!(
                text.as_bytes().last(),
                None | Some(b' ' | b'(' | b',' | b'=' | b'\n' | b'\t')
            ) {
                text.push(' ');
            }
            let start = text.len();
            text.push_str(literal);
            spans.push(Span::new(start, text.len()));
            let next = self.text.as_bytes().get(from);
            if !matches!(next, None | Some(b' ' | b')' | b',' | b';' | b'\n' | b'\t')) {
                text.push(' ');
            }
        }
        text.push_str(self.text.get(from..).unwrap_or_default());
        Filled {
            template: self,
            text,
            literals: spans,
        }
    }
}

/// No text: values and secrets may stand in it.
impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Template")
            .field("parameters", &self.places.len())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Filled<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Filled").field(self.template).finish()
    }
}

impl Filled<'_> {
    /// The statement's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Reads the statement.
    ///
    /// # Errors
    /// As [`parse_with`]; positions are those of the statement as it was given, with its `?`.
    pub fn parse(&self, limits: &Limits) -> Result<Plan, ParseError> {
        parse_with(&self.text, limits).map_err(|error| {
            if error.kind() == ErrorKind::TooLong || self.literals.is_empty() {
                return error;
            }
            let span = Span::new(self.given(error.span().start), self.given(error.span().end));
            error.placed(&self.template.text, span)
        })
    }

    /// The byte of the statement as it was given, for one of this text.
    fn given(&self, at: usize) -> usize {
        let before = self.literals.partition_point(|literal| literal.end <= at);
        let place = |index: usize| self.template.places.get(index).map(|place| place.at);
        if let (Some(literal), Some(place)) = (self.literals.get(before), place(before))
            && literal.start <= at
        {
            return place;
        }
        let last = before.checked_sub(1);
        let anchor = last.and_then(|last| Some((self.literals.get(last)?.end, place(last)? + 1)));
        let (from, given) = anchor.unwrap_or((0, 0));
        (given + at.saturating_sub(from)).min(self.template.text.len())
    }
}

/// What stands before a token, as far as it says what may stand there.
struct Before {
    role: Role,
    /// In `LIMIT a, b`.
    counts: bool,
}

impl Default for Before {
    fn default() -> Self {
        Self {
            role: Role::Value,
            counts: false,
        }
    }
}

impl Before {
    fn passes(&mut self, text: &str, token: Token) {
        if token.is_any(text, &["LIMIT", "OFFSET"]) {
            (self.role, self.counts) = (Role::Count, true);
        } else if token.is_any(text, &["OUTFILE", "INFILE"]) {
            (self.role, self.counts) = (Role::File, false);
        } else if self.counts && (token.kind == TokenKind::Number || token.is(b'?')) {
            self.role = Role::Value;
        } else if self.counts && token.is(b',') {
            self.role = Role::Count;
        } else {
            (self.role, self.counts) = (Role::Value, false);
        }
    }
}
