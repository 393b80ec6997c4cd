//! Values as text, as MySQL prints them: for CAST(… AS CHAR), CONCAT and text columns;
//! and text and fractions as whole numbers, for CAST(… AS SIGNED).

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StringArray};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Float64Type};
use arrow::util::display::FormatOptions;
use datafusion::common::{Result, exec_err};

use super::{Function, is_text, plain_type};

/// Formats of dates and times in text.
const FORMATS: FormatOptions<'static> = FormatOptions::new()
    .with_display_error(false)
    .with_datetime_format(Some("%Y-%m-%d %H:%M:%S%.f"))
    .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
    .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f"));

pub(super) fn functions() -> Vec<Function> {
    let text = Function::new(
        "mysql_text",
        |t| {
            Ok(vec![if is_text(&t[0]) {
                DataType::Utf8
            } else {
                plain_type(&t[0]).clone()
            }])
        },
        |_| Ok(DataType::Utf8),
        |a, _| to_text(&a[0]),
    )
    .simplified(|a, t| {
        (t.first() == Some(&DataType::Utf8))
            .then(|| a.first().cloned())
            .flatten()
    });
    let signed = Function::new(
        "mysql_signed",
        |t| Ok(vec![plain_type(&t[0]).clone()]),
        |_| Ok(DataType::Int64),
        |a, to| to_integer(&a[0], to),
    );
    let unsigned = Function::new(
        "mysql_unsigned",
        |t| Ok(vec![plain_type(&t[0]).clone()]),
        |_| Ok(DataType::UInt64),
        |a, to| to_integer(&a[0], to),
    );
    vec![text, signed, unsigned]
}

/// An array's values as text; NULL stays NULL.
pub(crate) fn to_text(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Utf8 => Arc::clone(array),
        DataType::Boolean => {
            let values: StringArray = array
                .as_boolean()
                .iter()
                .map(|value| value.map(|value| if value { "1" } else { "0" }))
                .collect();
            Arc::new(values)
        }
        DataType::Float16 | DataType::Float32 => floats(array, |text, array, row| {
            let value = cast(&array.slice(row, 1), &DataType::Float32)?;
            let value = value
                .as_primitive::<arrow::datatypes::Float32Type>()
                .value(0);
            write!(text, "{value}").map_err(Into::into)
        })?,
        DataType::Float64 => floats(array, |text, array, row| {
            write!(text, "{}", array.as_primitive::<Float64Type>().value(row)).map_err(Into::into)
        })?,
        DataType::FixedSizeBinary(16) => uuids(array),
        _ => cast_with_options(
            array,
            &DataType::Utf8,
            &CastOptions {
                safe: false,
                format_options: FORMATS,
            },
        )?,
    })
}

type WriteFloat = fn(
    &mut String,
    &ArrayRef,
    usize,
) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>>;

fn floats(array: &ArrayRef, write: WriteFloat) -> Result<ArrayRef> {
    let mut rows = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        if array.is_null(row) {
            rows.push(None);
            continue;
        }
        let mut text = String::new();
        write(&mut text, array, row).map_err(datafusion::error::DataFusionError::External)?;
        rows.push(Some(text));
    }
    Ok(Arc::new(StringArray::from(rows)))
}

fn uuids(array: &ArrayRef) -> ArrayRef {
    let values: StringArray = array
        .as_fixed_size_binary()
        .iter()
        .map(|bytes| {
            bytes.map(|bytes| {
                let mut text = String::with_capacity(36);
                for (index, byte) in bytes.iter().enumerate() {
                    if matches!(index, 4 | 6 | 8 | 10) {
                        text.push('-');
                    }
                    let _ = write!(text, "{byte:02x}");
                }
                text
            })
        })
        .collect();
    Arc::new(values)
}

/// Rounds half away from zero, as MySQL does; text must be a number.
fn to_integer(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let whole: ArrayRef = match array.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let text = cast(array, &DataType::Utf8)?;
            let mut values = Vec::with_capacity(text.len());
            for value in text.as_string::<i32>() {
                values.push(match value {
                    None => None,
                    Some(value) => match crate::insert::numbers::whole(value) {
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
            let rounded: Float64Array = wide.as_primitive::<Float64Type>().unary(f64::round);
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
