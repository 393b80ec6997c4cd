//! `SCHEMATA`, `TABLES`, `VIEWS` and `COLUMNS`.

use arrow::datatypes::Field;
use catalog::{TableRecord, TableSource, ViewQuery};

use super::super::columns::{Column, declared, number, text, time};
use super::fixed::{CATALOG, CHARSET, COLLATION, ENGINE, name};
use super::types::{TypeParts, default_value};
use super::visible::{Shape, TABLE_NAME, TABLE_SCHEMA, VisibleTable};
use crate::session::table_keys;

pub(super) fn schemata() -> Vec<Column<String>> {
    vec![
        name("catalog_name", |_| Some(CATALOG.to_owned())),
        name("schema_name", |r: &String| Some(r.clone())),
        name("default_character_set_name", |_| Some(CHARSET.to_owned())),
        name("default_collation_name", |_| Some(COLLATION.to_owned())),
        declared("varchar(512)", text("sql_path", |_| None)),
        declared(
            "varchar(3)",
            text("default_encryption", |_| Some("NO".to_owned())),
        ),
    ]
}

pub(super) fn tables() -> Vec<Column<VisibleTable>> {
    vec![
        name("table_catalog", |_| Some(CATALOG.to_owned())),
        name(TABLE_SCHEMA, |r: &VisibleTable| Some(r.database.clone())),
        name(TABLE_NAME, |r| Some(r.name.clone())),
        name("table_type", |r| {
            Some(
                match &r.shape {
                    Shape::System(_) => "SYSTEM VIEW",
                    Shape::Stored(record) if record.view().is_some() => "VIEW",
                    Shape::Stored(_) => "BASE TABLE",
                }
                .to_owned(),
            )
        }),
        name("engine", |r| stored(r).map(|_| ENGINE.to_owned())),
        declared("int", number("version", |_| Some(10))),
        declared("varchar(10)", text("row_format", |_| None)),
        number("table_rows", |r| sum(r, |segment| segment.rows)),
        number("avg_row_length", |r| {
            let (bytes, rows) = (
                sum(r, |segment| segment.bytes)?,
                sum(r, |segment| segment.rows)?,
            );
            Some(bytes.checked_div(rows).unwrap_or(0))
        }),
        number("data_length", |r| sum(r, |segment| segment.bytes)),
        number("max_data_length", |_| None),
        number("index_length", |_| Some(0)),
        number("data_free", |_| Some(0)),
        number("auto_increment", |r| {
            let Shape::Stored(record) = &r.shape else {
                return None;
            };
            let is_numbered = record.columns.iter().any(|column| column.auto_increment);
            is_numbered.then_some(record.next_number)
        }),
        declared(
            "datetime",
            time("create_time", |r| match &r.shape {
                Shape::System(_) => None,
                Shape::Stored(record) => Some(record.created_us),
            }),
        ),
        declared(
            "datetime",
            time("update_time", |r| match &r.shape {
                Shape::System(_) => None,
                Shape::Stored(record) => Some(record.changed_us),
            }),
        ),
        declared("datetime", time("check_time", |_| None)),
        name("table_collation", |r| {
            stored(r).map(|_| COLLATION.to_owned())
        }),
        declared("bigint", number("checksum", |_| None)),
        declared(
            "varchar(256)",
            text("create_options", |_| Some(String::new())),
        ),
        declared(
            "text",
            text("table_comment", |r| {
                Some(match &r.shape {
                    Shape::System(_) => String::new(),
                    Shape::Stored(record) if record.view().is_some() => "VIEW".to_owned(),
                    Shape::Stored(record) => record.comment.clone(),
                })
            }),
        ),
    ]
}

/// A sum over a table's segments; `None` for what keeps its rows elsewhere.
fn sum(table: &VisibleTable, of: fn(&catalog::Segment) -> u64) -> Option<u64> {
    match &table.shape {
        Shape::System(_) => None,
        Shape::Stored(record) => match &record.source {
            TableSource::Segments(segments) => Some(segments.iter().map(of).sum()),
            TableSource::External { .. } | TableSource::View(_) => None,
        },
    }
}

/// The record of what has rows: neither a system table nor a view.
fn stored(table: &VisibleTable) -> Option<&TableRecord> {
    match &table.shape {
        Shape::System(_) => None,
        Shape::Stored(record) => Some(record.as_ref()).filter(|record| record.view().is_none()),
    }
}

/// `VIEWS`.
pub(super) fn views() -> Vec<Column<ViewRow>> {
    vec![
        name("table_catalog", |_| Some(CATALOG.to_owned())),
        name(TABLE_SCHEMA, |r: &ViewRow| Some(r.database.clone())),
        name(TABLE_NAME, |r| Some(r.name.clone())),
        declared(
            "longtext",
            text("view_definition", |r| Some(r.view.query.clone())),
        ),
        declared(
            "varchar(8)",
            text("check_option", |_| Some("NONE".to_owned())),
        ),
        declared(
            "varchar(3)",
            text("is_updatable", |_| Some(yes_or_no(false))),
        ),
        // It reads by its reader's rights: whose it is does not matter.
        declared("varchar(288)", text("definer", |_| Some(String::new()))),
        declared(
            "varchar(7)",
            text("security_type", |_| Some("INVOKER".to_owned())),
        ),
        name("character_set_client", |_| Some(CHARSET.to_owned())),
        name("collation_connection", |_| Some(COLLATION.to_owned())),
    ]
}

