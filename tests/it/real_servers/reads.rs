//! Reading from buckets while others write to them, and when they refuse: one version of a file or none, one sentence
//! that says why, and no more asked of the store than is wanted.

use std::time::{Duration, Instant};

use storage::{ObjectOptions, OnExisting};
use test_servers::{Fault, Proxy};

use super::{Place, server};
use crate::harness::TestServer;
use crate::serve_process::LONG;

on_both!(
    a_file_that_is_replaced_while_it_is_read_is_an_error,
    replaced
);
on_both!(a_file_that_cannot_be_read_says_why_in_one_sentence, refused);
on_both!(
    files_that_are_not_removed_are_told_of_in_our_words,
    not_removed
);
on_both!(no_more_is_listed_than_a_pattern_can_match, listed);

/// A server with a stage `s` behind a proxy, and `direct` beside it.
async fn behind(place: &Place, folder: &str) -> (TestServer, Proxy) {
    let proxy = Proxy::start(place.upstream());
    let server = server().await;
    server.ok(&place.behind(&proxy).create("s", folder)).await;
    server.ok(&place.create("direct", folder)).await;
    (server, proxy)
}

async fn replaced(place: Place, folder: &str) {
    let (server, proxy) = behind(&place, folder).await;
    let outside = place.outside(folder).await;
    for suffix in ["parquet", "csv", "jsonl"] {
        let mut versions = Vec::new();
        for (number, letter) in [(1, 'a'), (2, 'b')] {
            // Of several row groups.
            server
                .ok(&format!(
                    "SELECT value * {number} AS id, REPEAT('{letter}', 1000) AS c FROM generate_series(1, 20000) INTO OUTFILE 'stage://direct/{number}.{suffix}'"
                ))
                .await;
            let name = format!("{number}.{suffix}");
            versions.push(outside.operator().read(&name).await.unwrap().to_bytes());
        }
        let name = format!("f.{suffix}");
        let write = async |version: usize| {
            let options = ObjectOptions::default();
            let bytes = versions[version].clone();
            let put = outside
                .uploads()
                .put(&name, bytes, &options, OnExisting::Replace);
            put.await.unwrap();
        };
        let query = format!(
            "SELECT SUM(id) AS ids, MIN(c) = MAX(c) AS one, MAX(LEFT(c, 1)) AS letter FROM 'stage://s/{name}'"
        );
        let whole = ["200010000", "true", "a"].map(str::to_owned);
        let mut broken = 0;
        for passing in 0.. {
            write(0).await;
            proxy.arm_behind(&format!("/{name} HTTP"), passing, Fault::Hold, 1);
            let mut running = std::pin::pin!(server.run(&query));
            let begun = Instant::now();
            let ended = loop {
                tokio::select! {
                    ended = &mut running => break Some(ended),
                    () = tokio::time::sleep(Duration::from_millis(5)) => {}
                }
                if proxy.held() > 0 {
                    break None;
                }
                assert!(begun.elapsed() < LONG, "{name}: nothing is asked");
            };
            if let Some(ended) = ended {
                assert_eq!(
                    ended.unwrap().rows(),
                    std::slice::from_ref(&whole),
                    "{name}"
                );
                proxy.disarm();
                break;
            }
            write(1).await;
            proxy.release();
            let ended = running.await;
            proxy.disarm();
            match ended {
                // It was not looked at before: the new one, all of it.
                Ok(answer) if passing == 0 => {
                    assert_eq!(answer.rows(), [["400020000", "true", "b"]], "{name}");
                }
                Ok(answer) => panic!("{name}, request {passing}: {:?}", answer.rows()),
                Err(status) => {
                    broken += 1;
                    let error = status.message();
                    assert!(
                        error.contains("failed to read the ")
                            && error.contains(&format!("file '{name}': "))
                            && error.contains("stage 's': ")
                            && error.contains("was changed while it was read")
                            && error.contains("begin again"),
                        "{name}, request {passing}: {error}"
                    );
                }
            }
        }
        assert!(broken >= 2, "{name}: {broken} requests could be held");
    }
}

