//! What a client's deadline does: the server keeps to it, from the plan to the last byte of a file, and says so by
//! DEADLINE_EXCEEDED. The clients here are the server's own services, so that nothing but the server watches the time.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use proto::v1;
use proto::v1::export_service_client::ExportServiceClient;
use proto::v1::sql_service_client::SqlServiceClient;
use proto::v1::stage_service_client::StageServiceClient;
use server::{Server, Settings};
use test_servers::{KEY, SECRET, Scripted, answer};
use tonic::codegen::http;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;
use tower::Service;

use crate::harness::ROOT_PASSWORD;
use crate::serve_process::LONG;

/// Root's password.
fn authorization() -> MetadataValue<Ascii> {
    let basic = STANDARD.encode(format!("root:{ROOT_PASSWORD}"));
    format!("Basic {basic}").parse().unwrap()
}

struct Direct {
    folder: tempfile::TempDir,
    server: Server,
}

impl Direct {
    async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    async fn open_with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let password = folder.path().join("password");
        std::fs::write(&password, ROOT_PASSWORD).unwrap();
        let mut settings = Settings::embedded(&folder.path().join("data"));
        settings.auth.root_password_file = Some(password);
        change(&mut settings);
        let server = Server::open(settings).await.unwrap();
        let mut session = server.session().unwrap();
        let stage = folder.path().join("stage");
        std::fs::create_dir(&stage).unwrap();
        for statement in [
            format!("CREATE STAGE s URL = '{}'", stage.display()),
            format!(
                "ALTER USER root IDENTIFIED BY '{}'",
                ROOT_PASSWORD.replace('\'', "''")
            ),
        ] {
            session.execute(&statement).await.unwrap();
        }
        Self { folder, server }
    }

    fn files(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("stage"))
            .unwrap()
            .count()
    }
}

/// A request of root's, with a deadline.
fn asked<T>(message: T, timeout: &str) -> Request<T> {
    let mut request = Request::new(message);
    let metadata = request.metadata_mut();
    metadata.insert("authorization", authorization());
    metadata.insert("grpc-timeout", timeout.parse().unwrap());
    request
}

fn is_late(status: &Status) {
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    let info = status.get_details_error_info().expect("an ErrorInfo");
    assert_eq!(info.reason, "STATEMENT_TIMEOUT");
    assert_eq!(info.metadata["code"], "3024");
    assert!(status.message().contains("grpc-timeout"), "{status:?}");
}

/// Runs a statement to its end.
async fn executed(server: &Server, statement: &str, timeout: &str) -> Result<(), Status> {
    let request = v1::ExecuteRequest {
        statement: statement.to_owned(),
        ..Default::default()
    };
    let mut client = SqlServiceClient::new(server.routes());
    let answer = client.execute(asked(request, timeout)).await?;
    let mut parts = answer.into_inner();
    while parts.message().await?.is_some() {}
    Ok(())
}

/// Rows without end, for all that a test waits.
const ENDLESS: &str = "SELECT a.value AS a, b.value AS b FROM generate_series(1, 100000) AS a, generate_series(1, 100000) AS b";

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_ends_at_its_deadline() {
    let direct = Direct::open().await;
    for statement in [
        ENDLESS.to_owned(),
        // Without a row before its end.
        format!("SELECT count(*) FROM ({ENDLESS}) AS x WHERE a < b"),
    ] {
        let ended = executed(&direct.server, &statement, "700m");
        let ended = tokio::time::timeout(LONG, ended).await.expect("it ends");
        is_late(&ended.unwrap_err());
    }
    // Others have the time that they have.
    executed(&direct.server, "SELECT 1", "99999999S")
        .await
        .unwrap();
    // What is none of the protocol's is none.
    executed(&direct.server, "SELECT 1", "soon").await.unwrap();
}

