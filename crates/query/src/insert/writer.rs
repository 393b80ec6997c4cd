//! One column being filled with values of any form, by MySQL's strict conversions.

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, FixedSizeBinaryBuilder, StringBuilder,
};
use arrow::datatypes::{DataType, Field};

use super::column_values::Values;
use super::forms::{digits, float, members, uuid};
use super::numbers::{Scaled, scaled};
use crate::error::{Error, Violation};
use crate::temporal::{parse_datetime, parse_time};
use crate::types::{Length, field_sql_type, length_max};

/// One value as a statement or file gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    Text(&'a str),
    Bytes(&'a [u8]),
    Bool(bool),
}

/// Fills one column.
pub(crate) struct ColumnWriter {
    field: Field,
    base: String,
    length_max: Option<Length>,
    members: Option<Vec<String>>,
    values: Values,
}

impl ColumnWriter {
    /// A writer for a column of [`crate::arrow_field`]'s types.
    pub(crate) fn new(field: &Field) -> Result<Self, Error> {
        let sql_type = field_sql_type(field);
        let base = sql_type.split('(').next().unwrap_or_default().to_owned();
        let integer = |least: i128, most: i128| Values::Integer {
            values: Vec::new(),
            least,
            most,
        };
        let values = match field.data_type() {
            DataType::Boolean => Values::Bool(BooleanBuilder::new()),
            DataType::Int8 => integer(i8::MIN.into(), i8::MAX.into()),
            DataType::Int16 => integer(i16::MIN.into(), i16::MAX.into()),
            DataType::Int32 if base == "mediumint" => integer(-(1 << 23), (1 << 23) - 1),
            DataType::Int32 => integer(i32::MIN.into(), i32::MAX.into()),
            DataType::Int64 => integer(i64::MIN.into(), i64::MAX.into()),
            DataType::UInt8 => integer(0, u8::MAX.into()),
            DataType::UInt16 if base == "year" => integer(0, 2155),
            DataType::UInt16 => integer(0, u16::MAX.into()),
            DataType::UInt32 if base == "mediumint unsigned" => integer(0, (1 << 24) - 1),
            DataType::UInt32 => integer(0, u32::MAX.into()),
            DataType::UInt64 if base == "bit" => {
                let bits = sql_type
                    .trim_start_matches("bit(")
                    .trim_end_matches(')')
                    .parse::<u32>()
                    .unwrap_or(64);
                integer(0, (1_i128 << bits.min(64)) - 1)
            }
            DataType::UInt64 => integer(0, u64::MAX.into()),
            DataType::Float32 | DataType::Float64 => Values::Float(Vec::new()),
            DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
                Values::Decimal {
                    values: Vec::new(),
                    precision: *precision,
                    scale: *scale,
                }
            }
            DataType::Date32 => Values::Date(Vec::new()),
            DataType::Timestamp(..) => Values::Timestamp(Vec::new()),
            DataType::Time64(_) => Values::Time(Vec::new()),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                Values::Text(StringBuilder::new())
            }
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
                Values::Bytes(BinaryBuilder::new())
            }
            DataType::FixedSizeBinary(16) => Values::Uuid(FixedSizeBinaryBuilder::new(16)),
            other => {
                return Err(Error::unsupported(format!(
                    "column '{}' of type {} cannot be written",
                    field.name(),
                    crate::types::sql_type(other)
                )));
            }
        };
        let members = (base == "enum").then(|| members(&sql_type));
        Ok(Self {
            field: field.clone(),
            length_max: length_max(field),
            base,
            members,
            values,
        })
    }

    /// Adds a value; `row` counts from 1 and is only for messages.
    pub(crate) fn push(&mut self, cell: Cell<'_>, row: u64) -> Result<(), Error> {
        if cell == Cell::Null {
            if !self.field.is_nullable() {
                return Err(Error::violation_of(
                    Violation::NullValue,
                    format!("Column '{}' cannot be null", self.field.name()),
                ));
            }
            self.values.push_null();
            return Ok(());
        }
        match &self.values {
            Values::Text(_) => self.push_text(cell, row),
            Values::Bytes(_) => self.push_bytes(cell, row),
            _ => self.push_parsed(cell, row),
        }
    }

    fn push_text(&mut self, cell: Cell<'_>, row: u64) -> Result<(), Error> {
        let text = match cell {
            Cell::Text(text) => text,
            Cell::Bool(value) => {
                if value {
                    "1"
                } else {
                    "0"
                }
            }
            Cell::Bytes(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => text,
                Err(_) => return Err(self.incorrect("string", "(bytes that are not UTF-8)", row)),
            },
            Cell::Null => return Ok(()),
        };
        let too_long = match self.length_max {
            Some(Length::Chars(most)) => text.len() > most && text.chars().count() > most,
            Some(Length::Bytes(most)) => text.len() > most,
            None => false,
        };
        if too_long {
            return Err(self.too_long(row));
        }
        if let Some(members) = &self.members
            && !members.iter().any(|member| member == text)
        {
            return Err(self.incorrect("enum", text, row));
        }
        if let Values::Text(values) = &mut self.values {
            values.append_value(text);
        }
        Ok(())
    }

    fn push_bytes(&mut self, cell: Cell<'_>, row: u64) -> Result<(), Error> {
        let bytes = match cell {
            Cell::Text(text) => text.as_bytes(),
            Cell::Bytes(bytes) => bytes,
            Cell::Bool(value) => {
                if value {
                    b"1"
                } else {
                    b"0"
                }
            }
            Cell::Null => return Ok(()),
        };
        if let Some(Length::Bytes(most)) = self.length_max
            && bytes.len() > most
        {
            return Err(self.too_long(row));
        }
        if let Values::Bytes(values) = &mut self.values {
            values.append_value(bytes);
        }
        Ok(())
    }

    fn push_parsed(&mut self, cell: Cell<'_>, row: u64) -> Result<(), Error> {
        let number;
        let text = match cell {
            Cell::Text(text) => text,
            Cell::Bool(value) => {
                if value {
                    "1"
                } else {
                    "0"
                }
            }
            // A hexadecimal literal is a number where one is wanted.
            Cell::Bytes(bytes) if bytes.len() <= 8 => {
                number = bytes
                    .iter()
                    .fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
                    .to_string();
                &number
            }
            Cell::Bytes(_) => return Err(self.incorrect("value", "(bytes)", row)),
            Cell::Null => return Ok(()),
        };
        let outcome = match &mut self.values {
            Values::Bool(values) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" => {
                    values.append_value(true);
                    Ok(())
                }
                "false" | "0" => {
                    values.append_value(false);
                    Ok(())
                }
                _ => Err("boolean"),
            },
            Values::Integer {
                values,
                least,
                most,
            } => match scaled(text, 0) {
                Scaled::Value(value) => match value
                    .to_i128()
                    .filter(|value| (*least..=*most).contains(value))
                {
                    Some(value) => {
                        values.push(Some(value));
                        Ok(())
                    }
                    None => return Err(self.out_of_range(row)),
                },
                Scaled::TooBig => return Err(self.out_of_range(row)),
                Scaled::Not => Err("integer"),
            },
            Values::Float(values) => match float(text) {
                Some(value)
                    if value.is_finite()
                        && (self.field.data_type() == &DataType::Float64
                            || (value as f32).is_finite()) =>
                {
                    values.push(Some(value));
                    Ok(())
                }
                Some(value) if value.is_infinite() || value.is_finite() => {
                    return Err(self.out_of_range(row));
                }
                Some(value) => {
                    values.push(Some(value));
                    Ok(())
                }
                None => Err("double"),
            },
            Values::Decimal {
                values,
                precision,
                scale,
            } => match scaled(text, *scale) {
                Scaled::Value(value) if digits(value) <= usize::from(*precision) => {
                    values.push(Some(value));
                    Ok(())
                }
                Scaled::Value(_) | Scaled::TooBig => return Err(self.out_of_range(row)),
                Scaled::Not => Err("decimal"),
            },
            Values::Date(values) => match parse_datetime(text) {
                Some((civil, _)) => {
                    values.push(i32::try_from(civil.days()).ok());
                    Ok(())
                }
                None => Err("date"),
            },
            Values::Timestamp(values) => match parse_datetime(text) {
                Some((civil, _)) => {
                    values.push(Some(civil.micros()));
                    Ok(())
                }
                None => Err("datetime"),
            },
            Values::Time(values) => match parse_time(text) {
                Some(micros) if (0..crate::temporal::DAY_US).contains(&micros) => {
                    values.push(Some(micros));
                    Ok(())
                }
                Some(_) => return Err(self.out_of_range(row)),
                None => Err("time"),
            },
            Values::Uuid(values) => match uuid(text) {
                Some(bytes) => values.append_value(bytes).map_err(|_| "uuid"),
                None => Err("uuid"),
            },
            Values::Text(_) | Values::Bytes(_) => Ok(()),
        };
        outcome.map_err(|what| self.incorrect(what, text, row))
    }

    fn incorrect(&self, what: &str, text: &str, row: u64) -> Error {
        let shown: String = text.chars().take(128).collect();
        Error::violation_of(
            Violation::IncorrectValue,
            format!(
                "Incorrect {what} value: '{shown}' for column '{}' at row {row}",
                self.field.name()
            ),
        )
    }

    fn out_of_range(&self, row: u64) -> Error {
        Error::violation_of(
            Violation::OutOfRange,
            format!(
                "Out of range value for column '{}' at row {row}",
                self.field.name()
            ),
        )
    }

    fn too_long(&self, row: u64) -> Error {
        Error::violation_of(
            Violation::TooLong,
            format!(
                "Data too long for column '{}' at row {row}",
                self.field.name()
            ),
        )
    }

    /// Whether any text or bytes are taken as they are: no length, no list of members.
    pub(crate) fn takes_all(&self) -> bool {
        self.length_max.is_none()
            && self.members.is_none()
            && !matches!(
                self.base.as_str(),
                "mediumint" | "mediumint unsigned" | "year" | "bit"
            )
    }

    /// The values so far as an array of the column's type; the writer is empty afterwards.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef, Error> {
        self.values.finish(self.field.data_type())
    }
}