/// A store's answer, for good.
fn answer(status: &str, body: &str) -> &'static str {
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    Box::leak(text.into_boxed_str())
}

fn error_of(status: &str, code: &str) -> &'static str {
    let body = format!("<Error><Code>{code}</Code><Message>in their words</Message></Error>");
    answer(status, &body)
}

async fn refused(place: Place, folder: &str) {
    let (server, proxy) = behind(&place, folder).await;
    server.ok("CREATE DATABASE d").await;
    server.ok("CREATE TABLE d.t (id INT)").await;
    let cases = [
        (
            error_of("403 Forbidden", "InvalidObjectState"),
            "restore it first, then read it",
        ),
        (
            error_of("403 Forbidden", "AccessDenied"),
            "the access key may not do that",
        ),
        (error_of("404 Not Found", "NoSuchKey"), "no such"),
        (
            error_of("501 Not Implemented", "NotImplemented"),
            "no such operation",
        ),
    ];
    for suffix in ["csv", "jsonl", "parquet"] {
        let name = format!("f4.{suffix}");
        server
            .ok(&format!(
                "SELECT 1 AS id INTO OUTFILE 'stage://direct/{name}'"
            ))
            .await;
        let mut statements = vec![
            format!("SELECT * FROM 'stage://s/{name}'"),
            format!("SELECT LENGTH(load_file('stage://s/{name}')) AS n"),
        ];
        if suffix == "csv" {
            let load = format!("LOAD DATA INFILE 'stage://s/{name}' INTO TABLE d.t");
            statements.push(load);
        }
        for statement in statements {
            for (answer, cause) in cases {
                proxy.arm("GET /", Fault::Answer(answer), 1000);
                let error = server.error(&statement).await;
                proxy.disarm();
                let is_gone = statement.contains("load_file") && cause == "no such";
                if is_gone {
                    let gone = format!("ERROR 20405 (HY000): file {name} is not found");
                    assert_eq!(error, gone);
                    continue;
                }
                assert!(
                    error.contains(cause) && error.contains("stage 's'") && error.contains(&name),
                    "{statement}: {error}"
                );
                assert_eq!(
                    error.matches("failed to").count(),
                    1,
                    "{statement}: {error}"
                );
                assert_eq!(error.matches("ERROR").count(), 1, "{statement}: {error}");
                for theirs in [
                    "Parts",
                    "context",
                    "Generic",
                    "Unexpected",
                    "their words",
                    "External",
                ] {
                    assert!(!error.contains(theirs), "{statement}: {error}");
                }
            }
        }
    }
    // Who names a bucket that is not there is told that, and not of a file.
    let gone = error_of("404 Not Found", "NoSuchBucket");
    for statement in [
        "SELECT * FROM 'stage://s/f4.csv'",
        "LIST 'stage://s/'",
        "REMOVE FILES FROM STAGE 'stage://s/f4.csv'",
    ] {
        proxy.arm(" /", Fault::Answer(gone), 1000);
        let error = server.error(statement).await;
        proxy.disarm();
        assert!(
            error.contains("there is no such bucket") && !error.contains("is not found"),
            "{statement}: {error}"
        );
    }
}

