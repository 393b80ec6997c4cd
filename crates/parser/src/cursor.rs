//! A typed cursor over the pairs of a match: it gives errors where others would unwrap.

use std::str::FromStr;

use pest::iterators::{Pair, Pairs};

use crate::error::{ErrorKind, ParseError, one_of};
use crate::grammar::{self, Rule, is_noise};
use crate::passing::condition;
use crate::plan::credentials::CredentialValue;
use crate::plan::parameter::ParameterRef;
use crate::secret::Secret;
use crate::span::{Name, Span, Spanned};
use crate::text::{fold_name, is_reserved, unquote};

/// The text being parsed and where the matched part of it begins.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) sql: &'a str,
    pub(crate) base: usize,
}

/// One pair.
#[derive(Clone)]
pub(crate) struct Node<'a> {
    source: Source<'a>,
    pair: Pair<'a, Rule>,
}

/// The children of a pair, without keywords and punctuation.
pub(crate) struct Cursor<'a> {
    source: Source<'a>,
    within: Span,
    pairs: Pairs<'a, Rule>,
}

/// Matches bytes `span` of `sql` against `rule` and gives the one pair that came of it.
pub(crate) fn match_rule(rule: Rule, sql: &str, span: Span) -> Result<Node<'_>, ParseError> {
    let source = Source {
        sql,
        base: span.start,
    };
    let part = sql.get(span.range()).unwrap_or_default();
    let pairs = grammar::matches(rule, sql, part, span.start)?;
    let mut cursor = Cursor {
        source,
        within: span,
        pairs,
    };
    cursor.next_node()
}

impl<'a> Node<'a> {
    pub(crate) fn rule(&self) -> Rule {
        self.pair.as_rule()
    }

    pub(crate) fn text(&self) -> &'a str {
        self.pair.as_str()
    }

    pub(crate) fn span(&self) -> Span {
        let span = self.pair.as_span();
        Span::new(
            self.source.base + span.start(),
            self.source.base + span.end(),
        )
    }

    pub(crate) fn children(&self) -> Cursor<'a> {
        Cursor {
            source: self.source,
            within: self.span(),
            pairs: self.pair.clone().into_inner(),
        }
    }

    /// A value of this node's that is not right.
    pub(crate) fn invalid(&self, message: impl Into<String>) -> ParseError {
        self.error(ErrorKind::Invalid, message)
    }

    pub(crate) fn error(&self, kind: ErrorKind, message: impl Into<String>) -> ParseError {
        ParseError::new(kind, self.source.sql, self.span().range(), message)
    }

    /// The value of a string literal.
    pub(crate) fn string(&self) -> Spanned<String> {
        Spanned::new(unquote(self.text()), self.span())
    }

    /// A name, folded; a reserved word must stand in backquotes.
    pub(crate) fn name(&self) -> Result<Name, ParseError> {
        let text = self.text();
        if is_reserved(text) {
            let lower = text.to_lowercase();
            let message = format!("{text} is a reserved word; as a name it is written `{lower}`");
            return Err(self.error(ErrorKind::Syntax, message));
        }
        Ok(Spanned::new(fold_name(text), self.span()))
    }

    /// The name of an account, a role or a user without a host: a name, or the same as a string.
    /// What stands behind WHERE, as it stands.
    pub(crate) fn condition(&self) -> Result<Spanned<String>, ParseError> {
        condition(self.source.sql, self.span())
    }

    pub(crate) fn access_name(&self) -> Result<Name, ParseError> {
        let inner = self.children().next_node()?;
        if inner.rule() != Rule::string {
            return inner.name();
        }
        let name = inner.string().map(|text| text.to_lowercase());
        if name.is_empty() {
            return Err(inner.invalid("a name must not be empty"));
        }
        Ok(name)
    }

    /// A literal that is a secret, or a parameter in its place.
    pub(crate) fn secret(&self) -> CredentialValue {
        match self.rule() {
            // The number follows when the whole statement is read.
            Rule::positional_parameter => {
                CredentialValue::Parameter(Spanned::new(ParameterRef::Positional(0), self.span()))
            }
            Rule::named_parameter => {
                let name = self.text().trim_start_matches(':').to_owned();
                let parameter = ParameterRef::Named(name);
                CredentialValue::Parameter(Spanned::new(parameter, self.span()))
            }
            _ => CredentialValue::Secret(Secret::new(unquote(self.text()))),
        }
    }

    /// A whole number that fits `T`; `what` names it in the error.
    pub(crate) fn number<T: FromStr>(&self, what: &str) -> Result<Spanned<T>, ParseError> {
        let value = self.text().parse();
        let value = value.map_err(|_| self.invalid(format!("{what} is out of range")))?;
        Ok(Spanned::new(value, self.span()))
    }

    /// `TRUE` or `FALSE`, as a word or a string, in any case.
    pub(crate) fn boolean(&self, what: &str) -> Result<Spanned<bool>, ParseError> {
        let text = self.text();
        let word = if self.rule() == Rule::string {
            unquote(text)
        } else {
            text.to_owned()
        };
        let value = match word.to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            _ => return Err(self.out_of_set(what, &["'true'", "'false'"])),
        };
        Ok(Spanned::new(value, self.span()))
    }

    /// "FORMAT must be 'csv' or 'arrow'".
    pub(crate) fn out_of_set<S: AsRef<str>>(&self, what: &str, set: &[S]) -> ParseError {
        let expected = set.iter().map(|item| item.as_ref().to_owned()).collect();
        self.invalid(format!("{what} must be {}", one_of(set)))
            .expecting(expected)
    }
}

impl<'a> Cursor<'a> {
    fn skip_noise(&mut self) {
        while self
            .pairs
            .peek()
            .is_some_and(|pair| is_noise(pair.as_rule()))
        {
            self.pairs.next();
        }
    }

    /// The next child, which the grammar promises.
    pub(crate) fn next_node(&mut self) -> Result<Node<'a>, ParseError> {
        let within = self.within;
        let sql = self.source.sql;
        self.next_any().ok_or_else(|| {
            let message = "this part of the statement is not complete";
            ParseError::new(ErrorKind::Syntax, sql, within.range(), message)
        })
    }

    /// The next child, if there is one.
    pub(crate) fn next_any(&mut self) -> Option<Node<'a>> {
        self.skip_noise();
        let pair = self.pairs.next()?;
        Some(Node {
            source: self.source,
            pair,
        })
    }

    /// The next child, if it is a `rule`.
    pub(crate) fn next_if(&mut self, rule: Rule) -> Option<Node<'a>> {
        self.skip_noise();
        if self.pairs.peek()?.as_rule() == rule {
            self.next_any()
        } else {
            None
        }
    }

    /// Whether the next child is a `rule`; if so it is taken.
    pub(crate) fn take(&mut self, rule: Rule) -> bool {
        self.next_if(rule).is_some()
    }

    pub(crate) fn name(&mut self) -> Result<Name, ParseError> {
        self.next_node()?.name()
    }

    pub(crate) fn string(&mut self) -> Result<Spanned<String>, ParseError> {
        Ok(self.next_node()?.string())
    }

    /// The children of the next child as names.
    pub(crate) fn names(&mut self) -> Result<Vec<Name>, ParseError> {
        let mut list = self.next_node()?.children();
        let mut names = Vec::new();
        while let Some(node) = list.next_any() {
            names.push(node.name()?);
        }
        Ok(names)
    }
}
