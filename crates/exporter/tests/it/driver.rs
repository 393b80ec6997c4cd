//! The driver: order, failures at every place, cancellation, empty input, bounded memory.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Waker};
use std::time::Duration;

use arrow::array::*;
use arrow::datatypes::SchemaRef;
use futures::executor::block_on;
use futures::stream;
use sha2::{Digest, Sha256};
use stagedoor_exporter::csv::{CsvEncoder, CsvOptions};
use stagedoor_exporter::{
    ExportError, ExportErrorKind, ExportOptions, ExportReport, MemorySink, Progress, export,
};

use crate::tables::{column, table};
use crate::test_sink::{TestSink, Told};

fn batch(start: i64, rows: i64) -> RecordBatch {
    let ids = start..start + rows;
    table(vec![
        column("id", Int64Array::from_iter_values(ids.clone())),
        column(
            "text",
            StringViewArray::from_iter_values(ids.map(|id| format!("the text of row number {id}"))),
        ),
    ])
}

fn schema() -> SchemaRef {
    batch(0, 1).schema()
}

fn options(threads: usize) -> ExportOptions {
    ExportOptions::csv(&schema(), CsvOptions::default())
        .unwrap()
        .threads(threads)
        .chunk_bytes(4096)
}

/// Batches of one, many and no rows, in turn.
fn batches(rows: i64) -> Vec<RecordBatch> {
    let (mut at, mut step, mut batches) = (0, 0, Vec::new());
    while at < rows {
        step += 1;
        let count = [1, 700, 0, 3, 5000][step % 5].min(rows - at);
        batches.push(batch(at, count));
        at += count;
    }
    batches
}

fn expected(rows: i64) -> Vec<u8> {
    let encoder = CsvEncoder::new(&schema(), CsvOptions::default()).unwrap();
    let mut out = Vec::new();
    encoder.header(&mut out);
    encoder.encode(&batch(0, rows), 0, &mut out).unwrap();
    out
}

fn source(batches: Vec<RecordBatch>) -> impl futures::Stream<Item = io::Result<RecordBatch>> {
    stream::iter(batches.into_iter().map(Ok))
}

fn run(sink: TestSink, rows: i64) -> Result<ExportReport, ExportError> {
    block_on(export(source(batches(rows)), sink, options(3)))
}

#[test]
fn order_digest_and_counts_with_any_number_of_threads() {
    let expected = expected(40_000);
    let digest: String = Sha256::digest(&expected)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for threads in [1, 2, 7] {
        let (sink, progress) = (MemorySink::default(), Arc::new(Progress::default()));
        let source = source(batches(40_000));
        let report = block_on(export(
            source,
            sink.clone(),
            options(threads).progress(Arc::clone(&progress)),
        ))
        .unwrap();
        let parts = sink.parts();
        assert_eq!(parts.len(), 1);
        assert!(
            parts[0].1 == expected,
            "the bytes differ with {threads} threads"
        );
        assert_eq!((report.rows, report.bytes), (40_000, expected.len() as u64));
        assert_eq!(report.files[0].digest.as_ref(), Some(&digest));
        assert_eq!(
            (progress.rows(), progress.bytes(), progress.files()),
            (40_000, report.bytes, 1)
        );
    }
}

#[test]
fn an_empty_stream_gives_the_header() {
    let sink = MemorySink::default();
    let report = block_on(export(source(Vec::new()), sink.clone(), options(2))).unwrap();
    assert_eq!(sink.parts(), [(0, b"id,text\n".to_vec())]);
    assert_eq!((report.rows, report.bytes, report.files.len()), (0, 8, 1));
}

#[test]
fn a_sink_that_fails_at_any_byte_is_aborted() {
    // The header's write fails, one in the middle, and the last one.
    for fail_at_byte in [0, 1 << 20, (5 << 20) / 2] {
        let (sink, told) = TestSink::new();
        let error = run(
            TestSink {
                fail_at_byte,
                ..sink
            },
            90_000,
        )
        .unwrap_err();
        assert_eq!(error.kind(), ExportErrorKind::Sink);
        assert_eq!(error.to_string(), "cannot write the file: disk full");
        assert_eq!(
            told.iter().collect::<Vec<_>>(),
            [Told::Opened, Told::Aborted],
            "{fail_at_byte}"
        );
    }
}

