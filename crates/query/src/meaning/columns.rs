//! Exact division is rounded once, at the column: within an expression a quotient keeps the digits that it was
//! computed with, and what stands in a column, is grouped by or printed has the scale that MySQL declares
//! (MySQL 8.4 manual, "Arithmetic Operators": the dividend's scale and four more).

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, ExprSchema, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    Aggregate, Expr, ExprSchemable, LogicalPlan, Operator, Projection, ScalarUDF,
};
use datafusion::optimizer::analyzer::AnalyzerRule;

use crate::functions::{DIVISION_DIGITS, RoundTo, SCALE_MAX, is_division};

/// Digits of a decimal that most readers can hold.
const PRECISION_MAX: i16 = 38;

/// The analyzer's rule.
#[derive(Debug)]
pub(super) struct RoundColumns;

impl AnalyzerRule for RoundColumns {
    fn name(&self) -> &str {
        "mysql_round_columns"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let mut divides = false;
        plan.apply_with_subqueries(|node| {
            node.apply_expressions(|expr| {
                divides = divides || expr.exists(|expr| Ok(is_quotient(expr)))?;
                Ok(if divides {
                    TreeNodeRecursion::Stop
                } else {
                    TreeNodeRecursion::Continue
                })
            })
        })?;
        if !divides {
            return Ok(plan);
        }
        plan.transform_up_with_subqueries(node)
            .map(|plan| plan.data)
    }
}

fn is_quotient(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if is_division(call.func.name()))
}

fn node(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let names = NamePreserver::new(&plan);
    let plan = match plan {
        LogicalPlan::Projection(Projection { expr, input, .. }) => {
            let expr = expr
                .into_iter()
                .map(|expr| {
                    let name = names.save(&expr);
                    let expr = rounded(printed(expr, &input)?, &input)?;
                    Ok(name.restore(expr))
                })
                .collect::<Result<Vec<_>>>()?;
            LogicalPlan::Projection(Projection::try_new(expr, input)?)
        }
        LogicalPlan::Aggregate(Aggregate {
            input,
            group_expr,
            aggr_expr,
            ..
        }) => {
            let group_expr = group_expr
                .into_iter()
                .map(|expr| match expr {
                    // Sets of them are not MySQL's.
                    Expr::GroupingSet(_) => Ok(expr),
                    expr => {
                        let name = names.save(&expr);
                        let expr = rounded(printed(expr, &input)?, &input)?;
                        Ok(name.restore(expr))
                    }
                })
                .collect::<Result<Vec<_>>>()?;
            let aggr_expr = aggr_expr
                .into_iter()
                .map(|expr| {
                    let name = names.save(&expr);
                    Ok(name.restore(printed(expr, &input)?))
                })
                .collect::<Result<Vec<_>>>()?;
            LogicalPlan::Aggregate(Aggregate::try_new(input, group_expr, aggr_expr)?)
        }
        other => {
            // Types below may have changed.
            return Ok(Transformed::yes(other.recompute_schema()?));
        }
    };
    Ok(Transformed::yes(plan))
}

/// The expression with what becomes text rounded first.
fn printed(expr: Expr, input: &LogicalPlan) -> Result<Expr> {
    if !expr.exists(|expr| Ok(crate::functions::is_call(expr, "mysql_text")))? {
        return Ok(expr);
    }
    expr.transform_up(|expr| match expr {
        Expr::ScalarFunction(call) if call.func.name() == "mysql_text" => {
            let args = call
                .args
                .into_iter()
                .map(|arg| rounded(arg, input))
                .collect::<Result<_>>()?;
            Ok(Transformed::yes(Expr::ScalarFunction(
                ScalarFunction::new_udf(call.func, args),
            )))
        }
        other => Ok(Transformed::no(other)),
    })
    .map(|expr| expr.data)
}

/// The expression rounded to the scale of its column.
fn rounded(expr: Expr, input: &LogicalPlan) -> Result<Expr> {
    if let Expr::Alias(alias) = expr {
        let inner = rounded(*alias.expr, input)?;
        return Ok(inner.alias_qualified(alias.relation, alias.name));
    }
    // Each branch by itself: they may be of different scales.
    if let Expr::Case(mut case) = expr {
        for (_, result) in &mut case.when_then_expr {
            **result = rounded(std::mem::take(result.as_mut()), input)?;
        }
        if let Some(result) = &mut case.else_expr {
            **result = rounded(std::mem::take(result.as_mut()), input)?;
        }
        return Ok(Expr::Case(case));
    }
    let (precision, scale, wide) = match expr.get_type(input.schema())? {
        DataType::Decimal128(precision, scale) => (precision, scale, false),
        DataType::Decimal256(precision, scale) => (precision, scale, true),
        _ => return Ok(expr),
    };
    let declared = declared_scale(&expr, input)?;
    if declared >= scale {
        return Ok(expr);
    }
    let whole = i16::from(precision) - i16::from(scale);
    let digits = (whole + i16::from(declared)).clamp(1, 76);
    let to = if digits <= PRECISION_MAX || !(wide && has_wide_column(&expr, input)?) {
        DataType::Decimal128(digits.min(PRECISION_MAX) as u8, declared)
    } else {
        DataType::Decimal256(digits as u8, declared)
    };
    let round = Arc::new(ScalarUDF::new_from_impl(RoundTo::new(to)));
    Ok(Expr::ScalarFunction(ScalarFunction::new_udf(
        round,
        vec![expr],
    )))
}

