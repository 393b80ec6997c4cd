//! A sink that fails at any byte, of any kind of export: an error that says so, and every file that was opened is aborted
//! or, if it was whole before, finished; none is forgotten.

use std::io;
use std::sync::{Arc, Mutex};

use arrow::array::*;
use arrow::datatypes::SchemaRef;
use futures::executor::block_on;
use futures::stream;
use stagedoor_exporter::csv::CsvOptions;
use stagedoor_exporter::jsonline::JsonLineOptions;
use stagedoor_exporter::{
    ArrowCompression, Compression, ExportErrorKind, ExportOptions, ExportReport, NewFile,
    ParquetCompression, Part, PartSink, Partitions, Recipients, export,
};

use crate::tables::{column, table};

/// What became of the files of an export, by their numbers, and how many bytes there were in all.
#[derive(Debug, Default, PartialEq)]
struct Told {
    bytes: usize,
    open: Vec<u32>,
    finished: Vec<u32>,
    aborted: Vec<u32>,
}

/// Has room for so many bytes, as a disk has.
#[derive(Clone)]
struct Disk {
    room: usize,
    told: Arc<Mutex<Told>>,
}

struct File {
    index: u32,
    disk: Disk,
}

impl PartSink for Disk {
    type Part = File;

    fn open(&mut self, file: &NewFile) -> io::Result<File> {
        self.told.lock().unwrap().open.push(file.index);
        Ok(File {
            index: file.index,
            disk: self.clone(),
        })
    }
}

impl File {
    fn ends(&self, how: impl FnOnce(&mut Told) -> &mut Vec<u32>) {
        let mut told = self.disk.told.lock().unwrap();
        how(&mut told).push(self.index);
        let at = told.open.iter().position(|index| *index == self.index);
        told.open.remove(at.expect("a file ends once"));
    }
}

impl Part for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut told = self.disk.told.lock().unwrap();
        told.bytes += bytes.len();
        match told.bytes > self.disk.room {
            true => Err(io::Error::new(io::ErrorKind::StorageFull, "disk full")),
            false => Ok(()),
        }
    }

    fn finish(self) -> io::Result<()> {
        self.ends(|told| &mut told.finished);
        Ok(())
    }

    fn abort(self) {
        self.ends(|told| &mut told.aborted);
    }
}

/// Nobody has its identity.
const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

fn rows() -> RecordBatch {
    let texts = (0..40).map(|at| format!("the text of row {at}"));
    table(vec![
        column(
            "shop",
            Int32Array::from_iter_values((0..40).map(|at| at / 14)),
        ),
        column("id", Int64Array::from_iter_values(0..40)),
        column("text", StringArray::from_iter_values(texts)),
    ])
}

/// Every format, with every compression of it.
fn forms(schema: &SchemaRef) -> Vec<(String, ExportOptions)> {
    let mut forms = Vec::new();
    for compression in [
        Compression::None,
        Compression::Gzip { level: 6 },
        Compression::GzipSingle { level: 6 },
        Compression::Zstd { level: 3 },
    ] {
        let csv = ExportOptions::csv(schema, CsvOptions::default()).unwrap();
        let json = ExportOptions::jsonline(schema, &JsonLineOptions::default()).unwrap();
        for (name, options) in [("CSV", csv), ("JSONLINE", json)] {
            let options = options.compression(compression).unwrap();
            forms.push((format!("{name} {compression:?}"), options));
        }
    }
    for compression in [
        ParquetCompression::None,
        ParquetCompression::Snappy,
        ParquetCompression::Zstd { level: 1 },
    ] {
        let options = ExportOptions::parquet(schema, compression).unwrap();
        forms.push((format!("Parquet {compression:?}"), options));
    }
    for compression in [
        ArrowCompression::None,
        ArrowCompression::Lz4,
        ArrowCompression::Zstd { level: 1 },
    ] {
        let options = ExportOptions::arrow(schema, compression).unwrap();
        forms.push((format!("Arrow {compression:?}"), options));
    }
    let encrypted = ExportOptions::csv(schema, CsvOptions::default())
        .unwrap()
        .encrypted(Recipients::parse(RECIPIENT).unwrap())
        .unwrap();
    forms.push(("CSV encrypted".to_owned(), encrypted));
    forms
}

fn run(
    options: &ExportOptions,
    batch: &RecordBatch,
    room: usize,
) -> (Result<ExportReport, stagedoor_exporter::ExportError>, Told) {
    let disk = Disk {
        room,
        told: Arc::default(),
    };
    let told = Arc::clone(&disk.told);
    // Some rows at a time, so that there is more than one chunk.
    let batches = (0..4).map(|at| Ok::<_, io::Error>(batch.slice(at * 10, 10)));
    let result = block_on(export(stream::iter(batches), disk, options.clone()));
    let told = std::mem::take(&mut *told.lock().unwrap());
    (result, told)
}

fn fails_at_every_byte(what: &str, options: &ExportOptions, batch: &RecordBatch, files: usize) {
    let (whole, told) = run(options, batch, usize::MAX);
    assert_eq!(whole.unwrap().rows, 40, "{what}");
    assert_eq!((told.open.len(), told.aborted.len()), (0, 0), "{what}");
    assert!(told.finished.len() >= files, "{what}: {told:?}");
    // Every byte of plain text; of the others some hundreds, for each costs as much as an export.
    let step = match what.contains(" None")
        && !what.starts_with("Parquet")
        && !what.starts_with("Arrow")
    {
        true => 1,
        false => told.bytes.div_ceil(250),
    };
    for room in (0..told.bytes).step_by(step) {
        let (result, told) = run(options, batch, room);
        let error = result.expect_err(what);
        assert_eq!(
            error.kind(),
            ExportErrorKind::Sink,
            "{what}, {room}: {error}"
        );
        assert!(error.to_string().contains("disk full"), "{what}: {error}");
        assert_eq!(told.open, Vec::<u32>::new(), "{what}, {room}: {told:?}");
        assert!(!told.aborted.is_empty(), "{what}, {room}: {told:?}");
    }
}

#[test]
fn one_file() {
    let batch = rows();
    for (what, options) in forms(batch.schema_ref()) {
        fails_at_every_byte(&what, &options.threads(2).chunk_bytes(200), &batch, 1);
    }
}

#[test]
fn files_of_a_size() {
    let batch = rows();
    for (what, options) in forms(batch.schema_ref()) {
        let (whole, _) = run(&options, &batch, usize::MAX);
        let half = whole.unwrap().bytes / 2 + 1;
        // A Parquet or Arrow file of a few rows is mostly what every one of them has.
        let limit = match what.starts_with("Parquet") || what.starts_with("Arrow") {
            true => half * 2,
            false => half.max(500),
        };
        let split = options
            .file_bytes_max(limit)
            .unwrap()
            .threads(2)
            .chunk_bytes(200);
        fails_at_every_byte(&format!("{what} split"), &split, &batch, 1);
    }
}

#[test]
fn a_file_for_each_partition() {
    let batch = rows();
    let partitions = Partitions::new(batch.schema_ref(), &[0]).unwrap();
    for (what, options) in forms(&partitions.file_schema()) {
        let options = options
            .partitioned(partitions.clone())
            .threads(2)
            .chunk_bytes(200);
        fails_at_every_byte(&format!("{what} partitioned"), &options, &batch, 3);
    }
}
