//! Rows and reports as text: a box for people, CSV and JSON lines for programs.
//! Rows are written as they arrive, in bounded memory, whatever the size of the result.

mod csv;
mod json;
mod report;
mod table;
mod times;
mod vertical;

#[cfg(test)]
mod tests;

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

pub(crate) use self::report::export_report;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A box, as MySQL's client draws it.
    Table,
    /// A line for each column of each row, as MySQL's client for `\G`.
    Vertical,
    /// RFC 4180 with a header; NULL is an empty field, an empty string is `""`.
    Csv,
    /// One JSON object per line (NDJSON); NULL is `null`.
    Json,
}

/// Writes one result set.
#[derive(Debug)]
pub(crate) enum Rows {
    Table(table::TableRows),
    Vertical(vertical::VerticalRows),
    Csv(csv::CsvRows),
    Json(json::JsonRows),
}

impl Rows {
    /// A writer for rows of `schema`.
    pub(crate) fn new(format: Format, schema: &Schema) -> Self {
        match format {
            Format::Table => Self::Table(table::TableRows::new(schema)),
            Format::Vertical => Self::Vertical(vertical::VerticalRows::new(schema)),
            Format::Csv => Self::Csv(csv::CsvRows::new(schema)),
            Format::Json => Self::Json(json::JsonRows::new()),
        }
    }

    /// Writes a batch; a table may hold the first rows back, to find its widths.
    ///
    /// # Errors
    /// Those of `out`, and `InvalidData` for a value that has no text.
    pub(crate) fn write(&mut self, out: &mut dyn Write, batch: &RecordBatch) -> io::Result<()> {
        let batch = times::shown(batch).map_err(invalid)?;
        let batch = batch.as_ref();
        match self {
            Self::Table(rows) => rows.write(out, batch),
            Self::Vertical(rows) => rows.write(out, batch),
            Self::Csv(rows) => rows.write(out, batch),
            Self::Json(rows) => rows.write(out, batch),
        }
    }

    /// Writes what was held back and what closes the result.
    pub(crate) fn finish(self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Table(rows) => rows.finish(out),
            Self::Csv(rows) => rows.finish(out),
            Self::Vertical(_) | Self::Json(_) => Ok(()),
        }
    }
}

/// How values read in tables and CSV: as MySQL writes dates and times.
const VALUE_OPTIONS: FormatOptions<'static> = FormatOptions::new()
    .with_display_error(false)
    .with_date_format(Some("%Y-%m-%d"))
    .with_datetime_format(Some("%Y-%m-%d %H:%M:%S%.f"))
    .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
    .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z"))
    .with_time_format(Some("%H:%M:%S%.f"));

/// One formatter per column of a batch.
fn formatters(batch: &RecordBatch) -> io::Result<Vec<ArrayFormatter<'_>>> {
    let columns = batch.columns().iter();
    columns
        .map(|column| ArrayFormatter::try_new(column, &VALUE_OPTIONS).map_err(invalid))
        .collect()
}

fn invalid(error: ArrowError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