/// Whether a column has more digits than 38 by itself.
fn has_wide_column(expr: &Expr, input: &LogicalPlan) -> Result<bool> {
    let mut wide = false;
    expr.apply(|expr| {
        // A sum is wide until its total is taken.
        if crate::functions::is_call(expr, "mysql_total")
            && !is_wide(&expr.get_type(input.schema())?)
        {
            return Ok(TreeNodeRecursion::Jump);
        }
        wide |= matches!(expr, Expr::Column(_)) && is_wide(&expr.get_type(input.schema())?);
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(wide)
}

fn is_wide(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal256(_, scale) if *scale <= 10)
}

/// The scale of a type; 0 of whole numbers and of what is no number.
fn scale_of(data_type: &DataType) -> i8 {
    match data_type {
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => *scale,
        _ => 0,
    }
}

/// The scale that MySQL declares for the expression; no more than its type has.
fn declared_scale(expr: &Expr, input: &LogicalPlan) -> Result<i8> {
    let scale = |expr: &Expr| declared_scale(expr, input);
    let most = |exprs: &mut dyn Iterator<Item = &Expr>| -> Result<i8> {
        let mut most = 0;
        for expr in exprs {
            most = most.max(declared_scale(expr, input)?);
        }
        Ok(most)
    };
    let own = scale_of(&expr.get_type(input.schema())?);
    let declared = match expr {
        Expr::Alias(alias) => scale(&alias.expr)?,
        Expr::Column(column) => column_scale(column, input)?,
        Expr::Negative(inner) => scale(inner)?,
        Expr::BinaryExpr(binary) => match binary.op {
            Operator::Multiply => scale(&binary.left)?.saturating_add(scale(&binary.right)?),
            Operator::Plus | Operator::Minus | Operator::Modulo => {
                scale(&binary.left)?.max(scale(&binary.right)?)
            }
            _ => own,
        },
        Expr::Case(case) => most(
            &mut case
                .when_then_expr
                .iter()
                .map(|(_, then)| then.as_ref())
                .chain(case.else_expr.as_deref()),
        )?,
        Expr::ScalarFunction(call) => match (call.func.name(), call.args.as_slice()) {
            ("mysql_divide", [dividend, _]) => scale(dividend)?.saturating_add(DIVISION_DIGITS),
            ("mysql_multiply", [left, right]) => scale(left)?.saturating_add(scale(right)?),
            (
                "mysql_add" | "mysql_subtract" | "mysql_modulo" | "coalesce" | "greatest" | "least"
                | "mysql_coalesce",
                args,
            ) => most(&mut args.iter())?,
            (
                "mysql_negate" | "mysql_number" | "mysql_total" | "mysql_nullif" | "abs" | "nullif"
                | "mysql_text",
                [first, ..],
            ) => scale(first)?,
            _ => own,
        },
        Expr::AggregateFunction(call) => {
            aggregate_scale(call.func.name(), &call.params.args, own, input)?
        }
        Expr::WindowFunction(call) => {
            aggregate_scale(call.fun.name(), &call.params.args, own, input)?
        }
        _ => own,
    };
    Ok(declared.min(SCALE_MAX).min(own))
}

fn aggregate_scale(name: &str, args: &[Expr], own: i8, input: &LogicalPlan) -> Result<i8> {
    match (name, args) {
        (
            "sum" | "min" | "max" | "first_value" | "last_value" | "nth_value" | "lag" | "lead",
            [first, ..],
        ) => declared_scale(first, input),
        _ => Ok(own),
    }
}

/// What a column below holds: aggregates and window functions give their digits on.
fn column_scale(column: &Column, plan: &LogicalPlan) -> Result<i8> {
    let schema = plan.schema();
    let own = match schema.field_from_column(column) {
        Ok(field) => scale_of(field.data_type()),
        // A column of the outer query has been rounded.
        Err(_) => return Ok(SCALE_MAX),
    };
    match plan {
        LogicalPlan::Filter(_) | LogicalPlan::Sort(_) | LogicalPlan::Limit(_) => {
            match plan.inputs().first() {
                Some(input) => column_scale(column, input),
                None => Ok(own),
            }
        }
        LogicalPlan::Aggregate(aggregate) => {
            let index = schema.index_of_column(column)?;
            match index.checked_sub(aggregate.group_expr.len()) {
                // What is grouped by is a column.
                None => Ok(own),
                Some(index) => match aggregate.aggr_expr.get(index) {
                    Some(expr) => declared_scale(expr, &aggregate.input),
                    None => Ok(own),
                },
            }
        }
        LogicalPlan::Window(window) => {
            let below = window.input.schema().fields().len();
            match schema.index_of_column(column)?.checked_sub(below) {
                None => column_scale(column, &window.input),
                Some(index) => match window.window_expr.get(index) {
                    Some(expr) => declared_scale(expr, &window.input),
                    None => Ok(own),
                },
            }
        }
        _ => Ok(own),
    }
}
