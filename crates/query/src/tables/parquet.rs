//! A table of Parquet files that the caller has listed: scanned in the order given,
//! pruned by statistics, text decoded as views.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef, Fields, Schema, SchemaRef};
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
use super::footers::Footers;
use super::reading::{FilesAtHand, NamedReaders, unreadable};
use super::{BlockChecksums, FileRef, FromPaths, registry, with_views};
use crate::error::{Error, from_arrow, from_datafusion};

/// The zone of times, as the type `timestamp` of a column has it.
const UTC: &str = "+00:00";

#[derive(Debug)]
pub(super) struct ParquetTable {
    /// Of the files.
    file_schema: SchemaRef,
    /// With what the files' paths say.
    schema: SchemaRef,
    paths: FromPaths,
    url: ObjectStoreUrl,
    store: Arc<dyn ObjectStore>,
    files: Vec<FileRef>,
    name: String,
    at_hand: FilesAtHand,
    /// Whether the files are not our own: then their columns may be others than those declared, and their footers tell
    /// how many rows they have.
    of_others: bool,
    footers: Footers,
}

impl ParquetTable {
    /// A table of this server's own segments, whose columns are the table's, in a store by its URL.
    pub(super) fn new(
        schema: SchemaRef,
        (url, store): (&Url, Arc<dyn ObjectStore>),
        files: &[FileRef],
        name: String,
        at_hand: &FilesAtHand,
    ) -> Result<Self, Error> {
        let url = ObjectStoreUrl::parse(registry::key(url)).map_err(from_datafusion)?;
        let schema = with_views(&schema);
        Ok(Self {
            file_schema: Arc::clone(&schema),
            schema,
            paths: FromPaths::default(),
            url,
            store,
            files: files.to_vec(),
            name,
            at_hand: at_hand.clone(),
            of_others: false,
            footers: Footers::default(),
        })
    }

    /// The table with files that anybody may have written, and the columns that are in their paths.
    pub(super) fn of_others(self, paths: FromPaths) -> Result<Self, Error> {
        let paths = paths.into_views()?;
        Ok(Self {
            schema: paths.behind(&self.file_schema),
            paths,
            of_others: true,
            ..self
        })
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
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let has_paths = !self.paths.fields().is_empty();
        let kept: Vec<usize> = match has_paths {
            true => self.paths.kept(filters, state),
            false => (0..self.files.len()).collect(),
        };
        if kept.is_empty() {
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
        let readers = NamedReaders::new(
            Arc::clone(&self.store),
            self.name.clone(),
            self.at_hand.clone(),
            Arc::new(self.checksums()),
            self.footers.clone(),
        );
        let hint = options.global.metadata_size_hint;
        // The first rows of whatever comes need no guide.
        let found = match self.of_others && limit.is_none() {
            true => {
                let footers = &self.footers;
                let chosen: Vec<FileRef> = kept
                    .iter()
                    .map(|place| self.files[*place].clone())
                    .collect();
                footers.guide(&chosen, &readers, hint, &self.schema).await
            }
            false => None,
        };
        let columns = TableSchema::builder(Arc::clone(&self.file_schema))
            .with_table_partition_cols(self.paths.fields().to_vec())
            .build();
        let source = ParquetSource::new(columns)
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(readers));
        let files = kept.into_iter().map(|place| {
            let file = &self.files[place];
            let read = PartitionedFile::new(file.path.clone(), file.bytes);
            if has_paths {
                // Without statistics: DataFusion would take it that no folder is of NULL.
                return read.with_partition_values(self.paths.values(place).to_vec());
            }
            let mut statistics = Statistics::new_unknown(&self.schema);
            statistics.num_rows = file
                .rows
                .and_then(|rows| usize::try_from(rows).ok())
                .map_or(Precision::Absent, Precision::Exact);
            read.with_statistics(Arc::new(statistics))
        });
        let adapter = self
            .of_others
            .then(|| Arc::new(DeclaredColumns) as Arc<dyn PhysicalExprAdapterFactory>);
        let config = FileScanConfigBuilder::new(self.url.clone(), Arc::new(source))
            .with_expr_adapter(adapter)
            .with_file_group(FileGroup::new(files.collect()))
            .with_statistics(found.unwrap_or_else(|| self.table_statistics()))
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(self.table_statistics())
    }
}

