//! Rows one below the other, a line for each column: as MySQL's client shows them for `\G`. Nothing is held back.

use std::io::{self, Write};

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::Schema;
use unicode_width::UnicodeWidthStr;

use crate::output::printable;

/// What stands on both sides of a row's number.
const STARS: &str = "***************************";

/// Writes rows as lists of their columns.
#[derive(Debug)]
pub(crate) struct VerticalRows {
    /// To the right, so that the colons stand below each other.
    names: Vec<String>,
    written: u64,
}

impl VerticalRows {
    pub(super) fn new(schema: &Schema) -> Self {
        let fields = schema.fields().iter();
        let names: Vec<String> = fields
            .map(|field| printable(field.name(), &[]).into_owned())
            .collect();
        let width = names.iter().map(|name| name.width()).max().unwrap_or(0);
        let names = names.into_iter().map(|name| {
            let blanks = " ".repeat(width - name.width());
            format!("{blanks}{name}")
        });
        Self {
            names: names.collect(),
            written: 0,
        }
    }

    pub(super) fn write(&mut self, out: &mut dyn Write, batch: &RecordBatch) -> io::Result<()> {
        let formatters = super::formatters(batch)?;
        let nulls: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| column.logical_nulls())
            .collect();
        for row in 0..batch.num_rows() {
            self.written += 1;
            writeln!(out, "{STARS} {}. row {STARS}", self.written)?;
            for ((name, formatter), nulls) in self.names.iter().zip(&formatters).zip(&nulls) {
                if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                    writeln!(out, "{name}: NULL")?;
                    continue;
                }
                let value = formatter.value(row).try_to_string();
                let value = value.map_err(super::invalid)?;
                writeln!(out, "{name}: {}", printable(&value, &['\n']))?;
            }
        }
        Ok(())
    }
}
