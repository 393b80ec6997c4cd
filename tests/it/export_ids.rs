//! EXPORT ID, SHA256SUMS, and OVERWRITE that leaves nothing of the export before.

use std::process::Command;

use proto::v1;
use proto::v1::export_service_client::ExportServiceClient;

use crate::harness::{TestServer, files};
use crate::serve_process::LONG;
use crate::wires::{Told, Wires};

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
    // In another database the same text is another statement.
    server.ok("CREATE DATABASE other").await;
    server.ok("USE other").await;
    let error = server.error(nightly).await;
    assert!(error.contains("in another database or place"), "{error}");
    server.ok("USE main").await;
    let told = server.ok(&format!("EXPLAIN EXPORT {nightly}")).await.rows();
    assert!(
        told[1][0] == "export id" && told[1][1].contains("nothing would be written"),
        "{told:?}"
    );
    server.ok("CREATE TEMPORARY STAGE tmp").await;
    let error = server
        .error("SELECT 1 AS a INTO OUTFILE 'stage://tmp/x.csv' EXPORT ID 'nightly 3'")
        .await;
    assert!(
        error.contains("EXPORT ID with a temporary stage"),
        "{error}"
    );
    // Of what looks like a secret in a literal nothing is left out where statements are compared.
    let signed = |token: &str| {
        format!(
            "SELECT 'https://h/?token={token}' AS a INTO OUTFILE 'stage://s/t.csv' EXPORT ID 't'"
        )
    };
    let first = server.ok(&signed("one")).await;
    assert_eq!(id(&first), id(&server.ok(&signed("one")).await));
    let error = server.error(&signed("two")).await;
    assert!(error.contains("another statement"), "{error}");
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

#[tokio::test(flavor = "multi_thread")]
async fn verifying_reads_every_file_again() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    let export = server
        .ok("SELECT value AS v FROM generate_series(1, 5000) INTO OUTFILE 'stage://s/x.csv' SPLITSIZE '8K'")
        .await;
    let id = export.result.export.unwrap().name.replace("exports/", "");
    let verify = format!("VERIFY EXPORT '{id}'");
    let good = server.ok(&verify).await;
    let results = |answer: &crate::harness::Answer| -> Vec<(String, String)> {
        let rows = answer.rows().into_iter();
        rows.map(|row| (row[0].clone(), row[3].clone())).collect()
    };
    assert!(results(&good).len() > 2);
    assert!(results(&good).iter().all(|(_, result)| result == "OK"));
    assert!(good.result.warnings.is_empty());
    // One byte; another length; none.
    let mut bytes = std::fs::read(dir.join("x.csv")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(dir.join("x.csv"), bytes).unwrap();
    std::fs::write(dir.join("x.csv.1"), "short").unwrap();
    std::fs::remove_file(dir.join("x.csv.2")).unwrap();
    let bad = server.ok(&verify).await;
    let told = bad.rows();
    assert_eq!(
        results(&bad)[..3],
        [
            ("x.csv".to_owned(), "CHANGED".to_owned()),
            ("x.csv.1".to_owned(), "CHANGED".to_owned()),
            ("x.csv.2".to_owned(), "MISSING".to_owned()),
        ]
    );
    assert!(
        told[0][4].starts_with("its SHA-256 is no longer "),
        "{told:?}"
    );
    assert!(told[1][4].starts_with("it has no longer "), "{told:?}");
    assert_eq!(bad.result.warnings, ["3 files are not what was exported"]);
    // The same over ExportService.
    let mut client = ExportServiceClient::new(server.channel.clone());
    let request = v1::VerifyExportRequest {
        name: format!("exports/{id}"),
    };
    let mut stream = client.verify_export(request).await.unwrap().into_inner();
    let first = stream.message().await.unwrap().unwrap();
    assert_eq!(first.result(), v1::VerifyResult::Changed);
    assert_eq!(first.file.unwrap().path, "x.csv");
    let error = server
        .error("VERIFY EXPORT '0192f0c1-2345-7abc-8def-000000000001'")
        .await;
    assert!(error.contains("there is no export"), "{error}");
    // A file on the server's machine, where there is no stage.
    server.ok("ALTER STAGE s SET ENABLE = FALSE").await;
    let raw = server.dir("raw");
    let local = server
        .ok(&format!(
            "SELECT 1 AS a INTO OUTFILE '{}/y.csv'",
            raw.display()
        ))
        .await;
    let id = local.result.export.unwrap().name.replace("exports/", "");
    let local = server.ok(&format!("VERIFY EXPORT '{id}'")).await;
    assert_eq!(results(&local)[0].1, "OK");
}

