//! What a statement gives: nothing but a count, rows, or an export to follow.

use std::pin::Pin;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::{Stream, StreamExt};
use query::InsertId;

use crate::error::{Error, Result};
use crate::exports::ExportHandle;
use crate::turns::Turn;

use super::bounds::Bounds;
use super::origins::Origin;

/// A statement's outcome.
pub enum Outcome {
    /// It changed something, or nothing; there are no rows.
    Done(Done),
    /// A result set.
    Rows(Rows),
    /// An export was admitted and runs; follow it through the handle.
    Export(ExportHandle),
    /// Files are to go to or come from the client, which alone reaches its own.
    Transfer(FileTransfer),
}

/// GET or PUT, as the client has to carry it out, by downloads and uploads of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTransfer {
    /// Which way.
    pub direction: Transfer,
    /// The stage.
    pub stage: String,
    /// A file, a folder or a pattern of the stage.
    pub path: String,
    /// The client's folder, or its file or pattern: an absolute path.
    pub local_path: String,
    /// Whether files that have the names are replaced.
    pub overwrite: bool,
}

/// Which way files go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// From the stage to the client: GET.
    Get,
    /// From the client to the stage: PUT.
    Put,
}

impl Transfer {
    /// What a client that only runs SQL is told.
    pub(crate) fn not_carried(self) -> Error {
        let verb = self.verb();
        let command = verb.to_lowercase();
        Error::not_supported(format_args!(
            "{verb} is carried out by the client, which alone reaches its own files, and this one does not: run it in `stagedoor sql`, or use `stagedoor file {command}`"
        ))
    }

    /// The statement's verb.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
        }
    }
}

/// The end of a statement without rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// Which statement it was, such as `INSERT`.
    pub verb: &'static str,
    /// Rows inserted.
    pub affected_rows: u64,
    /// What AUTO_INCREMENT gave to the new rows, or was given.
    pub insert_id: InsertId,
    /// Things worth knowing that did not stop it.
    pub warnings: Vec<String>,
}

/// Tells what did not stop a query, once its rows have been read.
pub type Warnings = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

/// A result set.
pub struct Rows {
    /// Which statement it was, such as `QUERY`.
    pub verb: &'static str,
    /// The columns.
    pub schema: SchemaRef,
    /// The rows, produced as they are read.
    pub batches: Pin<Box<dyn Stream<Item = Result<RecordBatch>> + Send>>,
    /// Things worth knowing, complete once the rows have been read.
    pub warnings: Warnings,
    /// For each column the table's column that it is, unchanged; none for what is no query's.
    pub origins: Vec<Option<Origin>>,
}

impl Rows {
    /// The same rows, until a bound is reached; they keep their turn until then.
    pub(super) fn bounded(self, turn: Option<Turn>, bounds: Bounds) -> Self {
        let state = Some((self.batches, bounds, turn));
        let batches = futures::stream::unfold(state, |state| async {
            let (mut batches, mut bounds, turn) = state?;
            match bounds.within(batches.next()).await {
                Ok(next) => Some((next?, Some((batches, bounds, turn)))),
                Err(error) => Some((Err(error), None)),
            }
        });
        Self {
            verb: self.verb,
            schema: self.schema,
            batches: Box::pin(batches),
            warnings: self.warnings,
            origins: self.origins,
        }
    }
}

impl Outcome {
    /// Done, with nothing to count.
    pub(crate) fn done(verb: &'static str) -> Self {
        Self::Done(Done {
            verb,
            ..Done::default()
        })
    }

    /// Done, with something worth knowing.
    pub(crate) fn done_with_warnings(verb: &'static str, warnings: Vec<String>) -> Self {
        Self::Done(Done {
            verb,
            warnings,
            ..Done::default()
        })
    }

    /// The same rows, with something worth knowing.
    pub(crate) fn with_warnings(self, warnings: Vec<String>) -> Self {
        match self {
            Self::Rows(rows) => Self::Rows(Rows {
                warnings: Arc::new(move || warnings.clone()),
                ..rows
            }),
            Self::Done(_) | Self::Export(_) | Self::Transfer(_) => self,
        }
    }

    /// Rows known at once.
    pub(crate) fn batch(verb: &'static str, batch: RecordBatch) -> Self {
        let schema = batch.schema();
        Self::Rows(Rows {
            verb,
            schema,
            batches: Box::pin(futures::stream::iter([Ok(batch)])),
            warnings: Arc::new(Vec::new),
            origins: Vec::new(),
        })
    }

    /// One row of numbers.
    pub(crate) fn numbers(verb: &'static str, columns: &[(&str, u64)]) -> Result<Self> {
        let fields: Vec<Field> = columns
            .iter()
            .map(|(name, _)| Field::new(*name, DataType::UInt64, false))
            .collect();
        let arrays = columns
            .iter()
            .map(|(_, number)| Arc::new(UInt64Array::from(vec![*number])) as ArrayRef)
            .collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|e| Error::defect("failed to build a row of numbers").with_source(e))?;
        Ok(Self::batch(verb, batch))
    }

    /// Text rows of SHOW and DESCRIBE; a `None` is NULL.
    pub(crate) fn text_rows(
        verb: &'static str,
        columns: &[&str],
        rows: Vec<Vec<Option<String>>>,
    ) -> Result<Self> {
        Ok(Self::batch(verb, text_batch(columns, rows)?))
    }
}

/// A batch of nullable text columns; every row has one cell for each of `columns`.
pub(crate) fn text_batch(columns: &[&str], rows: Vec<Vec<Option<String>>>) -> Result<RecordBatch> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|name| Field::new(*name, DataType::Utf8, true))
        .collect();
    let mut cells: Vec<Vec<Option<String>>> = columns
        .iter()
        .map(|_| Vec::with_capacity(rows.len()))
        .collect();
    for row in rows {
        for (column, cell) in cells.iter_mut().zip(row) {
            column.push(cell);
        }
    }
    let arrays = cells
        .into_iter()
        .map(|column| Arc::new(StringArray::from(column)) as ArrayRef)
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|e| Error::defect("failed to build a result").with_source(e))
}
