//! The tables of `information_schema` that say the same everywhere: what there is one of, and what there is none of.

use super::super::columns::{Column, declared, number, text};

/// The one catalog, as MySQL calls it.
pub(super) const CATALOG: &str = "def";
/// The one character set.
pub(super) const CHARSET: &str = "utf8mb4";
/// The one collation.
pub(super) const COLLATION: &str = "utf8mb4_bin";
/// What a table's engine is called.
pub(super) const ENGINE: &str = "Stagedoor";

/// What no row is of.
pub(super) enum Nothing {}

/// A name, as wide as MySQL has it.
pub(super) fn name<R>(name: &'static str, of: fn(&R) -> Option<String>) -> Column<R> {
    declared("varchar(64)", text(name, of))
}

/// Columns of a table without rows.
fn empty(columns: &[(&'static str, &'static str)]) -> Vec<Column<Nothing>> {
    let column = |&(name, sql_type): &(&'static str, &'static str)| {
        declared(sql_type, text(name, |_: &Nothing| None))
    };
    columns.iter().map(column).collect()
}

pub(super) fn character_sets() -> Vec<Column<()>> {
    vec![
        name("character_set_name", |&()| Some(CHARSET.to_owned())),
        name("default_collate_name", |&()| Some(COLLATION.to_owned())),
        declared(
            "varchar(2048)",
            text("description", |&()| Some("UTF-8 Unicode".to_owned())),
        ),
        declared("int unsigned", number("maxlen", |&()| Some(4))),
    ]
}

pub(super) fn collations() -> Vec<Column<()>> {
    vec![
        name("collation_name", |&()| Some(COLLATION.to_owned())),
        name("character_set_name", |&()| Some(CHARSET.to_owned())),
        number("id", |&()| Some(46)),
        declared(
            "varchar(3)",
            text("is_default", |&()| Some("Yes".to_owned())),
        ),
        declared(
            "varchar(3)",
            text("is_compiled", |&()| Some("Yes".to_owned())),
        ),
        declared("int unsigned", number("sortlen", |&()| Some(1))),
        declared(
            "varchar(9)",
            text("pad_attribute", |&()| Some("NO PAD".to_owned())),
        ),
    ]
}

pub(super) fn collation_applicability() -> Vec<Column<()>> {
    vec![
        name("collation_name", |&()| Some(COLLATION.to_owned())),
        name("character_set_name", |&()| Some(CHARSET.to_owned())),
    ]
}

pub(super) fn engines() -> Vec<Column<()>> {
    vec![
        name("engine", |&()| Some(ENGINE.to_owned())),
        declared(
            "varchar(8)",
            text("support", |&()| Some("DEFAULT".to_owned())),
        ),
        declared(
            "varchar(80)",
            text("comment", |&()| {
                Some("Parquet segments and external files".to_owned())
            }),
        ),
        declared(
            "varchar(3)",
            text("transactions", |&()| Some("NO".to_owned())),
        ),
        declared("varchar(3)", text("xa", |&()| Some("NO".to_owned()))),
        declared(
            "varchar(3)",
            text("savepoints", |&()| Some("NO".to_owned())),
        ),
    ]
}

/// Its row is of the user who asks: privileges are on objects here, and SHOW GRANTS tells them.
pub(super) fn user_privileges() -> Vec<Column<String>> {
    vec![
        declared(
            "varchar(292)",
            text("grantee", |r: &String| Some(r.clone())),
        ),
        declared(
            "varchar(512)",
            text("table_catalog", |_| Some(CATALOG.to_owned())),
        ),
        name("privilege_type", |_| Some("USAGE".to_owned())),
        declared(
            "varchar(3)",
            text("is_grantable", |_| Some("NO".to_owned())),
        ),
    ]
}

pub(super) fn check_constraints() -> Vec<Column<Nothing>> {
    empty(&[
        ("constraint_catalog", "varchar(64)"),
        ("constraint_schema", "varchar(64)"),
        ("constraint_name", "varchar(64)"),
        ("check_clause", "longtext"),
    ])
}

pub(super) fn referential_constraints() -> Vec<Column<Nothing>> {
    empty(&[
        ("constraint_catalog", "varchar(64)"),
        ("constraint_schema", "varchar(64)"),
        ("constraint_name", "varchar(64)"),
        ("unique_constraint_catalog", "varchar(64)"),
        ("unique_constraint_schema", "varchar(64)"),
        ("unique_constraint_name", "varchar(64)"),
        ("match_option", "varchar(7)"),
        ("update_rule", "varchar(11)"),
        ("delete_rule", "varchar(11)"),
        ("table_name", "varchar(64)"),
        ("referenced_table_name", "varchar(64)"),
    ])
}

