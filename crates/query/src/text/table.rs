//! A table of text files: only the columns that a query needs are converted, several files are read side by side.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::TableType;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use object_store::ObjectStore;

use super::TextFormat;
use super::scan::{Layout, TextScan};
use crate::convert::ColumnWriter;
use crate::error::Error;
use crate::tables::FileRef;

pub(crate) struct TextTable {
    layout: Arc<Layout>,
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
    /// # Errors
    /// Invalid for options that contradict each other, Unsupported for a type that text cannot become.
    pub(crate) fn new(
        schema: SchemaRef,
        store: Arc<dyn ObjectStore>,
        files: Vec<FileRef>,
        format: TextFormat,
    ) -> Result<Self, Error> {
        if let TextFormat::Csv(options) = &format {
            options.validate()?;
        }
        for field in schema.fields() {
            ColumnWriter::new(field)?;
        }
        Ok(Self {
            layout: Arc::new(Layout { schema, format }),
            store,
            files,
        })
    }
}

#[async_trait]
impl TableProvider for TextTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.layout.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns = match projection {
            Some(columns) => columns.clone(),
            None => (0..self.layout.schema.fields().len()).collect(),
        };
        let schema = Arc::new(self.layout.schema.project(&columns)?);
        // Neighbours stay together: read one after another, the partitions are in the files' order.
        let partitions = state.config().target_partitions().max(1);
        let together = self.files.len().div_ceil(partitions).max(1);
        let mut scans: Vec<Arc<dyn PartitionStream>> = Vec::new();
        for files in self.files.chunks(together) {
            scans.push(Arc::new(TextScan {
                layout: Arc::clone(&self.layout),
                store: Arc::clone(&self.store),
                files: files.to_vec(),
                columns: columns.clone(),
                schema: Arc::clone(&schema),
            }));
        }
        let exec = StreamingTableExec::try_new(schema, scans, None, [], false, limit)?;
        Ok(Arc::new(exec))
    }
}
