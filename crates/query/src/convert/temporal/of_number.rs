//! Numbers as dates and times, `20240229` or `123456`, as MySQL reads them
//! (MySQL 8.4 manual, "Date and Time Literals", "Numeric Literals in Date and Time Context").

use super::{Civil, SECOND_US, month_days};

/// Ten to the sixth, between the date and the time of `YYYYMMDDhhmmss`.
const TIME_DIGITS: i64 = 1_000_000;

/// `YYYYMMDD`, `YYMMDD`, `YYYYMMDDhhmmss` or `YYMMDDhhmmss` as a date, and whether it had a time.
/// Years of two digits are 1970 to 2069.
pub(crate) fn moment_of_number(number: i64) -> Option<(Civil, bool)> {
    let (date, time, had_time) = match number {
        101..=691_231 => (number + 20_000_000, 0, false),
        700_101..=991_231 => (number + 19_000_000, 0, false),
        10_000_101..=99_991_231 => (number, 0, false),
        101_000_000..=691_231_235_959 => (
            number / TIME_DIGITS + 20_000_000,
            number % TIME_DIGITS,
            true,
        ),
        700_101_000_000..=991_231_235_959 => (
            number / TIME_DIGITS + 19_000_000,
            number % TIME_DIGITS,
            true,
        ),
        10_000_101_000_000..=99_991_231_235_959 => {
            (number / TIME_DIGITS, number % TIME_DIGITS, true)
        }
        _ => return None,
    };
    let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
    let (hour, minute, second) = (time / 10_000, time / 100 % 100, time % 100);
    let (month, day) = (u32::try_from(month).ok()?, u32::try_from(day).ok()?);
    let valid = (1..=12).contains(&month)
        && (1..=month_days(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    valid.then_some((
        Civil {
            year,
            month,
            day,
            time_us: (hour * 3600 + minute * 60 + second) * SECOND_US,
        },
        had_time,
    ))
}

/// `hhmmss` with a fraction as microseconds, or the time of a number that is a date and time.
pub(crate) fn time_of_number(number: f64) -> Option<i64> {
    if !number.is_finite() || number.abs() >= 1e14 {
        return None;
    }
    let micros = (number.abs().fract() * SECOND_US as f64).round() as i64;
    let whole = number.abs().trunc() as i64;
    if whole > 8_385_959 {
        return moment_of_number(whole).map(|(civil, _)| civil.time_us + micros);
    }
    let (hour, minute, second) = (whole / 10_000, whole / 100 % 100, whole % 100);
    let sign = if number < 0.0 { -1 } else { 1 };
    (minute < 60 && second < 60)
        .then_some(sign * ((hour * 3600 + minute * 60 + second) * SECOND_US + micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_numbers() {
        let text = |number| {
            moment_of_number(number).map(|(civil, time)| {
                if time {
                    civil.datetime_text()
                } else {
                    civil.date_text()
                }
            })
        };
        for (number, wanted) in [
            (20_240_229, Some("2024-02-29")),
            (20_230_229, None),
            (240_229, Some("2024-02-29")),
            (700_101, Some("1970-01-01")),
            (691_231, Some("2069-12-31")),
            (20_240_229_123_456, Some("2024-02-29 12:34:56")),
            (240_229_123_456, Some("2024-02-29 12:34:56")),
            (20_240_229_243_456, None),
            (0, None),
            (5, None),
            (-20_240_229, None),
            (i64::MAX, None),
        ] {
            assert_eq!(text(number).as_deref(), wanted, "{number}");
        }
    }

    #[test]
    fn times_of_numbers() {
        for (number, wanted) in [
            (123_456.0, Some(45_296 * SECOND_US)),
            (5.5, Some(5_500_000)),
            (-100.0, Some(-60 * SECOND_US)),
            (70.0, None),
            (20_240_229_123_456.0, Some(45_296 * SECOND_US)),
            (f64::NAN, None),
        ] {
            assert_eq!(time_of_number(number), wanted, "{number}");
        }
    }
}
