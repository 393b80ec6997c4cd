//! `--section query`: TPC-H's 22 queries, scanning a CSV file, loading it and single-row INSERTs, beside DuckDB and, where
//! it has the same, DataFusion itself. Only printed. Stagedoor's time is that of its whole process, start to exit; of
//! the peers only the statements count, not Python's start.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::contestants::Place;
use super::measure::{self, Run};
use super::{Arguments, PACKAGES, THREADS, build, program, tpch_file};
use crate::{process, venv};

const TABLES: [&str; 8] = [
    "region", "nation", "part", "supplier", "partsupp", "customer", "orders", "lineitem",
];
/// The same work for all: columns of every kind are read, and little is computed.
const SCAN: &str =
    "SELECT COUNT(*), SUM(l_quantity), MIN(l_shipdate), MAX(l_comment) FROM lineitem";
/// Rows of the INSERTs, at scale 1.
const INSERTS: f64 = 10_000.0;

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Contest {
    Tpch,
    Scan,
    Load,
    Insert,
}

impl Contest {
    const ALL: [Self; 4] = [Self::Tpch, Self::Scan, Self::Load, Self::Insert];

    fn name(self) -> &'static str {
        match self {
            Self::Tpch => "tpch",
            Self::Scan => "scan",
            Self::Load => "load",
            Self::Insert => "insert",
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::Tpch => "the 22 queries of TPC-H over Parquet files, one after another",
            Self::Scan => "a query over lineitem as CSV with declared types",
            Self::Load => "lineitem as CSV into a table on disk",
            Self::Insert => "INSERTs of one row, each durable, and a query of the table",
        }
    }

    fn peers(self) -> &'static [&'static str] {
        match self {
            Self::Tpch | Self::Scan => &["duckdb", "datafusion"],
            Self::Load | Self::Insert => &["duckdb"],
        }
    }
}

/// Where the files of one scale are.
struct Files {
    queries: PathBuf,
    tables: String,
    parquet: PathBuf,
    csv: PathBuf,
    inserts: u32,
}

/// Builds, brings the peers and the data, measures, prints.
pub(super) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let scale: f64 = arguments
        .scale
        .parse()
        .context("the scale is not a number")?;
    let folder = process::target_directory(root)?.join("bench");
    let python = venv::ready(&folder.join("venv"), &PACKAGES)?;
    let stagedoor =
        build(root, ["--bin", "stagedoor"], arguments.profile)?.join(program("stagedoor"));
    for table in TABLES {
        tpch_file(&folder, &python, &arguments.scale, table, "parquet")?;
    }
    let csv = tpch_file(&folder, &python, &arguments.scale, "lineitem", "csv")?;
    let files = Files {
        queries: root.join("tests/tpch/queries.sql"),
        tables: fs::read_to_string(root.join("tests/tpch/tables.sql"))?,
        parquet: folder.join(format!("sf{}", arguments.scale)),
        csv,
        // A whole number that is far below u32's limit.
        inserts: format!("{:.0}", (INSERTS * scale.min(1.0)).max(10.0)).parse()?,
    };
    let place = Place {
        scripts: root.join("xtask/bench"),
        python,
        parquet: files.parquet.join("lineitem.parquet"),
        out: folder.join("out"),
        work: folder.join("work"),
        threads: THREADS,
    };
    fs::create_dir_all(&place.out)?;
    for contest in Contest::ALL {
        measure_one(&place, &files, contest, &stagedoor, arguments.runs)?;
    }
    Ok(())
}

/// Each contestant once a round, the order turned round from round to round.
fn measure_one(
    place: &Place,
    files: &Files,
    contest: Contest,
    stagedoor: &Path,
    rounds: u32,
) -> Result<()> {
    let mut names = vec!["stagedoor"];
    names.extend(contest.peers());
    let mut best: Vec<Option<Run>> = names.iter().map(|_| None).collect();
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..names.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            let name = names[index];
            let command = match name {
                "stagedoor" => ours(place, files, contest, stagedoor)?,
                peer => theirs(place, files, contest, peer)?,
            };
            let run = measure::run(place, name, &command)
                .with_context(|| format!("{}, {name}", contest.name()))?;
            println!("bench: {} {name} {}", contest.name(), run.summary());
            let best = &mut best[index];
            if best
                .as_ref()
                .is_none_or(|best| seconds(&run) < seconds(best))
            {
                *best = Some(run);
            }
        }
    }
    println!("\n{}: {}", contest.name(), contest.what());
    let ours = best[0].as_ref().map(seconds).context("nothing was run")?;
    for (name, run) in names.iter().zip(&best) {
        let Some(run) = run else { continue };
        let theirs = seconds(run);
        println!(
            "  {name:<10} {theirs:8.2} s  {:5} MB  stagedoor/{name} {:.2}",
            run.rss_max_bytes / 1_000_000,
            ours / theirs,
        );
    }
    Ok(())
}

