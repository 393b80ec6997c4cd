//! What files are digested by, the folders of partitions, and exports that are asked for again. Encrypted files are in
//! `python_readers/encrypted.rs`, for it takes another program to read them.

use std::path::Path;

use proto::v1;

use crate::harness::{Answer, TestServer, files};

fn manifest(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn export_id(answer: &Answer) -> String {
    let export = answer.result.export.as_ref().unwrap();
    export.name.replace("exports/", "")
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_digested_by_what_is_asked_for() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    let many = "SELECT value AS v FROM generate_series(1, 5000) INTO OUTFILE 'stage://s/many/x_%d.csv' SPLITSIZE '4K'";
    let exported = server
        .ok(&format!("{many} DIGEST 'blake3' B3SUMS 'true'"))
        .await;
    let export = exported.result.export.clone().unwrap();
    let digests: Vec<String> = export
        .files
        .iter()
        .map(|file| {
            let bytes = std::fs::read(dir.join(&file.path)).unwrap();
            assert_eq!(file.sha256, "");
            assert_eq!(file.blake3, blake3::hash(&bytes).to_hex().as_str());
            file.blake3.clone()
        })
        .collect();
    assert!(digests.len() > 5);
    // The manifest names the algorithm, and the list is what b3sum reads.
    let told = manifest(&dir.join("many/_manifest.json"));
    assert_eq!(told["options"]["digest"], "blake3");
    assert_eq!(told["files"][1]["blake3"], digests[1].as_str());
    assert_eq!(told["files"][1].get("sha256"), None);
    let list = std::fs::read_to_string(dir.join("many/B3SUMS")).unwrap();
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), digests.len());
    assert_eq!(lines[0], format!("{}  x_0.csv", digests[0]));
    let rows = server
        .ok("SELECT sha256, blake3 FROM stagedoor.export_files ORDER BY path LIMIT 1")
        .await
        .rows();
    assert_eq!(rows, [["NULL", digests[0].as_str()]]);
    // What was exported is verified by the same digest.
    let id = export_id(&exported);
    let verify = format!("VERIFY EXPORT '{id}'");
    let verified = server.ok(&verify).await.rows();
    assert!(verified.iter().all(|row| row[3] == "OK"), "{verified:?}");
    let first = dir.join("many/x_0.csv");
    let mut changed = std::fs::read(&first).unwrap();
    changed[10] ^= 1;
    std::fs::write(&first, &changed).unwrap();
    let verified = server.ok(&verify).await.rows();
    assert_eq!(
        (verified[0][3].as_str(), verified[0][4].as_str()),
        (
            "CHANGED",
            format!("its BLAKE3 is no longer {}", digests[0]).as_str()
        )
    );
    // What is replaced is known by its digest: only the file that still has the bytes goes, and the list with it.
    let fewer = server
        .ok("SELECT 1 AS v INTO OUTFILE 'stage://s/many/x_%d.csv' OVERWRITE 'true' SPLITSIZE '4K'")
        .await;
    assert_eq!(fewer.result.warnings, Vec::<String>::new());
    assert_eq!(
        files(&dir),
        ["many/_manifest.json", "many/x_0.csv", "many/x_0.csv.sha256"]
    );
    for (options, wanted) in [
        ("DIGEST 'blake3' SHA256SUMS 'true'", "B3SUMS 'true'"),
        ("B3SUMS 'true'", "DIGEST 'blake3'"),
    ] {
        let error = server
            .error(&format!(
                "SELECT 1 AS a INTO OUTFILE 'stage://s/no.csv' {options}"
            ))
            .await;
        assert!(error.contains(wanted), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_have_the_folders_that_are_asked_for() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    let query = "SELECT value AS v, value % 2 AS k, concat('n', value % 3) AS n FROM generate_series(1, 60)";
    server
        .ok(&format!(
            "{query} INTO OUTFILE 'stage://s/p/x.csv' PARTITION BY (k, n) PATH 'shop {{N}}/k={{k}}' MANIFEST 'false'"
        ))
        .await;
    let wanted: Vec<String> = (0..3)
        .flat_map(|n| (0..2).map(move |k| format!("p/shop n{n}/k={k}/x.csv")))
        .collect();
    assert_eq!(files(&dir), wanted);
    for (path, wanted) in [
        ("{k}", "'{n}' is not in it"),
        ("{k}{n}", "between two values"),
        ("{k}/{x}", "none of the columns"),
        ("../{k}/{n}", "each folder on the way has a name"),
    ] {
        let error = server
            .error(&format!(
                "{query} INTO OUTFILE 'stage://s/q/x.csv' PARTITION BY (k, n) PATH '{path}'"
            ))
            .await;
        assert!(error.contains(wanted), "{path}: {error}");
    }
    let error = server
        .error(
            "SELECT 1 AS v, '..' AS n INTO OUTFILE 'stage://s/q/x.csv' PARTITION BY (n) PATH '{n}'",
        )
        .await;
    assert!(error.contains("row 1 of column 'n'"), "{error}");
    assert_eq!(files(&dir), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_export_is_asked_for_again_as_it_was() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server.ok("CREATE DATABASE d1").await;
    server.ok("CREATE DATABASE d2").await;
    for (database, text) in [("d1", "right"), ("d2", "wrong")] {
        server.ok(&format!("USE {database}")).await;
        server.ok("CREATE TABLE t (a varchar(9), n bigint)").await;
        server
            .ok(&format!("INSERT INTO t VALUES ('{text}', 0)"))
            .await;
    }
    server.ok("USE d1").await;
    // It fails while it runs: for a value, no folder has a name.
    let failed = "SELECT n, CASE WHEN n = 0 THEN '..' ELSE a END AS a FROM t INTO OUTFILE 'stage://s/x.csv' PARTITION BY (a) PATH '{a}' EXPORT ID 'again'";
    let error = server.error(failed).await;
    assert!(error.contains("that is no path"), "{error}");
    let id = server
        .ok("SELECT export_id FROM stagedoor.exports WHERE state = 'FAILED' ORDER BY started_time DESC LIMIT 1")
        .await
        .cell();
    server.ok("UPDATE t SET n = 1").await;
    server.ok("USE d2").await;
    let resumed = server.ok(&format!("RESUME EXPORT '{id}'")).await;
    let export = resumed.result.export.clone().unwrap();
    assert_ne!(export.name, format!("exports/{id}"));
    assert!(dir.join("right/x.csv").exists());
    // It is the export of that EXPORT ID now, in the database it was in; and the session stayed where it was.
    assert_eq!(server.ok("SELECT a FROM t").await.cell(), "wrong");
    server.ok("USE d1").await;
    let again = server.ok(failed).await.result.export.unwrap();
    assert_eq!(again.name, export.name);
    let error = server
        .error(&format!(
            "RESUME EXPORT '{}'",
            export.name.replace("exports/", "")
        ))
        .await;
    assert!(error.contains("only one that has failed"), "{error}");
    let error = server
        .error("RESUME EXPORT '0192f0c1-2345-7abc-8def-000000000001'")
        .await;
    assert!(error.contains("there is no export"), "{error}");
    // The same over ExportService.
    std::fs::remove_dir_all(dir.join("right")).unwrap();
    let second = failed.replace("again", "once more");
    server.ok("UPDATE t SET n = 0").await;
    server.error(&second).await;
    server.ok("UPDATE t SET n = 1").await;
    let id = server
        .ok("SELECT export_id FROM stagedoor.exports WHERE state = 'FAILED' ORDER BY started_time DESC LIMIT 1")
        .await
        .cell();
    let request = v1::ResumeExportRequest {
        name: format!("exports/{id}"),
        session_id: String::new(),
    };
    let started = server.exports().resume_export(request).await.unwrap();
    let name = started.into_inner().export.unwrap().name;
    let mut watched = server
        .exports()
        .watch_export(v1::WatchExportRequest { name })
        .await
        .unwrap()
        .into_inner();
    let mut last = None;
    while let Some(message) = watched.message().await.unwrap() {
        last = message.export;
    }
    assert_eq!(last.unwrap().state(), v1::ExportState::Committed);
    assert!(dir.join("right/x.csv").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn resuming_keeps_to_its_stage_and_makes_one_export() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server.ok("CREATE TABLE t (a varchar(9), n bigint)").await;
    server.ok("INSERT INTO t VALUES ('x', 0)").await;
    // Without an EXPORT ID.
    let failing = async |file: &str| {
        server.ok("UPDATE t SET n = 0").await;
        let statement = format!(
            "SELECT n, CASE WHEN n = 0 THEN '..' ELSE a END AS a FROM t INTO OUTFILE 'stage://s/{file}' PARTITION BY (a) PATH '{{a}}'"
        );
        server.error(&statement).await;
        server.ok("UPDATE t SET n = 1").await;
        let last = "SELECT export_id FROM stagedoor.exports WHERE state = 'FAILED' ORDER BY started_time DESC LIMIT 1";
        server.ok(last).await.cell()
    };
    let resume = format!("RESUME EXPORT '{}'", failing("one.csv").await);
    let first = server.ok(&resume).await.result.export.unwrap();
    // As when the first answer was lost, and somebody has taken the file.
    std::fs::remove_file(dir.join("x/one.csv")).unwrap();
    let again = server.ok(&resume).await.result.export.unwrap();
    assert_eq!(again.name, first.name);
    assert!(!dir.join("x/one.csv").exists());

    let resume = format!("RESUME EXPORT '{}'", failing("two.csv").await);
    server.ok("CREATE TEMPORARY STAGE s").await;
    let error = server.error(&resume).await;
    assert!(
        error.contains("a temporary stage of this session"),
        "{error}"
    );
    server.ok("DROP STAGE s").await;
    server.ok("DROP STAGE s").await;
    server
        .ok(&format!("CREATE STAGE s URL = 'file://{}'", dir.display()))
        .await;
    let error = server.error(&resume).await;
    assert!(error.contains("another has its name now"), "{error}");
    assert!(!dir.join("x/two.csv").exists());
}
