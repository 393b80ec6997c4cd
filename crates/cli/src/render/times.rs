//! Times and points in time that Arrow has no text for: a TIME is a span, which may be below zero or beyond a day,
//! and a date and time of a file may be one of no calendar.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, PrimitiveArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowTimestampType, DataType, Field, Schema, Time64MicrosecondType, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow::error::ArrowError;

const SECOND_US: u64 = 1_000_000;

/// The batch with its times as texts, `[-]HH:MM:SS` with three or six digits of a second if there are any.
///
/// # Errors
/// `InvalidArgumentError` for a date and time that is none.
pub(super) fn shown(batch: &RecordBatch) -> Result<Cow<'_, RecordBatch>, ArrowError> {
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        check(field, column)?;
    }
    let is_time =
        |field: &Arc<Field>| matches!(field.data_type(), DataType::Time32(_) | DataType::Time64(_));
    let schema = batch.schema();
    if !schema.fields().iter().any(is_time) {
        return Ok(Cow::Borrowed(batch));
    }
    let mut fields = Vec::with_capacity(schema.fields().len());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        if is_time(field) {
            fields.push(Field::new(field.name(), DataType::Utf8, true));
            columns.push(Arc::new(texts(column)?));
        } else {
            fields.push(field.as_ref().clone());
            columns.push(Arc::clone(column));
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map(Cow::Owned)
}

fn texts(column: &ArrayRef) -> Result<StringArray, ArrowError> {
    let micros = cast(column, &DataType::Time64(TimeUnit::Microsecond))?;
    Ok(micros
        .as_primitive::<Time64MicrosecondType>()
        .iter()
        .map(|micros| micros.map(text))
        .collect())
}

fn text(micros: i64) -> String {
    let (sign, size) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    let (seconds, fraction) = (size / SECOND_US, size % SECOND_US);
    let clock = format!(
        "{sign}{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    match fraction {
        0 => clock,
        whole if whole % 1000 == 0 => format!("{clock}.{:03}", whole / 1000),
        fraction => format!("{clock}.{fraction:06}"),
    }
}

/// Whether Arrow can write every point in time; else it would write its own error in their place.
fn check(field: &Field, column: &ArrayRef) -> Result<(), ArrowError> {
    fn all<T: ArrowTimestampType>(values: &PrimitiveArray<T>) -> bool {
        values
            .iter()
            .flatten()
            .all(|value| arrow::temporal_conversions::as_datetime::<T>(value).is_some())
    }
    let DataType::Timestamp(unit, _) = field.data_type() else {
        return Ok(());
    };
    let known = match unit {
        TimeUnit::Second => all(column.as_primitive::<TimestampSecondType>()),
        TimeUnit::Millisecond => all(column.as_primitive::<TimestampMillisecondType>()),
        TimeUnit::Microsecond => all(column.as_primitive::<TimestampMicrosecondType>()),
        TimeUnit::Nanosecond => all(column.as_primitive::<TimestampNanosecondType>()),
    };
    if known {
        return Ok(());
    }
    Err(ArrowError::InvalidArgumentError(format!(
        "column '{}' has a date and time that no calendar has",
        field.name()
    )))
}
