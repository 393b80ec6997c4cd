//! Segments: the Parquet files of managed tables.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::error::{Error, ErrorKind, from_parquet};
use crate::tables::BlockChecksums;

/// Rows of a row group.
const GROUP_ROWS_MAX: usize = 1 << 20;
/// Bytes of a row group held in memory before it is written.
const GROUP_BYTES_MAX: usize = 64 << 20;

/// Bytes of the first blocks that are summed.
const BLOCK_BYTES: usize = 64 << 10;
/// Blocks of a file at most: where there are more, blocks are larger.
const BLOCKS_MAX: usize = 1024;

/// Sums the blocks of a file as it is written.
#[derive(Debug, Default)]
pub struct Checksummer {
    whole: Vec<u32>,
    /// The sum of the block that is not full yet, and its bytes.
    open: u32,
    open_bytes: usize,
}

impl Checksummer {
    /// Takes the file's next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let part = bytes.len().min(BLOCK_BYTES - self.open_bytes);
            self.open = crc32c::crc32c_append(self.open, &bytes[..part]);
            self.open_bytes += part;
            bytes = &bytes[part..];
            if self.open_bytes == BLOCK_BYTES {
                self.whole.push(std::mem::take(&mut self.open));
                self.open_bytes = 0;
            }
        }
    }

    /// The sums of the whole file.
    #[must_use]
    pub fn finish(self) -> BlockChecksums {
        let mut sums = self.whole;
        let mut block_bytes = BLOCK_BYTES;
        let mut last_bytes = BLOCK_BYTES;
        if self.open_bytes > 0 {
            sums.push(self.open);
            last_bytes = self.open_bytes;
        }
        while sums.len() > BLOCKS_MAX {
            let count = sums.len();
            let joined = sums.chunks(2).enumerate().map(|(pair, sums)| match sums {
                [first, second] => {
                    let is_last = 2 * pair + 2 == count;
                    let bytes = if is_last { last_bytes } else { block_bytes };
                    crc32c::crc32c_combine(*first, *second, bytes)
                }
                _ => sums[0],
            });
            sums = joined.collect();
            if count.is_multiple_of(2) {
                last_bytes += block_bytes;
            }
            block_bytes *= 2;
        }
        BlockChecksums {
            block_bytes: block_bytes as u64,
            crc32c: sums.into(),
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_larger_blocks_are_those_of_their_bytes() {
        for length in [
            0,
            1,
            BLOCK_BYTES,
            BLOCK_BYTES + 1,
            2049 * BLOCK_BYTES + 7,
            2050 * BLOCK_BYTES,
        ] {
            let bytes: Vec<u8> = (0..length).map(|at| (at * 31 % 251) as u8).collect();
            let mut sums = Checksummer::default();
            bytes.chunks(100_003).for_each(|part| sums.update(part));
            let sums = sums.finish();
            let wanted: Vec<u32> = bytes
                .chunks(sums.block_bytes as usize)
                .map(crc32c::crc32c)
                .collect();
            assert_eq!(sums.crc32c.to_vec(), wanted, "{length}");
            assert!(wanted.len() <= BLOCKS_MAX);
        }
    }
}
