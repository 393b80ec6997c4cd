//! The sinks that are ready: what is seen of an export that ends well, and that nothing is of one that fails, is
//! cancelled or cannot be published.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use arrow::array::*;
use futures::executor::block_on;
use futures::{StreamExt, stream};
use stagedoor_exporter::csv::CsvOptions;
use stagedoor_exporter::{
    ExportError, ExportErrorKind, ExportOptions, ExportReport, FilePart, FileSink, MemorySink,
    NewFile, PartSink, Partitions, Progress, WriteSink, export,
};
use tempfile::TempDir;

use crate::files::written;
use crate::tables::{column, table};

/// Rows of three shops.
fn batch() -> RecordBatch {
    let shops = Int32Array::from_iter_values((0..60).map(|at| at / 20));
    table(vec![
        column("shop", shops),
        column("id", Int64Array::from_iter_values(0..60)),
    ])
}

/// Several files, a few rows at a time.
fn split() -> ExportOptions {
    ExportOptions::csv(batch().schema_ref(), CsvOptions::default())
        .unwrap()
        .file_bytes_max(100)
        .unwrap()
        .threads(2)
        .chunk_bytes(20)
}

fn partitioned() -> ExportOptions {
    let partitions = Partitions::new(batch().schema_ref(), &[0]).unwrap();
    ExportOptions::csv(&partitions.file_schema(), CsvOptions::default())
        .unwrap()
        .partitioned(partitions)
}

fn batches() -> Vec<io::Result<RecordBatch>> {
    (0..6).map(|at| Ok(batch().slice(at * 10, 10))).collect()
}

fn run(sink: impl PartSink + 'static, options: ExportOptions) -> Result<ExportReport, ExportError> {
    block_on(export(stream::iter(batches()), sink, options))
}

