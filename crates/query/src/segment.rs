//! Segments: the Parquet files of managed tables.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::error::{Error, ErrorKind, from_parquet};

/// Rows of a row group.
const GROUP_ROWS_MAX: usize = 1 << 20;
/// Bytes of a row group held in memory before it is written.
const GROUP_BYTES_MAX: usize = 64 << 20;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentSummary {
    /// Rows.
    pub rows: u64,
}

/// Writes one segment, batch by batch.
#[derive(Debug)]
pub struct SegmentWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
    rows: u64,
}

impl<W: Write + Send> SegmentWriter<W> {
    /// A segment of `schema` into `out`: Zstandard, statistics, row groups of at most 64 MiB.
    ///
    /// # Errors
    /// Io if the head cannot be written; Unsupported for a type that Parquet has not.
    pub fn new(out: W, schema: SchemaRef) -> Result<Self, Error> {
        let level = ZstdLevel::try_new(1).map_err(from_parquet)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_max_row_group_row_count(Some(GROUP_ROWS_MAX))
            .set_created_by("stagedoor".to_owned())
            .build();
        let writer = ArrowWriter::try_new(out, schema, Some(properties)).map_err(failed)?;
        Ok(Self { writer, rows: 0 })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// Io.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.writer.write(batch).map_err(failed)?;
        self.rows += batch.num_rows() as u64;
        if self.writer.in_progress_size() > GROUP_BYTES_MAX {
            self.writer.flush().map_err(failed)?;
        }
        Ok(())
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes the footer and gives the sink back, for the caller to sync.
    ///
    /// # Errors
    /// Io.
    pub fn finish(self) -> Result<(W, SegmentSummary), Error> {
        let rows = self.rows;
        let out = self.writer.into_inner().map_err(failed)?;
        Ok((out, SegmentSummary { rows }))
    }
}

/// Writes all batches as one segment; without any it is a valid file of no rows.
///
/// # Errors
/// The first of the batches' errors; Io.
pub fn write<W: Write + Send>(
    batches: impl IntoIterator<Item = Result<RecordBatch, Error>>,
    schema: SchemaRef,
    out: W,
) -> Result<SegmentSummary, Error> {
    let mut writer = SegmentWriter::new(out, schema)?;
    for batch in batches {
        writer.write(&batch?)?;
    }
    Ok(writer.finish()?.1)
}

fn failed(error: datafusion::parquet::errors::ParquetError) -> Error {
    Error::new(ErrorKind::Io, "failed to write a segment").because(error)
}
