//! SELECT text to record batches, on DataFusion, with MySQL's meaning.
//!
#![doc = include_str!("../README.md")]

mod convert;
mod engine;
mod error;
mod functions;
mod guard;
mod insert;
mod meaning;
mod memory;
mod mysql;
mod origins;
mod panics;
mod planned;
pub mod segment;
mod settings;
mod stop;
mod tables;
mod text;
mod unions;
mod workers;

pub use convert::types::{SQL_TYPE_KEY, arrow_field, declared_type, field_sql_type, sql_type};
pub use convert::{DefaultValue, check_default, column_texts};
pub use engine::{Context, QueryEngine};
pub use error::{Error, ErrorKind, Position, Violation};
pub use guard::Warning;
pub use insert::{InsertColumn, InsertId, InsertTarget, PlannedInsert};
pub use mysql::{SessionValues, Statement, TableRef, table_references};
pub use origins::ColumnOrigin;
pub use planned::{BatchStream, PlannedQuery};
pub use settings::Settings;
pub use tables::{
    BlockChecksums, Comparison, Condition, FileFormat, FileRef, Limit, LiveBatches, LiveError,
    LiveTable, LiveWanted, Operand, PageError, Pages, PathColumns, RowSource, Source, StoreList,
    TableDefinition, Value, ViewQuery, Wanted,
};
pub use text::{Charset, Compression, CsvReadOptions, JsonReadOptions, LeftOut};

use convert::{temporal, types};
