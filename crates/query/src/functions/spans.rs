//! Spans of time: intervals of several units, parts of several units, sums and differences of times, TIME_FORMAT
//! (MySQL 8.4 manual, "Date and Time Functions", "Temporal Intervals").

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Time64MicrosecondArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, exec_err};

use super::rowwise::{Args, Cell, Gives, Kind, RowFunction};
use super::{Function, convert, dates, plain_type, time_of_text};
use crate::temporal::{Civil, SECOND_US, TIME_US_MAX, parse_datetime};

const MOMENT: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

pub(super) fn functions() -> Vec<Function> {
    vec![
        Function::new("mysql_addtime", added_types, added_type, |a, _| added(a, 1)),
        Function::new("mysql_subtime", added_types, added_type, |a, _| {
            added(a, -1)
        }),
        Function::new(
            "mysql_timestamp",
            timestamp_types,
            timestamp_type,
            |a, to| Ok(arrow::compute::cast(&dates::micros(&a[0])?, to)?),
        ),
    ]
}

pub(super) fn by_row() -> Vec<RowFunction> {
    vec![
        RowFunction::new(
            "mysql_interval_count",
            &[Kind::Text, Kind::Text],
            Gives::Integer,
            |a, r| {
                let (Some(text), Some(unit)) = (a.text(0, r), a.text(1, r)) else {
                    return Ok(None);
                };
                Ok(interval_count(text, unit)?.map(Cell::Integer))
            },
        ),
        RowFunction::new("mysql_interval", &[Kind::Double], Gives::Integer, place)
            .any_number()
            .with_nulls(),
        RowFunction::new(
            "mysql_extract_moment",
            &[Kind::Moment, Kind::Text],
            Gives::Integer,
            |a, r| {
                let (Some(micros), Some(unit)) = (a.moment(0, r), a.text(1, r)) else {
                    return Ok(None);
                };
                let civil = Civil::from_micros(micros);
                extracted(i64::from(civil.day), civil.time_us, unit)
            },
        ),
        RowFunction::new(
            "mysql_extract_clock",
            &[Kind::Clock, Kind::Text],
            Gives::Integer,
            |a, r| {
                let (Some(micros), Some(unit)) = (a.clock(0, r), a.text(1, r)) else {
                    return Ok(None);
                };
                extracted(0, micros, unit)
            },
        ),
        RowFunction::new(
            "mysql_time_format",
            &[Kind::Clock, Kind::Text],
            Gives::Text,
            |a, r| {
                let (Some(micros), Some(codes)) = (a.clock(0, r), a.text(1, r)) else {
                    return Ok(None);
                };
                Ok(time_format(micros, codes).map(Cell::Text))
            },
        ),
        RowFunction::new(
            "mysql_timediff",
            &[Kind::Text, Kind::Text],
            Gives::Clock,
            |a, r| {
                let (Some(left), Some(right)) = (a.text(0, r), a.text(1, r)) else {
                    return Ok(None);
                };
                Ok(difference(left, right).map(Cell::Clock))
            },
        ),
    ]
}

/// The first argument of ADDTIME and SUBTIME: a time stays one, all else is a date and time.
fn added_types(types: &[DataType]) -> Result<Vec<DataType>> {
    super::arguments("ADDTIME and SUBTIME", types, 2, 2)?;
    for (data_type, kind) in types.iter().zip([Kind::Moment, Kind::Clock]) {
        convert::accepts("mysql_addtime", plain_type(data_type), kind)?;
    }
    Ok(types.iter().map(convert::plainest).collect())
}

fn added_type(types: &[DataType]) -> Result<DataType> {
    Ok(match types[0] {
        DataType::Time32(_) | DataType::Time64(_) => convert::CLOCK,
        _ => MOMENT,
    })
}

fn added(args: &[ArrayRef], sign: i64) -> Result<ArrayRef> {
    let spans = convert::clocks(&args[1])?;
    let spans = spans.as_primitive::<Time64MicrosecondType>().iter();
    if let DataType::Time32(_) | DataType::Time64(_) = args[0].data_type() {
        let times = convert::clocks(&args[0])?;
        let sums: Time64MicrosecondArray = times
            .as_primitive::<Time64MicrosecondType>()
            .iter()
            .zip(spans)
            .map(|(time, span)| Some(within(time?.saturating_add(sign * span?))))
            .collect();
        return Ok(Arc::new(sums));
    }
    let moments = convert::moments(&args[0])?;
    let sums: TimestampMicrosecondArray = moments
        .as_primitive::<TimestampMicrosecondType>()
        .iter()
        .zip(spans)
        .map(|(moment, span)| Some(moment?.saturating_add(sign * span?)))
        .collect();
    Ok(Arc::new(sums))
}

