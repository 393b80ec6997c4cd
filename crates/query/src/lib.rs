//! SELECT text to record batches, on DataFusion, with MySQL's meaning.
//!
#![doc = include_str!("../README.md")]

mod csv;
mod engine;
mod error;
mod functions;
mod guard;
mod insert;
mod memory;
mod mysql;
mod panics;
mod planned;
pub mod segment;
mod settings;
mod stop;
mod tables;
mod temporal;
mod types;
mod workers;

pub use csv::CsvReadOptions;
pub use engine::{Context, QueryEngine};
pub use error::{Error, ErrorKind, Position, Violation};
pub use guard::Warning;
pub use insert::{InsertColumn, InsertTarget, PlannedInsert};
pub use mysql::{SessionValues, TableRef, table_references};
pub use planned::{BatchStream, PlannedQuery};
pub use settings::Settings;
pub use tables::{
    FileFormat, FileRef, Limit, PageError, Pages, RowSource, Source, StoreList, TableDefinition,
    Value, Wanted,
};
pub use types::{SQL_TYPE_KEY, arrow_field, field_sql_type, sql_type};
