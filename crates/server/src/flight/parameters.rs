//! Values of parameters, as clients send them: rows of an Arrow batch, a column for each `?` in their order.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, DurationMicrosecondType, Float64Type,
    Int64Type, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType, UInt64Type,
};
use arrow::temporal_conversions::date32_to_datetime;
use chrono::{DateTime as Instant, Datelike, NaiveDateTime, Timelike};
use parser::{Date, DateTime, Time, Value};

use crate::error::{Error, Reason, Result};

/// Microseconds of a second.
const SECOND: u64 = 1_000_000;

/// The values of each row.
///
/// # Errors
/// [`Reason::ValueInvalid`] for a type that no parameter has, and for a value that SQL has not.
pub(super) fn rows(batch: &RecordBatch) -> Result<Vec<Vec<Value>>> {
    let mut rows = vec![Vec::with_capacity(batch.num_columns()); batch.num_rows()];
    for (at, column) in batch.columns().iter().enumerate() {
        let read = Column::of(column).map_err(|why| invalid(at, &why))?;
        for (row, values) in rows.iter_mut().enumerate() {
            let value = match column.is_null(row) || *column.data_type() == DataType::Null {
                true => Value::Null,
                false => read.value(row).map_err(|why| invalid(at, why))?,
            };
            values.push(value);
        }
    }
    Ok(rows)
}

fn invalid(at: usize, why: &str) -> Error {
    Error::invalid_input(
        Reason::ValueInvalid,
        format_args!("the value of parameter {} is not valid: {why}", at + 1),
    )
}

/// A column in one of few types.
struct Column(ArrayRef);

impl Column {
    fn of(column: &ArrayRef) -> std::result::Result<Self, String> {
        let wanted = match column.data_type() {
            DataType::Int8 | DataType::Int16 | DataType::Int32 => DataType::Int64,
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => DataType::UInt64,
            DataType::Float16 | DataType::Float32 => DataType::Float64,
            DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
            DataType::Binary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                DataType::LargeBinary
            }
            DataType::Date64 => DataType::Date32,
            DataType::Decimal32(p, s) | DataType::Decimal64(p, s) => DataType::Decimal128(*p, *s),
            DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
            DataType::Timestamp(_, zone) => {
                DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
            }
            DataType::Duration(_) => DataType::Duration(TimeUnit::Microsecond),
            DataType::Dictionary(_, value) => {
                let plain = cast(column, value).map_err(|error| error.to_string())?;
                return Self::of(&plain);
            }
            other => other.clone(),
        };
        let column = match wanted == *column.data_type() {
            true => Arc::clone(column),
            false => cast(column, &wanted).map_err(|error| error.to_string())?,
        };
        Ok(Self(column))
    }

    fn value(&self, row: usize) -> std::result::Result<Value, &'static str> {
        let column = &self.0;
        Ok(match column.data_type() {
            DataType::Null => Value::Null,
            DataType::Boolean => Value::Bool(column.as_boolean().value(row)),
            DataType::Int64 => Value::Int(column.as_primitive::<Int64Type>().value(row)),
            DataType::UInt64 => Value::UInt(column.as_primitive::<UInt64Type>().value(row)),
            DataType::Float64 => Value::Double(column.as_primitive::<Float64Type>().value(row)),
            DataType::Decimal128(..) => {
                Value::Decimal(column.as_primitive::<Decimal128Type>().value_as_string(row))
            }
            DataType::Decimal256(..) => {
                Value::Decimal(column.as_primitive::<Decimal256Type>().value_as_string(row))
            }
            DataType::Utf8 => Value::Text(column.as_string::<i32>().value(row).to_owned()),
            DataType::LargeBinary => Value::Bytes(column.as_binary::<i64>().value(row).to_vec()),
            DataType::Date32 => {
                let day = column.as_primitive::<Date32Type>().value(row);
                Value::Date(date(date32_to_datetime(day).ok_or(NO_DAY)?)?)
            }
            DataType::Time64(TimeUnit::Microsecond) => {
                let micros = column.as_primitive::<Time64MicrosecondType>().value(row);
                Value::Time(time(micros)?)
            }
            DataType::Duration(TimeUnit::Microsecond) => {
                let micros = column.as_primitive::<DurationMicrosecondType>().value(row);
                Value::Time(time(micros)?)
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                // With a zone or without: it is counted from 1970 UTC, and UTC is the server's zone.
                let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
                let at = Instant::from_timestamp_micros(micros).ok_or(NO_DAY)?;
                Value::DateTime(date_time(at.naive_utc())?)
            }
            _ => return Err("no parameter has its type"),
        })
    }
}

