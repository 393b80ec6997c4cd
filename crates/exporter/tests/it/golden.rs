//! Golden files, byte for byte: `tests/golden/<dialect>_<table>.csv`. To make them anew after a change of
//! the design, delete them and run with `UPDATE_GOLDEN=1`; then read them.

use std::path::Path;

use arrow::array::RecordBatch;
use stagedoor_exporter::csv::{CsvEncoder, CsvOptions, Dialect};

use crate::tables;

pub(crate) fn encode(batch: &RecordBatch, options: CsvOptions) -> Vec<u8> {
    let encoder = CsvEncoder::new(batch.schema_ref(), options).unwrap();
    let mut out = Vec::new();
    encoder.header(&mut out);
    encoder.encode(batch, 0, &mut out).unwrap();
    out
}

fn check(name: &str, batch: &RecordBatch, options: CsvOptions) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(format!("{name}.csv"));
    let found = encode(batch, options);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read(&path).unwrap();
    assert!(
        found == expected,
        "{name} differs; found:\n{}\nexpected:\n{}",
        String::from_utf8_lossy(&found),
        String::from_utf8_lossy(&expected)
    );
}

#[test]
fn every_dialect_and_type() {
    for (name, dialect) in [
        ("mysql", Dialect::Mysql),
        ("rfc4180", Dialect::Rfc4180),
        ("excel", Dialect::Excel),
        ("postgres", Dialect::Postgres),
    ] {
        check(
            &format!("{name}_types"),
            &tables::every_type(),
            CsvOptions::dialect(dialect),
        );
        check(
            &format!("{name}_texts"),
            &tables::awkward(),
            CsvOptions::dialect(dialect),
        );
    }
}

#[test]
fn overridden_options() {
    let mysql = CsvOptions::default();
    let escaped = with!(mysql.clone(), enclosed: None,
        fields_terminated: "\t".into());
    check("escaped_texts", &tables::awkward(), escaped);
    let long = with!(mysql.clone(), fields_terminated: "<field>".into(),
        lines_starting: "> ".into(),
        lines_terminated: "<the end of a line>\r\n".into(),
        enclosed: Some(b'\''),
        escaped: None,
        null: "a NULL marker longer than any slot".into());
    check("long_texts", &tables::awkward(), long.clone());
    check("long_types", &tables::every_type(), long);
    let forced = with!(mysql.clone(), force_quote: vec!["ID".into(), "a view".into()],
        time_zone: Some("Asia/Tokyo".into()));
    check("forced_texts", &tables::awkward(), forced);
    let dashes = with!(mysql, fields_terminated: "-".into(),
        time_zone: Some("Asia/Tokyo".into()));
    check("dashes_types", &tables::every_type(), dashes);
}
