//! Parquet: real types, statistics, compressed pages. A job is a row group, encoded by one worker; the writer thread
//! strings row groups together and writes the footer.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::datatypes::{Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves,
};
use parquet::basic::{Compression as Codec, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use crate::error::{EncodeError, ExportError};
use crate::format::{Appended, Format, Left, Output};
use crate::job::Job;
use crate::stored::{Lacks, stored_columns};

/// Bytes of text that the rows of a row group would make: about 120,000 rows of a table of sixteen columns.
pub(crate) const ROW_GROUP_BYTES: u64 = 16 << 20;
/// What the footer has of a column of a row group besides the bounds of its values: places, sizes, encodings.
const FOOTER_COLUMN_BYTES: u64 = 384;
/// What the footer and the indexes have of a page besides bounds.
const FOOTER_PAGE_BYTES: u64 = 48;
/// The most that a bound of values takes, in each place that has one.
const BOUND_BYTES: u64 = 72;
/// Minimum and maximum, in the older and the newer form; and once more in the page's index.
const BOUNDS_A_COLUMN: u64 = 4;
const BOUNDS_A_PAGE: u64 = 2;
/// The most row groups a file has, as their number has sixteen bits in some places; more go into the next file.
const GROUPS_MAX: usize = 32_767;
/// The file's end: length of the footer, and magic.
const TRAILER_BYTES: u64 = 8;

/// How the pages of a Parquet file are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParquetCompression {
    /// Not at all.
    None,
    /// Snappy.
    Snappy,
    /// Zstandard.
    Zstd {
        /// From 1, fast, to 22, small.
        level: u8,
    },
}

impl Default for ParquetCompression {
    fn default() -> Self {
        Self::Zstd { level: 1 }
    }
}

/// A Parquet file's format.
pub(crate) struct ParquetFiles {
    expected: SchemaRef,
    stored: SchemaRef,
    /// As the file declares them: strings, where the batches may have views.
    declared: SchemaRef,
    properties: WriterProperties,
    factory: ArrowRowGroupWriterFactory,
    file_bytes_max: Option<u64>,
    /// Bytes of a file without rows.
    empty_bytes: u64,
}

/// A row group.
pub(crate) struct RowGroup {
    chunks: Vec<ArrowColumnChunk>,
    rows: u64,
    /// What it adds to a file at most.
    bytes_max: u64,
    /// The rows themselves, in stored types, where it may have to be made anew of fewer.
    source: Vec<Vec<ArrayRef>>,
}

/// A file while it is written: the writer's own bytes are handed on after each step.
pub(crate) struct ParquetFile {
    writer: SerializedFileWriter<Vec<u8>>,
    rows: u64,
    groups: usize,
    /// What the footer takes so far, at most.
    footer_bytes: u64,
}

