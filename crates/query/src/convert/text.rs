//! Values as text, as MySQL prints them: for CAST(… AS CHAR), CONCAT, text columns.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, DurationMicrosecondType, Float32Type, Float64Type,
    Time64MicrosecondType, TimeUnit,
};
use arrow::util::display::FormatOptions;
use datafusion::common::Result;

use super::temporal::SECOND_US;

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
            written::<Float32Type>(&values, |text, value| write!(text, "{value}"))
        }
        DataType::Float64 => written::<Float64Type>(array, |text, value| write!(text, "{value}")),
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
    let (size, sign) = (micros.unsigned_abs(), if micros < 0 { "-" } else { "" });
    let second_us = SECOND_US.unsigned_abs();
    let seconds = size / second_us;
    write!(
        text,
        "{sign}{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )?;
    match size % second_us {
        0 => Ok(()),
        fraction => write!(text, ".{fraction:06}"),
    }
}
