//! Traces: a collector's double takes what a real server sends, and is asked what it has got.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use proto::v1;
use proto::v1::sql_service_client::SqlServiceClient;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::harness::{ROOT_PASSWORD, Wire};
use crate::serve_process::{LONG, ServeProcess, as_root, connect};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const SECRET: &str = "planted-in-a-trace";

/// How often spans are sent, so that they need not be waited for.
const SOON: Duration = Duration::from_millis(100);

/// A collector that keeps what it is sent.
#[derive(Clone, Default)]
struct Collector {
    received: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.received.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    /// Serves until the test ends.
    async fn start(&self) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let service = TraceServiceServer::new(self.clone());
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(service)
                .serve_with_incoming(TcpListenerStream::new(listener)),
        );
        address
    }

    fn spans(&self) -> Vec<Span> {
        let received = self.received.lock().unwrap();
        let resources = received.iter().flat_map(|request| &request.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        other => panic!("{key} is no text: {other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The one span that this is true of.
fn one<'a>(spans: &'a [Span], what: &str, is_it: impl Fn(&Span) -> bool) -> &'a Span {
    let found: Vec<&Span> = spans.iter().filter(|span| is_it(span)).collect();
    match found[..] {
        [span] => span,
        _ => panic!("{} of {what} in {spans:#?}", found.len()),
    }
}

fn child<'a>(spans: &'a [Span], parent: &Span, name: &str) -> &'a Span {
    let found = one(spans, name, |span| {
        span.parent_span_id == parent.span_id && span.name == name
    });
    assert_eq!(found.trace_id, parent.trace_id);
    found
}

/// Runs a statement to its end, in the trace of a caller.
async fn run(client: &mut SqlServiceClient<Wire>, statement: &str) -> Result<(), Status> {
    let mut request = Request::new(v1::ExecuteRequest {
        statement: statement.to_owned(),
        ..Default::default()
    });
    let parent = format!("00-{TRACE}-{PARENT}-01").parse().unwrap();
    request.metadata_mut().insert("traceparent", parent);
    let id = format!("r-{}", statement.len()).parse().unwrap();
    request.metadata_mut().insert("x-request-id", id);
    let mut parts = client.execute(request).await?.into_inner();
    while parts.message().await?.is_some() {}
    Ok(())
}

