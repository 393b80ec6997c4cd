//! Columns that nobody declared: what files give is exact, or it is an error that says what would help.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int64Array, ListBuilder, StringArray, TimestampMicrosecondArray,
    TimestampMicrosecondBuilder,
};

use crate::harness::{TestServer, write_parquet_columns};

/// A file of a header, `rows` times one line, and another.
fn write(path: &Path, header: &str, rows: usize, line: &str, last: &str) {
    let mut text = String::new();
    if !header.is_empty() {
        writeln!(text, "{header}").unwrap();
    }
    for _ in 0..rows {
        writeln!(text, "{line}").unwrap();
    }
    writeln!(text, "{last}").unwrap();
    std::fs::write(path, text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_value_that_its_column_does_not_keep_is_an_error() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    write(&dir.join("k.csv"), "id,amount", 1000, "1,1", "1001,12.75");
    write(
        &dir.join("d.csv"),
        "day",
        1000,
        "2024-06-30",
        "2024-06-30 18:45:00",
    );
    write(&dir.join("j.jsonl"), "", 1001, "{\"a\":1}", "{\"a\":2.7}");
    write(&dir.join("b.csv"), "flag", 1000, "true", "1");
    write(&dir.join("z.csv"), "code", 1000, "7", "007");
    write(&dir.join("p.csv"), "price", 1000, "1.5", "1.25");
    write(&dir.join("t.csv"), "id", 1000, "1", "abc");
    for (file, column, value, sql_type, line) in [
        ("k.csv", "amount", "12.75", "bigint", 1002),
        ("d.csv", "day", "2024-06-30 18:45:00", "date", 1002),
        ("j.jsonl", "a", "2.7", "bigint", 1002),
        ("b.csv", "flag", "1", "boolean", 1002),
        ("z.csv", "code", "007", "bigint", 1002),
        ("p.csv", "price", "1.25", "decimal(38,1)", 1002),
        ("t.csv", "id", "abc", "bigint", 1002),
    ] {
        let error = server
            .error(&format!("SELECT * FROM 'stage://s/{file}'"))
            .await;
        for part in [
            format!(
                "'{value}' for column '{column}' at row {}",
                if file == "j.jsonl" { 1002 } else { 1001 }
            ),
            sql_type.to_owned(),
            format!("(file '{file}', line {line})"),
            "CREATE EXTERNAL TABLE".to_owned(),
        ] {
            assert!(error.contains(&part), "{file}: no {part} in {error}");
        }
    }
    // The same of an external table that took its columns from the files.
    server
        .ok("CREATE EXTERNAL TABLE own INFILE 'stage://s/k.csv'")
        .await;
    let error = server.error("SELECT amount FROM own WHERE id = 1001").await;
    assert!(
        error.contains("'12.75' for column 'amount' at row 1001 is not exactly a bigint"),
        "{error}"
    );
    server
        .ok("CREATE EXTERNAL TABLE jl INFILE {'filepath'='stage://s/j.jsonl', 'format'='jsonline'}")
        .await;
    let error = server.error("SELECT max(a) FROM jl").await;
    assert!(error.contains("is not exactly a bigint"), "{error}");
    // What is declared is converted by INSERT's rules, and what fits is read; larger numbers do.
    server
        .ok("CREATE EXTERNAL TABLE k (id bigint, amount decimal(10,2)) INFILE {'filepath'='stage://s/k.csv', 'header'='true'}")
        .await;
    let amount = server.ok("SELECT amount FROM k WHERE id = 1001").await;
    assert_eq!(amount.rows(), [["12.75"]]);
    write(
        &dir.join("w.csv"),
        "price",
        1000,
        "1.5",
        "123456789012345678901234567890.5",
    );
    let most = server.ok("SELECT max(price) FROM 'stage://s/w.csv'").await;
    assert_eq!(most.rows(), [["123456789012345678901234567890.5"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_tells_the_types_of_its_first_rows() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    std::fs::write(dir.join("a1.csv"), "x\n1\n").unwrap();
    std::fs::write(dir.join("a2.csv"), "x\n1.5\n").unwrap();
    let rows = server
        .ok("SELECT x FROM 'stage://s/a*.csv' ORDER BY x")
        .await;
    assert_eq!(rows.rows(), [["1.0"], ["1.5"]]);
    std::fs::write(dir.join("b1.jsonl"), "{\"x\":1}\n").unwrap();
    std::fs::write(dir.join("b2.jsonl"), "{\"x\":2.25,\"y\":\"only here\"}\n").unwrap();
    let rows = server
        .ok("SELECT x, y FROM 'stage://s/b*.jsonl' ORDER BY x")
        .await;
    assert_eq!(rows.rows(), [["1.00", "NULL"], ["2.25", "only here"]]);
    // A file without rows tells nothing, also where it is the first.
    std::fs::write(dir.join("c1.csv"), "").unwrap();
    std::fs::write(dir.join("c2.csv"), "n\n7\n").unwrap();
    let rows = server.ok("SELECT n + 1 FROM 'stage://s/c*.csv'").await;
    assert_eq!(rows.rows(), [["8"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn exact_numbers_come_back_exactly() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server
        .ok("CREATE TABLE t (id int, d decimal(38,10), u bigint unsigned, f double, p decimal(10,2))")
        .await;
    server
        .ok("INSERT INTO t VALUES (1, 1234567890123456789012345678.0123456789, 18446744073709551615, 0.1, 19.90), (2, -0.0000000001, 0, -2.5, -5), (3, NULL, NULL, NULL, NULL)")
        .await;
    let want = server.ok("SELECT * FROM t ORDER BY id").await.rows();
    for name in ["t.csv", "t.jsonl"] {
        server
            .ok(&format!("SELECT * FROM t INTO OUTFILE 'stage://s/{name}'"))
            .await;
        let back = server
            .ok(&format!("SELECT * FROM 'stage://s/{name}' ORDER BY id"))
            .await;
        assert_eq!(back.rows(), want, "{name}");
    }
    std::fs::write(
        dir.join("n.csv"),
        "a,b,c,d\n9007199254740993,12345678901234567.89,007,1e3\n1.5,0.01,+7,9007199254740993\n",
    )
    .unwrap();
    let rows = server
        .ok("SELECT a, b, c, d FROM 'stage://s/n.csv' ORDER BY b DESC")
        .await;
    assert_eq!(
        rows.rows(),
        [
            ["9007199254740993.0", "12345678901234567.89", "007", "1e3"],
            ["1.5", "0.01", "+7", "9007199254740993"],
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn times_of_parquet_are_in_utc_for_every_function() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    // 2024-06-30 22:30:00 in UTC, when it is July already in Berlin.
    let micros = 1_719_786_600_000_000_i64;
    let at = TimestampMicrosecondArray::from(vec![micros]).with_timezone("Europe/Berlin");
    let mut list =
        ListBuilder::new(TimestampMicrosecondBuilder::new().with_timezone("Europe/Berlin"));
    list.append_value([Some(micros)]);
    let columns: Vec<(&str, ArrayRef)> = vec![("v", Arc::new(at)), ("l", Arc::new(list.finish()))];
    write_parquet_columns(&dir.join("b1.parquet"), columns);
    let utc = TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC");
    let mut list = ListBuilder::new(TimestampMicrosecondBuilder::new().with_timezone("UTC"));
    list.append_value([Some(micros)]);
    let columns: Vec<(&str, ArrayRef)> = vec![("v", Arc::new(utc)), ("l", Arc::new(list.finish()))];
    write_parquet_columns(&dir.join("b2.parquet"), columns);
    let select = "SELECT CONCAT(v, ''), CAST(v AS CHAR), DATE(v), YEAR(v), MONTH(v), HOUR(v), DATE_FORMAT(v, '%m-%d %H'), LAST_DAY(v), CAST(l AS CHAR) LIKE '%2024-06-30%22:30:00%' FROM";
    let wanted = [
        "2024-06-30 22:30:00",
        "2024-06-30 22:30:00",
        "2024-06-30",
        "2024",
        "6",
        "22",
        "06-30 22",
        "2024-06-30",
        "true",
    ];
    let one = server
        .ok(&format!("{select} 'stage://s/b1.parquet'"))
        .await
        .rows();
    assert_eq!(one, [wanted]);
    // Files of several zones are one table.
    let both = server
        .ok(&format!("{select} 'stage://s/b*.parquet'"))
        .await
        .rows();
    assert_eq!(both, [wanted, wanted]);
    let found = server
        .ok("SELECT count(*) FROM 'stage://s/b1.parquet' WHERE v = '2024-06-30 22:30:00'")
        .await;
    assert_eq!(found.rows(), [["1"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_a_parquet_file_lacks_is_an_error() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    let numbers = |n: i64| Arc::new(Int64Array::from(vec![n])) as ArrayRef;
    let text = || Arc::new(StringArray::from(vec!["x"])) as ArrayRef;
    write_parquet_columns(
        &dir.join("a.parquet"),
        vec![("Id", numbers(1)), ("name", text())],
    );
    write_parquet_columns(&dir.join("b.parquet"), vec![("Id", numbers(2))]);
    for statement in [
        "SELECT id FROM 'stage://s/*.parquet'",
        "CREATE EXTERNAL TABLE e INFILE 'stage://s/*.parquet'",
    ] {
        let error = server.error(statement).await;
        assert!(
            error.contains("the column 'name' is not in the file 'b.parquet', but in 'a.parquet'"),
            "{error}"
        );
    }
    server
        .ok("CREATE EXTERNAL TABLE e (id bigint, name text) INFILE 'stage://s/*.parquet'")
        .await;
    let error = server.error("SELECT * FROM e").await;
    assert!(
        error.contains("the declared column 'name' is not in the file")
            && error.contains("b.parquet"),
        "{error}"
    );
    // Names in another case are the same ones.
    write_parquet_columns(
        &dir.join("b.parquet"),
        vec![("NAME", text()), ("ID", numbers(2))],
    );
    let rows = server
        .ok("SELECT id, name FROM 'stage://s/*.parquet' WHERE id > 0 ORDER BY id")
        .await;
    assert_eq!(rows.rows(), [["1", "x"], ["2", "x"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn null_of_every_escape_is_read_back() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server.ok("CREATE TABLE t (id int, s varchar(20))").await;
    server
        .ok("INSERT INTO t VALUES (1, NULL), (2, '\\\\N'), (3, '^N'), (4, '\"N')")
        .await;
    let want = server.ok("SELECT * FROM t ORDER BY id").await.rows();
    for (number, (fields, null)) in [
        ("TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY '^'", "^N"),
        ("TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY '\"'", "NULL"),
        ("TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY ''", "NULL"),
        ("TERMINATED BY ',' ENCLOSED BY '' ESCAPED BY '^'", "^N"),
        ("TERMINATED BY ',' ENCLOSED BY '' ESCAPED BY '\"'", "\"N"),
        ("TERMINATED BY ',' ENCLOSED BY '' ESCAPED BY ''", "NULL"),
        (
            "TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY '\\\\'",
            "\\N",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let file = format!("t{number}.csv");
        server
            .ok(&format!(
                "SELECT * FROM t ORDER BY id INTO OUTFILE 'stage://s/{file}' FIELDS {fields} HEADER 'false'"
            ))
            .await;
        let text = std::fs::read_to_string(dir.join(&file)).unwrap();
        assert_eq!(
            text.lines().next(),
            Some(format!("1,{null}").as_str()),
            "{fields}"
        );
        server.ok("DROP TABLE IF EXISTS back").await;
        server.ok("CREATE TABLE back (id int, s varchar(20))").await;
        server
            .ok(&format!(
                "LOAD DATA INFILE 'stage://s/{file}' INTO TABLE back FIELDS {fields}"
            ))
            .await;
        let back = server.ok("SELECT * FROM back ORDER BY id").await.rows();
        assert_eq!(back, want, "{fields}: {text}");
    }
    // NULL AS is what it was.
    server
        .ok("SELECT * FROM t ORDER BY id INTO OUTFILE 'stage://s/n.csv' FIELDS TERMINATED BY ',' ESCAPED BY '^' HEADER 'false' NULL AS 'nil'")
        .await;
    let text = std::fs::read_to_string(dir.join("n.csv")).unwrap();
    assert!(text.starts_with("1,nil\n"), "{text}");
    // A text that nothing tells from NULL is refused.
    server.ok("INSERT INTO t VALUES (5, 'NULL')").await;
    let error = server
        .error("SELECT * FROM t INTO OUTFILE 'stage://s/m.csv' FIELDS TERMINATED BY ',' ENCLOSED BY '' ESCAPED BY ''")
        .await;
    assert!(error.contains("could be taken for NULL"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_is_a_column_type() {
    let server = TestServer::start().await;
    server.ok("CREATE TABLE t (s SET('a','b','c'))").await;
    server
        .ok("INSERT INTO t VALUES ('c,A'), (''), (2), (NULL)")
        .await;
    let rows = server.ok("SELECT s, s + 0 FROM t ORDER BY s").await.rows();
    // By the sum of the bits, as in MySQL.
    assert_eq!(
        rows,
        [["NULL", "NULL"], ["", "0"], ["b", "2"], ["a,c", "5"]]
    );
    let error = server.error("INSERT INTO t VALUES ('d')").await;
    assert!(error.contains("'d' for column 's'"), "{error}");
    let made = server.ok("SHOW CREATE TABLE t").await.rows();
    assert!(made[0][1].contains("set('a','b','c')"), "{made:?}");
    let error = server.error("CREATE TABLE u (s SET('a,b'))").await;
    assert!(error.contains("comma"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sum_behind_the_last_year_is_null() {
    let server = TestServer::start().await;
    let rows = server
        .ok("SELECT date'9999-12-31' + INTERVAL 1 DAY, DATE_ADD('9999-12-31', INTERVAL 1 MONTH), DATE_SUB(date'0000-01-01', INTERVAL 1 YEAR), date'9999-12-30' + INTERVAL 1 DAY")
        .await
        .rows();
    assert_eq!(rows, [["NULL", "NULL", "NULL", "9999-12-31"]]);
}
