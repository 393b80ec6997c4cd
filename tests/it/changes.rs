//! UPDATE, DELETE and CREATE TABLE … AS; segments that are checked as they are read, and merged when there are many.

use std::time::{Duration, Instant};

use crate::harness::{TestServer, files};

/// The segment files of a server's tables; those in the making, in the reserved folder, are none yet.
fn segments(server: &TestServer) -> Vec<String> {
    let mut found = files(&server.folder.path().join("data").join("tables"));
    found.retain(|file| file.ends_with(".parquet") && !file.contains(".stagedoor/"));
    found
}

/// Waits until a condition holds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(120), "{what}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_changed_and_taken_out() {
    let server = TestServer::start().await;
    server
        .ok("CREATE TABLE t (id int NOT NULL, name varchar(9), n int DEFAULT 5, id2 uuid)")
        .await;
    for rows in [
        "(1,'a',10,NULL),(2,'b',20,NULL)",
        "(3,'c',NULL,'00112233-4455-6677-8899-aabbccddeeff')",
        "(4,NULL,40,NULL)",
    ] {
        server.ok(&format!("INSERT INTO t VALUES {rows}")).await;
    }
    let updated = server
        .ok("UPDATE t SET n = n + 1, name = CONCAT(name, '!') WHERE id IN (SELECT id FROM t WHERE n > 15) AND t.id < 4")
        .await;
    assert_eq!(updated.result.affected_rows, 1);
    assert_eq!(
        server
            .ok("SELECT id, name, n FROM t ORDER BY id")
            .await
            .rows(),
        [
            ["1", "a", "10"],
            ["2", "b!", "21"],
            ["3", "c", "NULL"],
            ["4", "NULL", "40"]
        ]
    );
    // NULL is no reason, for a change or against one.
    assert_eq!(
        server
            .ok("DELETE FROM t WHERE n > 30")
            .await
            .result
            .affected_rows,
        1
    );
    assert_eq!(
        server
            .ok("UPDATE t SET n = DEFAULT WHERE n IS NULL")
            .await
            .result
            .affected_rows,
        1
    );
    assert_eq!(
        server
            .ok("SELECT id, n, CAST(id2 AS CHAR) FROM t ORDER BY id")
            .await
            .rows(),
        [
            ["1", "10", "NULL"],
            ["2", "21", "NULL"],
            ["3", "5", "00112233-4455-6677-8899-aabbccddeeff"]
        ]
    );
    assert_eq!(
        server
            .ok("DELETE FROM t WHERE id = 99")
            .await
            .result
            .affected_rows,
        0
    );
    for (statement, wanted) in [
        (
            "UPDATE t SET id = NULL",
            "ERROR 1048 (23000): Column 'id' cannot be null",
        ),
        (
            "UPDATE t SET n = 'x' WHERE id = 2",
            "ERROR 1366 (HY000): Incorrect integer value: 'x' for column 'n' at row 1",
        ),
        (
            "UPDATE t SET nosuch = 1",
            "ERROR 1054 (42S22): Unknown column 'nosuch' in 'field list'",
        ),
        (
            "UPDATE t SET n = 1, n = 2",
            "ERROR 1110 (42000): Column 'n' specified twice",
        ),
        (
            "DELETE FROM nosuch",
            "ERROR 1146 (42S02): Table 'main.nosuch' doesn't exist",
        ),
    ] {
        assert_eq!(server.error(statement).await, wanted, "{statement}");
    }
    assert_eq!(
        server
            .ok("SELECT count(*) FROM t WHERE id IS NOT NULL")
            .await
            .cell(),
        "3"
    );
    assert_eq!(server.ok("DELETE FROM t").await.result.affected_rows, 3);
    assert_eq!(server.ok("SELECT count(*) FROM t").await.cell(), "0");
    // The files went while the server runs.
    until("segments stay", || segments(&server).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_made_with_the_rows_of_a_query() {
    let server = TestServer::start().await;
    server
        .ok("CREATE TABLE a (id int NOT NULL, name varchar(20))")
        .await;
    server.ok("INSERT INTO a VALUES (1, 'x'), (2, 'y')").await;
    let made = server
        .ok("CREATE TABLE b AS SELECT id, name, id * 2.5 AS more, NULL AS nothing FROM a WHERE id > 1")
        .await;
    assert_eq!(made.result.affected_rows, 1);
    assert_eq!(
        server.ok("SELECT * FROM b").await.rows(),
        [["2", "y", "5.0", "NULL"]]
    );
    let types: Vec<String> = server
        .ok("DESC b")
        .await
        .rows()
        .into_iter()
        .map(|row| row[1].clone())
        .collect();
    assert_eq!(types[..2], ["int", "varchar(20)"]);
    assert_eq!(
        server.error("CREATE TABLE b AS SELECT 1 AS one").await,
        "ERROR 1050 (42S01): Table 'b' already exists"
    );
    server
        .ok("CREATE TABLE IF NOT EXISTS b AS SELECT 1 AS one")
        .await;
    assert!(
        server
            .error("CREATE TABLE c AS SELECT id, id FROM a")
            .await
            .contains("Duplicate column name 'id'")
    );
    assert!(
        server
            .error("CREATE TABLE c AS SELECT 1/0 AS x, CAST('x' AS SIGNED) AS y")
            .await
            .contains("ERROR")
    );
    assert!(
        server
            .error("SELECT * FROM c")
            .await
            .contains("doesn't exist")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_anywhere_in_a_segment_is_data_loss() {
    let server = TestServer::start().await;
    server.ok("CREATE TABLE t (id int, name varchar(20))").await;
    let rows: Vec<String> = (0..2000).map(|n| format!("({n}, 'name {n}')")).collect();
    server
        .ok(&format!("INSERT INTO t VALUES {}", rows.join(",")))
        .await;
    let tables = server.folder.path().join("data").join("tables");
    let file = tables.join(segments(&server).remove(0));
    let whole = std::fs::read(&file).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        std::fs::write(&file, &bytes).unwrap();
        let status = server
            .run("SELECT sum(id), max(name) FROM t")
            .await
            .unwrap_err();
        assert_eq!(
            status.code(),
            tonic::Code::DataLoss,
            "byte {at}: {status:?}"
        );
        assert!(
            status.message().contains("of table main.t is damaged"),
            "byte {at}: {}",
            status.message()
        );
    }
    std::fs::write(&file, &whole[..whole.len() - 100]).unwrap();
    let status = server.run("SELECT sum(id) FROM t").await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::DataLoss, "{status:?}");
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(server.ok("SELECT sum(id) FROM t").await.cell(), "1999000");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_small_inserts_become_few_segments() {
    let server = TestServer::start().await;
    server.ok("CREATE TABLE t (id int)").await;
    for id in 0..100 {
        server.ok(&format!("INSERT INTO t VALUES ({id})")).await;
    }
    until("segments are not merged", || segments(&server).len() <= 40).await;
    assert_eq!(
        server
            .ok("SELECT count(*), sum(id), count(DISTINCT id) FROM t")
            .await
            .rows(),
        [["100", "4950", "100"]]
    );
    let merged = server
        .ok("SELECT count(*) FROM stagedoor.audit WHERE operation = 'COMPACT TABLE'")
        .await
        .cell();
    assert_ne!(merged, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_a_number_get_the_next_one() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server
        .ok("CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, name varchar(9)) AUTO_INCREMENT = 5")
        .await;
    server.ok("INSERT INTO t (name) VALUES ('a'), ('b')").await;
    server
        .ok("INSERT INTO t VALUES (20, 'c'), (NULL, 'd'), (0, 'e')")
        .await;
    std::fs::write(dir.join("f.csv"), "f\ng\n").unwrap();
    server
        .ok("LOAD DATA INFILE 'stage://s/f.csv' INTO TABLE t (name)")
        .await;
    let mut statements = Vec::new();
    for _ in 0..8 {
        statements.push(server.run("INSERT INTO t (name) VALUES ('x')"));
    }
    for answer in futures::future::join_all(statements).await {
        answer.unwrap();
    }
    // A row that is there keeps its number, also when it is written anew.
    server.ok("UPDATE t SET name = 'y' WHERE name = 'x'").await;
    let ids: Vec<String> = server
        .ok("SELECT id FROM t ORDER BY id")
        .await
        .rows()
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    let wanted = [5, 6].into_iter().chain(20..=32).map(|id| id.to_string());
    assert_eq!(ids, wanted.collect::<Vec<_>>());
    assert_eq!(
        server.ok("SHOW COLUMNS FROM t").await.rows()[0][5],
        "auto_increment"
    );
    server.ok("TRUNCATE TABLE t").await;
    server.ok("INSERT INTO t (name) VALUES ('first')").await;
    assert_eq!(server.ok("SELECT id FROM t").await.cell(), "1");
    for columns in [
        "id int AUTO_INCREMENT",
        "a int AUTO_INCREMENT PRIMARY KEY, b int AUTO_INCREMENT, KEY (b)",
    ] {
        let error = server.error(&format!("CREATE TABLE u ({columns})")).await;
        assert!(error.starts_with("ERROR 1075"), "{error}");
    }
    assert!(
        server
            .error("CREATE TABLE u (id varchar(9) AUTO_INCREMENT PRIMARY KEY)")
            .await
            .starts_with("ERROR 1063")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_is_decided_once_for_each_row() {
    let server = TestServer::start().await;
    server.ok("CREATE TABLE t (id int, x int)").await;
    server
        .ok("INSERT INTO t SELECT value, 0 FROM generate_series(1, 1000)")
        .await;
    let ids = async || {
        let rows = server
            .ok("SELECT count(*), count(DISTINCT id), sum(x) FROM t")
            .await;
        rows.rows().remove(0)
    };
    // By chance.
    let updated = server.ok("UPDATE t SET x = 1 WHERE rand() < 0.5").await;
    let updated = updated.result.affected_rows;
    assert!((1..1000).contains(&updated), "{updated}");
    assert_eq!(
        ids().await,
        ["1000".to_owned(), "1000".to_owned(), updated.to_string()]
    );
    let deleted = server.ok("DELETE FROM t WHERE rand() < 0.5").await;
    let left = (1000 - deleted.result.affected_rows).to_string();
    assert_eq!(ids().await[..2], [left.clone(), left]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_is_null_changes_no_row() {
    let server = TestServer::start().await;
    for statement in [
        "CREATE TABLE t (id int, x int)",
        "INSERT INTO t VALUES (1,1),(2,2),(3,NULL),(4,4)",
        "CREATE TABLE s (y int)",
        "INSERT INTO s VALUES (1)",
        "CREATE TABLE n (y int)",
        "INSERT INTO n VALUES (1),(NULL)",
    ] {
        server.ok(statement).await;
    }
    let rows = async || server.ok("SELECT id, x FROM t ORDER BY id").await.rows();
    let some = "UPDATE t SET x = x * 10 WHERE x NOT IN (SELECT y FROM s)";
    assert_eq!(server.ok(some).await.result.affected_rows, 2);
    assert_eq!(
        rows().await,
        [["1", "1"], ["2", "20"], ["3", "NULL"], ["4", "40"]]
    );
    let one = "UPDATE t SET x = 7 WHERE id = 1 OR x NOT IN (SELECT y FROM n)";
    assert_eq!(server.ok(one).await.result.affected_rows, 1);
    assert_eq!(
        rows().await,
        [["1", "7"], ["2", "20"], ["3", "NULL"], ["4", "40"]]
    );
    let gone = "DELETE FROM t WHERE x NOT IN (SELECT y FROM s)";
    assert_eq!(server.ok(gone).await.result.affected_rows, 3);
    assert_eq!(rows().await, [["3", "NULL"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_condition_reads_may_change_meanwhile() {
    let server = TestServer::start().await;
    for statement in [
        "CREATE TABLE t (id int, x int)",
        "INSERT INTO t SELECT value, 0 FROM generate_series(1, 200)",
        "CREATE TABLE o (id int)",
    ] {
        server.ok(statement).await;
    }
    let changing = async {
        for round in 0..15 {
            server
                .ok("INSERT INTO o SELECT value FROM generate_series(1, 100)")
                .await;
            if round % 2 == 0 {
                server.ok("DELETE FROM o").await;
            }
        }
    };
    let reading = async {
        for _ in 0..15 {
            server
                .ok("UPDATE t SET x = x + 1 WHERE id IN (SELECT id FROM o)")
                .await;
        }
    };
    tokio::join!(changing, reading);
    assert_eq!(
        server
            .ok("SELECT count(*), count(DISTINCT id) FROM t")
            .await
            .rows(),
        [["200", "200"]]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_has_one_time() {
    let server = TestServer::start().await;
    server.ok("CREATE TABLE t (id int, at datetime(6))").await;
    for id in 0..3 {
        server
            .ok(&format!("INSERT INTO t VALUES ({id}, NULL)"))
            .await;
    }
    server.ok("UPDATE t SET at = NOW(6) WHERE id < 2").await;
    assert_eq!(
        server.ok("SELECT count(DISTINCT at) FROM t").await.cell(),
        "1"
    );
}
