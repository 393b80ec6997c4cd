//! Values as text, as MySQL prints them: for CAST(… AS CHAR), CONCAT and text columns;
//! and text and fractions as whole numbers, for CAST(… AS SIGNED).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, exec_err};

use super::rowwise::Kind;
use super::{Function, convert, is_text, plain_type};
pub(crate) use crate::convert::to_text;

pub(super) fn functions() -> Vec<Function> {
    let text = Function::new(
        "mysql_text",
        |t| {
            super::arguments("the function", t, 1, 1)?;
            Ok(vec![plain_type(&t[0]).clone()])
        },
        // Text stays of its own type: nothing is copied.
        |t| {
            Ok(match &t[0] {
                text if is_text(text) => text.clone(),
                _ => DataType::Utf8,
            })
        },
        |a, _| {
            if is_text(a[0].data_type()) {
                Ok(Arc::clone(&a[0]))
            } else {
                to_text(&a[0])
            }
        },
    )
    .simplified(|a, t| is_text(t.first()?).then(|| a.first().cloned())?)
    .printing();
    let signed = Function::new(
        "mysql_signed",
        |t| Ok(vec![convert::plainest(&t[0])]),
        |_| Ok(DataType::Int64),
        |a, _| convert::to_kind(&a[0], Kind::Integer),
    );
    let unsigned = Function::new(
        "mysql_unsigned",
        |t| Ok(vec![convert::plainest(&t[0])]),
        |_| Ok(DataType::UInt64),
        |a, to| to_integer(&a[0], to),
    );
    vec![text, signed, unsigned]
}

/// Rounds exact numbers half away from zero, doubles to even, and cuts texts, as MySQL does; text must be a number.
pub(super) fn to_integer(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let whole: ArrayRef = match array.data_type() {
        DataType::Null => return Ok(cast(array, to)?),
        binary if convert::is_binary(binary) => convert::to_kind(array, Kind::Bits)?,
        temporal if temporal.is_temporal() => {
            return to_integer(&convert::numbers(array)?, to);
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let text = cast(array, &DataType::Utf8)?;
            let mut values = Vec::with_capacity(text.len());
            for value in text.as_string::<i32>() {
                values.push(match value {
                    None => None,
                    Some(value) => match crate::convert::numbers::truncated(value) {
                        Some(number) => Some(number),
                        None => {
                            return exec_err!(
                                "cannot cast '{value}' to {}",
                                crate::types::sql_type(to)
                            );
                        }
                    },
                });
            }
            let wide =
                arrow::array::Decimal128Array::from(values).with_precision_and_scale(38, 0)?;
            Arc::new(wide)
        }
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let wide = cast(array, &DataType::Float64)?;
            let rounded: Float64Array = wide
                .as_primitive::<Float64Type>()
                .unary(f64::round_ties_even);
            Arc::new(rounded)
        }
        DataType::Decimal32(p, _) | DataType::Decimal64(p, _) | DataType::Decimal128(p, _) => {
            cast(array, &DataType::Decimal128(p.saturating_add(1).min(38), 0))?
        }
        DataType::Decimal256(..) => cast(array, &DataType::Decimal256(76, 0))?,
        _ => Arc::clone(array),
    };
    let safe = CastOptions {
        safe: true,
        ..CastOptions::default()
    };
    let result = cast_with_options(&whole, to, &safe)?;
    if result.null_count() > array.null_count() {
        return exec_err!(
            "a value is out of the range of {}",
            crate::types::sql_type(to)
        );
    }
    Ok(result)
}
