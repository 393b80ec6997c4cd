//! A table of delimited files: streamed from the store file by file, in order,
//! every value converted as INSERT converts it.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::CsvReadOptions;
use super::records::{Record, Records, Step};
use crate::error::{Error, ErrorKind, Violation, from_arrow};
use crate::insert::{Cell, ColumnWriter};
use crate::tables::FileRef;

/// Longest record; a quote that is never closed would otherwise take the whole file into memory.
const RECORD_BYTES_MAX: usize = 64 << 20;

#[derive(Clone)]
pub(crate) struct CsvScan {
    schema: SchemaRef,
    store: Arc<dyn ObjectStore>,
    files: Vec<FileRef>,
    options: CsvReadOptions,
}

impl fmt::Debug for CsvScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvScan")
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}

impl CsvScan {
    pub(crate) fn new(
        schema: SchemaRef,
        store: Arc<dyn ObjectStore>,
        files: Vec<FileRef>,
        options: CsvReadOptions,
    ) -> Result<Self, Error> {
        options.validate()?;
        writers(&schema)?;
        Ok(Self {
            schema,
            store,
            files,
            options,
        })
    }

    fn batches(&self, batch_rows: usize) -> BoxStream<'static, Result<RecordBatch, Error>> {
        let scan = self.clone();
        futures::stream::iter(self.files.clone())
            .then(move |file| {
                let scan = scan.clone();
                async move { FileRows::open(scan, file, batch_rows).await }
            })
            .map_ok(|rows| {
                futures::stream::try_unfold(rows, |mut rows| async move {
                    Ok(rows.next().await?.map(|batch| (batch, rows)))
                })
            })
            .try_flatten()
            .boxed()
    }
}

impl PartitionStream for CsvScan {
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

/// The bytes of a file as the store sends them.
pub(super) async fn open(
    store: &Arc<dyn ObjectStore>,
    path: &str,
) -> Result<BoxStream<'static, object_store::Result<bytes::Bytes>>, Error> {
    let got = store
        .get(&Path::from(path))
        .await
        .map_err(|error| failed(path, error))?;
    Ok(got.into_stream())
}

pub(super) fn failed(path: &str, error: object_store::Error) -> Error {
    let kind = if matches!(error, object_store::Error::NotFound { .. }) {
        ErrorKind::NotFound
    } else {
        ErrorKind::Io
    };
    Error::new(kind, format!("failed to read the file '{path}'")).because(error)
}

fn writers(schema: &Schema) -> Result<Vec<ColumnWriter>, Error> {
    schema
        .fields()
        .iter()
        .map(|field| ColumnWriter::new(field))
        .collect()
}

/// One file being read.
struct FileRows {
    scan: CsvScan,
    path: String,
    bytes: BoxStream<'static, object_store::Result<bytes::Bytes>>,
    records: Records,
    batch_rows: usize,
    row: u64,
}

impl FileRows {
    async fn open(scan: CsvScan, file: FileRef, batch_rows: usize) -> Result<Self, Error> {
        let bytes = open(&scan.store, &file.path).await?;
        let records = Records::new(scan.options.clone());
        Ok(Self {
            scan,
            path: file.path,
            bytes,
            records,
            batch_rows,
            row: 0,
        })
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        let mut writers = writers(&self.scan.schema)?;
        let mut record = Record::default();
        let mut rows = 0;
        while rows < self.batch_rows {
            match self.records.next(&mut record) {
                Step::Record => {
                    // A blank line is a row only where a row can be one empty field.
                    let blank = record.len() == 1
                        && record
                            .field(0)
                            .is_none_or(|field| field.trim_ascii().is_empty());
                    if blank && writers.len() > 1 {
                        continue;
                    }
                    self.row += 1;
                    push(&mut writers, &self.scan.schema, &record, self.row)
                        .map_err(|error| error.in_file(&self.path, record.line))?;
                    rows += 1;
                }
                Step::More if self.records.waiting_bytes() > RECORD_BYTES_MAX => {
                    let text = format!(
                        "a record is longer than {RECORD_BYTES_MAX} bytes; is a quote not closed?"
                    );
                    return Err(Error::invalid(text).in_file(&self.path, record.line));
                }
                Step::More => match self.bytes.next().await {
                    Some(chunk) => self
                        .records
                        .feed(&chunk.map_err(|error| failed(&self.path, error))?),
                    None => self.records.end(),
                },
                Step::End => break,
            }
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns = writers
            .iter_mut()
            .map(ColumnWriter::finish)
            .collect::<Result<Vec<_>, _>>()?;
        RecordBatch::try_new(Arc::clone(&self.scan.schema), columns)
            .map(Some)
            .map_err(from_arrow)
    }
}

fn push(
    writers: &mut [ColumnWriter],
    schema: &Schema,
    record: &Record,
    row: u64,
) -> Result<(), Error> {
    // One empty field too many is a terminator at the end of the line.
    let extra = record.len() == writers.len() + 1
        && record.field(writers.len()).is_some_and(<[u8]>::is_empty);
    if record.len() != writers.len() && !extra {
        let text = format!(
            "row {row} has {} fields, the table has {} columns",
            record.len(),
            writers.len()
        );
        return Err(Error::violation_of(Violation::ColumnCount, text));
    }
    for (index, (writer, field)) in writers.iter_mut().zip(schema.fields()).enumerate() {
        let cell = match record.field(index) {
            None => Cell::Null,
            Some(bytes) if crate::types::is_binary(field.data_type()) => Cell::Bytes(bytes),
            Some(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) if crate::types::is_text(field.data_type()) => Cell::Text(text),
                Ok(text) if text.trim().is_empty() => Cell::Null,
                Ok(text) => Cell::Text(text),
                Err(_) => {
                    return Err(Error::invalid(format!(
                        "column '{}' at row {row} is not UTF-8",
                        field.name()
                    )));
                }
            },
        };
        writer.push(cell, row)?;
    }
    Ok(())
}
