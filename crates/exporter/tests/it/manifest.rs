//! The manifest's text, against a golden file, and back.

use arrow::datatypes::DataType;
use stagedoor_exporter::csv::CsvOptions;
use stagedoor_exporter::manifest::{
    MANIFEST_VERSION, Manifest, ManifestFile, ManifestStage, columns, csv_options, statement_digest,
};

use crate::tables;

#[test]
fn golden_manifest() {
    let manifest = Manifest {
        manifest_version: MANIFEST_VERSION,
        export_id: "0199".to_owned(),
        statement_sha256: statement_digest("select 1 into outfile 'stage://daily/user.csv'"),
        principal: "ann".to_owned(),
        account: "sys".to_owned(),
        stage: Some(ManifestStage {
            name: "daily".to_owned(),
            version: 3,
            url: "s3://bucket/daily/".to_owned(),
        }),
        target: "stage://daily/user.csv".to_owned(),
        format: "csv".to_owned(),
        options: csv_options(&CsvOptions::default()),
        schema: columns(tables::awkward().schema_ref(), |field| {
            match field.data_type() {
                DataType::Int32 => "int".to_owned(),
                _ => "text".to_owned(),
            }
        }),
        files: vec![ManifestFile {
            path: "user.csv".to_owned(),
            rows: 3,
            bytes: 60,
            sha256: Some("00".repeat(32)),
            blake3: None,
        }],
        rows: 3,
        bytes: 60,
        started_at: "2026-11-22T18:00:00Z".to_owned(),
        finished_at: "2026-11-22T18:00:01.5Z".to_owned(),
        publication: None,
        stagedoor_version: "0.1.0".to_owned(),
    };
    let text = manifest.to_json().unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/manifest.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(path).unwrap());
    assert_eq!(Manifest::from_json(&text).unwrap(), manifest);
}
