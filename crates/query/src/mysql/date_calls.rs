//! Calls on dates: their parts, intervals, differences, and UNIX times in the session's zone.

use datafusion::sql::sqlparser::ast::{BinaryOperator, DateTimeField, Expr, Interval};

use super::build::{binary, call, number, string, take};
use super::intervals::add_interval;
use super::session::SessionValues;
use crate::error::Error;

/// A part of a date or of text that is one.
pub(super) fn date_part(part: &str, value: Expr) -> Expr {
    call(
        "date_part",
        vec![string(part), call("mysql_datetime", vec![value])],
    )
}

/// `EXTRACT(field FROM value)`.
pub(super) fn extract(field: &str, value: Expr) -> Result<Expr, Error> {
    Ok(match field {
        "hour" | "minute" | "second" | "microsecond" => {
            call(&format!("{}{field}", crate::functions::PREFIX), vec![value])
        }
        "week" => call("mysql_week", vec![value]),
        "year" | "quarter" | "month" | "day" => date_part(field, value),
        "year_month" => binary(
            binary(
                date_part("year", value.clone()),
                BinaryOperator::Multiply,
                number(100),
            ),
            BinaryOperator::Plus,
            date_part("month", value),
        ),
        "day_hour" | "day_minute" | "day_second" | "day_microsecond" => {
            call("mysql_extract_moment", vec![value, string(field)])
        }
        "hour_minute" | "hour_second" | "hour_microsecond" | "minute_second"
        | "minute_microsecond" | "second_microsecond" => {
            call("mysql_extract_clock", vec![value, string(field)])
        }
        other => {
            return Err(Error::unsupported(format!(
                "EXTRACT({} …) is not supported",
                other.to_uppercase()
            )));
        }
    })
}

pub(super) fn in_zone(seconds: Expr, values: &SessionValues) -> Expr {
    call(
        "mysql_from_unixtime",
        vec![seconds, number(values.zone_offset_seconds)],
    )
}

pub(super) fn dated(
    name: &str,
    value: &mut Expr,
    interval: &mut Expr,
    negative: bool,
) -> Result<Expr, Error> {
    let interval = match take(interval) {
        Expr::Interval(interval) => interval,
        days if matches!(name, "adddate" | "subdate") => Interval {
            value: Box::new(days),
            leading_field: Some(DateTimeField::Day),
            leading_precision: None,
            last_field: None,
            fractional_seconds_precision: None,
        },
        _ => {
            return Err(Error::invalid(format!(
                "{}() takes a date and an INTERVAL",
                name.to_uppercase()
            )));
        }
    };
    add_interval(take(value), interval, negative)
}

pub(super) fn difference(unit: &str, from: Expr, to: Expr) -> Result<Expr, Error> {
    let (name, size): (_, i64) = match unit.to_uppercase().as_str() {
        "YEAR" => ("mysql_months_between", 12),
        "QUARTER" => ("mysql_months_between", 3),
        "MONTH" => ("mysql_months_between", 1),
        "WEEK" => ("mysql_microseconds_between", 604_800_000_000),
        "DAY" => ("mysql_microseconds_between", 86_400_000_000),
        "HOUR" => ("mysql_microseconds_between", 3_600_000_000),
        "MINUTE" => ("mysql_microseconds_between", 60_000_000),
        "SECOND" => ("mysql_microseconds_between", 1_000_000),
        "MICROSECOND" => ("mysql_microseconds_between", 1),
        other => {
            return Err(Error::unsupported(format!(
                "TIMESTAMPDIFF({other}, …) is not supported"
            )));
        }
    };
    Ok(binary(
        call(name, vec![from, to]),
        BinaryOperator::MyIntegerDivide,
        number(size),
    ))
}
