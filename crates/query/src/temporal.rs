//! Dates and times of MySQL's text forms, and the calendar:
//! text to microseconds since 1970 and back, without a time zone.

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
/// any punctuation between parts, `T` before the time, up to nine fractional digits (rounded to six),
/// `Z` or an offset at the end (applied), and the unpunctuated `YYYYMMDD` and `YYYYMMDDHHMMSS`.
pub(crate) fn parse_datetime(text: &str) -> Option<(Civil, bool)> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == text.len() && matches!(digits, 8 | 14) {
        let part = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
        let time = if digits == 14 {
            (part(8, 10)?, part(10, 12)?, part(12, 14)?)
        } else {
            (0, 0, 0)
        };
        return Some((
            civil(part(0, 4)?, part(4, 6)?, part(6, 8)?, time, 0)?,
            digits == 14,
        ));
    }
    let mut rest = text;
    let year = number(&mut rest, 4)?;
    separator(&mut rest)?;
    let month = number(&mut rest, 2)?;
    separator(&mut rest)?;
    let day = number(&mut rest, 2)?;
    if rest.is_empty() {
        return Some((civil(year, month, day, (0, 0, 0), 0)?, false));
    }
    rest = rest.strip_prefix(['T', ' '])?.trim_start();
    let offset_us = take_offset(&mut rest)?;
    let (hour, minute, second, fraction_us) = clock(rest)?;
    let mut point = civil(year, month, day, (hour, minute, second), 0)?;
    let micros = point.micros() + fraction_us - offset_us;
    point = Civil::from_micros(micros);
    Some((point, true))
}

/// Text as a span of time in microseconds: `[-]HHH:MM[:SS[.ffffff]]`, or seconds as plain digits `HHMMSS`.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    let text = text.trim();
    let (text, sign) = text.strip_prefix('-').map_or((text, 1), |rest| (rest, -1));
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= 7 {
        let digits: i64 = text.parse().ok()?;
        let (hour, minute, second) = (digits / 10_000, digits / 100 % 100, digits % 100);
        return (minute < 60 && second < 60 && hour <= 838)
            .then_some(sign * (hour * 3600 + minute * 60 + second) * SECOND_US);
    }
    let (hour, minute, second, fraction_us) = clock(text)?;
    (hour <= 838).then_some(sign * ((hour * 3600 + minute * 60 + second) * SECOND_US + fraction_us))
}

fn clock(text: &str) -> Option<(i64, i64, i64, i64)> {
    let mut rest = text;
    let hour = number(&mut rest, 3)?;
    rest = rest.strip_prefix(':')?;
    let minute = number(&mut rest, 2)?;
    let mut second = 0;
    let mut fraction_us = 0;
    if let Some(after) = rest.strip_prefix(':') {
        rest = after;
        second = number(&mut rest, 2)?;
        if let Some(fraction) = rest.strip_prefix('.') {
            if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
            fraction_us = (nanos + 500) / 1000;
            rest = "";
        }
    }
    (rest.is_empty() && minute < 60 && second < 60).then_some((hour, minute, second, fraction_us))
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
    fraction_us: i64,
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
        time_us: (hour * 3600 + minute * 60 + second) * SECOND_US + fraction_us,
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
