//! Which table's column a result's column is, and what keys it has a part in, for protocols that tell it.

use catalog::{PRIMARY, TableKey, TableRecord};
use query::ColumnOrigin;

use super::keys::table_keys;
use super::queries::STAGED_FILES;

/// A table's column that a result's column is, unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The table's database.
    pub database: String,
    /// The table; of a view the one that the view reads.
    pub table: String,
    /// What the query calls the table, or the view or subquery that reads it.
    pub alias: String,
    /// The column.
    pub column: String,
    /// Its part in the table's keys.
    pub key: KeyPart,
    /// Whether it takes its values from AUTO_INCREMENT.
    pub auto_increment: bool,
    /// Whether an INSERT has to name it.
    pub no_default: bool,
}

/// What part a column has in the keys of its table, the first that is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPart {
    /// None.
    None,
    /// A part of the primary key.
    Primary,
    /// All of a unique key.
    Unique,
    /// The first part of a unique key of several columns.
    First,
    /// A later part of one.
    Later,
}

impl KeyPart {
    fn of(column: &str, keys: &[TableKey]) -> Self {
        let part = |key: &TableKey| {
            let at = key.columns.iter().position(|known| known == column)?;
            Some(match (key.name == PRIMARY, key.columns.len(), at) {
                (true, ..) => Self::Primary,
                (false, 1, _) => Self::Unique,
                (false, _, 0) => Self::First,
                (false, ..) => Self::Later,
            })
        };
        let parts: Vec<Self> = keys.iter().filter_map(part).collect();
        let first = [Self::Primary, Self::Unique, Self::First, Self::Later];
        let first = first.into_iter().find(|part| parts.contains(part));
        first.unwrap_or(Self::None)
    }
}

/// What a query needs of a table that it reads, for the origins of its columns.
#[derive(Debug)]
pub(super) struct TableColumns {
    database: String,
    table: String,
    keys: Vec<TableKey>,
    auto_increment: Vec<String>,
    no_default: Vec<String>,
}

impl TableColumns {
    pub(super) fn of(database: &str, record: &TableRecord) -> Self {
        let names = |is: fn(&catalog::Column) -> bool| {
            let columns = record.columns.iter().filter(|column| is(column));
            columns.map(|column| column.name.clone()).collect()
        };
        Self {
            database: database.to_owned(),
            table: record.name.clone(),
            keys: table_keys(record),
            auto_increment: names(|column| column.auto_increment),
            no_default: names(|column| {
                !column.nullable && column.default.is_none() && !column.auto_increment
            }),
        }
    }
}

/// The origins of a query's columns, told with what is known of the `tables` that it reads.
pub(super) fn origins(
    columns: &[Option<ColumnOrigin>],
    tables: &[TableColumns],
) -> Vec<Option<Origin>> {
    let told = |origin: &ColumnOrigin| {
        let ColumnOrigin {
            database,
            table,
            alias,
            column,
        } = origin.clone();
        // Files have no table that a client could name.
        if database == STAGED_FILES {
            return None;
        }
        let known = tables
            .iter()
            .find(|known| known.database == database && known.table == table);
        let is_among = |names: fn(&TableColumns) -> &[String]| {
            known.is_some_and(|known| names(known).contains(&column))
        };
        Some(Origin {
            key: known.map_or(KeyPart::None, |known| KeyPart::of(&column, &known.keys)),
            auto_increment: is_among(|known| &known.auto_increment),
            no_default: is_among(|known| &known.no_default),
            database,
            table,
            alias,
            column,
        })
    };
    columns
        .iter()
        .map(|origin| origin.as_ref().and_then(told))
        .collect()
}
