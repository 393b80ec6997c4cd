//! Parts of dates and times, day numbers, weeks, and times as seconds
//! (MySQL 8.4 manual, "Date and Time Functions").

use datafusion::common::{Result, exec_err};

use super::rowwise::{Args, Cell, Gives, Kind, RowFunction};
use crate::temporal::{Civil, DAY_US, SECOND_US, TIME_US_MAX};

/// Days from year 0 to 1970-01-01, as MySQL counts them.
const DAYS_TO_1970: i64 = 719_528;
/// Months of all periods.
const PERIOD_MONTHS_MAX: i64 = 10_000 * 12;
/// The last day of year 9999.
const LAST_DAY: i64 = 2_932_896;

pub(super) fn functions() -> Vec<RowFunction> {
    const MOMENT: &[Kind] = &[Kind::Moment];
    const CLOCK: &[Kind] = &[Kind::Clock];
    vec![
        RowFunction::new("mysql_hour", CLOCK, Gives::Integer, |a, r| {
            clock_part(a, r, |micros| micros.abs() / SECOND_US / 3600)
        }),
        RowFunction::new("mysql_minute", CLOCK, Gives::Integer, |a, r| {
            clock_part(a, r, |micros| micros.abs() / SECOND_US / 60 % 60)
        }),
        RowFunction::new("mysql_second", CLOCK, Gives::Integer, |a, r| {
            clock_part(a, r, |micros| micros.abs() / SECOND_US % 60)
        }),
        RowFunction::new("mysql_microsecond", CLOCK, Gives::Integer, |a, r| {
            clock_part(a, r, |micros| micros.abs() % SECOND_US)
        }),
        RowFunction::new("mysql_time_to_sec", CLOCK, Gives::Integer, |a, r| {
            clock_part(a, r, |micros| micros / SECOND_US)
        }),
        RowFunction::new("mysql_time", CLOCK, Gives::Clock, |a, r| {
            Ok(a.clock(0, r).map(clock))
        }),
        RowFunction::new(
            "mysql_sec_to_time",
            &[Kind::Double],
            Gives::Clock,
            |a, r| {
                Ok(a.double(0, r)
                    .map(|seconds| clock((seconds * SECOND_US as f64).round() as i64)))
            },
        ),
        RowFunction::new(
            "mysql_maketime",
            &[Kind::Integer, Kind::Integer, Kind::Double],
            Gives::Clock,
            maketime,
        ),
        RowFunction::new("mysql_to_days", MOMENT, Gives::Integer, |a, r| {
            Ok(a.moment(0, r)
                .map(|micros| Cell::Integer(micros.div_euclid(DAY_US) + DAYS_TO_1970)))
        }),
        RowFunction::new("mysql_to_seconds", MOMENT, Gives::Integer, |a, r| {
            Ok(a.moment(0, r)
                .map(|micros| Cell::Integer(micros.div_euclid(SECOND_US) + DAYS_TO_1970 * 86_400)))
        }),
        RowFunction::new("mysql_from_days", &[Kind::Integer], Gives::Date, |a, r| {
            Ok(a.integer(0, r)
                .and_then(|days| date(days.checked_sub(DAYS_TO_1970)?)))
        }),
        RowFunction::new(
            "mysql_makedate",
            &[Kind::Integer, Kind::Integer],
            Gives::Date,
            makedate,
        ),
        RowFunction::new(
            "mysql_week",
            &[Kind::Moment, Kind::Integer],
            Gives::Integer,
            |a, r| {
                let mode = if a.count() < 2 {
                    Some(0)
                } else {
                    a.integer(1, r)
                };
                Ok(a.moment(0, r).zip(mode).map(|(micros, mode)| {
                    Cell::Integer(week(&Civil::from_micros(micros), Mode::of(mode)).1)
                }))
            },
        )
        .from(1),
        RowFunction::new(
            "mysql_yearweek",
            &[Kind::Moment, Kind::Integer],
            Gives::Integer,
            |a, r| {
                let mode = if a.count() < 2 {
                    Some(0)
                } else {
                    a.integer(1, r)
                };
                Ok(a.moment(0, r).zip(mode).map(|(micros, mode)| {
                    let mode = Mode {
                        whole_weeks: true,
                        ..Mode::of(mode)
                    };
                    let (year, week) = week(&Civil::from_micros(micros), mode);
                    Cell::Integer(year * 100 + week)
                }))
            },
        )
        .from(1),
        RowFunction::new(
            "mysql_period_add",
            &[Kind::Integer, Kind::Integer],
            Gives::Integer,
            |a, r| {
                let (Some(period), Some(months)) = (a.integer(0, r), a.integer(1, r)) else {
                    return Ok(None);
                };
                let sum = months_of(period)?.saturating_add(months);
                if !(0..PERIOD_MONTHS_MAX).contains(&sum) {
                    return exec_err!("the result of PERIOD_ADD() is outside the years 0 to 9999");
                }
                Ok(Some(Cell::Integer(
                    sum.div_euclid(12) * 100 + sum.rem_euclid(12) + 1,
                )))
            },
        ),
        RowFunction::new(
            "mysql_period_diff",
            &[Kind::Integer, Kind::Integer],
            Gives::Integer,
            |a, r| {
                let (Some(to), Some(from)) = (a.integer(0, r), a.integer(1, r)) else {
                    return Ok(None);
                };
                Ok(Some(Cell::Integer(months_of(to)? - months_of(from)?)))
            },
        ),
        RowFunction::new(
            "mysql_convert_tz",
            &[Kind::Moment, Kind::Text, Kind::Text],
            Gives::Moment,
            convert_tz,
        ),
    ]
}

