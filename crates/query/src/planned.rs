//! A planned query: its columns, its estimate, and its rows as a stream
//! that decodes ahead on a task of its own.

mod ahead;
mod numbered;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{
    ExecutionPlan, ExecutionPlanProperties, displayable, execute_stream,
};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};

use crate::engine::Fallback;
use crate::error::{Error, ErrorKind, from_datafusion};
use crate::guard::{Guard, Warning};
use crate::mysql::Labels;
use crate::origins::ColumnOrigin;
use crate::tables::FilesAtHand;
use crate::types::SQL_TYPE_KEY;
use crate::workers::Workers;

use numbered::NumberedExec;

/// How long the end of a plan's tasks is waited for.
const RELEASE_TIME_MAX: Duration = Duration::from_secs(5);

/// The rows of a query.
pub type BatchStream = BoxStream<'static, Result<RecordBatch, Error>>;

/// A physical plan and all that its run takes part in.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) plan: Arc<dyn ExecutionPlan>,
    pub(crate) context: Arc<TaskContext>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) files: FilesAtHand,
    pub(crate) workers: Workers,
    /// What to do when hash joins do not fit the memory.
    pub(crate) fallback: Option<Fallback>,
}

/// A query ready to run, any number of times.
#[derive(Debug, Clone)]
pub struct PlannedQuery {
    run: Run,
    schema: SchemaRef,
    origins: Arc<[Option<ColumnOrigin>]>,
    ordered: bool,
    batches_ahead_max: usize,
}

impl PlannedQuery {
    pub(crate) fn new(
        run: Run,
        ordered: bool,
        labels: &Labels,
        mixed: &[bool],
        origins: Vec<Option<ColumnOrigin>>,
        batches_ahead_max: usize,
    ) -> Result<Self, Error> {
        let planned = run.plan.schema();
        let names: Vec<String> = planned
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let fields: Vec<Field> = labels
            .apply(&names)
            .into_iter()
            .zip(planned.fields())
            .enumerate()
            .map(|(at, (label, field))| {
                let mut field = field.as_ref().clone().with_name(label);
                // A cast keeps the metadata of the column that it is of.
                let is_mixed = mixed.get(at).is_some_and(|mixed| *mixed);
                if is_mixed || !crate::types::is_as_declared(&field) {
                    field.metadata_mut().remove(SQL_TYPE_KEY);
                }
                field
            })
            .collect();
        Ok(Self {
            run,
            schema: Arc::new(Schema::new(fields)),
            origins: origins.into(),
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

    /// For each column the table's column that it is, unchanged; `None` for one that is computed. Fewer than there are
    /// columns for what is no query, as EXPLAIN.
    #[must_use]
    pub fn origins(&self) -> &[Option<ColumnOrigin>] {
        &self.origins
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
            .compute(self.run.plan.as_ref(), &StatisticsArgs::new())
            .ok()?;
        let rows = *statistics.num_rows.get_value()?;
        u64::try_from(self.run.plan.fetch().map_or(rows, |most| rows.min(most))).ok()
    }

    /// Whether the rows come in the order of the table's files, or of an ORDER BY.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        self.ordered || self.run.plan.output_ordering().is_some()
    }

    /// The same rows sorted by some columns, NULL first, on disk where they do not fit the memory. Rows that are alike in
    /// these come in the query's order, if it has one.
    ///
    /// # Errors
    /// A column that there is not.
    pub fn sorted_by(&self, columns: &[usize]) -> Result<Self, Error> {
        let plan = &self.run.plan;
        let keys = columns.iter().map(|&at| {
            let name = plan
                .schema()
                .fields()
                .get(at)
                .map(|field| field.name().clone());
            let name =
                name.ok_or_else(|| Error::internal(format!("there is no column number {at}")))?;
            Ok(PhysicalSortExpr::new_default(Arc::new(Column::new(
                &name, at,
            ))))
        });
        let keys: Vec<PhysicalSortExpr> = keys.collect::<Result<_, Error>>()?;
        let Some(by_columns) = LexOrdering::new(keys.clone()) else {
            return Ok(self.clone());
        };
        let sorted = match plan.output_partitioning().partition_count() {
            1 if is_sorted(plan, &by_columns)? => Arc::clone(plan),
            // What the query sorts by need not be among its columns, so each row says itself which one it is.
            1 => sorted_stably(plan, keys).map_err(from_datafusion)?,
            _ => sorted_and_merged(plan, keys)?,
        };
        Ok(Self {
            run: Run {
                plan: sorted,
                // It would give the rows as they come.
                fallback: None,
                ..self.run.clone()
            },
            ..self.clone()
        })
    }

    /// The distinct warnings so far; all of them once the stream has ended.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        self.run.guard.warnings()
    }

    /// The physical plan as indented text.
    #[must_use]
    pub fn explain(&self) -> String {
        displayable(self.run.plan.as_ref())
            .indent(false)
            .to_string()
    }

    /// Starts the query on the engine's threads; read it within a tokio runtime whose timer is enabled.
    /// A task decodes up to `batches_ahead_max` batches ahead, as long as there is memory for them; dropping the stream stops it.
    /// An error ends the stream; at the end of its time the stream ends with [`crate::ErrorKind::TimeLimit`],
    /// even when an operator does not come to an end.
    ///
    /// # Errors
    /// Whatever the start of the plan gives.
    pub fn stream(&self) -> Result<BatchStream, Error> {
        let runtime = self.run.workers.handle()?;
        // The start of a plan may start tasks.
        let _entered = runtime.enter();
        let stop = Arc::clone(self.run.guard.stop());
        let reader = stop.reader();
        let holders = Arc::strong_count(&self.run.context);
        let batches = crate::panics::caught("the query", || self.batches())??;
        let batches = self.with_fallback(batches, holders);
        let (schema, files) = (self.schema(), self.run.files.clone());
        // After a panic nothing is polled again: the error ends the stream.
        let labelled = AssertUnwindSafe(batches)
            .catch_unwind()
            .map(move |batch| match batch {
                Ok(Ok(batch)) => labelled(&batch, &schema),
                Ok(Err(error)) => Err(files.name(error)),
                Err(panic) => {
                    let defect = crate::panics::error("the query", panic.as_ref());
                    Err(files.name(defect.of_a_file()))
                }
            })
            .boxed();
        Ok(ahead::read_ahead(
            runtime,
            labelled,
            self.batches_ahead_max,
            &self.run.context.runtime_env().memory_pool,
            stop,
            reader,
        ))
    }

    /// The rows of the plan, or of its fallback if the memory is over before the first of them.
    fn with_fallback(&self, batches: BatchStream, holders: usize) -> BatchStream {
        let Some(fallback) = self.run.fallback.clone() else {
            return batches;
        };
        let (workers, stop) = (self.run.workers.clone(), Arc::clone(self.run.guard.stop()));
        let context = Arc::clone(&self.run.context);
        let start = (batches, Some(fallback));
        futures::stream::unfold(start, move |(mut batches, mut fallback)| {
            let (workers, stop) = (workers.clone(), Arc::clone(&stop));
            let context = Arc::clone(&context);
            async move {
                let item = batches.next().await?;
                let error = match (item, fallback.take()) {
                    (Err(error), Some(fallback))
                        if error.kind() == ErrorKind::ResourcesExhausted =>
                    {
                        (error, fallback)
                    }
                    (item, _) => return Some((item, (batches, None))),
                };
                // What the first plan holds is given back before the second one starts: by its tasks, as they end.
                drop(batches);
                let (_, fallback) = error;
                let start = Instant::now();
                while Arc::strong_count(&context) > holders + 2
                    && start.elapsed() < RELEASE_TIME_MAX
                {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                let planned = workers
                    .plan(stop, async move { fallback.plan().await })
                    .await
                    .and_then(|(plan, context)| {
                        let stream = execute_stream(plan, context).map_err(from_datafusion)?;
                        Ok(stream.map_err(from_datafusion).boxed())
                    });
                let mut batches: BatchStream = match planned {
                    Ok(batches) => batches,
                    Err(error) => futures::stream::once(async { Err(error) }).boxed(),
                };
                let item = batches.next().await?;
                Some((item, (batches, None)))
            }
        })
        .boxed()
    }

    fn batches(&self) -> Result<BatchStream, Error> {
        let partitions = self.run.plan.output_partitioning().partition_count();
        if !self.ordered || partitions == 1 {
            let stream = execute_stream(Arc::clone(&self.run.plan), Arc::clone(&self.run.context))
                .map_err(from_datafusion)?;
            return Ok(stream.map_err(from_datafusion).boxed());
        }
        let (plan, context) = (Arc::clone(&self.run.plan), Arc::clone(&self.run.context));
        let chained = futures::stream::iter(0..partitions)
            .map(move |partition| plan.execute(partition, Arc::clone(&context)))
            .try_flatten()
            .map_err(from_datafusion);
        Ok(chained.boxed())
    }
}

/// The batch with the result's labels.
fn labelled(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, Error> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), batch.columns().to_vec(), &options)
        .map_err(crate::error::from_arrow)
}
/// Whether a plan's rows come in this order.
fn is_sorted(plan: &Arc<dyn ExecutionPlan>, keys: &LexOrdering) -> Result<bool, Error> {
    let properties = plan.equivalence_properties();
    properties
        .ordering_satisfy(keys.clone())
        .map_err(from_datafusion)
}

