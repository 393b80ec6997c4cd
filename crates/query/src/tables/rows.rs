//! Tables whose rows the caller makes while a query reads them, a page at a time: the query's memory
//! has no more of them than what its operators hold.

use std::cmp::Ordering;
use std::error::Error as StdError;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, ScalarValue};
use datafusion::datasource::TableType;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

use crate::error::{Error, ErrorKind};

/// Makes the rows of a table, each time that a query reads them.
pub trait RowSource: Debug + Send + Sync {
    /// Its columns.
    fn schema(&self) -> SchemaRef;

    /// The column by whose values the rows come, the least first, texts by their bytes, none of them NULL; if there is
    /// one. A query that wants this order then ends with the last row that it wants.
    fn ordered_by(&self) -> Option<usize> {
        None
    }

    /// Begins to read. More rows than wanted do no harm; a row that is wanted may not be missing.
    fn read(&self, wanted: Wanted) -> Box<dyn Pages>;
}

/// Pages of rows.
pub trait Pages: Send {
    /// The next rows, of the wanted columns in their order; `None` at the end. It may block.
    ///
    /// # Errors
    /// What kept it from reading; the query fails with its text.
    fn next_page(&mut self) -> std::result::Result<Option<RecordBatch>, PageError>;
}

/// What keeps a page from being read.
pub type PageError = Box<dyn StdError + Send + Sync>;

/// What of a table a query wants.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// Columns by their place in the schema, in this order; none where only the rows count.
    pub columns: Vec<usize>,
    /// What the rows must be within, all of it.
    pub limits: Vec<Limit>,
    /// So many rows within the limits are enough.
    pub rows_max: Option<usize>,
}

/// The least and the largest value of a column; both are within.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// The column's place in the schema.
    pub column: usize,
    /// The least one.
    pub least: Option<Value>,
    /// The largest one.
    pub most: Option<Value>,
}

/// A value of a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(u64),
    /// Text, which compares by its bytes.
    Text(String),
    /// A time, in microseconds since 1970 UTC.
    Micros(i64),
}

impl Value {
    /// How it compares to another of its kind; those of other kinds do not compare.
    #[must_use]
    pub fn compare(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Micros(a), Self::Micros(b)) => Some(a.cmp(b)),
            (Self::Number(_) | Self::Text(_) | Self::Micros(_), _) => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct RowTable {
    source: Arc<dyn RowSource>,
}

impl RowTable {
    pub(super) fn new(source: Arc<dyn RowSource>) -> Self {
        Self { source }
    }
}

#[async_trait]
impl TableProvider for RowTable {
    fn schema(&self) -> SchemaRef {
        self.source.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        // They are looked at again behind the source, so a limit of rows comes without filters only.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.source.schema();
        let columns = projection
            .cloned()
            .unwrap_or_else(|| (0..schema.fields().len()).collect());
        let mut limits = Vec::new();
        for filter in filters {
            gather(filter, &schema, &mut limits);
        }
        let projected = Arc::new(schema.project(&columns)?);
        let rows: Arc<dyn PartitionStream> = Arc::new(Rows {
            schema: Arc::clone(&projected),
            source: Arc::clone(&self.source),
            wanted: Wanted {
                columns,
                limits,
                rows_max: limit,
            },
        });
        let orders = self.orders(&projected);
        let plan = StreamingTableExec::try_new(projected, vec![rows], None, orders, false, limit)?;
        Ok(Arc::new(plan))
    }
}

impl RowTable {
    /// The order of the rows, of the columns that are read, if theirs is among them.
    fn orders(&self, projected: &SchemaRef) -> Vec<LexOrdering> {
        let schema = self.source.schema();
        let column = self
            .source
            .ordered_by()
            .and_then(|at| schema.fields().get(at))
            .and_then(|field| Column::new_with_schema(field.name(), projected).ok());
        let Some(column) = column else {
            return Vec::new();
        };
        let column: Arc<dyn PhysicalExpr> = Arc::new(column);
        // There is no NULL, so NULLs are first and last.
        [true, false]
            .into_iter()
            .filter_map(|nulls_first| {
                let options = SortOptions {
                    descending: false,
                    nulls_first,
                };
                LexOrdering::new([PhysicalSortExpr::new(Arc::clone(&column), options)])
            })
            .collect()
    }
}

/// Adds what a filter says of single columns; whatever else it says is not for the source.
fn gather(filter: &Expr, schema: &SchemaRef, limits: &mut Vec<Limit>) {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if *op == Operator::And => {
            gather(left, schema, limits);
            gather(right, schema, limits);
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (column, op, literal) = match (&**left, &**right) {
                (Expr::Column(column), Expr::Literal(literal, _)) => (column, Some(*op), literal),
                (Expr::Literal(literal, _), Expr::Column(column)) => (column, op.swap(), literal),
                _ => return,
            };
            let bounds = |value: Option<Value>| match op {
                Some(Operator::Eq) => Some((value.clone(), value)),
                Some(Operator::Gt | Operator::GtEq) => Some((value, None)),
                Some(Operator::Lt | Operator::LtEq) => Some((None, value)),
                _ => None,
            };
            let Some((least, most)) = bounds(value(literal)) else {
                return;
            };
            if let Ok(column) = schema.index_of(&column.name)
                && (least.is_some() || most.is_some())
            {
                limits.push(Limit {
                    column,
                    least,
                    most,
                });
            }
        }
        Expr::Between(between) if !between.negated => {
            if let (Expr::Column(column), Expr::Literal(low, _), Expr::Literal(high, _)) =
                (&*between.expr, &*between.low, &*between.high)
                && let Ok(column) = schema.index_of(&column.name)
            {
                limits.push(Limit {
                    column,
                    least: value(low),
                    most: value(high),
                });
            }
        }
        _ => {}
    }
}

/// The value of a literal, where it is of a kind that limits have.
fn value(literal: &ScalarValue) -> Option<Value> {
    match literal {
        ScalarValue::UInt64(Some(number)) => Some(Value::Number(*number)),
        ScalarValue::Utf8(Some(text))
        | ScalarValue::LargeUtf8(Some(text))
        | ScalarValue::Utf8View(Some(text)) => Some(Value::Text(text.clone())),
        ScalarValue::TimestampMicrosecond(Some(micros), _) => Some(Value::Micros(*micros)),
        _ => None,
    }
}

#[derive(Debug)]
struct Rows {
    schema: SchemaRef,
    source: Arc<dyn RowSource>,
    wanted: Wanted,
}

impl PartitionStream for Rows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let pages = self.source.read(self.wanted.clone());
        // Locked by the one page that is being read.
        let pages = Arc::new(Mutex::new(pages));
        let batches = futures::stream::try_unfold(pages, |pages| async move {
            let reading = Arc::clone(&pages);
            let page = tokio::task::spawn_blocking(move || {
                let mut pages = reading.lock().unwrap_or_else(PoisonError::into_inner);
                pages.next_page()
            })
            .await
            .unwrap_or_else(|error| Err(crate::panics::joined("reading rows", error).into()))
            .map_err(|error| {
                let text = format!("failed to read the rows of a table: {error}");
                let error = Error::new(ErrorKind::Io, text).because_of(error);
                DataFusionError::External(Box::new(error))
            })?;
            Ok(page.map(|page| (page, pages)))
        });
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            batches,
        ))
    }
}