fn clock_part(args: &Args, row: usize, part: fn(i64) -> i64) -> Result<Option<Cell>> {
    Ok(args.clock(0, row).map(|micros| Cell::Integer(part(micros))))
}

/// A span of time; beyond MySQL's bounds it is those.
fn clock(micros: i64) -> Cell {
    Cell::Clock(micros.clamp(-TIME_US_MAX, TIME_US_MAX))
}

fn date(days: i64) -> Option<Cell> {
    (-DAYS_TO_1970..=LAST_DAY)
        .contains(&days)
        .then(|| i32::try_from(days).ok().map(Cell::Date))
        .flatten()
}

fn maketime(args: &Args, row: usize) -> Result<Option<Cell>> {
    let (Some(hour), Some(minute), Some(second)) = (
        args.integer(0, row),
        args.integer(1, row),
        args.double(2, row),
    ) else {
        return Ok(None);
    };
    if !(0..60).contains(&minute) || !(0.0..60.0).contains(&second) {
        return Ok(None);
    }
    let hour = hour.clamp(-1_000, 1_000);
    let within = minute * 60 * SECOND_US + (second * SECOND_US as f64).round() as i64;
    let whole = hour * 3600 * SECOND_US;
    Ok(Some(clock(if hour < 0 {
        whole - within
    } else {
        whole + within
    })))
}

/// MAKEDATE: a day of a year; a day under 1 is NULL.
fn makedate(args: &Args, row: usize) -> Result<Option<Cell>> {
    let (Some(year), Some(day)) = (args.integer(0, row), args.integer(1, row)) else {
        return Ok(None);
    };
    if day < 1 || !(0..=9999).contains(&year) {
        return Ok(None);
    }
    let year = match year {
        0..=69 => year + 2000,
        70..=99 => year + 1900,
        year => year,
    };
    let first = Civil {
        year,
        month: 1,
        day: 1,
        time_us: 0,
    };
    Ok(first.days().checked_add(day - 1).and_then(date))
}

/// How weeks are counted: MySQL's modes 0 to 7.
#[derive(Debug, Clone, Copy)]
struct Mode {
    monday_first: bool,
    /// 1 to 53, a week before the first belongs to the year before; else it is week 0.
    whole_weeks: bool,
    /// Week 1 has the year's first Sunday or Monday; else it has four days or more of the year.
    first_weekday: bool,
}

