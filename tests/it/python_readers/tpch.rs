//! The 22 queries of TPC-H, on the tables of its own generator at a hundredth of its least size: DuckDB and Stagedoor read
//! the same files and give the same answers, in as much memory as there is, and in so little that joins and sorts go by the disk.

use std::fmt::Display;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;

use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator,
    PartSuppGenerator, RegionGenerator, SupplierGenerator,
};

use crate::harness::TestServer;

const SCALE: f64 = 0.01;
/// What the largest table takes as columns in memory is about as much.
const LITTLE_MEMORY: usize = 24 << 20;

/// The tables, each after those that it refers to.
const TABLES: [&str; 8] = [
    "region", "nation", "part", "supplier", "partsupp", "customer", "orders", "lineitem",
];

/// Prints the rows of each query as JSON: a line a query, all values as texts.
const DUCKDB: &str = r#"
import json, sys
import duckdb
folder, tables, queries, *names = sys.argv[1:]
lines = lambda path: [l.strip() for l in open(path) if l.strip() and not l.startswith("-- ")]
for create, name in zip(lines(tables), names):
    duckdb.execute(create)
    duckdb.execute(f"COPY {name} FROM '{folder}/{name}.tbl' (DELIMITER '|', HEADER false)")
for query in lines(queries):
    rows = duckdb.execute(query).fetchall()
    print(json.dumps([[None if cell is None else str(cell) for cell in row] for row in rows]))
"#;

fn write<T: Display>(folder: &Path, name: &str, rows: impl Iterator<Item = T>) {
    let file = std::fs::File::create(folder.join(format!("{name}.tbl"))).unwrap();
    let mut file = BufWriter::new(file);
    for row in rows {
        writeln!(file, "{row}").unwrap();
    }
    file.flush().unwrap();
}

fn generate(folder: &Path) {
    write(folder, "region", RegionGenerator::new(SCALE, 1, 1).iter());
    write(folder, "nation", NationGenerator::new(SCALE, 1, 1).iter());
    write(folder, "part", PartGenerator::new(SCALE, 1, 1).iter());
    write(
        folder,
        "supplier",
        SupplierGenerator::new(SCALE, 1, 1).iter(),
    );
    write(
        folder,
        "partsupp",
        PartSuppGenerator::new(SCALE, 1, 1).iter(),
    );
    write(
        folder,
        "customer",
        CustomerGenerator::new(SCALE, 1, 1).iter(),
    );
    write(folder, "orders", OrderGenerator::new(SCALE, 1, 1).iter());
    write(
        folder,
        "lineitem",
        LineItemGenerator::new(SCALE, 1, 1).iter(),
    );
}

/// The same text, or numbers that are as good as equal: quotients and averages are doubles there and decimals here.
fn same(theirs: &str, ours: &str) -> bool {
    if theirs == ours {
        return true;
    }
    match (theirs.parse::<f64>(), ours.parse::<f64>()) {
        (Ok(theirs), Ok(ours)) => (theirs - ours).abs() <= 1e-6 * theirs.abs().max(1.0),
        _ => false,
    }
}

/// Answers all queries, and compares.
async fn compare(server: &TestServer, queries: &[String], wanted: &[Vec<Vec<Option<String>>>]) {
    for (number, (query, wanted)) in (1..).zip(queries.iter().zip(wanted)) {
        let rows = server.ok(query).await.rows();
        assert_eq!(rows.len(), wanted.len(), "query {number}: {rows:?}");
        for (ours, theirs) in rows.iter().zip(wanted) {
            assert_eq!(ours.len(), theirs.len(), "query {number}");
            for (ours, theirs) in ours.iter().zip(theirs) {
                let theirs = theirs.as_deref().unwrap_or("NULL");
                assert!(
                    same(theirs, ours),
                    "query {number}: DuckDB has {theirs}, here it is {ours}"
                );
            }
        }
    }
}

async fn load(server: &TestServer, tables: &[String]) {
    generate(&server.stage("tpch").await);
    for (create, name) in tables.iter().zip(TABLES) {
        server.ok(create).await;
        let loaded = server
            .ok(&format!(
                "LOAD DATA INFILE 'stage://tpch/{name}.tbl' INTO TABLE {name} FIELDS TERMINATED BY '|'"
            ))
            .await;
        assert!(loaded.result.affected_rows > 0, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queries_of_tpc_h_answer_as_duckdb_does() {
    let python = std::env::var("STAGEDOOR_PYTHON")
        .expect("STAGEDOOR_PYTHON names a Python with duckdb: run `cargo xtask test`");
    let texts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tpch");
    let lines = |name: &str| -> Vec<String> {
        let text = std::fs::read_to_string(texts.join(name)).unwrap();
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("-- "));
        lines.map(str::to_owned).collect()
    };
    let (tables, queries) = (lines("tables.sql"), lines("queries.sql"));
    assert_eq!((tables.len(), queries.len()), (TABLES.len(), 22));

    let server = TestServer::start().await;
    load(&server, &tables).await;
    let output = Command::new(python)
        .args(["-c", DUCKDB])
        .arg(server.folder.path().join("tpch"))
        .args([texts.join("tables.sql"), texts.join("queries.sql")])
        .args(TABLES)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let wanted: Vec<Vec<Vec<Option<String>>>> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(wanted.len(), queries.len());
    compare(&server, &queries, &wanted).await;

    let little = TestServer::start_with(|settings| {
        settings.limits.query_memory_bytes_max = LITTLE_MEMORY;
    })
    .await;
    load(&little, &tables).await;
    compare(&little, &queries, &wanted).await;
}
