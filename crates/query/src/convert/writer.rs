//! One column being filled with values of any form, by MySQL's strict conversions.

use arrow::array::{ArrayRef, ArrowNativeTypeOp};
use arrow::datatypes::Field;

use super::column::Values;
use super::numbers::{Scaled, float, scaled};
use super::temporal::{
    POINT_US_MAX, parse_datetime, parse_time, round_span_us, round_us, whole_year,
};
use super::text::double_text;
use super::types::Length;
use super::words::{check_json, truth, uuid};
use crate::error::{Error, Violation};

/// Characters of a value that an error shows.
const SHOWN_CHARS_MAX: usize = 128;
/// One value as a statement or file gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    /// A number's text, where numbers and strings differ (BIT, YEAR); elsewhere it is as [`Cell::Text`].
    Number(&'a str),
    /// A floating number, which becomes a whole one to even.
    Double(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Bool(bool),
}

/// Why a value is not taken.
enum Refused {
    /// It is none of this type.
    Incorrect(&'static str),
    OutOfRange,
    TooLong,
    /// No JSON: why, and after how many bytes.
    Json(String, usize),
}

/// Fills one column.
pub(crate) struct ColumnWriter {
    field: Field,
    values: Values,
    /// How many values there are.
    rows: usize,
}

impl ColumnWriter {
    /// A writer for a column of [`crate::arrow_field`]'s types.
    pub(crate) fn new(field: &Field) -> Result<Self, Error> {
        let values = Values::new(field).ok_or_else(|| {
            Error::unsupported(format!(
                "column '{}' of type {} cannot be written",
                field.name(),
                super::types::sql_type(field.data_type())
            ))
        })?;
        Ok(Self {
            field: field.clone(),
            values,
            rows: 0,
        })
    }

    /// Adds a value; `row` counts from 1 and is only for messages, 0 is none.
    pub(crate) fn push(&mut self, cell: Cell<'_>, row: u64) -> Result<(), Error> {
        let taken = match cell {
            Cell::Null if self.field.is_nullable() => {
                self.values.push_null();
                Ok(())
            }
            Cell::Null => {
                return Err(Error::violation_of(
                    Violation::NullValue,
                    format!("Column '{}' cannot be null", self.field.name()),
                )
                .of_column(self.field.name()));
            }
            Cell::Bool(value) => self.values.push_number(if value { "1" } else { "0" }),
            Cell::Number(text) => self.values.push_number(text),
            Cell::Double(number) => self.values.push_double(number),
            Cell::Text(text) => self.values.push_text(text),
            Cell::Bytes(bytes) => self.values.push_bytes(bytes),
        };
        taken.map_err(|refused| self.error(refused, cell, row))?;
        self.rows += 1;
        Ok(())
    }

    /// Adds values that stand for nothing, also where NULL may not be, until there are so many: for rows that are left out.
    pub(crate) fn fill_to(&mut self, rows: usize) {
        while self.rows < rows {
            self.values.push_null();
            self.rows += 1;
        }
    }

    fn error(&self, refused: Refused, cell: Cell<'_>, row: u64) -> Error {
        let name = self.field.name();
        let at = match row {
            0 => String::new(),
            row => format!(" at row {row}"),
        };
        let error = match refused {
            Refused::Incorrect(what) => Error::violation_of(
                Violation::IncorrectValue,
                format!(
                    "Incorrect {what} value: '{}' for column '{name}'{at}",
                    shown(cell)
                ),
            ),
            Refused::OutOfRange => Error::violation_of(
                Violation::OutOfRange,
                format!("Out of range value for column '{name}'{at}"),
            ),
            Refused::TooLong => Error::violation_of(
                Violation::TooLong,
                format!("Data too long for column '{name}'{at}"),
            ),
            Refused::Json(reason, place) => Error::violation_of(
                Violation::InvalidJson,
                format!(
                    "Invalid JSON text: \"{reason}\" at position {place} in value '{}' for column '{name}'{at}",
                    shown(cell)
                ),
            ),
        };
        error.of_column(name)
    }

    /// The values so far as an array of the column's type; the writer is empty afterwards.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef, Error> {
        self.rows = 0;
        self.values.finish(self.field.data_type())
    }
}

/// A value as an error shows it.
pub(crate) fn shown(cell: Cell<'_>) -> String {
    match cell {
        Cell::Null => "NULL".to_owned(),
        Cell::Bool(value) => value.to_string(),
        Cell::Double(number) => number.to_string(),
        Cell::Number(text) | Cell::Text(text) => text.chars().take(SHOWN_CHARS_MAX).collect(),
        Cell::Bytes(bytes) => {
            let head = &bytes[..bytes.len().min(SHOWN_CHARS_MAX)];
            head.escape_ascii().to_string()
        }
    }
}

impl Values {
    fn push_number(&mut self, text: &str) -> Result<(), Refused> {
        match self {
            Self::Bit { values, bits } => match scaled::<u64>(text, 0) {
                Scaled::Value(value) if *bits == 64 || value >> *bits == 0 => {
                    values.append_value(value);
                    Ok(())
                }
                Scaled::Value(_) | Scaled::TooBig => Err(Refused::TooLong),
                Scaled::Not => Err(Refused::Incorrect("bit")),
            },
            // A number is a place, or bits, also if a member is called so.
            Self::Members {
                values,
                members,
                what,
            } => match scaled::<u64>(text, 0) {
                Scaled::Value(number) => {
                    values.append_value(members.at(number).ok_or(Refused::Incorrect(what))?);
                    Ok(())
                }
                Scaled::TooBig | Scaled::Not => Err(Refused::Incorrect(what)),
            },
            // The number 0 is the year 0000, the text '0' is 2000.
            Self::Year(values) if scaled::<i64>(text, 0) == Scaled::Value(0) => {
                values.append_value(0);
                Ok(())
            }
            Self::Bool(_)
            | Self::Signed { .. }
            | Self::Unsigned { .. }
            | Self::Year(_)
            | Self::Float { .. }
            | Self::Decimal { .. }
            | Self::WideDecimal { .. }
            | Self::Date(_)
            | Self::Point { .. }
            | Self::Time { .. }
            | Self::Text { .. }
            | Self::Json(_)
            | Self::Bytes { .. }
            | Self::Uuid(_) => self.push_text(text),
        }
    }

    /// A double as a whole number where one is wanted, to even (MySQL 8.4 manual, "Rounding Behavior").
    fn push_double(&mut self, number: f64) -> Result<(), Refused> {
        let whole = match self {
            Self::Signed { .. }
            | Self::Unsigned { .. }
            | Self::Bit { .. }
            | Self::Year(_)
            | Self::Members { .. } => true,
            Self::Bool(_)
            | Self::Float { .. }
            | Self::Decimal { .. }
            | Self::WideDecimal { .. }
            | Self::Date(_)
            | Self::Point { .. }
            | Self::Time { .. }
            | Self::Text { .. }
            | Self::Json(_)
            | Self::Bytes { .. }
            | Self::Uuid(_) => false,
        };
        let number = if whole {
            number.round_ties_even()
        } else {
            number
        };
        // Minus zero is a zero where numbers are whole.
        let number = if whole && number == 0.0 { 0.0 } else { number };
        self.push_number(&double_text(number))
    }

    fn push_text(&mut self, text: &str) -> Result<(), Refused> {
        match self {
            Self::Bool(values) => {
                values.append_value(truth(text).ok_or(Refused::Incorrect("boolean"))?);
            }
            Self::Signed {
                values,
                least,
                most,
            } => {
                let value = exact::<i64>(text, 0, "integer")?;
                if !(*least..=*most).contains(&value) {
                    return Err(Refused::OutOfRange);
                }
                values.append_value(value);
            }
            Self::Unsigned { values, most } => {
                let value = exact::<u64>(text, 0, "integer")?;
                if value > *most {
                    return Err(Refused::OutOfRange);
                }
                values.append_value(value);
            }
            Self::Bit { .. } => return self.push_bytes(text.as_bytes()),
            Self::Year(values) => values.append_value(year(text)?),
            Self::Float {
                values,
                single,
                digits,
            } => {
                let value = float(text).ok_or(Refused::Incorrect("double"))?;
                let value = match digits {
                    Some(digits) if value.is_finite() => {
                        digits.rounded(value).ok_or(Refused::OutOfRange)?
                    }
                    Some(_) | None => value,
                };
                let beyond = value.is_infinite() || *single && (value as f32).is_infinite();
                if beyond {
                    return Err(Refused::OutOfRange);
                }
                values.append_value(value);
            }
            Self::Decimal {
                values,
                scale,
                beyond,
            } => {
                let value = exact::<i128>(text, *scale, "decimal")?;
                if value.unsigned_abs() >= beyond.unsigned_abs() {
                    return Err(Refused::OutOfRange);
                }
                values.append_value(value);
            }
            Self::WideDecimal {
                values,
                scale,
                beyond,
            } => {
                let value = exact::<arrow::datatypes::i256>(text, *scale, "decimal")?;
                if value >= *beyond || value <= beyond.wrapping_neg() {
                    return Err(Refused::OutOfRange);
                }
                values.append_value(value);
            }
            Self::Date(values) => {
                let (civil, _) = parse_datetime(text).ok_or(Refused::Incorrect("date"))?;
                let days = i32::try_from(civil.days()).map_err(|_| Refused::OutOfRange)?;
                values.append_value(days);
            }
            Self::Point { values, digits } => {
                let (civil, _) = parse_datetime(text).ok_or(Refused::Incorrect("datetime"))?;
                let micros = round_us(civil.micros(), *digits)
                    .filter(|micros| *micros <= POINT_US_MAX)
                    .ok_or(Refused::OutOfRange)?;
                values.append_value(micros);
            }
            Self::Time { values, digits } => {
                let micros = parse_time(text).ok_or(Refused::Incorrect("time"))?;
                let rounded = round_span_us(micros, *digits).ok_or(Refused::OutOfRange)?;
                values.append_value(rounded);
            }
            Self::Text { values, length_max } => {
                let fitting = match *length_max {
                    Some(Length::Chars(most)) => within(text, most),
                    Some(Length::Bytes(most)) => (text.len() <= most).then_some(text),
                    None => Some(text),
                };
                values.append_value(fitting.ok_or(Refused::TooLong)?);
            }
            Self::Members {
                values,
                members,
                what,
            } => values.append_value(members.value(text).ok_or(Refused::Incorrect(what))?),
            Self::Json(values) => {
                check_json(text).map_err(|(reason, at)| Refused::Json(reason, at))?;
                values.append_value(text);
            }
            Self::Bytes { .. } => return self.push_bytes(text.as_bytes()),
            Self::Uuid(values) => {
                let bytes = uuid(text).ok_or(Refused::Incorrect("uuid"))?;
                values
                    .append_value(bytes)
                    .map_err(|_| Refused::Incorrect("uuid"))?;
            }
        }
        Ok(())
    }

    fn push_bytes(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        match self {
            Self::Bytes {
                values,
                length_max,
                filled_to,
            } => {
                if let Some(Length::Bytes(most)) = *length_max
                    && bytes.len() > most
                {
                    return Err(Refused::TooLong);
                }
                if bytes.len() < *filled_to {
                    let mut filled = bytes.to_vec();
                    filled.resize(*filled_to, 0);
                    values.append_value(&filled);
                } else {
                    values.append_value(bytes);
                }
                Ok(())
            }
            // The bytes are the bits, the last byte's the least.
            Self::Bit { values, bits } => match number_of_bytes(bytes) {
                Some(value) if *bits == 64 || value >> *bits == 0 => {
                    values.append_value(value);
                    Ok(())
                }
                _ => Err(Refused::TooLong),
            },
            Self::Text { .. }
            | Self::Members { .. }
            | Self::Json(_)
            | Self::Date(_)
            | Self::Point { .. }
            | Self::Time { .. } => match std::str::from_utf8(bytes) {
                Ok(text) => self.push_text(text),
                Err(_) => Err(Refused::Incorrect("string")),
            },
            Self::Uuid(values) if bytes.len() == 16 => values
                .append_value(bytes)
                .map_err(|_| Refused::Incorrect("uuid")),
            Self::Uuid(_) => Err(Refused::Incorrect("uuid")),
            // A hexadecimal literal is a number where one is wanted.
            Self::Bool(_)
            | Self::Signed { .. }
            | Self::Unsigned { .. }
            | Self::Year(_)
            | Self::Float { .. }
            | Self::Decimal { .. }
            | Self::WideDecimal { .. } => match number_of_bytes(bytes) {
                Some(value) => self.push_number(&value.to_string()),
                None => Err(Refused::OutOfRange),
            },
        }
    }
}

/// A text of so many characters at most; blanks behind them are cut off, anything else is too long.
fn within(text: &str, chars: usize) -> Option<&str> {
    if text.len() <= chars {
        return Some(text);
    }
    match text.char_indices().nth(chars) {
        None => Some(text),
        Some((end, _)) => text[end..]
            .bytes()
            .all(|byte| byte == b' ')
            .then_some(&text[..end]),
    }
}

/// A number's text as a value of one type, rounded to `scale` digits.
fn exact<T: ArrowNativeTypeOp>(text: &str, scale: i8, what: &'static str) -> Result<T, Refused> {
    match scaled(text, scale) {
        Scaled::Value(value) => Ok(value),
        Scaled::TooBig => Err(Refused::OutOfRange),
        Scaled::Not => Err(Refused::Incorrect(what)),
    }
}

/// MySQL's YEAR: 1901 to 2155 and 0000; of one or two digits 70 to 99 are 19xx, 0 to 69 are 20xx.
fn year(text: &str) -> Result<u64, Refused> {
    let text = text.trim();
    let value = exact::<i64>(text, 0, "year")?;
    let year = match value {
        0 if text.len() > 2 => 0,
        0..=99 => whole_year(value, 2),
        _ => value,
    };
    match u64::try_from(year) {
        Ok(year @ (0 | 1901..=2155)) => Ok(year),
        _ => Err(Refused::OutOfRange),
    }
}

/// The number that bytes are; none of more than 64 bits.
pub(crate) fn number_of_bytes(bytes: &[u8]) -> Option<u64> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let significant = &bytes[zeros..];
    (significant.len() <= 8).then(|| {
        significant
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    })
}
