//! What other programs read from our files: DuckDB, Polars and Python's csv module, in one Python process.
//! `cargo xtask test` brings the Python; without it, it lists this suite as not run and skips it by name.

mod encrypted;
mod manifests;
mod tpch;

use std::process::Command;

use crate::harness::TestServer;

/// Prints, for each reader, `name rows null_count sum distinct_texts`.
const READ: &str = r#"
import csv, sys
import duckdb, polars
path = sys.argv[1]
r = duckdb.sql(f"select count(*), count(*) - count(s), sum(d), count(distinct s) from read_csv('{path}', header=true, quote='\"', escape='\"', nullstr='\\N', columns={{'i':'BIGINT','s':'VARCHAR','d':'DECIMAL(12,2)'}})").fetchall()[0]
print("duckdb", *r)
f = polars.read_csv(path, null_values=["\\N"], schema={"i": polars.Int64, "s": polars.String, "d": polars.Decimal(12, 2)})
print("polars", f.height, f["s"].null_count(), f["d"].sum(), f["s"].drop_nulls().n_unique())
rows = list(csv.DictReader(open(path, newline="")))
from decimal import Decimal
texts = [row["s"] for row in rows]
print("csv", len(rows), texts.count("\\N"), sum(Decimal(row["d"]) for row in rows if row["d"] != "\\N"), len({t for t in texts if t != "\\N"}))
"#;

#[tokio::test(flavor = "multi_thread")]
async fn python_readers_see_the_same_values() {
    let python = std::env::var("STAGEDOOR_PYTHON")
        .expect("STAGEDOOR_PYTHON names a Python with duckdb and polars: run `cargo xtask test`");
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server
        .ok("CREATE TABLE t (i bigint, s varchar(100), d decimal(12,2))")
        .await;
    let values: Vec<String> = (0..5000)
        .map(|n| {
            let text = match n % 5 {
                0 => "NULL".to_owned(),
                1 => "''".to_owned(),
                2 => format!("'a,b {n}'"),
                3 => format!("'say \"{n}\"'"),
                _ => format!("'plain {n}'"),
            };
            format!("({n},{text},{}.{:02})", n % 1000, n % 100)
        })
        .collect();
    server
        .ok(&format!("INSERT INTO t VALUES {}", values.join(",")))
        .await;
    server
        .ok("SELECT * FROM t INTO OUTFILE 'stage://s/t.csv'")
        .await;
    let want = server
        .ok("SELECT count(*), count(*) - count(s), sum(d), count(DISTINCT s) FROM t")
        .await
        .rows()[0]
        .join(" ");
    let output = Command::new(python)
        .args(["-c", READ])
        .arg(dir.join("t.csv"))
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for reader in ["duckdb", "polars", "csv"] {
        let line = stdout
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{reader} ")))
            .unwrap_or_default();
        assert_eq!(line, want, "{reader}\n{stdout}");
    }
}

/// Prints, for each file, `name rows null_count sum distinct_texts`, read by both.
const READ_FORMATS: &str = r#"
import gzip, json, sys
from decimal import Decimal
import duckdb, polars
folder = sys.argv[1]
def by_duckdb(name, source):
    r = duckdb.sql(f"select count(*), count(*) - count(s), sum(d)::decimal(18,2), count(distinct s) from {source}").fetchall()[0]
    print("duckdb " + name, *r)
def by_polars(name, f):
    print("polars " + name, f.height, f["s"].null_count(), f["d"].cast(polars.Decimal(18, 2)).sum(), f["s"].drop_nulls().n_unique())
by_duckdb("t.parquet", f"'{folder}/t.parquet'")
by_polars("t.parquet", polars.read_parquet(f"{folder}/t.parquet"))
by_polars("t.arrow", polars.read_ipc(f"{folder}/t.arrow"))
columns = "columns={'i':'BIGINT','s':'VARCHAR','d':'DECIMAL(12,2)'}"
for name in ("t.jsonl", "t.jsonl.gz", "t.jsonl.zst"):
    by_duckdb(name, f"read_json('{folder}/{name}', format='newline_delimited', {columns})")
for name in ("t.csv.gz", "single.csv.gz", "t.csv.zst"):
    by_duckdb(name, f"read_csv('{folder}/{name}', header=true, quote='\"', escape='\"', nullstr='\\N', {columns})")
    by_polars(name, polars.read_csv(f"{folder}/{name}", null_values=["\\N"], schema={"i": polars.Int64, "s": polars.String, "d": polars.Decimal(12, 2)}))
for name in ("t.jsonl", "t.jsonl.gz"):
    opened = gzip.open(f"{folder}/{name}", "rt") if name.endswith("gz") else open(f"{folder}/{name}")
    rows = [json.loads(line, parse_float=Decimal) for line in opened]
    assert list(rows[0]) == ["i", "s", "d"]
    texts = [row["s"] for row in rows]
    print("python " + name, len(rows), texts.count(None), sum(row["d"] for row in rows), len({t for t in texts if t is not None}))
types = [str(t) for t in polars.read_parquet(f"{folder}/t.parquet").dtypes]
assert types == ["Int64", "String", "Decimal(precision=12, scale=2)"], types
"#;

#[tokio::test(flavor = "multi_thread")]
async fn python_readers_see_the_same_values_in_every_format() {
    let python = std::env::var("STAGEDOOR_PYTHON")
        .expect("STAGEDOOR_PYTHON names a Python with duckdb and polars: run `cargo xtask test`");
    let server = TestServer::start().await;
    let dir = server.stage("s").await;
    server
        .ok("CREATE TABLE t (i bigint, s varchar(100), d decimal(12,2))")
        .await;
    let values: Vec<String> = (0..5000)
        .map(|n| {
            let text = match n % 5 {
                0 => "NULL".to_owned(),
                1 => "''".to_owned(),
                2 => format!("'line\n{n}'"),
                3 => format!("'say \"{n}\"'"),
                _ => format!("'plain {n}'"),
            };
            format!("({n},{text},{}.{:02})", n % 1000, n % 100)
        })
        .collect();
    server
        .ok(&format!("INSERT INTO t VALUES {}", values.join(",")))
        .await;
    for (name, options) in [
        ("t.parquet", ""),
        ("t.arrow", ""),
        ("t.jsonl", ""),
        ("t.jsonl.gz", ""),
        ("t.jsonl.zst", "COMPRESSION_LEVEL 5"),
        ("t.csv.gz", "COMPRESSION_LEVEL 1"),
        ("single.csv.gz", "SINGLE_MEMBER 'true'"),
        ("t.csv.zst", ""),
    ] {
        server
            .ok(&format!(
                "SELECT * FROM t INTO OUTFILE 'stage://s/{name}' {options}"
            ))
            .await;
    }
    let want = server
        .ok("SELECT count(*), count(*) - count(s), sum(d), count(DISTINCT s) FROM t")
        .await
        .rows()[0]
        .join(" ");
    let output = Command::new(python)
        .args(["-c", READ_FORMATS])
        .arg(&dir)
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(stdout.lines().count(), 14, "{stdout}");
    for line in stdout.lines() {
        assert!(line.ends_with(&want), "{line}, expected {want}");
    }
}