impl Mode {
    fn of(mode: i64) -> Self {
        let mode = mode & 7;
        let monday_first = mode & 1 != 0;
        // MySQL turns the rule of the first weekday round when weeks begin on Sunday.
        Self {
            monday_first,
            whole_weeks: mode & 2 != 0,
            first_weekday: (mode & 4 != 0) == monday_first,
        }
    }
}

/// The year and week of a date.
fn week(date: &Civil, mode: Mode) -> (i64, i64) {
    let weekday = |days: i64| {
        let sunday_first = (days + 4).rem_euclid(7);
        if mode.monday_first {
            (sunday_first + 6) % 7
        } else {
            sunday_first
        }
    };
    // The day on which week 1 of a year begins.
    let begins = |year: i64| {
        let first = Civil {
            year,
            month: 1,
            day: 1,
            time_us: 0,
        }
        .days();
        let at = weekday(first);
        if mode.first_weekday {
            first + (7 - at) % 7
        } else if at <= 3 {
            first - at
        } else {
            first + 7 - at
        }
    };
    let days = date.days();
    let start = begins(date.year);
    if days < start {
        if !mode.whole_weeks {
            return (date.year, 0);
        }
        return (date.year - 1, (days - begins(date.year - 1)) / 7 + 1);
    }
    if mode.whole_weeks && days >= begins(date.year + 1) {
        return (date.year + 1, 1);
    }
    (date.year, (days - start) / 7 + 1)
}

/// The week in MySQL's mode, for the codes of DATE_FORMAT.
pub(super) fn year_and_week(date: &Civil, mode: i64) -> (i64, i64) {
    week(date, Mode::of(mode))
}

/// Months of a period `YYYYMM` or `YYMM`.
fn months_of(period: i64) -> Result<i64> {
    let (year, month) = (period / 100, period % 100);
    if !(1..=12).contains(&month) || !(0..=9999).contains(&year) {
        return exec_err!("'{period}' is no period: periods are YYYYMM or YYMM");
    }
    let year = match year {
        0..=69 => year + 2000,
        70..=99 => year + 1900,
        year => year,
    };
    Ok(year * 12 + month - 1)
}

/// CONVERT_TZ between offsets such as `+08:00`; names of zones are not known here, and NULL.
fn convert_tz(args: &Args, row: usize) -> Result<Option<Cell>> {
    let (Some(moment), Some(from), Some(to)) =
        (args.moment(0, row), args.text(1, row), args.text(2, row))
    else {
        return Ok(None);
    };
    let offset = |text: &str| -> Result<i64> {
        if text.eq_ignore_ascii_case("utc") || text.eq_ignore_ascii_case("gmt") {
            return Ok(0);
        }
        let sign = match text.as_bytes().first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => 0,
        };
        let minutes = text.get(1..).and_then(|rest| {
            let (hours, minutes) = rest.split_once(':')?;
            let (hours, minutes) = (hours.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?);
            (hours <= 14 && (0..60).contains(&minutes)).then_some(hours * 60 + minutes)
        });
        match minutes {
            Some(minutes) if sign != 0 => Ok(sign * minutes * 60 * SECOND_US),
            _ => exec_err!("'{text}' is no time zone: write UTC or an offset such as '+08:00'"),
        }
    };
    Ok(Some(Cell::Moment(
        moment
            .saturating_sub(offset(from)?)
            .saturating_add(offset(to)?),
    )))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::year_and_week;
    use crate::temporal::parse_datetime;

    /// MySQL's manual, and values of its own test suite.
    #[test]
    fn weeks_of_all_modes() {
        for (date, weeks) in [
            ("2008-02-20", [7, 8, 7, 8, 8, 7, 8, 7]),
            ("2000-01-01", [0, 0, 52, 52, 0, 0, 52, 52]),
            ("2008-12-31", [52, 53, 52, 1, 53, 52, 53, 52]),
            ("2024-12-30", [52, 53, 52, 1, 53, 53, 1, 53]),
        ] {
            let civil = parse_datetime(date).unwrap().0;
            for (mode, wanted) in (0..).zip(weeks) {
                assert_eq!(year_and_week(&civil, mode).1, wanted, "{date} mode {mode}");
            }
        }
    }
}
