//! Delimited files as batches: a file's records are told apart one after another, and a block of them at a time is made
//! into values, several blocks side by side.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter;
use arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::common::runtime::SpawnedTask;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStore;

use super::records::{Block, Fault, Record, Records, Step};
use super::scan::{BATCH_BYTES_MAX, TextScan, push_cell};
use super::source::Source;
use super::{CsvReadOptions, LeftOut, header, kinds};
use crate::convert::types::{is_binary, is_text};
use crate::convert::{Cell, ColumnWriter, shown};
use crate::error::{Error, Violation, from_arrow};
use crate::tables::FileRef;

/// How a field's text becomes a cell.
#[derive(Debug, Clone, Copy)]
enum Form {
    Text,
    Bytes,
    /// Anything else: an empty text is no value.
    Parsed,
}

/// One column being read.
struct Column {
    field: Arc<Field>,
    /// Which field of a record it is.
    place: usize,
    form: Form,
}

/// A file's records as they come.
pub(super) struct FileRecords {
    pub(super) path: String,
    source: Source,
    records: Records,
    /// What is wrong behind the records that were given last.
    fault: Option<Error>,
}

impl FileRecords {
    /// Opens a file behind its first `ignore` lines.
    pub(super) async fn open(
        store: &Arc<dyn ObjectStore>,
        path: &str,
        options: &CsvReadOptions,
        ignore: u64,
    ) -> Result<Self, Error> {
        Ok(Self {
            path: path.to_owned(),
            source: Source::open(store, path, options.compression, options.charset).await?,
            records: Records::new(options, ignore),
            fault: None,
        })
    }

    /// The next record; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Record<'_>>, Error> {
        self.records.forget();
        match self.step().await? {
            true => Ok(self.records.record()),
            false => Ok(None),
        }
    }

    /// The next records: at most so many, and no more behind so many bytes; `None` at the end. What is wrong with the
    /// file comes behind the records before it.
    async fn block(&mut self, rows: usize, bytes: usize) -> Result<Option<Block>, Error> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        self.records.forget();
        while self.records.block().len() < rows && self.records.block().bytes() < bytes {
            match self.step().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(fault) if self.records.block().len() == 0 => return Err(fault),
                Err(fault) => {
                    self.records.forget_open();
                    self.fault = Some(fault);
                    break;
                }
            }
        }
        Ok((self.records.block().len() > 0).then(|| self.records.take()))
    }

    /// Reads one record more, if there is one.
    async fn step(&mut self) -> Result<bool, Error> {
        loop {
            let step = self.records.next();
            match step.map_err(|Fault { reason, line }| {
                Error::invalid(reason).in_file(&self.path, line)
            })? {
                Step::Record => return Ok(true),
                Step::End => return Ok(false),
                Step::More => match self.source.next().await? {
                    Some(bytes) => self.records.feed(&bytes),
                    None => self.records.end(),
                },
            }
        }
    }
}

/// The rows of a file, in order.
pub(super) async fn batches(
    scan: TextScan,
    options: CsvReadOptions,
    file: FileRef,
    batch_rows: usize,
) -> Result<BoxStream<'static, Result<RecordBatch, Error>>, Error> {
    let delimited = Delimited::open(&scan, &options, &file, batch_rows).await?;
    let noted = delimited.rows.left_out.is_some();
    let blocks = futures::stream::try_unfold(delimited, |mut delimited| async move {
        Ok(delimited.next().await?.map(|block| (block, delimited)))
    });
    // One more than there are threads, so that none waits for the next block. What is left out is noted in order.
    let at_once = match noted {
        true => 1,
        false => tokio::runtime::Handle::current().metrics().num_workers() + 1,
    };
    // An error takes its place behind the blocks before it.
    Ok(blocks
        .map(|block| async move {
            let (rows, block, before) = block?;
            SpawnedTask::spawn(async move { rows.batch(&block, before) })
                .join()
                .await
                .unwrap_or_else(|error| Err(crate::panics::joined("reading values", error)))
        })
        .buffered(at_once)
        .try_filter_map(async |batch| Ok(batch))
        .boxed())
}

