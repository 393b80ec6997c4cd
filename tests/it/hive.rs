//! Hive partitions as columns, and `__mo_filepath`: what the paths of a stage's files say of their rows.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};

use crate::harness::{TestServer, write_parquet_columns};

fn put(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Sales by day and region, in three files of CSV.
async fn sales() -> (TestServer, std::path::PathBuf) {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    put(
        &dir,
        "sales/dt=2026-01-01/region=eu/a.csv",
        "id,n\n1,10\n2,20\n",
    );
    put(
        &dir,
        "sales/dt=2026-01-02/region=a%2Cb/a.csv",
        "id,n\n3,30\n",
    );
    let null = "sales/dt=__HIVE_DEFAULT_PARTITION__/region=us/a.csv";
    put(&dir, null, "n,id\n40,4\n");
    (server, dir)
}

const FILES: &str =
    "INFILE {'filepath'='stage://s/sales/**/*.csv', 'header'='true', 'hive_partitioning'='true'}";

#[tokio::test(flavor = "multi_thread")]
async fn folders_are_columns() {
    let (server, _dir) = sales().await;
    // Found, behind those of the files.
    server
        .ok(&format!("CREATE EXTERNAL TABLE found {FILES}"))
        .await;
    let columns = server.ok("DESCRIBE found").await;
    let named: Vec<String> = columns
        .rows()
        .iter()
        .map(|row| row[..2].join(" "))
        .collect();
    assert_eq!(
        named,
        ["id bigint", "n bigint", "dt date", "region longtext"]
    );
    let rows = server.ok("SELECT * FROM found ORDER BY id").await;
    let all = [
        ["1", "10", "2026-01-01", "eu"],
        ["2", "20", "2026-01-01", "eu"],
        ["3", "30", "2026-01-02", "a,b"],
        ["4", "40", "NULL", "us"],
    ];
    assert_eq!(rows.rows(), all);
    // Declared, in any order and by INSERT's rules.
    server
        .ok(&format!(
            "CREATE EXTERNAL TABLE t (region varchar(5), id int, DT datetime, n decimal(5,1)) {FILES}"
        ))
        .await;
    let rows = server
        .ok("SELECT * FROM t WHERE region <> 'eu' ORDER BY id")
        .await;
    assert_eq!(
        rows.rows(),
        [
            ["a,b", "3", "2026-01-02T00:00:00", "30.0"],
            ["us", "4", "NULL", "40.0"]
        ]
    );
    let sums = server
        .ok("SELECT region, SUM(n), COUNT(*) FROM t GROUP BY region ORDER BY region")
        .await;
    assert_eq!(
        sums.rows(),
        [
            ["a,b", "30.0", "1"],
            ["eu", "30.0", "2"],
            ["us", "40.0", "1"]
        ]
    );
    // As it is shown it can be made again.
    let shown = server.ok("SHOW CREATE TABLE t").await.rows()[0][1].clone();
    assert!(shown.contains("'HIVE_PARTITIONING'='true'"), "{shown}");
    server.ok("DROP TABLE t").await;
    server.ok(&shown).await;
    let count = server.ok("SELECT COUNT(*) FROM t WHERE dt IS NULL").await;
    assert_eq!(count.cell(), "1");
    // A staged file in FROM.
    let rows = server
        .ok("SELECT region, n FROM 'stage://s/sales/**/*.csv' (HIVE_PARTITIONING 'true') WHERE dt > '2026-01-01'")
        .await;
    assert_eq!(rows.rows(), [["a,b", "30"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn predicates_choose_the_files() {
    let (server, dir) = sales().await;
    server
        .ok(&format!(
            "CREATE EXTERNAL TABLE t (id int, n int, dt date, region varchar(5)) {FILES}"
        ))
        .await;
    // A file that is read ends the query.
    put(&dir, "sales/dt=2026-02-01/region=eu/bad.csv", "id,n\nx,y\n");
    let error = server.error("SELECT SUM(n) FROM t").await;
    assert!(error.contains("bad.csv"), "{error}");
    for (condition, sum) in [
        ("dt < '2026-02-01'", "60"),
        ("dt IS NULL", "40"),
        ("dt = '2026-01-01' AND n > 10", "20"),
        ("YEAR(dt) = 2026 AND MONTH(dt) = 1", "60"),
        ("region IN ('us', 'a,b')", "70"),
        ("region LIKE 'a%' OR dt IS NULL", "70"),
        ("dt > '2027-01-01'", "NULL"),
    ] {
        let rows = server
            .ok(&format!("SELECT SUM(n) FROM t WHERE {condition}"))
            .await;
        assert_eq!(rows.cell(), sum, "{condition}");
    }
    let rows = server
        .ok("SELECT SUM(t.n) FROM t JOIN (SELECT 1 AS id) AS o ON o.id = t.id WHERE t.dt = DATE '2026-01-01'")
        .await;
    assert_eq!(rows.cell(), "10");
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_has_them_too() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server
        .ok("CREATE TABLE rows_of (id int, dt date, shop varchar(9))")
        .await;
    server
        .ok("INSERT INTO rows_of VALUES (1, '2026-01-01', 'a'), (2, '2026-01-01', NULL), (3, '2026-01-02', 'b')")
        .await;
    server
        .ok("SELECT * FROM rows_of INTO OUTFILE 'stage://s/out/x.parquet' PARTITION BY (dt, shop)")
        .await;
    let option = "'filepath'='stage://s/out/**/*.parquet', 'hive_partitioning'='true'";
    server
        .ok(&format!("CREATE EXTERNAL TABLE found INFILE {{{option}}}"))
        .await;
    server
        .ok(&format!(
            "CREATE EXTERNAL TABLE t (shop varchar(9), id int, dt date) INFILE {{{option}}}"
        ))
        .await;
    let all = [
        ["1", "2026-01-01", "a"],
        ["2", "2026-01-01", "NULL"],
        ["3", "2026-01-02", "b"],
    ];
    for table in ["found", "t"] {
        let rows = server
            .ok(&format!("SELECT id, dt, shop FROM {table} ORDER BY id"))
            .await;
        assert_eq!(rows.rows(), all, "{table}");
        for (condition, ids) in [
            ("shop IS NULL", vec!["2"]),
            ("shop IS NOT NULL AND dt = '2026-01-01'", vec!["1"]),
            ("shop = 'b'", vec!["3"]),
            ("id > 1 AND dt < '2026-01-02'", vec!["2"]),
            ("shop = 'nowhere'", vec![]),
        ] {
            let rows = server
                .ok(&format!(
                    "SELECT id FROM {table} WHERE {condition} ORDER BY id"
                ))
                .await;
            let found: Vec<String> = rows.rows().into_iter().flatten().collect();
            assert_eq!(found, ids, "{table} {condition}");
        }
    }
    // A file that is not chosen may be anything.
    put(&dir, "out/dt=2026-03-01/shop=z/bad.parquet", "PAR1");
    let rows = server
        .ok("SELECT COUNT(*) FROM t WHERE dt < '2026-03-01'")
        .await;
    assert_eq!(rows.cell(), "3");
    let error = server
        .error("SELECT COUNT(id) FROM t WHERE shop = 'z'")
        .await;
    assert!(error.contains("bad.parquet"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_cannot_be_columns_are_told() {
    let (server, dir) = sales().await;
    let create = |columns: &str| format!("CREATE EXTERNAL TABLE t {columns} {FILES}");
    server.ok(&create("(id int, n int)")).await;
    let error = server.error("SELECT * FROM t").await;
    assert!(
        error
            .contains("in folders by 'dt', which is no column of the table; its columns are id, n"),
        "{error}"
    );
    server.ok("DROP TABLE t").await;
    server
        .ok(&create("(id int, n int, dt int, region text)"))
        .await;
    let error = server.error("SELECT COUNT(*) FROM t").await;
    assert!(
        error.contains("Incorrect integer value: '2026-01-01' for column 'dt'")
            && error.contains("(folder of the file 'sales/dt=2026-01-01/region=eu/a.csv')"),
        "{error}"
    );
    server.ok("DROP TABLE t").await;
    // A key that the files have as well.
    put(&dir, "both/id=1/a.csv", "id,n\n1,10\n");
    let error = server
        .error("SELECT * FROM 'stage://s/both/**/*.csv' (HIVE_PARTITIONING 'true')")
        .await;
    assert!(
        error.contains("the column 'id' is in the files and"),
        "{error}"
    );
    // Not alike.
    put(&dir, "sales/dt=2026-01-03/b.csv", "id,n\n5,50\n");
    let error = server.error(&create("")).await;
    assert!(
        error.contains("the files are not in folders of the same keys")
            && error.contains("'sales/dt=2026-01-03/b.csv' by 'dt'"),
        "{error}"
    );
    // What came later than the columns.
    std::fs::remove_file(dir.join("sales/dt=2026-01-03/b.csv")).unwrap();
    server.ok(&create("")).await;
    put(&dir, "sales/dt=soon/region=eu/a.csv", "id,n\n6,60\n");
    let error = server.error("SELECT COUNT(*) FROM t").await;
    assert!(error.contains("'soon' for column 'dt'"), "{error}");
    let error = server
        .error("SELECT * FROM 'stage://s/both/id=1/a.csv' (HIVE_PARTITIONING 'maybe')")
        .await;
    assert!(error.contains("must be true or false"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_knows_its_file() {
    let (server, dir) = sales().await;
    server.ok(&format!("CREATE EXTERNAL TABLE t {FILES}")).await;
    let eu = "stage://s/sales/dt=2026-01-01/region=eu/a.csv";
    let rows = server
        .ok("SELECT __mo_filepath, COUNT(*) AS n FROM t WHERE __MO_FILEPATH LIKE '%/region=eu/%' GROUP BY __mo_filepath")
        .await;
    assert_eq!(rows.rows(), [[eu, "2"]]);
    assert_eq!(rows.schema.unwrap().field(0).name(), "__mo_filepath");
    // No `*` has it, also where the query names it.
    let rows = server
        .ok("SELECT *, __mo_filepath FROM t WHERE id = 1")
        .await;
    assert_eq!(rows.rows(), [["1", "10", "2026-01-01", "eu", eu]]);
    let rows = server
        .ok(&format!(
            "SELECT x.* FROM t AS x WHERE x.__mo_filepath = '{eu}' ORDER BY x.id"
        ))
        .await;
    assert_eq!(rows.rows()[1], ["2", "20", "2026-01-01", "eu"]);
    let columns = server.ok("DESCRIBE t").await;
    assert_eq!(columns.rows().len(), 4);
    // Of staged files, of Parquet, through a view, in a join.
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    write_parquet_columns(&dir.join("p.parquet"), vec![("id", ids)]);
    let rows = server
        .ok("SELECT p.__mo_filepath, t.*, p.id FROM 'stage://s/p.parquet' AS p JOIN t ON t.id = p.id ORDER BY p.id LIMIT 1")
        .await;
    assert_eq!(
        rows.rows(),
        [["stage://s/p.parquet", "1", "10", "2026-01-01", "eu", "1"]]
    );
    server
        .ok("CREATE VIEW v AS SELECT __mo_filepath AS file, t.* FROM t")
        .await;
    let rows = server.ok("SELECT file FROM v WHERE id = 3").await;
    assert_eq!(
        rows.cell(),
        "stage://s/sales/dt=2026-01-02/region=a%2Cb/a.csv"
    );
    let error = server
        .error("SELECT *, t.__mo_filepath FROM t JOIN 'stage://s/p.parquet' AS p ON t.id = p.id")
        .await;
    assert!(error.contains("* of several tables of files"), "{error}");
    // It is no column that both have in common.
    let error = server
        .error("SELECT t.__mo_filepath FROM t NATURAL JOIN 'stage://s/p.parquet' AS p")
        .await;
    assert!(
        error.contains("NATURAL JOIN of a table of files"),
        "{error}"
    );
    let rows = server
        .ok("SELECT t.__mo_filepath FROM t JOIN 'stage://s/p.parquet' AS p USING (id) ORDER BY id LIMIT 1")
        .await;
    assert_eq!(rows.cell(), eu);
    // A name of WITH hides a table within its query alone, and not from itself.
    let rows = server
        .ok("WITH t AS (SELECT *, __mo_filepath AS file FROM t WHERE id = 1) SELECT * FROM t")
        .await;
    assert_eq!(rows.rows(), [["1", "10", "2026-01-01", "eu", eu]]);
    let rows = server
        .ok("SELECT * FROM (WITH t AS (SELECT 7 AS seven) SELECT * FROM t) AS x, t WHERE __mo_filepath IS NOT NULL AND id = 1")
        .await;
    assert_eq!(rows.rows(), [["7", "1", "10", "2026-01-01", "eu"]]);
    // Of tables there is none.
    server.ok("CREATE TABLE own (id int)").await;
    let error = server.error("SELECT __mo_filepath FROM own").await;
    assert!(error.contains("__mo_filepath"), "{error}");
    // LOAD DATA can keep it.
    server
        .ok("CREATE TABLE kept (id int, file varchar(100))")
        .await;
    server
        .ok("LOAD DATA INFILE {'filepath'='stage://s/sales/dt=2026-01-01/region=eu/a.csv', 'header'='true'} INTO TABLE kept FIELDS TERMINATED BY ',' (id, @n) SET file = __mo_filepath")
        .await;
    let rows = server.ok("SELECT * FROM kept ORDER BY id").await;
    assert_eq!(rows.rows(), [["1", eu], ["2", eu]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn infer_schema_gives_what_create_takes() {
    let (server, dir) = sales().await;
    put(&dir, "n.txt", "a;b\n1;1.5\n2;\n");
    let shown = server
        .ok("INFER SCHEMA 'stage://s/n.txt' (FORMAT 'csv', DELIMITER ';')")
        .await;
    let names: Vec<String> = shown
        .schema
        .as_ref()
        .unwrap()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    assert_eq!(names, ["COLUMN_NAME", "TYPE", "NULLABLE", "DEFINITION"]);
    assert_eq!(
        shown.rows(),
        [
            ["a", "bigint", "YES", "`a` bigint"],
            ["b", "decimal(38,1)", "YES", "`b` decimal(38,1)"]
        ]
    );
    let shown = server
        .ok("INFER SCHEMA 'stage://s/sales/**/*.csv' (HIVE_PARTITIONING 'true')")
        .await;
    let definitions: Vec<String> = shown.rows().iter().map(|row| row[3].clone()).collect();
    server
        .ok(&format!(
            "CREATE EXTERNAL TABLE t ({}) {FILES}",
            definitions.join(", ")
        ))
        .await;
    assert_eq!(server.ok("SELECT COUNT(*) FROM t").await.cell(), "4");
    let error = server.error("INFER SCHEMA 'stage://s/none.csv'").await;
    assert!(error.contains("none.csv is not found"), "{error}");
    let error = server.error("INFER SCHEMA 'stage://nowhere/a.csv'").await;
    assert!(error.contains("nowhere"), "{error}");
    // Who may not read the stage learns nothing of its files.
    for statement in [
        "REVOKE READ ON STAGE s FROM public",
        "CREATE ROLE plain",
        "GRANT plain TO root",
        "SET ROLE plain",
    ] {
        server.ok(statement).await;
    }
    let error = server.error("INFER SCHEMA 'stage://s/n.txt'").await;
    assert!(error.contains("do not have privilege"), "{error}");
}
