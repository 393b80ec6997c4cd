//! INSERT: rows of a query or of a VALUES list as batches of exactly the table's columns,
//! every value converted by MySQL's strict rules or refused by row and column.

mod numbers;
mod select;
mod target;
mod values;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::sql::sqlparser::ast::SetExpr;
use futures::StreamExt;

use crate::engine::{Context, QueryEngine};
use crate::error::Error;
use crate::guard::Warning;
use crate::mysql;
use crate::planned::{BatchStream, PlannedQuery};

pub use numbers::InsertId;
use numbers::Numbering;
use target::{Fill, Slots};

/// A column of the table that rows go into.
#[derive(Debug, Clone)]
pub struct InsertColumn {
    /// Name, Arrow type and nullability, made by [`crate::arrow_field`] so that it carries its SQL type.
    pub field: Field,
    /// The text of the DEFAULT expression.
    pub default: Option<String>,
    /// For AUTO_INCREMENT: the next number to give.
    pub auto_increment: Option<u64>,
}

/// The table that rows go into.
#[derive(Debug, Clone)]
pub struct InsertTarget {
    /// All columns, in the table's order.
    pub columns: Vec<InsertColumn>,
    /// The columns that the statement names, in its order; none means all of them.
    pub named: Option<Vec<String>>,
}

impl InsertTarget {
    /// The schema that every batch will have.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(
            self.columns
                .iter()
                .map(|column| column.field.clone())
                .collect::<Vec<_>>(),
        ))
    }
}

/// Rows ready to be inserted.
#[derive(Debug)]
pub struct PlannedInsert {
    schema: SchemaRef,
    rows: Rows,
    numbering: Arc<Numbering>,
}

#[derive(Debug)]
enum Rows {
    /// A VALUES list, converted already.
    Ready {
        batches: Vec<RecordBatch>,
        evaluated: Evaluated,
    },
    Query {
        query: PlannedQuery,
        slots: Slots,
    },
}

/// What the evaluated expressions of a statement took and said.
#[derive(Debug)]
pub(crate) struct Evaluated {
    /// Memory of their values, until the rows are dropped.
    memory: MemoryReservation,
    warnings: Vec<Warning>,
}

impl PlannedInsert {
    /// The rows of a query that has been planned, for a table with a column for each of the query's.
    ///
    /// # Errors
    /// [`crate::Violation::ColumnCount`] if the table has others.
    pub fn of_query(query: PlannedQuery, target: &InsertTarget) -> Result<Self, Error> {
        let named = target::named_indices(target)?;
        if query.schema().fields().len() != named.len() || named.len() != target.columns.len() {
            return Err(values::wrong_count(1));
        }
        let slots = Slots::new(target, &named, vec![None; named.len()]);
        Ok(Self {
            schema: target.schema(),
            rows: Rows::Query { query, slots },
            numbering: Arc::default(),
        })
    }

    /// The table's columns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Rows, when known beforehand.
    #[must_use]
    pub fn row_estimate(&self) -> Option<u64> {
        match &self.rows {
            Rows::Ready { batches, .. } => {
                Some(batches.iter().map(|batch| batch.num_rows() as u64).sum())
            }
            Rows::Query { query, .. } => query.row_estimate(),
        }
    }

    /// The number that AUTO_INCREMENT gives next, once the stream has ended; 0 if no column has it.
    #[must_use]
    pub fn next_auto_increment(&self) -> u64 {
        self.numbering.next()
    }

    /// What AUTO_INCREMENT gave, or was given, once the stream has ended.
    #[must_use]
    pub fn insert_id(&self) -> InsertId {
        self.numbering.insert_id()
    }

    /// The distinct warnings so far; all of them once the stream has ended.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        match &self.rows {
            Rows::Ready { evaluated, .. } => evaluated.warnings.clone(),
            Rows::Query { query, .. } => query.warnings(),
        }
    }

    /// The rows as batches of [`Self::schema`]; an error, which names row and column, ends the stream.
    ///
    /// # Errors
    /// As [`PlannedQuery::stream`].
    pub fn stream(&self) -> Result<BatchStream, Error> {
        match &self.rows {
            Rows::Ready { batches, .. } => {
                Ok(futures::stream::iter(batches.clone().into_iter().map(Ok)).boxed())
            }
            Rows::Query { query, slots } => {
                let converter = select::Converter::new(
                    Arc::clone(&self.schema),
                    slots.clone(),
                    Arc::clone(&self.numbering),
                );
                Ok(query
                    .stream()?
                    .scan(converter, |converter, batch| {
                        let converted = if converter.failed {
                            None
                        } else {
                            Some(batch.and_then(|batch| {
                                crate::panics::caught("converting the rows", || {
                                    converter.convert(&batch)
                                })?
                            }))
                        };
                        converter.failed |= matches!(converted, Some(Err(_)));
                        futures::future::ready(converted)
                    })
                    .boxed())
            }
        }
    }
}

impl QueryEngine {
    /// Plans the source of an INSERT: `VALUES (…), (…)` or a query. A VALUES list is converted here;
    /// cells that are expressions are evaluated.
    ///
    /// # Errors
    /// As [`QueryEngine::plan`]; values that do not fit carry a [`crate::Violation`].
    pub async fn plan_insert(
        &self,
        source: &str,
        target: InsertTarget,
        context: Context,
    ) -> Result<PlannedInsert, Error> {
        let (engine, source) = (self.clone(), source.to_owned());
        let stop = self.stop(&context);
        self.workers()
            .plan(Arc::clone(&stop), async move {
                let schema = target.schema();
                let named = target::named_indices(&target)?;
                let mut parsed = mysql::parse(&source)?;
                let start = target
                    .columns
                    .iter()
                    .find_map(|column| column.auto_increment)
                    .unwrap_or(0);
                let numbering = Arc::new(Numbering::starting(start));
                if let SetExpr::Values(values) = parsed.query.body.as_ref() {
                    let mut evaluated = engine.nothing_evaluated();
                    let batches = values::convert(
                        &engine,
                        values,
                        &target,
                        &named,
                        &context,
                        &numbering,
                        &mut evaluated,
                    )
                    .await?;
                    return Ok(PlannedInsert {
                        schema,
                        rows: Rows::Ready { batches, evaluated },
                        numbering,
                    });
                }
                let fills = target::fills(
                    &engine,
                    &target,
                    &named,
                    &context,
                    &mut engine.nothing_evaluated(),
                )
                .await?;
                parsed.hide_file_paths(&context.tables, context.values.database.as_deref())?;
                mysql::rewrite(&mut parsed.query, &context.values)?;
                let query = engine.plan_rewritten(parsed, &context, stop).await?;
                if query.schema().fields().len() != named.len() {
                    return Err(values::wrong_count(1));
                }
                let slots = Slots::new(&target, &named, fills);
                Ok(PlannedInsert {
                    schema,
                    rows: Rows::Query { query, slots },
                    numbering,
                })
            })
            .await
    }

    /// The values of expressions that stand alone, as text, bytes or truth values.
    pub(crate) async fn evaluate(
        &self,
        expressions: &[datafusion::sql::sqlparser::ast::Expr],
        context: &Context,
        evaluated: &mut Evaluated,
    ) -> Result<Vec<Fill>, Error> {
        values::evaluate(self, expressions, context, evaluated).await
    }

    /// The start of evaluating the expressions of one statement.
    fn nothing_evaluated(&self) -> Evaluated {
        Evaluated {
            memory: MemoryConsumer::new("VALUES").register(self.memory()),
            warnings: Vec::new(),
        }
    }
}