fn timestamp_types(types: &[DataType]) -> Result<Vec<DataType>> {
    super::arguments("TIMESTAMP", types, 1, 1)?;
    convert::accepts("mysql_timestamp", plain_type(&types[0]), Kind::Moment)?;
    Ok(vec![dates::temporal(&types[0])?])
}

/// A date is its midnight.
fn timestamp_type(types: &[DataType]) -> Result<DataType> {
    Ok(match &types[0] {
        DataType::Date32 | DataType::Date64 => DataType::Timestamp(TimeUnit::Second, None),
        DataType::Timestamp(unit, _) => DataType::Timestamp(*unit, None),
        _ => MOMENT,
    })
}

/// A span within MySQL's bounds.
fn within(micros: i64) -> i64 {
    micros.clamp(-TIME_US_MAX, TIME_US_MAX)
}

/// The months, seconds or microseconds of an interval of several units; NULL if it has more numbers than units.
fn interval_count(text: &str, unit: &str) -> Result<Option<i64>> {
    // What one of each number counts, from the left.
    let (sizes, fraction): (&[i64], bool) = match unit {
        "YEAR_MONTH" => (&[12, 1], false),
        "DAY_HOUR" => (&[86_400, 3600], false),
        "DAY_MINUTE" => (&[86_400, 3600, 60], false),
        "DAY_SECOND" => (&[86_400, 3600, 60, 1], false),
        "DAY_MICROSECOND" => (
            &[
                86_400 * SECOND_US,
                3600 * SECOND_US,
                60 * SECOND_US,
                SECOND_US,
                1,
            ],
            true,
        ),
        "HOUR_MINUTE" => (&[3600, 60], false),
        "HOUR_SECOND" => (&[3600, 60, 1], false),
        "HOUR_MICROSECOND" => (&[3600 * SECOND_US, 60 * SECOND_US, SECOND_US, 1], true),
        "MINUTE_SECOND" => (&[60, 1], false),
        "MINUTE_MICROSECOND" => (&[60 * SECOND_US, SECOND_US, 1], true),
        "SECOND_MICROSECOND" => (&[SECOND_US, 1], true),
        other => return exec_err!("{other} is no unit of an INTERVAL"),
    };
    let text = text.trim_start();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let numbers: Vec<&str> = text
        .split(|char: char| !char.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .collect();
    if numbers.len() > sizes.len() {
        return Ok(None);
    }
    let mut count: i64 = 0;
    // Where there are fewer numbers than units, the first units are missing.
    for (index, (digits, size)) in numbers.iter().rev().zip(sizes.iter().rev()).enumerate() {
        let number = match fraction && index == 0 {
            // A fraction of a second: .5 is half of one.
            true => format!("{digits:0<6}").parse::<i64>(),
            false => digits.parse::<i64>(),
        };
        let part = number.ok().and_then(|number| number.checked_mul(*size));
        match part.and_then(|part| count.checked_add(part)) {
            Some(sum) => count = sum,
            None => return exec_err!("the INTERVAL '{text}' {unit} is too long"),
        }
    }
    Ok(Some(if negative { -count } else { count }))
}

/// INTERVAL(n, a, b, …): how many of the ascending numbers are not above the first; -1 of NULL.
fn place(args: &Args, row: usize) -> Result<Option<Cell>> {
    let Some(number) = args.double(0, row) else {
        return Ok(Some(Cell::Integer(-1)));
    };
    let place = (1..args.count())
        .take_while(|index| args.double(*index, row).is_none_or(|bound| bound <= number))
        .count();
    Ok(Some(Cell::Integer(
        i64::try_from(place).unwrap_or(i64::MAX),
    )))
}

/// The digits of EXTRACT's units of several: `DAY_MINUTE` of the 2nd, 3:04 is 20304.
fn extracted(day: i64, micros: i64, unit: &str) -> Result<Option<Cell>> {
    let whole = micros.abs() / SECOND_US;
    let (hour, minute, second) = (whole / 3600, whole / 60 % 60, whole % 60);
    let fraction = micros.abs() % SECOND_US;
    let number = match unit {
        "day_hour" => day * 100 + hour,
        "day_minute" => (day * 100 + hour) * 100 + minute,
        "day_second" => ((day * 100 + hour) * 100 + minute) * 100 + second,
        "day_microsecond" => {
            (((day * 100 + hour) * 100 + minute) * 100 + second) * SECOND_US + fraction
        }
        "hour_minute" => hour * 100 + minute,
        "hour_second" => (hour * 100 + minute) * 100 + second,
        "hour_microsecond" => ((hour * 100 + minute) * 100 + second) * SECOND_US + fraction,
        "minute_second" => minute * 100 + second,
        "minute_microsecond" => (minute * 100 + second) * SECOND_US + fraction,
        "second_microsecond" => second * SECOND_US + fraction,
        other => return exec_err!("EXTRACT({} …) is not supported", other.to_uppercase()),
    };
    Ok(Some(Cell::Integer(if micros < 0 {
        -number
    } else {
        number
    })))
}

/// TIME_FORMAT: the hours of a span may be more than a day has, codes of months and weekdays make it NULL.
fn time_format(micros: i64, codes: &str) -> Option<String> {
    let whole = micros.abs() / SECOND_US;
    let (hour, minute, second) = (whole / 3600, whole / 60 % 60, whole % 60);
    let of_day = hour % 24;
    let hour12 = (of_day + 11) % 12 + 1;
    let half = if of_day < 12 { "AM" } else { "PM" };
    let mut text = String::with_capacity(codes.len() + 8);
    if micros < 0 {
        text.push('-');
    }
    let mut chars = codes.chars();
    while let Some(char) = chars.next() {
        let code = match char {
            '%' => match chars.next() {
                Some(code) => code,
                None => {
                    text.push('%');
                    break;
                }
            },
            char => {
                text.push(char);
                continue;
            }
        };
        // Writing to a String cannot fail.
        let _ = match code {
            'H' => write!(text, "{hour:02}"),
            'k' => write!(text, "{hour}"),
            'h' | 'I' => write!(text, "{hour12:02}"),
            'l' => write!(text, "{hour12}"),
            'i' => write!(text, "{minute:02}"),
            's' | 'S' => write!(text, "{second:02}"),
            'f' => write!(text, "{:06}", micros.abs() % SECOND_US),
            'p' => write!(text, "{half}"),
            'T' => write!(text, "{hour:02}:{minute:02}:{second:02}"),
            'r' => write!(text, "{hour12:02}:{minute:02}:{second:02} {half}"),
            'Y' => write!(text, "0000"),
            'y' | 'm' | 'd' => write!(text, "00"),
            'c' | 'e' => write!(text, "0"),
            'a' | 'b' | 'D' | 'j' | 'M' | 'U' | 'u' | 'V' | 'v' | 'W' | 'w' | 'X' | 'x' => {
                return None;
            }
            other => write!(text, "{other}"),
        };
    }
    Some(text)
}

/// TIMEDIFF: between two times, or two dates and times; of one of each it is NULL.
fn difference(left: &str, right: &str) -> Option<i64> {
    let moment = |text: &str| {
        let has_date = text.trim().trim_start_matches('-').contains(['-', '/']);
        has_date.then(|| parse_datetime(text)).flatten()
    };
    match (moment(left), moment(right)) {
        (Some((left, _)), Some((right, _))) => {
            Some(within(left.micros().saturating_sub(right.micros())))
        }
        (None, None) => Some(within(
            time_of_text(left)?.saturating_sub(time_of_text(right)?),
        )),
        (Some(_), None) | (None, Some(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{difference, interval_count, time_format};

    /// By MySQL's manual.
    #[test]
    fn intervals_of_several_units() {
        for (text, unit, wanted) in [
            ("1:30", "HOUR_MINUTE", Some(5400)),
            ("30", "HOUR_MINUTE", Some(1800)),
            ("-1 10", "DAY_HOUR", Some(-122_400)),
            ("1 1:1:1", "DAY_SECOND", Some(90_061)),
            ("1-2", "YEAR_MONTH", Some(14)),
            ("1.5", "SECOND_MICROSECOND", Some(1_500_000)),
            ("1:2.000003", "MINUTE_MICROSECOND", Some(62_000_003)),
            ("1:2:3", "HOUR_MINUTE", None),
            ("", "HOUR_MINUTE", Some(0)),
        ] {
            assert_eq!(interval_count(text, unit).unwrap(), wanted, "{text} {unit}");
        }
        assert!(interval_count("99999999999999999999", "HOUR_MINUTE").is_err());
        assert!(interval_count("9223372036854775807:0", "HOUR_MINUTE").is_err());
    }

    #[test]
    fn times_are_printed_by_codes() {
        let hour = 3_600_000_000;
        for (micros, codes, wanted) in [
            (100 * hour, "%H %k %h %I %l", Some("100 100 04 04 4")),
            (-hour / 2, "%T", Some("-00:30:00")),
            (hour / 2, "%r%", Some("12:30:00 AM%")),
            (hour, "%W", None),
        ] {
            assert_eq!(time_format(micros, codes).as_deref(), wanted, "{codes}");
        }
    }

    #[test]
    fn differences_are_of_like_values() {
        let hour = 3_600_000_000;
        for (left, right, wanted) in [
            ("2:00:00", "01:00", Some(hour)),
            ("2024-01-01 01:00:00", "2024-01-02", Some(-23 * hour)),
            ("2024-01-01 01:00:00", "01:00:00", None),
            ("-01:00:00", "01:00:00", Some(-2 * hour)),
            ("x", "01:00:00", None),
            ("2024-01-01", "1024-01-01", Some(3_020_399_000_000)),
        ] {
            assert_eq!(difference(left, right), wanted, "{left} {right}");
        }
    }
}
