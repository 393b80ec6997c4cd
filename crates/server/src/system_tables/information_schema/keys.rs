//! `STATISTICS`, `KEY_COLUMN_USAGE` and `TABLE_CONSTRAINTS`: the keys that are enforced. There are no others.

use catalog::PRIMARY;

use super::super::columns::{Column, declared, number, text};
use super::fixed::{CATALOG, name};
use super::visible::{Shape, TABLE_NAME, TABLE_SCHEMA, VisibleTable};
use crate::session::table_keys;

/// A column of a key.
pub(super) struct KeyColumn {
    database: String,
    table: String,
    key: String,
    column: String,
    /// From 1.
    pub(super) sequence: u64,
    nullable: bool,
}

/// The columns of a table's keys, key by key.
pub(super) fn columns_of_keys(table: VisibleTable) -> Vec<KeyColumn> {
    let Shape::Stored(record) = &table.shape else {
        return Vec::new();
    };
    let of_key = |key: catalog::TableKey| {
        let columns = key.columns.into_iter().enumerate();
        let rows = columns.map(|(at, column)| {
            let known = record.columns.iter().find(|known| known.name == column);
            KeyColumn {
                database: table.database.clone(),
                table: table.name.clone(),
                key: key.name.clone(),
                nullable: known.is_some_and(|known| known.nullable),
                column,
                sequence: at as u64 + 1,
            }
        });
        rows.collect::<Vec<_>>()
    };
    table_keys(record).into_iter().flat_map(of_key).collect()
}

pub(super) fn statistics() -> Vec<Column<KeyColumn>> {
    vec![
        name("table_catalog", |_| Some(CATALOG.to_owned())),
        name(TABLE_SCHEMA, |r: &KeyColumn| Some(r.database.clone())),
        name(TABLE_NAME, |r| Some(r.table.clone())),
        declared("int", number("non_unique", |_| Some(0))),
        name("index_schema", |r| Some(r.database.clone())),
        name("index_name", |r| Some(r.key.clone())),
        declared("int unsigned", number("seq_in_index", |r| Some(r.sequence))),
        name("column_name", |r| Some(r.column.clone())),
        declared("varchar(1)", text("collation", |_| None)),
        declared("bigint", number("cardinality", |_| None)),
        declared("bigint", number("sub_part", |_| None)),
        declared("varchar(1)", text("packed", |_| None)),
        declared(
            "varchar(3)",
            text("nullable", |r| {
                Some(if r.nullable { "YES" } else { "" }.to_owned())
            }),
        ),
        declared("varchar(11)", text("index_type", |_| Some(String::new()))),
        declared("varchar(8)", text("comment", |_| Some(String::new()))),
        declared(
            "varchar(2048)",
            text("index_comment", |_| Some(String::new())),
        ),
        declared("varchar(3)", text("is_visible", |_| Some("YES".to_owned()))),
        declared("longtext", text("expression", |_| None)),
    ]
}

pub(super) fn key_column_usage() -> Vec<Column<KeyColumn>> {
    vec![
        name("constraint_catalog", |_| Some(CATALOG.to_owned())),
        name("constraint_schema", |r: &KeyColumn| {
            Some(r.database.clone())
        }),
        name("constraint_name", |r| Some(r.key.clone())),
        name("table_catalog", |_| Some(CATALOG.to_owned())),
        name(TABLE_SCHEMA, |r| Some(r.database.clone())),
        name(TABLE_NAME, |r| Some(r.table.clone())),
        name("column_name", |r| Some(r.column.clone())),
        declared(
            "int unsigned",
            number("ordinal_position", |r| Some(r.sequence)),
        ),
        declared(
            "int unsigned",
            number("position_in_unique_constraint", |_| None),
        ),
        name("referenced_table_schema", |_| None),
        name("referenced_table_name", |_| None),
        name("referenced_column_name", |_| None),
    ]
}

/// A row for each key: of its first column.
pub(super) fn table_constraints() -> Vec<Column<KeyColumn>> {
    vec![
        name("constraint_catalog", |_| Some(CATALOG.to_owned())),
        name("constraint_schema", |r: &KeyColumn| {
            Some(r.database.clone())
        }),
        name("constraint_name", |r| Some(r.key.clone())),
        name(TABLE_SCHEMA, |r| Some(r.database.clone())),
        name(TABLE_NAME, |r| Some(r.table.clone())),
        declared(
            "varchar(11)",
            text("constraint_type", |r| {
                Some(
                    match r.key == PRIMARY {
                        true => "PRIMARY KEY",
                        false => "UNIQUE",
                    }
                    .to_owned(),
                )
            }),
        ),
        declared("varchar(3)", text("enforced", |_| Some("YES".to_owned()))),
    ]
}