#[test]
fn a_sink_that_does_not_open_or_finish() {
    let (sink, told) = TestSink::new();
    let error = run(
        TestSink {
            fail_open: true,
            ..sink
        },
        9000,
    )
    .unwrap_err();
    assert_eq!(
        (error.kind(), told.iter().count()),
        (ExportErrorKind::Sink, 0)
    );
    let (sink, told) = TestSink::new();
    let error = run(
        TestSink {
            fail_finish: true,
            ..sink
        },
        9000,
    )
    .unwrap_err();
    assert_eq!(
        (error.kind(), told.iter().count()),
        (ExportErrorKind::Sink, 1)
    );
}

#[test]
fn a_sink_that_panics_is_an_error() {
    let (sink, told) = TestSink::new();
    let error = run(
        TestSink {
            panic: true,
            ..sink
        },
        9000,
    )
    .unwrap_err();
    assert_eq!(error.kind(), ExportErrorKind::Internal);
    assert!(
        error.to_string().contains("the sink's own defect"),
        "{error}"
    );
    drop(told);
}

#[test]
fn a_source_that_fails_at_any_batch() {
    for good in [0, 1, 50] {
        let mut items: Vec<io::Result<RecordBatch>> =
            batches(60_000).into_iter().take(good).map(Ok).collect();
        items.push(Err(io::Error::other("the scan broke")));
        let (sink, told) = TestSink::new();
        let error = block_on(export(stream::iter(items), sink, options(2))).unwrap_err();
        assert_eq!(error.kind(), ExportErrorKind::Source);
        assert!(error.to_string().contains("the scan broke"));
        assert_eq!(told.iter().last(), Some(Told::Aborted));
    }
}

#[test]
fn a_value_that_cannot_be_written() {
    let csv = with!(CsvOptions::default(), enclosed: None,
        escaped: None);
    let bad = table(vec![column(
        "t",
        StringArray::from(vec!["good", "bad,bad"]),
    )]);
    let good = table(vec![column("t", StringArray::from(vec!["good"; 5000]))]);
    let options = ExportOptions::csv(&bad.schema(), csv)
        .unwrap()
        .threads(2)
        .chunk_bytes(4096);
    let (sink, told) = TestSink::new();
    let source = source(vec![good.clone(), bad, good]);
    let error = block_on(export(source, sink, options)).unwrap_err();
    assert_eq!(error.kind(), ExportErrorKind::Encode);
    let row = error
        .encode_error()
        .and_then(stagedoor_exporter::EncodeError::row);
    assert_eq!(row, Some(5001));
    assert_eq!(told.iter().last(), Some(Told::Aborted));
}

#[test]
fn a_dropped_future_aborts_the_part_and_ends_the_threads() {
    let (sink, told) = TestSink::new();
    // The stream gives some batches, and then never anything again.
    let source = futures::StreamExt::chain(source(batches(60_000)), stream::pending());
    let mut future = Box::pin(export(source, sink, options(2)));
    assert_eq!(told.try_recv().ok(), None);
    while told.try_recv() != Ok(Told::Opened) {
        assert!(
            future
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
    }
    drop(future);
    assert_eq!(
        told.recv_timeout(Duration::from_secs(20)),
        Ok(Told::Aborted)
    );
    // The senders are gone when the sink and its part are: the writer thread holds nothing more.
    assert_eq!(
        told.recv_timeout(Duration::from_secs(20)),
        Err(mpsc::RecvTimeoutError::Disconnected)
    );
}

#[test]
fn a_stalled_sink_stops_the_source() {
    let (sink, _told) = TestSink::new();
    let gate = Arc::clone(&sink.gate);
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    // Batches of about 300 KB of text, in chunks of as much.
    let source = stream::iter((0..200).map(move |at| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok::<_, io::Error>(batch(at * 8000, 8000))
    }));
    let options = options(2).chunk_bytes(256 << 10);
    let closed = gate.lock().unwrap();
    let mut future = pin!(export(source, sink, options));
    // Polls until the driver has had nothing to do for a long while.
    let (mut idle, mut before) = (0, 0);
    while idle < 300 {
        assert!(
            future
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
        let now = taken.load(Ordering::SeqCst);
        idle = if now == before { idle + 1 } else { 0 };
        before = now;
        std::thread::sleep(Duration::from_millis(1));
    }
    // Four chunks are in flight, one is being collected, one batch is being cut.
    assert!((4..=8).contains(&before), "{before} batches were taken");
    drop(closed);
    let report = block_on(future).unwrap();
    assert_eq!(report.rows, 200 * 8000);
}

#[test]
fn the_future_can_move_between_threads() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let future = is_send(export(
        source(batches(10)),
        MemorySink::default(),
        options(1),
    ));
    assert_eq!(block_on(future).unwrap().rows, 10);
}
