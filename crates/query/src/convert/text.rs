//! Values as text, as MySQL prints them: for CAST(… AS CHAR), CONCAT, text columns.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, DurationMicrosecondType, Field, Float32Type, Float64Type,
    Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
};
use arrow::util::display::FormatOptions;
use datafusion::common::Result;

use super::temporal::{Civil, SECOND_US};
use super::types::{Declared, SQL_TYPE_KEY};
use crate::error::{Error, from_datafusion};

/// Formats of dates and times in text.
const FORMATS: FormatOptions<'static> = FormatOptions::new()
    .with_display_error(false)
    .with_datetime_format(Some("%Y-%m-%d %H:%M:%S%.f"))
    .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
    .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f"));

/// An array's values as text; NULL stays NULL. Lists, structs and maps are JSON.
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
        DataType::Float16 | DataType::Float32 => {
            let values = cast(array, &DataType::Float32)?;
            written::<Float32Type>(&values, |text, value| {
                match has_exponent(f64::from(value)) {
                    true => write!(text, "{value:e}"),
                    false => write!(text, "{value}"),
                }
            })
        }
        DataType::Float64 => {
            written::<Float64Type>(array, |text, value| text.write_str(&double_text(value)))
        }
        // MySQL's TIME is a span: beyond a day, and below zero.
        DataType::Time32(_) | DataType::Time64(_) => {
            let values = cast(array, &DataType::Time64(TimeUnit::Microsecond))?;
            written::<Time64MicrosecondType>(&values, write_span)
        }
        DataType::Duration(_) => {
            let values = cast(array, &DataType::Duration(TimeUnit::Microsecond))?;
            written::<DurationMicrosecondType>(&values, write_span)
        }
        DataType::FixedSizeBinary(16) => {
            let uuids = array.as_fixed_size_binary().iter();
            let values: StringArray = uuids
                .map(|bytes| {
                    Some(
                        uuid::Uuid::from_slice(bytes?)
                            .ok()?
                            .hyphenated()
                            .to_string(),
                    )
                })
                .collect();
            Arc::new(values)
        }
        data_type if data_type.is_nested() => super::json::to_json(array)?,
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

/// A double as MySQL prints it: the shortest digits that give it back, with an exponent where it is large or small.
pub(crate) fn double_text(value: f64) -> String {
    match has_exponent(value) {
        true => format!("{value:e}"),
        false => value.to_string(),
    }
}

/// Whether MySQL prints a number with an exponent: with more than fifteen digits before the point, or fourteen zeros
/// behind it (`my_gcvt`).
fn has_exponent(value: f64) -> bool {
    let size = value.abs();
    value.is_finite() && value != 0.0 && !(1e-15..1e15).contains(&size)
}

/// A result column's values as MySQL prints them; NULL stays NULL. Bytes that are no UTF-8 have no text.
///
/// # Errors
/// Internal, for a value that has no text.
pub fn column_texts(array: &ArrayRef, field: &Field) -> std::result::Result<StringArray, Error> {
    let texts = to_text_of(array, field).map_err(from_datafusion)?;
    Ok(texts.as_string::<i32>().clone())
}

/// [`to_text`] of a column: a declared DATETIME(n) or TIME(n) is written with its n digits of a second.
pub(crate) fn to_text_of(array: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    if !field.metadata().contains_key(SQL_TYPE_KEY) {
        return to_text(array);
    }
    let declared = Declared::of(field);
    Ok(match array.data_type() {
        DataType::Timestamp(unit, _) => {
            let digits = usize::from(declared.fraction_digits(*unit));
            let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
            let plain = DataType::Timestamp(TimeUnit::Microsecond, None);
            let micros = match array.data_type() {
                DataType::Timestamp(_, Some(_)) => cast(array, &utc)?,
                _ => cast(array, &plain)?,
            };
            written::<TimestampMicrosecondType>(&micros, |text, micros| {
                let point = Civil::from_micros(micros);
                let whole = Civil {
                    time_us: point.time_us / SECOND_US * SECOND_US,
                    ..point
                };
                text.write_str(&whole.datetime_text())?;
                write_fraction(text, point.time_us.unsigned_abs(), digits)
            })
        }
        DataType::Time64(_) => {
            let digits = usize::from(declared.fraction_digits(TimeUnit::Microsecond));
            let values = cast(array, &DataType::Time64(TimeUnit::Microsecond))?;
            written::<Time64MicrosecondType>(&values, |text, micros| {
                write_seconds(text, micros)?;
                write_fraction(text, micros.unsigned_abs(), digits)
            })
        }
        _ => to_text(array)?,
    })
}

/// So many digits of the fraction of a second in microseconds, behind a point.
fn write_fraction(text: &mut StringBuilder, micros: u64, digits: usize) -> std::fmt::Result {
    if digits == 0 {
        return Ok(());
    }
    let all = format!("{:06}", micros % SECOND_US.unsigned_abs());
    write!(text, ".{}", &all[..digits.min(6)])
}

/// Each value as `write` writes it.
fn written<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    write: impl Fn(&mut StringBuilder, T::Native) -> std::fmt::Result,
) -> ArrayRef {
    let values = array.as_primitive::<T>();
    let mut texts = StringBuilder::with_capacity(values.len(), values.len() * 8);
    for value in values {
        match value {
            // A builder takes every text.
            Some(value) if write(&mut texts, value).is_ok() => texts.append_value(""),
            _ => texts.append_null(),
        }
    }
    Arc::new(texts.finish())
}

/// `[-]HH:MM:SS`, with six more digits if there is a fraction.
fn write_span(text: &mut StringBuilder, micros: i64) -> std::fmt::Result {
    write_seconds(text, micros)?;
    match micros.unsigned_abs() % SECOND_US.unsigned_abs() {
        0 => Ok(()),
        fraction => write!(text, ".{fraction:06}"),
    }
}

/// `[-]HH:MM:SS`.
fn write_seconds(text: &mut StringBuilder, micros: i64) -> std::fmt::Result {
    let (size, sign) = (micros.unsigned_abs(), if micros < 0 { "-" } else { "" });
    let second_us = SECOND_US.unsigned_abs();
    let seconds = size / second_us;
    write!(
        text,
        "{sign}{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}
