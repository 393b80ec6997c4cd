//! Files: compressed, and split at a hard limit. Whatever the limit, the rows are all there, in their order, and no
//! file is larger unless it has one row alone.

use std::io::Read;

use arrow::array::*;
use flate2::read::{GzDecoder, MultiGzDecoder};
use futures::executor::block_on;
use futures::stream;
use proptest::prelude::*;
use stagedoor_exporter::csv::CsvOptions;
use stagedoor_exporter::jsonline::JsonLineOptions;
use stagedoor_exporter::{
    ArrowCompression, Compression, ExportOptions, ExportReport, MemorySink, ParquetCompression,
    Partitions, export,
};

use crate::tables::{column, table};

fn rows(texts: &[String]) -> RecordBatch {
    table(vec![
        column("id", Int64Array::from_iter_values(0..texts.len() as i64)),
        column("text", StringArray::from_iter_values(texts)),
    ])
}

/// What an export of the batches writes.
pub(crate) fn written(
    options: ExportOptions,
    batches: Vec<RecordBatch>,
) -> (ExportReport, Vec<Vec<u8>>) {
    let sink = MemorySink::default();
    let source = stream::iter(batches.into_iter().map(Ok::<_, std::io::Error>));
    let report = block_on(export(source, sink.clone(), options)).unwrap();
    let parts = sink.parts();
    let numbers: Vec<u32> = parts.iter().map(|part| part.0).collect();
    assert_eq!(numbers, (0..parts.len() as u32).collect::<Vec<_>>());
    let files: Vec<Vec<u8>> = parts.into_iter().map(|part| part.1).collect();
    let sizes: Vec<u64> = files.iter().map(|file| file.len() as u64).collect();
    let told: Vec<u64> = report.files.iter().map(|file| file.bytes).collect();
    assert_eq!(sizes, told);
    (report, files)
}

pub(crate) const COMPRESSIONS: [Compression; 4] = [
    Compression::None,
    Compression::Gzip { level: 6 },
    Compression::GzipSingle { level: 6 },
    Compression::Zstd { level: 3 },
];

pub(crate) fn unpacked(compression: Compression, file: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    match compression {
        Compression::None => text.extend_from_slice(file),
        Compression::Gzip { .. } => {
            MultiGzDecoder::new(file).read_to_end(&mut text).unwrap();
        }
        Compression::GzipSingle { .. } => {
            // This decoder stops behind the first member, and checks its digest and length.
            let mut decoder = GzDecoder::new(file);
            decoder.read_to_end(&mut text).unwrap();
            assert!(decoder.into_inner().is_empty(), "more than one member");
        }
        Compression::Zstd { .. } => text = zstd::stream::decode_all(file).unwrap(),
        other => unreachable!("{other:?} is unknown to the tests"),
    }
    text
}

#[test]
fn compressed_files_are_the_same_text() {
    // More than a chunk, so that there are several members.
    let texts: Vec<String> = (0..60_000)
        .map(|at| format!("the text of row {at}"))
        .collect();
    let batch = rows(&texts);
    let options = || ExportOptions::csv(batch.schema_ref(), CsvOptions::default()).unwrap();
    let (plain, files) = written(options(), vec![batch.clone()]);
    assert_eq!(files.len(), 1);
    for compression in COMPRESSIONS {
        let options = options().compression(compression).unwrap();
        let (report, packed) = written(options, vec![batch.clone()]);
        assert_eq!(
            (report.rows, packed.len()),
            (plain.rows, 1),
            "{compression:?}"
        );
        assert!(
            unpacked(compression, &packed[0]) == files[0],
            "{compression:?}"
        );
        assert_eq!(
            compression == Compression::None,
            packed[0].len() * 3 > files[0].len(),
            "{compression:?}: {} of {} bytes",
            packed[0].len(),
            files[0].len()
        );
    }
}

#[test]
fn empty_results_are_whole_files() {
    let batch = rows(&[]);
    for compression in COMPRESSIONS {
        let csv = ExportOptions::csv(batch.schema_ref(), CsvOptions::default()).unwrap();
        let (_, files) = written(csv.compression(compression).unwrap(), Vec::new());
        assert_eq!(unpacked(compression, &files[0]), b"id,text\n");
        let json =
            ExportOptions::jsonline(batch.schema_ref(), &JsonLineOptions::default()).unwrap();
        let (report, files) = written(json.compression(compression).unwrap(), Vec::new());
        assert_eq!(unpacked(compression, &files[0]), b"");
        assert_eq!(report.files.len(), 1);
        assert_eq!(files[0].is_empty(), compression == Compression::None);
    }
}

