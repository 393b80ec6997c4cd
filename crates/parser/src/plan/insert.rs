//! Plans of INSERT and REPLACE, and of what happens to rows whose keys are there already.

use std::ops::Range;

use crate::lexer::{Lexer, Token, TokenKind};
use crate::plan::query::QueryText;
use crate::plan::table::{ColumnAssignment, TableName};
use crate::span::Name;
use crate::text::fold_name;

/// `INSERT INTO`, `REPLACE INTO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insert {
    /// The table.
    pub table: TableName,
    /// The columns named; empty for all.
    pub columns: Vec<Name>,
    /// From `VALUES`, `SELECT`, `WITH`, `TABLE` or `(` on, verbatim.
    pub source: QueryText,
    /// What happens to a row whose key is there already.
    pub on_duplicate: OnDuplicate,
}

/// What happens to a new row whose key a row of the table has already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OnDuplicate {
    /// It is an error.
    #[default]
    Refuse,
    /// `INSERT IGNORE`: the new row is left out.
    Ignore,
    /// `REPLACE`: the new row takes the other's place.
    Replace,
    /// `ON DUPLICATE KEY UPDATE`: the other row is changed.
    Update {
        /// `AS new [(columns)]`.
        new: Option<NewRow>,
        /// At least one.
        assignments: Vec<ColumnAssignment>,
    },
}

/// How the assignments call the row that could not be inserted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRow {
    /// Its name.
    pub name: Name,
    /// Names of its columns, in the order of those that are inserted; empty for the table's own names.
    pub columns: Vec<Name>,
}

impl QueryText {
    /// An expression behind ON DUPLICATE KEY UPDATE with what it says of the new row, `VALUES(column)`, `new.column`
    /// and a column's own name of the new row, replaced by what `column` gives for the table's column of that name.
    /// `inserted` are the table's columns that rows are inserted into, in their order; `is_own` tells the table's columns.
    ///
    /// # Errors
    /// The name of the first column of the new row that it does not have.
    pub fn with_new_row(
        &self,
        new: Option<&NewRow>,
        inserted: &[String],
        is_own: impl Fn(&str) -> bool,
        column: impl Fn(&str) -> Option<String>,
    ) -> Result<QueryText, String> {
        let mut tokens = Vec::new();
        let mut lexer = Lexer::at(&self.text, 0);
        // The text was read to its end once already.
        while let Ok(Some(token)) = lexer.next_token() {
            tokens.push(token);
        }
        let reading = Reading {
            text: &self.text,
            tokens: &tokens,
        };
        let aliased = |name: &str| {
            let columns = new.map(|new| new.columns.as_slice()).unwrap_or_default();
            let at = columns.iter().position(|column| column.value == name);
            at.and_then(|at| inserted.get(at)).map(String::as_str)
        };
        let has_aliases = new.is_some_and(|new| !new.columns.is_empty());
        let mut parts: Vec<(Range<usize>, String)> = Vec::new();
        let mut at = 0;
        // Of each bracket that is open, whether a query stands in it: there a bare name is first a column of its tables.
        let mut open: Vec<bool> = Vec::new();
        while at < tokens.len() {
            if reading.is(at, b'(') {
                open.push(reading.begins_query(at + 1));
            } else if reading.is(at, b')') {
                open.pop();
            }
            let in_query = open.contains(&true);
            let (name, of_table, length) = if let Some(name) = reading.values_of(at) {
                (name.clone(), Some(name), 4)
            } else if let Some(name) = new.and_then(|new| reading.qualified(at, &new.name)) {
                let of_table = match has_aliases {
                    true => aliased(&name).map(str::to_owned),
                    false => Some(name.clone()),
                };
                (name, of_table, 3)
            } else if let Some(name) = reading.bare(at).filter(|_| !in_query)
                && !is_own(&name)
                && let Some(of_table) = aliased(&name)
            {
                (name.clone(), Some(of_table.to_owned()), 1)
            } else {
                at += 1;
                continue;
            };
            let text = of_table.and_then(|name| column(&name)).ok_or(name)?;
            let range = tokens[at].span.start..tokens[at + length - 1].span.end;
            parts.push((range, text));
            at += length;
        }
        Ok(self.replaced(parts))
    }
}

