//! Values of any type as what a function or a comparison wants, by MySQL's rules
//! (MySQL 8.4 manual, "Type Conversion in Expression Evaluation").

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Float64Array, Int64Array, Time64MicrosecondArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Float64Type, Int64Type, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
    UInt64Type,
};
use datafusion::common::{Result, exec_err, plan_err};

use super::rowwise::Kind;
use super::text::{to_integer, to_text};
use super::{dates, is_text, plain_type};
use crate::temporal::{DAY_US, moment_of_number, parse_datetime, parse_time, time_of_number};

pub(super) const CLOCK: DataType = DataType::Time64(TimeUnit::Microsecond);

/// The type that an argument is passed as: text and binary without views and large offsets.
pub(super) fn plainest(data_type: &DataType) -> DataType {
    match plain_type(data_type) {
        text if is_text(text) => DataType::Utf8,
        binary if is_binary(binary) => DataType::Binary,
        DataType::Null => DataType::Utf8,
        other => other.clone(),
    }
}

pub(super) fn is_binary(data_type: &DataType) -> bool {
    matches!(
        plain_type(data_type),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView
    )
}

/// Whether values of the type can be of the kind at all.
pub(super) fn accepts(name: &str, data_type: &DataType, kind: Kind) -> Result<()> {
    let nested = data_type.is_nested() && !matches!(data_type, DataType::Dictionary(..));
    let fits = match kind {
        Kind::Text | Kind::Bytes => true,
        Kind::Integer | Kind::Bits | Kind::Double => !nested,
        Kind::Moment => {
            !nested && !matches!(data_type, DataType::Boolean) && !is_interval(data_type)
        }
        Kind::Clock => !nested && !matches!(data_type, DataType::Boolean),
    };
    if fits {
        return Ok(());
    }
    let wanted = match kind {
        Kind::Text | Kind::Bytes => "a text",
        Kind::Integer | Kind::Bits | Kind::Double => "a number",
        Kind::Moment => "a date or date and time",
        Kind::Clock => "a time",
    };
    plan_err!(
        "{}() takes {wanted} there, not {}",
        super::user_name(name),
        crate::types::sql_type(data_type)
    )
}

fn is_interval(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Interval(_) | DataType::Duration(_))
}

/// The array as the kind's one type.
pub(super) fn to_kind(array: &ArrayRef, kind: Kind) -> Result<ArrayRef> {
    match kind {
        Kind::Text => to_text(array),
        Kind::Bytes => bytes(array),
        Kind::Integer => integers(array),
        Kind::Bits => bits(array),
        Kind::Double => doubles(array),
        Kind::Moment => moments(array),
        Kind::Clock => clocks(array),
    }
}

fn bytes(array: &ArrayRef) -> Result<ArrayRef> {
    if is_binary(array.data_type()) {
        return Ok(cast(array, &DataType::Binary)?);
    }
    let texts = to_text(array)?;
    let values: BinaryArray = texts
        .as_string::<i32>()
        .iter()
        .map(|text| text.map(str::as_bytes))
        .collect();
    Ok(Arc::new(values))
}

fn integers(array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Int64 => Ok(Arc::clone(array)),
        DataType::Boolean => Ok(cast(array, &DataType::Int64)?),
        binary if is_binary(binary) => {
            let values = bits(array)?;
            let values: Int64Array = values
                .as_primitive::<UInt64Type>()
                .unary(|value| value as i64);
            Ok(Arc::new(values))
        }
        temporal if temporal.is_temporal() => to_integer(&numbers(array)?, &DataType::Int64),
        _ => to_integer(array, &DataType::Int64),
    }
}