pub(super) fn triggers() -> Vec<Column<Nothing>> {
    empty(&[
        ("trigger_catalog", "varchar(64)"),
        ("trigger_schema", "varchar(64)"),
        ("trigger_name", "varchar(64)"),
        ("event_manipulation", "varchar(6)"),
        ("event_object_catalog", "varchar(64)"),
        ("event_object_schema", "varchar(64)"),
        ("event_object_table", "varchar(64)"),
        ("action_order", "int unsigned"),
        ("action_condition", "longtext"),
        ("action_statement", "longtext"),
        ("action_orientation", "varchar(3)"),
        ("action_timing", "varchar(6)"),
        ("action_reference_old_table", "varchar(64)"),
        ("action_reference_new_table", "varchar(64)"),
        ("action_reference_old_row", "varchar(3)"),
        ("action_reference_new_row", "varchar(3)"),
        ("created", "timestamp(2)"),
        ("sql_mode", "longtext"),
        ("definer", "varchar(288)"),
        ("character_set_client", "varchar(64)"),
        ("collation_connection", "varchar(64)"),
        ("database_collation", "varchar(64)"),
    ])
}

pub(super) fn events() -> Vec<Column<Nothing>> {
    empty(&[
        ("event_catalog", "varchar(64)"),
        ("event_schema", "varchar(64)"),
        ("event_name", "varchar(64)"),
        ("definer", "varchar(288)"),
        ("time_zone", "varchar(64)"),
        ("event_body", "varchar(3)"),
        ("event_definition", "longtext"),
        ("event_type", "varchar(9)"),
        ("execute_at", "datetime"),
        ("interval_value", "varchar(256)"),
        ("interval_field", "varchar(18)"),
        ("sql_mode", "longtext"),
        ("starts", "datetime"),
        ("ends", "datetime"),
        ("status", "varchar(21)"),
        ("on_completion", "varchar(12)"),
        ("created", "timestamp"),
        ("last_altered", "timestamp"),
        ("last_executed", "datetime"),
        ("event_comment", "varchar(2048)"),
        ("originator", "int unsigned"),
        ("character_set_client", "varchar(64)"),
        ("collation_connection", "varchar(64)"),
        ("database_collation", "varchar(64)"),
    ])
}

pub(super) fn routines() -> Vec<Column<Nothing>> {
    empty(&[
        ("specific_name", "varchar(64)"),
        ("routine_catalog", "varchar(64)"),
        ("routine_schema", "varchar(64)"),
        ("routine_name", "varchar(64)"),
        ("routine_type", "varchar(9)"),
        ("data_type", "longtext"),
        ("character_maximum_length", "bigint"),
        ("character_octet_length", "bigint"),
        ("numeric_precision", "int unsigned"),
        ("numeric_scale", "int unsigned"),
        ("datetime_precision", "int unsigned"),
        ("character_set_name", "varchar(64)"),
        ("collation_name", "varchar(64)"),
        ("dtd_identifier", "longtext"),
        ("routine_body", "varchar(8)"),
        ("routine_definition", "longtext"),
        ("external_name", "varchar(64)"),
        ("external_language", "varchar(64)"),
        ("parameter_style", "varchar(3)"),
        ("is_deterministic", "varchar(3)"),
        ("sql_data_access", "varchar(17)"),
        ("sql_path", "varchar(64)"),
        ("security_type", "varchar(7)"),
        ("created", "timestamp"),
        ("last_altered", "timestamp"),
        ("sql_mode", "longtext"),
        ("routine_comment", "text"),
        ("definer", "varchar(288)"),
        ("character_set_client", "varchar(64)"),
        ("collation_connection", "varchar(64)"),
        ("database_collation", "varchar(64)"),
    ])
}

pub(super) fn parameters() -> Vec<Column<Nothing>> {
    empty(&[
        ("specific_catalog", "varchar(64)"),
        ("specific_schema", "varchar(64)"),
        ("specific_name", "varchar(64)"),
        ("ordinal_position", "bigint unsigned"),
        ("parameter_mode", "varchar(5)"),
        ("parameter_name", "varchar(64)"),
        ("data_type", "longtext"),
        ("character_maximum_length", "bigint"),
        ("character_octet_length", "bigint"),
        ("numeric_precision", "int unsigned"),
        ("numeric_scale", "bigint"),
        ("datetime_precision", "int unsigned"),
        ("character_set_name", "varchar(64)"),
        ("collation_name", "varchar(64)"),
        ("dtd_identifier", "mediumtext"),
        ("routine_type", "varchar(9)"),
    ])
}

pub(super) fn partitions() -> Vec<Column<Nothing>> {
    empty(&[
        ("table_catalog", "varchar(64)"),
        ("table_schema", "varchar(64)"),
        ("table_name", "varchar(64)"),
        ("partition_name", "varchar(64)"),
        ("subpartition_name", "varchar(64)"),
        ("partition_ordinal_position", "int unsigned"),
        ("subpartition_ordinal_position", "int unsigned"),
        ("partition_method", "varchar(13)"),
        ("subpartition_method", "varchar(13)"),
        ("partition_expression", "varchar(2048)"),
        ("subpartition_expression", "varchar(2048)"),
        ("partition_description", "text"),
        ("table_rows", "bigint unsigned"),
        ("avg_row_length", "bigint unsigned"),
        ("data_length", "bigint unsigned"),
        ("max_data_length", "bigint unsigned"),
        ("index_length", "bigint unsigned"),
        ("data_free", "bigint unsigned"),
        ("create_time", "timestamp"),
        ("update_time", "datetime"),
        ("check_time", "datetime"),
        ("checksum", "bigint"),
        ("partition_comment", "text"),
        ("nodegroup", "varchar(256)"),
        ("tablespace_name", "varchar(268)"),
    ])
}