/// A bucket's first page comes, and the second never: the listing ends in the middle, and its request with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_listing_ends_at_its_deadline_in_the_middle() {
    let direct = Direct::open_with(|settings| {
        settings.endpoints.allow = vec!["127.0.0.1".to_owned()];
        settings.endpoints.http = true;
    })
    .await;
    let store = Scripted::plain(|head| {
        let target = head.split_whitespace().nth(1).unwrap_or_default();
        if target.contains("continuation-token") {
            // Longer than the test.
            std::thread::sleep(LONG * 2);
        }
        match target.contains("list-type") {
            true => answer(
                "200 OK",
                "",
                "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>next</NextContinuationToken><Contents><Key>p/a.csv</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\"e\"</ETag><Size>1</Size></Contents></ListBucketResult>",
            ),
            false => answer("200 OK", "", "<VersioningConfiguration/>"),
        }
    });
    let create = format!(
        "CREATE STAGE b URL = 's3://b/p/' CREDENTIALS = {{'access_key_id' = '{KEY}', 'secret_access_key' = '{SECRET}', 'endpoint' = 'http://{}'}}",
        store.address()
    );
    let mut session = direct.server.session().unwrap();
    session.execute(&create).await.unwrap();
    let in_the_middle = || {
        let heads = store.heads();
        heads.iter().any(|head| head.contains("continuation-token"))
    };
    // The first of them in whose time this machine comes so far.
    for time in ["1S", "5S", "20S"] {
        let ended = executed(&direct.server, "LIST 'stage://b/**'", time);
        let ended = tokio::time::timeout(LONG, ended).await.expect("it ends");
        is_late(&ended.unwrap_err());
        if in_the_middle() {
            break;
        }
    }
    assert!(in_the_middle(), "{:?}", store.heads());
    executed(&direct.server, "SELECT 1", "30S").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_its_deadline_stops_leaves_nothing() {
    let direct = Direct::open().await;
    let export = format!("{ENDLESS} INTO OUTFILE 'stage://s/x.csv'");
    let ended = executed(&direct.server, &export, "900m");
    let ended = tokio::time::timeout(LONG, ended).await.expect("it ends");
    is_late(&ended.unwrap_err());
    // The export's own end may come behind the answer.
    let mut exports = ExportServiceClient::new(direct.server.routes());
    let gone = async {
        loop {
            let listed = exports.list_exports(asked(v1::ListExportsRequest::default(), "1M"));
            let listed = listed.await.unwrap().into_inner().exports;
            let ended = listed.iter().all(|export| {
                export.state() == v1::ExportState::Failed && export.error.contains("grpc-timeout")
            });
            if !listed.is_empty() && ended {
                return listed.len();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert_eq!(tokio::time::timeout(LONG, gone).await.unwrap(), 1);
    assert_eq!(direct.files(), 0);
    // One that is only started by a call goes on when the call has ended.
    let request = v1::StartExportRequest {
        statement:
            "SELECT value FROM generate_series(1, 3000000) AS g INTO OUTFILE 'stage://s/y.csv'"
                .to_owned(),
        ..Default::default()
    };
    let started = exports.start_export(asked(request, "30S")).await.unwrap();
    let name = started.into_inner().export.unwrap().name;
    let watch = v1::WatchExportRequest { name };
    let watched = exports.watch_export(asked(watch, "5M")).await.unwrap();
    let last = watched
        .into_inner()
        .fold(None, |_, next| async move { Some(next.unwrap()) });
    let last = tokio::time::timeout(LONG, last).await.unwrap().unwrap();
    let export = last.export.unwrap();
    assert_eq!(export.state(), v1::ExportState::Committed);
    // The last message says how far it came.
    let progress = last.progress.expect("progress");
    assert_eq!((progress.rows, progress.files), (3_000_000, 1));
    assert_eq!(progress.bytes, export.bytes);
    assert!(progress.elapsed_ms > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_comes_too_late_says_so() {
    let direct = Direct::open().await;
    let mut stages = StageServiceClient::new(direct.server.routes());
    let request = || v1::ListStagesRequest::default();
    is_late(
        &stages
            .list_stages(asked(request(), "1n"))
            .await
            .unwrap_err(),
    );
    let listed = stages.list_stages(asked(request(), "30S")).await.unwrap();
    assert_eq!(listed.into_inner().stages.len(), 1);
}

/// A message that is of no type is the client's mistake, and said to be.
#[tokio::test]
async fn what_is_no_message_is_an_invalid_argument() {
    let direct = Direct::open().await;
    // Field 1, a text of 100 bytes, of which there are two; and a field of no known kind.
    for (body, code) in [
        (
            &[0, 0, 0, 0, 4, 0x0a, 100, b'a', b'b'][..],
            Code::InvalidArgument,
        ),
        (&[0, 0, 0, 0, 2, 0x0f, 0][..], Code::InvalidArgument),
    ] {
        let request = http::Request::builder()
            .method("POST")
            .uri("/stagedoor.v1.StageService/GetStage")
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("authorization", authorization().to_str().unwrap())
            .body(tonic::body::Body::new(
                String::from_utf8(body.to_vec()).unwrap(),
            ))
            .unwrap();
        let answer = direct.server.routes().call(request).await.unwrap();
        let status = Status::from_header_map(answer.headers()).expect("a status");
        assert_eq!(status.code(), code, "{body:?}: {status:?}");
        let info = status.get_details_error_info().expect("an ErrorInfo");
        assert_eq!(info.domain, "stagedoor");
    }
}
