//! A table of Parquet files that the caller has listed: scanned in the order given,
//! pruned by statistics, text decoded as views.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{Result, Statistics};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::TableType;
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr_adapter::PhysicalExprAdapterFactory;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use object_store::ObjectStore;
use url::Url;

use super::declared::DeclaredColumns;
use super::reading::{FilesAtHand, NamedReaders, unreadable};
use super::{BlockChecksums, FileRef, registry, with_views};
use crate::error::{Error, from_arrow, from_datafusion};

#[derive(Debug)]
pub(super) struct ParquetTable {
    schema: SchemaRef,
    store: ObjectStoreUrl,
    files: Vec<FileRef>,
    name: String,
    at_hand: FilesAtHand,
    /// Whether the files are not our own: then their columns may be others than those declared.
    of_others: bool,
}

impl ParquetTable {
    /// A table of this server's own segments, whose columns are the table's.
    pub(super) fn new(
        schema: SchemaRef,
        store: &Url,
        files: &[FileRef],
        name: String,
        at_hand: &FilesAtHand,
    ) -> Result<Self, Error> {
        let store = ObjectStoreUrl::parse(registry::key(store)).map_err(from_datafusion)?;
        Ok(Self {
            schema: with_views(&schema),
            store,
            files: files.to_vec(),
            name,
            at_hand: at_hand.clone(),
            of_others: false,
        })
    }

    /// The table with files that anybody may have written.
    pub(super) fn of_others(self) -> Self {
        Self {
            of_others: true,
            ..self
        }
    }

    fn checksums(&self) -> BTreeMap<String, BlockChecksums> {
        let with_some = self.files.iter().filter_map(|file| {
            let checksums = file.checksums.clone()?;
            Some((file.path.clone(), checksums))
        });
        with_some.collect()
    }

    fn rows(&self) -> Precision<usize> {
        let sum = self.files.iter().map(|file| file.rows).sum::<Option<u64>>();
        sum.and_then(|rows| usize::try_from(rows).ok())
            .map_or(Precision::Absent, Precision::Exact)
    }

    fn table_statistics(&self) -> Statistics {
        let bytes = self.files.iter().map(|file| file.bytes).sum::<u64>();
        let mut statistics = Statistics::new_unknown(&self.schema);
        statistics.num_rows = self.rows();
        statistics.total_byte_size =
            Precision::Inexact(usize::try_from(bytes).unwrap_or(usize::MAX));
        statistics
    }
}

#[async_trait]
impl TableProvider for ParquetTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if self.files.is_empty() {
            let schema = match projection {
                Some(columns) => Arc::new(self.schema.project(columns)?),
                None => self.schema(),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let options = TableParquetOptions {
            global: state.config_options().execution.parquet.clone(),
            ..Default::default()
        };
        let store = state.runtime_env().object_store(&self.store)?;
        let readers = NamedReaders::new(
            store,
            self.name.clone(),
            self.at_hand.clone(),
            Arc::new(self.checksums()),
        );
        let source = ParquetSource::new(TableSchema::from(self.schema()))
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(readers));
        let files = self.files.iter().map(|file| {
            let mut statistics = Statistics::new_unknown(&self.schema);
            statistics.num_rows = file
                .rows
                .and_then(|rows| usize::try_from(rows).ok())
                .map_or(Precision::Absent, Precision::Exact);
            PartitionedFile::new(file.path.clone(), file.bytes)
                .with_statistics(Arc::new(statistics))
        });
        let adapter = self
            .of_others
            .then(|| Arc::new(DeclaredColumns) as Arc<dyn PhysicalExprAdapterFactory>);
        let config = FileScanConfigBuilder::new(self.store.clone(), Arc::new(source))
            .with_expr_adapter(adapter)
            .with_file_group(FileGroup::new(files.collect()))
            .with_statistics(self.table_statistics())
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(self.table_statistics())
    }
}

/// The columns of Parquet files, merged by name.
pub(crate) async fn infer(
    state: &dyn Session,
    store: &Arc<dyn ObjectStore>,
    files: &[FileRef],
) -> Result<SchemaRef, Error> {
    let mut schemas = Vec::with_capacity(files.len());
    for file in files {
        let meta = PartitionedFile::new(file.path.clone(), file.bytes).object_meta;
        let schema = crate::panics::caught_async("the reader of parquet files", async {
            ParquetFormat::default()
                .infer_schema(state, store, &[meta])
                .await
                .map_err(from_datafusion)
        })
        .await
        .map_err(|error| unreadable(&file.path, error))?;
        schemas.push(Schema::new(schema.fields().clone()));
    }
    Schema::try_merge(schemas).map(Arc::new).map_err(from_arrow)
}