/// Whole numbers as 64 bits; a binary value is the number that its last eight bytes are.
fn bits(array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::UInt64 => Ok(Arc::clone(array)),
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::Boolean => {
            Ok(cast(array, &DataType::UInt64)?)
        }
        binary if is_binary(binary) => {
            let values: UInt64Array = cast(array, &DataType::Binary)?
                .as_binary::<i32>()
                .iter()
                .map(|bytes| bytes.map(number_of_bytes))
                .collect();
            Ok(Arc::new(values))
        }
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let doubles = doubles(array)?;
            let values: UInt64Array = doubles
                .as_primitive::<Float64Type>()
                .iter()
                .map(|value| {
                    value.map(|value| match value.round_ties_even() {
                        // `as` saturates.
                        rounded if rounded < 0.0 => (rounded as i64) as u64,
                        rounded => rounded as u64,
                    })
                })
                .collect();
            Ok(Arc::new(values))
        }
        _ => {
            let wide = to_integer(array, &DataType::Decimal128(38, 0))?;
            let wide = wide.as_primitive::<arrow::datatypes::Decimal128Type>();
            let values: UInt64Array = wide
                .iter()
                .map(|value| {
                    value.map(|value| match u64::try_from(value) {
                        Ok(value) => value,
                        Err(_) if value > 0 => u64::MAX,
                        Err(_) => i64::try_from(value).unwrap_or(i64::MIN) as u64,
                    })
                })
                .collect();
            Ok(Arc::new(values))
        }
    }
}

/// The number that bytes are, the first one the highest; of more than eight the last eight.
pub(crate) fn number_of_bytes(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
}

/// Numbers as doubles; text must be a number, dates and times are `YYYYMMDDhhmmss`.
pub(super) fn doubles(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Float64 => Arc::clone(array),
        text if is_text(text) => {
            let texts = cast(array, &DataType::Utf8)?;
            let values: Float64Array = texts
                .as_string::<i32>()
                .iter()
                .map(|text| text.map(number_of_text).transpose())
                .collect::<Result<_>>()?;
            Arc::new(values)
        }
        binary if is_binary(binary) => cast(&bits(array)?, &DataType::Float64)?,
        temporal if temporal.is_temporal() => cast(&numbers(array)?, &DataType::Float64)?,
        _ => cast(array, &DataType::Float64)?,
    })
}

/// A text as a double.
pub(super) fn number_of_text(text: &str) -> Result<f64> {
    match text.trim().parse::<f64>() {
        // Rust reads "inf" and "nan" as numbers, too.
        Ok(number) if number.is_finite() => Ok(number),
        _ => exec_err!("the text '{text}' is no number"),
    }
}

/// Dates and times as numbers: `YYYYMMDD`, `YYYYMMDDhhmmss`, `hhmmss`, with their fraction.
pub(super) fn numbers(array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Date32 | DataType::Date64 => {
            let micros = dates::micros(array)?;
            let values: Int64Array =
                micros
                    .as_primitive::<TimestampMicrosecondType>()
                    .unary(|micros| {
                        let civil = crate::temporal::Civil::from_micros(micros);
                        civil.year * 10_000 + i64::from(civil.month) * 100 + i64::from(civil.day)
                    });
            Ok(Arc::new(values))
        }
        DataType::Time32(_) | DataType::Time64(_) => {
            let clocks = cast(array, &CLOCK)?;
            let values = clocks.as_primitive::<Time64MicrosecondType>();
            fractional(
                values.iter().map(|micros| {
                    micros.map(|micros| {
                        let seconds = micros / crate::temporal::SECOND_US;
                        (
                            seconds / 3600 * 10_000 + seconds / 60 % 60 * 100 + seconds % 60,
                            micros % crate::temporal::SECOND_US,
                        )
                    })
                }),
                true,
            )
        }
        DataType::Timestamp(unit, _) => {
            let whole = *unit == TimeUnit::Second;
            let micros = dates::micros(array)?;
            let values = micros.as_primitive::<TimestampMicrosecondType>();
            fractional(
                values.iter().map(|micros| {
                    micros.map(|micros| {
                        let civil = crate::temporal::Civil::from_micros(micros);
                        let seconds = civil.time_us / crate::temporal::SECOND_US;
                        (
                            (civil.year * 10_000
                                + i64::from(civil.month) * 100
                                + i64::from(civil.day))
                                * 1_000_000
                                + seconds / 3600 * 10_000
                                + seconds / 60 % 60 * 100
                                + seconds % 60,
                            civil.time_us % crate::temporal::SECOND_US,
                        )
                    })
                }),
                !whole,
            )
        }
        other => exec_err!(
            "a date or time is wanted, not {}",
            crate::types::sql_type(other)
        ),
    }
}

