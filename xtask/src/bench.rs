//! `cargo xtask bench`: what is measured, a section each, and what they need: builds, data, peers.
//! The export against its peers is in `bench/export.rs`; its last figures are kept in docs/benchmarks.md.

mod cases;
mod contestants;
mod export;
mod measure;
mod query;
mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{self, cargo};
use crate::{databases, venv};

/// The peers and the data generator; the versions are part of the figures.
const PACKAGES: [&str; 5] = [
    "chdb==4.4.0",
    "datafusion==55.0.0",
    "duckdb==2.0.0",
    "polars==2.1.0",
    "tpchgen-cli==4.0.0",
];

/// Processors that every contestant may use, by affinity and by its own setting.
const THREADS: usize = 2;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What is measured: `export` against the peers, `catalog` against this machine's disk, `gate` against a
    /// statement without one, `buckets` against OpenDAL and boto3 on a SeaweedFS, `wire` against MariaDB and a bare
    /// arrow-flight server, or `query` against DuckDB and DataFusion (all but the first are printed only)
    #[arg(long, value_enum, default_value_t = Section::Export)]
    section: Section,
    /// For `catalog`: also opening, memory and reading with so many stages, versions of each, and exports
    #[arg(long, num_args = 3, value_names = ["STAGES", "VERSIONS", "EXPORTS"])]
    size: Vec<u32>,
    /// TPC-H scale factor; 1 is 6,001,215 rows
    #[arg(long, default_value = "1")]
    scale: String,
    /// For `buckets`: also the memory of an export of this scale, and of reading it, beside that of `--scale`; may be
    /// given several times. An export of scale 10 is 7 GB, and takes as much room again in the store
    #[arg(long, value_name = "SCALE")]
    memory_scale: Vec<String>,
    /// Runs of each contestant; the best counts, all are reported
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// For `export`: only these, by their names in docs/benchmarks.md; implies --no-save
    #[arg(long, value_name = "NAME")]
    case: Vec<String>,
    /// How stagedoor is built
    #[arg(long, value_enum, default_value_t = Profile::Release)]
    profile: Profile,
    /// Only print; do not write docs/benchmarks.md
    #[arg(long)]
    no_save: bool,
    /// Only the peers, without stagedoor; implies --no-save
    #[arg(long)]
    peers_only: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Section {
    Export,
    Catalog,
    Gate,
    Buckets,
    Wire,
    Query,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Profile {
    Release,
    Dev,
}

/// Builds, brings the peers and the data, measures, compares contents, reports.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    match arguments.section {
        Section::Export => export::run(root, arguments),
        Section::Catalog => catalog(root, &arguments.size),
        Section::Gate => example(root, "gate", "gate", &[]),
        Section::Buckets => buckets(root, arguments),
        Section::Wire => wire(root, arguments),
        Section::Query => query::run(root, arguments),
    }
}

/// Builds a binary or example of the whole workspace, as everything is built: with one package's own choice of features
/// DataFusion would be built once more. Gives the folder of the profile.
fn build(root: &Path, what: [&str; 2], profile: Profile) -> Result<PathBuf> {
    let mut command = cargo(root);
    command
        .args(["build", "--locked", "--workspace"])
        .args(what);
    let folder = match profile {
        Profile::Release => {
            command.arg("--release");
            "release"
        }
        Profile::Dev => "debug",
    };
    process::run(&mut command)?;
    Ok(process::target_directory(root)?.join(folder))
}

fn program(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}

/// A table of TPC-H as one Parquet file, generated if it is not there yet.
fn tpch(folder: &Path, python: &Path, scale: &str, table: &str) -> Result<PathBuf> {
    tpch_file(folder, python, scale, table, "parquet")
}