/// A server that sends traces there, every so often; gives its addresses, of gRPC and of the MySQL protocol.
fn serve(
    folder: &std::path::Path,
    collector: SocketAddr,
    every: Duration,
) -> (ServeProcess, String, SocketAddr) {
    let endpoint = format!("http://{collector}");
    let args = [
        "--otlp-endpoint",
        &endpoint,
        "--mysql-listen",
        "127.0.0.1:0",
    ];
    let shell = format!("export OTEL_BSP_SCHEDULE_DELAY={}", every.as_millis());
    let mut server = ServeProcess::start_after(&shell, "", folder, &args);
    let line = server.wait_for("for clients of MySQL, on ");
    let (before, mysql) = line.split_once(" and, for clients of MySQL, on ").unwrap();
    let address = before.rsplit(' ').next().unwrap().to_owned();
    (server, address, mysql.trim().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_of_each_wire_arrives_below_its_caller() {
    let folder = tempfile::tempdir().unwrap();
    let stage = folder.path().join("stage");
    std::fs::create_dir(&stage).unwrap();
    let collector = Collector::default();
    let at = collector.start().await;
    let (mut server, address, mysql) = serve(folder.path(), at, SOON);

    let mut client = SqlServiceClient::new(as_root(connect(&address).await));
    for statement in [
        "CREATE TABLE t (i INT)",
        "INSERT INTO t VALUES (1), (2), (3)",
        "SELECT i FROM t",
        &format!("CREATE USER traced IDENTIFIED BY '{SECRET}'"),
        &format!("CREATE STAGE s URL = 'file://{}'", stage.display()),
        "SELECT * FROM t INTO OUTFILE 'stage://s/x.csv'",
    ] {
        run(&mut client, statement).await.unwrap();
    }
    run(&mut client, "SELECT * FROM nothing").await.unwrap_err();
    let options = OptsBuilder::default()
        .ip_or_hostname(mysql.ip().to_string())
        .tcp_port(mysql.port())
        .user(Some("root"))
        .pass(Some(ROOT_PASSWORD))
        .prefer_socket(false);
    let mut connection = Conn::new(options).await.unwrap();
    let answer: Option<i64> = connection.query_first("SELECT 40 + 2").await.unwrap();
    assert_eq!(answer, Some(42));
    connection.disconnect().await.unwrap();
    let deadline = Instant::now() + LONG;
    while !collector.spans().iter().any(|span| {
        text(&span.attributes, "db.statement").is_some_and(|text| text.starts_with("SELECT 40"))
    }) {
        assert!(Instant::now() < deadline, "{}", server.read.join("\n"));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.signal("TERM");
    assert!(server.wait().success(), "{}", server.read.join("\n"));

    let spans = collector.spans();
    let statement = |text_of: &str| {
        one(&spans, text_of, |span| {
            text(&span.attributes, "db.statement").is_some_and(|text| text.starts_with(text_of))
        })
    };
    let query = statement("SELECT i FROM");
    let call = one(&spans, "the query's call", |span| {
        span.span_id == query.parent_span_id
    });
    assert_eq!(call.name, "stagedoor.v1.SqlService/Execute");
    assert_eq!(call.kind, SpanKind::Server as i32);
    assert_eq!(hex(&call.trace_id), TRACE);
    assert_eq!(hex(&call.parent_span_id), PARENT);
    let of_call = |key| text(&call.attributes, key);
    assert_eq!(of_call("rpc.method").as_deref(), Some("Execute"));
    assert_eq!(of_call("enduser.id").as_deref(), Some("sys:root"));
    assert_eq!(of_call("stagedoor.request_id").as_deref(), Some("r-15"));
    assert_eq!(hex(&query.trace_id), TRACE);
    let of_query = |key| text(&query.attributes, key);
    assert_eq!(query.name, "QUERY");
    assert_eq!(of_query("db.operation").as_deref(), Some("QUERY"));
    assert_eq!(of_query("db.system").as_deref(), Some("stagedoor"));
    assert_eq!(of_query("db.namespace").as_deref(), Some("main"));
    assert_eq!(of_query("stagedoor.request_id").as_deref(), Some("r-15"));
    assert_eq!(of_query("enduser.id").as_deref(), Some("sys:root"));
    for part in ["plan", "execute"] {
        child(&spans, query, part);
    }

    let export = one(&spans, "the export's statement", |span| {
        span.name != "export" && text(&span.attributes, "stagedoor.export_id").is_some()
    });
    let job = child(&spans, export, "export");
    assert_eq!(
        text(&job.attributes, "stagedoor.export_id"),
        text(&export.attributes, "stagedoor.export_id")
    );
    for part in ["write", "publish"] {
        child(&spans, job, part);
    }

    let create = statement("CREATE USER");
    assert_eq!(hex(&create.trace_id), TRACE);
    let failed = one(&spans, "what failed", |span| {
        text(&span.attributes, "error.type").as_deref() == Some("TABLE_NOT_FOUND")
            && span.name == "QUERY"
    });
    let status = failed.status.as_ref().unwrap();
    assert_eq!(status.code, StatusCode::Error as i32);
    assert_eq!(status.message, "TABLE_NOT_FOUND");

    let over_mysql = statement("SELECT 40");
    assert_eq!(over_mysql.kind, SpanKind::Server as i32);
    assert_eq!(over_mysql.parent_span_id, [] as [u8; 0]);
    assert_ne!(hex(&over_mysql.trace_id), TRACE);
    child(&spans, over_mysql, "plan");

    let received = collector.received.lock().unwrap();
    let resource = received[0].resource_spans[0].resource.as_ref().unwrap();
    let name = text(&resource.attributes, "service.name");
    assert_eq!(name.as_deref(), Some("stagedoor"));
    let all = format!("{received:?}");
    assert!(
        !all.contains(ROOT_PASSWORD) && !all.contains(SECRET),
        "{all}"
    );
    // Texts of errors may quote values.
    assert!(!all.contains("doesn't exist"), "{all}");
}

/// What is not with the collector when the server is told to stop goes there before its end.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_spans_are_sent_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::default();
    let at = collector.start().await;
    // Nothing is sent by itself within this test.
    let (mut server, address, _) = serve(folder.path(), at, LONG * 2);
    let mut client = SqlServiceClient::new(as_root(connect(&address).await));
    run(&mut client, "SELECT 1").await.unwrap();
    assert!(collector.spans().is_empty());
    drop(client);
    server.signal("TERM");
    assert!(server.wait().success(), "{}", server.read.join("\n"));
    let spans = collector.spans();
    one(&spans, "the query", |span| span.name == "QUERY");
    one(&spans, "its call", |span| span.name.ends_with("/Execute"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_gone_slows_nothing_and_is_told_of_once() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let at = nobody.local_addr().unwrap();
    drop(nobody);
    let began = Instant::now();
    let (mut server, address, _) = serve(folder.path(), at, SOON);
    let mut client = SqlServiceClient::new(as_root(connect(&address).await));
    run(&mut client, "SELECT 1").await.unwrap();
    server.wait_for("failed to send spans to the collector");
    for _ in 0..50 {
        run(&mut client, "SELECT 1").await.unwrap();
    }
    server.signal("TERM");
    assert!(server.wait().success(), "{}", server.read.join("\n"));
    let told = server.read.iter();
    let told = told
        .filter(|line| line.contains("failed to send spans"))
        .count();
    let minutes = usize::try_from(began.elapsed().as_secs() / 60).unwrap();
    assert!(told <= 1 + minutes, "{}", server.read.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_says_nothing_holds_up_no_statement_and_no_stop() {
    let folder = tempfile::tempdir().unwrap();
    // The system takes connections for it; nobody reads what comes.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (mut server, address, _) = serve(folder.path(), silent.local_addr().unwrap(), SOON);
    let mut client = SqlServiceClient::new(as_root(connect(&address).await));
    for _ in 0..20 {
        run(&mut client, "SELECT 1").await.unwrap();
    }
    drop(client);
    server.signal("TERM");
    assert!(server.wait().success(), "{}", server.read.join("\n"));
}

#[test]
fn an_address_that_is_none_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--otlp-endpoint", "collector:4317"];
    let mut server = ServeProcess::start("", folder.path(), &args);
    assert!(!server.wait().success());
    let log = server.read.join("\n");
    assert!(log.contains("traces.otlp_endpoint must be like"), "{log}");
}
