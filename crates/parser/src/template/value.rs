//! The values of parameters, and the literals that say them.

use std::fmt::Write;

/// A parameter's value. It has no `Debug`: it may be a secret.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// `NULL`.
    Null,
    /// `TRUE`, `FALSE`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number without a sign.
    UInt(u64),
    /// An exact number as its digits, such as `-12.50`.
    Decimal(String),
    /// A floating-point number; not NaN or an infinity.
    Double(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A day.
    Date(Date),
    /// A time of day or a duration.
    Time(Time),
    /// A day and a time, without a zone.
    DateTime(DateTime),
}

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// 0 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

/// A duration, as MySQL's TIME: up to 838:59:59.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// Whether it is below zero.
    pub negative: bool,
    /// 0 to 838.
    pub hours: u32,
    /// 0 to 59.
    pub minutes: u8,
    /// 0 to 59.
    pub seconds: u8,
    /// 0 to 999999.
    pub micros: u32,
}

/// A day and a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime {
    /// The day.
    pub date: Date,
    /// The time of day.
    pub time: Time,
}

impl Value {
    /// The literal.
    ///
    /// # Errors
    /// What is wrong with a value that has none.
    pub(super) fn literal(&self) -> Result<String, &'static str> {
        Ok(match self {
            Self::Null => "NULL".to_owned(),
            Self::Bool(true) => "TRUE".to_owned(),
            Self::Bool(false) => "FALSE".to_owned(),
            Self::Int(number) => number.to_string(),
            Self::UInt(number) => number.to_string(),
            Self::Decimal(digits) => decimal(digits)?,
            Self::Double(number) if number.is_finite() => format!("{number:e}"),
            Self::Double(_) => return Err("neither NaN nor an infinity is a number of SQL"),
            Self::Text(text) => quoted(text),
            Self::Bytes(bytes) => hexadecimal(bytes),
            Self::Date(date) => format!("DATE '{}'", date.text()?),
            Self::Time(time) => format!("TIME '{}'", time.text()?),
            Self::DateTime(both) => {
                let (date, time) = (both.date.text()?, both.time.text()?);
                format!("TIMESTAMP '{date} {time}'")
            }
        })
    }
}

impl Date {
    fn text(self) -> Result<String, &'static str> {
        if self.year > 9999 || self.month > 12 || self.day > 31 {
            return Err("it is no day of the calendar");
        }
        let Self { year, month, day } = self;
        Ok(format!("{year:04}-{month:02}-{day:02}"))
    }
}

impl Time {
    fn text(self) -> Result<String, &'static str> {
        if self.hours > 838 || self.minutes > 59 || self.seconds > 59 || self.micros > 999_999 {
            return Err("it is no time from -838:59:59 to 838:59:59");
        }
        let sign = if self.negative { "-" } else { "" };
        let (hours, minutes, seconds) = (self.hours, self.minutes, self.seconds);
        let mut text = format!("{sign}{hours:02}:{minutes:02}:{seconds:02}");
        if self.micros > 0 {
            // Writing to a String does not fail.
            let _ = write!(text, ".{:06}", self.micros);
        }
        Ok(text)
    }
}

/// Nothing but a sign, digits, and a point between or before digits.
fn decimal(text: &str) -> Result<String, &'static str> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err("it is no exact number");
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    Ok(match fraction.is_empty() {
        true => format!("{sign}{whole}"),
        false => format!("{sign}{whole}.{fraction}"),
    })
}

/// In `'`, on one line, so that the lines behind it keep their numbers.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        match c {
            '\'' => out.push_str("''"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2 + 3);
    out.push_str("x'");
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            out.push(char::from(DIGITS[usize::from(half)]));
        }
    }
    out.push('\'');
    out
}
