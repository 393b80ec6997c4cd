//! `--section export`: the same exports by Stagedoor and by its peers. Same files, same processors, contents compared.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::cases::{self, Case};
use super::contestants::{self, Contestant, Place};
use super::measure::{self, Run};
use super::report::{Measured, Report, Row};
use super::{Arguments, PACKAGES, Profile, THREADS, build, built, program};
use crate::{process, venv};

/// Builds, brings the peers and the data, measures, compares contents, reports.
pub(super) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let scale: f64 = arguments
        .scale
        .parse()
        .context("the scale is not a number")?;
    let cases = cases::chosen(&arguments.case)?;
    let target = process::target_directory(root)?;
    let folder = target.join("bench");
    let python = venv::ready(&folder.join("venv"), &PACKAGES)?;
    let scripts = root.join("xtask/bench");
    let ours = match arguments.peers_only {
        true => None,
        false => {
            let folder = build(root, ["--bin", "stagedoor"], arguments.profile)?;
            Some(folder.join(program("stagedoor")))
        }
    };
    let mut measured = Vec::new();
    for case in cases {
        let parquet = cases::table(&folder, &python, &scripts, &arguments.scale, &case)?;
        let place = Place {
            scripts: scripts.clone(),
            python: python.clone(),
            parquet,
            out: folder.join("out"),
            work: folder.join("work"),
            threads: THREADS,
        };
        let rows = measure_all(&place, &case, ours.as_ref(), arguments.runs)?;
        let case = Measured {
            case,
            parquet_bytes: fs::metadata(&place.parquet)?.len(),
            rows,
        };
        println!("\n{}\n{}", case.table(), case.all_values());
        measured.push(case);
    }
    let is_whole = arguments.case.is_empty() && !arguments.peers_only;
    let report = Report {
        command: format!(
            "cargo xtask bench --scale {} --runs {}",
            arguments.scale, arguments.runs,
        ),
        scale: arguments.scale.clone(),
        threads: THREADS,
        measured,
        encoder: match is_whole {
            true => encoder_figures(root)?,
            false => None,
        },
    };
    println!("{}", report.summary());
    if let Some(encoder) = &report.encoder {
        println!("encoder alone:\n{encoder}");
    }
    let is_small = scale < 1.0;
    if arguments.no_save || !is_whole || is_small || arguments.profile == Profile::Dev {
        println!(
            "docs/benchmarks.md is left as it is: it takes full release runs of scale 1 or more"
        );
        return Ok(());
    }
    fs::write(root.join("docs/benchmarks.md"), report.document()?)
        .context("failed to write docs/benchmarks.md")
}

/// Each contestant once a round, the order turned round from round to round; contents compared in
/// the first round.
fn measure_all(
    place: &Place,
    case: &Case,
    ours: Option<&PathBuf>,
    rounds: u32,
) -> Result<Vec<Row>> {
    fs::create_dir_all(&place.out)?;
    // Read once, so that the first contestant does not pay for a cold page cache.
    fs::read(&place.parquet).with_context(|| format!("failed to read {}", case.table))?;
    let ours = ours.map(|program| contestants::stagedoor(program.clone()));
    let peers = contestants::peers().into_iter();
    let mut rows: Vec<Row> = ours
        .into_iter()
        .chain(peers.filter(|peer| peer.makes(case)))
        .map(Row::new)
        .collect();
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            let row = &mut rows[index];
            let run = measure_one(place, case, row, round)?;
            println!(
                "bench: {}, round {} of {rounds}: {} {}",
                case.name,
                round + 1,
                row.contestant.name,
                run.summary()
            );
            row.runs.push(run);
        }
    }
    Ok(rows)
}

fn measure_one(place: &Place, case: &Case, row: &mut Row, round: u32) -> Result<Run> {
    let contestant = &row.contestant;
    let file = place.target(contestant, case);
    if file.exists() {
        fs::remove_file(&file)?;
    }
    let command = contestant.prepare(place, case)?;
    let run = measure::run(place, contestant.name, &command)?;
    row.file_bytes = fs::metadata(&file)
        .with_context(|| format!("{} wrote no {}", contestant.name, file.display()))?
        .len();
    if round == 0 {
        compare(place, case, contestant, &file)?;
    }
    // Not kept: several of these at scale 10 would fill a disk.
    fs::remove_file(&file)?;
    Ok(run)
}

fn compare(place: &Place, case: &Case, contestant: &Contestant, file: &Path) -> Result<()> {
    let (escape, null) = contestant.reading(case);
    let output = Command::new(&place.python)
        .arg(place.scripts.join("compare.py"))
        .arg(&place.parquet)
        .args([escape, null])
        .arg(file)
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
    let program = built(root, EXAMPLE, Profile::Release)?;
    let output = process::output(&mut Command::new(program))?;
    Ok(Some(output.trim_end().to_owned()))
}
