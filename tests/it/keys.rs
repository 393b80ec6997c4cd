//! PRIMARY KEY and UNIQUE: no statement makes two rows with the same key, whichever way rows come in, and one that would
//! changes nothing.

use crate::harness::TestServer;

async fn duplicate(server: &TestServer, statement: &str, entry: &str, key: &str) {
    assert_eq!(
        server.error(statement).await,
        format!("ERROR 1062 (23000): Duplicate entry '{entry}' for key '{key}'"),
        "{statement}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicates_are_errors_whichever_way_they_come() {
    let server = TestServer::start().await;
    server
        .ok("CREATE TABLE t (id int PRIMARY KEY, mail varchar(20) UNIQUE, a int, b date, UNIQUE KEY pair (a, b))")
        .await;
    server
        .ok("INSERT INTO t VALUES (1, 'x', 1, '2024-01-01'), (2, NULL, 1, NULL), (3, NULL, 1, NULL)")
        .await;
    let rows = "SELECT GROUP_CONCAT(id ORDER BY id) FROM t";
    for (statement, entry, key) in [
        ("INSERT INTO t VALUES (1, 'y', 2, NULL)", "1", "t.PRIMARY"),
        (
            "INSERT INTO t VALUES (4, 'y', 2, NULL), (4, 'z', 2, NULL)",
            "4",
            "t.PRIMARY",
        ),
        ("INSERT INTO t VALUES (4, 'x', 2, NULL)", "x", "t.mail"),
        (
            "INSERT INTO t VALUES (4, 'y', 1, '2024-01-01')",
            "1-2024-01-01",
            "t.pair",
        ),
        (
            "INSERT INTO t SELECT id, NULL, NULL, NULL FROM t WHERE id = 3",
            "3",
            "t.PRIMARY",
        ),
        ("UPDATE t SET id = 2 WHERE id = 1", "2", "t.PRIMARY"),
        (
            "UPDATE t SET b = '2024-01-01' WHERE id = 2",
            "1-2024-01-01",
            "t.pair",
        ),
    ] {
        duplicate(&server, statement, entry, key).await;
        assert_eq!(server.ok(rows).await.cell(), "1,2,3", "{statement}");
    }
    // By bytes, as everything compares here; and the rows of an UPDATE as they are in the end.
    server.ok("INSERT INTO t VALUES (4, 'X', 2, NULL)").await;
    server.ok("UPDATE t SET id = id + 1").await;
    server.ok("UPDATE t SET a = 9 WHERE id = 2").await;
    assert_eq!(server.ok(rows).await.cell(), "2,3,4,5");
    server.ok("DELETE FROM t WHERE id = 2").await;
    server
        .ok("INSERT INTO t VALUES (2, 'x', 1, '2024-01-01')")
        .await;

    let folder = server.stage("s").await;
    std::fs::write(folder.join("f.csv"), "7,m,1,2024-02-01\n2,n,1,2024-02-02\n").unwrap();
    let load = "LOAD DATA INFILE 'stage://s/f.csv' INTO TABLE t FIELDS TERMINATED BY ','";
    duplicate(&server, load, "2", "t.PRIMARY").await;
    assert_eq!(server.ok(rows).await.cell(), "2,3,4,5");

    let shown = server.ok("SHOW CREATE TABLE t").await.rows();
    for key in [
        "PRIMARY KEY (`id`)",
        "UNIQUE KEY `mail` (`mail`)",
        "UNIQUE KEY `pair` (`a`,`b`)",
    ] {
        assert!(shown[0][1].contains(key), "{shown:?}");
    }
    // What was shown makes such a table.
    server.ok("DROP TABLE t").await;
    server.ok(&shown[0][1]).await;
    server.ok("INSERT INTO t VALUES (1, 'x', 1, NULL)").await;
    duplicate(
        &server,
        "INSERT INTO t VALUES (1, 'y', 1, NULL)",
        "1",
        "t.PRIMARY",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_every_kind_of_value_are_told_apart() {
    let server = TestServer::start().await;
    for (data_type, value, other, entry) in [
        ("varchar(9)", "'a'", "'A'", "a"),
        ("varbinary(9)", "x'ff00'", "x'ff'", "FF00"),
        ("decimal(30,2)", "1.50", "1.51", "1.50"),
        ("double", "1.5", "1.25", "1.5"),
        (
            "bigint unsigned",
            "18446744073709551615",
            "1",
            "18446744073709551615",
        ),
        ("date", "'2024-02-29'", "'2024-03-01'", "2024-02-29"),
        (
            "datetime(6)",
            "'2024-02-29 01:02:03.000004'",
            "'2024-02-29 01:02:03'",
            "2024-02-29 01:02:03.000004",
        ),
        ("time", "'-01:00:00'", "'01:00:00'", "-01:00:00"),
        ("enum('p','q')", "'p'", "'q'", "p"),
    ] {
        server
            .ok(&format!("CREATE TABLE k (v {data_type} PRIMARY KEY)"))
            .await;
        server.ok(&format!("INSERT INTO k VALUES ({value})")).await;
        server.ok(&format!("INSERT INTO k VALUES ({other})")).await;
        let again = format!("INSERT INTO k VALUES ({value})");
        duplicate(&server, &again, entry, "k.PRIMARY").await;
        server.ok("DROP TABLE k").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_writers_with_the_same_key_one_is_first() {
    let server = TestServer::start().await;
    server.ok("CREATE TABLE t (id int PRIMARY KEY)").await;
    let insert = async |from: i32| {
        let mut done = 0;
        for id in 0..20 {
            let statement = format!("INSERT INTO t VALUES ({})", id + from);
            match server.run(&statement).await {
                Ok(_) => done += 1,
                Err(status) => assert!(status.message().contains("Duplicate"), "{status}"),
            }
        }
        done
    };
    let (first, second) = tokio::join!(insert(0), insert(10));
    assert_eq!(first + second, 30);
    let counts = server
        .ok("SELECT COUNT(*), COUNT(DISTINCT id) FROM t")
        .await;
    assert_eq!(counts.rows(), [["30", "30"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_make_no_sense_are_refused_when_they_are_declared() {
    let server = TestServer::start().await;
    for (columns, told) in [
        (
            "a int PRIMARY KEY, b int PRIMARY KEY",
            "Multiple primary key defined",
        ),
        (
            "a int, UNIQUE KEY u (a), UNIQUE KEY u (a)",
            "Duplicate key name 'u'",
        ),
        ("a int, UNIQUE (c)", "Key column 'c' doesn't exist in table"),
        ("a int, UNIQUE (a, a)", "Duplicate column name 'a'"),
        ("a json UNIQUE", "JSON column 'a' cannot be in a key"),
    ] {
        let error = server.error(&format!("CREATE TABLE t ({columns})")).await;
        assert!(error.contains(told), "{error}");
    }
    // Ways to have duplicates pass that are not there.
    server.ok("CREATE TABLE t (a int PRIMARY KEY)").await;
    for (statement, told) in [
        (
            "INSERT IGNORE INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 2",
            "take one of them",
        ),
        (
            "LOAD DATA INFILE 'stage://s/f.csv' REPLACE INTO TABLE t",
            "LOAD DATA … REPLACE",
        ),
    ] {
        let error = server.error(statement).await;
        assert!(error.contains(told), "{statement}: {error}");
    }
    assert_eq!(server.ok("SELECT COUNT(*) FROM t").await.cell(), "0");
}