/// The same in one of the generator's formats: `parquet` or `csv`.
fn tpch_file(
    folder: &Path,
    python: &Path,
    scale: &str,
    table: &str,
    format: &str,
) -> Result<PathBuf> {
    let data = folder.join(format!("sf{scale}"));
    let file = data.join(format!("{table}.{format}"));
    if file.exists() {
        return Ok(file);
    }
    println!("bench: generating {table} at scale {scale}");
    // Generated beside and moved, so that a run that was cut off leaves no half file to measure.
    let unfinished = folder.join(format!("sf{scale}.unfinished"));
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    let generator = python.with_file_name("tpchgen-cli");
    process::output(
        Command::new(generator)
            .args([format, "-s", scale])
            .arg(format!("--tables={table}"))
            .arg("--output-dir")
            .arg(&unfinished),
    )?;
    fs::create_dir_all(&data)?;
    fs::rename(unfinished.join(format!("{table}.{format}")), &file)?;
    fs::remove_dir_all(&unfinished)?;
    Ok(file)
}

/// The catalog's changes per second against the disk's syncs, and reading at a size.
fn catalog(root: &Path, size: &[u32]) -> Result<()> {
    let size: Vec<String> = size.iter().map(u32::to_string).collect();
    example(root, "catalog", "figures", &size)
}

/// Exports, reading, lists, publication and a directory table on a SeaweedFS of its own, beside OpenDAL and boto3. A scale
/// below 1 takes fewer objects, files and entries, too.
fn buckets(root: &Path, arguments: &Arguments) -> Result<()> {
    let scale: f64 = arguments
        .scale
        .parse()
        .context("the scale is not a number")?;
    let target = process::target_directory(root)?;
    let folder = target.join("bench");
    let peers = venv::ready(&folder.join("venv"), &PACKAGES)?;
    let parquet = tpch(&folder, &peers, &arguments.scale, "lineitem")?;
    let servers = crate::test::servers(&target)?;
    let work = folder.join("buckets");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    build(root, ["--bin", "stagedoor"], arguments.profile)?;
    let part = |whole: f64| format!("{:.0}", (whole * scale.min(1.0)).max(10.0));
    let mut command = Command::new(built(root, "buckets", arguments.profile)?);
    command
        .arg(&work)
        .arg("--parquet")
        .arg(&parquet)
        .arg("--memory")
        .arg(&parquet)
        .args(["--runs", &arguments.runs.to_string()])
        .args(["--objects", &part(100_000.0), "--files", &part(1_000.0)])
        .args(["--entries", &part(1_000_000.0)])
        .env("STAGEDOOR_PYTHON", &servers)
        .env("STAGEDOOR_WEED", venv::program(&servers, "weed"));
    for scale in &arguments.memory_scale {
        command
            .arg("--memory")
            .arg(tpch(&folder, &peers, scale, "lineitem")?);
    }
    process::run(&mut command)
}

/// The wires beside MariaDB and a bare arrow-flight server. A scale below 1 takes fewer rows, statements and clients.
fn wire(root: &Path, arguments: &Arguments) -> Result<()> {
    let scale: f64 = arguments
        .scale
        .parse()
        .context("the scale is not a number")?;
    let target = process::target_directory(root)?;
    build(root, ["--bin", "stagedoor"], arguments.profile)?;
    let work = target.join("bench/wire");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    let part = |whole: f64| format!("{:.0}", (whole * scale.min(1.0)).max(10.0));
    let mut command = Command::new(built(root, "wire", arguments.profile)?);
    command
        .arg(&work)
        .args(["--runs", &arguments.runs.to_string()])
        .args(["--rows", &part(1_000_000.0)])
        .args(["--statements", &part(20_000.0)])
        .args(["--clients", &part(100.0)])
        .args(["--idle", &part(1_000.0)])
        .env("STAGEDOOR_MARIADB", databases::ready()?.mariadb);
    process::run(&mut command)
}

/// Figures that a crate's own example prints; it works below `target/bench/SECTION`.
fn example(root: &Path, section: &str, name: &str, arguments: &[String]) -> Result<()> {
    let folder = root.join("target/bench").join(section);
    // What an earlier run has left would be measured, too.
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let program = built(root, name, Profile::Release)?;
    process::run(Command::new(program).arg(&folder).args(arguments))
}

/// An example, built.
fn built(root: &Path, example: &str, profile: Profile) -> Result<PathBuf> {
    let folder = build(root, ["--example", example], profile)?;
    Ok(folder.join("examples").join(program(example)))
}
