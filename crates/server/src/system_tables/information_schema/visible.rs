//! The databases and tables that a principal sees: those of SHOW DATABASES and SHOW TABLES.

use std::collections::VecDeque;

use arrow::datatypes::SchemaRef;
use catalog::TableRecord;
use query::{Limit, PageError};

use super::super::SYSTEM_DATABASES;
use super::super::columns::Column;
use super::super::reading::{Range, Reading, as_text, range};
use super::super::{columns as columns_of_system_table, is_system_database, table_names};
use crate::gate::{Object, Operation};

/// The columns by which tables are looked up.
pub(super) const TABLE_SCHEMA: &str = "table_schema";
pub(super) const TABLE_NAME: &str = "table_name";

/// A table, and the database that it is in.
#[derive(Debug, Clone)]
pub(super) struct VisibleTable {
    pub(super) database: String,
    pub(super) name: String,
    pub(super) shape: Shape,
}

#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// One of the server's own.
    System(SchemaRef),
    Stored(Box<TableRecord>),
}

/// All databases, by name.
pub(super) fn databases(reading: &Reading) -> Result<Vec<String>, PageError> {
    let stored = reading.catalog().databases(&reading.account)?;
    let mut names: Vec<String> = stored
        .into_iter()
        .map(|database| database.name)
        .chain(SYSTEM_DATABASES.map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}

/// The tables within the limits, a page for each database.
pub(super) fn tables<R>(
    reading: Reading,
    columns: &[Column<R>],
    limits: &[Limit],
) -> impl FnMut() -> Result<Option<Vec<VisibleTable>>, PageError> + Send + 'static {
    let of_database = range(columns, TABLE_SCHEMA, limits, as_text);
    let of_table = range(columns, TABLE_NAME, limits, as_text);
    let mut left: Option<VecDeque<String>> = None;
    move || {
        let left = match &mut left {
            Some(left) => left,
            None => {
                let names = databases(&reading)?.into_iter();
                left.insert(names.filter(|name| is_within(name, &of_database)).collect())
            }
        };
        let Some(database) = left.pop_front() else {
            return Ok(None);
        };
        tables_of(&reading, &database, &of_table).map(Some)
    }
}

fn tables_of(
    reading: &Reading,
    database: &str,
    names: &Range<String>,
) -> Result<Vec<VisibleTable>, PageError> {
    let in_database = |name: String, shape| VisibleTable {
        database: database.to_owned(),
        name,
        shape,
    };
    if is_system_database(database) {
        let own = table_names(database).unwrap_or_default().into_iter();
        let own = own
            .filter(|name| is_within(name, names))
            .filter_map(|name| {
                let schema = columns_of_system_table(database, name)?;
                Some(in_database(name.to_owned(), Shape::System(schema)))
            });
        return Ok(own.collect());
    }
    let (catalog, account) = (reading.catalog(), &reading.account);
    let stored = match (&names.least, &names.most) {
        (Some(least), Some(most)) if least == most => catalog
            .table(account, database, least)?
            .into_iter()
            .collect(),
        _ => catalog.tables(account, database)?,
    };
    let of_database = Object::Database(database.to_owned());
    let all = reading.acting.may(Operation::ShowTables, &of_database)?;
    let mut visible = Vec::with_capacity(stored.len());
    for table in stored {
        if !is_within(&table.name, names) {
            continue;
        }
        let object = Object::Table {
            database: database.to_owned(),
            name: table.name.clone(),
        };
        if all || reading.acting.may(Operation::DescribeTable, &object)? {
            visible.push(in_database(
                table.name.clone(),
                Shape::Stored(Box::new(table)),
            ));
        }
    }
    Ok(visible)
}

fn is_within(name: &str, range: &Range<String>) -> bool {
    let above = range.least.as_deref().is_none_or(|least| least <= name);
    above && range.most.as_deref().is_none_or(|most| name <= most)
}
