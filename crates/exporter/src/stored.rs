//! The types in which formats with types of their own store columns: dictionaries and runs as their values, views
//! as strings, so that every reader knows them and rows weigh what they are.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Field, FieldRef, Schema, SchemaRef, Time32MillisecondType, Time32SecondType,
    Time64MicrosecondType, Time64NanosecondType, TimeUnit,
};
use arrow::error::ArrowError;

use crate::cells::input::check_width;
use crate::cells::packed;
use crate::error::EncodeError;

/// What a format has no type for, or has one that is better.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lacks {
    /// Views of strings and binary.
    pub(crate) views: bool,
    /// Lists as views, seconds as a unit, dates in milliseconds.
    pub(crate) rarities: bool,
}

impl Lacks {
    /// The type in which a column is stored.
    pub(crate) fn stored(self, data_type: &DataType) -> DataType {
        let child = |field: &FieldRef| Arc::new(self.stored_field(field));
        match data_type {
            DataType::Dictionary(_, value) => self.stored(value),
            DataType::RunEndEncoded(_, values) => self.stored(values.data_type()),
            DataType::Utf8View if self.views => DataType::Utf8,
            DataType::BinaryView if self.views => DataType::Binary,
            DataType::ListView(item) if self.rarities => DataType::List(child(item)),
            DataType::LargeListView(item) if self.rarities => DataType::LargeList(child(item)),
            DataType::Timestamp(TimeUnit::Second, zone) if self.rarities => {
                DataType::Timestamp(TimeUnit::Millisecond, zone.clone())
            }
            DataType::Time32(TimeUnit::Second) if self.rarities => {
                DataType::Time32(TimeUnit::Millisecond)
            }
            DataType::Date64 if self.rarities => DataType::Date32,
            DataType::List(item) => DataType::List(child(item)),
            DataType::LargeList(item) => DataType::LargeList(child(item)),
            DataType::FixedSizeList(item, size) => DataType::FixedSizeList(child(item), *size),
            DataType::Map(entries, sorted) => DataType::Map(child(entries), *sorted),
            DataType::Struct(fields) => DataType::Struct(fields.iter().map(child).collect()),
            other => other.clone(),
        }
    }

    fn stored_field(self, field: &FieldRef) -> Field {
        field
            .as_ref()
            .clone()
            .with_data_type(self.stored(field.data_type()))
    }

    pub(crate) fn stored_schema(self, schema: &Schema) -> SchemaRef {
        let fields: Vec<Field> = schema
            .fields()
            .iter()
            .map(|field| self.stored_field(field))
            .collect();
        Arc::new(Schema::new(fields))
    }
}

/// A batch's columns in their stored types. `expected` is the schema that the export has announced, `first_row` the
/// number of rows before the batch.
///
/// # Errors
/// A batch of another schema, or a value that the stored type does not hold, such as a time beyond its range.
pub(crate) fn stored_columns(
    batch: &RecordBatch,
    expected: &Schema,
    stored: &Schema,
    first_row: u64,
) -> Result<Vec<ArrayRef>, EncodeError> {
    check_width(batch, expected.fields().len())?;
    let fields = expected.fields().iter().zip(stored.fields());
    fields
        .zip(batch.columns())
        .map(|((expected, stored), array)| {
            if array.data_type() != expected.data_type() {
                return Err(EncodeError::mismatch(format!(
                    "column '{}' is of type {} in the batch, expected {}",
                    expected.name(),
                    array.data_type(),
                    expected.data_type()
                )));
            }
            check_times(array.as_ref()).map_err(|row| {
                let reason = "a time below zero or of a day and more has no form in this format, only in text".to_owned();
                EncodeError::value(first_row + row as u64, expected.name(), reason)
            })?;
            store(array, stored.data_type()).map_err(|error| {
                let reason = format!("it has no form of type {}: {error}", stored.data_type());
                match first_refused(array, stored.data_type()) {
                    Some(row) => {
                        EncodeError::value(first_row + row as u64, expected.name(), reason)
                    }
                    None => EncodeError::refused(format!("column '{}': {reason}", expected.name())),
                }
            })
        })
        .collect()
}

/// Times of the day are of one day; readers refuse others, or take them for NULL. The first row that has another.
fn check_times(array: &dyn Array) -> Result<(), usize> {
    macro_rules! check {
        ($type:ty, $second:expr) => {{
            let array = array.as_primitive::<$type>();
            let day = 0..86_400 * $second;
            let mut times = array.values().iter().enumerate();
            times
                .find(|(row, time)| !day.contains(*time) && array.is_valid(*row))
                .map(|(row, _)| row)
        }};
    }
    let found = match array.data_type() {
        DataType::Time32(TimeUnit::Second) => check!(Time32SecondType, 1),
        DataType::Time32(_) => check!(Time32MillisecondType, 1_000),
        DataType::Time64(TimeUnit::Microsecond) => check!(Time64MicrosecondType, 1_000_000),
        DataType::Time64(_) => check!(Time64NanosecondType, 1_000_000_000),
        _ => None,
    };
    found.map_or(Ok(()), Err)
}

/// The first row that becomes NULL where what does not fit may become that.
fn first_refused(array: &ArrayRef, stored: &DataType) -> Option<usize> {
    let array = packed::unpack(array).ok()?;
    let cast = cast_with_options(&array, stored, &CastOptions::default()).ok()?;
    (0..array.len()).find(|row| cast.is_null(*row) && !array.is_null(*row))
}

fn store(array: &ArrayRef, stored: &DataType) -> Result<ArrayRef, ArrowError> {
    let array = packed::unpack(array)?;
    if array.data_type() == stored {
        return Ok(array);
    }
    // A value that does not fit is an error, not a NULL.
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(&array, stored, &options)
}
