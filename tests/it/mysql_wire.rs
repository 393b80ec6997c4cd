//! The MySQL port packet by packet: what clients of the library kind hide, and what they never send.

mod commands;
mod insert_ids;
mod manners;
mod raw;

use std::time::Duration;

use mysql_async::consts::ColumnFlags;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, Row};

use self::raw::Raw;
use crate::harness::ROOT_PASSWORD;
use crate::wires::{Client, Told, Wires};

async fn connect(wires: &Wires) -> Conn {
    let options = OptsBuilder::default()
        .ip_or_hostname(wires.mysql.ip().to_string())
        .tcp_port(wires.mysql.port())
        .user(Some("root"))
        .pass(Some(ROOT_PASSWORD))
        .db_name(Some("main"))
        .prefer_socket(false);
    Conn::new(options).await.unwrap()
}

/// A column as `database.table(alias).column(label)` and its flags of keys.
async fn columns(connection: &mut Conn, query: &str) -> Vec<(String, ColumnFlags)> {
    let result = connection.query_iter(query).await.unwrap();
    let columns = result.columns().unwrap();
    let told = columns.iter().map(|column| {
        let name = format!(
            "{}.{}({}).{}({})",
            column.schema_str(),
            column.org_table_str(),
            column.table_str(),
            column.org_name_str(),
            column.name_str()
        );
        (
            name,
            column.flags() - ColumnFlags::BINARY_FLAG - ColumnFlags::NUM_FLAG,
        )
    });
    let told = told.collect();
    result.drop_result().await.unwrap();
    told
}

#[tokio::test]
async fn columns_tell_their_table_and_its_keys() {
    let wires = Wires::open(|_| {}).await;
    let mut client = connect(&wires).await;
    for statement in [
        "CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, a INT NOT NULL, u INT UNIQUE, x INT, y INT DEFAULT 1, UNIQUE KEY xy (x, y))",
        "CREATE TABLE other (id INT)",
        "CREATE VIEW v AS SELECT id AS number, a FROM t",
        "INSERT INTO t (a, u) VALUES (1, 2)",
    ] {
        client.query_drop(statement).await.unwrap();
    }
    use ColumnFlags as F;
    let key = F::PART_KEY_FLAG;
    let id = F::PRI_KEY_FLAG | key | F::NOT_NULL_FLAG | F::AUTO_INCREMENT_FLAG;
    let a = F::NOT_NULL_FLAG | F::NO_DEFAULT_VALUE_FLAG;
    let plain = F::empty();
    for (query, expected) in [
        (
            "SELECT * FROM t",
            vec![
                ("main.t(t).id(id)", id),
                ("main.t(t).a(a)", a),
                ("main.t(t).u(u)", F::UNIQUE_KEY_FLAG | key),
                ("main.t(t).x(x)", F::MULTIPLE_KEY_FLAG | key),
                ("main.t(t).y(y)", key),
            ],
        ),
        (
            "SELECT s.a AS b, s.a + 1, 'x' FROM main.t AS s WHERE s.id > 0 ORDER BY s.a LIMIT 1",
            vec![
                ("main.t(s).a(b)", a),
                (".().(s.a + 1)", plain),
                (".().(x)", F::NOT_NULL_FLAG),
            ],
        ),
        (
            "SELECT t.id, o.id FROM t LEFT JOIN other AS o ON o.id = t.a",
            vec![("main.t(t).id(id)", id), ("main.other(o).id(id)", plain)],
        ),
        ("SELECT number FROM v", vec![("main.t(v).id(number)", id)]),
        (
            "SELECT d.a FROM (SELECT a FROM t) AS d",
            vec![("main.t(d).a(a)", a)],
        ),
        ("SELECT a FROM t GROUP BY a", vec![("main.t(t).a(a)", a)]),
        (
            "SELECT a FROM t UNION ALL SELECT id FROM other",
            vec![(".().(a)", plain)],
        ),
    ] {
        let told = columns(&mut client, query).await;
        let told: Vec<_> = told
            .iter()
            .map(|(name, flags)| (name.as_str(), *flags))
            .collect();
        assert_eq!(told, expected, "{query}");
    }
    // Prepared ones, too.
    let statement = client.prep("SELECT id FROM t WHERE a = ?").await.unwrap();
    let column = &statement.columns()[0];
    assert_eq!(
        (column.org_table_str(), column.schema_str()),
        ("t".into(), "main".into())
    );
    assert!(column.flags().contains(F::PRI_KEY_FLAG));
    client.disconnect().await.unwrap();
    wires.close().await;
}

