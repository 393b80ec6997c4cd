//! Text as a date and time, differences and month ends.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, exec_err, plan_err};

use super::{Function, convert, is_text, plain_type};
use crate::temporal::{Civil, DAY_US, month_days};

const DATETIME: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

pub(super) fn functions() -> Vec<Function> {
    vec![
        Function::new(
            "mysql_datetime",
            coerce_one,
            |t| {
                Ok(if t[0].is_temporal() {
                    t[0].clone()
                } else {
                    DATETIME
                })
            },
            |a, _| datetime(&a[0]),
        )
        .simplified(|a, t| t.first()?.is_temporal().then(|| a.first().cloned())?),
        Function::new(
            "mysql_last_day",
            coerce_one,
            |_| Ok(DataType::Date32),
            |a, _| last_day(&a[0]),
        ),
        Function::new(
            "mysql_microseconds_between",
            coerce_two,
            |_| Ok(DataType::Int64),
            |a, _| between(a, |from, to| to.saturating_sub(from)),
        ),
        Function::new(
            "mysql_months_between",
            coerce_two,
            |_| Ok(DataType::Int64),
            |a, _| between(a, whole_months),
        ),
        Function::new(
            "mysql_days_between",
            coerce_two,
            |_| Ok(DataType::Int64),
            |a, _| {
                between(a, |from, to| {
                    to.div_euclid(DAY_US) - from.div_euclid(DAY_US)
                })
            },
        ),
    ]
}

pub(super) fn temporal(data_type: &DataType) -> Result<DataType> {
    Ok(match plain_type(data_type) {
        text if is_text(text) => DataType::Utf8,
        DataType::Null => DATETIME,
        temporal if temporal.is_temporal() => temporal.clone(),
        // Its digits are a date.
        number if number.is_numeric() => number.clone(),
        other => {
            return plan_err!(
                "a date or time is wanted, not {}",
                crate::types::sql_type(other)
            );
        }
    })
}

fn coerce_one(types: &[DataType]) -> Result<Vec<DataType>> {
    super::arguments("the function", types, 1, 1)?;
    Ok(vec![temporal(&types[0])?])
}

fn coerce_two(types: &[DataType]) -> Result<Vec<DataType>> {
    super::arguments("the function", types, 2, 2)?;
    Ok(vec![temporal(&types[0])?, temporal(&types[1])?])
}

/// Text that is no date is NULL, as in MySQL, which also warns.
fn datetime(array: &ArrayRef) -> Result<ArrayRef> {
    if array.data_type().is_temporal() {
        return Ok(Arc::clone(array));
    }
    convert::moments(array)
}

/// Any date or time as microseconds since 1970 without a zone.
pub(super) fn micros(array: &ArrayRef) -> Result<ArrayRef> {
    let values = datetime(array)?;
    match values.data_type() {
        DataType::Timestamp(_, Some(_)) => {
            let utc = cast(
                &values,
                &DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
            )?;
            Ok(Arc::new(
                utc.as_primitive::<TimestampMicrosecondType>()
                    .clone()
                    .with_timezone_opt(None::<Arc<str>>),
            ))
        }
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => {
            Ok(cast(&values, &DATETIME)?)
        }
        other => exec_err!("a date is wanted, not {}", crate::types::sql_type(other)),
    }
}

fn last_day(array: &ArrayRef) -> Result<ArrayRef> {
    let micros = micros(array)?;
    let days: Date32Array = micros
        .as_primitive::<TimestampMicrosecondType>()
        .iter()
        .map(|micros| {
            micros.map(|micros| {
                let civil = Civil::from_micros(micros);
                Civil {
                    day: month_days(civil.year, civil.month),
                    ..civil
                }
                .days() as i32
            })
        })
        .collect();
    Ok(Arc::new(days))
}

fn between(args: &[ArrayRef], count: fn(i64, i64) -> i64) -> Result<ArrayRef> {
    let (from, to) = (micros(&args[0])?, micros(&args[1])?);
    let (from, to) = (
        from.as_primitive::<TimestampMicrosecondType>(),
        to.as_primitive::<TimestampMicrosecondType>(),
    );
    let counts: arrow::array::PrimitiveArray<Int64Type> = from
        .iter()
        .zip(to)
        .map(|pair| Some(count(pair.0?, pair.1?)))
        .collect();
    debug_assert_eq!(counts.len(), from.len());
    Ok(Arc::new(counts))
}

fn whole_months(from: i64, to: i64) -> i64 {
    if from > to {
        return -whole_months(to, from);
    }
    let (from, to) = (Civil::from_micros(from), Civil::from_micros(to));
    let months = (to.year - from.year) * 12 + i64::from(to.month) - i64::from(from.month);
    months - i64::from((to.day, to.time_us) < (from.day, from.time_us))
}
