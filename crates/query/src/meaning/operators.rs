//! Operators, SUM and AVG as the planner meets them.

use datafusion::common::{DFSchema, Result};
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::planner::{
    ExprPlanner, PlannerResult, RawAggregateExpr, RawBinaryExpr, RawWindowExpr,
};
use datafusion::logical_expr::{Expr, Operator, WindowFunctionDefinition, binary_expr};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::classes::{Class, is_truth};
use super::comparison::comparison;
use crate::functions::call;

/// Plans what MySQL has its own meaning of.
#[derive(Debug)]
pub(super) struct Operators;

impl ExprPlanner for Operators {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let RawBinaryExpr { op, left, right } = expr;
        let compared = |op, left, right| comparison(left, op, right, schema);
        let planned = match op {
            BinaryOperator::Plus => arithmetic("mysql_add", left, right, schema),
            BinaryOperator::Minus => arithmetic("mysql_subtract", left, right, schema),
            BinaryOperator::Multiply => arithmetic("mysql_multiply", left, right, schema),
            BinaryOperator::Divide => arithmetic("mysql_divide", left, right, schema),
            BinaryOperator::Modulo => arithmetic("mysql_modulo", left, right, schema),
            BinaryOperator::MyIntegerDivide => arithmetic("mysql_div", left, right, schema),
            BinaryOperator::Eq => compared(Operator::Eq, left, right),
            BinaryOperator::NotEq => compared(Operator::NotEq, left, right),
            BinaryOperator::Lt => compared(Operator::Lt, left, right),
            BinaryOperator::LtEq => compared(Operator::LtEq, left, right),
            BinaryOperator::Gt => compared(Operator::Gt, left, right),
            BinaryOperator::GtEq => compared(Operator::GtEq, left, right),
            BinaryOperator::Spaceship => compared(Operator::IsNotDistinctFrom, left, right),
            BinaryOperator::And => logical(Operator::And, left, right, schema),
            BinaryOperator::Or => logical(Operator::Or, left, right, schema),
            BinaryOperator::Xor => logical(Operator::NotEq, left, right, schema),
            BinaryOperator::BitwiseAnd => call("mysql_bit_and", vec![left, right]),
            BinaryOperator::BitwiseOr => call("mysql_bit_or", vec![left, right]),
            BinaryOperator::BitwiseXor => call("mysql_bit_xor", vec![left, right]),
            BinaryOperator::PGBitwiseShiftLeft => call("mysql_shift_left", vec![left, right]),
            BinaryOperator::PGBitwiseShiftRight => call("mysql_shift_right", vec![left, right]),
            BinaryOperator::Arrow => call("mysql_json_extract", vec![left, right]),
            BinaryOperator::LongArrow => call("mysql_json_extract_text", vec![left, right]),
            BinaryOperator::PGRegexMatch => pattern(Operator::RegexMatch, left, right, schema),
            BinaryOperator::PGRegexNotMatch => {
                pattern(Operator::RegexNotMatch, left, right, schema)
            }
            op => {
                return Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }));
            }
        };
        planned.map(PlannerResult::Planned)
    }

    /// A sum has the digits that its readers can hold; AVG is a division of exact numbers, as any other.
    fn plan_aggregate(&self, expr: RawAggregateExpr) -> Result<PlannerResult<RawAggregateExpr>> {
        let average = match expr.func.name() {
            "sum" => false,
            "avg" => true,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        let part = |func, expr: RawAggregateExpr| {
            Expr::AggregateFunction(AggregateFunction::new_udf(
                func,
                expr.args,
                expr.distinct,
                expr.filter,
                expr.order_by,
                expr.null_treatment,
            ))
        };
        let sum = call(
            "mysql_total",
            vec![part(super::aggregates::sum(), expr.clone())],
        )?;
        if !average {
            return Ok(PlannerResult::Planned(sum));
        }
        let count = part(count_udaf(), expr);
        call("mysql_divide", vec![sum, count]).map(PlannerResult::Planned)
    }

    fn plan_window(&self, expr: RawWindowExpr) -> Result<PlannerResult<RawWindowExpr>> {
        let average = match expr.func_def.name() {
            "sum" => false,
            "avg" => true,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        let part = |func, expr: RawWindowExpr| {
            Expr::WindowFunction(Box::new(WindowFunction {
                fun: WindowFunctionDefinition::AggregateUDF(func),
                params: WindowFunctionParams {
                    args: expr.args,
                    partition_by: expr.partition_by,
                    order_by: expr.order_by,
                    window_frame: expr.window_frame,
                    filter: expr.filter,
                    null_treatment: expr.null_treatment,
                    distinct: expr.distinct,
                },
            }))
        };
        let sum = call(
            "mysql_total",
            vec![part(super::aggregates::sum(), expr.clone())],
        )?;
        if !average {
            return Ok(PlannerResult::Planned(sum));
        }
        let count = part(count_udaf(), expr);
        call("mysql_divide", vec![sum, count]).map(PlannerResult::Planned)
    }
}

fn arithmetic(name: &str, left: Expr, right: Expr, schema: &DFSchema) -> Result<Expr> {
    call(name, vec![operand(left, schema)?, operand(right, schema)?])
}

/// A number, or what MySQL takes for one.
fn operand(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    Ok(match Class::of_expr(&expr, schema)? {
        Class::Number | Class::Double | Class::Null | Class::Other => expr,
        Class::Truth => super::comparison::truth_number(expr)?,
        Class::Text if let Some(place) = super::comparison::place(&expr, schema)? => place,
        Class::Text | Class::Bytes | Class::Date | Class::Moment | Class::Clock => {
            call("mysql_number", vec![expr])?
        }
    })
}

fn logical(op: Operator, left: Expr, right: Expr, schema: &DFSchema) -> Result<Expr> {
    Ok(binary_expr(truth(left, schema)?, op, truth(right, schema)?))
}

/// An expression as a truth value.
pub(super) fn truth(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    if is_truth(&expr) || Class::of_expr(&expr, schema)? == Class::Truth {
        return Ok(expr);
    }
    call("mysql_truth", vec![expr])
}

fn pattern(op: Operator, left: Expr, right: Expr, schema: &DFSchema) -> Result<Expr> {
    Ok(binary_expr(text(left, schema)?, op, text(right, schema)?))
}

/// An expression as MySQL prints it.
pub(super) fn text(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    match Class::of_expr(&expr, schema)? {
        Class::Text => Ok(expr),
        Class::Null
        | Class::Truth
        | Class::Number
        | Class::Double
        | Class::Bytes
        | Class::Date
        | Class::Moment
        | Class::Clock
        | Class::Other => call("mysql_text", vec![expr]),
    }
}