#[test]
fn levels_and_limits_that_there_are_not() {
    let batch = rows(&[]);
    let csv = || ExportOptions::csv(batch.schema_ref(), CsvOptions::default()).unwrap();
    for (compression, error) in [
        (
            Compression::Gzip { level: 13 },
            "gzip has the compression levels 1 to 12, not 13",
        ),
        (
            Compression::Gzip { level: 0 },
            "gzip has the compression levels 1 to 12, not 0",
        ),
        (
            Compression::GzipSingle { level: 10 },
            "gzip of a single member has the compression levels 1 to 9, not 10",
        ),
        (
            Compression::Zstd { level: 23 },
            "zstd has the compression levels 1 to 22, not 23",
        ),
    ] {
        let found = csv().compression(compression).unwrap_err();
        assert_eq!(found.to_string(), error);
    }
    for bytes in [1, 8] {
        let error = csv().file_bytes_max(bytes).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the header line size is over the maxFileSize/splitSize"
        );
    }
    assert!(csv().file_bytes_max(9).is_ok());
    let error = ExportOptions::parquet(batch.schema_ref(), ParquetCompression::default())
        .unwrap()
        .file_bytes_max(50)
        .unwrap_err();
    assert!(error.to_string().contains("header"), "{error}");
    let error = ExportOptions::arrow(batch.schema_ref(), ArrowCompression::default())
        .unwrap()
        .compression(Compression::Zstd { level: 3 })
        .unwrap_err();
    assert!(error.to_string().contains("only text files"), "{error}");
}

#[test]
fn each_partition_has_its_files() {
    let days = StringArray::from_iter_values((0..600).map(|at| format!("d/{}", at / 200)));
    let ids = Int64Array::from_iter_values(0..600);
    let batch = table(vec![column("day", days), column("id", ids)]);
    let partitions = Partitions::new(batch.schema_ref(), &[0]).unwrap();
    let options = ExportOptions::csv(&partitions.file_schema(), CsvOptions::default())
        .unwrap()
        .file_bytes_max(500)
        .unwrap()
        .partitioned(partitions);
    // Batches that begin and end within partitions.
    let batches = (0..6).map(|at| batch.slice(at * 100, 100)).collect();
    let (report, files) = written(options.clone(), batches);
    assert_eq!(report.rows, 600);
    let mut ids = Vec::new();
    for (file, bytes) in report.files.iter().zip(&files) {
        let text = String::from_utf8(bytes.clone()).unwrap();
        let rows = text.strip_prefix("id\n").unwrap();
        let folder = file.partition.clone().unwrap();
        for id in rows.lines().map(|row| row.parse::<i64>().unwrap()) {
            assert_eq!(folder, format!("day=d%2F{}", id / 200));
            ids.push(id);
        }
    }
    assert_eq!(ids, (0..600).collect::<Vec<_>>());
    assert!(report.files.len() > 3);
    // No rows: one file with the header, in no folder.
    let (report, files) = written(options.clone(), Vec::new());
    assert_eq!(
        (report.files[0].partition.clone(), files),
        (None, vec![b"id\n".to_vec()])
    );
    // Rows that are not sorted would go into a file that is finished.
    let batches = [0, 200, 0].map(|at| Ok::<_, std::io::Error>(batch.slice(at, 100)));
    let error = block_on(export(
        stream::iter(batches),
        MemorySink::default(),
        options,
    ))
    .unwrap_err();
    assert!(error.to_string().contains("not together"), "{error}");
}

fn lines(files: &[Vec<u8>], compression: Compression, header: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for file in files {
        let text = unpacked(compression, file);
        let rows = text.strip_prefix(header).expect("a header in each file");
        lines.extend(
            rows.split_inclusive(|byte| *byte == b'\n')
                .map(<[u8]>::to_vec),
        );
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_file_is_over_the_limit(
        texts in prop::collection::vec(prop_oneof![9 => "[a-f]{0,20}", 1 => "[a-z]{200,900}"], 1..300),
        limit in 40_u64..4000,
        compression in prop::sample::select(COMPRESSIONS.to_vec()),
        is_json in any::<bool>(),
        step in 1_usize..200,
    ) {
        let batch = rows(&texts);
        let options = || {
            let options = match is_json {
                true => ExportOptions::jsonline(batch.schema_ref(), &JsonLineOptions::default()),
                false => ExportOptions::csv(batch.schema_ref(), CsvOptions::default()),
            };
            options.unwrap().threads(2)
        };
        let header: &[u8] = if is_json { b"" } else { b"id,text\n" };
        let (_, whole) = written(options(), vec![batch.clone()]);
        let expected = lines(&whole, Compression::None, header);
        let batches = (0..batch.num_rows()).step_by(step);
        let batches = batches.map(|at| batch.slice(at, step.min(batch.num_rows() - at))).collect();
        let options = options().compression(compression).unwrap().file_bytes_max(limit).unwrap();
        let (report, files) = written(options, batches);
        prop_assert_eq!(report.rows, texts.len() as u64);
        for file in &report.files {
            prop_assert!(file.rows > 0);
            prop_assert!(file.bytes <= limit || file.rows == 1, "{:?} of {}", file, limit);
        }
        if compression == Compression::None {
            // Nor is a file left before it is full.
            for (file, next) in report.files.iter().zip(&files[1..]) {
                let row = next[header.len()..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
                prop_assert!(file.bytes + row as u64 > limit);
            }
        }
        prop_assert!(lines(&files, compression, header) == expected);
    }
}
