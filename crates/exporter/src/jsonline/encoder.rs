//! `JsonLineEncoder`: built once per schema, it appends record batches to a buffer. It does no I/O, and any number of
//! threads may share one.

use std::collections::HashSet;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use super::column::Column;
use crate::cells::block_rows;
use crate::cells::context::{Context, parse_zone};
use crate::cells::input::{Input, check_width};
use crate::cells::slot::{Block, Keys, Slot};
use crate::error::EncodeError;
use crate::format::RowEncoder;

/// What decides the bytes of a file of JSON lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct JsonLineOptions {
    /// The zone (`Europe/Berlin`, `+02:00`, `UTC`) in which timestamps with a zone are written;
    /// without it each column's own zone.
    pub time_zone: Option<String>,
}

/// Writes record batches of one schema as JSON lines.
#[derive(Debug, Clone)]
pub struct JsonLineEncoder {
    columns: Vec<Column>,
    keys: Keys,
    block_rows: usize,
}

impl JsonLineEncoder {
    /// Chooses a writer for each column.
    ///
    /// # Errors
    /// A time zone that does not exist, a schema without columns or with two of one label, a type without a form in
    /// JSON.
    pub fn new(schema: &Schema, options: &JsonLineOptions) -> Result<Self, EncodeError> {
        if schema.fields().is_empty() {
            return Err(EncodeError::options(
                "a table without columns has no form in JSON lines".to_owned(),
            ));
        }
        if let Some(zone) = &options.time_zone {
            parse_zone(zone, false).map_err(EncodeError::options)?;
        }
        let mut labels = HashSet::new();
        if let Some(field) = schema
            .fields()
            .iter()
            .find(|field| !labels.insert(field.name()))
        {
            return Err(EncodeError::unsupported(
                field.name(),
                "two columns have this label, and an object in JSON has each key once; AS gives one another"
                    .to_owned(),
            ));
        }
        let context = Context {
            time_zone: options.time_zone.as_deref(),
            zone_offset: false,
        };
        let columns = schema
            .fields()
            .iter()
            .map(|field| Column::new(field, &context))
            .collect::<Result<Vec<_>, _>>()?;
        let keys = columns.iter().enumerate().map(|(at, column)| {
            let opening = if at == 0 { "{" } else { "," };
            (
                format!("{opening}{}:{}", column.key, column.quote()),
                format!("{opening}{}:null", column.key),
            )
        });
        Ok(Self {
            keys: Keys::new(keys, "}\n"),
            block_rows: block_rows(columns.len()),
            columns,
        })
    }

    /// Appends a batch. `first_row` is the number of rows before it, for error messages.
    ///
    /// # Errors
    /// A batch of another schema, or a value that has no form in JSON; then `out` is as it was.
    pub fn encode(
        &self,
        batch: &RecordBatch,
        first_row: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let begin = out.len();
        let result = self.encode_rows(batch, first_row, out, None);
        if result.is_err() {
            out.truncate(begin);
        }
        result
    }
}

impl RowEncoder for JsonLineEncoder {
    fn row_bytes(&self) -> u64 {
        let keys = self.columns.iter().map(|column| column.key.len() + 4);
        keys.sum::<usize>() as u64
    }

    fn head(&self, _out: &mut Vec<u8>) {}

    fn encode_rows(
        &self,
        batch: &RecordBatch,
        first_row: u64,
        out: &mut Vec<u8>,
        mut ends: Option<&mut Vec<usize>>,
    ) -> Result<(), EncodeError> {
        let (columns, stride) = (self.columns.len(), self.block_rows.min(batch.num_rows()));
        check_width(batch, columns)?;
        if stride == 0 {
            return Ok(());
        }
        let inputs = self.columns.iter().zip(batch.columns());
        let inputs = inputs
            .map(|(column, array)| Input::new(&column.name, &column.data_type, array))
            .collect::<Result<Vec<_>, _>>()?;
        let mut slots = vec![Slot::EMPTY; columns * stride];
        let mut spill = Vec::new();
        let mut borrowed = Vec::new();
        for at in (0..batch.num_rows()).step_by(stride) {
            let rows = stride.min(batch.num_rows() - at);
            spill.clear();
            borrowed.clear();
            let lanes = slots.chunks_mut(stride);
            for ((column, input), lane) in self.columns.iter().zip(&inputs).zip(lanes) {
                column
                    .fill(input, at, &mut lane[..rows], &mut spill, &mut borrowed)
                    .map_err(|(row, reason)| {
                        EncodeError::value(first_row + (at + row) as u64, &column.name, reason)
                    })?;
            }
            Block {
                slots: &slots,
                stride,
                rows,
                columns,
                spill: &spill,
                borrowed: &borrowed,
                line_start: &[],
            }
            .interleave_keyed(&self.keys, out, ends.as_deref_mut());
        }
        Ok(())
    }
}
