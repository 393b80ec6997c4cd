//! Declared types where queries are put together: of a column of a UNION the engine takes the metadata of any part. It
//! is that of all parts, or none.

use datafusion::common::JoinType;
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan};

use crate::types::SQL_TYPE_KEY;

/// For each column of a plan whether it comes from parts that declare it differently.
pub(crate) fn mixed_columns(plan: &LogicalPlan) -> Vec<bool> {
    (0..plan.schema().fields().len())
        .map(|at| is_mixed(plan, at))
        .collect()
}

fn is_mixed(plan: &LogicalPlan, at: usize) -> bool {
    match plan {
        LogicalPlan::Union(union) => {
            let parts = || union.inputs.iter().map(AsRef::as_ref);
            differ(parts(), at) || parts().any(|part| is_mixed(part, at))
        }
        LogicalPlan::RecursiveQuery(query) => {
            let parts = || [&query.static_term, &query.recursive_term].map(AsRef::as_ref);
            differ(parts().into_iter(), at) || parts().into_iter().any(|part| is_mixed(part, at))
        }
        LogicalPlan::Projection(projection) => {
            is_mixed_expression(projection.expr.get(at), &projection.input)
        }
        LogicalPlan::Aggregate(aggregate) => {
            is_mixed_expression(aggregate.group_expr.get(at), &aggregate.input)
        }
        LogicalPlan::Join(join) => {
            let left = join.left.schema().fields().len();
            match join.join_type {
                JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                    match at.checked_sub(left) {
                        None => is_mixed(&join.left, at),
                        Some(at) => is_mixed(&join.right, at),
                    }
                }
                // The mark behind them is a column of the join's own.
                JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => {
                    at < left && is_mixed(&join.left, at)
                }
                JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
                    at < join.right.schema().fields().len() && is_mixed(&join.right, at)
                }
            }
        }
        LogicalPlan::Window(window) => {
            at < window.input.schema().fields().len() && is_mixed(&window.input, at)
        }
        LogicalPlan::Filter(filter) => is_mixed(&filter.input, at),
        LogicalPlan::Sort(sort) => is_mixed(&sort.input, at),
        LogicalPlan::Limit(limit) => is_mixed(&limit.input, at),
        LogicalPlan::Repartition(repartition) => is_mixed(&repartition.input, at),
        LogicalPlan::SubqueryAlias(alias) => is_mixed(&alias.input, at),
        LogicalPlan::Distinct(Distinct::All(input)) => is_mixed(input, at),
        // The others make columns of their own.
        _ => false,
    }
}

fn is_mixed_expression(expr: Option<&Expr>, input: &LogicalPlan) -> bool {
    let mut expr = expr;
    while let Some(Expr::Alias(alias)) = expr {
        expr = Some(&alias.expr);
    }
    match expr {
        Some(Expr::Column(column)) => input
            .schema()
            .maybe_index_of_column(column)
            .is_some_and(|at| is_mixed(input, at)),
        Some(_) | None => false,
    }
}

fn differ<'a>(parts: impl Iterator<Item = &'a LogicalPlan>, at: usize) -> bool {
    let mut declared = parts.map(|part| {
        let field = part.schema().fields().get(at);
        field.and_then(|field| field.metadata().get(SQL_TYPE_KEY))
    });
    let first = declared.next();
    declared.any(|other| Some(other) != first)
}