impl ParquetFiles {
    /// # Errors
    /// A schema without columns, a type that Parquet has not, a limit below an empty file's size.
    pub(crate) fn new(
        schema: &SchemaRef,
        compression: ParquetCompression,
        file_bytes_max: Option<u64>,
    ) -> Result<Self, EncodeError> {
        if schema.fields().is_empty() {
            return Err(EncodeError::options(
                "a table without columns has no form in Parquet".to_owned(),
            ));
        }
        let codec = match compression {
            ParquetCompression::None => Codec::UNCOMPRESSED,
            ParquetCompression::Snappy => Codec::SNAPPY,
            ParquetCompression::Zstd { level } => ZstdLevel::try_new(i32::from(level))
                .map(Codec::ZSTD)
                .map_err(|_| {
                    EncodeError::options(format!(
                        "zstd has the compression levels 1 to 22, not {level}"
                    ))
                })?,
        };
        let lacks = |views| Lacks {
            views,
            rarities: true,
        };
        let (stored, declared) = (
            lacks(false).stored_schema(schema),
            lacks(true).stored_schema(schema),
        );
        let properties = WriterProperties::builder()
            .set_compression(codec)
            .set_created_by(concat!("stagedoor version ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let refuse = |error: &ParquetError| {
            EncodeError::options(format!("the columns have no form in Parquet: {error}"))
        };
        let (writer, factory) = begin(&declared, &properties).map_err(|error| refuse(&error))?;
        let mut files = Self {
            expected: Arc::clone(schema),
            stored,
            declared,
            properties,
            factory,
            file_bytes_max,
            empty_bytes: 0,
        };
        files.check_types()?;
        files.empty_bytes = writer.into_inner().map_err(|error| refuse(&error))?.len() as u64;
        if let Some(max) = file_bytes_max
            && files.empty_bytes >= max
        {
            return Err(EncodeError::options(
                "the header line size is over the maxFileSize/splitSize".to_owned(),
            ));
        }
        Ok(files)
    }

    /// That each column can be written: one of NULLs is.
    fn check_types(&self) -> Result<(), EncodeError> {
        for (field, declared) in self.stored.fields().iter().zip(self.declared.fields()) {
            let refuse = |error: ParquetError| {
                let reason = format!("type {} has no form in Parquet: {error}", field.data_type());
                EncodeError::unsupported(field.name(), reason)
            };
            let nullable = declared.as_ref().clone().with_nullable(true);
            let schema = Arc::new(Schema::new(vec![nullable]));
            let (_, factory) = begin(&schema, &self.properties).map_err(refuse)?;
            let nulls = new_null_array(field.data_type(), 1);
            encode_columns(&factory, &[vec![nulls]], &schema).map_err(refuse)?;
        }
        Ok(())
    }

    fn row_group(&self, source: Vec<Vec<ArrayRef>>) -> Result<RowGroup, EncodeError> {
        let rows = source.iter().map(|columns| rows_of(columns)).sum::<usize>() as u64;
        let chunks = encode_columns(&self.factory, &source, &self.declared)
            .map_err(|error| EncodeError::refused(format!("Parquet: {error}")))?;
        let bytes_max = chunks.iter().map(chunk_bytes).sum::<u64>()
            + chunks.iter().map(footer_bytes).sum::<u64>();
        Ok(RowGroup {
            chunks,
            rows,
            bytes_max,
            source: match self.file_bytes_max {
                Some(_) => source,
                None => Vec::new(),
            },
        })
    }
}

fn rows_of(columns: &[ArrayRef]) -> usize {
    columns.first().map_or(0, |column| column.len())
}

fn begin(
    schema: &SchemaRef,
    properties: &WriterProperties,
) -> Result<(SerializedFileWriter<Vec<u8>>, ArrowRowGroupWriterFactory), ParquetError> {
    let options = ArrowWriterOptions::new().with_properties(properties.clone());
    ArrowWriter::try_new_with_options(Vec::new(), Arc::clone(schema), options)?
        .into_serialized_writer()
}

/// Encodes batches of stored columns, one column writer after the other.
fn encode_columns(
    factory: &ArrowRowGroupWriterFactory,
    batches: &[Vec<ArrayRef>],
    declared: &Schema,
) -> Result<Vec<ArrowColumnChunk>, ParquetError> {
    let mut writers = factory.create_column_writers(0)?;
    for columns in batches {
        let mut writers = writers.iter_mut();
        for (declared, column) in declared.fields().iter().zip(columns) {
            let field = Field::new(
                declared.name(),
                column.data_type().clone(),
                declared.is_nullable(),
            );
            for leaf in compute_leaves(&field, column)? {
                let writer = writers.next().ok_or_else(|| {
                    ParquetError::General("more leaves than the schema has".to_owned())
                })?;
                writer.write(&leaf)?;
            }
        }
    }
    writers.into_iter().map(|writer| writer.close()).collect()
}

fn chunk_bytes(chunk: &ArrowColumnChunk) -> u64 {
    chunk.close().bytes_written
}

/// What a column of a row group takes in the footer, at most.
fn footer_bytes(chunk: &ArrowColumnChunk) -> u64 {
    let close = chunk.close();
    let pages = close
        .offset_index
        .as_ref()
        .map_or(0, |index| index.page_locations().len() as u64);
    let path = close.metadata.column_path().string().len() as u64;
    FOOTER_COLUMN_BYTES
        + 2 * path
        + BOUNDS_A_COLUMN * BOUND_BYTES
        + pages * (FOOTER_PAGE_BYTES + BOUNDS_A_PAGE * BOUND_BYTES)
}

impl Format for ParquetFiles {
    type Piece = RowGroup;
    type Scratch = ();
    type File = ParquetFile;

