//! A hundred thousand partitions: one file is open at a time, each partition has one file however many threads encode
//! and wherever batches end, and its rows are in it.

use std::io;
use std::sync::{Arc, Mutex};

use arrow::array::*;
use futures::executor::block_on;
use futures::stream;
use stagedoor_exporter::csv::CsvOptions;
use stagedoor_exporter::{ExportOptions, NewFile, Part, PartSink, Partitions, export};

use crate::tables::{column, table};

const PARTITIONS: i64 = 100_000;
/// Of each partition; batches end within partitions.
const ROWS: i64 = 3;
const BATCH_ROWS: i64 = 5_000;

/// The files, and how many of them are open.
#[derive(Default)]
struct Counted {
    open: usize,
    open_max: usize,
    finished: Vec<(Option<Arc<str>>, Vec<u8>)>,
}

#[derive(Clone, Default)]
struct Counting(Arc<Mutex<Counted>>);

struct CountedFile {
    folder: Option<Arc<str>>,
    bytes: Vec<u8>,
    counting: Counting,
}

impl PartSink for Counting {
    type Part = CountedFile;

    fn open(&mut self, file: &NewFile) -> io::Result<CountedFile> {
        assert_eq!(file.number, 0, "a second file of {:?}", file.partition);
        let mut counted = self.0.lock().unwrap();
        counted.open += 1;
        counted.open_max = counted.open_max.max(counted.open);
        Ok(CountedFile {
            folder: file.partition.clone(),
            bytes: Vec::new(),
            counting: self.clone(),
        })
    }
}

impl Part for CountedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self) -> io::Result<()> {
        let mut counted = self.counting.0.lock().unwrap();
        counted.open -= 1;
        counted.finished.push((self.folder, self.bytes));
        Ok(())
    }

    fn abort(self) {
        self.counting.0.lock().unwrap().open -= 1;
    }
}

fn batch(first: i64) -> RecordBatch {
    let rows = || first..(first + BATCH_ROWS).min(PARTITIONS * ROWS);
    table(vec![
        column(
            "k",
            Int64Array::from_iter_values(rows().map(|row| row / ROWS)),
        ),
        column("id", Int64Array::from_iter_values(rows())),
    ])
}

#[test]
fn a_hundred_thousand_have_one_file_each() {
    let partitions = Partitions::new(batch(0).schema_ref(), &[0]).unwrap();
    let options = ExportOptions::csv(&partitions.file_schema(), CsvOptions::default())
        .unwrap()
        .partitioned(partitions)
        .threads(4);
    let counting = Counting::default();
    let firsts = (0..PARTITIONS * ROWS).step_by(BATCH_ROWS as usize);
    let batches = stream::iter(firsts.map(|first| Ok::<_, io::Error>(batch(first))));
    let report = block_on(export(batches, counting.clone(), options)).unwrap();
    assert_eq!(report.rows, (PARTITIONS * ROWS) as u64);
    assert_eq!(report.files.len() as i64, PARTITIONS);
    let counted = counting.0.lock().unwrap();
    assert_eq!((counted.open, counted.open_max), (0, 1));
    assert_eq!(counted.finished.len() as i64, PARTITIONS);
    for ((folder, bytes), k) in counted.finished.iter().zip(0..) {
        assert_eq!(folder.as_deref(), Some(&*format!("k={k}")));
        let first = k * ROWS;
        let rows = format!("id\n{first}\n{}\n{}\n", first + 1, first + 2);
        assert_eq!(String::from_utf8_lossy(bytes), rows);
    }
}
