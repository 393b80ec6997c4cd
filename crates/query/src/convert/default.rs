//! The DEFAULT of a column, checked when the column is declared and not when a row first needs it.

use arrow::datatypes::{DataType, Field};

use super::{Cell, ColumnWriter};
use crate::error::{Error, Violation};

/// A literal default.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DefaultValue<'a> {
    /// `NULL`.
    Null,
    /// `TRUE` or `FALSE`.
    Bool(bool),
    /// A number's text.
    Number(&'a str),
    /// A string.
    Text(&'a str),
    /// `CURRENT_TIMESTAMP`.
    Now,
}

/// Refuses a default that the column, made by [`crate::arrow_field`], could never take.
///
/// # Errors
/// Invalid with [`Violation::InvalidDefault`], as MySQL's 1067, and why.
pub fn check_default(field: &Field, default: DefaultValue<'_>) -> Result<(), Error> {
    let refuse = |reason: String| {
        Err(Error::violation_of(
            Violation::InvalidDefault,
            format!("Invalid default value for '{}'{reason}", field.name()),
        ))
    };
    let cell = match default {
        DefaultValue::Now if matches!(field.data_type(), DataType::Timestamp(..)) => return Ok(()),
        DefaultValue::Now => {
            return refuse(": CURRENT_TIMESTAMP is for DATETIME and TIMESTAMP".to_owned());
        }
        DefaultValue::Null => Cell::Null,
        DefaultValue::Bool(value) => Cell::Bool(value),
        DefaultValue::Number(text) => Cell::Number(text),
        DefaultValue::Text(text) => Cell::Text(text),
    };
    match ColumnWriter::new(field)?.push(cell, 0) {
        Ok(()) => Ok(()),
        Err(error) => refuse(format!(": {error}")),
    }
}
