//! What a condition makes of a value that is no truth value: MySQL takes a number
//! as true unless it is zero, and text as the number it holds.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{Expr, lit};

use super::{Function, is_text, plain_type};

pub(super) fn function() -> Function {
    Function::new("mysql_truth", coerce, |_| Ok(DataType::Boolean), run).simplified(simplify)
}

fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
    match types.first().map(plain_type) {
        Some(DataType::Boolean | DataType::Null) => Ok(vec![DataType::Boolean]),
        Some(text) if is_text(text) => Ok(vec![DataType::Utf8]),
        Some(number) if number.is_numeric() => Ok(vec![number.clone()]),
        Some(other) => plan_err!(
            "a condition cannot be of type {}: compare it with something",
            crate::types::sql_type(other)
        ),
        None => plan_err!("a condition is missing"),
    }
}

fn simplify(args: &[Expr], types: &[DataType]) -> Option<Expr> {
    match types.first()? {
        DataType::Boolean => args.first().cloned(),
        number if number.is_numeric() => {
            let zero = ScalarValue::new_zero(number).ok()?;
            Some(args.first()?.clone().not_eq(lit(zero)))
        }
        _ => None,
    }
}

fn run(args: &[ArrayRef], _: &DataType) -> Result<ArrayRef> {
    let values: BooleanArray = match args[0].data_type() {
        DataType::Boolean => return Ok(Arc::clone(&args[0])),
        DataType::Utf8 => args[0]
            .as_string::<i32>()
            .iter()
            .map(
                |value| match value.map(|value| value.trim().parse::<f64>()) {
                    None => Ok(None),
                    Some(Ok(number)) => Ok(Some(number != 0.0)),
                    Some(Err(_)) => exec_err!(
                        "'{}' is no number, and no truth value",
                        value.unwrap_or_default()
                    ),
                },
            )
            .collect::<Result<_>>()?,
        _ => cast(&args[0], &DataType::Float64)?
            .as_primitive::<Float64Type>()
            .iter()
            .map(|value| value.map(|value| value != 0.0))
            .collect(),
    };
    Ok(Arc::new(values))
}