/// A delimited file being read.
struct Delimited {
    records: FileRecords,
    rows: Arc<Rows>,
    batch_rows: usize,
    /// Rows so far.
    row: u64,
}

/// What the records of a file are, and what of them is wanted.
struct Rows {
    path: String,
    schema: SchemaRef,
    columns: Vec<Column>,
    /// How many fields a record must have.
    fields: usize,
    /// Whether NULL is an empty field.
    empty_is_null: bool,
    /// What ends a field.
    terminator: String,
    left_out: Option<LeftOut>,
    /// Whether the columns' types are those that were found in the files.
    undeclared: bool,
}

impl Delimited {
    async fn open(
        scan: &TextScan,
        options: &CsvReadOptions,
        file: &FileRef,
        batch_rows: usize,
    ) -> Result<Self, Error> {
        let ignore = options.ignore_lines - u64::from(options.header);
        let mut records = FileRecords::open(&scan.store, &file.path, options, ignore).await?;
        let all = scan.layout.schema.fields();
        let mut places: Vec<usize> = (0..all.len()).collect();
        let mut fields = all.len();
        // A file without even a header has no rows.
        if options.header
            && let Some(record) = records.next().await?
        {
            let line = record.line;
            let found = header::names(&record, &file.path)?;
            let wanted: Vec<String> = all
                .iter()
                .map(|field| field.name().to_lowercase())
                .collect();
            places = header::places(&found, &wanted, &file.path, line)?;
            fields = found.len();
        }
        let columns = scan.columns.iter().map(|index| {
            let field = &all[*index];
            let form = match field.data_type() {
                data_type if is_text(data_type) => Form::Text,
                data_type if is_binary(data_type) => Form::Bytes,
                _ => Form::Parsed,
            };
            Column {
                field: Arc::clone(field),
                place: places[*index],
                form,
            }
        });
        let columns = columns.collect();
        let rows = Rows {
            path: file.path.clone(),
            schema: Arc::clone(&scan.of_files),
            columns,
            fields,
            empty_is_null: options.null.as_deref() == Some(""),
            terminator: options.fields_terminated.clone(),
            left_out: options.left_out.clone(),
            undeclared: options.undeclared,
        };
        Ok(Self {
            records,
            rows: Arc::new(rows),
            batch_rows,
            row: 0,
        })
    }

    /// The next records, and how many rows were before them; `None` at the end.
    async fn next(&mut self) -> Result<Option<(Arc<Rows>, Block, u64)>, Error> {
        let block = self.records.block(self.batch_rows, BATCH_BYTES_MAX).await?;
        Ok(block.map(|block| {
            let before = self.row;
            self.row += self.rows.of(&block).count() as u64;
            (Arc::clone(&self.rows), block, before)
        }))
    }
}

