//! Text files as batches: streamed from the store file by file, in order,
//! every value converted as INSERT converts it.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter;
use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStore;

use super::jsonline::JsonLines;
use super::{JsonReadOptions, LeftOut, TextFormat, delimited};
use crate::convert::{Cell, ColumnWriter, shown};
use crate::error::{Error, Violation, from_arrow};
use crate::tables::{FileRef, FromPaths};

/// Bytes of text in one batch.
pub(super) const BATCH_BYTES_MAX: usize = 16 << 20;

/// What all files of a table have in common.
#[derive(Debug)]
pub(super) struct Layout {
    /// All columns.
    pub(super) schema: SchemaRef,
    pub(super) format: TextFormat,
}

/// Some files, and the columns of them that are wanted.
#[derive(Clone)]
pub(super) struct TextScan {
    pub(super) layout: Arc<Layout>,
    pub(super) store: Arc<dyn ObjectStore>,
    /// Each with its place among all of the table.
    pub(super) files: Vec<(usize, FileRef)>,
    /// Indices of the layout's columns.
    pub(super) columns: Vec<usize>,
    /// Those columns.
    pub(super) of_files: SchemaRef,
    /// Where columns are wanted that the files do not have.
    pub(super) completed: Option<Arc<Completed>>,
    /// All that are wanted.
    pub(super) schema: SchemaRef,
}

/// How rows of files become those that are wanted, with what the files' paths say.
#[derive(Debug)]
pub(super) struct Completed {
    pub(super) schema: SchemaRef,
    /// Where each column comes from.
    pub(super) parts: Vec<Part>,
    pub(super) paths: Arc<FromPaths>,
}

/// Where a column comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    /// Of those that were read from the file, this one.
    File(usize),
    /// Of those that are in its path, this one.
    Path(usize),
}

impl Completed {
    fn batch(&self, read: &RecordBatch, file: usize) -> Result<RecordBatch, Error> {
        let rows = read.num_rows();
        let columns = self.parts.iter().map(|part| match part {
            Part::File(column) => Ok(Arc::clone(read.column(*column))),
            Part::Path(column) => self.paths.column(file, *column, rows),
        });
        let columns = columns.collect::<Result<Vec<_>, Error>>()?;
        RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(from_arrow)
    }
}

impl fmt::Debug for TextScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextScan")
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}

impl TextScan {
    fn batches(&self, batch_rows: usize) -> BoxStream<'static, Result<RecordBatch, Error>> {
        let scan = self.clone();
        futures::stream::iter(self.files.clone())
            .then(move |(place, file)| scan.clone().file(place, file, batch_rows))
            .try_flatten()
            .boxed()
    }

    /// The rows of one file, with what its path says.
    async fn file(
        self,
        place: usize,
        file: FileRef,
        batch_rows: usize,
    ) -> Result<BoxStream<'static, Result<RecordBatch, Error>>, Error> {
        let completed = self.completed.clone();
        let read = self.of_file(file, batch_rows).await?;
        let Some(completed) = completed else {
            return Ok(read);
        };
        let batches = read.map(move |batch| completed.batch(&batch?, place));
        Ok(batches.boxed())
    }

    async fn of_file(
        self,
        file: FileRef,
        batch_rows: usize,
    ) -> Result<BoxStream<'static, Result<RecordBatch, Error>>, Error> {
        match &self.layout.format {
            TextFormat::Csv(options) => {
                let options = options.clone();
                delimited::batches(self, options, file, batch_rows).await
            }
            TextFormat::JsonLine(options) => {
                let rows = FileRows::open(&self, options, &file, batch_rows).await?;
                let batches = futures::stream::try_unfold(rows, |mut rows| async move {
                    Ok(rows.next().await?.map(|batch| (batch, rows)))
                });
                Ok(batches.boxed())
            }
        }
    }
}

impl PartitionStream for TextScan {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batches = self
            .batches(context.session_config().batch_size())
            .map_err(|error| DataFusionError::External(Box::new(error)));
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            batches,
        ))
    }
}

