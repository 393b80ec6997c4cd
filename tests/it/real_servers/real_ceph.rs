//! Stages in Ceph's gateway, a store that takes any key, lists in the order of bytes, answers Complete without an
//! ETag, and completes an upload whatever the condition.

use std::process::Command;

use test_servers::{BUCKET, Ceph, Fault, KEY, Proxy, SECRET};

use super::crash::killed;
use super::{Place, exports, failures, files, server};
use crate::validation::{assert_results, found};

fn place() -> Place {
    Place {
        scheme: "s3",
        endpoint: Ceph::shared().endpoint(),
        region: None,
        _oss: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_appears_whole_and_once() {
    exports(place(), "exports").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_an_export_that_fails() {
    failures(place(), "failures").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_in_and_out_and_away() {
    files::files(place(), "files").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_leaves_an_export_whole_or_nothing() {
    killed(place(), "crash").await;
}

/// Without a checksum that the store knows, it is its ETag that tells.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_change_on_the_way_are_sent_again() {
    let place = place();
    let proxy = Proxy::start(place.upstream());
    let server = server().await;
    server
        .ok(&place.behind(&proxy).create("s", "altered"))
        .await;
    proxy.arm("partNumber=1", Fault::Alter, 1);
    server
        .ok("SELECT value, REPEAT('x', 100) AS x FROM generate_series(1, 1000) INTO OUTFILE 'stage://s/a.csv' MANIFEST 'true'")
        .await;
    assert_eq!(proxy.fired(), 1);
    let seen = place.seen_outside("altered");
    let recorded = server.ok("SELECT sha256 FROM stagedoor.export_files");
    assert_eq!(seen.sha256["a.csv"], recorded.await.cell());
    assert_eq!(seen.sha256.len(), 2, "{seen:?}");
    assert_eq!(seen.left, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_without_effect_is_found_and_the_name_looked_at() {
    let place = place();
    let server = server().await;
    server.ok(&place.create("s", "conditions")).await;
    let all = found(&server, "s").await;
    assert_results(&all, "warning", &["tls", "conditional_create"]);
    assert_results(
        &all,
        "ok",
        &[
            "open",
            "connection",
            "clock",
            "addressing",
            "credentials",
            "expiry",
            "versioning",
            "write",
            "read",
            "list",
            // Of one request it keeps to the condition.
            "conditional_write",
            "multipart",
            "overwrite",
            "abort",
            "delete",
            "cleanup",
        ],
    );
    let seen = place.seen_outside("conditions");
    assert!(seen.sha256.is_empty() && seen.left.is_empty(), "{seen:?}");

    let export = "SELECT 1 AS a INTO OUTFILE 'stage://s/x.csv' MANIFEST 'true'";
    let told = server.ok(export).await;
    let warnings = &told.result.warnings;
    assert!(
        warnings
            .iter()
            .any(|text| text.contains("looked at just before")),
        "{warnings:?}"
    );
    let seen = place.seen_outside("conditions");
    let manifest = &seen.manifests["x.csv.manifest.json"];
    assert!(
        manifest.contains("\"publication\": \"checked\""),
        "{manifest}"
    );
    let again = server
        .error("SELECT 2 AS a INTO OUTFILE 'stage://s/x.csv'")
        .await;
    assert_eq!(again, "ERROR 20406 (HY000): file x.csv already exists");
    assert_eq!(place.read("conditions", "x.csv").await, "a\n1\n");
    server
        .ok("SELECT 3 AS a INTO OUTFILE 'stage://s/x.csv' OVERWRITE 'true'")
        .await;
    assert_eq!(place.read("conditions", "x.csv").await, "a\n3\n");
}

/// Puts objects of these keys, whose content is their key, as somebody else would.
fn put(folder: &str, keys: &[&str]) {
    const SCRIPT: &str = "
import boto3, sys
endpoint, key, secret, bucket, folder, *keys = sys.argv[1:]
client = boto3.client('s3', endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret, region_name='us-east-1')
for name in keys:
    client.put_object(Bucket=bucket, Key=folder + '/' + name, Body=name.encode())
";
    let output = Command::new(std::env::var_os("STAGEDOOR_PYTHON").unwrap())
        .args([
            "-c",
            SCRIPT,
            &Ceph::shared().endpoint(),
            KEY,
            SECRET,
            BUCKET,
            folder,
        ])
        .args(keys)
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_keys_are_listed_in_the_order_of_bytes_and_read() {
    // By their bytes; by words or folders they would stand otherwise.
    let named = [
        "(1).csv",
        "A.csv",
        "a b.csv",
        "a#b.csv",
        "a&b=c.csv",
        "a+b.csv",
        "a-b.csv",
        "a.csv",
        "a/b.csv",
        "a/b/c.csv",
        "a0.csv",
        "z/1.csv",
        "~.csv",
        "\u{e9}.csv",
        "\u{76ee}\u{5f55}/x.csv",
    ];
    // No path of a stage, so nobody's here.
    let nameless = ["a//b.csv", "trailing/", "x/./y.csv"];
    put("odd", &named.iter().rev().copied().collect::<Vec<_>>());
    put("odd", &nameless);
    let server = server().await;
    server.ok(&place().create("s", "odd")).await;
    let listed = server.ok("LIST 'stage://s/'").await.rows();
    let names: Vec<&str> = listed.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, named);
    for name in named {
        let statement = format!("SELECT CAST(load_file('stage://s/{name}') AS CHAR) AS t");
        assert_eq!(server.ok(&statement).await.cell(), name);
    }
    // And such names are exported to.
    for name in ["new/a b+&=\u{e9}.csv", "new/(2)#~.csv"] {
        server
            .ok(&format!("SELECT 1 AS a INTO OUTFILE 'stage://s/{name}'"))
            .await;
        assert_eq!(place().read("odd", name).await, "a\n1\n");
    }
    assert_eq!(place().open_uploads("odd").await, Vec::<String>::new());
}
