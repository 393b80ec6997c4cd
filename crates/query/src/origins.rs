//! Which table's column a result's column is, where it is one, unchanged: what some protocols tell beside its label.

use datafusion::common::{JoinType, TableReference};
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan};

use crate::engine::Context;
use crate::tables::{FOLDED, Source, TableDefinition};

/// A table's column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnOrigin {
    /// The table's database, in lower case.
    pub database: String,
    /// The table, in lower case; of a view the one that the view reads.
    pub table: String,
    /// What the query calls the table, or the view or subquery that reads it.
    pub alias: String,
    /// The column, in lower case.
    pub column: String,
}

/// For each column of a plan that has not been optimized the table's column that it is; `None` for what is computed.
pub(crate) fn origins(plan: &LogicalPlan, context: &Context) -> Vec<Option<ColumnOrigin>> {
    let scope = Scope {
        database: context.values.database.as_deref(),
        tables: &context.tables,
    };
    (0..plan.schema().fields().len())
        .map(|at| origin(scope, plan, at))
        .collect()
}

/// What names mean in a part of a plan: within a view they are the view's.
#[derive(Clone, Copy)]
struct Scope<'a> {
    database: Option<&'a str>,
    tables: &'a [TableDefinition],
}

impl<'a> Scope<'a> {
    fn database_of<'n>(self, name: &'n TableReference) -> Option<&'n str>
    where
        'a: 'n,
    {
        name.schema().or(self.database)
    }

    /// That of what is called so, where it is a view.
    fn within(self, name: &TableReference) -> Self {
        let database = self.database_of(name);
        let named = |table: &&TableDefinition| {
            table.name == name.table() && Some(table.database.as_str()) == database
        };
        match self.tables.iter().find(named).map(|table| &table.source) {
            Some(Source::View(view)) => Self {
                database: Some(&view.database),
                tables: &view.tables,
            },
            Some(
                Source::Segments { .. }
                | Source::Files { .. }
                | Source::Batches(_)
                | Source::Rows(_)
                | Source::Live(_),
            )
            | None => self,
        }
    }
}

fn origin(scope: Scope<'_>, plan: &LogicalPlan, at: usize) -> Option<ColumnOrigin> {
    match plan {
        // Whose names are folded within a table.
        LogicalPlan::TableScan(scan) if scan.table_name.table() == FOLDED => None,
        LogicalPlan::TableScan(scan) => Some(ColumnOrigin {
            database: scope.database_of(&scan.table_name)?.to_owned(),
            table: scan.table_name.table().to_owned(),
            alias: scan.table_name.table().to_owned(),
            column: scan.projected_schema.fields().get(at)?.name().clone(),
        }),
        LogicalPlan::SubqueryAlias(alias) => Some(ColumnOrigin {
            alias: alias.alias.table().to_owned(),
            ..origin(scope.within(&alias.alias), &alias.input, at)?
        }),
        LogicalPlan::Projection(projection) => {
            of_expression(scope, projection.expr.get(at)?, &projection.input)
        }
        LogicalPlan::Aggregate(aggregate) => {
            of_expression(scope, aggregate.group_expr.get(at)?, &aggregate.input)
        }
        LogicalPlan::Join(join) => {
            let left = join.left.schema().fields().len();
            match join.join_type {
                JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                    match at.checked_sub(left) {
                        None => origin(scope, &join.left, at),
                        Some(at) => origin(scope, &join.right, at),
                    }
                }
                // The mark behind them is a column of the join's own.
                JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => {
                    origin(scope, &join.left, at).filter(|_| at < left)
                }
                JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
                    let right = join.right.schema().fields().len();
                    origin(scope, &join.right, at).filter(|_| at < right)
                }
            }
        }
        LogicalPlan::Window(window) => {
            let within = window.input.schema().fields().len();
            origin(scope, &window.input, at).filter(|_| at < within)
        }
        LogicalPlan::Filter(filter) => origin(scope, &filter.input, at),
        LogicalPlan::Sort(sort) => origin(scope, &sort.input, at),
        LogicalPlan::Limit(limit) => origin(scope, &limit.input, at),
        LogicalPlan::Repartition(repartition) => origin(scope, &repartition.input, at),
        LogicalPlan::Distinct(Distinct::All(input)) => origin(scope, input, at),
        // The others make columns of their own.
        _ => None,
    }
}

fn of_expression(scope: Scope<'_>, expr: &Expr, input: &LogicalPlan) -> Option<ColumnOrigin> {
    match expr {
        Expr::Alias(alias) => of_expression(scope, &alias.expr, input),
        Expr::Column(column) => origin(scope, input, input.schema().maybe_index_of_column(column)?),
        // All others compute.
        _ => None,
    }
}
