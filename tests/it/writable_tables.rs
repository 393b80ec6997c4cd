//! External tables that INSERT adds files to, each by an export of its own.

use crate::harness::{TestServer, files};

async fn server() -> TestServer {
    let server = TestServer::start().await;
    server.stage("s").await;
    server
}

fn visible(server: &TestServer) -> Vec<String> {
    let mut found = files(&server.folder.path().join("s"));
    found.retain(|name| !name.starts_with('.'));
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn insert_adds_a_file_that_the_table_reads() {
    let server = server().await;
    for (table, format, suffix, more) in [
        ("c", "csv", "csv", ""),
        ("h", "csv", "csv.gz", ", 'header'='true'"),
        ("e", "csv", "csv", ", 'dialect'='rfc4180'"),
        ("j", "jsonline", "jsonl", ""),
        ("p", "parquet", "parquet", ""),
    ] {
        server
            .ok(&format!(
                "CREATE EXTERNAL TABLE {table} (id int NOT NULL, name varchar(20), price decimal(8,2), day date) INFILE {{'filepath'='stage://s/{table}/*', 'format'='{format}', 'write_file_pattern'='stage://s/{table}/%n8.{suffix}'{more}}}",
            ))
            .await;
        // Before the first file it has no rows.
        let none = server.ok(&format!("SELECT COUNT(*) FROM {table}")).await;
        assert_eq!(none.cell(), "0", "{table}");
        let done = server
            .ok(&format!(
                "INSERT INTO {table} VALUES (1, 'a,\"b\\\\', 1.5, '2026-01-01'), (2, NULL, NULL, NULL), (3, '', 0, '2026-01-03')"
            ))
            .await;
        assert_eq!(done.result.affected_rows, 3, "{table}");
        let done = server
            .ok(&format!(
                "INSERT INTO {table} (day, id) SELECT day, id + 10 FROM {table} WHERE id < 3"
            ))
            .await;
        assert_eq!(done.result.affected_rows, 2, "{table}");
        let rows = server
            .ok(&format!("SELECT * FROM {table} ORDER BY id"))
            .await;
        assert_eq!(
            rows.rows(),
            [
                ["1", "a,\"b\\", "1.50", "2026-01-01"],
                ["2", "NULL", "NULL", "NULL"],
                ["3", "", "0.00", "2026-01-03"],
                ["11", "NULL", "NULL", "2026-01-01"],
                ["12", "NULL", "NULL", "NULL"],
            ],
            "{table}"
        );
        let written = visible(&server);
        let written: Vec<&String> = written
            .iter()
            .filter(|name| name.starts_with(&format!("{table}/")) && name.ends_with(suffix))
            .collect();
        assert_eq!(written.len(), 2, "{written:?}");
    }
    // Each file is an export.
    let exports = server
        .ok("SELECT COUNT(*) FROM stagedoor.exports WHERE state = 'COMMITTED'")
        .await;
    assert_eq!(exports.cell(), "10");
    // No rows: no file.
    let before = visible(&server);
    let done = server
        .ok("INSERT INTO c SELECT * FROM c WHERE id > 100")
        .await;
    assert_eq!(done.result.affected_rows, 0);
    // A row that does not fit leaves nothing.
    for wrong in ["(NULL, 'a', 1, NULL)", "(1, 'a', 'x', NULL)", "(1)"] {
        let error = server.error(&format!("INSERT INTO c VALUES {wrong}")).await;
        assert!(error.starts_with("ERROR 1"), "{error}");
    }
    let error = server
        .error("INSERT INTO c SELECT id, REPEAT('x', id * 5), 1, NULL FROM c")
        .await;
    assert!(error.contains("Data too long"), "{error}");
    assert_eq!(visible(&server), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_does_not_read_what_it_writes_says_so() {
    let server = server().await;
    for (table, read, write, is_read) in [
        ("one", "stage://s/t/*.csv", "stage://s/t/%U.csv", true),
        (
            "two",
            "stage://s/**/*.csv",
            "stage://s//a/b/%Y_%U.csv",
            true,
        ),
        ("three", "stage://s/t/*.csv", "stage://s/u/%U.csv", false),
        ("four", "stage://s/*.csv", "stage://s/t/%U.csv", false),
        ("five", "stage://s/t/a*.csv", "stage://s/t/%U.csv", false),
    ] {
        let done = server
            .ok(&format!(
                "CREATE EXTERNAL TABLE {table} (id int) INFILE {{'filepath'='{read}', 'format'='csv', 'write_file_pattern'='{write}'}}"
            ))
            .await;
        let warnings = done.result.warnings;
        assert_eq!(warnings.is_empty(), is_read, "{table}: {warnings:?}");
        if let Some(warning) = warnings.first() {
            assert!(warning.contains(&format!("not among those of filepath, '{read}'")));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn load_data_adds_one_too() {
    let server = server().await;
    let dir = server.folder.path().join("s");
    std::fs::write(dir.join("in.txt"), "1\ta\n2\t\\N\n").unwrap();
    server
        .ok("CREATE EXTERNAL TABLE t (id int, name varchar(9)) INFILE {'filepath'='stage://s/t/*.csv', 'write_file_pattern'='stage://s/t/%U.csv'}")
        .await;
    let done = server
        .ok("LOAD DATA INFILE 'stage://s/in.txt' INTO TABLE t")
        .await;
    assert_eq!(done.result.affected_rows, 2);
    let rows = server.ok("SELECT * FROM t ORDER BY id").await;
    assert_eq!(rows.rows(), [["1", "a"], ["2", "NULL"]]);
    let error = server
        .error("LOAD DATA INFILE 'stage://s/in.txt' INTO TABLE t SKIP_LOADED = TRUE")
        .await;
    assert!(error.contains("SKIP_LOADED"), "{error}");
    // As it is shown it can be made again.
    let shown = server.ok("SHOW CREATE TABLE t").await.rows()[0][1].clone();
    assert!(
        shown.contains("'WRITE_FILE_PATTERN'='stage://s/t/%U.csv'"),
        "{shown}"
    );
    server.ok("DROP TABLE t").await;
    server.ok(&shown).await;
    server.ok("INSERT INTO t VALUES (3, 'c')").await;
    assert_eq!(server.ok("SELECT COUNT(*) FROM t").await.cell(), "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_written_is_refused() {
    let server = server().await;
    let create = |columns: &str, options: &str| {
        format!(
            "CREATE EXTERNAL TABLE t ({columns}) INFILE {{'filepath'='stage://s/t/*', {options}}}"
        )
    };
    for (columns, options, part) in [
        (
            "a int",
            "'write_file_pattern'='/tmp/%U.csv'",
            "only stage:// is supported",
        ),
        (
            "a int",
            "'write_file_pattern'='stage://s/t/a.csv'",
            "%U or %nN",
        ),
        (
            "a int",
            "'format'='jsonline', 'write_file_pattern'='stage://s/t/%U.csv'",
            "suffix is of another",
        ),
        (
            "a int AUTO_INCREMENT PRIMARY KEY",
            "'write_file_pattern'='stage://s/t/%U.csv'",
            "AUTO_INCREMENT",
        ),
        (
            "a int",
            "'hive_partitioning'='true', 'write_file_pattern'='stage://s/t/%U.csv'",
            "hive_partitioning",
        ),
    ] {
        let error = server.error(&create(columns, options)).await;
        assert!(error.contains(part), "{options}: {error}");
    }
    server
        .ok(&create(
            "a int",
            "'write_file_pattern'='stage://s/t/%U.csv'",
        ))
        .await;
    for (statement, part) in [
        (
            "UPDATE t SET a = 1",
            "cannot insert/update/delete from external table",
        ),
        (
            "DELETE FROM t",
            "cannot insert/update/delete from external table",
        ),
        ("TRUNCATE TABLE t", "truncate external table"),
        ("REPLACE INTO t VALUES (1)", "REPLACE"),
        ("INSERT IGNORE INTO t VALUES (1)", "INSERT IGNORE"),
    ] {
        let error = server.error(statement).await;
        assert!(error.contains(part), "{statement}: {error}");
    }
    // The stage's rules are those of any export.
    server
        .ok("ALTER STAGE s SET POLICY = {'max_rows' = '1'}")
        .await;
    server.ok("INSERT INTO t VALUES (1)").await;
    let error = server.error("INSERT INTO t VALUES (2), (3)").await;
    assert!(error.contains("max_rows"), "{error}");
    server.ok("ALTER STAGE s SET ENABLE = FALSE").await;
    let error = server.error("INSERT INTO t VALUES (4)").await;
    assert!(error.contains("stage 's' is invalid"), "{error}");
    server.ok("ALTER STAGE s SET ENABLE = TRUE").await;
    assert_eq!(server.ok("SELECT COUNT(*) FROM t").await.cell(), "1");
    // Without the option nothing is written.
    server
        .ok("CREATE EXTERNAL TABLE r (a int) INFILE 'stage://s/t/*.csv'")
        .await;
    let error = server.error("INSERT INTO r VALUES (1)").await;
    assert!(
        error.contains("cannot insert/update/delete from external table"),
        "{error}"
    );
    // Such an export is resumed by its statement alone.
    let failed = server
        .ok("SELECT export_id FROM stagedoor.exports WHERE state = 'FAILED'")
        .await;
    let error = server
        .error(&format!("RESUME EXPORT '{}'", failed.cell()))
        .await;
    assert!(
        error.contains("written by an INSERT or a LOAD DATA"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_takes_write_on_the_stage_and_insert_on_the_table() {
    let server = server().await;
    server
        .ok("CREATE EXTERNAL TABLE t (a int) INFILE {'filepath'='stage://s/t/*.csv', 'write_file_pattern'='stage://s/t/%U.csv'}")
        .await;
    server.ok("CREATE ROLE loader").await;
    server.ok("GRANT INSERT ON TABLE main.t TO loader").await;
    server.ok("REVOKE WRITE ON STAGE s FROM public").await;
    server
        .ok("CREATE USER lou IDENTIFIED BY 'lou''s password' DEFAULT ROLE loader")
        .await;
    server.ok("GRANT loader TO root").await;
    server.ok("SET ROLE loader").await;
    let error = server.error("INSERT INTO t VALUES (1)").await;
    assert!(error.contains("do not have privilege"), "{error}");
    server.ok("SET ROLE moadmin").await;
    server.ok("GRANT WRITE ON STAGE s TO loader").await;
    server.ok("SET ROLE loader").await;
    server.ok("INSERT INTO t VALUES (1)").await;
    server.ok("SET ROLE moadmin").await;
    assert_eq!(server.ok("SELECT COUNT(*) FROM t").await.cell(), "1");
}

/// What a stage does to its files the table would read; it is refused before a row is made, and with none, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_stage_that_changes_its_files_takes_none_of_a_table() {
    let server = server().await;
    server
        .ok("CREATE EXTERNAL TABLE t (a varchar(20)) INFILE {'filepath'='stage://s/t/*', 'write_file_pattern'='stage://s/t/%U.csv'}")
        .await;
    for (rule, value) in [
        ("formula_guard", "true"),
        ("require_manifest", "true"),
        (
            "encrypt_to",
            "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
        ),
    ] {
        server
            .ok(&format!(
                "ALTER STAGE s SET POLICY = {{'{rule}' = '{value}'}}"
            ))
            .await;
        for source in ["VALUES ('=1')", "SELECT 'x' FROM t WHERE FALSE"] {
            let error = server.error(&format!("INSERT INTO t {source}")).await;
            assert!(
                error.contains(&format!("policy {rule}")),
                "{source}: {error}"
            );
        }
    }
    assert_eq!(visible(&server), Vec::<String>::new());
}
