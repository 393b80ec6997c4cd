//! The start and the end of the real server: what health and the log say, and that nothing holds it up.

use std::io::{Read, Write};
use std::path::Path;

use proto::v1;
use proto::v1::sql_service_client::SqlServiceClient;
use tonic::Code;
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::harness::{execute, tear};
use crate::serve_process::{LONG, ServeProcess, as_root, connect};

/// Far longer than a test waits: what holds up a shutdown shows.
const LONG_GRACE: &str = "[limits]\nshutdown_grace_s = 3600\n";

fn ask(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

async fn status(client: &mut HealthClient<tonic::transport::Channel>) -> i32 {
    let answer = client.check(ask("")).await.unwrap();
    answer.into_inner().status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_health_watch_and_idle_connections_hold_up_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = ServeProcess::start(LONG_GRACE, folder.path(), &[]);
    let address = server.address();
    let mut client = HealthClient::new(connect(&address).await);
    let watched = client.watch(ask("")).await.unwrap();
    let mut watched = watched.into_inner();
    let mut next = async || Some(watched.message().await.unwrap()?.status);
    assert_eq!(next().await, Some(ServingStatus::Serving as i32));
    let _idle = connect(&address).await;
    let mut silent = std::net::TcpStream::connect(&address).unwrap();

    server.signal("TERM");
    assert_eq!(next().await, Some(ServingStatus::NotServing as i32));
    let end = tokio::time::timeout(LONG, next()).await;
    assert_eq!(end.expect("the watch ends"), None);
    assert!(server.wait().success(), "{:?}", server.read);
    assert_eq!(silent.read(&mut [0]).unwrap_or(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_no_more_is_cut_off_after_the_grace_period() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[limits]\nshutdown_grace_s = 1\n";
    let mut server = ServeProcess::start(settings, folder.path(), &[]);
    let address = server.address();
    let numbers: Vec<String> = (0..1000).map(|n| format!("({n})")).collect();
    run(&address, "CREATE TABLE main.t (a bigint)")
        .await
        .unwrap();
    let insert = format!("INSERT INTO main.t VALUES {}", numbers.join(","));
    run(&address, &insert).await.unwrap();
    let request = v1::ExecuteRequest {
        statement: "SELECT x.a FROM main.t x, main.t y, main.t z".to_owned(),
        ..Default::default()
    };
    let mut sql = SqlServiceClient::new(as_root(connect(&address).await));
    let mut rows = sql.execute(request).await.unwrap().into_inner();
    rows.message().await.unwrap();
    server.signal("TERM");
    assert!(server.wait().success());
    let cut = "connections that are still in use are cut off";
    assert!(server.read.iter().any(|line| line.contains(cut)));
    while let Ok(message) = rows.message().await {
        assert!(message.is_some(), "as if the result were complete");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn not_serving_can_be_seen_before_the_port_closes() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[limits]\ndrain_s = 3600\n";
    let mut server = ServeProcess::start(settings, folder.path(), &[]);
    let address = server.address();
    let mut client = HealthClient::new(connect(&address).await);
    assert_eq!(status(&mut client).await, ServingStatus::Serving as i32);
    server.signal("TERM");
    server.wait_for("health says NOT_SERVING");
    // A new connection, too.
    let mut client = HealthClient::new(connect(&address).await);
    while status(&mut client).await != ServingStatus::NotServing as i32 {}
    // The second signal does not wait.
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(130));
}

const KEY: &[u8] = b"sdkey1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";

/// A server whose opening waits for its key, which comes out of a pipe.
struct SlowStart {
    folder: tempfile::TempDir,
    server: ServeProcess,
    address: String,
}

impl SlowStart {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let settings = format!("[secrets]\nkey_command = ['cat', '{}']\n", pipe.display());
        let args = ["--log-format", "json"];
        let mut server = ServeProcess::start(&settings, folder.path(), &args);
        let line = server.wait_for("opening the data directory");
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = line["address"].as_str().unwrap().to_owned();
        Self {
            folder,
            server,
            address,
        }
    }

    /// Gives the key, once the program reads.
    fn go_on(&self) {
        let mut pipe = std::fs::OpenOptions::new()
            .write(true)
            .open(self.folder.path().join("pipe"))
            .unwrap();
        pipe.write_all(KEY).unwrap();
    }

    /// Lets the program end that a server has left behind, if there is one: the server may have ended before it
    /// started any, and then nobody ever reads.
    fn let_go(&self) {
        let mut pipe = std::fs::OpenOptions::new()
            // Opened in this way a pipe waits for no reader.
            .read(true)
            .write(true)
            .open(self.folder.path().join("pipe"))
            .unwrap();
        pipe.write_all(KEY).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_answers_while_the_data_directory_is_opened() {
    let mut slow = SlowStart::new();
    let channel = connect(&slow.address).await;
    let mut health = HealthClient::new(channel.clone());
    assert_eq!(status(&mut health).await, ServingStatus::NotServing as i32);
    let mut sql = SqlServiceClient::new(as_root(channel.clone()));
    let request = v1::OpenSessionRequest::default();
    let refused = sql.open_session(request.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("the server is starting"));
    slow.go_on();
    assert_eq!(slow.server.address(), slow.address);
    // The same connection.
    assert_eq!(status(&mut health).await, ServingStatus::Serving as i32);
    for service in ["Sql", "Export", "Stage", "File", "Account", "Admin"] {
        let request = HealthCheckRequest {
            service: format!("stagedoor.v1.{service}Service"),
        };
        let answer = health.check(request).await.unwrap().into_inner();
        assert_eq!(answer.status, ServingStatus::Serving as i32, "{service}");
    }
    sql.open_session(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_a_server_that_is_still_opening() {
    let mut slow = SlowStart::new();
    slow.server.signal("TERM");
    // The program in its place still waits; nobody waits for it.
    let status = slow.server.wait_only();
    slow.let_go();
    assert!(status.success());
}

fn all_json(lines: &[String]) -> Vec<serde_json::Value> {
    let parsed = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    parsed.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_json_log_line_is_json_and_the_start_is_summed_up() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--log-format", "json"];
    let mut server = ServeProcess::start("", folder.path(), &args);
    server.address();
    server.signal("TERM");
    assert!(server.wait().success());
    let lines = all_json(&server.read);
    let find = |text: &str| {
        let found = lines
            .iter()
            .find(|line| line["message"].as_str().unwrap().contains(text));
        found.unwrap_or_else(|| panic!("no `{text}` in {lines:?}"))
    };
    let start = find("opening the data directory");
    assert_eq!(start["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(start["tls"], "off");
    assert!(
        start["settings"]
            .as_str()
            .unwrap()
            .ends_with("stagedoor.toml")
    );
    assert!(start["data_dir"].as_str().unwrap().ends_with("/data"));
    let opened = find("opened the data directory");
    assert!(opened["changes"].as_u64().unwrap() > 0, "{opened}");
    find("listening on ");
    find("stopping: waiting for what runs");
    find("stopped");

    // What keeps it from starting is a line of the same kind.
    let elsewhere = tempfile::tempdir().unwrap();
    let settings = "[tls]\ncert = '/nonexistent/cert'\nkey = '/nonexistent/key'\n";
    let mut failed = ServeProcess::start(settings, elsewhere.path(), &args);
    assert_eq!(failed.wait().code(), Some(1));
    let lines = all_json(&failed.read);
    let last = lines.last().unwrap();
    assert_eq!(last["level"], "ERROR");
    assert!(
        last["message"]
            .as_str()
            .unwrap()
            .starts_with("tls.cert '/nonexistent/cert' must be certificates in PEM form: "),
        "{last}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_recovery_repaired_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = ServeProcess::start("", folder.path(), &[]);
    server.address();
    server.signal("KILL");
    server.wait();
    let journal = folder.path().join("data/catalog/journal");
    // As a crash in the middle of an append leaves it, in what was written ahead for it.
    tear(&journal, &[1; 5]);
    let mut server = ServeProcess::start("", folder.path(), &[]);
    let line = server
        .wait_for("from the journal's end that are no whole change: of one that was being written");
    assert!(line.contains("WARN") && line.contains("cut "), "{line}");
    server.address();
}

async fn run(address: &str, statement: &str) -> Result<(), tonic::Status> {
    let mut sql = SqlServiceClient::new(as_root(connect(address).await));
    let request = v1::ExecuteRequest {
        statement: statement.to_owned(),
        ..Default::default()
    };
    execute(&mut sql, request).await.map(|_| ())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_makes_it_say_not_serving_and_it_still_stops() {
    let folder = tempfile::tempdir().unwrap();
    let limit = "trap '' XFSZ; ulimit -f 3000";
    let mut server = ServeProcess::start_after(limit, LONG_GRACE, folder.path(), &[]);
    let address = server.address();
    let mut health = HealthClient::new(connect(&address).await);
    let mut watched = health.watch(ask("")).await.unwrap().into_inner();
    let mut next = async || watched.message().await.unwrap().unwrap().status;
    assert_eq!(next().await, ServingStatus::Serving as i32);
    let comment = "x".repeat(10_000);
    let mut round = 0;
    loop {
        round += 1;
        let statement =
            format!("CREATE OR REPLACE STAGE s URL = '/tmp' COMMENT = '{round} {comment}'");
        if run(&address, &statement).await.is_err() {
            break;
        }
    }
    assert_eq!(next().await, ServingStatus::NotServing as i32);
    let line = server.wait_for("the catalog has become read-only");
    assert!(
        line.contains("ERROR") && line.contains("reason=") && line.contains("File too large"),
        "{line}"
    );
    let refused = run(&address, "DROP STAGE s").await.unwrap_err();
    // The reason names a place of the server: whether the change or the look before it fails, the log has it.
    assert!(
        refused.message().contains("the server's log has the cause")
            && !refused.message().contains("File too large"),
        "{refused:?}"
    );
    let line = server.wait_for("failed for a cause that is the server's own");
    assert!(line.contains("File too large"), "{line}");
    server.signal("TERM");
    server.wait();
    let said = server
        .read
        .iter()
        .filter(|line| line.contains("has become read-only"));
    assert_eq!(said.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_descriptors_are_said_and_waited_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = ServeProcess::start_after("ulimit -n 100", "", folder.path(), &[]);
    server.wait_for("too few files for limits.connections_max");
    let address = server.address();
    let sockets: Vec<_> = (0..120)
        .map(|_| std::net::TcpStream::connect(&address).unwrap())
        .collect();
    server.wait_for("failed to accept a connection");
    drop(sockets);
    let mut health = HealthClient::new(connect(&address).await);
    assert_eq!(status(&mut health).await, ServingStatus::Serving as i32);
}

#[test]
fn a_data_directory_that_all_can_change_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o777)).unwrap();
    let mut server = ServeProcess::start("", folder.path(), &[]);
    assert_eq!(server.wait().code(), Some(1));
    let said = server.read.join("\n");
    assert!(
        said.contains("can be changed by every user of this machine (mode 777)"),
        "{said}"
    );
    assert!(is_empty(&data));
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}
