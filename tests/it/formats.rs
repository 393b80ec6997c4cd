//! INTO OUTFILE in every format, compressed and split: what is written where, its manifest, and that several files are
//! published all or none.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use arrow::array::Float64Array;

use crate::harness::{TestServer, files, write_parquet_columns};

async fn table(server: &TestServer) {
    server
        .ok("CREATE TABLE t (id bigint NOT NULL, name varchar(20), price decimal(12,2), at time(2), j json)")
        .await;
    let values: Vec<String> = (0..2000)
        .map(|n| match n % 4 {
            0 => format!("({n},NULL,NULL,NULL,NULL)"),
            _ => format!("({n},'name \"{n}\"',{n}.50,'01:02:03.25','{{\"n\": {n}}}')"),
        })
        .collect();
    server
        .ok(&format!("INSERT INTO t VALUES {}", values.join(",")))
        .await;
}

fn manifest(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn gunzip(path: &Path) -> String {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suffix_chooses_the_format_and_rows_read_back() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    table(&server).await;
    let want = server
        .ok("SELECT id, name, price FROM t ORDER BY id")
        .await
        .rows();
    for (name, format) in [
        ("a.jsonl", "jsonline"),
        ("b.NDJSON", "jsonline"),
        ("c.jsonline.gz", "jsonline"),
        ("d.parquet", "parquet"),
        ("e.csv.zst", "csv"),
    ] {
        server
            .ok(&format!(
                "SELECT * FROM t ORDER BY id INTO OUTFILE 'stage://s/{name}' MANIFEST 'true'"
            ))
            .await;
        let read = server
            .ok(&format!(
                "SELECT id, name, price FROM 'stage://s/{name}' ORDER BY id"
            ))
            .await
            .rows();
        assert_eq!(read.len(), want.len(), "{name}");
        for (read, want) in read.iter().zip(&want) {
            // A text column of a file says nothing of NULL.
            let same =
                |at: usize| read[at] == want[at] || want[at] == "NULL" && read[at].is_empty();
            let price = |text: &str| text.parse::<f64>().ok();
            assert!(same(0) && same(1), "{name}: {read:?}, expected {want:?}");
            assert_eq!(price(&read[2]), price(&want[2]), "{name}");
        }
        let proof = manifest(&dir.join(format!("{name}.manifest.json")));
        assert_eq!(proof["format"], format);
        let types: Vec<&str> = proof["schema"]
            .as_array()
            .unwrap()
            .iter()
            .map(|column| column["sql_type"].as_str().unwrap())
            .collect();
        assert_eq!(
            types,
            ["bigint", "varchar(20)", "decimal(12,2)", "time(2)", "json"]
        );
    }
    let first = std::fs::read_to_string(dir.join("a.jsonl")).unwrap();
    let lines: Vec<&str> = first.lines().take(2).collect();
    assert_eq!(
        lines,
        [
            r#"{"id":0,"name":null,"price":null,"at":null,"j":null}"#,
            r#"{"id":1,"name":"name \"1\"","price":1.50,"at":"01:02:03.25","j":{"n":1}}"#
        ]
    );
    assert_eq!(gunzip(&dir.join("c.jsonline.gz")), first);
    let arrow = std::fs::read(dir.join("d.parquet")).unwrap();
    assert!(arrow.starts_with(b"PAR1") && arrow.ends_with(b"PAR1"));
    server
        .ok("SELECT * FROM t INTO OUTFILE 'stage://s/f.arrow'")
        .await;
    let arrow = std::fs::read(dir.join("f.arrow")).unwrap();
    assert!(arrow.starts_with(b"ARROW1") && arrow.ends_with(b"ARROW1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_json_has_not_leaves_no_file() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    let numbers = Float64Array::from(vec![0.5, f64::NAN]);
    write_parquet_columns(&dir.join("in.parquet"), vec![("b", Arc::new(numbers))]);
    let error = server
        .error("SELECT 1 AS a, b FROM 'stage://s/in.parquet' INTO OUTFILE 'stage://s/x.jsonl'")
        .await;
    assert!(
        error.contains("row 2 of column 'b'") && error.contains("no form in JSON"),
        "{error}"
    );
    assert_eq!(files(&dir), ["in.parquet"]);
}

/// What one part of a UNION declares says nothing of the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_union_of_text_and_json_is_text() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server
        .ok("CREATE TABLE u (short varchar(3), name varchar(20), j json)")
        .await;
    server
        .ok("INSERT INTO u VALUES ('abc', '12', '{\"a\":1}')")
        .await;
    server
        .ok("SELECT x.v AS v, x.s AS s FROM (SELECT name AS v, short AS s FROM u UNION ALL SELECT j, name FROM u) x WHERE v IS NOT NULL ORDER BY v INTO OUTFILE 'stage://s/x.jsonl' MANIFEST 'true'")
        .await;
    assert_eq!(
        std::fs::read_to_string(dir.join("x.jsonl")).unwrap(),
        "{\"v\":\"12\",\"s\":\"abc\"}\n{\"v\":\"{\\\"a\\\":1}\",\"s\":\"12\"}\n"
    );
    // Parts that agree keep what they declare.
    server
        .ok("SELECT name FROM u UNION ALL SELECT name FROM u INTO OUTFILE 'stage://s/y.csv' MANIFEST 'true'")
        .await;
    let declared = |name: &str, at: usize| manifest(&dir.join(name))["schema"][at].clone();
    assert_eq!(
        declared("y.csv.manifest.json", 0)["sql_type"],
        "varchar(20)"
    );
    assert_eq!(declared("x.jsonl.manifest.json", 1)["sql_type"], "varchar");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_files_have_their_rows_and_one_manifest() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    table(&server).await;
    for (target, options, second) in [
        ("a/x.csv", "SPLITSIZE '10K'", "a/x.csv.1"),
        ("b/x_%05d.csv", "SPLITSIZE '10K'", "b/x_00001.csv"),
        ("c/%d/x.jsonl", "MAX_FILE_SIZE 10", "c/1/x.jsonl"),
        ("d/x.csv.gz", "SPLITSIZE '2K'", "d/x.csv.gz.1"),
        ("e/x%d.parquet", "SPLITSIZE '12K'", "e/x1.parquet"),
    ] {
        let rows = server
            .ok(&format!(
                "SELECT * FROM t ORDER BY id INTO OUTFILE 'stage://s/{target}' {options}"
            ))
            .await;
        drop(rows);
        assert!(dir.join(second).exists(), "{second}");
        let folder = &target[..1];
        let first = target.replace("%05d", "00000").replace("%d", "0");
        let beside = Path::new(&first).parent().unwrap().join("_manifest.json");
        let proof = manifest(&dir.join(&beside));
        let listed = proof["files"].as_array().unwrap();
        assert!(listed.len() > 2, "{target}: {}", listed.len());
        let limit = proof["options"]["file_bytes_max"].as_u64().unwrap();
        let mut names = vec![beside.to_str().unwrap().to_owned()];
        let mut sum = 0;
        for file in listed {
            let path = file["path"].as_str().unwrap();
            let bytes = std::fs::metadata(dir.join(path)).unwrap().len();
            assert_eq!(file["bytes"], bytes, "{path}");
            assert!(bytes <= limit, "{path}");
            sum += file["rows"].as_u64().unwrap();
            names.push(path.to_owned());
        }
        assert_eq!(
            (proof["rows"].as_u64().unwrap(), sum),
            (2000, 2000),
            "{target}"
        );
        names.sort();
        let mut found = files(&dir);
        found.retain(|name| name.starts_with(folder));
        found.sort();
        assert_eq!(found, names, "{target}");
    }
    // A file of its own: every one has the header.
    for name in ["a/x.csv", "a/x.csv.1"] {
        let text = std::fs::read_to_string(dir.join(name)).unwrap();
        assert!(text.starts_with("id,name,price,at,j\n"), "{name}");
    }
    assert!(gunzip(&dir.join("d/x.csv.gz.1")).starts_with("id,name,price,at,j\n"));
    let listed = server
        .ok("SELECT count(*), sum(rows) FROM stagedoor.export_files WHERE path LIKE 'a/%'")
        .await
        .rows();
    assert_eq!(listed[0][1], "2000");
    // One file of a split export is one file: its name has its number, and no manifest is beside it.
    server
        .ok("SELECT 1 AS a INTO OUTFILE 'stage://s/f/x_%d.csv' SPLITSIZE '1M'")
        .await;
    let mut found = files(&dir);
    found.retain(|name| name.starts_with('f'));
    assert_eq!(found, ["f/x_0.csv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_files_are_published_all_or_none() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    table(&server).await;
    // The second name is looked at before the query, the others when they are to appear.
    std::fs::write(dir.join("x.csv.1"), "mine").unwrap();
    let error = server
        .error("SELECT * FROM t INTO OUTFILE 'stage://s/x.csv' SPLITSIZE '10K'")
        .await;
    assert_eq!(error, "ERROR 20406 (HY000): file x.csv.1 already exists");
    std::fs::rename(dir.join("x.csv.1"), dir.join("x.csv.3")).unwrap();
    let error = server
        .error("SELECT * FROM t INTO OUTFILE 'stage://s/x.csv' SPLITSIZE '10K'")
        .await;
    assert!(error.contains("x.csv.3"), "{error}");
    assert_eq!(files(&dir), ["x.csv.3"]);
    assert_eq!(std::fs::read(dir.join("x.csv.3")).unwrap(), b"mine");
    // The number of a local path's file is in its name, for its folder is the place.
    server.ok("ALTER STAGE s SET ENABLE = FALSE").await;
    let raw = server.dir("raw");
    std::fs::create_dir(raw.join("0")).unwrap();
    let error = server
        .error(&format!(
            "SELECT * FROM t INTO OUTFILE '{}/%d/x.csv' SPLITSIZE '10K'",
            raw.display()
        ))
        .await;
    assert!(error.contains("not into a folder's"), "{error}");
    server
        .ok(&format!(
            "SELECT * FROM t INTO OUTFILE '{}/x_%d.csv' SPLITSIZE '10K' MANIFEST 'false'",
            raw.display()
        ))
        .await;
    let found = files(&raw);
    assert!(
        found.len() > 2 && found.iter().all(|name| name.starts_with("x_")),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_is_never_written_over_another_export_s() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    table(&server).await;
    let export = |name: &str, options: &str| {
        format!("SELECT * FROM t INTO OUTFILE 'stage://s/{name}' SPLITSIZE '20K' {options}")
    };
    server.ok(&export("x.csv", "")).await;
    server.ok(&export("y.csv", "")).await;
    let target = |name: &str| manifest(&dir.join(name))["target"].clone();
    assert_eq!(target("_manifest.json"), "stage://s/x.csv");
    assert_eq!(target("y.csv.manifest.json"), "stage://s/y.csv");
    let before = manifest(&dir.join("_manifest.json"))["export_id"].clone();
    server.ok(&export("x.csv", "OVERWRITE 'true'")).await;
    assert_ne!(manifest(&dir.join("_manifest.json"))["export_id"], before);
    server.ok(&export("y.csv", "OVERWRITE 'true'")).await;
    assert_eq!(target("_manifest.json"), "stage://s/x.csv");
    assert_eq!(target("y.csv.manifest.json"), "stage://s/y.csv");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_partitioned_by_the_values_of_columns() {
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server
        .ok("CREATE TABLE p (day date, shop varchar(10), id bigint)")
        .await;
    // No two rows of a folder follow each other.
    let values: Vec<String> = (0..900)
        .map(|n| match n % 3 {
            0 => format!("('2026-01-01','a b',{n})"),
            1 => format!("('2026-01-02','ü',{n})"),
            _ => format!("(NULL,'a b',{n})"),
        })
        .collect();
    server
        .ok(&format!("INSERT INTO p VALUES {}", values.join(",")))
        .await;
    server
        .ok("SELECT * FROM p INTO OUTFILE 'stage://s/out/x.csv' PARTITION BY (DAY, shop) SPLITSIZE '1K'")
        .await;
    let found = files(&dir);
    let proof = manifest(&dir.join("out/_manifest.json"));
    let listed = proof["files"].as_array().unwrap();
    assert_eq!(found.len(), listed.len() + 1);
    for name in [
        "out/day=2026-01-01/shop=a b/x.csv",
        "out/day=2026-01-01/shop=a b/x.csv.1",
        "out/day=2026-01-02/shop=ü/x.csv",
        "out/day=__HIVE_DEFAULT_PARTITION__/shop=a b/x.csv",
    ] {
        assert!(found.contains(&name.to_owned()), "{name}: {found:?}");
    }
    let mut ids = Vec::new();
    for file in listed {
        let path = file["path"].as_str().unwrap();
        let text = std::fs::read_to_string(dir.join(path)).unwrap();
        let rows = text.strip_prefix("id\n").unwrap();
        for id in rows.lines().map(|row| row.parse::<i64>().unwrap()) {
            let folder = ["day=2026-01-01", "day=2026-01-02", "day=__HIVE"][(id % 3) as usize];
            assert!(path.contains(folder), "{id} in {path}");
            ids.push(id);
        }
    }
    ids.sort_unstable();
    assert_eq!(ids, (0..900).collect::<Vec<_>>());
    assert_eq!(proof["options"]["partition_by"][0], "day");
    // The rows of each folder are in the query's order, also by what is none of its columns.
    server
        .ok("SELECT shop, id FROM p ORDER BY id % 7 DESC, id * -1 INTO OUTFILE 'stage://s/sorted/x.csv' PARTITION BY (shop)")
        .await;
    for (shop, others) in [("a b", 1), ("ü", 4)] {
        let text = std::fs::read_to_string(dir.join(format!("sorted/shop={shop}/x.csv"))).unwrap();
        let found = text.lines().skip(1).map(|row| row.parse::<i64>().unwrap());
        let mut expected: Vec<i64> = (0..900)
            .filter(|id| (id % 3 == 1) == (others == 4))
            .collect();
        expected.sort_by_key(|id| (-(id % 7), -id));
        assert_eq!(found.collect::<Vec<_>>(), expected, "{shop}");
    }
    // A folder's name that is a file's leaves nothing of the others.
    std::fs::create_dir(dir.join("way")).unwrap();
    std::fs::write(dir.join("way/day=2026-01-02"), "mine").unwrap();
    let error = server
        .error("SELECT * FROM p INTO OUTFILE 'stage://s/way/x.csv' PARTITION BY (day)")
        .await;
    assert!(error.contains("day=2026-01-02"), "{error}");
    let left: Vec<String> = files(&dir)
        .into_iter()
        .filter(|name| name.starts_with("way"))
        .collect();
    assert_eq!(left, ["way/day=2026-01-02"]);
    // A file that is there in one of the folders is found before it is written.
    let error = server
        .error("SELECT * FROM p INTO OUTFILE 'stage://s/out/x.csv' PARTITION BY (day, shop)")
        .await;
    assert_eq!(error, "ERROR 20406 (HY000): file x.csv already exists");
    // A value that no name in a stage can hold leaves nothing.
    let error = server
        .error("SELECT 'a/b' AS k, 1 AS v INTO OUTFILE 'stage://s/bad/x.csv' PARTITION BY (k)")
        .await;
    assert!(error.contains("k=a%2Fb"), "{error}");
    assert!(!dir.join("bad").exists());
}
