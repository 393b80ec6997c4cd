//! Segments: the Parquet files of managed tables.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_writer::{
    ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::errors::{ParquetError, Result as ParquetResult};
use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties};
use datafusion::parquet::file::writer::SerializedFileWriter;

use crate::error::{Error, ErrorKind, from_parquet};
use crate::tables::BlockChecksums;

/// Rows of a row group: it ends with the batch that reaches them.
const GROUP_ROWS_MAX: usize = 1 << 20;
/// Bytes of a row group held in memory before it is written.
const GROUP_BYTES_MAX: usize = 64 << 20;
/// Rows that are encoded at a time, and bytes of them: enough that threads are worth their start.
const ENCODED_ROWS: usize = 1 << 16;
const ENCODED_BYTES: usize = 16 << 20;
/// So few rows are not worth one.
const SHORT_ROWS: usize = 4096;

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

/// Writes one segment, batch by batch; the columns of some batches at a time are encoded side by side.
pub struct SegmentWriter<W: Write + Send> {
    file: SerializedFileWriter<W>,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    /// How many columns of Parquet each of ours is: a nested one is several.
    leaves: Vec<usize>,
    /// Not encoded yet.
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    waiting_bytes: usize,
    /// The row group that is being written, and its rows.
    group: Vec<ArrowColumnWriter>,
    group_rows: usize,
    groups: usize,
    rows: u64,
}

impl<W: Write + Send> std::fmt::Debug for SegmentWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SegmentWriter")
            .field("schema", &self.schema)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl<W: Write + Send> SegmentWriter<W> {
    /// A segment of `schema` into `out`: Zstandard, statistics, row groups of about 64 MiB.
    ///
    /// # Errors
    /// Io if the head cannot be written; Unsupported for a type that Parquet has not.
    pub fn new(out: W, schema: SchemaRef) -> Result<Self, Error> {
        let level = ZstdLevel::try_new(1).map_err(from_parquet)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_created_by("stagedoor".to_owned())
            .build();
        let (file, factory) = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties))
            .and_then(ArrowWriter::into_serialized_writer)
            .map_err(failed)?;
        let mut leaves = vec![0; schema.fields().len()];
        for leaf in 0..file.schema_descr().num_columns() {
            leaves[file.schema_descr().get_column_root_idx(leaf)] += 1;
        }
        Ok(Self {
            file,
            factory,
            schema,
            leaves,
            waiting: Vec::new(),
            waiting_rows: 0,
            waiting_bytes: 0,
            group: Vec::new(),
            group_rows: 0,
            groups: 0,
            rows: 0,
        })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// Io.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.rows += batch.num_rows() as u64;
        self.waiting_rows += batch.num_rows();
        self.waiting_bytes += batch.get_array_memory_size();
        self.waiting.push(batch.clone());
        if self.waiting_rows >= ENCODED_ROWS || self.waiting_bytes >= ENCODED_BYTES {
            self.encode().map_err(failed)?;
        }
        Ok(())
    }

    /// Encodes what waits, and ends the row group if it is large enough.
    fn encode(&mut self) -> ParquetResult<()> {
        if self.group.is_empty() {
            self.group = self.factory.create_column_writers(self.groups)?;
        }
        let threads = match self.waiting_rows > SHORT_ROWS {
            true => std::thread::available_parallelism().map_or(1, usize::from),
            false => 1,
        };
        encode_columns(
            &self.schema,
            &self.waiting,
            &self.leaves,
            &mut self.group,
            threads,
        )?;
        self.group_rows += self.waiting_rows;
        self.waiting.clear();
        (self.waiting_rows, self.waiting_bytes) = (0, 0);
        let bytes = self
            .group
            .iter()
            .map(ArrowColumnWriter::get_estimated_total_bytes);
        if self.group_rows >= GROUP_ROWS_MAX || bytes.sum::<usize>() > GROUP_BYTES_MAX {
            self.end_group()?;
        }
        Ok(())
    }

    fn end_group(&mut self) -> ParquetResult<()> {
        if self.group_rows == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for column in self.group.drain(..) {
            column.close()?.append_to_row_group(&mut group)?;
        }
        group.close()?;
        self.groups += 1;
        self.group_rows = 0;
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
    pub fn finish(mut self) -> Result<(W, SegmentSummary), Error> {
        if self.waiting_rows > 0 {
            self.encode().map_err(failed)?;
        }
        self.end_group().map_err(failed)?;
        let out = self.file.into_inner().map_err(failed)?;
        Ok((out, SegmentSummary { rows: self.rows }))
    }
}

/// Encodes the columns of some batches, each by whichever thread is free.
fn encode_columns(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    leaves: &[usize],
    mut writers: &mut [ArrowColumnWriter],
    threads: usize,
) -> ParquetResult<()> {
    let mut columns = Vec::with_capacity(leaves.len());
    for (index, leaves) in leaves.iter().enumerate() {
        let (own, others) = std::mem::take(&mut writers).split_at_mut(*leaves);
        writers = others;
        columns.push((index, own));
    }
    let encode = |(index, writers): (usize, &mut [ArrowColumnWriter])| {
        for batch in batches {
            let parts = compute_leaves(schema.field(index), batch.column(index))?;
            for (writer, part) in writers.iter_mut().zip(&parts) {
                writer.write(part)?;
            }
        }
        Ok(())
    };
    if threads < 2 || columns.len() < 2 {
        return columns.into_iter().try_for_each(encode);
    }
    let threads = threads.min(columns.len());
    let columns = Mutex::new(columns.into_iter());
    let next = || {
        columns
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next()
    };
    std::thread::scope(|scope| {
        let work = || {
            while let Some(column) = next() {
                encode(column)?;
            }
            Ok(())
        };
        let others: Vec<_> = (1..threads)
            .map(|_| std::thread::Builder::new().spawn_scoped(scope, work))
            .collect();
        // Where no further thread is to be had, this one does it all.
        let own = work();
        let others = others.into_iter().flatten().map(|thread| {
            thread.join().unwrap_or_else(|_| {
                Err(ParquetError::General("a column's encoder panicked".into()))
            })
        });
        others.fold(own, Result::and)
    })
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

fn failed(error: ParquetError) -> Error {
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
