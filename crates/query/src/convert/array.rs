//! Whole arrays as columns of a declared type: at once where Arrow's cast means what MySQL's assignment does,
//! else value by value.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, PrimitiveArray};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{
    DataType, Decimal128Type, Decimal256Type, DurationMicrosecondType, DurationNanosecondType,
    Field, Float32Type, Float64Type, Time64MicrosecondType, Time64NanosecondType, TimeUnit,
    TimestampMicrosecondType, TimestampNanosecondType,
};

use super::temporal::{round_span_us, round_us};
use super::text::to_text;
use super::types::{Declared, Length, is_binary, is_text};
use super::{Cell, ColumnWriter};
use crate::error::{Error, from_arrow, from_datafusion};

/// An array as a column of `field`, of [`crate::arrow_field`]'s types; `rows_before` is for the row numbers of errors,
/// which have none without.
pub(crate) fn column(
    array: &ArrayRef,
    field: &Field,
    rows_before: Option<u64>,
) -> Result<ArrayRef, Error> {
    if (field.is_nullable() || array.null_count() == 0)
        && let Some(column) = at_once(array, field)?
        // A value that does not fit became NULL; the slow way names it.
        && column.null_count() == array.null_count()
    {
        return Ok(column);
    }
    let mut writer = ColumnWriter::new(field)?;
    let row = |row: usize| rows_before.map_or(0, |before| before + row as u64 + 1);
    match array.data_type() {
        DataType::Null => (0..array.len()).try_for_each(|at| writer.push(Cell::Null, row(at)))?,
        DataType::Boolean => {
            for (at, value) in array.as_boolean().iter().enumerate() {
                writer.push(value.map_or(Cell::Null, Cell::Bool), row(at))?;
            }
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            let bytes = cast(array, &DataType::Binary).map_err(from_arrow)?;
            for (at, value) in bytes.as_binary::<i32>().iter().enumerate() {
                writer.push(value.map_or(Cell::Null, Cell::Bytes), row(at))?;
            }
        }
        from if from.is_floating() => {
            let doubles = cast(array, &DataType::Float64).map_err(from_arrow)?;
            // A float into a text is as long as a float.
            let into_text = is_text(field.data_type()) && from != &DataType::Float64;
            let texts = to_text(array).map_err(from_datafusion)?;
            let texts = texts.as_string::<i32>();
            for (at, value) in doubles.as_primitive::<Float64Type>().iter().enumerate() {
                let cell = match value {
                    None => Cell::Null,
                    Some(_) if into_text => Cell::Text(texts.value(at)),
                    Some(value) => Cell::Double(value),
                };
                writer.push(cell, row(at))?;
            }
        }
        from => {
            let cell: fn(&str) -> Cell<'_> = match from.is_numeric() {
                true => |text| Cell::Number(text),
                false => |text| Cell::Text(text),
            };
            let text = to_text(array).map_err(from_datafusion)?;
            for (at, value) in text.as_string::<i32>().iter().enumerate() {
                writer.push(value.map_or(Cell::Null, cell), row(at))?;
            }
        }
    }
    writer.finish()
}

/// The column by Arrow's kernels, NULL where a value does not fit; `None` where they mean something else.
fn at_once(array: &ArrayRef, field: &Field) -> Result<Option<ArrayRef>, Error> {
    let declared = Declared::of(field);
    let (from, to) = (array.data_type(), field.data_type());
    let checked_apart = matches!(
        declared.base.as_str(),
        "mediumint" | "mediumint unsigned" | "year" | "bit" | "enum" | "set" | "json" | "binary"
    );
    if checked_apart || declared.float_digits().is_some() {
        return Ok(None);
    }
    let array = match (from, to) {
        (DataType::Date32 | DataType::Timestamp(..), DataType::Timestamp(_, zone)) => {
            let digits = declared.fraction_digits(TimeUnit::Microsecond);
            let points = micros(array)?;
            let rounded: PrimitiveArray<TimestampMicrosecondType> =
                points.unary_opt(|micros| round_us(micros, digits));
            let rounded: ArrayRef = Arc::new(rounded.with_timezone_opt(zone.clone()));
            return cast_safely(&rounded, to).map(Some);
        }
        (
            DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_),
            DataType::Time64(TimeUnit::Microsecond),
        ) => {
            let digits = declared.fraction_digits(TimeUnit::Microsecond);
            let spans: PrimitiveArray<Time64MicrosecondType> =
                spans(array)?.unary_opt(|micros| round_span_us(micros, digits));
            return Ok(Some(Arc::new(spans)));
        }
        (_, DataType::Float32) if from.is_floating() => {
            let floats = cast(array, &DataType::Float32).map_err(from_arrow)?;
            let floats = floats.as_primitive::<Float32Type>();
            let finite: Float32Array =
                floats.unary_opt(|value| (!value.is_infinite()).then_some(value));
            return Ok(Some(Arc::new(finite)));
        }
        // Arrow's cast to an integer drops the fraction, a cast to fewer digits rounds it.
        (DataType::Decimal128(..), to) if to.is_integer() => {
            &cast_safely(array, &DataType::Decimal128(38, 0))?
        }
        _ if is_text(from) && is_text(to) || is_binary(from) && is_binary(to) => {
            return if fits(array, declared.length_max())? {
                cast_safely(array, to).map(Some)
            } else {
                Ok(None)
            };
        }
        // Digits beyond the declared ones are named.
        (DataType::Decimal128(..) | DataType::Decimal256(..), _) if from == to => {
            return Ok(has_its_digits(array).then(|| Arc::clone(array)));
        }
        _ if from == to => array,
        _ if from.is_integer()
            && (to.is_integer() || is_decimal(to) || to == &DataType::Float64) =>
        {
            array
        }
        _ if is_decimal(from) && is_decimal(to) => array,
        _ if from.is_floating() && to == &DataType::Float64 => array,
        _ => return Ok(None),
    };
    cast_safely(array, to).map(Some)
}