async fn not_removed(place: Place, folder: &str) {
    let (server, proxy) = behind(&place, folder).await;
    for name in ["a", "b", "c"] {
        server
            .ok(&format!(
                "SELECT 1 AS id INTO OUTFILE 'stage://direct/many/{name}.csv'"
            ))
            .await;
    }
    let key = |name: &str| format!("<Key>{folder}/many/{name}.csv</Key>");
    let body = format!(
        "<?xml version=\"1.0\"?><DeleteResult><Deleted>{}</Deleted><Error>{}<Code>AccessDenied</Code><Message>no</Message></Error><Deleted>{}</Deleted></DeleteResult>",
        key("a"),
        key("b"),
        key("c"),
    );
    proxy.arm("?delete", Fault::Answer(answer("200 OK", &body)), 1000);
    let error = server
        .error("REMOVE FILES FROM STAGE 'stage://s/many/*'")
        .await;
    proxy.disarm();
    assert!(
        error.contains("stage 's': 2 files were removed and 1 file was not ('many/b.csv'): the access key may not do that"),
        "{error}"
    );
    assert!(
        !error.contains("DeleteObjects") && !error.contains(folder),
        "{error}"
    );
    let audited = server
        .ok("SELECT reason FROM stagedoor.audit WHERE operation = 'REMOVE FILES'")
        .await;
    assert!(
        audited.cell().starts_with("removed 2 files") && audited.cell().contains("many/a.csv"),
        "{:?}",
        audited.rows()
    );
    // The store itself, which removes them all.
    let removed = server
        .ok("REMOVE FILES FROM STAGE 'stage://s/many/*'")
        .await;
    assert_eq!(removed.result.affected_rows, 3);
    assert_eq!(place.objects(folder).await, Vec::<String>::new());
}

async fn listed(place: Place, folder: &str) {
    let (server, proxy) = behind(&place, folder).await;
    for name in ["f1.csv", "f2.csv", "f1/deep/x.csv", "g/f1.csv"] {
        server
            .ok(&format!(
                "SELECT 1 AS id INTO OUTFILE 'stage://direct/{name}'"
            ))
            .await;
    }
    for (pattern, needle, found) in [
        ("f1*", "/f1", &["f1.csv"][..]),
        ("*", "delimiter=", &["f1.csv", "f2.csv"]),
        ("g/*.csv", "delimiter=", &["g/f1.csv"]),
        ("f1/**", "/f1/", &["f1/deep/x.csv"]),
        ("**/*1.csv", "list-type=2", &["f1.csv", "g/f1.csv"]),
        ("?/f1.csv", "list-type=2", &["g/f1.csv"]),
    ] {
        let before = proxy.fired();
        proxy.arm(needle, Fault::Pass, 1000);
        let listed = server.ok(&format!("LIST 'stage://s/{pattern}'")).await;
        proxy.disarm();
        let mut names: Vec<_> = listed
            .rows()
            .into_iter()
            .map(|row| row[0].clone())
            .collect();
        names.sort();
        assert_eq!(names, found, "{pattern}");
        assert_eq!(listed.result.warnings, Vec::<String>::new(), "{pattern}");
        assert_eq!(proxy.fired(), before + 1, "{pattern}: {needle}");
    }
}

/// Keys that no statement can say are left out, and that is said.
#[tokio::test(flavor = "multi_thread")]
async fn objects_that_no_statement_can_name_are_counted() {
    let folder = "unnamed";
    let place = Place::oss();
    let server = server().await;
    server.ok(&place.create("s", folder)).await;
    let outside = place.outside(folder).await;
    for key in [
        "good.csv",
        "d/bad%2fname.csv",
        "d/tab\there.csv",
        ".stagedoor/x",
    ] {
        let (uploads, options) = (outside.uploads(), ObjectOptions::default());
        let bytes = bytes::Bytes::from_static(b"1\n");
        let put = uploads.put(key, bytes, &options, OnExisting::Refuse);
        put.await.unwrap();
    }
    let told = [
        "2 objects are left out: their keys are no paths that a statement can name (with a control character, an empty part, '..', '%2F' or the like)",
    ];
    let listed = server.ok("LIST 'stage://s/'").await;
    assert_eq!(listed.rows().len(), 1);
    assert_eq!(listed.result.warnings, told);
    let listed = server.ok("LIST 'stage://s/*.csv'").await;
    assert_eq!(listed.result.warnings, Vec::<String>::new());
    let refreshed = server.ok("ALTER STAGE s REFRESH").await;
    assert_eq!(refreshed.result.warnings, told);
    let removed = server.ok("REMOVE FILES FROM STAGE 'stage://s/**'").await;
    assert_eq!(removed.result.affected_rows, 1);
    assert_eq!(removed.result.warnings, told);
}
