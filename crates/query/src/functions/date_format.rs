//! DATE_FORMAT with MySQL's `%` codes (reference: MySQL 8.4 manual, "DATE_FORMAT").

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::common::Result;

use super::calendar::year_and_week;
use super::{Function, dates};
use crate::temporal::{Civil, SECOND_US};

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

pub(super) fn function() -> Function {
    Function::new("mysql_date_format", coerce, |_| Ok(DataType::Utf8), run)
}

fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
    super::arguments("DATE_FORMAT", types, 2, 2)?;
    Ok(vec![dates::temporal(&types[0])?, DataType::Utf8])
}

fn run(args: &[ArrayRef], _: &DataType) -> Result<ArrayRef> {
    let micros = dates::micros(&args[0])?;
    let texts: StringArray = micros
        .as_primitive::<TimestampMicrosecondType>()
        .iter()
        .zip(args[1].as_string::<i32>())
        .map(|pair| Some(format(&Civil::from_micros(pair.0?), pair.1?)))
        .collect();
    Ok(Arc::new(texts))
}

/// `civil` by MySQL's codes; an unknown code stands for its letter.
fn format(civil: &Civil, codes: &str) -> String {
    let mut text = String::with_capacity(codes.len() + 8);
    let mut chars = codes.chars();
    while let Some(char) = chars.next() {
        match (char, if char == '%' { chars.next() } else { None }) {
            ('%', Some(code)) => push(&mut text, civil, code),
            (char, _) => text.push(char),
        }
    }
    text
}

fn push(text: &mut String, civil: &Civil, code: char) {
    let seconds = civil.time_us / SECOND_US;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let hour12 = (hour + 11) % 12 + 1;
    let half = if hour < 12 { "AM" } else { "PM" };
    let month = MONTHS[(civil.month as usize).clamp(1, 12) - 1];
    let weekday = DAYS[civil.weekday() as usize % 7];
    // Writing to a String cannot fail.
    let _ = match code {
        'Y' => write!(text, "{:04}", civil.year),
        'y' => write!(text, "{:02}", civil.year.rem_euclid(100)),
        'm' => write!(text, "{:02}", civil.month),
        'c' => write!(text, "{}", civil.month),
        'M' => write!(text, "{month}"),
        'b' => write!(text, "{}", &month[..3]),
        'd' => write!(text, "{:02}", civil.day),
        'e' => write!(text, "{}", civil.day),
        'D' => write!(text, "{}{}", civil.day, ordinal(civil.day)),
        'j' => write!(text, "{:03}", civil.day_of_year()),
        'W' => write!(text, "{weekday}"),
        'a' => write!(text, "{}", &weekday[..3]),
        'w' => write!(text, "{}", civil.weekday()),
        'H' => write!(text, "{hour:02}"),
        'k' => write!(text, "{hour}"),
        'h' | 'I' => write!(text, "{hour12:02}"),
        'l' => write!(text, "{hour12}"),
        'i' => write!(text, "{minute:02}"),
        's' | 'S' => write!(text, "{second:02}"),
        'f' => write!(text, "{:06}", civil.time_us % SECOND_US),
        'p' => write!(text, "{half}"),
        'T' => write!(text, "{hour:02}:{minute:02}:{second:02}"),
        'r' => write!(text, "{hour12:02}:{minute:02}:{second:02} {half}"),
        'U' => write!(text, "{:02}", year_and_week(civil, 0).1),
        'u' => write!(text, "{:02}", year_and_week(civil, 1).1),
        'V' => write!(text, "{:02}", year_and_week(civil, 2).1),
        'v' => write!(text, "{:02}", year_and_week(civil, 3).1),
        'X' => write!(text, "{:04}", year_and_week(civil, 2).0),
        'x' => write!(text, "{:04}", year_and_week(civil, 3).0),
        other => write!(text, "{other}"),
    };
}

fn ordinal(day: u32) -> &'static str {
    match (day, day % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    }
}

#[cfg(test)]
mod tests {
    use super::format;
    use crate::temporal::parse_datetime;

    #[test]
    fn codes() {
        for (text, codes, wanted) in [
            (
                "2024-02-03 04:05:06.000007",
                "%Y-%m-%d %H:%i:%s.%f",
                "2024-02-03 04:05:06.000007",
            ),
            ("2009-10-04 22:23:00", "%W %M %Y", "Sunday October 2009"),
            ("2007-10-04 22:23:00", "%H:%i:%s", "22:23:00"),
            (
                "1900-10-04 22:23:00",
                "%D %y %a %d %m %b %j",
                "4th 00 Thu 04 10 Oct 277",
            ),
            (
                "1997-10-04 22:23:00",
                "%H %k %I %r %T %S %w",
                "22 22 10 10:23:00 PM 22:23:00 00 6",
            ),
            ("1999-01-01", "%x %v %X %V", "1998 53 1998 52"),
            ("2024-01-01", "%u %U %p%%", "01 00 AM%"),
            ("2024-01-01", "%q%", "q%"),
        ] {
            let civil = parse_datetime(text).map(|(civil, _)| civil);
            assert_eq!(
                civil.map(|civil| format(&civil, codes)).as_deref(),
                Some(wanted),
                "{text} {codes}"
            );
        }
    }
}