    fn encode(&self, job: Job, _buffer: Vec<u8>, (): &mut ()) -> Result<RowGroup, EncodeError> {
        let mut row = job.first_row;
        let stored = |batch: &RecordBatch| {
            let columns = stored_columns(batch, &self.expected, &self.stored, row)?;
            row += batch.num_rows() as u64;
            Ok(columns)
        };
        let source = job
            .slices
            .iter()
            .map(stored)
            .collect::<Result<_, EncodeError>>()?;
        drop(job);
        self.row_group(source)
    }

    fn begin(&self, out: &mut dyn Output) -> Result<ParquetFile, ExportError> {
        let (writer, _) = begin(&self.declared, &self.properties).map_err(failed)?;
        let mut file = ParquetFile {
            writer,
            rows: 0,
            groups: 0,
            footer_bytes: 0,
        };
        file.hand_on(out)?;
        Ok(file)
    }

    fn append(
        &self,
        file: &mut ParquetFile,
        mut piece: RowGroup,
        out: &mut dyn Output,
    ) -> Result<Appended<RowGroup>, ExportError> {
        let mut rest = None;
        if file.groups >= GROUPS_MAX {
            return Ok(Appended {
                rows: 0,
                left: Left::Piece(piece),
            });
        }
        if let Some(max) = self.file_bytes_max {
            let has_room = |file: &ParquetFile, piece: &RowGroup, written: u64| {
                let footer = self.empty_bytes + file.footer_bytes + TRAILER_BYTES;
                written + footer + piece.bytes_max <= max
            };
            if file.rows > 0 && !has_room(file, &piece, out.bytes()) {
                return Ok(Appended {
                    rows: 0,
                    left: Left::Piece(piece),
                });
            }
            // In a file of its own, and still too large: fewer rows.
            let mut left = Vec::new();
            while piece.rows > 1 && !has_room(file, &piece, out.bytes()) {
                let (first, second) = halves(piece.source);
                left.splice(0..0, second);
                piece = self.row_group(first)?;
            }
            if !left.is_empty() {
                rest = Some(self.row_group(left)?);
            }
        }
        let rows = piece.rows;
        file.footer_bytes += piece.chunks.iter().map(footer_bytes).sum::<u64>();
        file.add(piece.chunks).map_err(failed)?;
        file.rows += rows;
        file.groups += 1;
        file.hand_on(out)?;
        Ok(Appended {
            rows,
            left: rest.map_or(Left::Buffer(Vec::new()), Left::Piece),
        })
    }

    fn end(&self, file: ParquetFile, out: &mut dyn Output) -> Result<(), ExportError> {
        let bytes = file.writer.into_inner().map_err(failed)?;
        out.put(&bytes)
    }
}

impl ParquetFile {
    fn add(&mut self, chunks: Vec<ArrowColumnChunk>) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close()?;
        Ok(())
    }

    fn hand_on(&mut self, out: &mut dyn Output) -> Result<(), ExportError> {
        self.writer.flush().map_err(|error| failed(error.into()))?;
        let bytes = self.writer.inner_mut();
        out.put(bytes)?;
        bytes.clear();
        Ok(())
    }
}

/// Rows cut in two, in their order.
fn halves(source: Vec<Vec<ArrayRef>>) -> (Vec<Vec<ArrayRef>>, Vec<Vec<ArrayRef>>) {
    let rows: usize = source.iter().map(|columns| rows_of(columns)).sum();
    let mut wanted = rows / 2;
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for columns in source {
        let taken = rows_of(&columns).min(wanted);
        wanted -= taken;
        if taken > 0 {
            first.push(
                columns
                    .iter()
                    .map(|column| column.slice(0, taken))
                    .collect(),
            );
        }
        if taken < rows_of(&columns) {
            let left = rows_of(&columns) - taken;
            second.push(
                columns
                    .iter()
                    .map(|column| column.slice(taken, left))
                    .collect(),
            );
        }
    }
    (first, second)
}

fn failed(error: ParquetError) -> ExportError {
    ExportError::internal("cannot put the Parquet file together", error.to_string())
}
