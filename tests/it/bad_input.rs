//! Bad input: each a clear error, nothing lost, no panic, and the server well afterwards.

use crate::harness::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_has_its_message() {
    let server = TestServer::start().await;
    server.stage("s").await;
    server.ok("CREATE TABLE t (a int)").await;
    for (statement, wanted) in [
        (
            "SELECT * FROM nope",
            &["1146 (42S02)", "Table 'main.nope' doesn't exist"][..],
        ),
        ("SELECT * FROM nope.t", &["Unknown database 'nope'"]),
        (
            "SELECT b FROM t",
            &["1054 (42S22)", "unknown column 'b'", "columns are a"],
        ),
        ("SELECT nofunction(a) FROM t", &["nofunction"]),
        (
            "SELECT save_file('stage://s/x.csv', 'text')",
            &["20105", "a query only reads", "INTO OUTFILE"],
        ),
        (
            "CREATE TABLE t (a int)",
            &["1050 (42S01): Table 't' already exists"],
        ),
        (
            "CREATE TABLE u (a int, A int)",
            &["1060 (42S21): Duplicate column name 'a'"],
        ),
        ("CREATE TABLE u (a whatever)", &["1064", "whatever"]),
        (
            "CREATE TABLE u (a int AUTO_INCREMENT)",
            &["1075 (42000)", "must be defined as a key"],
        ),
        ("CREATE DATABASE main", &["1007 (HY000)"]),
        ("DROP DATABASE nope", &["1008 (HY000)"]),
        ("DROP DATABASE stagedoor", &["read-only"]),
        (
            "DROP TABLE t, nope",
            &["1051 (42S02): Unknown table 'main.nope'"],
        ),
        ("INSERT INTO stagedoor.stages VALUES (1)", &["read-only"]),
        ("USE nope", &["1049 (42000): Unknown database 'nope'"]),
        ("DELETE FROM t LIMIT 1", &["1064", "LIMIT"]),
        (
            "REPLACE INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 1",
            &["1064", "REPLACE takes no ON DUPLICATE KEY UPDATE"],
        ),
        ("UPDATE stagedoor.stages SET a = 1", &["read-only"]),
        ("DELETE FROM nope", &["1146 (42S02)"]),
        ("SELECT 1; SELECT 2", &["1064"]),
        ("", &["1064"]),
        ("SELECT 'abc", &["1064", "line 1"]),
        ("SELECT /* abc", &["1064"]),
        (
            "SELECT * FROM t\nINTO OUTFILE 'stage://s/x.csv'\nWRONG",
            &["1064", "line 3 column 1"],
        ),
        ("SELECT * INTO OUTFILE 'stage://s/x.csv' FROM t", &["1064"]),
        ("CREATE STAGE s2", &[]),
        ("CREATE STAGE `a b` URL = '/tmp'", &["20101"]),
        ("CREATE STAGE s3 URL = ''", &["20300"]),
        (
            "CREATE STAGE s3 URL = 'stage://nope/x'",
            &["the stage nope not exists"],
        ),
        ("CANCEL EXPORT 'nope'", &["there is no export 'nope'"]),
        ("COPY t TO '/tmp/x'", &["1064"]),
        ("SELECT * FROM '/etc/passwd'", &["1146"]),
        (
            "SELECT * FROM 'stage://s/none.csv'",
            &["20405", "stage://s/none.csv is not found"],
        ),
        ("SELECT * FROM 'stage://s/../x.csv'", &["20411"]),
        (
            "CREATE EXTERNAL TABLE e INFILE '/etc/passwd'",
            &["URL protocol only supports stage://"],
        ),
        ("SELECT @x", &["user variables"]),
    ] {
        if wanted.is_empty() {
            server.ok(statement).await;
            continue;
        }
        let error = server.error(statement).await;
        for part in wanted {
            assert!(
                error.contains(part),
                "{statement}\n{error}\nhas no {part:?}"
            );
        }
    }
    // DROP TABLE of two names, one wrong, dropped neither.
    assert_eq!(server.ok("SHOW TABLES").await.rows(), [["t"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_beyond_the_limits_name_them() {
    let server = TestServer::start().await;
    let long = format!("SELECT '{}'", "x".repeat(10 << 20));
    let error = server.error(&long).await;
    assert!(
        error.contains("1064") && error.contains("8388608"),
        "{}",
        &error[..error.len().min(300)]
    );
    let deep = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    let error = server.error(&deep).await;
    assert!(error.contains("1064") && error.contains("64"), "{error}");
    let allowed = format!("SELECT {}1{}", "(".repeat(60), ")".repeat(60));
    assert_eq!(server.ok(&allowed).await.cell(), "1");
    // Long without nesting: a result, or an error; never a dead server.
    for statement in [
        format!("SELECT {}1", "1+".repeat(5_000)),
        format!("SELECT {}", vec!["1 = 2"; 5_000].join(" OR ")),
        format!("SELECT 1 IN ({})", vec!["2"; 20_000].join(",")),
        format!("SELECT {}1", "-".repeat(3_000).replace('-', "- ")),
        format!("SELECT {}", "NOT ".repeat(3_000) + "true"),
        format!("SELECT 1 {}", "UNION ALL SELECT 1 ".repeat(500)),
    ] {
        let _ = server.run(&statement).await;
    }
    assert_eq!(server.ok("SELECT 1").await.cell(), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_bytes_in_a_statement_are_data_or_errors() {
    let server = TestServer::start().await;
    server.stage("s").await;
    for statement in [
        "SELECT '\u{0}'",
        "SELECT '\u{1F600}é'",
        "SELECT \u{feff}1",
        "\u{0}",
        ";;;",
        "SELECT `\u{0}`",
        "SELECT 1 INTO OUTFILE 'stage://s/\u{1F600}.csv'",
        "SELECT '%' LIKE '\\\\'",
    ] {
        let _ = server.run(statement).await;
    }
    assert_eq!(server.ok("SELECT '\u{1F600}é'").await.cell(), "\u{1F600}é");
}
