//! SqlService: sessions, streams, splitting; health and reflection beside it.

use proto::v1;
use server::{Port, Settings};
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::harness::{TestServer, error_line, execute};

#[tokio::test(flavor = "multi_thread")]
async fn a_session_keeps_its_database_and_others_do_not_see_it() {
    let server = TestServer::start().await;
    server.ok("CREATE DATABASE d2").await;
    let used = server.ok("USE d2").await;
    assert_eq!(used.result.database, "d2");
    assert_eq!(server.ok("SELECT DATABASE()").await.cell(), "d2");
    let fresh = v1::ExecuteRequest {
        session_id: String::new(),
        statement: "SELECT DATABASE()".to_owned(),
        ..Default::default()
    };
    assert_eq!(
        execute(&mut server.sql(), fresh).await.unwrap().cell(),
        "main"
    );
    server
        .sql()
        .close_session(v1::CloseSessionRequest {
            session_id: server.session_id.clone(),
        })
        .await
        .unwrap();
    let error = server.run("SELECT 1").await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert!(error_line(&error).contains("there is no such session"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_result_streams_in_messages_that_fit() {
    let server = TestServer::start().await;
    server.ok("CREATE TABLE t (a bigint, b varchar(200))").await;
    let values: Vec<String> = (0..2000)
        .map(|n| format!("({n},'{}')", "x".repeat(200)))
        .collect();
    server
        .ok(&format!("INSERT INTO t VALUES {}", values.join(",")))
        .await;
    // 400,000 rows of 200 bytes: 80 MB through a client with gRPC's default limit of 4 MiB a message.
    let mut client = proto::v1::sql_service_client::SqlServiceClient::new(server.channel.clone());
    let statement = "SELECT x.a, y.b FROM t x CROSS JOIN (SELECT * FROM t LIMIT 200) y".to_owned();
    let answer = execute(
        &mut client,
        v1::ExecuteRequest {
            session_id: server.session_id.clone(),
            statement,
            ..Default::default()
        },
    )
    .await
    .unwrap();
    assert_eq!(answer.result.returned_rows, 400_000);
    assert_eq!(
        answer
            .batches
            .iter()
            .map(|batch| batch.num_rows())
            .sum::<usize>(),
        400_000
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_result_has_its_columns() {
    let server = TestServer::start().await;
    server.ok("CREATE TABLE t (a int, b text)").await;
    let answer = server.ok("SELECT * FROM t").await;
    assert_eq!(answer.result.returned_rows, 0);
    let request = v1::ExecuteRequest {
        session_id: server.session_id.clone(),
        statement: "SELECT a AS x FROM t WHERE false".to_owned(),
        ..Default::default()
    };
    let mut stream = server.sql().execute(request).await.unwrap().into_inner();
    let Some(v1::execute_response::Part::ArrowIpc(ipc)) =
        stream.message().await.unwrap().unwrap().part
    else {
        panic!("no schema")
    };
    let reader =
        arrow::ipc::reader::StreamReader::try_new(std::io::Cursor::new(ipc), None).unwrap();
    assert_eq!(reader.schema().field(0).name(), "x");
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_are_split_as_the_grammar_sees_them() {
    let server = TestServer::start().await;
    let script = "SELECT ';'; -- a comment; still\nSELECT `a;b`;\n/* ; */ SELECT 2".to_owned();
    let split = server
        .sql()
        .split_script(v1::SplitScriptRequest { script })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(split.statements.len(), 2);
    assert_eq!(split.statements[0].statement, "SELECT ';'");
    assert!(split.statements[1].statement.ends_with("SELECT `a;b`"));
    assert!(split.rest.trim().ends_with("SELECT 2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_client_stops_its_query_and_leaves_the_server_well() {
    let server = TestServer::start().await;
    server.ok("CREATE TABLE t (a bigint)").await;
    let values: Vec<String> = (0..5000).map(|n| format!("({n})")).collect();
    server
        .ok(&format!("INSERT INTO t VALUES {}", values.join(",")))
        .await;
    let request = v1::ExecuteRequest {
        session_id: String::new(),
        statement: "SELECT x.a FROM t x CROSS JOIN t y CROSS JOIN t z".to_owned(),
        ..Default::default()
    };
    let mut stream = server.sql().execute(request).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    drop(stream);
    assert_eq!(server.ok("SELECT count(*) FROM t").await.cell(), "5000");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_serving_and_then_not() {
    let server = TestServer::start().await;
    let check = |service: &'static str| {
        let mut client = HealthClient::new(server.channel.clone());
        async move {
            client
                .check(tonic_health::pb::HealthCheckRequest {
                    service: service.to_owned(),
                })
                .await
                .unwrap()
                .into_inner()
                .status
        }
    };
    for service in ["", "stagedoor.v1.SqlService"] {
        assert_eq!(check(service).await, ServingStatus::Serving as i32);
    }
    server.server.shutdown().await;
    assert_eq!(check("").await, ServingStatus::NotServing as i32);
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_to_other_machines_must_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..Settings::embedded(&folder.path().join("data"))
    };
    let error = Port::open(settings).await.unwrap_err();
    assert!(error.to_string().contains("insecure = true"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insert_whose_client_leaves_inserts_nothing() {
    let server = TestServer::start().await;
    server.ok("CREATE TABLE t (a bigint)").await;
    server.ok("CREATE TABLE u (a bigint)").await;
    let values: Vec<String> = (0..2000).map(|n| format!("({n})")).collect();
    server
        .ok(&format!("INSERT INTO t VALUES {}", values.join(",")))
        .await;
    // Would run for minutes; some batches are written before the client leaves.
    let statement = "INSERT INTO u SELECT x.a FROM t x CROSS JOIN t y CROSS JOIN t z".to_owned();
    let request = v1::ExecuteRequest {
        session_id: String::new(),
        statement,
        ..Default::default()
    };
    let drafts = server.folder.path().join("data/tables/.stagedoor");
    let mut client = server.sql();
    // Bytes in the file mean that rows were written: a row group, at least.
    let written = || {
        let files = if drafts.exists() {
            crate::harness::files(&drafts)
        } else {
            Vec::new()
        };
        files
            .iter()
            .any(|file| std::fs::metadata(drafts.join(file)).is_ok_and(|found| found.len() > 4096))
    };
    tokio::select! {
        result = client.execute(request) => panic!("ended: {result:?}"),
        () = until(written) => {}
    }
    until(|| !drafts.exists()).await;
    assert_eq!(server.ok("SELECT count(*) FROM u").await.cell(), "0");
}

/// Waits for a condition; a test that waits in vain fails after a minute.
async fn until(condition: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !condition() {
        assert!(
            began.elapsed() < std::time::Duration::from_secs(60),
            "waited in vain"
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