#[tokio::test]
async fn warnings_are_told_with_their_levels() {
    let wires = Wires::open(|_| {}).await;
    let mut client = connect(&wires).await;
    client
        .query_drop("DROP TABLE IF EXISTS nothing")
        .await
        .unwrap();
    assert_eq!(client.get_warnings(), 1);
    let rows: Vec<(String, u16, String)> = client
        .query("-- of the statement before\nSHOW WARNINGS LIMIT 5")
        .await
        .unwrap();
    assert_eq!((rows.len(), &*rows[0].0, rows[0].1), (1, "Note", 1051));
    let count: Option<u64> = client.query_first("SHOW COUNT(*) WARNINGS").await.unwrap();
    assert_eq!(count, Some(1));

    let rows: Vec<Row> = client
        .query("SELECT REPEAT('x', 1000000000)")
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    let rows: Vec<(String, u16, String)> = client.query("SHOW WARNINGS").await.unwrap();
    assert_eq!((&*rows[0].0, rows[0].1), ("Warning", 1301));

    client
        .query_drop("SELECT * FROM nothing")
        .await
        .unwrap_err();
    for statement in ["SHOW WARNINGS", "SHOW ERRORS", "show errors limit 1"] {
        let rows: Vec<(String, u16, String)> = client.query(statement).await.unwrap();
        assert_eq!((&*rows[0].0, rows[0].1), ("Error", 1146), "{statement}");
    }
    // By prepared statements as well.
    let count: Option<u64> = client.exec_first("SELECT @@error_count", ()).await.unwrap();
    assert_eq!(count, Some(1));
    // A pool's next user hears nothing of it.
    client.reset().await.unwrap();
    let rows: Vec<Row> = client.query("SHOW WARNINGS").await.unwrap();
    assert!(rows.is_empty());
    client.disconnect().await.unwrap();
    wires.close().await;
}

