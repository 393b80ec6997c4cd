//! A table of text files: only the columns that a query needs are converted, several files are read side by side.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::TableType;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use object_store::ObjectStore;

use super::TextFormat;
use super::scan::{Completed, Layout, Part, TextScan};
use crate::convert::ColumnWriter;
use crate::error::Error;
use crate::tables::{FileRef, FromPaths};

pub(crate) struct TextTable {
    layout: Arc<Layout>,
    paths: Arc<FromPaths>,
    /// The columns of the layout, and behind them those that are in the files' paths.
    schema: SchemaRef,
    store: Arc<dyn ObjectStore>,
    files: Vec<FileRef>,
}

impl std::fmt::Debug for TextTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextTable")
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}

impl TextTable {
    /// A table of files that have the columns of `schema`, and others in their paths.
    ///
    /// # Errors
    /// Invalid for options that contradict each other, Unsupported for a type that text cannot become.
    pub(crate) fn new(
        schema: SchemaRef,
        store: Arc<dyn ObjectStore>,
        files: Vec<FileRef>,
        format: TextFormat,
        paths: FromPaths,
    ) -> Result<Self, Error> {
        if let TextFormat::Csv(options) = &format {
            options.validate()?;
        }
        for field in schema.fields() {
            ColumnWriter::new(field)?;
        }
        Ok(Self {
            schema: paths.behind(&schema),
            paths: Arc::new(paths),
            layout: Arc::new(Layout { schema, format }),
            store,
            files,
        })
    }
}

#[async_trait]
impl TableProvider for TextTable {
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
        let pushed = filters
            .iter()
            .map(|filter| match self.paths.decide(filter) {
                true => TableProviderFilterPushDown::Inexact,
                false => TableProviderFilterPushDown::Unsupported,
            });
        Ok(pushed.collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted = match projection {
            Some(columns) => columns.clone(),
            None => (0..self.schema.fields().len()).collect(),
        };
        let schema = Arc::new(self.schema.project(&wanted)?);
        let own = self.layout.schema.fields().len();
        let columns: Vec<usize> = wanted.iter().copied().filter(|at| *at < own).collect();
        let of_files = Arc::new(self.layout.schema.project(&columns)?);
        let completed = (columns.len() < wanted.len()).then(|| {
            let mut read = 0..;
            let parts = wanted.iter().map(|at| match at.checked_sub(own) {
                Some(column) => Part::Path(column),
                None => Part::File(read.next().unwrap_or_default()),
            });
            Arc::new(Completed {
                schema: Arc::clone(&schema),
                parts: parts.collect(),
                paths: Arc::clone(&self.paths),
            })
        });
        let kept = match filters.is_empty() {
            true => (0..self.files.len()).collect(),
            false => self.paths.kept(filters, state),
        };
        if kept.is_empty() {
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        // Neighbours stay together: read one after another, the partitions are in the files' order.
        let partitions = state.config().target_partitions().max(1);
        let together = kept.len().div_ceil(partitions).max(1);
        let mut scans: Vec<Arc<dyn PartitionStream>> = Vec::new();
        for places in kept.chunks(together) {
            let files = places
                .iter()
                .map(|place| (*place, self.files[*place].clone()));
            scans.push(Arc::new(TextScan {
                layout: Arc::clone(&self.layout),
                store: Arc::clone(&self.store),
                files: files.collect(),
                columns: columns.clone(),
                of_files: Arc::clone(&of_files),
                completed: completed.clone(),
                schema: Arc::clone(&schema),
            }));
        }
        let exec = StreamingTableExec::try_new(schema, scans, None, [], false, limit)?;
        Ok(Arc::new(exec))
    }
}
