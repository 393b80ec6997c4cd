//! Views: a query by a name. What stands in it is read by whoever reads it, each table through the gate, and a view that
//! can no longer be read says which one it is and why.

use crate::harness::{TestServer, error_line};

async fn sorted(server: &TestServer, statement: &str) -> Vec<Vec<String>> {
    let mut rows = server.ok(statement).await.rows();
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_reads_what_its_tables_have_now() {
    let server = TestServer::start().await;
    server
        .ok("CREATE TABLE t (a int, b varchar(10), c decimal(10,2))")
        .await;
    server
        .ok("CREATE VIEW v AS SELECT b, SUM(c) AS total FROM t GROUP BY b")
        .await;
    assert!(server.ok("SELECT * FROM v").await.rows().is_empty());
    server
        .ok("INSERT INTO t VALUES (1, 'x', 1.50), (2, 'x', 2.25), (3, 'y', NULL)")
        .await;
    assert_eq!(
        sorted(&server, "SELECT * FROM v").await,
        [["x", "3.75"], ["y", "NULL"]]
    );
    // In joins with itself and with its table, in subqueries, and in other views.
    server
        .ok("CREATE VIEW w (name, twice) AS SELECT v.b, v.total * 2 FROM v JOIN t ON t.b = v.b")
        .await;
    assert_eq!(
        sorted(&server, "SELECT * FROM w WHERE twice IS NOT NULL").await,
        [["x", "7.50"], ["x", "7.50"]]
    );
    assert_eq!(
        server
            .ok("SELECT COUNT(*) FROM w AS l JOIN w AS r ON l.name = r.name WHERE l.name IN (SELECT b FROM v)")
            .await
            .cell(),
        "5"
    );
    // Written into, it is not.
    for (statement, code, what) in [
        (
            "INSERT INTO v VALUES ('z', 1)",
            1471,
            "INSERT is not insertable-into",
        ),
        (
            "REPLACE INTO v VALUES ('z', 1)",
            1471,
            "INSERT is not insertable-into",
        ),
        ("UPDATE v SET b = 'z'", 1288, "UPDATE is not updatable"),
        ("DELETE FROM v", 1288, "DELETE is not updatable"),
    ] {
        assert_eq!(
            server.error(statement).await,
            format!(
                "ERROR {code} (HY000): The target table v of the {what}: it is a view, which is only read"
            ),
            "{statement}"
        );
    }
    let truncated = server.error("TRUNCATE TABLE v").await;
    assert!(
        truncated.contains("it has no rows of its own"),
        "{truncated}"
    );
    let folder = server.stage("s").await;
    std::fs::write(folder.join("f.csv"), "x,1\n").unwrap();
    let loaded = server
        .error("LOAD DATA INFILE 'stage://s/f.csv' INTO TABLE v FIELDS TERMINATED BY ','")
        .await;
    assert!(loaded.starts_with("ERROR 1471 (HY000)"), "{loaded}");

    // An export is one line.
    server
        .ok("SELECT * FROM v ORDER BY b INTO OUTFILE 'stage://s/v.csv'")
        .await;
    let exported = std::fs::read_to_string(folder.join("v.csv")).unwrap();
    assert_eq!(exported, "b,total\n\"x\",3.75\n\"y\",\\N\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_cannot_be_read_says_so() {
    let server = TestServer::start().await;
    for statement in [
        "CREATE TABLE t (a int, b int)",
        "CREATE VIEW v AS SELECT * FROM t",
        "CREATE VIEW named (x, y) AS SELECT * FROM t",
        "CREATE VIEW w AS SELECT * FROM v",
    ] {
        server.ok(statement).await;
    }
    // Neither by itself nor through another.
    for statement in [
        "ALTER VIEW v AS SELECT * FROM v",
        "CREATE OR REPLACE VIEW v AS SELECT * FROM w",
    ] {
        assert_eq!(
            server.error(statement).await.replace("main.v", "v"),
            match statement.contains("REPLACE") {
                true =>
                    "ERROR 1356 (HY000): view 'main.w': View 'v' references invalid table(s) or column(s): it reads itself",
                false =>
                    "ERROR 1356 (HY000): View 'v' references invalid table(s) or column(s): it reads itself",
            },
            "{statement}"
        );
    }
    server.ok("DROP TABLE t").await;
    assert_eq!(
        server.error("SELECT * FROM v").await,
        "ERROR 1356 (HY000): View 'main.v' references invalid table(s) or column(s): Table 'main.t' doesn't exist"
    );
    let through = server.error("SELECT * FROM w").await;
    assert!(
        through.contains("view 'main.w'") && through.contains("View 'main.v'"),
        "{through}"
    );
    // It is still there, to be looked at and to be altered.
    assert_eq!(server.ok("DESCRIBE v").await.rows().len(), 2);
    assert!(server.ok("SHOW CREATE VIEW v").await.rows()[0][1].ends_with("AS SELECT * FROM t"));
    // What it gives is what it gave, or nothing: columns do not change places unseen.
    server.ok("CREATE TABLE t (b int, a int)").await;
    for view in ["v", "named"] {
        let error = server.error(&format!("SELECT * FROM {view}")).await;
        assert!(
            error.contains(&format!(
                "view 'main.{view}': its query gives the columns b, a where it gave a, b when the view was made"
            )),
            "{error}"
        );
    }
    server.ok("ALTER VIEW v AS SELECT a FROM t").await;
    server.ok("INSERT INTO t VALUES (1, 2)").await;
    assert_eq!(server.ok("SELECT * FROM v").await.cell(), "2");
    let gone = server.error("SELECT * FROM w").await;
    assert!(gone.contains("view 'main.w'"), "{gone}");
    server.ok("DROP TABLE t").await;
    server.ok("DROP VIEW v, w, named").await;
    assert!(server.ok("SHOW TABLES").await.rows().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn views_within_views_have_a_bound() {
    let server = TestServer::start().await;
    server.ok("CREATE VIEW v0 AS SELECT 1 AS a").await;
    for at in 1..8 {
        let made = format!("CREATE VIEW v{at} AS SELECT a FROM v{}", at - 1);
        server.ok(&made).await;
    }
    assert_eq!(server.ok("SELECT a FROM v7").await.cell(), "1");
    let deep = server.error("CREATE VIEW v8 AS SELECT a FROM v7").await;
    assert!(deep.contains("more than 8 views"), "{deep}");
    // Eight times as many with each: the bound is on what they come to.
    server.ok("CREATE VIEW d0 AS SELECT 1 AS a").await;
    let mut wide = None;
    for at in 1..7 {
        let one = format!("SELECT a FROM d{}", at - 1);
        let made = format!("CREATE VIEW d{at} AS {}", vec![one; 8].join(" UNION ALL "));
        if let Err(status) = server.run(&made).await {
            wide = Some(error_line(&status));
            break;
        }
    }
    let wide = wide.expect("a plan of eight to the power of six was made");
    assert!(
        wide.contains("views within views make a plan of more than"),
        "{wide}"
    );
    // Neither is what is named and then not read looked up without end.
    for name in ["e", "f", "g"] {
        server
            .ok(&format!("CREATE VIEW {name}0 AS SELECT 1 AS a"))
            .await;
    }
    let mut many = None;
    for at in 1..8 {
        let of = at - 1;
        for name in ["e", "f", "g"] {
            let made = format!(
                "CREATE VIEW {name}{at} AS WITH x AS (SELECT a FROM e{of}), y AS (SELECT a FROM f{of}), z AS (SELECT a FROM g{of}) SELECT 1 AS a"
            );
            if let Err(status) = server.run(&made).await {
                many = Some(error_line(&status));
            }
        }
        if many.is_some() {
            break;
        }
    }
    let many = many.expect("three to the power of seven views were read");
    assert!(many.contains("more than 1000 views"), "{many}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_looked_up_where_the_view_was_made() {
    let server = TestServer::start().await;
    for statement in [
        "CREATE DATABASE d",
        "CREATE TABLE t (a int)",
        "CREATE TABLE d.t (a int)",
        "INSERT INTO t VALUES (1)",
        "INSERT INTO d.t VALUES (2)",
        "CREATE VIEW d.v AS SELECT a, DATABASE() AS here FROM t",
        "CREATE VIEW d.own AS SELECT v.a AS x, d.t.a AS y FROM d.v JOIN d.t ON TRUE",
    ] {
        server.ok(statement).await;
    }
    assert_eq!(server.ok("SELECT * FROM d.v").await.rows(), [["1", "main"]]);
    assert_eq!(server.ok("SELECT * FROM d.own").await.rows(), [["1", "2"]]);
    let shown = server.ok("SHOW CREATE VIEW d.v").await.rows();
    assert_eq!(
        shown[0][1],
        "CREATE SQL SECURITY INVOKER VIEW `d`.`v` AS SELECT a, DATABASE() AS here FROM t"
    );
    assert_eq!(shown[0][4], "main");
    // Staged files, too: of permanent stages.
    let folder = server.stage("s").await;
    std::fs::write(folder.join("f.csv"), "n\n5\n6\n").unwrap();
    server
        .ok("CREATE VIEW f AS SELECT SUM(n) AS total FROM 'stage://s/f.csv' (FORMAT 'csv')")
        .await;
    assert_eq!(server.ok("SELECT total FROM f").await.cell(), "11");
    server
        .ok("CREATE VIEW l AS SELECT COUNT(*) AS files FROM stage_list('stage://s/*')")
        .await;
    assert_eq!(server.ok("SELECT * FROM l").await.cell(), "1");
}
