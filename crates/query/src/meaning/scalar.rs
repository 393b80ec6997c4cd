//! Scalar subqueries that refer to the outer query and that DataFusion cannot take apart:
//! those that are no aggregate, which must give one row at most, and those that compare with the outer query
//! by something else than `=` (MySQL 8.4 manual, "The Subquery as Scalar Operand", "Correlated Subqueries").

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, NullEquality, Result};
use datafusion::functions_aggregate::first_last::first_value_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, Sort};
use datafusion::logical_expr::logical_plan::Subquery;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{
    Aggregate, Expr, FetchType, Filter, JoinType, LogicalPlan, LogicalPlanBuilder, Operator,
    Projection, SkipType, lit, when,
};

/// Numbers the names of what is joined.
static NUMBER: AtomicU64 = AtomicU64::new(1);
/// The column that tells whether there was a row.
const FOUND: &str = "__found";
/// The column of the subquery's value.
const VALUE: &str = "__value";

/// A subquery of one value, which is NULL where it has no row, whatever its column holds.
pub(super) fn value(subquery: Subquery) -> Result<Expr> {
    let schema = subquery.subquery.schema();
    let one = schema.fields().len() == 1;
    if !one || !subquery.outer_ref_columns.is_empty() || schema.field(0).is_nullable() {
        return aggregated(subquery);
    }
    let (relation, field) = schema.qualified_field(0);
    let column = Expr::Column(Column::from((relation, field)));
    let value = crate::functions::call("mysql_nullable", vec![column])?
        .alias_qualified(relation.cloned(), field.name());
    let plan = Projection::try_new(vec![value], subquery.subquery)?;
    Ok(Expr::ScalarSubquery(Subquery {
        subquery: Arc::new(LogicalPlan::Projection(plan)),
        ..subquery
    }))
}

/// A subquery of one value as an aggregate: of its only row, or of the first in its order if it is limited to that.
fn aggregated(subquery: Subquery) -> Result<Expr> {
    if subquery.outer_ref_columns.is_empty() || subquery.subquery.schema().fields().len() != 1 {
        return Ok(Expr::ScalarSubquery(subquery));
    }
    let plan = subquery.subquery.as_ref();
    let (aggregate, only) = match plan {
        LogicalPlan::Limit(limit)
            if matches!(limit.get_fetch_type()?, FetchType::Literal(Some(1)))
                && matches!(limit.get_skip_type()?, SkipType::Literal(0)) =>
        {
            (first_row(&limit.input)?, false)
        }
        plan if is_rows(plan) => (Some(only_row(plan)?), true),
        _ => (None, false),
    };
    let Some(plan) = aggregate else {
        return Ok(Expr::ScalarSubquery(subquery));
    };
    let value = Expr::ScalarSubquery(Subquery {
        subquery: Arc::new(plan),
        ..subquery
    });
    // Rows that no outer row asks for may be as many as they like: it is told there.
    if only {
        crate::functions::call("mysql_only", vec![value])
    } else {
        Ok(value)
    }
}

/// Whether a plan gives rows as they are, any number of them.
fn is_rows(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => is_rows(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => is_rows(&alias.input),
        LogicalPlan::Filter(filter) => is_rows(&filter.input),
        LogicalPlan::Sort(sort) => sort.fetch.is_none() && is_rows(&sort.input),
        LogicalPlan::TableScan(_) | LogicalPlan::Join(_) => true,
        _ => false,
    }
}

fn only_row(plan: &LogicalPlan) -> Result<LogicalPlan> {
    let plan = match plan {
        LogicalPlan::Sort(sort) => sort.input.as_ref(),
        other => other,
    };
    let (plan, value, _) = below(plan, Vec::new())?;
    let only = Expr::AggregateFunction(AggregateFunction::new_udf(
        super::aggregates::first_two(),
        vec![value],
        false,
        None,
        Vec::new(),
        None,
    ));
    LogicalPlanBuilder::from(plan)
        .aggregate(Vec::<Expr>::new(), [only.alias(VALUE)])?
        .build()
}

/// The rows that a plan selects from, its value and its order as expressions on them: what is grouped by what it asks
/// the outer query for stands right above the condition.
fn below(plan: &LogicalPlan, order: Vec<Sort>) -> Result<(LogicalPlan, Expr, Vec<Sort>)> {
    let column = Expr::Column(Column::from(plan.schema().qualified_field(0)));
    let asks = |expr: &Expr| expr.exists(|expr| Ok(matches!(expr, Expr::ScalarSubquery(_))));
    let projection = match plan {
        LogicalPlan::Projection(projection) => projection,
        other => return Ok((other.clone(), column, order)),
    };
    for expr in &projection.expr {
        if asks(expr)? {
            return Ok((plan.clone(), column, order));
        }
    }
    let selected = |expr: Expr| {
        expr.transform_up(|expr| {
            let Expr::Column(column) = &expr else {
                return Ok(Transformed::no(expr));
            };
            let at = projection.schema.index_of_column(column)?;
            Ok(Transformed::yes(projection.expr[at].clone().unalias()))
        })
        .data()
    };
    let order = order
        .into_iter()
        .map(|sort| {
            Ok(Sort {
                expr: selected(sort.expr)?,
                ..sort
            })
        })
        .collect::<Result<_>>()?;
    Ok((projection.input.as_ref().clone(), selected(column)?, order))
}

