//! The table of docs/errors.md, walked over every wire: each reason that a statement can provoke comes with the same
//! number, SQLSTATE and text over gRPC, Flight SQL and MySQL, with the documented gRPC code and one of the documented
//! numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tonic::Code;

use crate::harness::ROOT_PASSWORD;
use crate::wires::{Client, Failure, Told, Wires};

/// Runs until it is stopped.
const ENDLESS: &str = "SELECT COUNT(*) FROM generate_series(1, 10000000) AS a, generate_series(1, 10000000) AS b WHERE (a.value * b.value) % 7 = 3";

/// Reasons that no statement provokes, each with what does and where that is tested.
const ELSEWHERE: [(&str, &str); 16] = [
    (
        "CATALOG_READ_ONLY",
        "a disk that fails: the catalog's tests",
    ),
    ("CHECKSUM_MISMATCH", "FileService's upload: tests/it/files"),
    ("DATA_LOSS", "damaged files: the catalog's tests"),
    (
        "EXPORT_CANCELLED",
        "an export that is cancelled while a client waits: tests/it/export_service.rs",
    ),
    ("FILE_CHANGED", "FileService's download: tests/it/files"),
    (
        "IDENTITY_VERSION_CONFLICT",
        "etags of AccountService: tests/it/gate",
    ),
    ("INTERNAL", "a defect"),
    (
        "LIMIT_EXCEEDED",
        "limits.tokens_user_max: tests/it/gate/tokens.rs",
    ),
    (
        "LOGIN_THROTTLED",
        "a count of failed logins: tests/it/gate/logins.rs",
    ),
    ("NOT_IMPLEMENTED", "nothing at present"),
    (
        "SECRET_UNAVAILABLE",
        "a missing server key: tests/it/keys.rs",
    ),
    (
        "SHUTTING_DOWN",
        "the end of the server: tests/it/start_stop.rs",
    ),
    (
        "STAGE_VERSION_CONFLICT",
        "etags of StageService: tests/it/stages.rs",
    ),
    ("STORAGE_FULL", "a full disk"),
    ("STORE_REFUSED", "a bucket's keys: tests/it/real_servers"),
    (
        "STORAGE_FAILED",
        "a disk that fails: tests/it/real_servers/faults.rs",
    ),
];

/// A row of the table: its code and its numbers.
struct Documented {
    status: String,
    numbers: Vec<u16>,
}

fn documented() -> BTreeMap<String, Documented> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors.md");
    let text = std::fs::read_to_string(file).unwrap();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| ")?.split(" | ").collect();
        let [name, status, numbers, ..] = cells[..] else {
            return None;
        };
        let is_reason = name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        is_reason.then(|| {
            let documented = Documented {
                status: status.to_owned(),
                numbers: numbers
                    .split(',')
                    .map(|number| number.trim().parse().unwrap())
                    .collect(),
            };
            (name.to_owned(), documented)
        })
    });
    rows.collect()
}

/// As the documents write it.
fn upper(code: Code) -> String {
    let mut text = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}

struct Walk {
    documented: BTreeMap<String, Documented>,
    seen: BTreeSet<String>,
}

impl Walk {
    /// That three wires told the same, and what is documented.
    fn check(&mut self, what: &str, told: &[Failure]) {
        let [grpc, flight, mysql] = told else {
            panic!("{what}: {told:?}");
        };
        assert_eq!(grpc, flight, "{what}");
        let of_mysql =
            |failure: &Failure| (failure.code, failure.sqlstate.clone(), failure.text.clone());
        assert_eq!(of_mysql(grpc), of_mysql(mysql), "{what}");
        let reason = grpc.reason.clone().unwrap();
        let row = self.documented.get(&reason);
        let row = row.unwrap_or_else(|| panic!("{what}: {reason} is not documented"));
        assert_eq!(upper(grpc.status.unwrap()), row.status, "{what}: {grpc:?}");
        assert!(
            row.numbers.contains(&grpc.code),
            "{what}: {grpc:?} has a number of no row"
        );
        self.seen.insert(reason);
    }