/// The same with a source that breaks at its end.
fn fail(sink: impl PartSink + 'static, options: ExportOptions) -> ExportError {
    let mut batches = batches();
    batches.push(Err(io::Error::other("the scan broke")));
    block_on(export(stream::iter(batches), sink, options)).unwrap_err()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// What is in a folder and below, hidden names too, with its bytes.
fn found(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_owned();
            if path.is_dir() {
                found.push((name, Vec::new()));
                folders.push(path);
            } else {
                found.push((name, fs::read(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn assert_empty(folder: &Path) {
    let found = found(folder);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn files_have_their_names_and_bytes() {
    let folder = folder();
    let report = run(
        FileSink::new(folder.path().join("x-%02d.csv")).unwrap(),
        split(),
    );
    let (expected, bytes) = written(split(), vec![batch()]);
    assert_eq!(report.unwrap(), expected);
    assert!(bytes.len() > 2);
    let expected = bytes.into_iter().enumerate();
    let expected = expected.map(|(at, bytes)| (PathBuf::from(format!("x-{at:02}.csv")), bytes));
    assert_eq!(found(folder.path()), expected.collect::<Vec<_>>());
}

#[test]
fn partitions_have_folders() {
    let folder = folder();
    run(
        FileSink::new(folder.path().join("x.csv")).unwrap(),
        partitioned(),
    )
    .unwrap();
    let names: Vec<_> = found(folder.path())
        .into_iter()
        .map(|file| file.0)
        .collect();
    let wanted = [
        "shop=0",
        "shop=0/x.csv",
        "shop=1",
        "shop=1/x.csv",
        "shop=2",
        "shop=2/x.csv",
    ];
    assert_eq!(names, wanted.map(PathBuf::from));
}

#[test]
fn one_name_is_for_one_file() {
    let folder = folder();
    let error = run(FileSink::new(folder.path().join("x.csv")).unwrap(), split()).unwrap_err();
    assert_eq!(error.kind(), ExportErrorKind::Sink);
    assert!(error.to_string().contains("'x.csv' is one name"), "{error}");
    assert_empty(folder.path());
}

#[test]
fn nothing_is_left_of_an_export_that_fails() {
    let folder = folder();
    for options in [split(), partitioned()] {
        let progress = Arc::new(Progress::default());
        let sink = FileSink::new(folder.path().join("x-%d.csv")).unwrap();
        let error = fail(sink, options.progress(Arc::clone(&progress)));
        assert_eq!(error.kind(), ExportErrorKind::Source, "{error}");
        assert_empty(folder.path());
    }
}

/// Some files are finished, one is open, and nobody waits any more.
#[test]
fn nothing_is_left_of_an_export_that_is_dropped() {
    let folder = folder();
    let progress = Arc::new(Progress::default());
    // None has begun.
    block_on(progress.ended());
    let source = stream::iter(batches()).chain(stream::pending());
    let sink = FileSink::new(folder.path().join("x-%d.csv")).unwrap();
    let options = split().progress(Arc::clone(&progress));
    let mut future = Box::pin(export(source, sink, options));
    while progress.files() < 2 {
        let mut context = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
        std::thread::yield_now();
    }
    assert!(!found(folder.path()).is_empty());
    drop(future);
    block_on(progress.ended());
    assert_empty(folder.path());
}

#[test]
fn a_name_that_is_taken_is_left_alone_or_replaced() {
    let folder = folder();
    let path = folder.path().join("x.csv");
    fs::write(&path, "somebody else's").unwrap();
    let whole = || ExportOptions::csv(batch().schema_ref(), CsvOptions::default()).unwrap();
    let error = run(FileSink::new(&path).unwrap(), whole()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("cannot open the file"), "{text}");
    assert!(
        text.ends_with("x.csv: it is there already, and only a replacing sink replaces it"),
        "{text}"
    );
    assert_eq!(fs::read(&path).unwrap(), b"somebody else's");
    // One that fails replaces nothing.
    fail(FileSink::new(&path).unwrap().replacing(), whole());
    assert_eq!(fs::read(&path).unwrap(), b"somebody else's");
    run(FileSink::new(&path).unwrap().replacing(), whole()).unwrap();
    let (_, bytes) = written(whole(), vec![batch()]);
    assert_eq!(
        found(folder.path()),
        [(PathBuf::from("x.csv"), bytes[0].clone())]
    );
}

/// Somebody takes a name after it was looked at.
struct Late {
    sink: FileSink,
    taken: PathBuf,
}

impl PartSink for Late {
    type Part = FilePart;

    fn open(&mut self, file: &NewFile) -> io::Result<FilePart> {
        self.sink.open(file)
    }

    fn finish(&mut self) -> io::Result<()> {
        fs::create_dir_all(self.taken.parent().unwrap())?;
        fs::write(&self.taken, "somebody else's")?;
        self.sink.finish()
    }
}

#[test]
fn files_that_cannot_all_be_published_are_none() {
    for (options, taken, stays) in [
        (split(), "x-1.csv", vec!["x-1.csv"]),
        (
            partitioned(),
            "shop=2/x-0.csv",
            vec!["shop=2", "shop=2/x-0.csv"],
        ),
    ] {
        let folder = folder();
        let late = Late {
            sink: FileSink::new(folder.path().join("x-%d.csv")).unwrap(),
            taken: folder.path().join(taken),
        };
        let error = run(late, options).unwrap_err();
        assert_eq!(error.kind(), ExportErrorKind::Sink);
        let text = error.to_string();
        assert!(text.contains("cannot publish the files"), "{text}");
        assert!(text.contains(taken), "{text}");
        let left: Vec<_> = found(folder.path());
        let names: Vec<_> = left.iter().map(|file| file.0.clone()).collect();
        assert_eq!(
            names,
            stays.into_iter().map(PathBuf::from).collect::<Vec<_>>()
        );
        assert_eq!(left.last().unwrap().1, b"somebody else's");
    }
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = folder();
    let sink = FileSink::new(folder.path().join("none/x.csv")).unwrap();
    let error = run(sink, split()).unwrap_err().to_string();
    assert!(error.contains("none"), "{error}");
}

#[cfg(unix)]
#[test]
fn files_are_for_whom_new_files_are() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let mode = |name: &str| {
        let metadata = fs::metadata(folder.path().join(name)).unwrap();
        metadata.permissions().mode()
    };
    fs::write(folder.path().join("other"), "").unwrap();
    run(
        FileSink::new(folder.path().join("x-%d.csv")).unwrap(),
        split(),
    )
    .unwrap();
    assert_eq!(mode("x-0.csv"), mode("other"));
}

/// Keeps what it gets, and whether it was flushed.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<(Vec<u8>, bool)>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().1 = true;
        Ok(())
    }
}

#[test]
fn a_writer_gets_one_file() {
    let whole = || ExportOptions::csv(batch().schema_ref(), CsvOptions::default()).unwrap();
    let (_, bytes) = written(whole(), vec![batch()]);
    let kept = Kept::default();
    run(WriteSink::new(kept.clone()), whole()).unwrap();
    assert_eq!(*kept.0.lock().unwrap(), (bytes[0].clone(), true));
    // One that fails is not flushed, which is all that can be done.
    let kept = Kept::default();
    fail(WriteSink::new(kept.clone()), whole());
    assert!(!kept.0.lock().unwrap().1);
    let error = run(WriteSink::new(Kept::default()), split()).unwrap_err();
    assert!(
        error.to_string().contains("a writer takes one file"),
        "{error}"
    );
}

#[test]
fn memory_shows_what_is_whole() {
    let sink = MemorySink::default();
    fail(sink.clone(), split());
    assert!(sink.parts().is_empty());
    let report = run(sink.clone(), split()).unwrap();
    assert_eq!(sink.parts().len(), report.files.len());
}

#[test]
fn a_digest_is_there_unless_it_is_not_wanted() {
    let (report, _) = written(split(), vec![batch()]);
    assert!(report.files.iter().all(|file| file.digest.is_some()));
    let options = split().without_digest();
    assert_eq!(options.in_force()["digest"], "none");
    let (report, files) = written(options, vec![batch()]);
    assert!(report.files.iter().all(|file| file.digest.is_none()));
    assert_eq!(files, written(split(), vec![batch()]).1);
}
