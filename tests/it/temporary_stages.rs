//! Temporary stages: seen by their session alone, and gone with it, however it ends; also after a crash.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use proto::v1;
use proto::v1::sql_service_client::SqlServiceClient;
use tonic::Status;

use crate::files::{client as files_client, header, sha256, upload};
use crate::harness::{Answer, TestServer, Wire, error_line, execute, files};
use crate::serve_process::{LONG, ServeProcess, as_root, connect};

/// One session.
#[derive(Clone)]
struct Session {
    wire: Wire,
    id: String,
}

impl Session {
    async fn open(wire: &Wire) -> Self {
        let opened = SqlServiceClient::new(wire.clone())
            .open_session(v1::OpenSessionRequest::default())
            .await
            .unwrap();
        Self {
            wire: wire.clone(),
            id: opened.into_inner().session_id,
        }
    }

    async fn of(server: &TestServer) -> Self {
        Self::open(&server.channel).await
    }

    async fn run(&self, statement: &str) -> Result<Answer, Status> {
        let request = v1::ExecuteRequest {
            session_id: self.id.clone(),
            statement: statement.to_owned(),
            ..Default::default()
        };
        execute(&mut SqlServiceClient::new(self.wire.clone()), request).await
    }

    async fn ok(&self, statement: &str) -> Answer {
        match self.run(statement).await {
            Ok(answer) => answer,
            Err(status) => panic!("{statement}\n{}", error_line(&status)),
        }
    }

    async fn error(&self, statement: &str) -> String {
        match self.run(statement).await {
            Ok(answer) => panic!("{statement}\nsucceeded: {answer:?}"),
            Err(status) => error_line(&status),
        }
    }

    /// The first column.
    async fn names(&self, statement: &str) -> Vec<String> {
        let rows = self.ok(statement).await.rows();
        rows.into_iter().map(|mut row| row.remove(0)).collect()
    }

    async fn close(self) {
        let request = v1::CloseSessionRequest {
            session_id: self.id,
        };
        let mut sql = SqlServiceClient::new(self.wire);
        sql.close_session(request).await.unwrap();
    }
}

/// Where the files of internal stages are.
fn stages_of(server: &TestServer) -> PathBuf {
    server.folder.path().join("data/stages")
}

/// Every file below a folder from which others remove, relative.
fn files_now(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        for path in entries.map_while(Result::ok).map(|entry| entry.path()) {
            match path.is_dir() {
                true => open.push(path),
                false => found.push(path.strip_prefix(root).unwrap().display().to_string()),
            }
        }
    }
    found
}