#[tokio::test(flavor = "multi_thread")]
async fn verifying_reads_what_was_published_as_proof() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    let verify = async |id: &str| -> Vec<Vec<String>> {
        let rows = server.ok(&format!("VERIFY EXPORT '{id}'")).await.rows();
        rows.into_iter()
            .map(|row| vec![row[0].clone(), row[3].clone()])
            .collect()
    };
    let export = async |rest: &str| -> String {
        let statement =
            format!("SELECT value AS v FROM generate_series(1, 5000) INTO OUTFILE {rest}");
        let export = server.ok(&statement).await;
        export.result.export.unwrap().name.replace("exports/", "")
    };
    // One file, and several: what proves them is beside them, or in their folder.
    for (target, options, files) in [
        (
            "one/x.csv",
            "MANIFEST 'true' SHA256SUMS 'true'",
            ["one/x.csv", "one/x.csv.manifest.json", "one/x.csv.sha256"],
        ),
        (
            "b3/x.csv",
            "MANIFEST 'true' DIGEST 'blake3' B3SUMS 'true'",
            ["b3/x.csv", "b3/x.csv.manifest.json", "b3/x.csv.b3"],
        ),
        (
            "more/x.csv",
            "SPLITSIZE '8K' SHA256SUMS 'true'",
            ["more/x.csv", "more/_manifest.json", "more/SHA256SUMS"],
        ),
    ] {
        let id = export(&format!("'stage://s/{target}' {options}")).await;
        let good = verify(&id).await;
        assert!(good.iter().all(|row| row[1] == "OK"), "{good:?}");
        for file in files {
            assert!(good.iter().any(|row| row[0] == file), "{file}: {good:?}");
        }
        for file in &files[1..] {
            let path = dir.join(file);
            let whole = std::fs::read(&path).unwrap();
            let mut changed = whole.clone();
            changed[20] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            let told = verify(&id).await;
            assert!(
                told.contains(&vec![(*file).to_owned(), "CHANGED".to_owned()]),
                "{told:?}"
            );
            std::fs::remove_file(&path).unwrap();
            let told = verify(&id).await;
            assert!(
                told.contains(&vec![(*file).to_owned(), "MISSING".to_owned()]),
                "{told:?}"
            );
            std::fs::write(&path, &whole).unwrap();
            assert_eq!(verify(&id).await, good);
        }
    }
    // What nobody asked for is not missed.
    let id = export("'stage://s/plain.csv'").await;
    assert_eq!(verify(&id).await, [["plain.csv", "OK"]]);
    // A policy asks, too.
    server
        .ok("ALTER STAGE s SET POLICY = {'require_manifest' = 'true'}")
        .await;
    let id = export("'stage://s/policed.csv'").await;
    std::fs::remove_file(dir.join("policed.csv.manifest.json")).unwrap();
    assert_eq!(
        verify(&id).await,
        [
            ["policed.csv", "OK"],
            ["policed.csv.manifest.json", "MISSING"]
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn explaining_an_export_writes_nothing() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server
        .ok("ALTER STAGE s SET POLICY = {'max_rows' = '10'}")
        .await;
    server
        .ok("CREATE TABLE t (id bigint, name varchar(20))")
        .await;
    std::fs::write(dir.join("x_00001.csv"), "mine").unwrap();
    let told = server
        .ok("EXPLAIN EXPORT SELECT * FROM t INTO OUTFILE 'stage://s/x_%05d.csv' SPLITSIZE '1M' DIALECT 'rfc4180' EXPORT ID 'e'")
        .await
        .rows();
    let value = |property: &str| -> Vec<&str> {
        let of = told.iter().filter(|row| row[0] == property);
        of.map(|row| row[1].as_str()).collect()
    };
    assert_eq!(value("target"), ["stage://s/x_00000.csv"]);
    assert_eq!(value("stage"), ["s (version 2)"]);
    assert_eq!(value("policy"), ["s: max_rows = 10"]);
    assert_eq!(value("format"), ["csv"]);
    assert_eq!(value("columns"), ["id bigint, name varchar(20)"]);
    assert_eq!(
        value("files"),
        ["x_00000.csv, x_00001.csv, … of at most 1048576 bytes each"]
    );
    assert_eq!(value("conflict"), ["file x_00001.csv already exists"]);
    assert_eq!(value("export id"), ["e"]);
    assert!(
        value("option").contains(&"file_bytes_max = 1048576"),
        "{told:?}"
    );
    assert_eq!(files(&dir), ["x_00001.csv"]);
    let count = server.ok("SELECT count(*) FROM stagedoor.exports").await;
    assert_eq!(count.cell(), "0");
    // What the export would refuse is refused.
    for (statement, wanted) in [
        ("SELECT nope FROM t INTO OUTFILE 'stage://s/y.csv'", "nope"),
        (
            "SELECT 1 AS a INTO OUTFILE '/tmp/y.csv'",
            "stage exists, please try to check and use a stage instead",
        ),
        (
            "SELECT 1 AS a INTO OUTFILE 'stage://s/y.csv' FORMAT 'parquet'",
            "does not match file suffix",
        ),
    ] {
        let error = server.error(&format!("EXPLAIN EXPORT {statement}")).await;
        assert!(error.contains(wanted), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_started_twice_is_one_export() {
    let server = TestServer::start().await;
    server.stage("s").await;
    let mut client = ExportServiceClient::new(server.channel.clone());
    let request = |name: &str, request_id: &str| v1::StartExportRequest {
        statement: format!("SELECT 1 AS a INTO OUTFILE 'stage://s/{name}.csv'"),
        request_id: request_id.to_owned(),
        ..Default::default()
    };
    let mut start = async |name: &str| {
        let started = client.start_export(request(name, "r1")).await;
        started.map(|started| started.into_inner().export.unwrap().name)
    };
    let first = start("x").await.unwrap();
    assert_eq!(start("x").await.unwrap(), first);
    let refused = start("y").await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::AlreadyExists);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_names_of_one_place_replace_one_after_the_other() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server
        .ok("CREATE STAGE below URL = 'stage://s/below/'")
        .await;
    let export = |target: &str, rows: usize| {
        format!(
            "SELECT value AS v FROM generate_series(1, {rows}) INTO OUTFILE 'stage://{target}/x.csv' SPLITSIZE '4K' OVERWRITE 'true' SHA256SUMS 'true'"
        )
    };
    for _ in 0..5 {
        let (one, other) = (export("s/below", 9_000), export("below", 5_000));
        futures::join!(server.ok(&one), server.ok(&other));
        // Whichever came last: all files that its manifest names are its own.
        let manifest: serde_json::Value =
            serde_json::from_slice(&std::fs::read(dir.join("below/_manifest.json")).unwrap())
                .unwrap();
        for (number, file) in manifest["files"].as_array().unwrap().iter().enumerate() {
            let name = match number {
                0 => "x.csv".to_owned(),
                number => format!("x.csv.{number}"),
            };
            let bytes = std::fs::metadata(dir.join("below").join(&name)).unwrap();
            assert_eq!(file["bytes"], bytes.len(), "{name}");
        }
        let checked = Command::new("sha256sum")
            .args(["--strict", "--quiet", "-c", "SHA256SUMS"])
            .current_dir(dir.join("below"))
            .output()
            .unwrap();
        assert!(checked.status.success(), "{checked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tells_of_other_files_stays() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    let export = |name: &str, options: &str| {
        format!(
            "SELECT value AS v FROM generate_series(1, 3000) INTO OUTFILE 'stage://s/d/{name}' SPLITSIZE '4K' {options}"
        )
    };
    server.ok(&export("a.csv", "")).await;
    server.ok(&export("b.csv", "SHA256SUMS 'true'")).await;
    let sums = std::fs::read(dir.join("d/SHA256SUMS")).unwrap();
    server.ok(&export("a.csv", "OVERWRITE 'true'")).await;
    assert_eq!(std::fs::read(dir.join("d/SHA256SUMS")).unwrap(), sums);
    // Under another name of the stage it is the same file, and its manifest is renewed.
    let one = "SELECT 1 AS v INTO OUTFILE 'stage://s/one.csv' MANIFEST 'true'";
    server.ok(one).await;
    server.ok("ALTER STAGE s RENAME TO r").await;
    let again = server
        .ok("SELECT 2 AS v INTO OUTFILE 'stage://r/one.csv' MANIFEST 'true' OVERWRITE 'true'")
        .await;
    assert_eq!(again.result.warnings, Vec::<String>::new());
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.join("one.csv.manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["target"], "stage://r/one.csv");
    // Where the manifest must be there, a name that is taken is an error.
    server
        .ok("ALTER STAGE r SET POLICY = {'require_manifest' = 'true'}")
        .await;
    std::fs::write(dir.join("two.csv.manifest.json"), "mine").unwrap();
    let error = server
        .error("SELECT 1 AS v INTO OUTFILE 'stage://r/two.csv' OVERWRITE 'true'")
        .await;
    assert!(
        error.contains("two.csv.manifest.json already exists"),
        "{error}"
    );
    assert!(!dir.join("two.csv").exists());
}

/// Rows of what is asked.
async fn rows(client: &mut crate::wires::Client, statement: &str) -> Vec<Vec<String>> {
    match client.ok(statement).await {
        Told::Rows(table) => table.rows,
        Told::Done { .. } => panic!("no rows of {statement}"),
    }
}

/// Waits until a query gives what is wanted.
async fn until(
    client: &mut crate::wires::Client,
    query: &str,
    wanted: impl Fn(&[Vec<String>]) -> bool,
) -> Vec<Vec<String>> {
    let come = async {
        loop {
            let rows = rows(client, query).await;
            if wanted(&rows) {
                return rows;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let come = tokio::time::timeout(LONG, come).await;
    come.unwrap_or_else(|_| panic!("{query} does not come to that"))
}

/// KILL of one who waits for an export that another call has started ends the waiting, and not the export.
#[tokio::test(flavor = "multi_thread")]
async fn a_follower_is_killed_and_the_export_goes_on() {
    let wires = Wires::open(|_| {}).await;
    let folder = wires.folder.path().join("stage");
    std::fs::create_dir(&folder).unwrap();
    let mut control = wires.grpc().await;
    let create = format!("CREATE STAGE s URL = '{}'", folder.display());
    control.ok(&create).await;
    let export = "SELECT a.value FROM generate_series(1, 100000) AS a, generate_series(1, 100000) AS b INTO OUTFILE 'stage://s/x.csv' EXPORT ID 'endless'";
    let mut first = wires
        .mysql("root", crate::harness::ROOT_PASSWORD)
        .await
        .unwrap();
    let started = tokio::spawn(async move { first.run(export).await });
    let running = "SELECT export_id FROM stagedoor.exports WHERE state = 'RUNNING'";
    let id = until(&mut control, running, |rows| rows.len() == 1).await[0][0].clone();
    // Who has it in hand: the first one's session, by its number.
    let of_it = |rows: &[Vec<String>]| -> Vec<String> {
        let of_it = rows.iter().filter(|row| row[8].contains("EXPORT ID"));
        of_it
            .map(|row| row[0].trim_matches('\'').to_owned())
            .collect()
    };
    let sessions = until(&mut control, "SHOW SESSIONS", |rows| of_it(rows).len() == 1).await;
    let first_session = of_it(&sessions);

    for mut follower in wires.clients().await {
        let wire = follower.name();
        let following = tokio::spawn(async move { follower.run(export).await });
        let sessions = until(&mut control, "SHOW SESSIONS", |rows| of_it(rows).len() == 2).await;
        let session = of_it(&sessions)
            .into_iter()
            .find(|session| !first_session.contains(session))
            .unwrap();
        // It is the waiting that is to be ended, and not what comes before: that is over in a moment.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        control.ok(&format!("KILL QUERY '{session}'")).await;
        let ended = tokio::time::timeout(LONG, following).await;
        let ended = ended.unwrap_or_else(|_| panic!("{wire}: it still waits"));
        let killed = ended.unwrap().unwrap_err();
        assert_eq!(
            (killed.code, killed.sqlstate.as_str()),
            (1317, "70100"),
            "{wire}: {killed}"
        );
        assert!(killed.text.contains("was killed"), "{wire}: {killed}");
        let still = rows(&mut control, running).await;
        assert_eq!(still.len(), 1, "{wire}");
    }
    assert!(!started.is_finished());
    control
        .ok(&format!("CANCEL EXPORT '{}'", id.trim_matches('\'')))
        .await;
    let ended = tokio::time::timeout(LONG, started).await.unwrap().unwrap();
    assert_eq!(ended.unwrap_err().code, 1317);
    drop(control);
    wires.close().await;
}
