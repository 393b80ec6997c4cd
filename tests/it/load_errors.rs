//! LOAD DATA … ON_ERROR: lines that are no rows of the table are left out and told of, or nothing is loaded.

use crate::harness::TestServer;

const LOAD: &str = "LOAD DATA INFILE 'stage://s/f.csv' INTO TABLE t FIELDS TERMINATED BY ','";

async fn server(text: &str) -> TestServer {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server
        .ok("CREATE TABLE t (id tinyint NOT NULL, name varchar(3), day date)")
        .await;
    std::fs::write(dir.join("f.csv"), text).unwrap();
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_lines_are_left_out_and_told_of() {
    let server = server(
        "1,a,2024-01-01\nx,b,2024-01-01\n3,long,2024-01-01\n4,d,2024-02-30\n\\N,e,\n5,f\n6,g,2024-06-06\n",
    )
    .await;
    let loaded = server.ok(&format!("{LOAD} ON_ERROR = 'skip'")).await;
    assert_eq!(loaded.result.affected_rows, 2);
    assert_eq!(
        loaded.result.warnings,
        [
            "5 lines were left out (ON_ERROR 'skip')",
            "Incorrect integer value: 'x' for column 'id' at row 2 (file 'f.csv', line 2): x,b,2024-01-01",
            "Data too long for column 'name' at row 3: 'long' (file 'f.csv', line 3): 3,long,2024-01-01",
            "Incorrect date value: '2024-02-30' for column 'day' at row 4 (file 'f.csv', line 4): 4,d,2024-02-30",
            "Column 'id' cannot be null (file 'f.csv', line 5): NULL,e,",
            "row 6 has 2 fields, the table has 3 columns (file 'f.csv', line 6): 5,f",
        ]
    );
    assert_eq!(
        server.ok("SELECT * FROM t ORDER BY id").await.rows(),
        [["1", "a", "2024-01-01"], ["6", "g", "2024-06-06"]]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_are_allowed_load_nothing() {
    let server = server("1,a,\nx,b,\n3,long,\n4,d,\n").await;
    let error = server.error(&format!("{LOAD} ON_ERROR 'skip' MAX 1")).await;
    assert_eq!(
        error,
        "ERROR 1406 (22001): more than 1 lines are no rows of the table, the last of them: \
         Data too long for column 'name' at row 3: 'long' (file 'f.csv', line 3)"
    );
    assert_eq!(server.ok("SELECT COUNT(*) FROM t").await.cell(), "0");
    let loaded = server.ok(&format!("{LOAD} ON_ERROR 'skip' MAX 2")).await;
    assert_eq!(loaded.result.affected_rows, 2);
    // Abort is what is done without it.
    for clause in ["", " ON_ERROR = 'abort'"] {
        let error = server.error(&format!("{LOAD}{clause}")).await;
        assert!(error.contains("Incorrect integer value: 'x'"), "{error}");
    }
    assert_eq!(server.ok("SELECT COUNT(*) FROM t").await.cell(), "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_any_row_loads_none() {
    // More than a batch has.
    let server = server(&"x,y\n".repeat(20_000)).await;
    let loaded = server.ok(&format!("{LOAD} ON_ERROR 'skip'")).await;
    assert_eq!(loaded.result.affected_rows, 0);
    assert_eq!(loaded.result.warnings.len(), 21);
    assert_eq!(
        loaded.result.warnings[0],
        "20000 lines were left out (ON_ERROR 'skip')"
    );
    assert_eq!(server.ok("SELECT COUNT(*) FROM t").await.cell(), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_bad_line_still_ends_it() {
    let server = server("1,a,\n").await;
    let dir = server.folder.path().join("s");
    // Where a quote is not closed nobody knows where the next line begins.
    std::fs::write(dir.join("f.csv"), "1,a,\n2,\"b,\n").unwrap();
    let error = server.error(&format!("{LOAD} ON_ERROR 'skip'")).await;
    assert!(error.contains("never closed"), "{error}");
    let error = server.error(&format!("{LOAD} ON_ERROR 'sometimes'")).await;
    assert!(
        error.contains("ON_ERROR takes 'abort' or 'skip', not 'sometimes'"),
        "{error}"
    );
    assert_eq!(server.ok("SELECT COUNT(*) FROM t").await.cell(), "0");
    // JSON lines, a key that the table has not among them.
    std::fs::write(
        dir.join("f.jsonl"),
        "{\"id\": 1}\n{\"id\": 2, \"other\": 1}\n{\"id\": 300}\n{bad\n{\"id\": 5}\n",
    )
    .unwrap();
    let loaded = server
        .ok("LOAD DATA INFILE 'stage://s/f.jsonl' INTO TABLE t ON_ERROR 'skip'")
        .await;
    assert_eq!(loaded.result.affected_rows, 2);
    assert_eq!(
        loaded.result.warnings.len(),
        4,
        "{:?}",
        loaded.result.warnings
    );
    assert_eq!(
        server.ok("SELECT id FROM t ORDER BY id").await.rows(),
        [["1"], ["5"]]
    );
}
