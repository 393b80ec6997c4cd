//! What is in an export's way, and names that cannot be: refused before the query runs, or before anything is visible.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use arrow::array::{ArrayRef, TimestampMicrosecondArray};

use crate::harness::{TestServer, files, write_parquet_columns};

/// A query that would fail, were it run.
const FAILS: &str = "SELECT 1 DIV (a - a) AS x FROM t";

#[tokio::test(flavor = "multi_thread")]
async fn what_no_file_can_replace_is_told_before_the_query_runs() {
    let server = TestServer::start().await;
    let dir = server.stage("o").await;
    server.ok("CREATE TABLE t (a int)").await;
    server.ok("INSERT INTO t VALUES (1)").await;
    fs::create_dir(dir.join("folder")).unwrap();
    let made = Command::new("mkfifo").arg(dir.join("fifo")).status();
    assert!(made.unwrap().success());
    std::os::unix::fs::symlink(dir.join("nowhere"), dir.join("link")).unwrap();
    for name in ["folder", "fifo", "link"] {
        let export = format!("{FAILS} INTO OUTFILE 'stage://o/{name}' OVERWRITE 'true'");
        let error = server.error(&export).await;
        assert!(error.contains(name), "{name}: {error}");
        assert!(!error.contains("zero"), "{name}: the query ran: {error}");
        let told = server.ok(&format!("EXPLAIN EXPORT {export}")).await.rows();
        let conflict = told.iter().find(|row| row[0] == "conflict");
        assert!(
            conflict.is_some_and(|row| row[1].contains(name)),
            "{told:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_with_the_manifests_name_moves_the_manifest() {
    let server = TestServer::start().await;
    let dir = server.stage("o").await;
    server
        .ok("CREATE STAGE rm URL = 'stage://o/rm/' POLICY = {'require_manifest' = 'true'}")
        .await;
    fs::create_dir(dir.join("rm")).unwrap();
    let export = "SELECT '_manifest.json' AS n, 1 AS v INTO OUTFILE 'stage://rm/x.csv' PARTITION BY (n) PATH '{n}'";
    let answer = server.ok(export).await;
    assert!(answer.result.warnings.is_empty(), "{:?}", answer.result);
    let there = files(&dir);
    assert!(
        there.contains(&"rm/_manifest.json/x.csv".to_owned()),
        "{there:?}"
    );
    assert!(
        there.iter().any(|name| name.ends_with("manifest.json")),
        "{there:?}"
    );
    assert_eq!(there.len(), 2, "{there:?}");
    let sums = "SELECT 'SHA256SUMS' AS n, 1 AS v INTO OUTFILE 'stage://o/y.csv' PARTITION BY (n) PATH '{n}' SHA256SUMS 'true'";
    let answer = server.ok(sums).await;
    assert!(answer.result.warnings.is_empty(), "{:?}", answer.result);
    assert!(
        files(&dir).iter().any(|name| name == "y.csv.sha256"),
        "{:?}",
        files(&dir)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn instants_of_a_zone_stay_apart_in_text() {
    let server = TestServer::start().await;
    let dir = server.stage("o").await;
    // The hour that comes twice in Berlin: 00:30 and 01:30 UTC on 2025-10-26.
    let us = vec![1_761_438_600_000_000, 1_761_442_200_000_000];
    let instants = TimestampMicrosecondArray::from(us).with_timezone("Europe/Berlin");
    let column = Arc::new(instants) as ArrayRef;
    write_parquet_columns(&dir.join("b.parquet"), vec![("at", column)]);
    for (name, options) in [
        ("mysql.csv", ""),
        ("excel.csv", " DIALECT 'excel'"),
        ("postgres.csv", " DIALECT 'postgres'"),
        ("lines.jsonl", ""),
    ] {
        let from = "SELECT * FROM 'stage://o/b.parquet'";
        server
            .ok(&format!("{from} INTO OUTFILE 'stage://o/{name}'{options}"))
            .await;
        let text = fs::read_to_string(dir.join(name)).unwrap();
        for hour in ["2025-10-26 00:30:00", "2025-10-26 01:30:00"] {
            assert!(text.contains(hour), "{name}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_no_manifest_tells_of_are_told() {
    let server = TestServer::start().await;
    let dir = server.stage("o").await;
    let split = "INTO OUTFILE 'stage://o/x.csv' SPLITSIZE '100' MANIFEST 'false'";
    server
        .ok(&format!(
            "SELECT value AS a FROM generate_series(1, 100) {split}"
        ))
        .await;
    assert!(files(&dir).len() > 2);
    let answer = server
        .ok(&format!("SELECT 1 AS a {split} OVERWRITE 'true'"))
        .await;
    let warnings = format!("{:?}", answer.result.warnings);
    assert!(warnings.contains("'x.csv.1' stays"), "{warnings}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_promise_what_the_file_is_not_are_refused() {
    let server = TestServer::start().await;
    let dir = server.stage("o").await;
    for (suffix, compression) in [("xz", "xz"), ("bz2", "bzip2"), ("lz4", "lz4")] {
        let export = format!("SELECT 1 AS a INTO OUTFILE 'stage://o/y.csv.{suffix}'");
        let error = server.error(&export).await;
        let wanted = format!("format 'csv' has no compression '{compression}', but");
        assert!(error.contains(&wanted), "{error}");
    }
    let error = server
        .error(
            "SELECT 1 AS k, 2 AS v INTO OUTFILE 'stage://o/x.csv' PARTITION BY (k) FORCE_QUOTE (k)",
        )
        .await;
    assert!(error.contains("puts into the folders' names"), "{error}");
    assert_eq!(files(&dir), Vec::<String>::new());
}
