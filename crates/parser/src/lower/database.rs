//! Databases, names of tables, and what SHOW shows of them.

use crate::cursor::{Cursor, Node};
use crate::error::ParseError;
use crate::grammar::Rule;
use crate::plan::Plan;
use crate::plan::passing::ShowFilter;
use crate::plan::table::{CreateDatabase, DropDatabase, ShowColumns, ShowTables, TableName};
use crate::span::Spanned;

pub(super) fn create(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    let if_not_exists = parts.take(Rule::if_not_exists);
    Ok(Plan::CreateDatabase(CreateDatabase {
        if_not_exists,
        name: parts.name()?,
    }))
}

pub(super) fn drop_database(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    let if_exists = parts.take(Rule::if_exists);
    Ok(Plan::DropDatabase(DropDatabase {
        if_exists,
        name: parts.name()?,
    }))
}

pub(super) fn show_tables(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    let full = parts.take(Rule::full);
    let database = parts
        .next_if(Rule::name)
        .map(|name| name.name())
        .transpose()?;
    Ok(Plan::ShowTables(ShowTables {
        full,
        database,
        filter: filter(&mut parts)?,
    }))
}

pub(super) fn show_columns(node: &Node<'_>) -> Result<Plan, ParseError> {
    let mut parts = node.children();
    let full = parts.take(Rule::full);
    let mut table = table_name(&mut parts)?;
    if let Some(database) = parts.next_if(Rule::name) {
        if table.database.is_some() {
            return Err(database.invalid("the database is given twice"));
        }
        table.database = Some(database.name()?);
    }
    Ok(Plan::ShowColumns(ShowColumns {
        full,
        table,
        filter: filter(&mut parts)?,
    }))
}

pub(super) fn like(parts: &mut Cursor<'_>) -> Result<Option<Spanned<String>>, ParseError> {
    parts
        .next_if(Rule::like)
        .map(|like| like.children().string())
        .transpose()
}

/// `LIKE 'pattern'` or `WHERE condition`.
pub(super) fn filter(parts: &mut Cursor<'_>) -> Result<Option<ShowFilter>, ParseError> {
    if let Some(like) = like(parts)? {
        return Ok(Some(ShowFilter::Like(like)));
    }
    parts
        .next_if(Rule::show_where)
        .map(|node| node.children().next_node()?.condition())
        .transpose()
        .map(|condition| condition.map(ShowFilter::Where))
}

pub(crate) fn table_name(parts: &mut Cursor<'_>) -> Result<TableName, ParseError> {
    let mut names = parts.next_node()?.children();
    let first = names.name()?;
    Ok(match names.next_if(Rule::name) {
        Some(table) => TableName {
            database: Some(first),
            table: table.name()?,
        },
        None => TableName {
            database: None,
            table: first,
        },
    })
}
