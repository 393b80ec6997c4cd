//! Memory, counted by the allocator of this program: what an export holds does not grow with its rows, nor what a
//! hundred hold at once; with its files grows only what tells of them.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use futures::executor::block_on;
use futures::future::join_all;
use futures::stream;
use stagedoor_exporter::csv::CsvOptions;
use stagedoor_exporter::{
    Compression, ExportOptions, ExportReport, NewFile, ParquetCompression, Part, PartSink,
    Partitions, export,
};

/// The system's allocator, with a count of what is in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

fn more(bytes: usize) {
    let now = IN_USE.fetch_add(bytes, Ordering::SeqCst) + bytes;
    MOST.fetch_max(now, Ordering::SeqCst);
}

// SAFETY: all calls go to the system's allocator as they come.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        more(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
        IN_USE.fetch_sub(layout.size(), Ordering::SeqCst);
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        more(bytes);
        // SAFETY: the caller's promise.
        let place = unsafe { System.realloc(place, layout, bytes) };
        IN_USE.fetch_sub(layout.size(), Ordering::SeqCst);
        place
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// One test at a time: they share the counters.
static ALONE: Mutex<()> = Mutex::new(());

/// What `run` gives, and how much more than before was in use at most while it ran.
fn most<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = IN_USE.load(Ordering::SeqCst);
    MOST.store(before, Ordering::SeqCst);
    let given = run();
    (given, MOST.load(Ordering::SeqCst) - before)
}

/// Takes bytes and counts them.
#[derive(Clone, Default)]
struct Void(Arc<AtomicUsize>);

impl PartSink for Void {
    type Part = Self;

    fn open(&mut self, _file: &NewFile) -> io::Result<Self> {
        Ok(self.clone())
    }
}

impl Part for Void {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.fetch_add(bytes.len(), Ordering::SeqCst);
        Ok(())
    }

    fn finish(self) -> io::Result<()> {
        Ok(())
    }

    fn abort(self) {}
}

const BATCH_ROWS: i64 = 1000;

/// Rows of about sixty bytes of text.
fn batch() -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..BATCH_ROWS));
    let texts = (0..BATCH_ROWS).map(|at| format!("{:050x}", at * 0x1234_5678_9abc));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    RecordBatch::try_from_iter([("id", ids), ("text", texts)]).unwrap()
}

async fn exported(batch: RecordBatch, batches: usize, options: ExportOptions) -> ExportReport {
    let source = (0..batches).map(|_| Ok::<_, io::Error>(batch.clone()));
    let report = export(stream::iter(source), Void::default(), options);
    report.await.unwrap()
}

/// Three chunks of text are there at a time, of up to twice what a chunk is and in a buffer that has doubled; and the
/// encoder's own room.
#[test]
fn a_hundred_exports_at_once_hold_no_more_than_their_chunks() {
    const EXPORTS: usize = 100;
    const CHUNK_BYTES: u64 = 64 << 10;
    const BYTES_EACH: usize = 3 * 4 * CHUNK_BYTES as usize + (1 << 20);
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let batch = batch();
    let csv = || ExportOptions::csv(batch.schema_ref(), CsvOptions::default()).unwrap();
    let gzip = csv().compression(Compression::Gzip { level: 1 }).unwrap();
    for (options, batches) in [(csv(), 120), (gzip, 20)] {
        let options = options.threads(1).chunk_bytes(CHUNK_BYTES);
        let exports = || {
            let one = |_| exported(batch.clone(), batches, options.clone());
            block_on(join_all((0..EXPORTS).map(one)))
        };
        let (reports, most) = most(exports);
        let rows: u64 = reports.iter().map(|report| report.rows).sum();
        assert_eq!(rows, (EXPORTS * batches) as u64 * BATCH_ROWS as u64);
        assert!(
            most < EXPORTS * BYTES_EACH,
            "{most} bytes for {EXPORTS} exports of {batches} batches"
        );
        if batches == 120 {
            let bytes: u64 = reports.iter().map(|report| report.bytes).sum();
            assert!(bytes as usize > 3 * EXPORTS * BYTES_EACH, "{bytes} bytes");
        }
    }
}

/// Ten times the rows take as much memory, in every format.
#[test]
fn rows_take_no_memory_of_their_own() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let batch = batch();
    let schema = batch.schema();
    let parquet = ExportOptions::parquet(&schema, ParquetCompression::default()).unwrap();
    let csv = ExportOptions::csv(&schema, CsvOptions::default()).unwrap();
    for (options, bytes_max) in [(csv, 8 << 20), (parquet, 16 << 20)] {
        let options = options.threads(2).chunk_bytes(512 << 10);
        let (report, most) = most(|| block_on(exported(batch.clone(), 1500, options)));
        assert_eq!(report.rows, 1_500_000);
        assert!(most < bytes_max, "{most} bytes");
        assert!(batch.get_array_memory_size() * 1500 > bytes_max);
    }
}

/// A report and the names of partitions are all that a hundred thousand files leave in memory, and they go with it.
#[test]
fn a_hundred_thousand_partitions_hold_their_names() {
    const PARTITIONS: usize = 100_000;
    /// In the report and among the names that were, each in a list that has doubled.
    const BYTES_A_FILE: usize = 600;
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..BATCH_ROWS));
    let schema = RecordBatch::try_from_iter([("k", ids.clone()), ("id", ids)]).unwrap();
    let schema = schema.schema();
    let partitions = Partitions::new(&schema, &[0]).unwrap();
    let options = ExportOptions::csv(&partitions.file_schema(), CsvOptions::default())
        .unwrap()
        .partitioned(partitions)
        .threads(2);
    let before = IN_USE.load(Ordering::SeqCst);
    let (report, most) = most(|| {
        let firsts = (0..PARTITIONS as i64).step_by(BATCH_ROWS as usize);
        let batches = firsts.map(|first| {
            let keys = || -> ArrayRef {
                Arc::new(Int64Array::from_iter_values(first..first + BATCH_ROWS))
            };
            let batch = RecordBatch::try_from_iter([("k", keys()), ("id", keys())]);
            batch.map_err(io::Error::other)
        });
        block_on(export(stream::iter(batches), Void::default(), options)).unwrap()
    });
    assert_eq!(report.files.len(), PARTITIONS);
    assert!(most < PARTITIONS * BYTES_A_FILE, "{most} bytes");
    drop(report);
    let left = IN_USE.load(Ordering::SeqCst).saturating_sub(before);
    assert!(left < 1 << 20, "{left} bytes are left");
}
