//! Tables as the caller describes them, made into DataFusion's table providers:
//! Parquet files, CSV files, batches in memory.

mod conditions;
mod declared;
mod digests;
mod footers;
mod live;
mod parquet;
mod paths;
mod reading;
mod registry;
mod rows;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::datasource::{MemTable, ViewTable, provider_as_source};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use object_store::ObjectStore;
use url::Url;

use crate::error::{Error, from_datafusion};
use crate::mysql::Statement;
use crate::text::{CsvReadOptions, JsonReadOptions, TextFormat, TextTable};

pub use conditions::{Comparison, Condition, Operand};
pub(crate) use digests::sha256;
pub use live::{LiveBatches, LiveError, LiveTable, LiveWanted};
use parquet::ParquetTable;
pub(crate) use parquet::infer as infer_parquet;
pub use paths::PathColumns;
pub(crate) use paths::{FILE_PATH, FromPaths};
pub(crate) use reading::FilesAtHand;
pub(crate) use registry::Stores;
pub use rows::{Limit, PageError, Pages, RowSource, Value, Wanted};

/// The name of DataFusion's catalog that holds a query's tables; users never see it.
pub(crate) const CATALOG: &str = "stagedoor";
/// What a table is called within itself where its names are folded; no user can name it.
pub(crate) const FOLDED: &str = "folded:files";
/// [`CATALOG`] and a dot, as it stands in DataFusion's messages.
pub(crate) const CATALOG_DOT: &str = "stagedoor.";

/// One table that a query may name.
#[derive(Debug, Clone)]
pub struct TableDefinition {
    /// Database, in lower case.
    pub database: String,
    /// Name, in lower case.
    pub name: String,
    /// The declared columns; none means those of the files or batches, for [`Source::Files`] to be
    /// found by [`crate::QueryEngine::infer_schema`] first.
    pub schema: Option<SchemaRef>,
    /// Where the rows are.
    pub source: Source,
}

/// A file within a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRef {
    /// Path within the store, without a leading slash.
    pub path: String,
    /// Size.
    pub bytes: u64,
    /// Rows, when known for sure: answers `COUNT(*)` and gives estimates.
    pub rows: Option<u64>,
    /// Those of its blocks, when known: what is read is compared with them.
    pub checksums: Option<BlockChecksums>,
}

impl FileRef {
    /// A file of which nothing but its place and size is known.
    #[must_use]
    pub fn new(path: impl Into<String>, bytes: u64) -> Self {
        Self {
            path: path.into(),
            bytes,
            rows: None,
            checksums: None,
        }
    }
}

/// The checksums of a file's blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockChecksums {
    /// Bytes of each block but the last; over 0.
    pub block_bytes: u64,
    /// The CRC-32C of each block, in order.
    pub crc32c: Arc<[u32]>,
}

/// Where a table's rows are.
#[derive(Debug, Clone)]
pub enum Source {
    /// A managed table: Parquet segments, in order; none is an empty table.
    Segments {
        /// The store's URL, one of those of the [`crate::Context`].
        store: Url,
        /// The segments.
        files: Vec<FileRef>,
    },
    /// An external table or staged files.
    Files {
        /// The store's URL, one of those of the [`crate::Context`].
        store: Url,
        /// The files, in order; globs are expanded by the caller.
        files: Vec<FileRef>,
        /// Their format.
        format: FileFormat,
        /// What of their paths are columns.
        paths: PathColumns,
    },
    /// Rows in memory.
    Batches(Vec<RecordBatch>),
    /// Rows that are made while the query reads them: system tables.
    Rows(Arc<dyn RowSource>),
    /// Rows that another server has, and gives while the query reads them.
    Live(Arc<dyn LiveTable>),
    /// Rows that a query gives.
    View(Arc<ViewQuery>),
}

/// A view: a query that stands in the place of a table.
#[derive(Debug)]
pub struct ViewQuery {
    /// The query.
    pub statement: Statement,
    /// The database in which its names without one are looked up.
    pub database: String,
    /// The tables that it names.
    pub tables: Vec<TableDefinition>,
    /// The labels that its columns must have, so that it gives what it gave when the view was made.
    pub labels: Vec<String>,
    /// The view's columns, in lower case; one for each of the query's.
    pub columns: Vec<String>,
}

impl Source {
    /// The same files, of which lines that are no rows of the table are left out and told of in `left_out`.
    ///
    /// # Errors
    /// Unsupported for what has no lines.
    pub fn leaving_out(mut self, left_out: &crate::LeftOut) -> Result<Self, Error> {
        let place = match &mut self {
            Self::Files {
                format: FileFormat::Csv(options),
                ..
            } => &mut options.left_out,
            Self::Files {
                format: FileFormat::JsonLine(options),
                ..
            } => &mut options.left_out,
            Self::Files {
                format: FileFormat::Parquet,
                ..
            }
            | Self::Segments { .. }
            | Self::Batches(_)
            | Self::Rows(_)
            | Self::Live(_)
            | Self::View(_) => {
                return Err(Error::unsupported(
                    "lines can be left out of CSV and JSON lines only",
                ));
            }
        };
        *place = Some(left_out.clone());
        Ok(self)
    }
}

/// The format of external files.
#[derive(Debug, Clone)]
pub enum FileFormat {
    /// Apache Parquet.
    Parquet,
    /// Delimited text by MySQL's rules.
    Csv(CsvReadOptions),
    /// An object of JSON in each line.
    JsonLine(JsonReadOptions),
}

/// Stores by URL; a query sees no others.
pub type StoreList = Vec<(Url, Arc<dyn ObjectStore>)>;

