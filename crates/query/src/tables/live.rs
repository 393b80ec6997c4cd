//! Tables that another server has: what a query wants of one goes there, and its rows come as the query reads them,
//! converted to the declared columns.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::TableType;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::StreamExt;
use futures::stream::BoxStream;

use super::conditions::Condition;
use super::declared::takes_all;
use crate::convert::column_of;
use crate::error::{Error, ErrorKind, from_arrow};

/// A table of another server. Nothing is asked of it before a query reads it.
pub trait LiveTable: Debug + Send + Sync {
    /// Begins to read. The batches have the wanted columns in their order, of the types that the server gives.
    fn read(&self, wanted: LiveWanted) -> LiveBatches;
}

/// Rows of another server; an error ends them.
pub type LiveBatches = BoxStream<'static, std::result::Result<RecordBatch, LiveError>>;

/// What of a table a query wants.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LiveWanted {
    /// Columns by their place in the declared schema, in this order; none where only the rows count.
    pub columns: Vec<usize>,
    /// What the rows must fulfil, all of it; more rows than those do no harm.
    pub conditions: Vec<Condition>,
    /// So many rows are enough.
    pub rows_max: Option<usize>,
}

/// What keeps another server's rows from being read.
#[derive(Debug, Clone)]
pub struct LiveError {
    /// For the user; no secret stands in it.
    pub message: String,
    /// Whether the same query may succeed later.
    pub is_temporary: bool,
}

#[derive(Debug)]
pub(super) struct LiveProvider {
    schema: SchemaRef,
    table: Arc<dyn LiveTable>,
    /// For messages.
    name: String,
}

impl LiveProvider {
    pub(super) fn new(schema: SchemaRef, table: Arc<dyn LiveTable>, name: String) -> Self {
        Self {
            schema,
            table,
            name,
        }
    }
}

#[async_trait]
impl TableProvider for LiveProvider {
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
        // They are looked at again behind the server, whose words may mean a little more.
        Ok(filters
            .iter()
            .map(|filter| match Condition::of(filter, &self.schema) {
                Some(_) => TableProviderFilterPushDown::Inexact,
                None => TableProviderFilterPushDown::Unsupported,
            })
            .collect())
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let columns = projection
            .cloned()
            .unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let projected = Arc::new(self.schema.project(&columns)?);
        let conditions = filters
            .iter()
            .filter_map(|filter| Condition::of(filter, &self.schema))
            .collect();
        let rows: Arc<dyn PartitionStream> = Arc::new(Rows {
            schema: Arc::clone(&projected),
            table: Arc::clone(&self.table),
            wanted: LiveWanted {
                columns,
                conditions,
                rows_max: limit,
            },
            name: self.name.clone(),
        });
        let plan = StreamingTableExec::try_new(projected, vec![rows], None, None, false, limit)?;
        Ok(Arc::new(plan))
    }
}

#[derive(Debug)]
struct Rows {
    schema: SchemaRef,
    table: Arc<dyn LiveTable>,
    wanted: LiveWanted,
    name: String,
}

impl PartitionStream for Rows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (schema, name) = (Arc::clone(&self.schema), self.name.clone());
        let batches = self.table.read(self.wanted.clone()).map(move |batch| {
            let converted = match batch {
                Ok(batch) => declared(&batch, &schema),
                Err(error) => Err(Error::new(
                    match error.is_temporary {
                        true => ErrorKind::Io,
                        false => ErrorKind::Invalid,
                    },
                    error.message,
                )),
            };
            converted.map_err(|error| {
                DataFusionError::External(Box::new(error.before(&format!("table {name}: "))))
            })
        });
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            batches,
        ))
    }
}

/// The batch in the declared columns, by INSERT's rules.
fn declared(batch: &RecordBatch, schema: &SchemaRef) -> std::result::Result<RecordBatch, Error> {
    let columns: std::result::Result<Vec<ArrayRef>, Error> = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| column_as(column, field))
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns?, &options).map_err(from_arrow)
}

fn column_as(column: &ArrayRef, field: &Field) -> std::result::Result<ArrayRef, Error> {
    let nulls = !field.is_nullable() && column.null_count() > 0;
    if column.data_type() == field.data_type() && !nulls && takes_all(field) {
        return Ok(Arc::clone(column));
    }
    // Which rows of the table these are nobody knows: it has no order.
    column_of(column, field, None)
}
