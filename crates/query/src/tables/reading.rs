//! Readers of Parquet files that name the file in every error, keep its panics to themselves,
//! and tell which files a query is at, for errors that arise only when their bytes are decoded.

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::DefaultParquetFileReaderFactory;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::errors::{ParquetError, Result as ParquetResult};
use datafusion::parquet::file::metadata::{
    PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader,
};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::ObjectStore;

use super::BlockChecksums;
use super::footers::Footers;
use crate::error::{Error, ErrorKind, of_store};

/// The file that each partition of each table of a query is at.
#[derive(Debug, Clone, Default)]
pub(crate) struct FilesAtHand(Arc<Mutex<BTreeMap<(String, usize), String>>>);

impl FilesAtHand {
    fn at(&self, table: &str, partition: usize, path: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((table.to_owned(), partition), path.to_owned());
    }

    /// The error with the files it can come from, if it comes from one and does not say which.
    pub(crate) fn name(&self, error: Error) -> Error {
        if !error.wants_file() {
            return error;
        }
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<&str> = files.values().map(String::as_str).collect();
        match crate::error::list(&names) {
            Some(names) => error.of_files(&names),
            None => error,
        }
    }
}

/// Makes the readers of one table's files.
#[derive(Debug)]
pub(super) struct NamedReaders {
    inner: DefaultParquetFileReaderFactory,
    table: String,
    files: FilesAtHand,
    /// Of the files that have some, by path.
    checksums: Arc<BTreeMap<String, BlockChecksums>>,
    footers: Footers,
}

impl NamedReaders {
    pub(super) fn new(
        store: Arc<dyn ObjectStore>,
        table: String,
        files: FilesAtHand,
        checksums: Arc<BTreeMap<String, BlockChecksums>>,
        footers: Footers,
    ) -> Self {
        Self {
            inner: DefaultParquetFileReaderFactory::new(store),
            table,
            files,
            checksums,
            footers,
        }
    }
}

impl ParquetFileReaderFactory for NamedReaders {
    fn create_reader(
        &self,
        partition_index: usize,
        partitioned_file: PartitionedFile,
        metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> datafusion::common::Result<Box<dyn AsyncFileReader + Send>> {
        let path = partitioned_file.object_meta.location.to_string();
        self.files.at(&self.table, partition_index, &path);
        let bytes = partitioned_file.object_meta.size;
        let checked = self.checksums.get(&path).map(|checksums| Checked {
            checksums: checksums.clone(),
            bytes,
            table: self.table.clone(),
        });
        let inner = self.inner.create_reader(
            partition_index,
            partitioned_file,
            metadata_size_hint,
            metrics,
        )?;
        Ok(Box::new(NamedReader {
            inner,
            footer: self.footers.get(&path),
            path,
            checked,
        }))
    }
}

struct NamedReader {
    inner: Box<dyn AsyncFileReader + Send>,
    path: String,
    checked: Option<Checked>,
    /// Without its page index, if it was read when the query was planned.
    footer: Option<Arc<ParquetMetaData>>,
}

/// A file whose blocks are checked as they are read.
#[derive(Clone)]
struct Checked {
    checksums: BlockChecksums,
    bytes: u64,
    table: String,
}

impl Checked {
    /// The blocks that hold these ranges, neighbours together, in order.
    fn blocks(&self, ranges: &[Range<u64>]) -> Vec<Range<u64>> {
        let size = self.checksums.block_bytes;
        let mut wanted: Vec<Range<u64>> = ranges
            .iter()
            .map(|range| {
                let end = range.end.div_ceil(size).saturating_mul(size);
                range.start / size * size..end.min(self.bytes)
            })
            .collect();
        wanted.sort_by_key(|range| range.start);
        let mut blocks: Vec<Range<u64>> = Vec::new();
        for range in wanted {
            match blocks.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => blocks.push(range),
            }
        }
        blocks
    }

