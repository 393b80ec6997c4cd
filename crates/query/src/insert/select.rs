//! INSERT … SELECT: a query's batches as batches of the table's columns, with VALUES' checks.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Float64Type, SchemaRef};

use super::numbers::Numbering;
use super::target::{Fill, Slots};
use super::values::numbered;
use crate::convert::{Cell, ColumnWriter, column_of, to_text};
use crate::error::{Error, from_arrow, from_datafusion};

/// Converts batch after batch, counting rows.
pub(super) struct Converter {
    schema: SchemaRef,
    slots: Slots,
    numbering: Arc<Numbering>,
    rows_before: u64,
    /// Set once an error has been given: nothing follows it.
    pub(super) failed: bool,
}

impl Converter {
    pub(super) fn new(schema: SchemaRef, slots: Slots, numbering: Arc<Numbering>) -> Self {
        Self {
            schema,
            slots,
            numbering,
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
                Some(array) if !slot.numbered => column_of(array, field, Some(self.rows_before))?,
                Some(array) => {
                    let doubles = array.as_primitive_opt::<Float64Type>();
                    let text = to_text(array).map_err(from_datafusion)?;
                    let text = text.as_string::<i32>();
                    self.fill(field, rows, true, |row| {
                        if array.is_null(row) || text.is_null(row) {
                            Cell::Null
                        } else if let Some(doubles) = doubles {
                            Cell::Double(doubles.value(row))
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
                writer.push(Cell::Text(&numbered(cell(row), &self.numbering)), at)?;
            } else {
                writer.push(cell(row), at)?;
            }
        }
        writer.finish()
    }
}