/// The statements alone where they are told apart, else the process.
fn seconds(run: &Run) -> f64 {
    run.statement_s.unwrap_or(run.wall_s)
}

fn fresh(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(fs::create_dir_all(folder)?)
}

/// Stages and tables are made before; what is measured is a process that runs the contest's statements.
fn ours(place: &Place, files: &Files, contest: Contest, program: &Path) -> Result<Vec<OsString>> {
    fresh(&place.work)?;
    let sql = |name: &str, statements: &str| -> Result<Vec<OsString>> {
        let script = place.work.join(name);
        fs::write(&script, statements)?;
        Ok(vec![
            program.into(),
            "sql".into(),
            "--data-dir".into(),
            place.work.join("data").into(),
            "--format".into(),
            "csv".into(),
            "-f".into(),
            script.into(),
        ])
    };
    let (before, measured) = statements(files, contest)?;
    let before = sql("before.sql", &before)?;
    let (shell, rest) = before.split_first().context("no command")?;
    process::output(std::process::Command::new(shell).args(rest))?;
    sql("measured.sql", &measured)
}

/// What is run before, and what is measured.
fn statements(files: &Files, contest: Contest) -> Result<(String, String)> {
    let lineitem = files
        .tables
        .lines()
        .find(|line| line.starts_with("CREATE TABLE lineitem "))
        .context("tables.sql has no lineitem")?;
    let csv = files.csv.parent().context("the CSV file has no folder")?;
    let stages = format!(
        "CREATE STAGE parquet URL = '{}';\nCREATE STAGE csv URL = '{}';\n",
        files.parquet.display(),
        csv.display()
    );
    let dialect = "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n' IGNORE 1 LINES";
    Ok(match contest {
        Contest::Tpch => {
            let tables: String = TABLES
                .iter()
                .map(|table| {
                    format!("CREATE EXTERNAL TABLE {table} INFILE {{'filepath'='stage://parquet/{table}.parquet','format'='parquet'}};\n")
                })
                .collect();
            let queries = fs::read_to_string(&files.queries)?;
            let queries = queries
                .lines()
                .filter(|line| !line.is_empty() && !line.starts_with("--"));
            let queries = queries.map(|query| format!("{query};\n")).collect();
            (stages + &tables, queries)
        }
        Contest::Scan => {
            let table = lineitem.replacen("CREATE TABLE", "CREATE EXTERNAL TABLE", 1);
            let table = format!(
                "{table} INFILE {{'filepath'='stage://csv/lineitem.csv','format'='csv'}} {dialect};\n"
            );
            (stages + &table, format!("{SCAN};\n"))
        }
        Contest::Load => (
            format!("{stages}{lineitem};\n"),
            format!("LOAD DATA INFILE 'stage://csv/lineitem.csv' INTO TABLE lineitem {dialect};\n"),
        ),
        Contest::Insert => {
            let inserts: String = (0..files.inserts)
                .map(|row| format!("INSERT INTO t VALUES ({row}, 'row {row}');\n"))
                .collect();
            (
                "CREATE TABLE t (a bigint NOT NULL, b varchar(40));\n".to_owned(),
                inserts + "SELECT COUNT(*), SUM(a), MAX(b) FROM t;\n",
            )
        }
    })
}

fn theirs(place: &Place, files: &Files, contest: Contest, peer: &str) -> Result<Vec<OsString>> {
    fresh(&place.work)?;
    Ok(vec![
        place.python.clone().into(),
        place.scripts.join("peer_query.py").into(),
        peer.into(),
        contest.name().into(),
        place.threads.to_string().into(),
        files.parquet.clone().into(),
        files.csv.clone().into(),
        files.queries.clone().into(),
        files.queries.with_file_name("tables.sql").into(),
        place.work.clone().into(),
        files.inserts.to_string().into(),
        SCAN.into(),
    ])
}