/// The tokens of an expression.
struct Reading<'a> {
    text: &'a str,
    tokens: &'a [Token],
}

impl Reading<'_> {
    fn is(&self, at: usize, punct: u8) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(punct))
    }

    fn name(&self, at: usize) -> Option<String> {
        let token = self.tokens.get(at)?;
        let is_name = matches!(token.kind, TokenKind::Word | TokenKind::Quoted);
        is_name.then(|| fold_name(token.text(self.text)))
    }

    fn begins_query(&self, at: usize) -> bool {
        let words = ["SELECT", "WITH", "TABLE"];
        let token = self.tokens.get(at);
        token.is_some_and(|token| words.iter().any(|word| token.is_word(self.text, word)))
    }

    fn follows_dot(&self, at: usize) -> bool {
        at > 0 && self.is(at - 1, b'.')
    }

    /// The column of `VALUES(column)`.
    fn values_of(&self, at: usize) -> Option<String> {
        let is_values = self.tokens[at].is_word(self.text, "VALUES") && !self.follows_dot(at);
        let is_call = is_values && self.is(at + 1, b'(') && self.is(at + 3, b')');
        self.name(at + 2).filter(|_| is_call)
    }

    /// The column of `row.column`.
    fn qualified(&self, at: usize, row: &str) -> Option<String> {
        let is_row = self.name(at).is_some_and(|name| name == row) && !self.follows_dot(at);
        self.name(at + 2)
            .filter(|_| is_row && self.is(at + 1, b'.') && !self.is(at + 3, b'.'))
    }

    /// A name that stands alone.
    fn bare(&self, at: usize) -> Option<String> {
        let alone = !self.follows_dot(at) && !self.is(at + 1, b'.') && !self.is(at + 1, b'(');
        self.name(at).filter(|_| alone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(text: &str, new: Option<NewRow>) -> Result<String, String> {
        let query = QueryText {
            text: text.to_owned(),
            ..QueryText::default()
        };
        let inserted = ["a".to_owned(), "b".to_owned()];
        let is_own = |name: &str| ["a", "b", "c"].contains(&name);
        let column = |name: &str| is_own(name).then(|| format!("<{name}>"));
        let replaced = query.with_new_row(new.as_ref(), &inserted, is_own, column);
        replaced.map(|query| query.text)
    }

    fn row(columns: &[&str]) -> Option<NewRow> {
        Some(NewRow {
            name: "new".to_owned().into(),
            columns: columns
                .iter()
                .map(|name| (*name).to_owned().into())
                .collect(),
        })
    }

    #[test]
    fn the_new_row_is_told_from_the_old_one() {
        let plain = replaced("a + values(`B`) + t.a + 'VALUES(a)'", None);
        assert_eq!(plain.as_deref(), Ok("a + <b> + t.a + 'VALUES(a)'"));
        let named = replaced("a + new.a + x.new.a + `NEW`.c", row(&[]));
        assert_eq!(named.as_deref(), Ok("a + <a> + x.new.a + <c>"));
        let columns = replaced("a + m + new.n + n(1) + t.m", row(&["m", "n"]));
        assert_eq!(columns.as_deref(), Ok("a + <a> + <b> + n(1) + t.m"));
        // A column of the table is not hidden by one of the new row.
        assert_eq!(replaced("b", row(&["b"])).as_deref(), Ok("b"));
    }

    #[test]
    fn a_column_that_is_not_there_is_named() {
        assert_eq!(replaced("values(z)", None), Err("z".to_owned()));
        assert_eq!(replaced("new.a", row(&["m"])), Err("a".to_owned()));
    }
}
