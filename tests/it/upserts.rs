//! INSERT IGNORE, REPLACE and ON DUPLICATE KEY UPDATE: what MySQL does to rows whose keys are there already, row by row,
//! with its counts; and all of it or nothing.

use crate::harness::{Answer, TestServer};

async fn affected(server: &TestServer, statement: &str) -> u64 {
    counted(&server.ok(statement).await)
}

fn counted(answer: &Answer) -> u64 {
    answer.result.affected_rows
}

async fn all(server: &TestServer) -> Vec<Vec<String>> {
    server.ok("SELECT * FROM t ORDER BY id").await.rows()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_one_after_another() {
    let server = TestServer::start().await;
    server
        .ok("CREATE TABLE t (id int PRIMARY KEY, mail varchar(20) UNIQUE, n int NOT NULL DEFAULT 7)")
        .await;
    // Of several keys, and of rows of one statement.
    let statement = "INSERT IGNORE INTO t VALUES (1, 'a', 1), (1, 'b', 2), (2, 'b', 3), (3, 'b', 4), (4, NULL, 5), (5, NULL, 6)";
    let answer = server.ok(statement).await;
    assert_eq!(counted(&answer), 4);
    // The second row has the first one's id, so its mail is free for the third.
    assert_eq!(
        all(&server).await,
        [
            ["1", "a", "1"],
            ["2", "b", "3"],
            ["4", "NULL", "5"],
            ["5", "NULL", "6"]
        ]
    );
    assert_eq!(
        answer.result.warnings,
        [
            "1062: Duplicate entry '1' for key 't.PRIMARY'",
            "1062: Duplicate entry 'b' for key 't.mail'"
        ]
    );
    // One new row takes the place of two that are there.
    assert_eq!(
        affected(&server, "REPLACE INTO t VALUES (1, 'b', 9)").await,
        3
    );
    assert_eq!(
        affected(
            &server,
            "REPLACE INTO t (id, mail) VALUES (6, 'x'), (6, 'y'), (7, 'y')"
        )
        .await,
        // Three came, and two of them went again.
        5
    );
    assert_eq!(
        all(&server).await,
        [
            ["1", "b", "9"],
            ["4", "NULL", "5"],
            ["5", "NULL", "6"],
            ["7", "y", "7"]
        ]
    );
    // By the first key that is there: id before mail.
    let statement = "INSERT INTO t VALUES (4, 'y', 1), (8, 'y', 2), (9, 'z', 3) ON DUPLICATE KEY UPDATE n = n + 10 * VALUES(n)";
    assert_eq!(affected(&server, statement).await, 2 + 2 + 1);
    // Rows of one statement see what those before them did.
    let statement = "INSERT INTO t VALUES (10, 'q', 1), (10, 'r', 1), (11, 'q', 1), (10, 's', 1) AS new ON DUPLICATE KEY UPDATE n = t.n + new.n";
    assert_eq!(affected(&server, statement).await, 1 + 3 * 2);
    assert_eq!(
        all(&server).await,
        [
            ["1", "b", "9"],
            ["4", "NULL", "15"],
            ["5", "NULL", "6"],
            ["7", "y", "27"],
            ["9", "z", "3"],
            ["10", "q", "4"]
        ]
    );
    // What stays what it was is not counted.
    let statement = "INSERT INTO t VALUES (1, NULL, 0), (4, NULL, 0) ON DUPLICATE KEY UPDATE n = IF(id = 4, 16, n)";
    assert_eq!(affected(&server, statement).await, 2);
    let statement =
        "INSERT INTO t VALUES (1, NULL, 0) ON DUPLICATE KEY UPDATE mail = DEFAULT, n = DEFAULT";
    assert_eq!(affected(&server, statement).await, 2);
    assert_eq!(all(&server).await[0], ["1", "NULL", "7"]);
    // A key may change, and rows behind it meet it where it is then.
    let statement = "INSERT INTO t VALUES (1, NULL, 0), (1, 'new', 5), (20, NULL, 0) ON DUPLICATE KEY UPDATE id = id + 19, n = n + 1";
    assert_eq!(affected(&server, statement).await, 2 + 1 + 2);
    assert_eq!(
        server
            .ok("SELECT id, mail, n FROM t WHERE id IN (1, 20, 39) ORDER BY id")
            .await
            .rows(),
        [["1", "new", "5"], ["39", "NULL", "9"]]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_changes_nothing() {
    let server = TestServer::start().await;
    server
        .ok("CREATE TABLE t (id int PRIMARY KEY, mail varchar(5) UNIQUE, n tinyint)")
        .await;
    server
        .ok("INSERT INTO t VALUES (1, 'a', 100), (2, 'b', 100)")
        .await;
    let before = all(&server).await;
    for (statement, code) in [
        // To a key of a row that no new row has.
        (
            "INSERT INTO t VALUES (1, NULL, 1) ON DUPLICATE KEY UPDATE id = 2",
            1062,
        ),
        (
            "INSERT INTO t VALUES (9, 'a', 1) ON DUPLICATE KEY UPDATE mail = 'b'",
            1062,
        ),
        (
            "INSERT INTO t VALUES (1, NULL, 1) ON DUPLICATE KEY UPDATE n = n + 100",
            1264,
        ),
        (
            "INSERT INTO t VALUES (1, NULL, 1) ON DUPLICATE KEY UPDATE mail = 'too long'",
            1406,
        ),
        (
            "INSERT INTO t VALUES (1, NULL, 1) ON DUPLICATE KEY UPDATE nothing = 1",
            1054,
        ),
        (
            "INSERT INTO t VALUES (1, NULL, 1) ON DUPLICATE KEY UPDATE n = VALUES(nothing)",
            1054,
        ),
        (
            "INSERT INTO t VALUES (1, NULL, 1) ON DUPLICATE KEY UPDATE n = nothing",
            1054,
        ),
        (
            "INSERT INTO t VALUES (1, NULL, 1) AS new ON DUPLICATE KEY UPDATE n = new.nothing",
            1054,
        ),
        (
            "INSERT INTO t VALUES (1, NULL, 1) ON DUPLICATE KEY UPDATE n = 1, n = 2",
            1110,
        ),
        ("REPLACE INTO t VALUES (1, 'x', 1000)", 1264),
        ("REPLACE INTO t VALUES (1, 'x')", 1136),
        // What is left out is a row whose key is there, and nothing else.
        ("INSERT IGNORE INTO t VALUES (3, 'c', 1000)", 1264),
        ("INSERT IGNORE INTO t VALUES (NULL, 'c', 1)", 1048),
    ] {
        let error = server.error(statement).await;
        assert!(
            error.starts_with(&format!("ERROR {code} ")),
            "{statement}: {error}"
        );
        assert_eq!(all(&server).await, before, "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_of_queries_and_segments() {
    let server = TestServer::start().await;
    server
        .ok("CREATE TABLE t (id bigint PRIMARY KEY, n bigint, s varchar(20))")
        .await;
    server
        .ok("CREATE TABLE numbers AS SELECT a.value * 1000 + b.value AS n FROM generate_series(0, 9) AS a, generate_series(0, 999) AS b")
        .await;
    // In two segments; half of the third statement's rows are there.
    server
        .ok("INSERT INTO t SELECT n, n, 'first' FROM numbers WHERE n < 3000")
        .await;
    server
        .ok("INSERT INTO t SELECT n, n, 'second' FROM numbers WHERE n BETWEEN 3000 AND 5999")
        .await;
    let ignored = server
        .ok("INSERT IGNORE INTO t SELECT n, 0, 'third' FROM numbers WHERE n BETWEEN 5000 AND 6999")
        .await;
    assert_eq!(counted(&ignored), 1000);
    assert_eq!(ignored.result.warnings.len(), 65);
    assert_eq!(
        ignored.result.warnings[64],
        "1062: 936 more rows have keys that are there already"
    );
    let replaced = affected(
        &server,
        "REPLACE INTO t SELECT n, 1, 'fourth' FROM numbers WHERE n BETWEEN 2500 AND 3499",
    );
    assert_eq!(replaced.await, 2000);
    let updated = affected(
        &server,
        "INSERT INTO t SELECT n % 100, 1, 'fifth' FROM numbers WHERE n BETWEEN 0 AND 299 ON DUPLICATE KEY UPDATE n = t.n + VALUES(n), s = VALUES(s)",
    );
    assert_eq!(updated.await, 600);
    assert_eq!(
        server
            .ok("SELECT s, COUNT(*), COUNT(DISTINCT id), SUM(n) FROM t GROUP BY s ORDER BY s")
            .await
            .rows(),
        [
            ["fifth", "100", "100", &(4950 + 300).to_string()],
            [
                "first",
                "2400",
                "2400",
                &((100..2500).sum::<i64>()).to_string()
            ],
            ["fourth", "1000", "1000", "1000"],
            [
                "second",
                "2500",
                "2500",
                &((3500..6000).sum::<i64>()).to_string()
            ],
            ["third", "1000", "1000", "0"],
        ]
    );
    // A statement whose rows are all one row's, thousands of times, says what would be right.
    let error = server
        .error("INSERT INTO t SELECT 1, n, 'x' FROM numbers ON DUPLICATE KEY UPDATE n = t.n + 1")
        .await;
    assert!(error.contains("GROUP BY the key first"), "{error}");
    assert_eq!(server.ok("SELECT COUNT(*) FROM t").await.cell(), "7000");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_given_to_rows_that_go_in() {
    let server = TestServer::start().await;
    server
        .ok("CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, name varchar(10) UNIQUE, n int DEFAULT 1)")
        .await;
    for statement in [
        "INSERT INTO t (name) VALUES ('a'), ('b')",
        "INSERT INTO t (name) VALUES ('a'), ('c') ON DUPLICATE KEY UPDATE n = n + 1",
        "INSERT IGNORE INTO t (name) VALUES ('c'), ('d')",
    ] {
        server.ok(statement).await;
    }
    assert_eq!(
        server.ok("SELECT name, n FROM t ORDER BY id").await.rows(),
        [["a", "2"], ["b", "1"], ["c", "1"], ["d", "1"]]
    );
    // Without keys no row is there already.
    server.ok("CREATE TABLE plain (a int)").await;
    for statement in [
        "REPLACE INTO plain VALUES (1)",
        "INSERT IGNORE INTO plain VALUES (1)",
        "INSERT INTO plain VALUES (1) ON DUPLICATE KEY UPDATE a = 2",
    ] {
        assert_eq!(affected(&server, statement).await, 1, "{statement}");
    }
    assert_eq!(server.ok("SELECT SUM(a) FROM plain").await.cell(), "3");
    assert_eq!(
        server
            .ok("SELECT operation, COUNT(*) FROM stagedoor.audit WHERE target IN ('main.t', 'main.plain') AND operation IN ('INSERT', 'REPLACE') GROUP BY operation ORDER BY operation")
            .await
            .rows(),
        [["INSERT", "5"], ["REPLACE", "1"]]
    );
}
