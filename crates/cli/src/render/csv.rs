//! Rows as CSV by RFC 4180: header, comma, CRLF, quotes only where needed and doubled inside.
//! NULL is an empty field and an empty string is `""`, so that the two stay distinct.

use std::io::{self, Write};

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::Schema;

/// Writes CSV; the header goes out with the first batch, or at the end of an empty result.
#[derive(Debug)]
pub(crate) struct CsvRows {
    header: Option<String>,
}

impl CsvRows {
    pub(super) fn new(schema: &Schema) -> Self {
        let mut header = String::new();
        for (i, field) in schema.fields().iter().enumerate() {
            if i > 0 {
                header.push(',');
            }
            push_field(&mut header, field.name());
        }
        header.push_str("\r\n");
        Self {
            header: Some(header),
        }
    }

    pub(super) fn write(&mut self, out: &mut dyn Write, batch: &RecordBatch) -> io::Result<()> {
        let mut text = self.header.take().unwrap_or_default();
        let formatters = super::formatters(batch)?;
        let nulls: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| column.logical_nulls())
            .collect();
        let mut value = String::new();
        for row in 0..batch.num_rows() {
            for (i, (formatter, nulls)) in formatters.iter().zip(&nulls).enumerate() {
                if i > 0 {
                    text.push(',');
                }
                if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                    continue;
                }
                value.clear();
                formatter
                    .value(row)
                    .write(&mut value)
                    .map_err(super::invalid)?;
                push_field(&mut text, &value);
            }
            text.push_str("\r\n");
        }
        out.write_all(text.as_bytes())
    }

    pub(super) fn finish(self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.header.unwrap_or_default().as_bytes())
    }
}

/// Appends one field, quoted where it must be.
pub(super) fn push_field(text: &mut String, value: &str) {
    if !value.is_empty() && !value.contains([',', '"', '\r', '\n']) {
        text.push_str(value);
        return;
    }
    text.push('"');
    for (i, part) in value.split('"').enumerate() {
        if i > 0 {
            text.push_str("\"\"");
        }
        text.push_str(part);
    }
    text.push('"');
}
