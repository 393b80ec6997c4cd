//! LOAD DATA's options beyond MySQL's: reports of lines that were left out, files that are loaded once, character sets.

use std::path::PathBuf;

use crate::harness::{TestServer, files};

const LOAD: &str = "LOAD DATA INFILE 'stage://s/*.csv' INTO TABLE t FIELDS TERMINATED BY ','";

async fn server() -> (TestServer, PathBuf) {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server.stage("out").await;
    server
        .ok("CREATE TABLE t (id tinyint NOT NULL, name varchar(3))")
        .await;
    (server, dir)
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_left_out_are_reported() {
    let (server, dir) = server().await;
    std::fs::write(dir.join("a.csv"), "1,a\nx,b\n3,long\n").unwrap();
    std::fs::write(dir.join("b.csv"), "5,f,more\n6,g\n").unwrap();
    let loaded = server
        .ok(&format!(
            "{LOAD} ON_ERROR 'skip' REPORT 'stage://out/bad.csv'"
        ))
        .await;
    assert_eq!(loaded.result.affected_rows, 2);
    assert_eq!(
        loaded.result.warnings[0],
        "3 lines were left out (ON_ERROR 'skip'), and written to 'stage://out/bad.csv'"
    );
    let report = std::fs::read_to_string(server.folder.path().join("out/bad.csv")).unwrap();
    assert_eq!(
        report,
        "file,line,column,reason,text\n\
         \"a.csv\",2,\"id\",\"Incorrect integer value: 'x' for column 'id' at row 2\",\"x,b\"\n\
         \"a.csv\",3,\"name\",\"Data too long for column 'name' at row 3: 'long'\",\"3,long\"\n\
         \"b.csv\",1,\\N,\"row 1 has 3 fields, the table has 2 columns\",\"5,f,more\"\n"
    );
    assert_eq!(
        server.ok("SELECT * FROM t ORDER BY id").await.rows(),
        [["1", "a"], ["6", "g"]]
    );
    // It is an export, on record with the statement that it is of.
    let exports = server
        .ok("SELECT state, target, statement FROM stagedoor.exports")
        .await;
    let exports = exports.rows();
    assert_eq!(exports.len(), 1);
    assert!(
        exports[0][2].starts_with("LOAD DATA INFILE 'stage://s/*.csv'"),
        "{exports:?}"
    );
    // What is there is not replaced, and then nothing is loaded.
    let again = format!("{LOAD} ON_ERROR 'skip' REPORT 'stage://out/bad.csv'");
    let error = server.error(&again).await;
    assert!(error.contains("file bad.csv already exists"), "{error}");
    assert_eq!(server.ok("SELECT COUNT(*) FROM t").await.cell(), "2");
    // JSON lines by the name; with more bad lines than are allowed nothing is loaded and nothing written.
    let error = server
        .error(&format!(
            "{LOAD} ON_ERROR 'skip' MAX 2 REPORT 'stage://out/worse.jsonl'"
        ))
        .await;
    assert!(error.contains("more than 2 lines are no rows"), "{error}");
    assert_eq!(server.ok("SELECT COUNT(*) FROM t").await.cell(), "2");
    server
        .ok(&format!(
            "{LOAD} ON_ERROR 'skip' MAX 3 REPORT 'stage://out/worse.jsonl'"
        ))
        .await;
    let rows = server
        .ok("SELECT `column`, line FROM 'stage://out/worse.jsonl' WHERE file = 'a.csv' ORDER BY line")
        .await;
    assert_eq!(rows.rows(), [["id", "2"], ["name", "3"]]);
    let visible = files(&server.folder.path().join("out"));
    let visible: Vec<&String> = visible
        .iter()
        .filter(|name| !name.starts_with('.'))
        .collect();
    assert_eq!(visible, ["bad.csv", "worse.jsonl"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_written_where_the_user_may_write() {
    let (server, dir) = server().await;
    std::fs::write(dir.join("a.csv"), "1,a\nx,b\n").unwrap();
    for (target, part) in [
        ("/tmp/bad.csv", "REPORT takes a file of a stage"),
        ("stage://nowhere/bad.csv", "nowhere"),
        ("stage://out/../bad.csv", ".."),
    ] {
        let error = server
            .error(&format!("{LOAD} ON_ERROR 'skip' REPORT '{target}'"))
            .await;
        assert!(error.contains(part), "{target}: {error}");
    }
    // The stage's policy holds for it.
    server
        .ok("ALTER STAGE out SET POLICY = {'formats' = 'parquet'}")
        .await;
    let report = format!("{LOAD} ON_ERROR 'skip' REPORT 'stage://out/bad.csv'");
    let error = server.error(&report).await;
    assert!(error.contains("formats"), "{error}");
    server.ok("ALTER STAGE out SET ENABLE = FALSE").await;
    let error = server.error(&report).await;
    assert!(error.contains("stage 'out' is invalid"), "{error}");
    assert_eq!(server.ok("SELECT COUNT(*) FROM t").await.cell(), "0");
    // Where no line is left out there is no report.
    std::fs::write(dir.join("a.csv"), "1,a\n").unwrap();
    server.ok("ALTER STAGE out SET ENABLE = TRUE").await;
    server.ok("ALTER STAGE out SET POLICY = {}").await;
    server.ok(&report).await;
    assert!(!server.folder.path().join("out/bad.csv").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_loaded_once_where_that_is_asked_for() {
    let (server, dir) = server().await;
    std::fs::write(dir.join("a.csv"), "1,a\n").unwrap();
    std::fs::write(dir.join("b.csv"), "2,b\n").unwrap();
    std::fs::write(dir.join("c.csv"), "1,a\n").unwrap();
    let load = format!("{LOAD} SKIP_LOADED = TRUE");
    let loaded = server.ok(&load).await;
    assert_eq!(loaded.result.affected_rows, 2);
    assert_eq!(
        loaded.result.warnings,
        [
            "1 file was left out (SKIP_LOADED)",
            "'c.csv' has the same bytes as 'a.csv'"
        ]
    );
    // By another name it is the same file; a new one is loaded.
    std::fs::rename(dir.join("a.csv"), dir.join("z.csv")).unwrap();
    std::fs::write(dir.join("n.csv"), "3,n\n").unwrap();
    let loaded = server.ok(&load).await;
    assert_eq!(loaded.result.affected_rows, 1);
    let warnings = loaded.result.warnings;
    assert_eq!(warnings[0], "3 files were left out (SKIP_LOADED)");
    assert!(
        warnings[3].starts_with("'z.csv' was loaded at ") && warnings[3].ends_with("as 'a.csv'"),
        "{warnings:?}"
    );
    let loaded = server.ok(&load).await;
    assert_eq!(loaded.result.affected_rows, 0);
    assert_eq!(server.ok("SELECT COUNT(*) FROM t").await.cell(), "3");
    // What fails is not noted.
    std::fs::write(dir.join("w.csv"), "4,wrong\n").unwrap();
    let error = server.error(&load).await;
    assert!(error.contains("Data too long"), "{error}");
    let error = server.error(&load).await;
    assert!(error.contains("Data too long"), "{error}");
    std::fs::write(dir.join("w.csv"), "4,w\n").unwrap();
    assert_eq!(server.ok(&load).await.result.affected_rows, 1);
}

/// A file is done with also if no line of it became a row: else its bad lines would be reported at each run.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_rows_is_loaded_once_too() {
    let (server, dir) = server().await;
    std::fs::write(dir.join("a.csv"), "x,a\n").unwrap();
    std::fs::write(dir.join("b.csv"), "").unwrap();
    let load = |report: &str| {
        format!("{LOAD} ON_ERROR 'skip' REPORT 'stage://out/{report}' SKIP_LOADED = TRUE")
    };
    let loaded = server.ok(&load("1.csv")).await;
    assert_eq!(loaded.result.affected_rows, 0);
    assert!(loaded.result.warnings[0].starts_with("1 line was left out (ON_ERROR 'skip')"));
    let out = server.folder.path().join("out");
    assert!(out.join("1.csv").exists());
    let again = server.ok(&load("2.csv")).await;
    assert_eq!(
        again.result.warnings[0],
        "2 files were left out (SKIP_LOADED)"
    );
    assert_eq!(again.result.warnings.len(), 3);
    assert!(!out.join("2.csv").exists());
}

/// Each file's rows are there once however many load it at a time, and no load fails for it.
#[tokio::test(flavor = "multi_thread")]
async fn loads_at_once_load_a_file_once() {
    let (server, dir) = server().await;
    for file in 0..20 {
        std::fs::write(dir.join(format!("{file}.csv")), format!("{file},a\nx,b\n")).unwrap();
    }
    let loads = (0..8).map(|load| {
        let statement =
            format!("{LOAD} ON_ERROR 'skip' REPORT 'stage://out/{load}.csv' SKIP_LOADED = TRUE");
        let server = &server;
        async move { server.ok(&statement).await.result.affected_rows }
    });
    let mut loaded = futures::future::join_all(loads).await;
    loaded.sort_unstable();
    assert_eq!(loaded, [0, 0, 0, 0, 0, 0, 0, 20]);
    assert_eq!(server.ok("SELECT COUNT(*) FROM t").await.cell(), "20");
    let mut reports = files(&server.folder.path().join("out"));
    reports.retain(|name| !name.starts_with('.'));
    assert_eq!(reports.len(), 1, "{reports:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_loaded_is_forgotten_with_the_rows() {
    let (server, dir) = server().await;
    std::fs::write(dir.join("a.csv"), "1,a\n").unwrap();
    let load = format!("{LOAD} SKIP_LOADED 'true'");
    server.ok(&load).await;
    // Without the option nothing is asked and nothing noted.
    assert_eq!(server.ok(LOAD).await.result.affected_rows, 1);
    server.ok("TRUNCATE TABLE t").await;
    assert_eq!(server.ok(&load).await.result.affected_rows, 1);
    server.ok("DROP TABLE t").await;
    server.ok("CREATE TABLE t (id int, name varchar(9))").await;
    assert_eq!(server.ok(&load).await.result.affected_rows, 1);
    assert_eq!(server.ok(&load).await.result.affected_rows, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_read_in_their_character_set() {
    let (server, dir) = server().await;
    server.ok("DROP TABLE t").await;
    server.ok("CREATE TABLE t (id int, name varchar(20))").await;
    std::fs::write(dir.join("g.txt"), b"1,\xc4\xe3\xba\xc3\n2,a\n").unwrap();
    std::fs::write(dir.join("l.txt"), b"3,gr\xf6\xdfe\n").unwrap();
    let load = |file: &str, charset: &str| {
        format!(
            "LOAD DATA INFILE 'stage://s/{file}' INTO TABLE t CHARACTER SET {charset} FIELDS TERMINATED BY ','"
        )
    };
    let error = server.error(&load("l.txt", "utf8mb4")).await;
    assert!(error.contains("not UTF-8"), "{error}");
    server.ok(&load("g.txt", "gbk")).await;
    server.ok(&load("l.txt", "latin1")).await;
    let rows = server.ok("SELECT * FROM t ORDER BY id").await;
    assert_eq!(rows.rows(), [["1", "你好"], ["2", "a"], ["3", "größe"]]);
    let error = server.error(&load("l.txt", "'klingon'")).await;
    assert!(
        error.starts_with("ERROR 1115 (42000)") && error.contains("utf8mb4, big5"),
        "{error}"
    );
    std::fs::write(dir.join("b.txt"), b"4,ok\n5,\xff\xff\n").unwrap();
    let error = server.error(&load("b.txt", "euckr")).await;
    assert!(
        error.contains("no characters of euckr (file 'b.txt', line 2)"),
        "{error}"
    );
    assert_eq!(server.ok("SELECT COUNT(*) FROM t").await.cell(), "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn null_asks_for_the_next_number() {
    let (server, dir) = server().await;
    server
        .ok("CREATE TABLE n (id int AUTO_INCREMENT PRIMARY KEY, name varchar(9) NOT NULL)")
        .await;
    std::fs::write(dir.join("n.txt"), "\\N,a\n7,b\n0,c\n\\N,d\n").unwrap();
    server
        .ok("LOAD DATA INFILE 'stage://s/n.txt' INTO TABLE n FIELDS TERMINATED BY ','")
        .await;
    let rows = server.ok("SELECT * FROM n ORDER BY id").await;
    assert_eq!(
        rows.rows(),
        [["1", "a"], ["7", "b"], ["8", "c"], ["9", "d"]]
    );
    std::fs::write(dir.join("n.txt"), "\\N,\\N\n").unwrap();
    let error = server
        .error("LOAD DATA INFILE 'stage://s/n.txt' INTO TABLE n FIELDS TERMINATED BY ','")
        .await;
    assert!(
        error.contains("Column 'name' cannot be null (file 'n.txt', line 1)"),
        "{error}"
    );
}