/// A view, and the database that it is in.
pub(super) struct ViewRow {
    database: String,
    name: String,
    view: ViewQuery,
}

/// What `VIEWS` says of a table: something only of a view.
pub(super) fn view_of(table: VisibleTable) -> Option<ViewRow> {
    match table.shape {
        Shape::System(_) => None,
        Shape::Stored(record) => record.view().map(|view| ViewRow {
            database: table.database,
            name: table.name,
            view: view.clone(),
        }),
    }
}

/// A column of a table.
pub(super) struct ColumnRow {
    database: String,
    table: String,
    ordinal: u64,
    name: String,
    parts: TypeParts,
    default: Option<String>,
    nullable: bool,
    key: &'static str,
    extra: &'static str,
    comment: String,
}

/// The columns of a table, in order.
pub(super) fn columns_of(table: VisibleTable) -> Vec<ColumnRow> {
    let VisibleTable {
        database,
        name: table,
        shape,
    } = table;
    let row = |at: usize, name: String, parts, nullable| ColumnRow {
        database: database.clone(),
        table: table.clone(),
        ordinal: at as u64 + 1,
        name,
        parts,
        default: None,
        nullable,
        key: "",
        extra: "",
        comment: String::new(),
    };
    match shape {
        Shape::System(schema) => {
            let of_field = |(at, field): (usize, &std::sync::Arc<Field>)| {
                let parts = TypeParts::of(&query::field_sql_type(field));
                row(at, field.name().clone(), parts, field.is_nullable())
            };
            schema.fields().iter().enumerate().map(of_field).collect()
        }
        Shape::Stored(record) => {
            let keys = table_keys(&record);
            let columns = record.columns.into_iter().enumerate();
            let of_column = |(at, column): (usize, catalog::Column)| {
                let parts = TypeParts::of(&column.data_type);
                let is_first = |columns: &[String]| columns.first() == Some(&column.name);
                let key = if column.primary_key {
                    "PRI"
                } else if keys.iter().any(|key| key.columns == [column.name.as_str()]) {
                    "UNI"
                } else if keys.iter().any(|key| is_first(&key.columns)) {
                    "MUL"
                } else {
                    ""
                };
                ColumnRow {
                    default: column.default.as_deref().and_then(default_value),
                    key,
                    extra: match column.auto_increment {
                        true => "auto_increment",
                        false => "",
                    },
                    comment: column.comment,
                    ..row(at, column.name, parts, column.nullable)
                }
            };
            columns.map(of_column).collect()
        }
    }
}

pub(super) fn columns() -> Vec<Column<ColumnRow>> {
    vec![
        name("table_catalog", |_| Some(CATALOG.to_owned())),
        name(TABLE_SCHEMA, |r: &ColumnRow| Some(r.database.clone())),
        name(TABLE_NAME, |r| Some(r.table.clone())),
        name("column_name", |r| Some(r.name.clone())),
        declared(
            "int unsigned",
            number("ordinal_position", |r| Some(r.ordinal)),
        ),
        declared("longtext", text("column_default", |r| r.default.clone())),
        declared(
            "varchar(3)",
            text("is_nullable", |r| Some(yes_or_no(r.nullable))),
        ),
        declared(
            "longtext",
            text("data_type", |r| Some(r.parts.data_type.clone())),
        ),
        declared(
            "bigint",
            number("character_maximum_length", |r| r.parts.characters),
        ),
        declared(
            "bigint",
            number("character_octet_length", |r| r.parts.octets),
        ),
        number("numeric_precision", |r| r.parts.precision),
        number("numeric_scale", |r| r.parts.scale),
        declared(
            "int unsigned",
            number("datetime_precision", |r| r.parts.fraction),
        ),
        name("character_set_name", |r| r.parts.charset()),
        name("collation_name", |r| r.parts.collation()),
        declared(
            "mediumtext",
            text("column_type", |r| Some(r.parts.column_type.clone())),
        ),
        declared("varchar(3)", text("column_key", |r| Some(r.key.to_owned()))),
        declared("varchar(256)", text("extra", |r| Some(r.extra.to_owned()))),
        declared(
            "varchar(154)",
            text("privileges", |_| Some("select".to_owned())),
        ),
        declared("text", text("column_comment", |r| Some(r.comment.clone()))),
        declared(
            "longtext",
            text("generation_expression", |_| Some(String::new())),
        ),
        declared("int unsigned", number("srs_id", |_| None)),
    ]
}

pub(super) fn yes_or_no(yes: bool) -> String {
    if yes { "YES" } else { "NO" }.to_owned()
}
