//! Dates and times of MySQL's text forms, and the calendar:
//! text to microseconds since 1970 and back, without a time zone.

mod of_number;

pub(crate) use of_number::{moment_of_number, time_of_number};

/// Microseconds of a second.
pub(crate) const SECOND_US: i64 = 1_000_000;
/// Microseconds of a day.
pub(crate) const DAY_US: i64 = 86_400 * SECOND_US;

/// A point of the proleptic Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: u32,
    pub(crate) day: u32,
    /// Microseconds since midnight.
    pub(crate) time_us: i64,
}

impl Civil {
    /// The date of a day number (days since 1970-01-01), by H. Hinnant's `civil_from_days`.
    pub(crate) fn from_days(days: i64) -> Self {
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        } as u32;
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self {
            year,
            month,
            day,
            time_us: 0,
        }
    }

    /// The point of a count of microseconds since 1970-01-01 00:00:00.
    pub(crate) fn from_micros(micros: i64) -> Self {
        Self {
            time_us: micros.rem_euclid(DAY_US),
            ..Self::from_days(micros.div_euclid(DAY_US))
        }
    }

    /// Days since 1970-01-01.
    pub(crate) fn days(&self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let shifted_month = i64::from((self.month + 9) % 12);
        let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year
            - 719_468
    }

    /// Microseconds since 1970-01-01 00:00:00.
    pub(crate) fn micros(&self) -> i64 {
        self.days()
            .saturating_mul(DAY_US)
            .saturating_add(self.time_us)
    }

    /// The same day `months` later, or that month's last day when it is shorter.
    pub(crate) fn plus_months(&self, months: i64) -> Option<Self> {
        let total = self
            .year
            .checked_mul(12)?
            .checked_add(i64::from(self.month) - 1)?
            .checked_add(months)?;
        let (year, month) = (total.div_euclid(12), total.rem_euclid(12) as u32 + 1);
        Some(Self {
            year,
            month,
            day: self.day.min(month_days(year, month)),
            time_us: self.time_us,
        })
    }

    /// 0 is Sunday.
    pub(crate) fn weekday(&self) -> i64 {
        (self.days() + 4).rem_euclid(7)
    }

    /// 1 is the first of January.
    pub(crate) fn day_of_year(&self) -> i64 {
        self.days()
            - Self {
                month: 1,
                day: 1,
                ..*self
            }
            .days()
            + 1
    }

    /// `YYYY-MM-DD`.
    pub(crate) fn date_text(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// `YYYY-MM-DD HH:MM:SS`, with six more digits if there is a fraction.
    pub(crate) fn datetime_text(&self) -> String {
        let seconds = self.time_us / SECOND_US;
        let mut text = format!(
            "{} {:02}:{:02}:{:02}",
            self.date_text(),
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        );
        if self.time_us % SECOND_US != 0 {
            text.push_str(&format!(".{:06}", self.time_us % SECOND_US));
        }
        text
    }
}

/// Days of a month.
pub(crate) fn month_days(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Text as a date or date and time, and whether it had a time. Takes `YYYY-MM-DD`, one-digit parts,
/// years of two digits (70 to 99 are 19xx, 00 to 69 are 20xx), any punctuation between parts, `T` before the time,
/// a fraction (rounded to six digits), `Z` or an offset at the end (applied), and the unpunctuated
/// `[YY]YYMMDD` and `[YY]YYMMDDHHMMSS[.ffffff]`.
pub(crate) fn parse_datetime(text: &str) -> Option<(Civil, bool)> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (plain, fraction) = text.split_at(digits);
    match digits {
        6 | 8 if fraction.is_empty() => return Some((unpunctuated(plain, digits - 4)?, false)),
        12 | 14 if fraction.is_empty() || fraction.starts_with('.') => {
            let point = unpunctuated(plain, digits - 10)?;
            let micros = point.micros() + fraction_us(fraction.strip_prefix('.'))?;
            return Some((Civil::from_micros(micros), true));
        }
        _ => {}
    }
    let mut rest = text;
    let year = number(&mut rest, 4)?;
    let year = whole_year(year, text.len() - rest.len());
    separator(&mut rest)?;
    let month = number(&mut rest, 2)?;
    separator(&mut rest)?;
    let day = number(&mut rest, 2)?;
    if rest.is_empty() {
        return Some((civil(year, month, day, (0, 0, 0))?, false));
    }
    rest = rest.strip_prefix(['T', ' '])?.trim_start();
    let offset_us = take_offset(&mut rest)?;
    let (hour, minute, second, fraction_us) = clock(rest, true)?;
    let point = civil(year, month, day, (hour, minute, second))?;
    let micros = point.micros() + fraction_us - offset_us;
    Some((Civil::from_micros(micros), true))
}

/// `[YY]YYMMDD[HHMMSS]`.
fn unpunctuated(text: &str, year_digits: usize) -> Option<Civil> {
    let part = |from: usize| -> Option<i64> {
        match text.get(from..from + 2) {
            Some(part) => part.parse().ok(),
            None => Some(0),
        }
    };
    let year = whole_year(text.get(..year_digits)?.parse().ok()?, year_digits);
    let at = |index: usize| part(year_digits + 2 * index);
    civil(year, at(0)?, at(1)?, (at(2)?, at(3)?, at(4)?))
}

/// A year that may be written with two digits.
pub(crate) fn whole_year(year: i64, digits: usize) -> i64 {
    match (digits, year) {
        (0..=2, 0..=69) => 2000 + year,
        (0..=2, _) => 1900 + year,
        _ => year,
    }
}