/// Adds the tables of one database to `schema`. With `file_paths` those of files have [`FILE_PATH`].
pub(crate) fn register(
    schema: &dyn SchemaProvider,
    table: &TableDefinition,
    stores: &Stores,
    files: &FilesAtHand,
    file_paths: bool,
) -> Result<(), Error> {
    let name = table.name.to_lowercase();
    let provider = folded(provider(table, stores, files, file_paths)?)?;
    schema
        .register_table(name, provider)
        .map_err(from_datafusion)?;
    Ok(())
}

/// Adds a view, which has been planned, to `schema`.
pub(crate) fn register_view(
    schema: &dyn SchemaProvider,
    table: &TableDefinition,
    view: Arc<dyn TableProvider>,
) -> Result<(), Error> {
    let name = table.name.to_lowercase();
    schema.register_table(name, view).map_err(from_datafusion)?;
    Ok(())
}

fn provider(
    table: &TableDefinition,
    stores: &Stores,
    at_hand: &FilesAtHand,
    file_paths: bool,
) -> Result<Arc<dyn TableProvider>, Error> {
    let missing = || columns_missing(table);
    Ok(match &table.source {
        Source::Batches(batches) => {
            let schema = table
                .schema
                .clone()
                .or_else(|| batches.first().map(RecordBatch::schema))
                .ok_or_else(missing)?;
            Arc::new(MemTable::try_new(schema, vec![batches.clone()]).map_err(from_datafusion)?)
        }
        Source::Rows(rows) => Arc::new(rows::RowTable::new(Arc::clone(rows))),
        Source::Live(live) => {
            let schema = table.schema.clone().ok_or_else(missing)?;
            let name = format!("{}.{}", table.database, table.name);
            Arc::new(live::LiveProvider::new(schema, Arc::clone(live), name))
        }
        Source::View(_) => return Err(Error::internal("a view has not been planned")),
        Source::Segments { store, files } => {
            let schema = table.schema.clone().ok_or_else(missing)?;
            let name = format!("{}.{}", table.database, table.name);
            let at = (store, stores.get(store)?);
            Arc::new(ParquetTable::new(schema, at, files, name, at_hand)?)
        }
        Source::Files {
            store,
            files,
            format,
            paths,
        } => {
            let schema = table.schema.clone().ok_or_else(missing)?;
            let paths = FromPaths::of(&schema, files, paths, file_paths)?;
            let own = paths.left_to_files(&schema);
            let text = |format, paths| -> Result<Arc<dyn TableProvider>, Error> {
                let (own, files, store) = (Arc::clone(&own), files.clone(), stores.get(store)?);
                Ok(Arc::new(TextTable::new(own, store, files, format, paths)?))
            };
            let read: Arc<dyn TableProvider> = match format {
                FileFormat::Parquet => {
                    let name = format!("{}.{}", table.database, table.name);
                    let at = (store, stores.get(store)?);
                    let table = ParquetTable::new(own, at, files, name, at_hand)?;
                    Arc::new(table.of_others(paths)?)
                }
                FileFormat::Csv(options) => text(TextFormat::Csv(options.clone()), paths)?,
                FileFormat::JsonLine(options) => {
                    text(TextFormat::JsonLine(options.clone()), paths)?
                }
            };
            in_order(read, &schema)?
        }
    })
}

/// The columns in a table's order; those that it does not have are behind them.
fn in_order(
    provider: Arc<dyn TableProvider>,
    wanted: &Schema,
) -> Result<Arc<dyn TableProvider>, Error> {
    let has = provider.schema();
    let names = |schema: &Schema| -> Vec<String> {
        let names = schema.fields().iter().map(|field| field.name().clone());
        names.collect()
    };
    let (has, mut names) = (names(has.as_ref()), names(wanted));
    let others = has.iter().filter(|name| wanted.index_of(name).is_err());
    names.extend(others.cloned().collect::<Vec<_>>());
    if has == names {
        return Ok(provider);
    }
    let columns = names
        .into_iter()
        .map(|name| Expr::Column(datafusion::common::Column::new_unqualified(name)));
    let plan = LogicalPlanBuilder::scan(FOLDED, provider_as_source(provider), None)
        .and_then(|builder| builder.project(columns))
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_datafusion)?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}

fn columns_missing(table: &TableDefinition) -> Error {
    Error::invalid(format!(
        "the columns of {}.{} are not known",
        table.database, table.name
    ))
}

/// Names are compared in lower case; files may have others, which a view renames.
fn folded(provider: Arc<dyn TableProvider>) -> Result<Arc<dyn TableProvider>, Error> {
    let schema = provider.schema();
    let lower = |field: &Field| field.name().to_lowercase();
    if schema
        .fields()
        .iter()
        .all(|field| lower(field) == *field.name())
    {
        return Ok(provider);
    }
    let names: Vec<Expr> = schema
        .fields()
        .iter()
        .map(|field| {
            Expr::Column(datafusion::common::Column::new_unqualified(field.name()))
                .alias(lower(field))
        })
        .collect();
    let plan = LogicalPlanBuilder::scan(FOLDED, provider_as_source(provider), None)
        .and_then(|builder| builder.project(names))
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_datafusion)?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}

/// The schema with text and binary columns as views, which Parquet is decoded to without copying.
pub(crate) fn with_views(schema: &Schema) -> SchemaRef {
    use arrow::datatypes::DataType;
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| match field.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 => {
                field.as_ref().clone().with_data_type(DataType::Utf8View)
            }
            DataType::Binary | DataType::LargeBinary => {
                field.as_ref().clone().with_data_type(DataType::BinaryView)
            }
            _ => field.as_ref().clone(),
        })
        .collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}
