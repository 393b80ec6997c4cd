//! Values of the binary protocol into their columns.

use arrow::datatypes::i256;
use chrono::{NaiveDate, NaiveTime};
use mysql_async::Value;

use super::columns::{ServerColumn, Wire};
use crate::batch::{Batch, Slot};
use crate::error::{Error, ErrorKind};

/// What a value counts for beside its bytes.
const VALUE_BYTES: usize = 8;

/// Adds a row.
pub(super) fn row(
    values: Vec<Value>,
    columns: &[ServerColumn],
    batch: &mut Batch,
) -> Result<(), Error> {
    let mut bytes = VALUE_BYTES;
    for ((column, slot), value) in columns.iter().zip(&mut batch.slots).zip(values) {
        bytes += VALUE_BYTES;
        if let Value::Bytes(own) = &value {
            bytes += own.len();
        }
        put(column, value, slot)?;
    }
    batch.end_row(bytes);
    Ok(())
}

fn put(column: &ServerColumn, value: Value, slot: &mut Slot) -> Result<(), Error> {
    let unreadable = || {
        Error::new(
            ErrorKind::Lost,
            format!(
                "the server sends values of column '{}' that are not of the column's type",
                column.name
            ),
        )
    };
    match (column.wire, slot, value) {
        (_, slot, Value::NULL) => slot.null(),
        (Wire::Tiny { .. }, Slot::I8(values), value) => {
            values.append_value(integer(&value).ok_or_else(unreadable)?);
        }
        (Wire::Tiny { .. }, Slot::U8(values), value) => {
            values.append_value(integer(&value).ok_or_else(unreadable)?);
        }
        (Wire::Small { .. }, Slot::I16(values), value) => {
            values.append_value(integer(&value).ok_or_else(unreadable)?);
        }
        (Wire::Small { .. } | Wire::Year, Slot::U16(values), value) => {
            values.append_value(integer(&value).ok_or_else(unreadable)?);
        }
        (Wire::Int { .. }, Slot::I32(values), value) => {
            values.append_value(integer(&value).ok_or_else(unreadable)?);
        }
        (Wire::Int { .. }, Slot::U32(values), value) => {
            values.append_value(integer(&value).ok_or_else(unreadable)?);
        }
        (Wire::Big { .. }, Slot::I64(values), value) => {
            values.append_value(integer(&value).ok_or_else(unreadable)?);
        }
        (Wire::Big { .. }, Slot::U64(values), value) => {
            values.append_value(integer(&value).ok_or_else(unreadable)?);
        }
        (Wire::Bit, Slot::U64(values), Value::Bytes(bytes)) if bytes.len() <= 8 => {
            let number = bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            values.append_value(number);
        }
        (Wire::Float, Slot::F32(values), Value::Float(number)) => values.append_value(number),
        (Wire::Double, Slot::F64(values), Value::Double(number)) => values.append_value(number),
        (Wire::Decimal { .. }, Slot::Decimal(values, scale), Value::Bytes(digits)) => {
            let number = decimal(&digits, *scale).ok_or_else(unreadable)?;
            values.append_value(number.to_i128().ok_or_else(unreadable)?);
        }
        (Wire::Decimal { .. }, Slot::WideDecimal(values, scale), Value::Bytes(digits)) => {
            values.append_value(decimal(&digits, *scale).ok_or_else(unreadable)?);
        }
        (Wire::Text | Wire::AsText, Slot::Text(values), Value::Bytes(bytes)) => {
            let text = std::str::from_utf8(&bytes).map_err(|_| {
                Error::invalid(format!(
                    "column '{}' has a text that is not UTF-8",
                    column.name
                ))
            })?;
            values.append_value(text);
        }
        (Wire::Bytes, Slot::Bytes(values), Value::Bytes(bytes)) => values.append_value(bytes),
        (Wire::Date, Slot::Date(values), Value::Date(year, month, day, ..)) => {
            let date = date(column, year, month, day)?;
            let days = date - NaiveDate::default();
            values.append_value(i32::try_from(days.num_days()).map_err(|_| unreadable())?);
        }
        (
            Wire::Stamp | Wire::Moment,
            Slot::Stamp(values),
            Value::Date(year, month, day, hour, minute, second, micros),
        ) => {
            let date = date(column, year, month, day)?;
            let time =
                NaiveTime::from_hms_micro_opt(hour.into(), minute.into(), second.into(), micros);
            let stamp = date.and_time(time.ok_or_else(unreadable)?);
            values.append_value(stamp.and_utc().timestamp_micros());
        }
        (
            Wire::Time,
            Slot::Time(values),
            Value::Time(negative, days, hours, minutes, seconds, micros),
        ) => {
            let hours = i64::from(days) * 24 + i64::from(hours);
            let seconds = (hours * 60 + i64::from(minutes)) * 60 + i64::from(seconds);
            let span = seconds * 1_000_000 + i64::from(micros);
            values.append_value(if negative { -span } else { span });
        }
        _ => return Err(unreadable()),
    }
    Ok(())
}

fn integer<T: TryFrom<i128>>(value: &Value) -> Option<T> {
    let number = match value {
        Value::Int(number) => i128::from(*number),
        Value::UInt(number) => i128::from(*number),
        _ => return None,
    };
    T::try_from(number).ok()
}

fn date(column: &ServerColumn, year: u16, month: u8, day: u8) -> Result<NaiveDate, Error> {
    let date = NaiveDate::from_ymd_opt(year.into(), month.into(), day.into());
    date.filter(|_| year > 0).ok_or_else(|| {
        Error::invalid(format!(
            "column '{}' has the date '{year:04}-{month:02}-{day:02}', which is none; declare the column as varchar(26) to read it as a text",
            column.name
        ))
    })
}

/// A decimal's digits as one whole number, `scale` of them behind the point.
fn decimal(text: &[u8], scale: i8) -> Option<i256> {
    let text = std::str::from_utf8(text).ok()?;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, behind) = digits.split_once('.').unwrap_or((digits, ""));
    let scale = usize::try_from(scale).ok()?;
    if behind.len() > scale {
        return None;
    }
    let mut number = String::with_capacity(whole.len() + scale + 1);
    if negative {
        number.push('-');
    }
    number.push_str(whole);
    number.push_str(behind);
    number.extend(std::iter::repeat_n('0', scale - behind.len()));
    match number.parse::<i128>() {
        Ok(number) => Some(i256::from_i128(number)),
        Err(_) => i256::from_string(&number),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn decimals_are_exact() {
        let of = |text: &str, scale| decimal(text.as_bytes(), scale).map(|n| n.to_string());
        assert_eq!(of("-12.50", 2).unwrap(), "-1250");
        assert_eq!(of("-0.05", 3).unwrap(), "-50");
        assert_eq!(of("7", 2).unwrap(), "700");
        assert_eq!(of("1.234", 2), None);
        assert_eq!(of("x", 2), None);
        let long = "9".repeat(65);
        assert_eq!(of(&long, 0).unwrap(), long);
    }
}
