//! GREATEST and LEAST as the planner types them; an analyzer's rule puts DataFusion's in their place, of arguments that are
//! alike (MySQL 8.4 manual, "Comparison Functions and Operators"). And values without what their columns were
//! declared as, of which `-0` is the zero that it equals.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion::common::{Result, exec_err};
use datafusion::functions::core::{greatest, least};

use super::{Function, is_text};

pub(super) fn functions() -> [Function; 3] {
    [
        Function::new("mysql_greatest", coerce, returns, run),
        Function::new("mysql_least", coerce, returns, run),
        Function::new(
            "mysql_plain",
            |t| {
                super::arguments("the function", t, 1, 1)?;
                Ok(t.to_vec())
            },
            |t| Ok(t[0].clone()),
            |a, _| Ok(plain(&a[0])),
        ),
    ]
}

/// DataFusion's function in the place of one of these.
pub(crate) fn extreme(name: &str) -> Option<Arc<datafusion::logical_expr::ScalarUDF>> {
    match name {
        "mysql_greatest" => Some(greatest()),
        "mysql_least" => Some(least()),
        _ => None,
    }
}

/// As they are: what they become is the analyzer's affair.
fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
    super::arguments("GREATEST and LEAST", types, 2, usize::MAX)?;
    Ok(types.to_vec())
}

/// Texts if there is one among numbers and truth values; else truth values among numbers are numbers.
fn returns(types: &[DataType]) -> Result<DataType> {
    let is_truth = |data_type: &DataType| data_type == &DataType::Boolean;
    let texts = types.iter().any(is_text);
    let numbers = types.iter().any(DataType::is_numeric);
    let truths = types.iter().any(is_truth);
    let plain: Vec<DataType> = types
        .iter()
        .map(|data_type| {
            let counts = data_type.is_numeric() || is_truth(data_type);
            match data_type {
                _ if texts && (numbers || truths) && counts => DataType::Utf8,
                DataType::Boolean if numbers => DataType::Int64,
                other => other.clone(),
            }
        })
        .collect();
    greatest().return_type(&greatest().coerce_types(&plain)?)
}

fn run(_: &[ArrayRef], _: &DataType) -> Result<ArrayRef> {
    exec_err!("GREATEST and LEAST are others by the time they run")
}

/// Values as they are, and doubles, of which `-0` is `0`.
fn plain(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Float64 => Arc::new(
            array
                .as_primitive::<Float64Type>()
                .unary::<_, Float64Type>(|number| number + 0.0),
        ),
        DataType::Float32 => Arc::new(
            array
                .as_primitive::<Float32Type>()
                .unary::<_, Float32Type>(|number| number + 0.0),
        ),
        _ => Arc::clone(array),
    }
}