/// Waits until nothing is left there.
async fn wait_until_empty(folder: &Path) {
    let deadline = Instant::now() + LONG;
    loop {
        let left = files_now(folder);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "left: {left:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_its_sessions_own() {
    let server = TestServer::start().await;
    let (own, other) = (Session::of(&server).await, Session::of(&server).await);
    own.ok("CREATE TEMPORARY STAGE tmp COMMENT = 'mine'").await;
    own.ok("CREATE TEMPORARY STAGE part URL = 'stage://tmp/a/'")
        .await;
    own.ok("SELECT 1 AS a INTO OUTFILE 'stage://tmp/x.csv' MANIFEST 'true'")
        .await;
    own.ok("SELECT 2 AS a INTO OUTFILE 'stage://part/y.csv'")
        .await;
    assert_eq!(
        own.names("LIST 'stage://tmp/'").await,
        ["a/y.csv", "x.csv", "x.csv.manifest.json"]
    );
    assert_eq!(
        own.names("SELECT file FROM stage_list('stage://part/*')")
            .await,
        ["y.csv"]
    );
    assert_eq!(
        own.names("SELECT a FROM 'stage://tmp/a/y.csv'").await,
        ["2"]
    );
    let shown = own.ok("SHOW STAGES").await.rows();
    assert_eq!(
        shown,
        [
            ["part", "stage://tmp/a", "ENABLED", ""],
            ["tmp", "", "ENABLED", "mine"]
        ]
    );
    let described = own.ok("DESCRIBE STAGE tmp").await.rows();
    assert!(
        described.contains(&vec!["kind".to_owned(), "temporary".to_owned()]),
        "{described:?}"
    );
    let exports = own
        .ok("SELECT target, state FROM stagedoor.exports ORDER BY target")
        .await
        .rows();
    assert_eq!(
        exports,
        [
            ["stage://part/y.csv", "COMMITTED"],
            ["stage://tmp/x.csv", "COMMITTED"]
        ]
    );

    // To the other one there is none.
    assert!(other.ok("SHOW STAGES").await.rows().is_empty());
    for (statement, said) in [
        ("DESCRIBE STAGE tmp", "the stage tmp not exists"),
        ("DROP STAGE tmp", "the stage tmp not exists"),
        ("LIST 'stage://tmp/'", "stage 'tmp' is not exists"),
        (
            "SELECT * FROM stage_list('stage://tmp/*')",
            "stage 'tmp' is not exists",
        ),
        (
            "SELECT a FROM 'stage://tmp/x.csv'",
            "stage 'tmp' is not exists",
        ),
        (
            "SELECT 1 INTO OUTFILE 'stage://tmp/z.csv'",
            "stage 'tmp' is not exists",
        ),
        (
            "REMOVE FILES FROM STAGE 'stage://tmp/x.csv'",
            "stage 'tmp' is not exists",
        ),
    ] {
        let error = other.error(statement).await;
        assert!(error.contains(said), "{statement}: {error}");
    }
    // It may have one of that name, which is another.
    other.ok("CREATE TEMPORARY STAGE tmp").await;
    assert!(other.names("LIST 'stage://tmp/'").await.is_empty());
    other.close().await;

    own.ok("REMOVE FILES FROM STAGE 'stage://tmp/x.csv'").await;
    let busy = own.error("DROP STAGE tmp").await;
    assert!(
        busy.ends_with("the stage tmp has sub-stages: part"),
        "{busy}"
    );
    assert_eq!(files(&stages_of(&server)).len(), 2);
    own.ok("DROP STAGE part").await;
    assert_eq!(files(&stages_of(&server)).len(), 2);
    own.ok("DROP STAGE tmp").await;
    wait_until_empty(&stages_of(&server)).await;

    own.ok("CREATE TEMPORARY STAGE again").await;
    own.ok("SELECT 1 AS a INTO OUTFILE 'stage://again/x.csv'")
        .await;
    own.close().await;
    wait_until_empty(&stages_of(&server)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_hides_a_permanent_stage_of_its_name() {
    let server = TestServer::start().await;
    let session = Session::of(&server).await;
    let dir = server.stage("s").await;
    session.ok("CREATE STAGE sub URL = 'stage://s/sub/'").await;
    session.ok("CREATE TEMPORARY STAGE s").await;
    session
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://s/t.csv'")
        .await;
    assert_eq!(files(&dir), Vec::<String>::new());
    let shown = session.ok("SHOW STAGES LIKE 's'").await.rows();
    assert_eq!(shown, [["s", "", "ENABLED", ""]]);
    // What is permanent means what is permanent.
    session
        .ok("SELECT 2 AS a INTO OUTFILE 'stage://sub/p.csv'")
        .await;
    assert_eq!(files(&dir), ["sub/p.csv"]);
    session.ok("GRANT REMOVE ON STAGE s TO public").await;
    // The other sessions see the permanent one.
    server
        .ok("SELECT 3 AS a INTO OUTFILE 'stage://s/q.csv'")
        .await;
    assert_eq!(files(&dir), ["q.csv", "sub/p.csv"]);
    let exists = session.error("CREATE TEMPORARY STAGE s").await;
    assert!(exists.ends_with("the stage s exists"), "{exists}");
    session.ok("CREATE TEMPORARY STAGE IF NOT EXISTS s").await;
    assert_eq!(session.names("LIST 'stage://s/'").await, ["t.csv"]);
    session.ok("CREATE OR REPLACE TEMPORARY STAGE s").await;
    assert!(session.names("LIST 'stage://s/'").await.is_empty());
    session.ok("DROP STAGE s").await;
    assert_eq!(
        session.names("LIST 'stage://s/'").await,
        ["q.csv", "sub/p.csv"]
    );
    wait_until_empty(&stages_of(&server)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_cannot_be_is_said() {
    let server = TestServer::start().await;
    let session = Session::of(&server).await;
    session.ok("CREATE TEMPORARY STAGE tmp").await;
    session.ok("CREATE STAGE real").await;
    for (statement, said) in [
        (
            "CREATE TEMPORARY STAGE t URL = '/tmp'",
            "takes no URL but that of a folder in another temporary stage",
        ),
        (
            "CREATE TEMPORARY STAGE t URL = 'stage://real/a/'",
            "the session has no temporary stage 'real'",
        ),
        (
            "CREATE TEMPORARY STAGE t CREDENTIALS = {'aws_key_id' = 'k', 'aws_secret_key' = 's'}",
            "takes no CREDENTIALS",
        ),
        ("CREATE TEMPORARY STAGE t ENABLE = FALSE", "ENABLE = FALSE"),
        (
            "CREATE TEMPORARY STAGE t DIRECTORY = (ENABLE = TRUE)",
            "no directory table",
        ),
        ("CREATE TEMPORARY STAGE `..`", "means a folder"),
        (
            "CREATE STAGE p URL = 'stage://tmp/a/'",
            "only a TEMPORARY stage",
        ),
        ("ALTER STAGE tmp SET COMMENT = 'x'", "no ALTER STAGE"),
        ("ALTER STAGE tmp RENAME TO u", "no ALTER STAGE"),
        ("ALTER STAGE tmp REFRESH", "no directory table"),
        ("SHOW STAGE HISTORY tmp", "no history"),
        ("VALIDATE STAGE tmp", "no VALIDATE STAGE"),
        ("SELECT * FROM DIRECTORY('tmp')", "no directory table"),
        (
            "CREATE EXTERNAL TABLE t (a int) INFILE 'stage://tmp/x.csv'",
            "no external table",
        ),
        (
            "GRANT READ ON STAGE tmp TO public",
            "the stage tmp not exists",
        ),
    ] {
        let error = session.error(statement).await;
        assert!(error.contains(said), "{statement}: {error}");
    }
    // A call that is in no session.
    let request = v1::ExecuteRequest {
        statement: "CREATE TEMPORARY STAGE t".to_owned(),
        ..Default::default()
    };
    let error = execute(&mut server.sql(), request).await.unwrap_err();
    assert!(
        error_line(&error).contains("a temporary stage belongs to a session"),
        "{error:?}"
    );
    // Who may make none may make no temporary one, and the audit has it.
    for statement in ["CREATE ROLE plain", "GRANT plain TO root", "SET ROLE plain"] {
        session.ok(statement).await;
    }
    let refused = session.error("CREATE TEMPORARY STAGE t").await;
    assert!(
        refused.ends_with("do not have privilege to execute the statement"),
        "{refused}"
    );
    // What the session has is its own, whatever its role.
    session
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://tmp/x.csv'")
        .await;
    session.ok("DROP STAGE tmp").await;
    let audited = server
        .ok("SELECT operation, outcome, reason FROM stagedoor.audit WHERE operation IN ('CREATE STAGE', 'DROP STAGE') AND target IN ('tmp', 't') AND (outcome = 'refused' OR target = 'tmp') ORDER BY number")
        .await
        .rows();
    let temporary = "temporary, of its session";
    assert_eq!(audited[0], ["CREATE STAGE", "done", temporary]);
    assert_eq!(audited.last().unwrap(), &["DROP STAGE", "done", temporary]);
    assert!(
        audited
            .iter()
            .any(|row| row[0] == "CREATE STAGE" && row[1] == "refused"),
        "{audited:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn its_files_are_carried_beside_its_session() {
    let server = TestServer::start().await;
    let session = Session::of(&server).await;
    session.ok("CREATE TEMPORARY STAGE tmp").await;
    let body = crate::files::bytes(300_000);
    let unknown = upload(&server.channel, header("tmp", "a.bin"), &body).await;
    assert!(
        error_line(&unknown.unwrap_err()).contains("stage 'tmp' is not exists"),
        "without its session there is none"
    );
    let beside = v1::UploadFileHeader {
        session_id: session.id.clone(),
        ..header("tmp", "a.bin")
    };
    let stored = upload(&server.channel, beside, &body).await.unwrap();
    assert_eq!(stored.sha256, sha256(&body));
    let mut calls = files_client(&server.channel);
    let list = v1::ListFilesRequest {
        parent: "stages/tmp".to_owned(),
        session_id: session.id.clone(),
        ..Default::default()
    };
    let listed = calls.list_files(list.clone()).await.unwrap().into_inner();
    assert_eq!(listed.files[0].path, "a.bin");
    let download = v1::DownloadFileRequest {
        parent: "stages/tmp".to_owned(),
        path: "a.bin".to_owned(),
        session_id: session.id.clone(),
        ..Default::default()
    };
    let mut parts = calls.download_file(download).await.unwrap().into_inner();
    let mut got = Vec::new();
    while let Some(part) = parts.message().await.unwrap() {
        if let Some(v1::download_file_response::Part::Chunk(chunk)) = part.part {
            got.extend(chunk);
        }
    }
    assert_eq!(sha256(&got), sha256(&body));
    let presign = v1::PresignFileRequest {
        session_id: session.id.clone(),
        ..crate::files::presign("tmp", "a.bin", v1::PresignedAccess::Download)
    };
    let refused = calls.presign_file(presign).await.unwrap_err();
    assert!(
        refused
            .message()
            .contains("a temporary stage of this session"),
        "{refused:?}"
    );
    let stranger = v1::ListFilesRequest {
        session_id: "nobody's".to_owned(),
        ..list
    };
    let refused = calls.list_files(stranger).await.unwrap_err();
    assert!(
        refused.message().contains("there is no such session"),
        "{refused:?}"
    );
    session.close().await;
    wait_until_empty(&stages_of(&server)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_with_its_session_however_that_ends() {
    let folder = tempfile::tempdir().unwrap();
    let stages = folder.path().join("data/stages");
    let settings = "version = 1\n[limits]\nsession_idle_s = 10\n";
    let mut server = ServeProcess::start(settings, folder.path(), &[]);
    let wire = as_root(connect(&server.address()).await);

    // Idle for too long, and nobody looks.
    let idle = Session::open(&wire).await;
    idle.ok("CREATE TEMPORARY STAGE tmp").await;
    idle.ok("SELECT 1 AS a INTO OUTFILE 'stage://tmp/x.csv'")
        .await;
    wait_until_empty(&stages).await;
    let gone = idle.error("SHOW STAGES").await;
    assert!(gone.contains("there is no such session"), "{gone}");

    // The server stops. What other stages have stays.
    let stopped = Session::open(&wire).await;
    stopped.ok("CREATE TEMPORARY STAGE tmp").await;
    stopped.ok("CREATE STAGE stays").await;
    for stage in ["tmp", "stays"] {
        stopped
            .ok(&format!(
                "SELECT 1 AS a INTO OUTFILE 'stage://{stage}/x.csv'"
            ))
            .await;
    }
    server.signal("TERM");
    assert!(server.wait().success());
    assert_eq!(files(&stages), ["1/x.csv"]);
}

/// Rows of which a cross join takes minutes.
async fn fill(session: &Session) {
    session.ok("CREATE TABLE t (a bigint)").await;
    let values: Vec<String> = (0..2000).map(|n| format!("({n})")).collect();
    session
        .ok(&format!("INSERT INTO t VALUES {}", values.join(",")))
        .await;
}

/// Begins an export into `stage://tmp/` that would run for minutes; answers when something is written.
async fn begin_endless(
    session: &Session,
    stages: &Path,
) -> tokio::task::JoinHandle<Result<Answer, Status>> {
    let running = session.clone();
    let export = tokio::spawn(async move {
        running
            .run("SELECT x.a, y.a AS b FROM t x CROSS JOIN t y CROSS JOIN t z INTO OUTFILE 'stage://tmp/endless.csv'")
            .await
    });
    let deadline = Instant::now() + LONG;
    while !files_now(stages)
        .iter()
        .any(|file| file.contains(".stagedoor"))
    {
        assert!(Instant::now() < deadline, "nothing is written");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    export
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_a_session_ends_the_exports_into_its_stages() {
    let folder = tempfile::tempdir().unwrap();
    let stages = folder.path().join("data/stages");
    let mut server = ServeProcess::start("version = 1\n", folder.path(), &[]);
    let wire = as_root(connect(&server.address()).await);
    let (own, other) = (Session::open(&wire).await, Session::open(&wire).await);
    fill(&own).await;
    own.ok("CREATE TEMPORARY STAGE tmp").await;
    let export = begin_endless(&own, &stages).await;
    other.ok(&format!("KILL '{}'", own.id)).await;
    let ended = export.await.unwrap();
    assert!(ended.is_err(), "{ended:?}");
    wait_until_empty(&stages).await;
    let deadline = Instant::now() + LONG;
    loop {
        let state = other.ok("SELECT state FROM stagedoor.exports").await.cell();
        if state == "CANCELLED" {
            break;
        }
        assert_eq!(state, "RUNNING");
        assert!(Instant::now() < deadline, "it does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_leaves_nothing_behind_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let stages = folder.path().join("data/stages");
    let mut server = ServeProcess::start("version = 1\n", folder.path(), &[]);
    let wire = as_root(connect(&server.address()).await);
    let session = Session::open(&wire).await;
    fill(&session).await;
    session.ok("CREATE TEMPORARY STAGE tmp").await;
    session.ok("CREATE STAGE stays").await;
    session
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://stays/x.csv'")
        .await;
    session
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://tmp/x.csv'")
        .await;
    let export = begin_endless(&session, &stages).await;
    server.signal("KILL");
    server.wait();
    assert!(export.await.unwrap().is_err());
    assert!(files(&stages).len() > 1, "the crash leaves its files");

    let mut server = ServeProcess::start("version = 1\n", folder.path(), &[]);
    let wire = as_root(connect(&server.address()).await);
    assert_eq!(files(&stages), ["1/x.csv"]);
    let session = Session::open(&wire).await;
    assert_eq!(session.names("SHOW STAGES").await, ["stays"]);
    let exports = session
        .ok("SELECT state, error FROM stagedoor.exports WHERE target LIKE '%endless.csv'")
        .await
        .rows();
    assert_eq!(exports[0][0], "FAILED");
    assert!(
        exports[0][1].contains("went with its session"),
        "{exports:?}"
    );
}
