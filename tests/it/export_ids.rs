//! EXPORT ID, SHA256SUMS, and OVERWRITE that leaves nothing of the export before.

use std::process::Command;

use crate::harness::{TestServer, files};

#[tokio::test(flavor = "multi_thread")]
async fn an_export_id_is_one_export() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    let nightly = "SELECT 1 AS a INTO OUTFILE 'stage://s/x.csv' EXPORT ID 'nightly 1'";
    let first = server.ok(nightly).await;
    let again = server.ok(nightly).await;
    let id = |answer: &crate::harness::Answer| answer.result.export.clone().unwrap().name;
    assert_eq!(id(&first), id(&again));
    assert_eq!(again.result.affected_rows, 1);
    assert_eq!(files(&dir), ["x.csv"]);
    let count = server.ok("SELECT count(*) FROM stagedoor.exports").await;
    assert_eq!(count.cell(), "1");
    let error = server
        .error("SELECT 2 AS a INTO OUTFILE 'stage://s/y.csv' EXPORT ID 'nightly 1'")
        .await;
    assert!(
        error.contains("the EXPORT ID \"nightly 1\" is that of export")
            && error.contains("which another statement asked for"),
        "{error}"
    );
    // One that failed may be asked for again.
    std::fs::create_dir(dir.join("z.csv")).unwrap();
    let failing = "SELECT 1 AS a INTO OUTFILE 'stage://s/z.csv' EXPORT ID 'nightly 2'";
    server.error(failing).await;
    std::fs::remove_dir(dir.join("z.csv")).unwrap();
    server.ok(failing).await;
    assert_eq!(files(&dir), ["x.csv", "z.csv"]);
    // Many at once are one, too.
    let many = "SELECT count(*) AS n FROM generate_series(1, 300000) INTO OUTFILE 'stage://s/m.csv' EXPORT ID 'm'";
    let all = futures::future::join_all((0..8).map(|_| server.ok(many))).await;
    let ids: std::collections::HashSet<_> = all.iter().map(id).collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn digests_are_what_sha256sum_takes() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://s/one.csv' SHA256SUMS 'true'")
        .await;
    server
        .ok("SELECT value AS v, value % 3 AS k FROM generate_series(1, 5000) INTO OUTFILE 'stage://s/many/x_%d.csv' PARTITION BY (k) SPLITSIZE '4K' SHA256SUMS 'true'")
        .await;
    assert!(dir.join("one.csv.sha256").exists());
    for (folder, list, count) in [(".", "one.csv.sha256", 1), ("many", "SHA256SUMS", 6)] {
        let checked = Command::new("sha256sum")
            .args(["--strict", "-c", list])
            .current_dir(dir.join(folder))
            .output()
            .unwrap();
        let told = String::from_utf8(checked.stdout).unwrap();
        assert!(checked.status.success(), "{told}");
        assert!(told.lines().count() >= count, "{told}");
    }
    // The digests of another export in the folder stay.
    server
        .ok("SELECT value AS v FROM generate_series(1, 5000) INTO OUTFILE 'stage://s/many/y_%d.csv' SPLITSIZE '4K' SHA256SUMS 'true'")
        .await;
    assert!(dir.join("many/y_0.csv.sha256").exists());
    let error = server
        .error("SELECT 1 AS a INTO OUTFILE 'stage://s/one.csv' SHA256SUMS 'maybe'")
        .await;
    assert!(error.contains("SHA256SUMS"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn overwriting_leaves_nothing_of_the_export_before() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    let export = |rows: usize, options: &str| {
        format!(
            "SELECT value AS v FROM generate_series(1, {rows}) INTO OUTFILE 'stage://s/d/x.csv' SPLITSIZE '10K' OVERWRITE 'true' {options}"
        )
    };
    server.ok(&export(20_000, "SHA256SUMS 'true'")).await;
    assert!(files(&dir).len() > 8);
    std::fs::write(dir.join("d/mine.csv"), "mine").unwrap();
    // A file that is another by now is not of the export before.
    std::fs::write(dir.join("d/x.csv.5"), "changed").unwrap();
    let second = server.ok(&export(3_000, "")).await;
    assert_eq!(
        files(&dir),
        [
            "d/SHA256SUMS",
            "d/_manifest.json",
            "d/mine.csv",
            "d/x.csv",
            "d/x.csv.1",
            "d/x.csv.5"
        ]
    );
    assert_eq!(
        second.result.warnings,
        ["'d/x.csv.5' of the export before was not removed: it is another file by now"]
    );
    let checked = Command::new("sha256sum")
        .args(["--strict", "-c", "SHA256SUMS"])
        .current_dir(dir.join("d"))
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
    // One file where there were several: its manifest takes the place of theirs.
    server
        .ok("SELECT 1 AS v INTO OUTFILE 'stage://s/d/x.csv' OVERWRITE 'true' MANIFEST 'true'")
        .await;
    let left: Vec<String> = files(&dir);
    assert_eq!(
        left,
        [
            "d/mine.csv",
            "d/x.csv",
            "d/x.csv.5",
            "d/x.csv.manifest.json",
            "d/x.csv.sha256"
        ]
    );
    // The directory table says the same.
    let listed = server
        .ok("SELECT relative_path FROM DIRECTORY('s') ORDER BY 1")
        .await
        .rows();
    let known: Vec<&str> = listed.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(
        known,
        [
            "d/x.csv",
            "d/x.csv.5",
            "d/x.csv.manifest.json",
            "d/x.csv.sha256"
        ]
    );
    // What a forged manifest names stays.
    let forged = std::fs::read_to_string(dir.join("d/x.csv.manifest.json"))
        .unwrap()
        .replace("\"d/x.csv\"", "\"d/mine.csv\"");
    std::fs::write(dir.join("d/x.csv.manifest.json"), forged).unwrap();
    server
        .ok("SELECT 2 AS v INTO OUTFILE 'stage://s/d/x.csv' OVERWRITE 'true'")
        .await;
    assert!(dir.join("d/mine.csv").exists());
}
