//! Plans of the database and table statements.

use crate::plan::data_type::DataType;
use crate::plan::export::{Compression, Dialect, Fields, Format, Lines};
use crate::plan::passing::ShowFilter;
use crate::plan::query::QueryText;
use crate::span::{Name, Spanned};

/// `[database.]table`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName {
    /// The database, when it was named.
    pub database: Option<Name>,
    /// The table.
    pub table: Name,
}

/// `CREATE DATABASE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateDatabase {
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The database's name.
    pub name: Name,
}

/// `DROP DATABASE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropDatabase {
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// The database's name.
    pub name: Name,
}

/// `SHOW TABLES`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShowTables {
    /// `FULL`.
    pub full: bool,
    /// `FROM db`.
    pub database: Option<Name>,
    /// `LIKE 'pattern'` or `WHERE condition`.
    pub filter: Option<ShowFilter>,
}

/// `SHOW COLUMNS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShowColumns {
    /// `FULL`.
    pub full: bool,
    /// The table.
    pub table: TableName,
    /// `LIKE 'pattern'` or `WHERE condition`.
    pub filter: Option<ShowFilter>,
}

/// `CREATE TABLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTable {
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The table's name.
    pub table: TableName,
    /// The columns, at least one.
    pub columns: Vec<ColumnDef>,
    /// Keys declared beside the columns.
    pub keys: Vec<TableKey>,
    /// `COMMENT = 's'`.
    pub comment: Option<Spanned<String>>,
    /// The other options (`ENGINE`, `CHARSET`, …), kept as typed, names in upper case.
    pub options: Vec<(String, String)>,
}

/// One column of CREATE TABLE. `COLLATE` and `CHARACTER SET` are read and not kept: all text is UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDef {
    /// The column's name.
    pub name: Name,
    /// Its type.
    pub data_type: Spanned<DataType>,
    /// `Some(false)` for `NOT NULL`, `Some(true)` for `NULL`.
    pub nullable: Option<bool>,
    /// `DEFAULT literal`.
    pub default: Option<Spanned<Literal>>,
    /// `PRIMARY KEY`.
    pub primary_key: bool,
    /// `UNIQUE`.
    pub unique: bool,
    /// `AUTO_INCREMENT`.
    pub auto_increment: bool,
    /// `COMMENT 's'`.
    pub comment: Option<Spanned<String>>,
}

/// A literal after DEFAULT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// `NULL`.
    Null,
    /// `TRUE`, `FALSE`.
    Bool(bool),
    /// A number as typed, with its sign: exact.
    Number(String),
    /// A string.
    String(String),
    /// `CURRENT_TIMESTAMP[(digits)]` or `NOW()`.
    CurrentTimestamp(Option<u8>),
}

/// A key declared beside the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableKey {
    /// `PRIMARY KEY (…)`.
    Primary(Vec<Name>),
    /// `UNIQUE [KEY|INDEX] [name] (…)`.
    Unique {
        /// Its name.
        name: Option<Name>,
        /// Its columns.
        columns: Vec<Name>,
    },
    /// `KEY|INDEX [name] (…)`.
    Index {
        /// Its name.
        name: Option<Name>,
        /// Its columns.
        columns: Vec<Name>,
    },
}

/// `CREATE EXTERNAL TABLE … INFILE …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateExternalTable {
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The table's name.
    pub table: TableName,
    /// The columns; empty when they are to be found out from the files.
    pub columns: Vec<ColumnDef>,
    /// The files.
    pub files: Infile,
    /// `FIELDS …`.
    pub fields: Fields,
    /// `LINES …`.
    pub lines: Lines,
    /// `IGNORE n LINES`, 0 when not given.
    pub ignore_lines: u64,
}

