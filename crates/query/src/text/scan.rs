//! Text files as batches: streamed from the store file by file, in order,
//! every value converted as INSERT converts it.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter;
use arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStore;

use super::jsonline::JsonLines;
use super::records::{Fault, Record, Records, Step};
use super::source::Source;
use super::{CsvReadOptions, LeftOut, TextFormat, header, kinds};
use crate::convert::types::{is_binary, is_text};
use crate::convert::{Cell, ColumnWriter, shown};
use crate::error::{Error, Violation, from_arrow};
use crate::tables::{FileRef, FromPaths};

/// Bytes of text in one batch.
const BATCH_BYTES_MAX: usize = 16 << 20;

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
            .then(move |(place, file)| {
                let scan = scan.clone();
                async move { FileRows::open(&scan, &file, place, batch_rows).await }
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

/// A file's records as they come.
pub(super) struct FileRecords {
    pub(super) path: String,
    source: Source,
    records: Records,
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
        })
    }

    /// The next record; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<&Record>, Error> {
        loop {
            let step = self.records.next();
            match step.map_err(|Fault { reason, line }| {
                Error::invalid(reason).in_file(&self.path, line)
            })? {
                Step::Record => return Ok(Some(self.records.record())),
                Step::End => return Ok(None),
                Step::More => match self.source.next().await? {
                    Some(bytes) => self.records.feed(&bytes),
                    None => self.records.end(),
                },
            }
        }
    }
}

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

/// One file being read.
struct FileRows {
    path: String,
    rows: Rows,
    writers: Vec<ColumnWriter>,
    schema: SchemaRef,
    /// What its path adds, and its place among the table's files.
    completed: Option<(Arc<Completed>, usize)>,
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

/// Where a file's rows come from.
enum Rows {
    Csv(Box<Delimited>),
    Json(Box<JsonLines>),
}

impl FileRows {
    async fn open(
        scan: &TextScan,
        file: &FileRef,
        place: usize,
        batch_rows: usize,
    ) -> Result<Self, Error> {
        let rows = match &scan.layout.format {
            TextFormat::Csv(options) => {
                Rows::Csv(Box::new(Delimited::open(scan, options, file).await?))
            }
            TextFormat::JsonLine(options) => {
                let wanted = scan.of_files.fields();
                let all = scan.layout.schema.fields();
                let lines = JsonLines::open(&scan.store, &file.path, options, wanted, all);
                Rows::Json(Box::new(lines.await?))
            }
        };
        let writers = scan
            .of_files
            .fields()
            .iter()
            .map(|field| ColumnWriter::new(field))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            path: file.path.clone(),
            rows,
            writers,
            schema: Arc::clone(&scan.of_files),
            completed: scan.completed.clone().map(|completed| (completed, place)),
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
            let taken = match &mut self.rows {
                Rows::Csv(rows) => rows.next_into(&mut self.writers, row).await?,
                Rows::Json(rows) => rows.next_into(&mut self.writers, row, &self.path).await?,
            };
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
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(from_arrow)?;
        match &self.completed {
            Some((completed, place)) => completed.batch(&batch, *place).map(Some),
            None => Ok(Some(batch)),
        }
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

/// A delimited file's rows.
struct Delimited {
    records: FileRecords,
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
            let found = header::names(record, &file.path)?;
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
        Ok(Self {
            records,
            columns,
            fields,
            empty_is_null: options.null.as_deref() == Some(""),
            terminator: options.fields_terminated.clone(),
            left_out: options.left_out.clone(),
            undeclared: options.undeclared,
        })
    }

    /// Adds the next row and gives its bytes; `None` at the end.
    async fn next_into(
        &mut self,
        writers: &mut [ColumnWriter],
        row: u64,
    ) -> Result<Option<Taken>, Error> {
        loop {
            let path = self.records.path.clone();
            let Some(record) = self.records.next().await? else {
                return Ok(None);
            };
            // A blank line is a row only where a row can be one empty field.
            let blank = record.len() == 1
                && match record.field(0) {
                    Some(field) => field.trim_ascii().is_empty(),
                    None => self.empty_is_null,
                };
            if blank && self.fields > 1 {
                continue;
            }
            let table = Fields {
                columns: &self.columns,
                count: self.fields,
                undeclared: self.undeclared,
            };
            let pushed = push(&table, writers, record, row)
                .map_err(|error| match other_terminator(record, &self.terminator) {
                    Some(hint) if error.violation() == Some(Violation::ColumnCount) => {
                        error.with_detail(&hint)
                    }
                    _ => error,
                })
                .map_err(|error| error.in_file(&path, record.line));
            let left_out = self.left_out.as_ref();
            let written = || record.written(&self.terminator);
            return taken(
                pushed,
                left_out,
                (&path, record.line),
                record.bytes(),
                written,
            );
        }
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

/// What the fields of a record are.
struct Fields<'a> {
    columns: &'a [Column],
    /// How many a record must have.
    count: usize,
    undeclared: bool,
}

fn push(
    table: &Fields<'_>,
    writers: &mut [ColumnWriter],
    record: &Record,
    row: u64,
) -> Result<(), Error> {
    let fields = table.count;
    // One empty field too many is a terminator at the end of the line.
    let extra = record.len() == fields + 1 && record.field(fields).is_some_and(<[u8]>::is_empty);
    if record.len() != fields && !extra {
        let text = format!(
            "row {row} has {} fields, the table has {fields} columns",
            record.len(),
        );
        return Err(Error::violation_of(Violation::ColumnCount, text));
    }
    for (column, writer) in table.columns.iter().zip(writers) {
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
        match table.undeclared {
            true => kinds::push_exactly(writer, &column.field, cell, row)?,
            false => push_cell(writer, cell, row)?,
        }
    }
    Ok(())
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

/// Digits are a number for BIT and YEAR, too: so an export writes them.
pub(super) fn parsed<'a>(text: &'a str, data_type: &DataType) -> Cell<'a> {
    if data_type.is_integer() && text.trim().bytes().all(|byte| byte.is_ascii_digit()) {
        Cell::Number(text)
    } else {
        Cell::Text(text)
    }
}
