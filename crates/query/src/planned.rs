//! A planned query: its columns, its estimate, and its rows as a stream
//! that decodes ahead on a task of its own.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{
    ExecutionPlan, ExecutionPlanProperties, displayable, execute_stream,
};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::error::{Error, from_datafusion};
use crate::mysql::Labels;

/// The rows of a query.
pub type BatchStream = BoxStream<'static, Result<RecordBatch, Error>>;

/// A query ready to run, any number of times.
#[derive(Debug, Clone)]
pub struct PlannedQuery {
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    schema: SchemaRef,
    ordered: bool,
    batches_ahead_max: usize,
}

impl PlannedQuery {
    pub(crate) fn new(
        plan: Arc<dyn ExecutionPlan>,
        context: Arc<TaskContext>,
        ordered: bool,
        labels: &Labels,
        batches_ahead_max: usize,
    ) -> Result<Self, Error> {
        let planned = plan.schema();
        let names: Vec<String> = planned
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let fields: Vec<Field> = labels
            .apply(&names)
            .into_iter()
            .zip(planned.fields())
            .map(|(label, field)| field.as_ref().clone().with_name(label))
            .collect();
        Ok(Self {
            plan,
            context,
            schema: Arc::new(Schema::new(fields)),
            ordered,
            batches_ahead_max,
        })
    }

    /// The columns, labelled as MySQL labels them; labels need not be unique. A column that comes
    /// straight from a table carries its declared type under [`crate::SQL_TYPE_KEY`].
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// MySQL's type name of each column.
    #[must_use]
    pub fn sql_types(&self) -> Vec<String> {
        self.schema
            .fields()
            .iter()
            .map(|field| crate::types::field_sql_type(field))
            .collect()
    }

    /// How many rows to expect, when the plan has statistics.
    #[must_use]
    pub fn row_estimate(&self) -> Option<u64> {
        let statistics = StatisticsContext::new()
            .compute(self.plan.as_ref(), &StatisticsArgs::new())
            .ok()?;
        let rows = *statistics.num_rows.get_value()?;
        u64::try_from(self.plan.fetch().map_or(rows, |most| rows.min(most))).ok()
    }

    /// Whether the rows come in the order of the table's files, or of an ORDER BY.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        self.ordered || self.plan.output_ordering().is_some()
    }

    /// The physical plan as indented text.
    #[must_use]
    pub fn explain(&self) -> String {
        displayable(self.plan.as_ref()).indent(false).to_string()
    }

    /// Starts the query on the current tokio runtime. A task decodes up to `batches_ahead_max` batches
    /// ahead; dropping the stream stops it. An error ends the stream.
    ///
    /// # Errors
    /// Internal outside a tokio runtime; whatever the start of the plan gives.
    pub fn stream(&self) -> Result<BatchStream, Error> {
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|error| Error::internal("a query needs a tokio runtime").because(error))?;
        let mut batches = self.batches()?;
        let (send, receive) = mpsc::channel(self.batches_ahead_max);
        let schema = self.schema();
        let task = runtime.spawn(async move {
            while let Some(batch) = batches.next().await {
                let batch = batch.and_then(|batch| labelled(&batch, &schema));
                let failed = batch.is_err();
                if send.send(batch).await.is_err() || failed {
                    break;
                }
            }
        });
        let state = Ahead {
            receive,
            task: Some(AbortOnDrop(task)),
        };
        Ok(futures::stream::unfold(state, |mut state| async move {
            if let Some(batch) = state.receive.recv().await {
                return Some((batch, state));
            }
            // The channel also closes when the task panics: that must not look like the end of the rows.
            let mut task = state.task.take()?;
            match (&mut task.0).await {
                Ok(()) => None,
                Err(error) => Some((
                    Err(Error::internal("the query's task ended unexpectedly").because(error)),
                    state,
                )),
            }
        })
        .boxed())
    }

    fn batches(&self) -> Result<BatchStream, Error> {
        let partitions = self.plan.output_partitioning().partition_count();
        if !self.ordered || partitions == 1 {
            let stream = execute_stream(Arc::clone(&self.plan), Arc::clone(&self.context))
                .map_err(from_datafusion)?;
            return Ok(stream.map_err(from_datafusion).boxed());
        }
        let (plan, context) = (Arc::clone(&self.plan), Arc::clone(&self.context));
        let chained = futures::stream::iter(0..partitions)
            .map(move |partition| plan.execute(partition, Arc::clone(&context)))
            .try_flatten()
            .map_err(from_datafusion);
        Ok(chained.boxed())
    }
}

struct Ahead {
    receive: mpsc::Receiver<Result<RecordBatch, Error>>,
    task: Option<AbortOnDrop>,
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The batch with the result's labels.
fn labelled(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, Error> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), batch.columns().to_vec(), &options)
        .map_err(crate::error::from_arrow)
}
