//! What is exported: a table, into a format.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;

/// One export that all contestants make.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) table: &'static str,
    pub(super) format: Format,
    /// What stagedoor's statement has behind the target: where its own dialect is one that only it reads back.
    pub(super) options: &'static str,
}

/// The format of the files, which their names say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Format {
    Csv,
    CsvGzip,
    CsvZstd,
    Jsonline,
    Parquet,
}

impl Format {
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::CsvGzip => "csv.gz",
            Format::CsvZstd => "csv.zst",
            Format::Jsonline => "jsonl",
            Format::Parquet => "parquet",
        }
    }
}

/// The tables of TPC-H; `xtask/bench/tables.py` makes the others.
const OF_TPCH: [&str; 2] = ["lineitem", "orders"];

const fn case(name: &'static str, table: &'static str, format: Format) -> Case {
    Case {
        name,
        table,
        format,
        options: "",
    }
}

/// All of them; the first is the one of the design's table.
const CASES: [Case; 15] = [
    case("lineitem", "lineitem", Format::Csv),
    case("orders", "orders", Format::Csv),
    case("strings", "strings", Format::Csv),
    case("numbers", "numbers", Format::Csv),
    case("wide", "wide", Format::Csv),
    case("nulls", "nulls", Format::Csv),
    Case {
        options: " DIALECT 'rfc4180'",
        ..case("text", "text", Format::Csv)
    },
    case("decimals", "decimals", Format::Csv),
    case("timestamps", "timestamps", Format::Csv),
    case("lineitem-gzip", "lineitem", Format::CsvGzip),
    case("lineitem-zstd", "lineitem", Format::CsvZstd),
    case("lineitem-jsonline", "lineitem", Format::Jsonline),
    case("nested-jsonline", "nested", Format::Jsonline),
    case("lineitem-parquet", "lineitem", Format::Parquet),
    case("nested-parquet", "nested", Format::Parquet),
];

/// Those of these names; all where there are none.
pub(super) fn chosen(names: &[String]) -> Result<Vec<Case>> {
    if let Some(unknown) = names
        .iter()
        .find(|name| CASES.iter().all(|case| case.name != **name))
    {
        let known: Vec<_> = CASES.iter().map(|case| case.name).collect();
        bail!("there is no case {unknown}; there are {}", known.join(", "));
    }
    Ok(CASES
        .into_iter()
        .filter(|case| names.is_empty() || names.iter().any(|name| name == case.name))
        .collect())
}

/// The Parquet file of a case's table, made where it is not there yet.
pub(super) fn table(
    folder: &Path,
    python: &Path,
    scripts: &Path,
    scale: &str,
    case: &Case,
) -> Result<PathBuf> {
    if OF_TPCH.contains(&case.table) {
        return super::tpch(folder, python, scale, case.table);
    }
    let tables = folder.join(format!("tables{scale}"));
    let parquet = tables.join(format!("{}.parquet", case.table));
    if !parquet.exists() {
        println!("bench: making the tables at scale {scale}");
        process::output(
            Command::new(python)
                .arg(scripts.join("tables.py"))
                .arg(&tables)
                .args([scale, &super::THREADS.to_string()]),
        )?;
    }
    Ok(parquet)
}
