//! Rows as JSON lines: one object per row, columns in the result's order, NULL as `null`.
//! Integers and decimals keep all their digits; binary is hexadecimal; times are RFC 3339.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::json::WriterBuilder;
use arrow::json::writer::LineDelimited;

/// Writes JSON lines. It keeps nothing from batch to batch.
#[derive(Debug)]
pub(crate) struct JsonRows;

impl JsonRows {
    pub(super) fn new() -> Self {
        Self
    }

    pub(super) fn write(&mut self, out: &mut dyn Write, batch: &RecordBatch) -> io::Result<()> {
        let mut writer = WriterBuilder::new()
            .with_explicit_nulls(true)
            .build::<_, LineDelimited>(Vec::new());
        writer.write(batch).map_err(super::invalid)?;
        writer.finish().map_err(super::invalid)?;
        out.write_all(&writer.into_inner())
    }
}
