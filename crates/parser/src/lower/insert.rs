//! The head of INSERT and REPLACE, and the name of the new row.

use super::database::table_name;
use crate::cursor::{Node, match_rule};
use crate::error::ParseError;
use crate::grammar::Rule;
use crate::plan::insert::NewRow;
use crate::plan::table::TableName;
use crate::span::{Name, Span};

/// What stands before the rows.
pub(crate) struct InsertHead {
    pub(crate) replace: bool,
    pub(crate) ignore: bool,
    pub(crate) table: TableName,
    pub(crate) columns: Vec<Name>,
}

/// `INSERT [IGNORE] [INTO [TABLE]] t [(cols)]`, `REPLACE [INTO [TABLE]] t [(cols)]`.
pub(crate) fn insert_head(sql: &str, head: Span) -> Result<InsertHead, ParseError> {
    let node = match_rule(Rule::insert_head, sql, head)?;
    let mut parts = node.children();
    Ok(InsertHead {
        replace: parts.take(Rule::insert_replace),
        ignore: parts.take(Rule::insert_ignore),
        table: table_name(&mut parts)?,
        columns: match parts.next_if(Rule::name_list) {
            Some(list) => names(&list)?,
            None => Vec::new(),
        },
    })
}

/// `AS new [(cols)]`.
pub(crate) fn new_row(sql: &str, span: Span) -> Result<NewRow, ParseError> {
    let node = match_rule(Rule::new_row, sql, span)?;
    let mut parts = node.children();
    Ok(NewRow {
        name: parts.name()?,
        columns: match parts.next_if(Rule::name_list) {
            Some(list) => names(&list)?,
            None => Vec::new(),
        },
    })
}

/// The names of a list.
pub(super) fn names(list: &Node<'_>) -> Result<Vec<Name>, ParseError> {
    let mut names = Vec::new();
    let mut parts = list.children();
    while let Some(name) = parts.next_if(Rule::name) {
        names.push(name.name()?);
    }
    Ok(names)
}
