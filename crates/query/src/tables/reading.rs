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
use datafusion::parquet::file::metadata::ParquetMetaData;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::ObjectStore;

use crate::error::{Error, ErrorKind};

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
}

impl NamedReaders {
    pub(super) fn new(store: Arc<dyn ObjectStore>, table: String, files: FilesAtHand) -> Self {
        Self {
            inner: DefaultParquetFileReaderFactory::new(store),
            table,
            files,
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
        let inner = self.inner.create_reader(
            partition_index,
            partitioned_file,
            metadata_size_hint,
            metrics,
        )?;
        Ok(Box::new(NamedReader { inner, path }))
    }
}

struct NamedReader {
    inner: Box<dyn AsyncFileReader + Send>,
    path: String,
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
        .map_err(|error| ParquetError::External(Box::new(unreadable(path, error))))
}

/// The error of a Parquet file that cannot be read.
pub(super) fn unreadable(
    path: &str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("failed to read the parquet file '{path}': {error}"),
    )
    .because(error)
}

impl AsyncFileReader for NamedReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        named(&self.path, self.inner.get_bytes(range)).boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        named(&self.path, self.inner.get_byte_ranges(ranges)).boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        named(&self.path, self.inner.get_metadata(options)).boxed()
    }
}