/// `INFILE 'path'` or `INFILE {'filepath'='…', …}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Infile {
    /// The path or glob.
    pub path: Spanned<String>,
    /// `'format'`.
    pub format: Option<Spanned<Format>>,
    /// `'compression'`; `None` also for `'auto'`: by the suffix.
    pub compression: Option<Spanned<Compression>>,
    /// `'jsondata'`: `object` or `array`, in lower case.
    pub json_data: Option<Spanned<String>>,
    /// `'write_file_pattern'`.
    pub write_file_pattern: Option<Spanned<String>>,
    /// `'comment'`: lines that begin so are skipped.
    pub comment: Option<Spanned<String>>,
    /// `'dialect'`: the FIELDS and LINES that an export of this dialect has.
    pub dialect: Option<Spanned<Dialect>>,
    /// `'header'`: whether a first line names the columns, which are then found by their names.
    pub header: Option<Spanned<bool>>,
    /// `'null'`: the bare text that is NULL.
    pub null: Option<Spanned<String>>,
    /// `'hive_partitioning'`: whether folders `key=value` are columns.
    pub hive_partitioning: Option<Spanned<bool>>,
}

/// `LOAD DATA`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadData {
    /// `LOCAL`: the file is the client's.
    pub local: bool,
    /// The files.
    pub files: Infile,
    /// `IGNORE` or `REPLACE`, for rows whose keys are there already.
    pub duplicates: Option<Spanned<Duplicates>>,
    /// The table.
    pub table: TableName,
    /// `CHARACTER SET name`.
    pub character_set: Option<Spanned<String>>,
    /// `FIELDS …`.
    pub fields: Fields,
    /// `LINES …`.
    pub lines: Lines,
    /// `IGNORE n LINES`, 0 when not given.
    pub ignore_lines: u64,
    /// Where the fields go, in their order; empty for the table's columns.
    pub columns: Vec<LoadColumn>,
    /// `ON_ERROR …`: what becomes of lines that are no rows of the table.
    pub on_error: Option<Spanned<OnError>>,
    /// `SKIP_LOADED = TRUE`: files that the table has been loaded from already are left out.
    pub skip_loaded: Option<Spanned<bool>>,
    /// `SET column = expression, …`.
    pub assignments: Vec<ColumnAssignment>,
}

/// What becomes of lines of LOAD DATA that are no rows of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnError {
    /// The first ends the statement, and nothing is loaded.
    Abort,
    /// They are left out.
    Skip {
        /// How many at most; more end the statement.
        most: Option<u64>,
        /// `REPORT 'stage://stage/file'`: where they are written with what was wrong.
        report: Option<Spanned<String>>,
    },
}

/// What happens to rows of LOAD DATA whose keys are there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// They are left out.
    Ignore,
    /// They take the others' place.
    Replace,
}

/// Where a field of LOAD DATA goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadColumn {
    /// Into a column.
    Column(Name),
    /// Into `@name`, which SET may use.
    Variable(Name),
}

/// `column = expression`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnAssignment {
    /// The column.
    pub column: Name,
    /// The expression, verbatim; `DEFAULT` is one.
    pub value: QueryText,
}

/// `CREATE TABLE t AS query`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTableAs {
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The table's name.
    pub table: TableName,
    /// The query, verbatim, which gives columns and rows.
    pub source: QueryText,
}

impl ColumnAssignment {
    /// Whether the column gets its default.
    pub fn is_default(&self) -> bool {
        self.value.text.eq_ignore_ascii_case("default")
    }
}

/// `UPDATE t [[AS] alias] SET … [WHERE …]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The table.
    pub table: TableName,
    /// What the statement calls it.
    pub alias: Option<Name>,
    /// At least one.
    pub assignments: Vec<ColumnAssignment>,
    /// The condition, verbatim; without one it is every row.
    pub condition: Option<QueryText>,
}

/// `DELETE FROM t [[AS] alias] [WHERE …]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delete {
    /// The table.
    pub table: TableName,
    /// What the statement calls it.
    pub alias: Option<Name>,
    /// The condition, verbatim; without one it is every row.
    pub condition: Option<QueryText>,
}

/// `DROP TABLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropTable {
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// The tables, at least one.
    pub tables: Vec<TableName>,
}
