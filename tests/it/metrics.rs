//! Metrics and health over HTTP, read from a real server by a real connection.

use std::io::{Read, Write};
use std::net::TcpStream;

use proto::v1;
use proto::v1::sql_service_client::SqlServiceClient;

use crate::harness::Login;
use crate::serve_process::{LONG, ServeProcess, as_root, connect};

/// The status line and the body of an answer.
fn get(address: &str, method: &str, path: &str) -> (String, String) {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    write!(
        socket,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

/// The value of a metric, whose labels may stand in any order.
fn value(metrics: &str, name: &str, labels: &[&str]) -> f64 {
    let line = metrics.lines().find(|line| {
        let named = line.strip_prefix(name);
        named.is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    });
    let line = line.unwrap_or_else(|| panic!("no {name} {labels:?} in\n{metrics}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_reads_metrics_and_health() {
    let folder = tempfile::tempdir().unwrap();
    let stage = folder.path().join("stage");
    std::fs::create_dir(&stage).unwrap();
    let args = [
        "--metrics-listen",
        "127.0.0.1:0",
        "--mysql-listen",
        "127.0.0.1:0",
    ];
    let mut server = ServeProcess::start("", folder.path(), &args);
    let line = server.wait_for("serving metrics and health over HTTP");
    let at = line.find("address=").unwrap() + "address=".len();
    let monitor: String = line[at..]
        .chars()
        .filter(|c| *c != '"')
        .take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':'))
        .collect();
    // `… listening on 127.0.0.1:1 and, for clients of MySQL, on 127.0.0.1:2`
    let line = server.wait_for("for clients of MySQL, on ");
    let (before, mysql) = line.split_once(" and, for clients of MySQL, on ").unwrap();
    let address = before.rsplit(' ').next().unwrap().to_owned();
    let mysql = mysql.trim();
    // It is greeted, and so one of those that are open.
    let mut greeted = TcpStream::connect(mysql).unwrap();
    greeted.set_read_timeout(Some(LONG)).unwrap();
    greeted.read_exact(&mut [0; 5]).unwrap();

    let (status, body) = get(&monitor, "GET", "/healthz");
    assert!(status.contains("200") && body == "ok\n", "{status} {body}");
    let (status, body) = get(&monitor, "GET", "/readyz");
    assert!(
        status.contains("200") && body == "serving\n",
        "{status} {body}"
    );
    let (status, _) = get(&monitor, "GET", "/");
    assert!(status.contains("404"), "{status}");
    let (status, _) = get(&monitor, "POST", "/metrics");
    assert!(status.contains("405"), "{status}");

    let channel = connect(&address).await;
    let mut client = SqlServiceClient::new(as_root(channel.clone()));
    let mut run = async |statement: String| {
        let request = v1::ExecuteRequest {
            statement,
            ..Default::default()
        };
        let mut parts = client.execute(request).await?.into_inner();
        while parts.message().await?.is_some() {}
        Ok::<_, tonic::Status>(())
    };
    for statement in [
        "CREATE TABLE t (i INT)".to_owned(),
        "INSERT INTO t VALUES (1), (2), (3)".to_owned(),
        "SELECT * FROM t".to_owned(),
        format!("CREATE STAGE planted URL = 'file://{}'", stage.display()),
        "SELECT * FROM t INTO OUTFILE 'stage://planted/x.csv'".to_owned(),
    ] {
        run(statement).await.unwrap();
    }
    run("SELECT * FROM nothing".to_owned()).await.unwrap_err();
    run("SELEC 1".to_owned()).await.unwrap_err();
    let mut wrong = SqlServiceClient::with_interceptor(channel, Login::password("root", "wrong"));
    let opened = wrong.open_session(v1::OpenSessionRequest::default());
    opened.await.unwrap_err();

    let (status, metrics) = get(&monitor, "GET", "/metrics");
    assert!(status.contains("200"), "{status}");
    let count = |name: &str, labels: &[&str]| value(&metrics, name, labels);
    let statements = "stagedoor_statements_total";
    assert_eq!(
        count(statements, &["verb=\"INSERT\"", "outcome=\"ok\""]),
        1.0
    );
    assert_eq!(
        count(statements, &["verb=\"QUERY\"", "outcome=\"ok\""]),
        1.0
    );
    let refused = ["verb=\"QUERY\"", "outcome=\"TABLE_NOT_FOUND\""];
    assert_eq!(count(statements, &refused), 1.0);
    let unread = ["verb=\"PARSE\"", "outcome=\"SYNTAX_ERROR\""];
    assert_eq!(count(statements, &unread), 1.0);
    let seconds = "stagedoor_statement_duration_seconds_count";
    assert_eq!(count(seconds, &["verb=\"QUERY\""]), 2.0);
    assert_eq!(
        count("stagedoor_exports_total", &["state=\"COMMITTED\""]),
        1.0
    );
    assert_eq!(count("stagedoor_export_rows_total", &[]), 3.0);
    assert!(count("stagedoor_export_bytes_total", &[]) > 0.0);
    assert_eq!(count("stagedoor_exports_running", &[]), 0.0);
    let reason = ["reason=\"UNAUTHENTICATED\""];
    assert_eq!(count("stagedoor_logins_refused_total", &reason), 1.0);
    assert!(count("stagedoor_catalog_flushes_total", &[]) > 0.0);
    assert!(count("stagedoor_catalog_changes_total", &[]) > 0.0);
    assert_eq!(count("stagedoor_catalog_writable", &[]), 1.0);
    assert!(count("stagedoor_connections", &["wire=\"grpc\""]) >= 1.0);
    assert_eq!(count("stagedoor_connections", &["wire=\"mysql\""]), 1.0);
    assert_eq!(count("stagedoor_sessions", &[]), 0.0);
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    // Names of what is stored are nobody's there.
    assert!(!metrics.contains("planted"), "{metrics}");

    server.signal("TERM");
    assert!(server.wait().success());
    assert!(TcpStream::connect(&monitor).is_err());
}

#[test]
fn metrics_for_other_machines_need_insecure() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[metrics]\nlisten = \"0.0.0.0:0\"\n";
    let mut server = ServeProcess::start(settings, folder.path(), &[]);
    assert!(!server.wait().success());
    let log = server.read.join("\n");
    assert!(
        log.contains("refusing to serve metrics on 0.0.0.0"),
        "{log}"
    );
}
