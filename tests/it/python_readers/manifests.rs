//! Manifests of real exports are what `docs/manifest.schema.json` says.

use std::path::Path;
use std::process::Command;

use crate::harness::{TestServer, files};

/// Prints what is wrong; the schema first, then a folder.
const CHECK: &str = r#"
import json, pathlib, sys
from jsonschema import Draft202012Validator
schema = json.load(open(sys.argv[1]))
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
known = set(schema["properties"])
options = set(schema["properties"]["options"]["properties"])
count = 0
for path in sorted(pathlib.Path(sys.argv[2]).rglob("*manifest.json")):
    manifest = json.load(open(path))
    for error in validator.iter_errors(manifest):
        print(path.name, error.json_path, error.message)
    for name in sorted(set(manifest) - known) + sorted(set(manifest["options"]) - options):
        print(path.name, name, "is not in the schema")
    # It is no schema that takes anything.
    for name in manifest:
        broken = {**manifest, name: {"x": []}}
        if name != "options" and validator.is_valid(broken):
            print(path.name, name, "may be anything")
    count += 1
print(count, "manifests")
"#;

#[tokio::test(flavor = "multi_thread")]
async fn manifests_are_as_their_schema_says() {
    let python = std::env::var("STAGEDOOR_PYTHON")
        .expect("STAGEDOOR_PYTHON names a Python with jsonschema: run `cargo xtask test`");
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    let query =
        "SELECT value AS v, value % 3 AS k, concat('n', value) AS t FROM generate_series(1, 3000)";
    let to = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let exports = [
        "a.csv' MANIFEST 'true".to_owned(),
        "b.jsonl.gz' SINGLE_MEMBER 'true' MANIFEST 'true".to_owned(),
        "c.parquet' MANIFEST 'true' DIGEST 'blake3".to_owned(),
        "d.arrow' COMPRESSION 'lz4' MANIFEST 'true".to_owned(),
        format!("e.csv.zst.age' DIALECT 'excel' ENCRYPT TO '{to}' MANIFEST 'true"),
        "many/f_%d.csv' SPLITSIZE '4K' FORCE_QUOTE (t) NULL AS '".to_owned(),
        "parts/g.csv' PARTITION BY (k) PATH 'k/{k}' HEADER 'false".to_owned(),
    ];
    for export in &exports {
        server
            .ok(&format!("{query} INTO OUTFILE 'stage://s/{export}'"))
            .await;
    }
    let found = files(&dir);
    let count = found.iter().filter(|name| name.ends_with("manifest.json"));
    assert_eq!(count.count(), exports.len());
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/manifest.schema.json");
    let told = Command::new(python)
        .args(["-c", CHECK])
        .args([schema, dir])
        .output()
        .unwrap();
    assert!(
        told.status.success(),
        "{}",
        String::from_utf8_lossy(&told.stderr)
    );
    assert_eq!(
        String::from_utf8(told.stdout).unwrap(),
        format!("{} manifests\n", exports.len())
    );
}