/// One file of JSON lines being read.
struct FileRows {
    path: String,
    lines: Box<JsonLines>,
    writers: Vec<ColumnWriter>,
    schema: SchemaRef,
    batch_rows: usize,
    row: u64,
}

/// A row that was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    pub(super) bytes: usize,
    /// It is none of the table's: the writers may have some of its values.
    pub(super) is_left_out: bool,
}

/// What became of a row: an error is noted where such rows are left out, and ends the reading else.
pub(super) fn taken(
    pushed: Result<(), Error>,
    left_out: Option<&LeftOut>,
    (path, line): (&str, u64),
    bytes: usize,
    written: impl FnOnce() -> String,
) -> Result<Option<Taken>, Error> {
    let is_left_out = match (pushed, left_out) {
        (Ok(()), _) => false,
        (Err(error), None) => return Err(error),
        (Err(error), Some(left_out)) => {
            left_out.note(path, line, error, &written())?;
            true
        }
    };
    Ok(Some(Taken { bytes, is_left_out }))
}

impl FileRows {
    async fn open(
        scan: &TextScan,
        options: &JsonReadOptions,
        file: &FileRef,
        batch_rows: usize,
    ) -> Result<Self, Error> {
        let wanted = scan.of_files.fields();
        let all = scan.layout.schema.fields();
        let lines = JsonLines::open(&scan.store, &file.path, options, wanted, all).await?;
        let writers = scan
            .of_files
            .fields()
            .iter()
            .map(|field| ColumnWriter::new(field))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            path: file.path.clone(),
            lines: Box::new(lines),
            writers,
            schema: Arc::clone(&scan.of_files),
            batch_rows,
            row: 0,
        })
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        let (mut rows, mut bytes) = (0, 0);
        // Which of the writers' rows are none of the table's.
        let mut left_out: Vec<usize> = Vec::new();
        while left_out.len() == rows || (rows < self.batch_rows && bytes < BATCH_BYTES_MAX) {
            let is_full = rows >= self.batch_rows || bytes >= BATCH_BYTES_MAX;
            if left_out.len() == rows && is_full {
                // Nothing of these is a row.
                self.arrays(rows, &left_out)?;
                left_out.clear();
                (rows, bytes) = (0, 0);
            }
            let row = self.row + 1;
            let taken = self.lines.next_into(&mut self.writers, row, &self.path);
            let taken = taken.await?;
            let Some(taken) = taken else { break };
            self.row = row;
            rows += 1;
            bytes += taken.bytes;
            if taken.is_left_out {
                left_out.push(rows - 1);
                for writer in &mut self.writers {
                    writer.fill_to(rows);
                }
            }
        }
        if left_out.len() == rows {
            return Ok(None);
        }
        let columns = self.arrays(rows, &left_out)?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows - left_out.len()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map(Some)
            .map_err(from_arrow)
    }

    /// What the writers have, without the rows that are left out.
    fn arrays(&mut self, rows: usize, left_out: &[usize]) -> Result<Vec<ArrayRef>, Error> {
        let columns = self.writers.iter_mut().map(ColumnWriter::finish);
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        if left_out.is_empty() {
            return Ok(columns);
        }
        let mut kept = vec![true; rows];
        for row in left_out {
            kept[*row] = false;
        }
        let kept = BooleanArray::from(kept);
        let columns = columns.iter().map(|column| filter(column, &kept));
        columns.collect::<Result<_, _>>().map_err(from_arrow)
    }
}

/// Adds a value of a file; an error says in any case what the value was.
pub(super) fn push_cell(writer: &mut ColumnWriter, cell: Cell<'_>, row: u64) -> Result<(), Error> {
    writer
        .push(cell, row)
        .map_err(|error| match error.violation() {
            // MySQL's texts of these do not.
            Some(Violation::OutOfRange | Violation::TooLong) => {
                error.with_detail(&format!(": '{}'", shown(cell)))
            }
            _ => error,
        })
}