const NO_DAY: &str = "its year is not from 0 to 9999";

fn date(at: NaiveDateTime) -> std::result::Result<Date, &'static str> {
    Ok(Date {
        year: u16::try_from(at.year())
            .ok()
            .filter(|year| *year <= 9999)
            .ok_or(NO_DAY)?,
        // A month has no more than 12, a day no more than 31.
        month: at.month() as u8,
        day: at.day() as u8,
    })
}

fn date_time(at: NaiveDateTime) -> std::result::Result<DateTime, &'static str> {
    Ok(DateTime {
        date: date(at)?,
        time: Time {
            negative: false,
            hours: at.hour(),
            minutes: at.minute() as u8,
            seconds: at.second() as u8,
            micros: at.nanosecond() % 1_000_000_000 / 1000,
        },
    })
}

fn time(micros: i64) -> std::result::Result<Time, &'static str> {
    let (seconds, rest) = (
        micros.unsigned_abs() / SECOND,
        micros.unsigned_abs() % SECOND,
    );
    let hours = u32::try_from(seconds / 3600)
        .ok()
        .filter(|hours| *hours <= 838);
    Ok(Time {
        negative: micros < 0,
        hours: hours.ok_or("it is no time from -838:59:59 to 838:59:59")?,
        minutes: (seconds / 60 % 60) as u8,
        seconds: (seconds % 60) as u8,
        micros: rest as u32,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use arrow::array::{
        Date32Array, Decimal128Array, Int16Array, StringViewArray, TimestampNanosecondArray,
    };

    use super::*;

    #[test]
    fn every_row_has_a_value_for_each_column() {
        let batch = RecordBatch::try_from_iter([
            (
                "0",
                Arc::new(Int16Array::from(vec![Some(1), None])) as ArrayRef,
            ),
            (
                "1",
                Arc::new(StringViewArray::from(vec!["it's", ""])) as ArrayRef,
            ),
            (
                "2",
                Arc::new(Date32Array::from(vec![0, 19_782])) as ArrayRef,
            ),
            (
                "3",
                Arc::new(TimestampNanosecondArray::from(vec![1_500, 0]).with_timezone("+02:00"))
                    as ArrayRef,
            ),
            (
                "4",
                Arc::new(
                    Decimal128Array::from(vec![-1250, 5])
                        .with_precision_and_scale(10, 2)
                        .unwrap(),
                ) as ArrayRef,
            ),
        ])
        .unwrap();
        let rows = rows(&batch).unwrap();
        let day = |year, month, day| Date { year, month, day };
        assert!(rows[0][0] == Value::Int(1) && rows[1][0] == Value::Null);
        assert!(rows[0][1] == Value::Text("it's".to_owned()));
        assert!(rows[0][2] == Value::Date(day(1970, 1, 1)));
        assert!(rows[1][2] == Value::Date(day(2024, 2, 29)));
        let Value::DateTime(at) = &rows[0][3] else {
            unreachable!()
        };
        assert_eq!(
            (at.date, at.time.hours, at.time.micros),
            (day(1970, 1, 1), 0, 1)
        );
        assert!(rows[0][4] == Value::Decimal("-12.50".to_owned()));
    }

    #[test]
    fn what_sql_has_not_is_refused_with_its_place() {
        let far = Date32Array::from(vec![100_000_000]);
        let batch = RecordBatch::try_from_iter([("x", Arc::new(far) as ArrayRef)]).unwrap();
        let error = rows(&batch).err().unwrap();
        assert_eq!(error.reason(), Reason::ValueInvalid);
        assert!(error.message().contains("parameter 1"), "{error}");
    }
}
