//! Constants of a comparison as values of the other side's kind: a text or a number as a date, a text as a number.
//! What is none is an error that says so, as MySQL's "Incorrect DATE value"
//! (MySQL 8.4 manual, "Type Conversion in Expression Evaluation").

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result, ScalarValue, plan_err};

use super::classes::Class;
use crate::functions::{number_of_bytes, time_of_text};
use crate::temporal::{Civil, DAY_US, SECOND_US, moment_of_number, parse_datetime, time_of_number};

/// Digits that an exact constant may have.
const DIGITS_MAX: usize = 38;

/// A text constant as an exact number if it is one, else as a double.
pub(super) fn number_of_text(text: &str) -> Result<ScalarValue> {
    let trimmed = text.trim();
    if let Ok(number) = trimmed.parse::<i64>() {
        return Ok(ScalarValue::Int64(Some(number)));
    }
    let (sign, digits) = match trimmed.as_bytes().first() {
        Some(b'-') => (-1, &trimmed[1..]),
        Some(b'+') => (1, &trimmed[1..]),
        _ => (1, trimmed),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = whole
        .bytes()
        .chain(fraction.bytes())
        .all(|byte| byte.is_ascii_digit());
    let count = whole.len() + fraction.len();
    if plain
        && (1..=DIGITS_MAX).contains(&count)
        && let Ok(value) = format!("{whole}{fraction}").parse::<i128>()
    {
        return Ok(ScalarValue::Decimal128(
            Some(sign * value),
            count.max(1) as u8,
            fraction.len() as i8,
        ));
    }
    match trimmed.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(ScalarValue::Float64(Some(number))),
        _ => plan_err!(
            "the text '{text}' is compared with a number and is none; compare with a number, or with CAST(… AS CHAR)"
        ),
    }
}

/// A binary constant as the number that its bytes are.
pub(super) fn number_of_binary(bytes: &[u8]) -> ScalarValue {
    ScalarValue::UInt64(Some(number_of_bytes(bytes)))
}

/// A constant as a date, a date and time or a time, to be compared with a value of `data_type`;
/// none if it is to be compared as a number.
pub(super) fn temporal(value: &ScalarValue, data_type: &DataType) -> Result<Option<ScalarValue>> {
    let class = Class::of(data_type);
    if let Some(Some(text)) = value.try_as_str() {
        if class == Class::Clock {
            return match time_of_text(text) {
                Some(micros) => Ok(Some(ScalarValue::Time64Microsecond(Some(micros)))),
                None => plan_err!(
                    "the text '{text}' is compared with a time and is none, such as '12:34:56'"
                ),
            };
        }
        return match parse_datetime(text) {
            Some((civil, _)) => Ok(Some(moment(&civil, data_type))),
            None => plan_err!(
                "the text '{text}' is compared with a date and is none, such as '2024-02-29' or '2024-02-29 12:34:56'"
            ),
        };
    }
    let (whole, micros) = match value {
        ScalarValue::Int64(Some(number)) => (*number, 0),
        ScalarValue::UInt64(Some(number)) => (i64::try_from(*number).unwrap_or(i64::MAX), 0),
        ScalarValue::Decimal128(Some(number), _, scale) if (0..=20).contains(scale) => {
            let power = 10_i128.pow(u32::from(scale.unsigned_abs()));
            let micros = (number % power).abs() * i128::from(SECOND_US) / power;
            match i64::try_from(number / power) {
                Ok(whole) => (whole, micros as i64),
                Err(_) => return Ok(None),
            }
        }
        _ => return Ok(None),
    };
    // 0 is the zero date, which no value is.
    if whole == 0 {
        return Ok(None);
    }
    if class == Class::Clock {
        return match time_of_number(whole as f64) {
            Some(time) => Ok(Some(ScalarValue::Time64Microsecond(Some(time + micros)))),
            None => {
                plan_err!("the number {value} is compared with a time and is none, such as 123456")
            }
        };
    }
    match moment_of_number(whole) {
        Some((civil, _)) => {
            let time_us = civil.time_us + micros;
            Ok(Some(moment(&Civil { time_us, ..civil }, data_type)))
        }
        None => {
            plan_err!("the number {value} is compared with a date and is none, such as 20240229")
        }
    }
}

/// A date for a date's column, else a date and time as fine as the column, finer when it must be.
fn moment(civil: &Civil, data_type: &DataType) -> ScalarValue {
    let micros = civil.micros();
    match data_type {
        DataType::Date32 | DataType::Date64 if micros.rem_euclid(DAY_US) == 0 => {
            ScalarValue::Date32(i32::try_from(micros.div_euclid(DAY_US)).ok())
        }
        DataType::Timestamp(TimeUnit::Second, zone) if micros % SECOND_US == 0 => {
            ScalarValue::TimestampSecond(Some(micros / SECOND_US), zone.clone())
        }
        DataType::Timestamp(TimeUnit::Millisecond, zone) if micros % 1_000 == 0 => {
            ScalarValue::TimestampMillisecond(Some(micros / 1_000), zone.clone())
        }
        DataType::Timestamp(TimeUnit::Nanosecond, zone) if micros.checked_mul(1_000).is_some() => {
            ScalarValue::TimestampNanosecond(micros.checked_mul(1_000), zone.clone())
        }
        DataType::Timestamp(_, zone) => {
            ScalarValue::TimestampMicrosecond(Some(micros), zone.clone())
        }
        _ => ScalarValue::TimestampMicrosecond(Some(micros), None),
    }
}