/// Numbers and their microseconds as decimals, or as integers when there are none.
fn fractional(
    values: impl Iterator<Item = Option<(i64, i64)>>,
    fraction: bool,
) -> Result<ArrayRef> {
    if fraction {
        let values: arrow::array::Decimal128Array = values
            .map(|value| {
                value.map(|(whole, micros)| i128::from(whole) * 1_000_000 + i128::from(micros))
            })
            .collect();
        return Ok(Arc::new(values.with_precision_and_scale(20, 6)?));
    }
    let values: Int64Array = values.map(|value| value.map(|(whole, _)| whole)).collect();
    Ok(Arc::new(values))
}

/// The type that [`numbers`] gives.
pub(super) fn numbers_type(data_type: &DataType) -> DataType {
    match plain_type(data_type) {
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(TimeUnit::Second, _) => {
            DataType::Int64
        }
        _ => DataType::Decimal128(20, 6),
    }
}

/// Dates and times, texts and numbers as dates and times; NULL for what is none.
pub(super) fn moments(array: &ArrayRef) -> Result<ArrayRef> {
    let values: TimestampMicrosecondArray = match array.data_type() {
        text if is_text(text) => cast(array, &DataType::Utf8)?
            .as_string::<i32>()
            .iter()
            .map(|text| {
                text.and_then(parse_datetime)
                    .map(|(civil, _)| civil.micros())
            })
            .collect(),
        DataType::Null => TimestampMicrosecondArray::new_null(array.len()),
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => {
            return dates::micros(array);
        }
        // A time of day alone is one of no known day.
        DataType::Time32(_) | DataType::Time64(_) => cast(array, &CLOCK)?
            .as_primitive::<Time64MicrosecondType>()
            .iter()
            .collect::<Vec<Option<i64>>>()
            .into(),
        _ => integers(array)?
            .as_primitive::<Int64Type>()
            .iter()
            .map(|number| Some(moment_of_number(number?)?.0.micros()))
            .collect(),
    };
    Ok(Arc::new(values))
}

/// Times, the times of dates, texts and numbers as microseconds; NULL for what is none.
pub(super) fn clocks(array: &ArrayRef) -> Result<ArrayRef> {
    let values: Time64MicrosecondArray = match array.data_type() {
        text if is_text(text) => cast(array, &DataType::Utf8)?
            .as_string::<i32>()
            .iter()
            .map(|text| text.and_then(time_of_text))
            .collect(),
        DataType::Null => Time64MicrosecondArray::new_null(array.len()),
        DataType::Time32(_) | DataType::Time64(_) => return Ok(cast(array, &CLOCK)?),
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => dates::micros(array)?
            .as_primitive::<TimestampMicrosecondType>()
            .iter()
            .map(|micros| micros.map(|micros| micros.rem_euclid(DAY_US)))
            .collect(),
        _ => doubles(array)?
            .as_primitive::<Float64Type>()
            .iter()
            .map(|number| number.and_then(time_of_number))
            .collect(),
    };
    Ok(Arc::new(values))
}

/// A text as a time, or the time of a text that is a date and time.
pub(crate) fn time_of_text(text: &str) -> Option<i64> {
    parse_time(text).or_else(|| parse_datetime(text).map(|(civil, _)| civil.time_us))
}
