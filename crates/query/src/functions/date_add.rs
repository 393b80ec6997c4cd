//! A date or time plus a count of months, days, seconds or microseconds:
//! what DATE_ADD, DATE_SUB and `d + INTERVAL n unit` are rewritten to.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, StringArray, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Int64Type, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{Result, exec_err, plan_err};

use super::{Function, convert, is_text, plain_type};
use crate::temporal::{Civil, SECOND_US, TIME_US_MAX, parse_datetime};

/// Last and first year of MySQL's dates.
const YEARS: std::ops::RangeInclusive<i64> = 0..=9999;

pub(super) fn functions() -> Vec<Function> {
    vec![
        Function::new("mysql_add_months", coerce, same, |a, to| {
            add(a, to, |civil, n| civil.plus_months(n))
        }),
        Function::new("mysql_add_days", coerce, same, |a, to| {
            add(a, to, |civil, n| {
                let days = civil
                    .days()
                    .checked_add(n)
                    .filter(|days| days.abs() < 4_000_000)?;
                Some(Civil {
                    time_us: civil.time_us,
                    ..Civil::from_days(days)
                })
            })
        }),
        Function::new(
            "mysql_add_seconds",
            coerce_span,
            |t| at_least(t, TimeUnit::Second),
            |a, to| {
                if to == &convert::CLOCK {
                    return add_span(a, SECOND_US);
                }
                add(a, to, |civil, n| {
                    Some(Civil::from_micros(
                        civil.micros().checked_add(n.checked_mul(SECOND_US)?)?,
                    ))
                })
            },
        ),
        Function::new(
            "mysql_add_micros",
            coerce_span,
            |t| at_least(t, TimeUnit::Microsecond),
            |a, to| {
                if to == &convert::CLOCK {
                    return add_span(a, 1);
                }
                add(a, to, |civil, n| {
                    Some(Civil::from_micros(civil.micros().checked_add(n)?))
                })
            },
        ),
    ]
}

fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
    super::arguments("DATE_ADD", types, 2, 2)?;
    let value = match plain_type(&types[0]) {
        text if is_text(text) => DataType::Utf8,
        DataType::Null => DataType::Date32,
        DataType::Date64 => DataType::Timestamp(TimeUnit::Millisecond, None),
        temporal @ (DataType::Date32 | DataType::Timestamp(..)) => temporal.clone(),
        other => {
            return plan_err!(
                "an INTERVAL can be added to dates and times, not to {}",
                crate::types::sql_type(other)
            );
        }
    };
    Ok(vec![value, DataType::Int64])
}

/// Hours, minutes and seconds can be added to a time without a date, too.
fn coerce_span(types: &[DataType]) -> Result<Vec<DataType>> {
    match types.first().map(plain_type) {
        Some(DataType::Time32(_) | DataType::Time64(_)) if types.len() == 2 => {
            Ok(vec![convert::CLOCK, DataType::Int64])
        }
        _ => coerce(types),
    }
}

/// A time plus so many units of microseconds.
fn add_span(args: &[ArrayRef], unit_us: i64) -> Result<ArrayRef> {
    let spans = args[0].as_primitive::<Time64MicrosecondType>();
    let counts = args[1].as_primitive::<Int64Type>();
    let mut sums = Vec::with_capacity(spans.len());
    for (span, count) in spans.iter().zip(counts) {
        let (Some(span), Some(count)) = (span, count) else {
            sums.push(None);
            continue;
        };
        let sum = count
            .checked_mul(unit_us)
            .and_then(|added| span.checked_add(added))
            .filter(|sum| sum.abs() <= TIME_US_MAX);
        match sum {
            Some(sum) => sums.push(Some(sum)),
            None => {
                return exec_err!(
                    "the sum of a time and an interval is outside -838:59:59 to 838:59:59"
                );
            }
        }
    }
    Ok(Arc::new(Time64MicrosecondArray::from(sums)))
}

fn same(types: &[DataType]) -> Result<DataType> {
    Ok(types[0].clone())
}

/// A date becomes a date and time; a time becomes as fine as `unit`.
fn at_least(types: &[DataType], unit: TimeUnit) -> Result<DataType> {
    Ok(match &types[0] {
        DataType::Date32 => DataType::Timestamp(unit, None),
        DataType::Timestamp(TimeUnit::Second | TimeUnit::Millisecond, zone)
            if unit == TimeUnit::Microsecond =>
        {
            DataType::Timestamp(unit, zone.clone())
        }
        other => other.clone(),
    })
}

fn add(
    args: &[ArrayRef],
    to: &DataType,
    plus: impl Fn(Civil, i64) -> Option<Civil>,
) -> Result<ArrayRef> {
    let counts = args[1].as_primitive::<Int64Type>();
    // MySQL answers NULL, with a warning, for a sum outside its years.
    let within =
        |civil: Civil, count: i64| plus(civil, count).filter(|sum| YEARS.contains(&sum.year));
    if let DataType::Utf8 = args[0].data_type() {
        let mut texts: Vec<Option<String>> = Vec::with_capacity(counts.len());
        for (text, count) in args[0].as_string::<i32>().iter().zip(counts) {
            // MySQL answers NULL, with a warning, for text that is no date.
            texts.push(match (text.and_then(parse_datetime), count) {
                (Some((civil, had_time)), Some(count)) => within(civil, count).map(|sum| {
                    if had_time || sum.time_us != 0 {
                        sum.datetime_text()
                    } else {
                        sum.date_text()
                    }
                }),
                _ => None,
            });
        }
        return Ok(Arc::new(StringArray::from(texts)));
    }
    let zone = match args[0].data_type() {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    let values = cast(
        &args[0],
        &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
    )?;
    let mut sums = Vec::with_capacity(values.len());
    for (value, count) in values
        .as_primitive::<TimestampMicrosecondType>()
        .iter()
        .zip(counts)
    {
        sums.push(match (value, count) {
            (Some(value), Some(count)) => {
                within(Civil::from_micros(value), count).map(|sum| sum.micros())
            }
            _ => None,
        });
    }
    Ok(cast(
        &TimestampMicrosecondArray::from(sums).with_timezone_opt(zone),
        to,
    )?)
}