/// Whether no decimal has more digits than its type.
fn has_its_digits(array: &ArrayRef) -> bool {
    match array.data_type() {
        DataType::Decimal128(p, _) => {
            let values = array.as_primitive::<Decimal128Type>();
            values.validate_decimal_precision(*p).is_ok()
        }
        DataType::Decimal256(p, _) => {
            let values = array.as_primitive::<Decimal256Type>();
            values.validate_decimal_precision(*p).is_ok()
        }
        _ => true,
    }
}

/// Points in time as microseconds in UTC, nanoseconds rounded.
fn micros(array: &ArrayRef) -> Result<PrimitiveArray<TimestampMicrosecondType>, Error> {
    if let DataType::Timestamp(TimeUnit::Nanosecond, _) = array.data_type() {
        let nanos = array.as_primitive::<TimestampNanosecondType>();
        return Ok(
            nanos.unary(|nanos| nanos.div_euclid(1000) + i64::from(nanos.rem_euclid(1000) >= 500))
        );
    }
    let zone = match array.data_type() {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    let points = cast_safely(array, &DataType::Timestamp(TimeUnit::Microsecond, zone))?;
    let points = points.as_primitive::<TimestampMicrosecondType>();
    // A zone is how a point is shown, not what it is.
    Ok(points.clone().with_timezone_opt(None::<Arc<str>>))
}

/// Spans of time as microseconds, nanoseconds rounded.
fn spans(array: &ArrayRef) -> Result<PrimitiveArray<DurationMicrosecondType>, Error> {
    let rounded = |nanos: i64| {
        let (size, half) = (
            nanos.unsigned_abs() / 1000,
            nanos.unsigned_abs() % 1000 >= 500,
        );
        let micros = i64::try_from(size + u64::from(half)).unwrap_or(i64::MAX);
        if nanos < 0 { -micros } else { micros }
    };
    Ok(match array.data_type() {
        DataType::Time64(TimeUnit::Nanosecond) => {
            array.as_primitive::<Time64NanosecondType>().unary(rounded)
        }
        DataType::Duration(TimeUnit::Nanosecond) => array
            .as_primitive::<DurationNanosecondType>()
            .unary(rounded),
        DataType::Duration(_) => {
            let spans = cast_safely(array, &DataType::Duration(TimeUnit::Microsecond))?;
            spans.as_primitive::<DurationMicrosecondType>().clone()
        }
        _ => {
            let times = cast_safely(array, &DataType::Time64(TimeUnit::Microsecond))?;
            times
                .as_primitive::<Time64MicrosecondType>()
                .unary(|micros| micros)
        }
    })
}

/// Whether no text or bytes are too long.
fn fits(array: &ArrayRef, length_max: Option<Length>) -> Result<bool, Error> {
    Ok(match length_max {
        None => true,
        Some(Length::Chars(most)) => {
            let texts = cast(array, &DataType::Utf8View).map_err(from_arrow)?;
            let mut texts = texts.as_string_view().iter().flatten();
            texts.all(|text| text.len() <= most || text.chars().count() <= most)
        }
        Some(Length::Bytes(most)) => {
            let values = cast(array, &DataType::BinaryView).map_err(from_arrow)?;
            let mut values = values.as_binary_view().iter().flatten();
            values.all(|bytes| bytes.len() <= most)
        }
    })
}

fn cast_safely(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, Error> {
    let options = CastOptions {
        safe: true,
        ..CastOptions::default()
    };
    cast_with_options(array, to, &options).map_err(from_arrow)
}

fn is_decimal(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..)
    )
}