/// What a client can find the log and the audit by.
#[tokio::test]
async fn a_statement_is_known_by_its_request_id() {
    let wires = Wires::open(|_| {}).await;
    let mut client = connect(&wires).await;
    client.query_drop("CREATE DATABASE d").await.unwrap();
    let id: Option<String> = client
        .query_first("SELECT @@last_request_id")
        .await
        .unwrap();
    let id = id.unwrap();
    let of = format!("SELECT statement FROM stagedoor.audit WHERE request_id = '{id}'");
    let statement: Option<String> = client.query_first(of).await.unwrap();
    assert_eq!(statement.as_deref(), Some("CREATE DATABASE d"));
    client.disconnect().await.unwrap();
    // As over gRPC.
    let mut grpc = wires.grpc().await;
    grpc.ok("CREATE DATABASE e").await;
    let Told::Rows(id) = grpc.ok("SELECT @@last_request_id").await else {
        panic!("no rows");
    };
    let id = id.rows[0][0].trim_matches('\'').to_owned();
    let of = format!("SELECT statement FROM stagedoor.audit WHERE request_id = '{id}'");
    let Told::Rows(statement) = grpc.ok(&of).await else {
        panic!("no rows");
    };
    assert!(
        statement.rows[0][0].contains("CREATE DATABASE e"),
        "{statement:?}"
    );
    drop(grpc);
    wires.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_protocol_has_numbers_for_is_told_by_them() {
    let wires = Wires::open(|settings| {
        settings.mysql.statements_max = 2;
        settings.mysql.packet_bytes_max = 1 << 20;
    })
    .await;
    let address = wires.mysql;
    let told = tokio::task::spawn_blocking(move || {
        let mut raw = Raw::login(address, "root", ROOT_PASSWORD);
        // COM_REGISTER_SLAVE, COM_BINLOG_DUMP, and a number that nothing has.
        for command in [0x15, 0x12, 0xf0] {
            assert_eq!(
                raw.error(&[command]),
                (1047, "08S01".to_owned()),
                "{command}"
            );
        }
        // A statement that is not there: run, reset, and sent a part of a value, which has no answer.
        let unknown = [9, 0, 0, 0];
        let run = [&[0x17][..], &unknown, &[0, 1, 0, 0, 0]].concat();
        assert_eq!(raw.error(&run), (1243, "HY000".to_owned()));
        let reset = [&[0x1a][..], &unknown].concat();
        assert_eq!(raw.error(&reset), (1243, "HY000".to_owned()));
        raw.send(&[&[0x18][..], &unknown, &[0, 0], b"part"].concat());
        raw.ping();

        // As many as the operator lets a connection have.
        let first = raw.prepare("SELECT ?");
        let second = raw.prepare("SELECT ?, ?");
        let third = [&[0x16][..], b"SELECT 3"].concat();
        assert_eq!(raw.error(&third), (1461, "42000".to_owned()));
        raw.send(&[&[0x19][..], &second.to_le_bytes()].concat());
        let second = raw.prepare("SELECT ?");

        // Values sent ahead: too much of one, and too much of all together; each statement hears of its own.
        let part = |statement: u32, bytes: usize| {
            [
                &[0x18][..],
                &statement.to_le_bytes(),
                &[0, 0],
                &vec![b'x'; bytes],
            ]
            .concat()
        };
        let run = |statement: u32| {
            let types = [0, 1, 0xfc, 0];
            [
                &[0x17][..],
                &statement.to_le_bytes(),
                &[0, 1, 0, 0, 0],
                &types,
            ]
            .concat()
        };
        raw.send(&part(first, 600 << 10));
        raw.send(&part(second, 600 << 10));
        assert_eq!(raw.error(&run(second)), (1153, "08S01".to_owned()));
        let rows = raw.rows(&run(first));
        assert_eq!(rows.len(), 1);
        assert!(rows[0].len() > 600 << 10);
        // It was used up; now there is room, also for the one that was refused.
        raw.send(&part(second, 3));
        assert_eq!(raw.rows(&run(second)).len(), 1);

        // A packet beyond the limit ends the connection, with an error.
        raw.send_head(2 << 20);
        assert_eq!(raw.told(), (1153, "08S01".to_owned()));
        assert!(raw.is_closed());
    });
    told.await.unwrap();
    for client in &mut wires.clients().await {
        client.ok("SELECT 1").await;
    }
    wires.close().await;
}

#[tokio::test]
async fn a_client_without_plugins_is_told_what_it_needs() {
    let wires = Wires::open(|_| {}).await;
    let address = wires.mysql;
    let told = tokio::task::spawn_blocking(move || {
        let mut raw = Raw::greeted(address);
        // Protocol 4.1 with secure passwords, and no plugins.
        let mut login = 0x0000_8200_u32.to_le_bytes().to_vec();
        login.extend([0; 28]);
        login.extend(b"root\0\x14");
        login.extend([7; 20]);
        raw.put(&login);
        raw.told_text()
    });
    let (code, text) = told.await.unwrap();
    assert_eq!(code, 1251);
    assert!(text.contains("caching_sha2_password"), "{text}");
    wires.close().await;
}

/// A pool resets a connection between two of its users; the database that it came with may be gone by then.
#[tokio::test]
async fn a_reset_after_its_database_was_dropped_begins_in_the_default_one() {
    let wires = Wires::open(|_| {}).await;
    let mut other = wires.grpc().await;
    other.ok("CREATE DATABASE gone").await;
    let mut client = connect(&wires).await;
    client.query_drop("USE gone").await.unwrap();
    other.ok("DROP DATABASE gone").await;
    client.query_drop("SELECT * FROM t").await.unwrap_err();
    client.reset().await.unwrap();
    let database: Option<String> = client.query_first("SELECT DATABASE()").await.unwrap();
    assert_eq!(database.as_deref(), Some("main"));
    client.disconnect().await.unwrap();
    drop(other);
    wires.close().await;
}

/// Waits until nothing but `sessions` of them are open, and nothing runs in the server.
async fn is_quiet(client: &mut Client, sessions: usize) {
    let quiet = async {
        loop {
            let Told::Rows(table) = client.ok("SHOW SESSIONS").await else {
                panic!("no rows");
            };
            if table.rows.len() == sessions {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let quiet = tokio::time::timeout(crate::serve_process::LONG, quiet).await;
    quiet.expect("the sessions of clients that have left are closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_vanish_leave_nothing() {
    let wires = Wires::open(|settings| settings.limits.concurrent_statements_max = 2).await;
    let folder = wires.folder.path().join("stage");
    std::fs::create_dir(&folder).unwrap();
    let mut client = wires.grpc().await;
    client
        .ok(&format!("CREATE STAGE s URL = '{}'", folder.display()))
        .await;
    let address = wires.mysql;
    // More rows than anything between keeps, so that the server waits for who does not read them.
    let endless = "SELECT a.value, b.value, c.value FROM generate_series(1, 100000) AS a, generate_series(1, 100000) AS b, generate_series(1, 1000) AS c";
    for _ in 0..4 {
        let vanished = tokio::task::spawn_blocking(move || {
            let mut raw = Raw::login(address, "root", ROOT_PASSWORD);
            raw.send(&[&[3][..], endless.as_bytes()].concat());
            // Its first rows are here: it runs.
            raw.packet().unwrap();
            raw.packet().unwrap();
        });
        vanished.await.unwrap();
    }
    is_quiet(&mut client, 1).await;
    // The turns are free again: what takes one is served.
    client.ok("SELECT 1").await;
    let mut other = wires.mysql("root", ROOT_PASSWORD).await.unwrap();
    other.ok("SELECT 1").await;
    drop(other);
    is_quiet(&mut client, 1).await;

    // In the middle of an export, which goes on, for whoever asked for it does not hold it, and is seen whole.
    let asked = tokio::task::spawn_blocking(move || {
        let mut raw = Raw::login(address, "root", ROOT_PASSWORD);
        let export =
            "SELECT a.value FROM generate_series(1, 2000000) AS a INTO OUTFILE 'stage://s/x.csv'";
        raw.send(&[&[3][..], export.as_bytes()].concat());
        raw
    });
    let asked = asked.await.unwrap();
    let begun = async {
        let count = "SELECT export_id FROM stagedoor.exports";
        while !matches!(client.ok(count).await, Told::Rows(table) if table.rows.len() == 1) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let begun = tokio::time::timeout(crate::serve_process::LONG, begun).await;
    begun.expect("the export begins");
    drop(asked);
    let ended = async {
        loop {
            let Told::Rows(table) = client
                .ok("SELECT state FROM stagedoor.exports WHERE state IN ('COMMITTED', 'FAILED')")
                .await
            else {
                panic!("no rows");
            };
            if let [row] = table.rows.as_slice() {
                return row[0].clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let state = tokio::time::timeout(crate::serve_process::LONG, ended).await;
    assert!(state.unwrap().contains("COMMITTED"));
    is_quiet(&mut client, 1).await;
    let lines = std::fs::read_to_string(folder.join("x.csv")).unwrap();
    assert_eq!(lines.lines().count(), 2_000_001);
    drop(client);
    wires.close().await;
}
