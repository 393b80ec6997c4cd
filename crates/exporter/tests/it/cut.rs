//! Files of a split export that are cut at any byte: no reader takes one for whole. Where a reader sees nothing, because
//! the cut is between two members that are whole in themselves, the report's digest tells.
//! (Encrypted files: the tests of `src/encryption.rs`.)

use std::io::{Cursor, Read};

use arrow::array::*;
use arrow_ipc::reader::FileReader;
use flate2::read::{GzDecoder, MultiGzDecoder};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use stagedoor_exporter::csv::CsvOptions;
use stagedoor_exporter::{
    ArrowCompression, Compression, Digest, ExportOptions, ParquetCompression,
};

use crate::files::written;
use crate::tables::{column, table};

fn batch() -> RecordBatch {
    let texts = (0..300).map(|at| format!("{:x}", at * 79_197_919_u64));
    table(vec![
        column("id", Int64Array::from_iter_values(0..300)),
        column("text", StringArray::from_iter_values(texts)),
    ])
}

fn digest(bytes: &[u8]) -> Option<String> {
    let mut digest = Digest::default();
    digest.update(bytes);
    Some(digest.finish())
}

/// What a decompressor gives, and whether it is content.
fn unpacked(compression: Compression, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    match compression {
        Compression::GzipSingle { .. } => GzDecoder::new(bytes).read_to_end(&mut text).ok()?,
        Compression::Gzip { .. } => MultiGzDecoder::new(bytes).read_to_end(&mut text).ok()?,
        _ => zstd::stream::read::Decoder::new(bytes)
            .ok()?
            .read_to_end(&mut text)
            .ok()?,
    };
    Some(text)
}

#[test]
fn a_compressed_file_is_never_taken_for_whole() {
    for compression in [
        Compression::Gzip { level: 6 },
        Compression::GzipSingle { level: 6 },
        Compression::Zstd { level: 3 },
    ] {
        let options = ExportOptions::csv(batch().schema_ref(), CsvOptions::default())
            .unwrap()
            .compression(compression)
            .unwrap()
            .file_bytes_max(1000)
            .unwrap();
        let (report, files) = written(options, vec![batch()]);
        assert!(files.len() > 2, "{compression:?}");
        for (file, bytes) in report.files.iter().zip(&files) {
            let whole = unpacked(compression, bytes).unwrap();
            assert_eq!(file.digest, digest(bytes));
            let mut unseen = 0;
            for at in 0..bytes.len() {
                let cut = &bytes[..at];
                let Some(text) = unpacked(compression, cut) else {
                    continue;
                };
                unseen += 1;
                assert!(text.len() < whole.len() && whole.starts_with(&text));
                assert_ne!(file.digest, digest(cut));
            }
            let is_single = matches!(compression, Compression::GzipSingle { .. });
            assert_eq!(is_single, unseen == 0, "{compression:?}: {unseen}");
        }
    }
}

#[test]
fn a_cut_parquet_or_arrow_file_is_none() {
    let schema = batch().schema();
    let parquet = ExportOptions::parquet(&schema, ParquetCompression::default()).unwrap();
    let arrow = ExportOptions::arrow(&schema, ArrowCompression::default()).unwrap();
    for (options, is_parquet) in [(parquet, true), (arrow, false)] {
        let options = options.file_bytes_max(4000).unwrap().chunk_bytes(500);
        let (_, files) = written(options, vec![batch()]);
        assert!(files.len() > 1, "{is_parquet}");
        for file in &files {
            let is_whole = |bytes: &[u8]| match is_parquet {
                true => {
                    let bytes = bytes::Bytes::copy_from_slice(bytes);
                    ParquetRecordBatchReaderBuilder::try_new(bytes).is_ok()
                }
                false => FileReader::try_new(Cursor::new(bytes), None).is_ok(),
            };
            assert!(is_whole(file));
            let taken = (0..file.len()).find(|at| is_whole(&file[..*at]));
            assert_eq!(taken, None, "parquet: {is_parquet}");
        }
    }
}
