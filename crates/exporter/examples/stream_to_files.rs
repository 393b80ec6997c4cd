//! From a stream of record batches to files, as a program of one's own does it: CSV, compressed, of a megabyte at most,
//! all there or none. `cargo run --example stream_to_files [folder]`

#![expect(clippy::print_stdout, reason = "a program that shows something")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use futures::executor::block_on;
use futures::{Stream, stream};
use stagedoor_exporter::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use stagedoor_exporter::arrow::error::ArrowError;
use stagedoor_exporter::csv::{CsvOptions, Dialect};
use stagedoor_exporter::{Compression, ExportOptions, ExportReport, FileSink, GZIP_LEVEL, export};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let report = run(Path::new(&folder))?;
    for file in report.files {
        let digest = file.digest.unwrap_or_default();
        println!(
            "file {}: {} rows, {} bytes, SHA-256 {digest}",
            file.index, file.rows, file.bytes
        );
    }
    Ok(())
}

pub(crate) fn run(folder: &Path) -> Result<ExportReport, Box<dyn Error>> {
    let schema = batch(0)?.schema();
    let options = ExportOptions::csv(&schema, CsvOptions::dialect(Dialect::Rfc4180))?
        .compression(Compression::Gzip { level: GZIP_LEVEL })?
        .file_bytes_max(1 << 20)?;
    let sink = FileSink::new(folder.join("orders-%03d.csv.gz"))?;
    Ok(block_on(export(batches(), sink, options))?)
}

/// What a query would give.
fn batches() -> impl Stream<Item = Result<RecordBatch, ArrowError>> {
    stream::iter((0..100).map(batch))
}

fn batch(number: i64) -> Result<RecordBatch, ArrowError> {
    let ids = number * 5000..(number + 1) * 5000;
    let notes = ids.clone().map(|id| match id % 7 {
        0 => None,
        _ => Some(format!("\"{id}\", by the customer {}", id * 7919 % 10_007)),
    });
    let notes: ArrayRef = Arc::new(notes.collect::<StringArray>());
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(ids));
    RecordBatch::try_from_iter_with_nullable([("id", ids, false), ("note", notes, true)])
}