/// `SELECT a … ORDER BY b LIMIT 1` as the first value in that order.
fn first_row(plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    let (sorted, order) = match plan {
        LogicalPlan::Sort(sort) => (sort.input.as_ref(), sort.expr.clone()),
        other => (other, Vec::new()),
    };
    // Above or below the sort: what is selected may not be what is sorted by.
    let (input, value, order) = match (plan, sorted) {
        (LogicalPlan::Projection(projection), _) => match projection.input.as_ref() {
            LogicalPlan::Sort(sort) => (
                sort.input.as_ref().clone(),
                projection.expr[0].clone().unalias(),
                sort.expr.clone(),
            ),
            _ => below(plan, Vec::new())?,
        },
        (_, sorted) => below(sorted, order)?,
    };
    if !is_rows(&input) {
        return Ok(None);
    }
    let first = Expr::AggregateFunction(AggregateFunction::new_udf(
        first_value_udaf(),
        vec![value],
        false,
        None,
        order,
        None,
    ));
    LogicalPlanBuilder::from(input)
        .aggregate(Vec::<Expr>::new(), [first.alias(VALUE)])?
        .build()
        .map(Some)
}

/// A filter or projection whose subqueries compare by more than `=`, with each of them joined: to the distinct values
/// that it asks the outer query for, grouped by them, and so to the outer rows.
pub(super) fn joined(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let mut concerned = false;
    plan.apply_expressions(|expr| {
        concerned = concerned
            || expr.exists(|expr| {
                Ok(matches!(expr, Expr::ScalarSubquery(subquery) if parts(subquery).is_some()))
            })?;
        Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
    })?;
    if !concerned {
        return Ok(Transformed::no(plan));
    }
    match plan {
        LogicalPlan::Projection(Projection { expr, input, .. }) => {
            let mut input = input.as_ref().clone();
            let expr = expr
                .into_iter()
                .map(|expr| {
                    let name = expr.qualified_name();
                    let changed = replaced(expr, &mut input)?;
                    Ok(if changed.qualified_name() == name {
                        changed
                    } else {
                        changed.alias_qualified(name.0, name.1)
                    })
                })
                .collect::<Result<Vec<_>>>()?;
            Projection::try_new(expr, Arc::new(input))
                .map(|projection| Transformed::yes(LogicalPlan::Projection(projection)))
        }
        LogicalPlan::Filter(Filter {
            predicate, input, ..
        }) => {
            let columns: Vec<Expr> = input
                .schema()
                .columns()
                .into_iter()
                .map(Expr::from)
                .collect();
            let mut input = input.as_ref().clone();
            let predicate = replaced(predicate, &mut input)?;
            LogicalPlanBuilder::from(input)
                .filter(predicate)?
                .project(columns)?
                .build()
                .map(Transformed::yes)
        }
        other => Ok(Transformed::no(other)),
    }
}

/// The expression with columns of what was joined to `input` in place of its subqueries.
fn replaced(expr: Expr, input: &mut LogicalPlan) -> Result<Expr> {
    expr.transform_up(|expr| match expr {
        Expr::ScalarSubquery(subquery) => match parts(&subquery) {
            Some(parts) => Ok(Transformed::yes(parts.join(input)?)),
            None => Ok(Transformed::no(Expr::ScalarSubquery(subquery))),
        },
        other => Ok(Transformed::no(other)),
    })
    .data()
}

/// `SELECT value FROM (SELECT aggregates FROM rows WHERE condition)`.
struct Parts {
    /// What is made of the aggregates, from the top down.
    values: Vec<Vec<Expr>>,
    aggregates: Vec<Expr>,
    condition: Expr,
    rows: LogicalPlan,
}

