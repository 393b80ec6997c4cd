//! The footers of a table's Parquet files, read when a query is planned: how many rows there are decides which side of a
//! join is kept in memory. They are kept for the query, so that no file's footer is read twice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::parquet_to_arrow_schema;
use datafusion::parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::{StreamExt, TryStreamExt};

use super::FileRef;
use super::reading::NamedReaders;

/// With more files, planning does not wait for their footers.
const FILES_MAX: usize = 256;
/// Footers that are read at a time.
const READ_AT_ONCE: usize = 16;

/// Bytes of footers that are kept for a table; one that does not fit is read again when its file is.
const KEPT_BYTES_MAX: usize = 16 << 20;

/// Those that were read, by path. All clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Footers(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    by_path: BTreeMap<String, Arc<ParquetMetaData>>,
    /// In memory, together.
    bytes: usize,
}

impl Kept {
    fn keep(&mut self, path: &str, footer: &Arc<ParquetMetaData>, bytes_max: usize) {
        let bytes = footer.memory_size();
        if self.bytes.saturating_add(bytes) <= bytes_max
            && self
                .by_path
                .insert(path.to_owned(), Arc::clone(footer))
                .is_none()
        {
            self.bytes += bytes;
        }
    }
}

impl Footers {
    pub(super) fn get(&self, path: &str) -> Option<Arc<ParquetMetaData>> {
        self.lock().by_path.get(path).cloned()
    }

    /// What the files say of their rows and columns; nothing where there are too many files to ask, and where a footer
    /// cannot be read: a query that needs that file will say so itself.
    pub(super) async fn guide(
        &self,
        files: &[FileRef],
        readers: &NamedReaders,
        hint: Option<usize>,
        schema: &SchemaRef,
    ) -> Option<Statistics> {
        let found = self.statistics(files, readers, hint, schema).await;
        found.ok().flatten()
    }

    async fn statistics(
        &self,
        files: &[FileRef],
        readers: &NamedReaders,
        hint: Option<usize>,
        schema: &SchemaRef,
    ) -> Result<Option<Statistics>> {
        if files.len() > FILES_MAX {
            return Ok(None);
        }
        let asked = files.iter().map(async |file| {
            // No footer outlives this but those that are kept.
            of_footer(&*self.footer(file, readers, hint).await?, schema)
        });
        // Collected first: a stream of borrowing futures is not known to be `Send`.
        let asked: Vec<_> = asked.collect();
        let statistics: Vec<Statistics> = futures::stream::iter(asked)
            .buffered(READ_AT_ONCE)
            .try_collect()
            .await?;
        Statistics::try_merge_iter(&statistics, schema).map(Some)
    }

    async fn footer(
        &self,
        file: &FileRef,
        readers: &NamedReaders,
        hint: Option<usize>,
    ) -> Result<Arc<ParquetMetaData>> {
        if let Some(known) = self.get(&file.path) {
            return Ok(known);
        }
        let metrics = ExecutionPlanMetricsSet::new();
        let partitioned = PartitionedFile::new(file.path.clone(), file.bytes);
        let mut reader = readers.create_reader(0, partitioned, hint, &metrics)?;
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Skip);
        let footer = reader.get_metadata(Some(&options)).await?;
        self.lock().keep(&file.path, &footer, KEPT_BYTES_MAX);
        Ok(footer)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rows are counted; of the columns only what may guide a plan is taken, never what could be an answer: they may be
/// declared otherwise than they were written.
fn of_footer(footer: &ParquetMetaData, schema: &SchemaRef) -> Result<Statistics> {
    let file = footer.file_metadata();
    let written = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata())?;
    let found =
        DFParquetMetadata::statistics_from_parquet_metadata(footer, &Arc::new(written.clone()))?;
    Ok(Statistics {
        num_rows: found.num_rows,
        total_byte_size: found.total_byte_size.to_inexact(),
        column_statistics: columns(&written, &found.column_statistics, schema),
    })
}

/// Without bounds that are none: a damaged footer may say anything, and the planner takes the least for the least.
fn credible(found: ColumnStatistics) -> ColumnStatistics {
    let bounds = (found.min_value.get_value(), found.max_value.get_value());
    let is_range = matches!(bounds, (Some(least), Some(most)) if least <= most);
    match is_range {
        true => found,
        false => ColumnStatistics {
            min_value: Precision::Absent,
            max_value: Precision::Absent,
            ..found
        },
    }
}

fn columns(
    written: &Schema,
    found: &[ColumnStatistics],
    schema: &SchemaRef,
) -> Vec<ColumnStatistics> {
    let wanted = schema.fields().iter();
    wanted
        .map(|field| {
            let mut both = written.fields().iter().zip(found);
            let of_file = both.find(|(name, _)| name.name().eq_ignore_ascii_case(field.name()));
            match of_file {
                Some((as_written, found)) if as_written.data_type() == field.data_type() => {
                    credible(found.clone().to_inexact())
                }
                Some((_, found)) => ColumnStatistics {
                    null_count: found.null_count.to_inexact(),
                    byte_size: found.byte_size.to_inexact(),
                    ..ColumnStatistics::new_unknown()
                },
                None => ColumnStatistics::new_unknown(),
            }
        })
        .collect()
}
