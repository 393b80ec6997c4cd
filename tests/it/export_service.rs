//! ExportService: an export outlives the call that started it, can be watched, cancelled and proven.

use proto::v1;
use tonic::Code;

use crate::harness::{TestServer, files};

/// A statement that would write for minutes.
const ENDLESS: &str = "SELECT x.a, y.a AS b FROM t x CROSS JOIN t y CROSS JOIN t z INTO OUTFILE 'stage://s/endless.csv'";

async fn server_with_rows() -> (TestServer, std::path::PathBuf) {
    let server = TestServer::start_with(|settings| settings.limits.shutdown_grace_s = 0).await;
    let dir = server.stage("s").await;
    server.ok("CREATE TABLE t (a bigint)").await;
    let values: Vec<String> = (0..2000).map(|n| format!("({n})")).collect();
    server
        .ok(&format!("INSERT INTO t VALUES {}", values.join(",")))
        .await;
    (server, dir)
}

fn start(statement: &str) -> v1::StartExportRequest {
    v1::StartExportRequest {
        statement: statement.to_owned(),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn started_watched_and_proven() {
    let (server, dir) = server_with_rows().await;
    let mut exports = server.exports();
    let started = exports
        .start_export(start(
            "SELECT a FROM t ORDER BY a INTO OUTFILE 'stage://s/t.csv'",
        ))
        .await
        .unwrap()
        .into_inner()
        .export
        .unwrap();
    assert!(started.name.starts_with("exports/"));
    let mut watch = exports
        .watch_export(v1::WatchExportRequest {
            name: started.name.clone(),
        })
        .await
        .unwrap()
        .into_inner();
    let mut last = None;
    while let Some(seen) = watch.message().await.unwrap() {
        last = seen.export;
    }
    let last = last.unwrap();
    assert_eq!(last.state(), v1::ExportState::Committed);
    assert_eq!(
        (
            last.rows,
            last.stage.as_str(),
            last.stage_version,
            last.target.as_str()
        ),
        (2000, "s", 1, "stage://s/t.csv")
    );
    assert_eq!(last.principal, "sys:root");
    let manifest = exports
        .get_manifest(v1::GetManifestRequest { name: started.name })
        .await
        .unwrap()
        .into_inner()
        .manifest_json;
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let bytes = std::fs::read(dir.join("t.csv")).unwrap();
    assert_eq!(
        manifest["files"][0]["sha256"],
        last.files[0].sha256.as_str()
    );
    assert_eq!(manifest["bytes"], bytes.len());
    assert_eq!(last.files[0].sha256, sha256(&bytes));
    assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 2001);
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_export_leaves_nothing() {
    let (server, dir) = server_with_rows().await;
    let mut exports = server.exports();
    let name = exports
        .start_export(start(ENDLESS))
        .await
        .unwrap()
        .into_inner()
        .export
        .unwrap()
        .name;
    // Once something is written, so that there is something to remove.
    let mut watch = exports
        .watch_export(v1::WatchExportRequest { name: name.clone() })
        .await
        .unwrap()
        .into_inner();
    while watch.message().await.unwrap().unwrap().export.unwrap().rows == 0 {}
    assert!(!files(&dir).is_empty(), "a draft is being written");
    assert!(!dir.join("endless.csv").exists());
    let busy = server.error("DROP STAGE s").await;
    assert!(
        busy.contains(name.strip_prefix("exports/").unwrap()),
        "{busy}"
    );
    let cancelled = exports
        .cancel_export(v1::CancelExportRequest { name: name.clone() })
        .await
        .unwrap()
        .into_inner()
        .export
        .unwrap();
    assert_eq!(cancelled.state(), v1::ExportState::Cancelled);
    assert_eq!(files(&dir), Vec::<String>::new());
    assert!(!dir.join(".stagedoor").exists());
    let again = exports
        .cancel_export(v1::CancelExportRequest { name: name.clone() })
        .await
        .unwrap_err();
    assert_eq!(again.code(), Code::FailedPrecondition);
    let no_manifest = exports
        .get_manifest(v1::GetManifestRequest { name })
        .await
        .unwrap_err();
    assert_eq!(no_manifest.code(), Code::FailedPrecondition);
}

/// The audit has CANCEL EXPORT of what somebody asked for, and the record of every other says what ended it.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_says_why_it_was_cancelled() {
    let (server, _) = server_with_rows().await;
    let mut exports = server.exports();
    let mut begin = async |statement: &str| {
        let started = exports.start_export(start(statement)).await.unwrap();
        let name = started.into_inner().export.unwrap().name;
        name.strip_prefix("exports/").unwrap().to_owned()
    };
    let asked = begin(ENDLESS).await;
    server.ok(&format!("CANCEL EXPORT '{asked}'")).await;
    let stopped = begin(&ENDLESS.replace("endless", "stopped")).await;
    server.server.shutdown().await;
    for (id, why) in [
        (&asked, "the export was cancelled, and left no file"),
        (&stopped, "limits.shutdown_grace_s, and left no file"),
    ] {
        let error = format!("SELECT error FROM stagedoor.exports WHERE export_id = '{id}'");
        let error = server.ok(&error).await.cell();
        assert!(error.contains(why), "{error}");
        let ends = format!(
            "SELECT COUNT(*) FROM stagedoor.audit WHERE operation = 'EXPORT' AND outcome = 'failed' AND reason LIKE '%{id}%{why}%'"
        );
        assert_eq!(server.ok(&ends).await.cell(), "1", "{id}");
    }
    let asked_for = "SELECT target FROM stagedoor.audit WHERE operation = 'CANCEL EXPORT'";
    assert_eq!(server.ok(asked_for).await.cell(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_survives_the_client_that_started_it() {
    let (server, dir) = server_with_rows().await;
    let request = v1::ExecuteRequest {
        session_id: String::new(),
        statement: "SELECT x.a FROM t x CROSS JOIN t y INTO OUTFILE 'stage://s/big.csv'".to_owned(),
        ..Default::default()
    };
    let mut stream = server.sql().execute(request).await.unwrap().into_inner();
    let Some(v1::execute_response::Part::ExportStarted(export)) =
        stream.message().await.unwrap().unwrap().part
    else {
        panic!("no start")
    };
    drop(stream);
    let mut watch = server
        .exports()
        .watch_export(v1::WatchExportRequest { name: export.name })
        .await
        .unwrap()
        .into_inner();
    let mut last = None;
    while let Some(seen) = watch.message().await.unwrap() {
        last = seen.export;
    }
    assert_eq!(last.unwrap().rows, 4_000_000);
    assert!(dir.join("big.csv").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_on_running_exports_names_itself() {
    let server = TestServer::start_with(|settings| {
        settings.limits.concurrent_exports_max = 1;
        // How long the second one waits for its turn.
        settings.limits.queue_wait_s = 1;
    })
    .await;
    server.stage("s").await;
    server.ok("CREATE TABLE t (a bigint)").await;
    let values: Vec<String> = (0..2000).map(|n| format!("({n})")).collect();
    server
        .ok(&format!("INSERT INTO t VALUES {}", values.join(",")))
        .await;
    let name = server
        .exports()
        .start_export(start(ENDLESS))
        .await
        .unwrap()
        .into_inner()
        .export
        .unwrap()
        .name;
    let error = server
        .error("SELECT 1 INTO OUTFILE 'stage://s/one.csv'")
        .await;
    assert!(error.contains("limits.concurrent_exports_max"), "{error}");
    let id = name.strip_prefix("exports/").unwrap();
    server.ok(&format!("CANCEL EXPORT '{id}'")).await;
    server.ok("SELECT 1 INTO OUTFILE 'stage://s/one.csv'").await;
    let states: Vec<String> = server
        .ok("SHOW EXPORTS")
        .await
        .rows()
        .into_iter()
        .map(|row| row[1].clone())
        .collect();
    assert_eq!(states, ["COMMITTED", "CANCELLED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_the_server_ends_its_exports() {
    let (server, dir) = server_with_rows().await;
    server.exports().start_export(start(ENDLESS)).await.unwrap();
    server.server.shutdown().await;
    assert_eq!(files(&dir), Vec::<String>::new());
    assert_eq!(
        server
            .ok("SELECT state FROM stagedoor.exports")
            .await
            .cell(),
        "CANCELLED"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_paged_newest_first() {
    let (server, _) = server_with_rows().await;
    for n in 0..5 {
        server
            .ok(&format!("SELECT {n} AS n INTO OUTFILE 'stage://s/{n}.csv'"))
            .await;
    }
    let mut targets = Vec::new();
    let mut page_token = String::new();
    loop {
        let page = server
            .exports()
            .list_exports(v1::ListExportsRequest {
                page_size: 2,
                page_token,
            })
            .await
            .unwrap()
            .into_inner();
        targets.extend(page.exports.into_iter().map(|export| export.target));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(
        targets,
        [
            "stage://s/4.csv",
            "stage://s/3.csv",
            "stage://s/2.csv",
            "stage://s/1.csv",
            "stage://s/0.csv"
        ]
    );
    let missing = server
        .exports()
        .get_export(v1::GetExportRequest {
            name: "exports/none".to_owned(),
        })
        .await
        .unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    let not_export = server
        .exports()
        .start_export(start("SELECT 1"))
        .await
        .unwrap_err();
    assert_eq!(not_export.code(), Code::InvalidArgument);
}
