//! INSERT … SELECT: a query's batches as batches of the table's columns, with VALUES' checks.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Field, SchemaRef};

use super::target::{Fill, Slots};
use super::values::numbered;
use super::{Cell, ColumnWriter};
use crate::error::{Error, from_arrow, from_datafusion};

/// Converts batch after batch, counting rows.
pub(super) struct Converter {
    schema: SchemaRef,
    slots: Slots,
    next_number: Arc<AtomicU64>,
    rows_before: u64,
    /// Set once an error has been given: nothing follows it.
    pub(super) failed: bool,
}

impl Converter {
    pub(super) fn new(schema: SchemaRef, slots: Slots, next_number: Arc<AtomicU64>) -> Self {
        Self {
            schema,
            slots,
            next_number,
            rows_before: 0,
            failed: false,
        }
    }

    pub(super) fn convert(&mut self, batch: &RecordBatch) -> Result<RecordBatch, Error> {
        let rows = batch.num_rows();
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for (field, slot) in self.schema.fields().iter().zip(&self.slots.0) {
            let source = slot.source.map(|index| batch.column(index));
            columns.push(match source {
                Some(array) if !slot.numbered => array_to(array, field, self.rows_before)?,
                Some(array) => {
                    let text = crate::functions::to_text(array).map_err(from_datafusion)?;
                    let text = text.as_string::<i32>();
                    self.fill(field, rows, true, |row| {
                        if text.is_null(row) {
                            Cell::Null
                        } else {
                            Cell::Text(text.value(row))
                        }
                    })?
                }
                None => {
                    let cell = slot.fill.as_ref().map_or(Cell::Null, Fill::cell);
                    self.fill(field, rows, slot.numbered, |_| cell)?
                }
            });
        }
        self.rows_before += rows as u64;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(from_arrow)
    }

    fn fill<'a>(
        &self,
        field: &Field,
        rows: usize,
        number: bool,
        cell: impl Fn(usize) -> Cell<'a>,
    ) -> Result<ArrayRef, Error> {
        let mut writer = ColumnWriter::new(field)?;
        for row in 0..rows {
            let at = self.rows_before + row as u64 + 1;
            if number {
                writer.push(Cell::Text(&numbered(cell(row), &self.next_number)), at)?;
            } else {
                writer.push(cell(row), at)?;
            }
        }
        writer.finish()
    }
}

/// An array as a column of `field`; `rows_before` is for the row numbers of messages.
fn array_to(array: &ArrayRef, field: &Field, rows_before: u64) -> Result<ArrayRef, Error> {
    let mut writer = ColumnWriter::new(field)?;
    if writer.takes_all()
        && same_kind(array.data_type(), field.data_type())
        && (field.is_nullable() || array.null_count() == 0)
    {
        let cast = cast_with_options(
            array,
            field.data_type(),
            &CastOptions {
                safe: true,
                ..CastOptions::default()
            },
        )
        .map_err(from_arrow)?;
        // A value that does not fit became NULL; the slow way names it.
        if cast.null_count() == array.null_count() {
            return Ok(cast);
        }
    }
    let row = |row: usize| rows_before + row as u64 + 1;
    match array.data_type() {
        DataType::Null => (0..array.len()).try_for_each(|at| writer.push(Cell::Null, row(at)))?,
        DataType::Boolean => {
            for (at, value) in array.as_boolean().iter().enumerate() {
                writer.push(value.map_or(Cell::Null, Cell::Bool), row(at))?;
            }
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            let bytes = cast(array, &DataType::Binary).map_err(from_arrow)?;
            for (at, value) in bytes.as_binary::<i32>().iter().enumerate() {
                writer.push(value.map_or(Cell::Null, Cell::Bytes), row(at))?;
            }
        }
        _ => {
            let text = crate::functions::to_text(array).map_err(from_datafusion)?;
            for (at, value) in text.as_string::<i32>().iter().enumerate() {
                writer.push(value.map_or(Cell::Null, Cell::Text), row(at))?;
            }
        }
    }
    writer.finish()
}

/// Whether Arrow's cast means what MySQL's assignment does. Not so where fractions are dropped.
fn same_kind(from: &DataType, to: &DataType) -> bool {
    let text = |data_type: &DataType| {
        matches!(
            data_type,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
        )
    };
    let bytes = |data_type: &DataType| {
        matches!(
            data_type,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView
        )
    };
    let decimal = |data_type: &DataType| {
        matches!(
            data_type,
            DataType::Decimal128(..) | DataType::Decimal256(..)
        )
    };
    from == to
        || from.is_integer() && (to.is_integer() || decimal(to) || to == &DataType::Float64)
        || decimal(from) && decimal(to)
        || from.is_floating() && to == &DataType::Float64
        || text(from) && text(to)
        || bytes(from) && bytes(to)
        || from == &DataType::Date32 && matches!(to, DataType::Timestamp(..))
}