/// The rows of a plan's only partition, sorted by these keys, and those that are alike in them as they come.
fn sorted_stably(
    plan: &Arc<dyn ExecutionPlan>,
    mut keys: Vec<PhysicalSortExpr>,
) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
    let columns: Vec<ProjectionExpr> = plan
        .schema()
        .fields()
        .iter()
        .enumerate()
        .map(|(at, field)| ProjectionExpr {
            expr: Arc::new(Column::new(field.name(), at)),
            alias: field.name().clone(),
        })
        .collect();
    let numbered = NumberedExec::new(Arc::clone(plan))?;
    keys.push(numbered.number());
    let Some(keys) = LexOrdering::new(keys) else {
        return Ok(Arc::clone(plan));
    };
    let sorted = SortExec::new(keys, Arc::new(numbered));
    Ok(Arc::new(ProjectionExec::try_new(
        columns,
        Arc::new(sorted),
    )?))
}

/// The rows of several partitions as one, sorted by these keys and then by what orders them already.
fn sorted_and_merged(
    plan: &Arc<dyn ExecutionPlan>,
    mut keys: Vec<PhysicalSortExpr>,
) -> Result<Arc<dyn ExecutionPlan>, Error> {
    keys.extend(plan.output_ordering().into_iter().flatten().cloned());
    let Some(keys) = LexOrdering::new(keys) else {
        return Ok(Arc::clone(plan));
    };
    let mut sorted = Arc::clone(plan);
    if !is_sorted(plan, &keys)? {
        sorted = Arc::new(SortExec::new(keys.clone(), sorted).with_preserve_partitioning(true));
    }
    Ok(Arc::new(SortPreservingMergeExec::new(keys, sorted)))
}
