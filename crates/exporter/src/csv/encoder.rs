//! `CsvEncoder`: built once per schema, it appends record batches to a buffer. It does no I/O,
//! and any number of threads may share one.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use super::column::Column;
use super::options::{CsvOptions, QuotePolicy};
use super::quote::TextRule;
use crate::cells::block_rows;
use crate::cells::context::parse_zone;
use crate::cells::input::{Input, check_width};
use crate::cells::slot::{Block, Slot};
use crate::cells::text::Rule;
use crate::error::EncodeError;
use crate::format::RowEncoder;

/// Writes record batches of one schema as CSV.
#[derive(Debug, Clone)]
pub struct CsvEncoder {
    columns: Vec<Column>,
    header: Vec<u8>,
    line_start: Vec<u8>,
    row_bytes: u64,
    block_rows: usize,
}

impl CsvEncoder {
    /// Chooses a writer for each column.
    ///
    /// # Errors
    /// Options that clash ([`CsvOptions::validate`]), a `force_quote` column or a time zone that does not
    /// exist, a schema without columns, a type without text form, a label that could not be written.
    pub fn new(schema: &Schema, options: CsvOptions) -> Result<Self, EncodeError> {
        options.validate()?;
        if schema.fields().is_empty() {
            return Err(EncodeError::options(
                "a table without columns has no CSV form".to_owned(),
            ));
        }
        if let Some(zone) = &options.time_zone {
            parse_zone(zone, false).map_err(EncodeError::options)?;
        }
        let forced = forced_columns(schema, &options)?;
        let last = schema.fields().len() - 1;
        let tail = |at: usize| {
            if at == last {
                options.lines_terminated.as_bytes()
            } else {
                options.fields_terminated.as_bytes()
            }
        };
        let fields = schema.fields().iter().enumerate();
        let columns = fields
            .map(|(at, field)| Column::new(field, forced[at], tail(at), &options))
            .collect::<Result<Vec<_>, _>>()?;

        let mut header = Vec::new();
        if options.bom {
            header.extend_from_slice("\u{feff}".as_bytes());
        }
        if options.header {
            header.extend_from_slice(options.lines_starting.as_bytes());
            // Labels are enclosed where they need it, in every dialect.
            let labels = CsvOptions {
                quote: if options.quote == QuotePolicy::All {
                    QuotePolicy::All
                } else {
                    QuotePolicy::Needed
                },
                ..options.clone()
            };
            for (at, field) in schema.fields().iter().enumerate() {
                TextRule::new(&labels, false, true, tail(at))
                    .append(field.name().as_bytes(), &mut header)
                    .map_err(|reason| {
                        EncodeError::unsupported(field.name(), format!("its label: {reason}"))
                    })?;
            }
        }
        let affixes = options.lines_starting.len() + options.lines_terminated.len();
        let separators = options.fields_terminated.len().saturating_sub(1) * last;
        Ok(Self {
            block_rows: block_rows(columns.len()),
            row_bytes: (affixes + separators) as u64,
            columns,
            header,
            line_start: options.lines_starting.into_bytes(),
        })
    }

    /// Appends what each file begins with: the byte order mark and the labels, as far as the options have them.
    pub fn header(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.header);
    }

    /// Appends a batch. `first_row` is the number of rows before it, for error messages.
    ///
    /// # Errors
    /// A batch of another schema, or a value that cannot be written; then `out` is as it was.
    pub fn encode(
        &self,
        batch: &RecordBatch,
        first_row: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let begin = out.len();
        let result = self.encode_blocks(batch, first_row, out, None);
        if result.is_err() {
            out.truncate(begin);
        }
        result
    }

    fn encode_blocks(
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
            let line_start = &self.line_start;
            Block {
                slots: &slots,
                stride,
                rows,
                columns,
                spill: &spill,
                borrowed: &borrowed,
                line_start,
            }
            .interleave(out, ends.as_deref_mut());
        }
        Ok(())
    }
}

impl RowEncoder for CsvEncoder {
    fn row_bytes(&self) -> u64 {
        self.row_bytes
    }

    fn head(&self, out: &mut Vec<u8>) {
        self.header(out);
    }

    fn encode_rows(
        &self,
        batch: &RecordBatch,
        first_row: u64,
        out: &mut Vec<u8>,
        ends: Option<&mut Vec<usize>>,
    ) -> Result<(), EncodeError> {
        self.encode_blocks(batch, first_row, out, ends)
    }
}

/// Which columns `force_quote` names.
fn forced_columns(schema: &Schema, options: &CsvOptions) -> Result<Vec<bool>, EncodeError> {
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    let mut forced = vec![false; names.len()];
    for wanted in &options.force_quote {
        if options.enclosed.is_none() {
            return Err(EncodeError::options(
                "FORCE_QUOTE needs an ENCLOSED BY character".to_owned(),
            ));
        }
        let exact = names.contains(&wanted.as_str());
        let is_match = |name: &str| name == wanted || !exact && name.eq_ignore_ascii_case(wanted);
        if !names.iter().any(|name| is_match(name)) {
            return Err(EncodeError::options(format!(
                "FORCE_QUOTE names column '{wanted}', which the query does not give; its columns are {}",
                names.join(", ")
            )));
        }
        for (forced, name) in forced.iter_mut().zip(&names) {
            *forced |= is_match(name);
        }
    }
    Ok(forced)
}