/// The columns of Parquet files, found by name in any case; times with a zone in UTC, the zone of every session.
///
/// # Errors
/// Invalid for a column that one file has and another lacks, or has with another type.
pub(crate) async fn infer(
    state: &dyn Session,
    store: &Arc<dyn ObjectStore>,
    files: &[FileRef],
) -> Result<SchemaRef, Error> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
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
        let fields = columns_in_utc(schema.fields());
        schemas.push(Schema::new(as_called_before(&mut names, fields)));
    }
    let merged = Schema::try_merge(schemas.clone()).map_err(from_arrow)?;
    for field in merged.fields() {
        let lacks = |schema: &&Schema| schema.index_of(field.name()).is_err();
        let has = |schema: &&Schema| schema.index_of(field.name()).is_ok();
        let path_of = |wanted: &dyn Fn(&&Schema) -> bool| {
            let mut both = files.iter().zip(&schemas);
            both.find(|(_, schema)| wanted(schema))
                .map(|(file, _)| file.path.as_str())
        };
        if let (Some(without), Some(with)) = (path_of(&lacks), path_of(&has)) {
            return Err(Error::invalid(format!(
                "the column '{}' is not in the file '{without}', but in '{with}'; CREATE EXTERNAL TABLE with the columns that all files have reads those",
                field.name()
            )));
        }
    }
    Ok(Arc::new(merged))
}

/// The fields by the names in which the first file wrote them, where another has them in another case.
fn as_called_before(names: &mut BTreeMap<String, String>, fields: Fields) -> Vec<FieldRef> {
    // A file may also have two columns whose names differ in nothing but their case.
    let mut own = HashSet::new();
    fields
        .iter()
        .map(|field| {
            let known = names
                .entry(field.name().to_lowercase())
                .or_insert_with(|| field.name().clone());
            match fields.find(known).is_none() && own.insert(known.clone()) {
                true => Arc::new(field.as_ref().clone().with_name(known.as_str())),
                false => Arc::clone(field),
            }
        })
        .collect()
}

/// The columns with every time that has a zone in UTC: the moment is the same, and all functions see one time of day.
fn columns_in_utc(fields: &Fields) -> Fields {
    fields.iter().map(in_utc).collect()
}

fn in_utc(field: &FieldRef) -> FieldRef {
    let data_type = type_in_utc(field.data_type());
    match data_type == *field.data_type() {
        true => Arc::clone(field),
        false => Arc::new(field.as_ref().clone().with_data_type(data_type)),
    }
}

fn type_in_utc(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some(UTC.into())),
        DataType::List(item) => DataType::List(in_utc(item)),
        DataType::LargeList(item) => DataType::LargeList(in_utc(item)),
        DataType::ListView(item) => DataType::ListView(in_utc(item)),
        DataType::LargeListView(item) => DataType::LargeListView(in_utc(item)),
        DataType::FixedSizeList(item, length) => DataType::FixedSizeList(in_utc(item), *length),
        DataType::Struct(fields) => DataType::Struct(columns_in_utc(fields)),
        DataType::Map(entries, sorted) => DataType::Map(in_utc(entries), *sorted),
        DataType::Dictionary(key, value) => {
            DataType::Dictionary(key.clone(), Box::new(type_in_utc(value)))
        }
        DataType::RunEndEncoded(ends, values) => {
            DataType::RunEndEncoded(Arc::clone(ends), in_utc(values))
        }
        other => other.clone(),
    }
}