/// Text as a span of time in microseconds: `[-][D ]H:MM[:SS[.ffffff]]`, `D H`, `HHMMSS[.ffffff]` or seconds
/// as fewer digits, or the time of a date and time.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    let text = text.trim();
    let (unsigned, sign) = text.strip_prefix('-').map_or((text, 1), |rest| (rest, -1));
    let (plain, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if !plain.is_empty() && plain.len() <= 7 && plain.bytes().all(|byte| byte.is_ascii_digit()) {
        let digits: i64 = plain.parse().ok()?;
        let (hour, minute, second) = (digits / 10_000, digits / 100 % 100, digits % 100);
        let fraction_us = fraction_us((!fraction.is_empty()).then_some(fraction))?;
        return (minute < 60 && second < 60)
            .then_some(sign * ((hour * 3600 + minute * 60 + second) * SECOND_US + fraction_us));
    }
    if let Some((days, clock_text)) = unsigned.split_once(' ')
        && days.len() <= 2
        && days.bytes().all(|byte| byte.is_ascii_digit())
    {
        let days: i64 = days.parse().ok()?;
        let (hour, minute, second, fraction_us) = clock(clock_text.trim_start(), true)?;
        let hours = days * 24 + hour;
        return (hour < 24)
            .then_some(sign * ((hours * 3600 + minute * 60 + second) * SECOND_US + fraction_us));
    }
    if let Some((hour, minute, second, fraction_us)) = clock(unsigned, false) {
        return Some(sign * ((hour * 3600 + minute * 60 + second) * SECOND_US + fraction_us));
    }
    let (point, has_time) = parse_datetime(text)?;
    has_time.then_some(point.time_us)
}

/// The greatest span of MySQL's TIME in microseconds: 838:59:59.
pub(crate) const TIME_US_MAX: i64 = (838 * 3600 + 59 * 60 + 59) * SECOND_US;

/// The last microsecond of the year 9999.
pub(crate) const POINT_US_MAX: i64 = 253_402_300_799_999_999;

/// Rounds a point in time to so many fractional digits of a second, half of one upwards.
pub(crate) fn round_us(micros: i64, digits: u8) -> Option<i64> {
    let unit = 10_i64.pow(6 - u32::from(digits.min(6)));
    // A unit of one microsecond has no half.
    let shifted = micros.checked_add(unit / 2)?;
    shifted.checked_sub(shifted.rem_euclid(unit))
}

/// Rounds a span of TIME to so many fractional digits of a second, half of one away from zero; `None` beyond its bounds.
pub(crate) fn round_span_us(micros: i64, digits: u8) -> Option<i64> {
    let rounded = round_us(micros.checked_abs()?, digits).filter(|size| *size <= TIME_US_MAX)?;
    Some(if micros < 0 { -rounded } else { rounded })
}

/// `H[HH]:MM[:SS[.ffffff]]`; the hour may stand alone where `hour_alone`.
fn clock(text: &str, hour_alone: bool) -> Option<(i64, i64, i64, i64)> {
    let mut rest = text;
    let hour = number(&mut rest, 3)?;
    if rest.is_empty() && hour_alone {
        return Some((hour, 0, 0, 0));
    }
    rest = rest.strip_prefix(':')?;
    let minute = number(&mut rest, 2)?;
    let mut second = 0;
    let mut micros = 0;
    if let Some(after) = rest.strip_prefix(':') {
        rest = after;
        second = number(&mut rest, 2)?;
        if let Some(fraction) = rest.strip_prefix('.') {
            micros = fraction_us(Some(fraction))?;
            rest = "";
        }
    }
    (rest.is_empty() && minute < 60 && second < 60).then_some((hour, minute, second, micros))
}

/// The digits behind a point in microseconds, rounded; 0 without.
fn fraction_us(digits: Option<&str>) -> Option<i64> {
    let digits = digits.unwrap_or_default();
    if digits.len() > 18 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut micros = 0;
    let mut bytes = digits.bytes().map(|byte| i64::from(byte - b'0'));
    for _ in 0..6 {
        micros = micros * 10 + bytes.next().unwrap_or(0);
    }
    Some(micros + i64::from(bytes.next().unwrap_or(0) >= 5))
}

/// Cuts `Z` or `+hh:mm` off the end and gives it in microseconds; 0 if there is none.
fn take_offset(text: &mut &str) -> Option<i64> {
    if let Some(rest) = text.strip_suffix('Z') {
        *text = rest;
        return Some(0);
    }
    let Some(at) = text.rfind(['+', '-']) else {
        return Some(0);
    };
    let (clock, offset) = text.split_at(at);
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = offset[1..].split_once(':')?;
    let (hours, minutes) = (hours.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?);
    *text = clock.trim_end();
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60) * SECOND_US)
}

fn civil(
    year: i64,
    month: i64,
    day: i64,
    (hour, minute, second): (i64, i64, i64),
) -> Option<Civil> {
    let (month, day) = (u32::try_from(month).ok()?, u32::try_from(day).ok()?);
    let valid = (1..=12).contains(&month)
        && day >= 1
        && day <= month_days(year, month)
        && hour < 24
        && minute < 60
        && second < 60;
    valid.then_some(Civil {
        year,
        month,
        day,
        time_us: (hour * 3600 + minute * 60 + second) * SECOND_US,
    })
}

fn number(text: &mut &str, digits_max: usize) -> Option<i64> {
    let digits = text
        .bytes()
        .take(digits_max)
        .take_while(u8::is_ascii_digit)
        .count();
    let (number, rest) = text.split_at(digits);
    *text = rest;
    number.parse().ok()
}

fn separator(text: &mut &str) -> Option<()> {
    let first = text
        .chars()
        .next()
        .filter(|first| first.is_ascii_punctuation())?;
    *text = &text[first.len_utf8()..];
    Some(())
}

#[cfg(test)]
mod tests;