/// The parts of a subquery that asks the outer query in its condition, and there by more than `=`.
fn parts(subquery: &Subquery) -> Option<Parts> {
    if subquery.outer_ref_columns.is_empty() {
        return None;
    }
    let mut values = Vec::new();
    let mut plan = subquery.subquery.as_ref();
    let aggregate = loop {
        match plan {
            LogicalPlan::Projection(projection) => {
                values.push(projection.expr.clone());
                plan = &projection.input;
            }
            LogicalPlan::Aggregate(aggregate) => break aggregate,
            _ => return None,
        }
    };
    let Aggregate {
        input,
        group_expr,
        aggr_expr,
        ..
    } = aggregate;
    let LogicalPlan::Filter(filter) = input.as_ref() else {
        return None;
    };
    let asks = |expr: &Expr| {
        expr.exists(|expr| Ok(matches!(expr, Expr::OuterReferenceColumn(..))))
            .unwrap_or(true)
    };
    let inner = filter.input.as_ref();
    let inside = group_expr.is_empty()
        && !aggr_expr.iter().any(asks)
        && !values.iter().flatten().any(asks)
        && inner.all_out_ref_exprs().is_empty();
    let equal = |expr: &&Expr| match expr {
        Expr::BinaryExpr(binary) if binary.op == Operator::Eq => {
            asks(&binary.left) != asks(&binary.right)
        }
        _ => false,
    };
    let simple = split_conjunction(&filter.predicate)
        .into_iter()
        .filter(|expr| asks(expr))
        .all(|expr| equal(&expr));
    (inside && !simple).then(|| Parts {
        values,
        aggregates: aggr_expr.clone(),
        condition: filter.predicate.clone(),
        rows: inner.clone(),
    })
}

impl Parts {
    /// Joins the subquery to `outer` and gives its value there.
    fn join(self, outer: &mut LogicalPlan) -> Result<Expr> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let (domain, result) = (format!("__domain_{number}"), format!("__scalar_{number}"));
        let mut asked: Vec<Column> = Vec::new();
        self.condition.apply(|expr| {
            if let Expr::OuterReferenceColumn(_, column) = expr
                && !asked.contains(column)
            {
                asked.push(column.clone());
            }
            Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
        })?;
        let name = |index: usize| format!("__asked_{index}");
        let of_domain =
            |index: usize| Expr::Column(Column::new(Some(domain.as_str()), name(index)));
        let asked_values = asked
            .iter()
            .enumerate()
            .map(|(index, column)| Expr::Column(column.clone()).alias(name(index)));
        let asks = LogicalPlanBuilder::from(outer.clone())
            .project(asked_values)?
            .distinct()?
            .alias(domain.as_str())?
            .build()?;
        let condition = self
            .condition
            .transform_up(|expr| {
                Ok(match &expr {
                    Expr::OuterReferenceColumn(_, column) => {
                        match asked.iter().position(|asked| asked == column) {
                            Some(index) => Transformed::yes(of_domain(index)),
                            None => Transformed::no(expr),
                        }
                    }
                    _ => Transformed::no(expr),
                })
            })
            .data()?;
        let keys: Vec<Expr> = (0..asked.len()).map(of_domain).collect();
        let grouped = LogicalPlanBuilder::from(self.rows)
            .join_on(asks, JoinType::Inner, [condition])?
            .aggregate(keys.clone(), self.aggregates.clone())?;
        // What the subquery's SELECT makes of the aggregates, and of those of no rows.
        let schema = Arc::clone(grouped.schema());
        let mut value = None;
        for exprs in self.values.iter().rev() {
            value = exprs.first().cloned().map(Expr::unalias);
        }
        if self.values.len() > 1 {
            return datafusion::common::not_impl_err!(
                "a subquery of a subquery that compares with the outer query"
            );
        }
        let value = match value {
            Some(value) => value,
            None => Expr::Column(Column::from(schema.qualified_field(asked.len()))),
        };
        let mut none = Vec::new();
        for (index, aggregate) in self.aggregates.iter().enumerate() {
            let (relation, field) = schema.qualified_field(asked.len() + index);
            let default = match aggregate.clone().unalias() {
                Expr::AggregateFunction(call) => call.func.default_value(field.data_type())?,
                _ => datafusion::common::ScalarValue::try_from(field.data_type())?,
            };
            none.push((Column::from((relation, field)), default));
        }
        let of_none = value
            .clone()
            .transform_up(|expr| {
                Ok(match &expr {
                    Expr::Column(column) => match none.iter().find(|(known, _)| known == column) {
                        Some((_, default)) => Transformed::yes(lit(default.clone())),
                        None => Transformed::no(expr),
                    },
                    _ => Transformed::no(expr),
                })
            })
            .data()?;
        let columns = keys
            .into_iter()
            .enumerate()
            .map(|(index, key)| key.alias(name(index)))
            .chain([value.alias(VALUE), lit(true).alias(FOUND)]);
        let right = grouped.project(columns)?.alias(result.as_str())?.build()?;
        let of_result = |name: String| Column::new(Some(result.as_str()), name);
        let on = (
            asked.clone(),
            (0..asked.len())
                .map(|index| of_result(name(index)))
                .collect::<Vec<_>>(),
        );
        *outer = LogicalPlanBuilder::from(outer.clone())
            .join_detailed(
                right,
                JoinType::Left,
                on,
                None,
                NullEquality::NullEqualsNull,
            )?
            .build()?;
        let found = Expr::Column(of_result(FOUND.to_owned()));
        let value = Expr::Column(of_result(VALUE.to_owned()));
        when(found.is_true(), value).otherwise(of_none)
    }
}
