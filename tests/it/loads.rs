//! LOAD DATA, and what external files of others' making become: exactly their values, or an error that names the place.

use std::io::Write as _;
use std::sync::Arc;

use arrow::array::{
    DurationMicrosecondArray, Float64Array, Int64Array, Int64Builder, ListBuilder, NullArray,
    StringArray, Time64NanosecondArray, TimestampNanosecondArray,
};

use crate::harness::{TestServer, write_parquet_columns};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_becomes_rows_with_set_and_defaults() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server
        .ok("CREATE TABLE t (id int NOT NULL, name varchar(10), price decimal(8,2), at datetime, note varchar(9) DEFAULT 'none')")
        .await;
    std::fs::write(
        dir.join("a.tsv"),
        "id\tname\tprice\tat\n1\tann\t1.005\t2026-01-02 03:04:05.5\n2\t\\N\t\t\n3\t\"a\tb\"\t-2\t20-1-1\n",
    )
    .unwrap();
    let loaded = server
        .ok("LOAD DATA INFILE 'stage://s/a.tsv' INTO TABLE t IGNORE 1 LINES (id, @n, price, at) SET name = IFNULL(NULLIF(@n, 'ann'), 'was null'), note = DEFAULT")
        .await;
    assert_eq!(loaded.result.affected_rows, 3);
    assert_eq!(
        server.ok("SELECT * FROM t ORDER BY id").await.rows(),
        [
            ["1", "was null", "1.01", "2026-01-02T03:04:06", "none"],
            ["2", "was null", "NULL", "NULL", "none"],
            ["3", "a\tb", "-2.00", "2020-01-01T00:00:00", "none"],
        ]
    );
    // Only what the list names is in the file.
    std::fs::write(dir.join("b.csv"), "7,x\n").unwrap();
    server
        .ok("LOAD DATA INFILE {'filepath'='stage://s/b.csv','format'='csv'} INTO TABLE t FIELDS TERMINATED BY ',' (id, name)")
        .await;
    assert_eq!(
        server
            .ok("SELECT name, price, note FROM t WHERE id = 7")
            .await
            .rows(),
        [["x", "NULL", "none"]]
    );
    assert_eq!(
        server
            .error("LOAD DATA LOCAL INFILE 'x.csv' INTO TABLE t")
            .await,
        "ERROR 20105 (HY000): not supported: LOAD DATA LOCAL here: the file is the client's, and only a client of MySQL that sends files can do this, in a statement that is not prepared; or put the file on a stage and load it from there"
    );
    assert!(
        server
            .error("LOAD DATA INFILE 'stage://s/b.csv' INTO TABLE t (id, nosuch)")
            .await
            .contains("Unknown column 'nosuch'")
    );
    assert!(
        server
            .error("LOAD DATA INFILE 'stage://s/b.csv' INTO TABLE t (id) SET name = @other")
            .await
            .contains("SET uses @other")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_line_loads_nothing_and_is_named() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server
        .ok("CREATE TABLE t (id tinyint NOT NULL, name varchar(3))")
        .await;
    for (text, wanted) in [
        (
            "1,a\nx,b\n",
            "ERROR 1366 (HY000): Incorrect integer value: 'x' for column 'id' at row 2 (file 'f.csv', line 2)",
        ),
        (
            "1,a\n\n300,b\n",
            "ERROR 1264 (22003): Out of range value for column 'id' at row 2: '300' (file 'f.csv', line 3)",
        ),
        (
            "1,a\n2,\"b\nb\"\n3,long\n",
            "ERROR 1406 (22001): Data too long for column 'name' at row 3: 'long' (file 'f.csv', line 4)",
        ),
        (
            "1,a\n2,b,c\n",
            "ERROR 1136 (21S01): row 2 has 3 fields, the table has 2 columns (file 'f.csv', line 2)",
        ),
        (
            "1,a\n\\N,b\n",
            "ERROR 1048 (23000): Column 'id' cannot be null (file 'f.csv', line 2)",
        ),
        (
            "1,\"a\n2,b\n",
            "a quote is opened here and never closed (file 'f.csv', line 1)",
        ),
    ] {
        std::fs::write(dir.join("f.csv"), text).unwrap();
        let load = "LOAD DATA INFILE 'stage://s/f.csv' INTO TABLE t FIELDS TERMINATED BY ','";
        let error = server.error(load).await;
        assert!(error.ends_with(wanted), "{text:?}: {error}");
    }
    // Fields end with tabs unless it is said otherwise, which these do not.
    std::fs::write(dir.join("f.csv"), "1,a\n").unwrap();
    let error = server
        .error("LOAD DATA INFILE 'stage://s/f.csv' INTO TABLE t")
        .await;
    let hint = "the line is one field, for fields end with '\\t' here; if it is ',', say FIELDS TERMINATED BY ','";
    assert!(error.contains(hint), "{error}");
    assert_eq!(server.ok("SELECT count(*) FROM t").await.cell(), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_lines_and_parquet_are_loaded_by_name() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server
        .ok("CREATE TABLE t (id bigint, price decimal(20,2), doc json, raw varbinary(9), ok boolean)")
        .await;
    std::fs::write(
        dir.join("a.jsonl"),
        "{\"price\": 123456789012345678.25, \"ID\": 1, \"doc\": {\"a\": [1, 2]}, \"raw\": \"AP8=\", \"ok\": true}\n\n{\"id\": 2, \"price\": null}\n",
    )
    .unwrap();
    server
        .ok("LOAD DATA INFILE 'stage://s/a.jsonl' INTO TABLE t")
        .await;
    assert_eq!(
        server.ok("SELECT * FROM t ORDER BY id").await.rows(),
        [
            [
                "1",
                "123456789012345678.25",
                "{\"a\": [1, 2]}",
                "00ff",
                "true"
            ],
            ["2", "NULL", "NULL", "NULL", "NULL"],
        ]
    );
    std::fs::write(dir.join("b.jsonl"), "{\"id\": 3}\n{\"id\": \"x\"}\n").unwrap();
    assert_eq!(
        server
            .error("LOAD DATA INFILE 'stage://s/b.jsonl' INTO TABLE t")
            .await,
        "ERROR 1366 (HY000): Incorrect integer value: 'x' for column 'id' at row 2 (file 'b.jsonl', line 2)"
    );
    std::fs::write(dir.join("c.jsonl"), "{\"id\": 3, \"nosuch\": 1}\n").unwrap();
    assert!(
        server
            .error("LOAD DATA INFILE 'stage://s/c.jsonl' INTO TABLE t")
            .await
            .contains("the key 'nosuch' is no column of the table (file 'c.jsonl', line 1)")
    );
    assert_eq!(
        server
            .ok("SELECT id, doc FROM 'stage://s/a.jsonl' ORDER BY id")
            .await
            .rows(),
        [["1", "{\"a\": [1, 2]}"], ["2", "NULL"]]
    );
    write_parquet_columns(
        &dir.join("p.parquet"),
        vec![
            ("Price", Arc::new(Float64Array::from(vec![1.5]))),
            ("ID", Arc::new(Int64Array::from(vec![9]))),
        ],
    );
    server
        .ok("LOAD DATA INFILE 'stage://s/p.parquet' INTO TABLE t (id, price) SET ok = FALSE")
        .await;
    assert_eq!(
        server
            .ok("SELECT price, ok FROM t WHERE id = 9")
            .await
            .rows(),
        [["1.50", "false"]]
    );
    let error = server
        .error("LOAD DATA INFILE 'stage://s/p.parquet' INTO TABLE t")
        .await;
    assert!(
        error.contains("the declared column 'doc' is not in the file; its columns are Price, ID")
            && error.contains("p.parquet"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_pandas_and_others_write_can_be_queried() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    let mut list = ListBuilder::new(Int64Builder::new());
    list.append_value([Some(1), None, Some(3)]);
    list.append_null();
    write_parquet_columns(
        &dir.join("p.parquet"),
        vec![
            (
                "At",
                Arc::new(TimestampNanosecondArray::from(vec![
                    Some(1_700_000_000_123_456_700),
                    None,
                ])),
            ),
            (
                "t",
                Arc::new(Time64NanosecondArray::from(vec![3_600_000_000_000, 1_500])),
            ),
            (
                "d",
                Arc::new(DurationMicrosecondArray::from(vec![
                    90_000_000_000,
                    -1_000_000,
                ])),
            ),
            ("nothing", Arc::new(NullArray::new(2))),
            ("list", Arc::new(list.finish())),
            ("Text", Arc::new(StringArray::from(vec!["x", "y"]))),
        ],
    );
    server
        .ok("CREATE EXTERNAL TABLE p INFILE 'stage://s/p.parquet'")
        .await;
    assert_eq!(
        server
            .ok("SHOW COLUMNS FROM p")
            .await
            .rows()
            .iter()
            .map(|row| row[..2].to_vec())
            .collect::<Vec<_>>(),
        [
            ["at", "datetime(6)"],
            ["t", "time(6)"],
            ["d", "time(6)"],
            ["nothing", "longtext"],
            ["list", "json"],
            ["text", "longtext"],
        ]
    );
    assert_eq!(
        server
            .ok("SELECT CAST(at AS CHAR), CAST(t AS CHAR), CAST(d AS CHAR), nothing, list, text FROM p WHERE text IN ('x', 'y') ORDER BY text")
            .await
            .rows(),
        [
            ["2023-11-14 22:13:20.123457", "01:00:00.000000", "25:00:00.000000", "NULL", "[1, null, 3]", "x"],
            ["NULL", "00:00:00.000002", "-00:00:01.000000", "NULL", "NULL", "y"],
        ]
    );
    server.ok("CREATE TABLE copy AS SELECT * FROM p").await;
    assert_eq!(
        server
            .ok("SELECT count(*), count(list) FROM copy")
            .await
            .rows(),
        [["2", "1"]]
    );
    // What does not fit is told, and a column that is not there is none that is NULL.
    server
        .ok("CREATE EXTERNAL TABLE q (text varchar(1), list int) INFILE 'stage://s/p.parquet'")
        .await;
    let error = server.error("SELECT list FROM q").await;
    assert!(
        error.contains("Incorrect integer value: '[1, null, 3]' for column 'list'")
            && error.contains("p.parquet"),
        "{error}"
    );
    server
        .ok("CREATE EXTERNAL TABLE r (text varchar(9), missing int) INFILE 'stage://s/p.parquet'")
        .await;
    assert_eq!(
        server.ok("SELECT text FROM r ORDER BY text").await.rows(),
        [["x"], ["y"]]
    );
    let error = server.error("SELECT missing FROM r").await;
    assert!(
        error.contains("the declared column 'missing' is not in the file"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn delimited_files_as_others_write_them() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    // Names decide which column a field is, in each file.
    std::fs::write(dir.join("n1.csv"), "\u{feff}id,price\r\n1,\r\n2,2.5\r\n").unwrap();
    std::fs::write(dir.join("n2.csv"), "price,id\n7,3\n").unwrap();
    assert_eq!(
        server
            .ok("SELECT id, price + 1 FROM 'stage://s/n*.csv' ORDER BY id")
            .await
            .rows(),
        [["1", "NULL"], ["2", "3.5"], ["3", "8.0"]]
    );
    std::fs::write(dir.join("n3.csv"), "id,other\n1,2\n").unwrap();
    let error = server.error("SELECT * FROM 'stage://s/n*.csv'").await;
    assert!(
        error.contains("the header has a column 'other'") && error.contains("n3.csv"),
        "{error}"
    );
    // A compressed file is read as what it is, whatever it is called; a cut one is no shorter one.
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    zipped.write_all(b"id\n1\n2\n").unwrap();
    let zipped = zipped.finish().unwrap();
    std::fs::write(dir.join("z.csv"), &zipped).unwrap();
    std::fs::write(dir.join("cut.csv.gz"), &zipped[..zipped.len() - 6]).unwrap();
    assert_eq!(
        server
            .ok("SELECT sum(id) FROM 'stage://s/z.csv'")
            .await
            .cell(),
        "3"
    );
    let error = server
        .error("SELECT sum(id) FROM 'stage://s/cut.csv.gz'")
        .await;
    assert!(
        error.contains("'cut.csv.gz' is damaged or cut off"),
        "{error}"
    );
    // SHOW CREATE TABLE runs again.
    server
        .ok("CREATE EXTERNAL TABLE e (a int, b varchar(9)) INFILE {'filepath'='stage://s/e.csv','dialect'='excel','header'='true'} LINES STARTING BY '>'")
        .await;
    let shown = server.ok("SHOW CREATE TABLE e").await.rows()[0][1].clone();
    server.ok("DROP TABLE e").await;
    server.ok(&shown).await;
    assert_eq!(server.ok("SHOW CREATE TABLE e").await.rows()[0][1], shown);
    std::fs::write(dir.join("e.csv"), ">b,a\r\n>\"C:\\new\",1\r\n").unwrap();
    assert_eq!(
        server.ok("SELECT a, b FROM e").await.rows(),
        [["1", "C:\\new"]]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_dialect_is_read_back() {
    let server = TestServer::start().await;
    server.stage("s").await;
    server
        .ok("CREATE TABLE t (i int, u bigint unsigned, f double, d decimal(40,10), s varchar(99), b varbinary(9), j json, dt datetime(3), t time(1), y year, bits bit(9), e enum('x','y'), o boolean, id uuid)")
        .await;
    server
        .ok("INSERT INTO t VALUES (-1, 18446744073709551615, 0.1, -0.0000000001, 'a\"b\\\\c,d\\n\\r\\nNULL', x'00ff220a', '{\"a\": \"\\\\\"\"}', '2026-01-02 03:04:05.678', '-838:59:58.5', 1999, 300, 'y', TRUE, '00112233-4455-6677-8899-aabbccddeeff'), (NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL), (0, 0, 1e300, 1, '', '', 'null', '0001-01-01', '00:00:00', 0, 0, 'x', FALSE, '00000000-0000-0000-0000-000000000000'), (1, 1, -1.5, 2, '\\\\N', 'x', '[]', '9999-12-31 23:59:59.999', '838:59:59', 2155, 511, 'x', FALSE, 'ffffffff-ffff-ffff-ffff-ffffffffffff')")
        .await;
    let select = "SELECT i, u, f, d, s, hex_b, j, dt, t, y, bits, e, o, id FROM (SELECT *, b AS hex_b FROM {t}) AS q ORDER BY i";
    let digest = |table: &str| {
        select
            .replace("{t}", table)
            .replace("dt, t,", "dt, CAST(t AS CHAR),")
    };
    let want = server.ok(&digest("t")).await.rows();
    for (export, load) in [
        ("", "FIELDS TERMINATED BY ','"),
        ("DIALECT 'rfc4180'", "DIALECT rfc4180"),
        ("DIALECT 'postgres'", "DIALECT postgres"),
        (
            "FIELDS TERMINATED BY '||' ENCLOSED BY '\\'' ESCAPED BY '!' LINES STARTING BY '<<' TERMINATED BY '>>\\n' NULL AS 'nil'",
            "NULL nil FIELDS TERMINATED BY '||' ENCLOSED BY '\\'' ESCAPED BY '!' LINES STARTING BY '<<' TERMINATED BY '>>\\n'",
        ),
        (
            "FIELDS TERMINATED BY '\\t' ENCLOSED BY ''",
            "FIELDS TERMINATED BY '\\t' ENCLOSED BY ''",
        ),
    ] {
        server
            .ok(&format!(
                "SELECT * FROM t INTO OUTFILE 'stage://s/t.csv' {export} OVERWRITE 'true'"
            ))
            .await;
        server.ok("DROP TABLE IF EXISTS back").await;
        server
            .ok("CREATE TABLE back (i int, u bigint unsigned, f double, d decimal(40,10), s varchar(99), b varbinary(9), j json, dt datetime(3), t time(1), y year, bits bit(9), e enum('x','y'), o boolean, id uuid)")
            .await;
        let (options, clauses) = match load.split_once(' ') {
            Some(("DIALECT", dialect)) => (format!(", 'dialect'='{dialect}'"), ""),
            Some(("NULL", rest)) => {
                let (null, clauses) = rest.split_once(' ').unwrap();
                (format!(", 'null'='{null}'"), clauses)
            }
            _ => (String::new(), load),
        };
        server
            .ok(&format!(
                "LOAD DATA INFILE {{'filepath'='stage://s/t.csv'{options}}} INTO TABLE back {clauses} IGNORE 1 LINES"
            ))
            .await;
        assert_eq!(server.ok(&digest("back")).await.rows(), want, "{export}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_cell_is_read_in_linear_time() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    let cell = "x\n".repeat(8 << 20);
    std::fs::write(dir.join("long.csv"), format!("1,\"{cell}\"\n2,\"b\"\n")).unwrap();
    server
        .ok("CREATE EXTERNAL TABLE l (a int, b longtext) INFILE 'stage://s/long.csv'")
        .await;
    let started = std::time::Instant::now();
    assert_eq!(
        server.ok("SELECT LENGTH(b) FROM l ORDER BY a").await.rows(),
        [[(16 << 20).to_string()], ["1".to_owned()]]
    );
    // Quadratic time was many minutes.
    assert!(started.elapsed().as_secs() < 300, "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn defaults_are_checked_when_declared() {
    let server = TestServer::start().await;
    assert_eq!(
        server.error("CREATE TABLE t (a int DEFAULT 'abc')").await,
        "ERROR 1067 (42000): Invalid default value for 'a': Incorrect integer value: 'abc' for column 'a'"
    );
    server
        .ok("CREATE TABLE t (a int DEFAULT 7, b datetime DEFAULT CURRENT_TIMESTAMP, c varchar(3) DEFAULT NULL)")
        .await;
}

/// A text as a literal.
fn literal(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('\'', "\\'")
        .replace('\0', "\\0");
    format!("'{escaped}'")
}

#[tokio::test(flavor = "multi_thread")]
async fn any_text_is_read_back_from_any_dialect() {
    const PIECES: &[&str] = &[
        "\"", "\\", ",", "\n", "\r", "\r\n", "'", "|", "||", "\t", "N", "NULL", "\\N", "a", "é",
        "", "!", "<<", ">>", "\0", " ", "0", "\u{1a}", "\u{8}", "\u{feff}", ";",
    ];
    let server = TestServer::start().await;
    server.stage("s").await;
    server
        .ok("CREATE TABLE t (i int, s varchar(99), b varbinary(99))")
        .await;
    // Deterministic: a linear congruential generator.
    let mut random = 0x2545_F491_u64;
    let mut next = |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below
    };
    let mut rows = Vec::new();
    for row in 0..1500 {
        let text: String = (0..next(6)).map(|_| PIECES[next(PIECES.len())]).collect();
        let text = if next(20) == 0 {
            "NULL".to_owned()
        } else {
            literal(&text)
        };
        rows.push(format!("({row}, {text}, {text})"));
    }
    server
        .ok(&format!("INSERT INTO t VALUES {}", rows.join(", ")))
        .await;
    let select = |table: &str| format!("SELECT * FROM {table} ORDER BY i");
    let want = server.ok(&select("t")).await.rows();
    for (export, infile, clauses) in [
        ("", "", "FIELDS TERMINATED BY ','"),
        ("DIALECT 'rfc4180'", ", 'dialect'='rfc4180'", ""),
        ("DIALECT 'postgres'", ", 'dialect'='postgres'", ""),
        (
            "FIELDS TERMINATED BY '||' ENCLOSED BY '\\'' ESCAPED BY '!' LINES STARTING BY '<<' TERMINATED BY '>>'",
            "",
            "FIELDS TERMINATED BY '||' ENCLOSED BY '\\'' ESCAPED BY '!' LINES STARTING BY '<<' TERMINATED BY '>>'",
        ),
        (
            "FIELDS TERMINATED BY ';' ENCLOSED BY '' LINES TERMINATED BY '\\r\\n'",
            "",
            "FIELDS TERMINATED BY ';' ENCLOSED BY '' LINES TERMINATED BY '\\r\\n'",
        ),
        (
            "FIELDS TERMINATED BY '|' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' NULL AS 'nil'",
            ", 'null'='nil'",
            "FIELDS TERMINATED BY '|' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY ''",
        ),
    ] {
        let file = "stage://s/any.csv";
        server
            .ok(&format!(
                "SELECT * FROM t INTO OUTFILE '{file}' {export} OVERWRITE 'true'"
            ))
            .await;
        server.ok("DROP TABLE IF EXISTS back").await;
        server
            .ok("CREATE TABLE back (i int, s varchar(99), b varbinary(99))")
            .await;
        let ignored = if clauses.contains("STARTING") {
            ""
        } else {
            "IGNORE 1 LINES"
        };
        let header = if ignored.is_empty() {
            ", 'header'='true'"
        } else {
            ""
        };
        server
            .ok(&format!(
                "LOAD DATA INFILE {{'filepath'='{file}'{infile}{header}}} INTO TABLE back {clauses} {ignored}"
            ))
            .await;
        let got = server.ok(&select("back")).await.rows();
        for (got, want) in got.iter().zip(&want) {
            assert_eq!(got, want, "{export}");
        }
        assert_eq!(got.len(), want.len(), "{export}");
    }
}

/// What begins as a file of another kind does is told apart from it by what follows.
#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_begins_like_another_format_is_text() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    for (name, header) in [("orc", "ORCID"), ("par", "PAR1"), ("arrow", "ARROW1")] {
        std::fs::write(
            dir.join(format!("{name}.csv")),
            format!("{header},n\n7,1\n"),
        )
        .unwrap();
        let rows = server
            .ok(&format!(
                "SELECT * FROM 'stage://s/{name}.csv' (FORMAT 'csv', HEADER 'true')"
            ))
            .await;
        assert_eq!(rows.rows(), [["7", "1"]], "{name}");
    }
    std::fs::write(dir.join("real.csv"), b"ORC\x08\x03\x10\x02").unwrap();
    let error = server
        .error("SELECT * FROM 'stage://s/real.csv' (FORMAT 'csv')")
        .await;
    assert!(error.contains("is an ORC file"), "{error}");
}