impl Rows {
    /// The records that are rows.
    fn of<'a>(&self, block: &'a Block) -> impl Iterator<Item = Record<'a>> {
        (0..block.len())
            .filter_map(|index| block.record(index))
            .filter(|record| !self.is_blank(record))
    }

    /// A blank line is a row only where a row can be one empty field.
    fn is_blank(&self, record: &Record<'_>) -> bool {
        self.fields > 1
            && record.len() == 1
            && match record.field(0) {
                Some(field) => field.trim_ascii().is_empty(),
                None => self.empty_is_null,
            }
    }

    /// The rows of a block; `None` if it has none.
    fn batch(&self, block: &Block, before: u64) -> Result<Option<RecordBatch>, Error> {
        let fields = self.schema.fields().iter();
        let mut writers = fields
            .map(|field| ColumnWriter::new(field))
            .collect::<Result<Vec<_>, _>>()?;
        let mut kept = Vec::with_capacity(block.len());
        for (record, row) in self.of(block).zip(before + 1..) {
            let pushed = self.push(&mut writers, &record, row);
            let is_left_out = match (pushed, &self.left_out) {
                (Ok(()), _) => false,
                (Err(error), None) => return Err(error),
                (Err(error), Some(left_out)) => {
                    let written = record.written(&self.terminator);
                    left_out.note(&self.path, record.line, error, &written)?;
                    true
                }
            };
            kept.push(!is_left_out);
            if is_left_out {
                for writer in &mut writers {
                    writer.fill_to(kept.len());
                }
            }
        }
        let rows = kept.iter().filter(|kept| **kept).count();
        if rows == 0 {
            return Ok(None);
        }
        let columns = writers.iter_mut().map(ColumnWriter::finish);
        let mut columns = columns.collect::<Result<Vec<_>, _>>()?;
        if rows < kept.len() {
            let kept = BooleanArray::from(kept);
            let of_rows = columns.iter().map(|column| filter(column, &kept));
            columns = of_rows.collect::<Result<_, _>>().map_err(from_arrow)?;
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map(Some)
            .map_err(from_arrow)
    }

    fn push(
        &self,
        writers: &mut [ColumnWriter],
        record: &Record<'_>,
        row: u64,
    ) -> Result<(), Error> {
        self.push_fields(writers, record, row)
            .map_err(|error| match other_terminator(record, &self.terminator) {
                Some(hint) if error.violation() == Some(Violation::ColumnCount) => {
                    error.with_detail(&hint)
                }
                _ => error,
            })
            .map_err(|error| error.in_file(&self.path, record.line))
    }

    fn push_fields(
        &self,
        writers: &mut [ColumnWriter],
        record: &Record<'_>,
        row: u64,
    ) -> Result<(), Error> {
        let fields = self.fields;
        // One empty field too many is a terminator at the end of the line.
        let extra =
            record.len() == fields + 1 && record.field(fields).is_some_and(<[u8]>::is_empty);
        if record.len() != fields && !extra {
            let text = format!(
                "row {row} has {} fields, the table has {fields} columns",
                record.len(),
            );
            return Err(Error::violation_of(Violation::ColumnCount, text));
        }
        for (column, writer) in self.columns.iter().zip(writers) {
            let cell = match (record.field(column.place), column.form) {
                (None, _) => Cell::Null,
                (Some(bytes), Form::Bytes) => Cell::Bytes(bytes),
                (Some(bytes), form) => match (std::str::from_utf8(bytes), form) {
                    (Ok(text), Form::Text) => Cell::Text(text),
                    (Ok(text), _) if text.trim().is_empty() => Cell::Null,
                    (Ok(text), _) => parsed(text, column.field.data_type()),
                    (Err(_), _) => {
                        return Err(Error::invalid(format!(
                            "column '{}' at row {row} is not UTF-8: '{}'",
                            column.field.name(),
                            shown(Cell::Bytes(bytes))
                        ))
                        .of_column(column.field.name()));
                    }
                },
            };
            match self.undeclared {
                true => kinds::push_exactly(writer, &column.field, cell, row)?,
                false => push_cell(writer, cell, row)?,
            }
        }
        Ok(())
    }
}

/// Where a line is one field alone: what it looks as if it were separated by.
fn other_terminator(record: &Record, terminator: &str) -> Option<String> {
    let field = record.field(0).filter(|_| record.len() == 1)?;
    let (_, written) = [(b',', ","), (b';', ";"), (b'\t', "\\t"), (b'|', "|")]
        .into_iter()
        .find(|(byte, _)| field.contains(byte) && terminator.as_bytes() != [*byte])?;
    Some(format!(
        ": the line is one field, for fields end with '{}' here; if it is '{written}', say FIELDS TERMINATED BY '{written}'",
        terminator.escape_default()
    ))
}

/// Digits are a number for BIT and YEAR, too: so an export writes them.
pub(super) fn parsed<'a>(text: &'a str, data_type: &DataType) -> Cell<'a> {
    if data_type.is_integer() && text.trim().bytes().all(|byte| byte.is_ascii_digit()) {
        Cell::Number(text)
    } else {
        Cell::Text(text)
    }
}
