//! `cargo xtask bench`: one export, TPC-H `lineitem` from Parquet to CSV, by Stagedoor and by its peers.
//! Same file, same processors, contents compared; the last figures are kept in docs/benchmarks.md.

mod contestants;
mod measure;
mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{self, cargo};
use crate::{databases, venv};
use contestants::{Contestant, Place};
use measure::Run;
use report::{Report, Row};

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
    /// statement without one, `buckets` against OpenDAL and boto3 on a SeaweedFS, or `wire` against MariaDB and a bare
    /// arrow-flight server (all but the first are printed only)
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
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Profile {
    Release,
    Dev,
}

/// Builds, brings the peers and the data, measures, compares contents, reports.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    match arguments.section {
        Section::Export => export(root, arguments),
        Section::Catalog => catalog(root, &arguments.size),
        Section::Gate => example(root, "gate", "gate", &[]),
        Section::Buckets => buckets(root, arguments),
        Section::Wire => wire(root, arguments),
    }
}

fn export(root: &Path, arguments: &Arguments) -> Result<()> {
    let scale: f64 = arguments
        .scale
        .parse()
        .context("the scale is not a number")?;
    let target = process::target_directory(root)?;
    let folder = target.join("bench");
    let python = venv::ready(&folder.join("venv"), &PACKAGES)?;
    let parquet = lineitem(&folder, &python, &arguments.scale)?;
    let place = Place {
        scripts: root.join("xtask/bench"),
        python,
        parquet,
        out: folder.join("out"),
        work: folder.join("work"),
        threads: THREADS,
    };
    let mut contestants = contestants::peers();
    if !arguments.peers_only {
        let folder = build(root, ["--bin", "stagedoor"], arguments.profile)?;
        let program = folder.join(program("stagedoor"));
        contestants.insert(0, contestants::stagedoor(program));
    }
    let rows = measure_all(&place, contestants, arguments.runs)?;
    let encoder = match arguments.peers_only {
        true => None,
        false => encoder_figures(root)?,
    };

    let report = Report {
        command: format!(
            "cargo xtask bench --scale {} --runs {}{}",
            arguments.scale,
            arguments.runs,
            if arguments.profile == Profile::Dev {
                " --profile dev"
            } else {
                ""
            }
        ),
        scale: arguments.scale.clone(),
        threads: THREADS,
        parquet_bytes: fs::metadata(&place.parquet)?.len(),
        rows,
        encoder,
    };
    println!("\n{}", report.table());
    println!("{}", report.all_values());
    if let Some(encoder) = &report.encoder {
        println!("encoder alone:\n{encoder}");
    }
    let is_small = scale < 1.0;
    if arguments.no_save || arguments.peers_only || is_small || arguments.profile == Profile::Dev {
        println!(
            "docs/benchmarks.md is left as it is: it takes full release runs of scale 1 or more"
        );
        return Ok(());
    }
    fs::write(root.join("docs/benchmarks.md"), report.document()?)
        .context("failed to write docs/benchmarks.md")
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

/// The table as one Parquet file, generated if it is not there yet.
fn lineitem(folder: &Path, python: &Path, scale: &str) -> Result<PathBuf> {
    let data = folder.join(format!("sf{scale}"));
    let parquet = data.join("lineitem.parquet");
    if parquet.exists() {
        return Ok(parquet);
    }
    println!("bench: generating lineitem at scale {scale}");
    // Generated beside and moved, so that a run that was cut off leaves no half file to measure.
    let unfinished = folder.join(format!("sf{scale}.unfinished"));
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    let generator = python.with_file_name("tpchgen-cli");
    process::output(
        Command::new(generator)
            .args(["parquet", "-s", scale, "--tables=lineitem", "--output-dir"])
            .arg(&unfinished),
    )?;
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    fs::rename(&unfinished, &data)?;
    Ok(parquet)
}

/// Each contestant once a round, the order turned round from round to round; contents compared in
/// the first round.
fn measure_all(place: &Place, contestants: Vec<Contestant>, rounds: u32) -> Result<Vec<Row>> {
    fs::create_dir_all(&place.out)?;
    // Read once, so that the first contestant does not pay for a cold page cache.
    fs::read(&place.parquet).context("failed to read lineitem.parquet")?;
    let mut rows: Vec<Row> = contestants.into_iter().map(Row::new).collect();
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            let row = &mut rows[index];
            let run = measure_one(place, row, round)?;
            println!(
                "bench: round {} of {rounds}: {} {}",
                round + 1,
                row.contestant.name,
                run.summary()
            );
            row.runs.push(run);
        }
    }
    Ok(rows)
}

fn measure_one(place: &Place, row: &mut Row, round: u32) -> Result<Run> {
    let contestant = &row.contestant;
    let csv = place.csv(contestant);
    if csv.exists() {
        fs::remove_file(&csv)?;
    }
    let command = contestant.prepare(place)?;
    let run = measure::run(place, contestant, &command)?;
    row.csv_bytes = fs::metadata(&csv)
        .with_context(|| format!("{} wrote no {}", contestant.name, csv.display()))?
        .len();
    if round == 0 {
        compare(place, contestant, &csv)?;
    }
    // Not kept: several of these at scale 10 would fill a disk.
    fs::remove_file(&csv)?;
    Ok(run)
}

fn compare(place: &Place, contestant: &Contestant, csv: &Path) -> Result<()> {
    let output = Command::new(&place.python)
        .arg(place.scripts.join("compare.py"))
        .arg(&place.parquet)
        .arg(format!("{}=\"={}", contestant.name, csv.display()))
        .output()
        .context("failed to start compare.py")?;
    if !output.status.success() {
        bail!(
            "the output of {} differs from the Parquet file: {}{}",
            contestant.name,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// What the exporter's own example measures: its encoder beside arrow-csv's writer, from memory.
fn encoder_figures(root: &Path) -> Result<Option<String>> {
    const EXAMPLE: &str = "encode_lineitem";
    let source = root.join(format!("crates/exporter/examples/{EXAMPLE}.rs"));
    if !source.exists() {
        println!(
            "not run: the encoder alone ({} does not exist)",
            source.display()
        );
        return Ok(None);
    }
    let output = process::output(&mut Command::new(built(root, EXAMPLE, Profile::Release)?))?;
    Ok(Some(output.trim_end().to_owned()))
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
    let parquet = lineitem(&folder, &peers, &arguments.scale)?;
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
            .arg(lineitem(&folder, &peers, scale)?);
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