    async fn statement(&mut self, clients: &mut [Client; 3], reason: &str, statement: &str) {
        let mut told = Vec::new();
        for client in clients {
            match client.run(statement).await {
                Ok(done) => panic!("{statement} over {}: {done:?}", client.name()),
                Err(failure) => told.push(failure),
            }
        }
        assert_eq!(
            told[0].reason.as_deref(),
            Some(reason),
            "{statement}: {}",
            told[0]
        );
        self.check(statement, &told);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wire_tells_an_error_alike() {
    let wires = Wires::open(|_| {}).await;
    let folder = wires.folder.path().join("stage");
    std::fs::create_dir_all(folder.join("below")).unwrap();
    let folder = folder.display().to_string();
    let mut clients = wires.clients().await;
    for statement in [
        &format!("CREATE STAGE s URL = 'file://{folder}'"),
        &format!("CREATE STAGE off URL = 'file://{folder}' ENABLE = FALSE"),
        "CREATE STAGE sub URL = 'stage://s/below/' POLICY = {'formats' = 'parquet'}",
        "CREATE TABLE t (a int NOT NULL)",
        "CREATE ACCOUNT acc ADMIN_NAME 'admin' IDENTIFIED BY 'pw'",
        "CREATE USER u IDENTIFIED BY 'pw'",
        "CREATE ROLE r",
        "SELECT 1 AS a INTO OUTFILE 'stage://s/there.csv' EXPORT ID 'once'",
    ] {
        clients[0].ok(statement).await;
    }
    let Told::Rows(exports) = clients[0]
        .ok("SELECT export_id FROM stagedoor.exports")
        .await
    else {
        panic!("no rows");
    };
    let export = &exports.rows[0][0];
    let mut walk = Walk {
        documented: documented(),
        seen: BTreeSet::new(),
    };
    let cancel = format!("CANCEL EXPORT '{export}'");
    let again = format!("CREATE STAGE s URL = 'file://{folder}'");
    for (reason, statement) in [
        ("SYNTAX_ERROR", "SELEC 1"),
        ("SYNTAX_ERROR", "SELECT 'open"),
        ("STAGE_EXISTS", again.as_str()),
        ("STAGE_NOT_FOUND", "DROP STAGE nothing"),
        (
            "STAGE_NOT_FOUND",
            "SELECT 1 INTO OUTFILE 'stage://nothing/x.csv'",
        ),
        (
            "STAGE_DISABLED",
            "SELECT 1 INTO OUTFILE 'stage://off/x.csv'",
        ),
        ("STAGE_REQUIRED", "SELECT 1 INTO OUTFILE '/tmp/x.csv'"),
        ("POLICY_DENIED", "SELECT 1 INTO OUTFILE 'stage://sub/x.csv'"),
        ("STAGE_IN_USE", "DROP STAGE s"),
        ("STAGE_INVALID", "CREATE STAGE x URL = ''"),
        (
            "STAGE_OPTION_COUNT",
            "ALTER STAGE s SET ENABLE = TRUE COMMENT = 'x'",
        ),
        ("ROLE_NOT_GRANTED", "SET ROLE nothing"),
        ("PERMISSION_DENIED", "DROP DATABASE main"),
        ("PERMISSION_DENIED", "CREATE TABLE stagedoor.x (a int)"),
        (
            "ACCOUNT_EXISTS",
            "CREATE ACCOUNT acc ADMIN_NAME 'a' IDENTIFIED BY 'pw'",
        ),
        ("ACCOUNT_NOT_FOUND", "DROP ACCOUNT nothing"),
        ("USER_EXISTS", "CREATE USER u IDENTIFIED BY 'pw'"),
        ("USER_NOT_FOUND", "DROP USER nothing"),
        ("ROLE_EXISTS", "CREATE ROLE r"),
        ("ROLE_NOT_FOUND", "DROP ROLE nothing"),
        ("TOKEN_NOT_FOUND", "REVOKE TOKEN 'nothing'"),
        ("IDENTITY_IN_USE", "ALTER USER root LOCK"),
        (
            "TARGET_EXISTS",
            "SELECT 1 INTO OUTFILE 'stage://s/there.csv'",
        ),
        (
            "TARGET_INVALID",
            "SELECT 1 INTO OUTFILE 'stage://s/../x.csv'",
        ),
        ("OPTION_INVALID", "SET nothing = 1"),
        ("DATABASE_EXISTS", "CREATE DATABASE main"),
        ("DATABASE_NOT_FOUND", "USE nothing"),
        ("DATABASE_NOT_FOUND", "DROP DATABASE nothing"),
        ("TABLE_EXISTS", "CREATE TABLE t (a int)"),
        ("TABLE_NOT_FOUND", "SELECT * FROM nothing"),
        ("TABLE_NOT_FOUND", "DROP TABLE nothing"),
        ("COLUMN_NOT_FOUND", "SELECT nothing FROM t"),
        ("VALUE_INVALID", "INSERT INTO t VALUES ('abc')"),
        ("VALUE_INVALID", "INSERT INTO t VALUES (NULL)"),
        ("QUERY_INVALID", "CREATE TABLE u (a int, a int)"),
        ("QUERY_INVALID", "CREATE TABLE u (a json PRIMARY KEY)"),
        ("FILE_INVALID", "SELECT * FROM 'stage://s/none.csv'"),
        (
            "FILE_NOT_FOUND",
            "REMOVE FILES FROM STAGE 'stage://s/none.csv'",
        ),
        ("EXPORT_NOT_FOUND", "CANCEL EXPORT 'nothing'"),
        ("EXPORT_STATE", cancel.as_str()),
        (
            "EXPORT_ID_REUSED",
            "SELECT 2 AS a INTO OUTFILE 'stage://s/y.csv' EXPORT ID 'once'",
        ),
        ("SESSION_NOT_FOUND", "KILL 999999"),
        (
            "NOT_SUPPORTED",
            "SELECT save_file('stage://s/x.csv', 'text')",
        ),
    ] {
        walk.statement(&mut clients, reason, statement).await;
    }

    // A statement's time, which a session sets.
    for client in &mut clients {
        client.ok("SET max_execution_time = 50").await;
    }
    walk.statement(&mut clients, "STATEMENT_TIMEOUT", ENDLESS)
        .await;

    // A login that is none.
    let mut refused = Vec::new();
    for password in ["wrong", "not it"] {
        refused.push(wires.flight("root", password).await.err().unwrap());
        refused.push(wires.mysql("root", password).await.err().unwrap());
    }
    walk.check(
        "a wrong password",
        &[refused[2].clone(), refused[0].clone(), refused[1].clone()],
    );

    // A statement that is killed.
    let mut killed = Vec::new();
    let [mut root, _, _] = wires.clients().await;
    for mut client in wires.clients().await {
        let Told::Rows(number) = client.ok("SELECT CONNECTION_ID()").await else {
            panic!("no rows");
        };
        let kill = format!("KILL QUERY {}", number.rows[0][0]);
        // The client stays until after the loop, and with it its session.
        let running = tokio::spawn(async move { (client.run(ENDLESS).await, client) });
        while !running.is_finished() {
            root.ok(&kill).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        killed.push(running.await.unwrap().0.unwrap_err());
    }
    walk.check("KILL QUERY", &killed);

    let mut known: BTreeSet<String> = walk.documented.keys().cloned().collect();
    for (reason, _) in ELSEWHERE {
        assert!(known.remove(reason), "{reason} is not documented");
        assert!(
            !walk.seen.contains(reason),
            "{reason} was provoked: it can be walked"
        );
    }
    assert_eq!(walk.seen, known, "provoked, and documented");
    // Each of the clients is well.
    for client in &mut wires.clients().await {
        assert!(matches!(client.ok("SELECT 1").await, Told::Rows(_)));
    }
    assert!(wires.mysql("root", ROOT_PASSWORD).await.is_ok());
    wires.close().await;
}