    /// Compares the blocks from `start` on with their checksums.
    fn check(&self, path: &str, start: u64, bytes: &[u8]) -> Result<(), Error> {
        let size = self.checksums.block_bytes;
        let blocks = bytes.chunks(usize::try_from(size).unwrap_or(usize::MAX));
        for (block, number) in blocks.zip(start / size..) {
            let wanted = usize::try_from(number)
                .ok()
                .and_then(|number| self.checksums.crc32c.get(number));
            if wanted != Some(&crc32c::crc32c(block)) {
                let from = number * size;
                return Err(self.damaged(
                    path,
                    &format!(
                        "bytes {from} to {} do not match their checksum",
                        from + block.len() as u64
                    ),
                ));
            }
        }
        Ok(())
    }

    fn damaged(&self, path: &str, what: &str) -> Error {
        Error::new(
            ErrorKind::DataLoss,
            format!(
                "the segment '{path}' of table {} is damaged: {what}",
                self.table
            ),
        )
    }
}

/// Waits for the reader; what goes wrong names the file.
async fn named<T>(path: &str, read: impl Future<Output = ParquetResult<T>>) -> ParquetResult<T> {
    AssertUnwindSafe(read)
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| {
            let defect = crate::panics::error("its reader", panic.as_ref());
            Err(ParquetError::General(defect.to_string()))
        })
        .map_err(|error| match error {
            // It is named already.
            ParquetError::External(inner) if inner.is::<Error>() => ParquetError::External(inner),
            error => ParquetError::External(Box::new(unreadable(path, error))),
        })
}

/// The error of a Parquet file that cannot be read.
pub(super) fn unreadable(
    path: &str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    of_store(path, error).unwrap_or_else(|error| {
        Error::new(
            ErrorKind::Io,
            format!("failed to read the parquet file '{path}': {error}"),
        )
        .because(error)
    })
}

impl NamedReader {
    /// The bytes of ranges, read in whole blocks and checked.
    async fn checked(
        &mut self,
        checked: &Checked,
        ranges: &[Range<u64>],
    ) -> ParquetResult<Vec<Bytes>> {
        let lost = |error: Error| ParquetError::External(Box::new(error));
        if ranges.iter().any(|range| range.end > checked.bytes) {
            let what = "it points behind its own end";
            return Err(lost(checked.damaged(&self.path, what)));
        }
        let blocks = checked.blocks(ranges);
        let read = self
            .inner
            .get_byte_ranges(blocks.clone())
            .await
            .map_err(|error| {
                let what = format!("{error}");
                lost(checked.damaged(&self.path, &what).because(error))
            })?;
        for (range, bytes) in blocks.iter().zip(&read) {
            if bytes.len() as u64 != range.end - range.start {
                return Err(lost(
                    checked.damaged(&self.path, "it is shorter than it was"),
                ));
            }
            checked
                .check(&self.path, range.start, bytes)
                .map_err(lost)?;
        }
        let slice = |range: &Range<u64>| {
            let at = blocks.partition_point(|block| block.end < range.end);
            let from = (range.start - blocks[at].start) as usize;
            read[at].slice(from..from + (range.end - range.start) as usize)
        };
        Ok(ranges.iter().map(slice).collect())
    }
}

impl AsyncFileReader for NamedReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        let path = self.path.clone();
        async move {
            let Some(checked) = self.checked.clone() else {
                return named(&path, self.inner.get_bytes(range)).await;
            };
            let ranges = [range];
            let mut read = named(&path, self.checked(&checked, &ranges)).await?;
            Ok(read.pop().unwrap_or_default())
        }
        .boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        let path = self.path.clone();
        async move {
            match self.checked.clone() {
                Some(checked) => named(&path, self.checked(&checked, &ranges)).await,
                None => named(&path, self.inner.get_byte_ranges(ranges)).await,
            }
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        let path = self.path.clone();
        async move {
            let policy = options.map_or(PageIndexPolicy::Skip, |options| {
                options.column_index_policy()
            });
            if let (Some(footer), PageIndexPolicy::Skip) = (&self.footer, policy) {
                return Ok(Arc::clone(footer));
            }
            let Some(checked) = self.checked.clone() else {
                return named(&path, self.inner.get_metadata(options)).await;
            };
            // Through this very reader, so that the footer is checked as well.
            let reader = ParquetMetaDataReader::new().with_page_index_policy(policy);
            let metadata = reader.load_and_finish(self, checked.bytes);
            named(&path, metadata).await.map(Arc::new)
        }
        .boxed()
    }
}
