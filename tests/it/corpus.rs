//! One corpus of statements, `tests/slt/*.slt`, that every wire answers alike, errors included; and what each wire calls
//! the types. `UPDATE_EXPECT=1` writes what gRPC answers into the corpus, to be looked through by hand.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};

use crate::wires::{Client, Failure, Told, Wires};

struct Database(Client);

#[async_trait]
impl AsyncDB for Database {
    type Error = Failure;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Failure> {
        Ok(match self.0.run(sql).await? {
            Told::Done { affected_rows } => DBOutput::StatementComplete(affected_rows),
            Told::Rows(table) => DBOutput::Rows {
                types: vec![DefaultColumnType::Text; table.names.len()],
                rows: table.rows,
            },
        })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        self.0.name()
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("slt")
}

fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).unwrap();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "slt"))
        .collect();
    files.sort();
    files
}

fn is_to_be_updated() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some()
}

/// The corpus over one wire, each file in a database of its own.
async fn run_over(wires: &Wires, wire: usize) {
    for file in files() {
        let (name, mut records) = (file.display().to_string(), 0);
        let mut runner = Runner::new(|| async {
            let [grpc, flight, mysql] = wires.clients().await;
            let mut client = [grpc, flight, mysql].into_iter().nth(wire).unwrap();
            client.ok("CREATE DATABASE IF NOT EXISTS corpus").await;
            client.ok("USE corpus").await;
            Ok(Database(client))
        });
        if wire == 0 && is_to_be_updated() {
            let updated = runner.update_test_file(
                &file,
                " ",
                sqllogictest::default_validator,
                sqllogictest::default_normalizer,
                sqllogictest::default_column_validator,
            );
            updated.await.unwrap();
        } else {
            let text = std::fs::read_to_string(&file).unwrap();
            for record in sqllogictest::parse_with_name(&text, name.as_str()).unwrap() {
                records += usize::from(matches!(
                    record,
                    sqllogictest::Record::Statement { .. } | sqllogictest::Record::Query { .. }
                ));
                if let Err(error) = runner.run_async(record).await {
                    panic!("wire {wire}: {}", error.display(false));
                }
            }
            assert!(records > 0, "{name} has no record");
        }
        runner.shutdown_async().await;
        let [mut root, _, _] = wires.clients().await;
        root.ok("DROP DATABASE corpus").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_answers_the_corpus() {
    let wires = Wires::open(|_| {}).await;
    run_over(&wires, 0).await;
    wires.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flight_sql_answers_the_corpus() {
    let wires = Wires::open(|_| {}).await;
    run_over(&wires, 1).await;
    wires.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_answers_the_corpus() {
    let wires = Wires::open(|_| {}).await;
    run_over(&wires, 2).await;
    wires.close().await;
}

/// Every type that a column can be declared as, and what a query gives without a declaration.
const TYPES: [&str; 43] = [
    "tinyint",
    "tinyint unsigned",
    "smallint",
    "smallint unsigned",
    "mediumint",
    "mediumint unsigned",
    "int",
    "int unsigned",
    "bigint",
    "bigint unsigned",
    "boolean",
    "bit(5)",
    "year",
    "float",
    "double",
    "decimal(10,2)",
    "decimal(38,10)",
    "decimal(65,30)",
    "date",
    "time",
    "time(3)",
    "time(6)",
    "datetime",
    "datetime(3)",
    "datetime(6)",
    "timestamp",
    "timestamp(6)",
    "char(5)",
    "varchar(20)",
    "varchar(65535)",
    "tinytext",
    "text",
    "mediumtext",
    "longtext",
    "binary(4)",
    "varbinary(10)",
    "tinyblob",
    "blob",
    "mediumblob",
    "longblob",
    "enum('a','b')",
    "json",
    "uuid",
];

#[tokio::test(flavor = "multi_thread")]
async fn each_wire_has_its_name_for_a_type() {
    let wires = Wires::open(|_| {}).await;
    let mut clients = wires.clients().await;
    let mut map = String::from("# declared | gRPC and Flight SQL | MySQL\n");
    let expressions = [
        "1", "1.5", "1e0", "'a'", "NULL", "true", "NOW()", "x'00'", "COUNT(*)",
    ];
    let queries = TYPES
        .iter()
        .enumerate()
        .map(|(number, declared)| {
            let table = format!("CREATE TABLE t{number} (c {declared})");
            (*declared, Some(table), format!("SELECT c FROM t{number}"))
        })
        .chain(expressions.map(|text| (text, None, format!("SELECT {text}"))));
    for (declared, table, query) in queries {
        if let Some(table) = table {
            clients[0].ok(&table).await;
        }
        let mut told = Vec::new();
        for client in &mut clients {
            let Told::Rows(table) = client.ok(&query).await else {
                panic!("{query} gave no rows over {}", client.name());
            };
            told.push(table.types[0].clone());
        }
        assert_eq!(told[0], told[1], "{query}");
        writeln!(map, "{declared} | {} | {}", told[0], told[2]).unwrap();
    }
    let golden = folder().join("types.txt");
    if is_to_be_updated() {
        std::fs::write(&golden, &map).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap();
    assert_eq!(map, expected, "UPDATE_EXPECT=1 refreshes it");
    wires.close().await;
}
