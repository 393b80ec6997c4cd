//! One measured run: wall, CPU and memory from outside the process, the statement's time from inside.
//! `run_one.py` does the outside by `wait4`; contestants print the inside as JSON.

use std::ffi::OsString;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::contestants::Place;
use crate::process;

/// The figures of one run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    /// Of the whole process, start to exit.
    pub(super) wall_s: f64,
    /// User and system.
    pub(super) cpu_s: f64,
    pub(super) rss_max_bytes: u64,
    /// Of the export alone, by the contestant's own clock, if it tells.
    pub(super) statement_s: Option<f64>,
    /// What the contestant says it is, if it tells.
    pub(super) version: Option<String>,
}

impl Run {
    pub(super) fn summary(&self) -> String {
        let statement = self
            .statement_s
            .map_or("?".to_owned(), |seconds| format!("{seconds:.2}"));
        format!(
            "wall {:.2} s, statement {statement} s, CPU {:.2} s, {} MB",
            self.wall_s,
            self.cpu_s,
            self.rss_max_bytes / 1_000_000
        )
    }
}

/// Runs the command on so many processors; a failure quotes the end of what it printed.
pub(super) fn run(place: &Place, name: &str, command: &[OsString]) -> Result<Run> {
    let log = place.out.join(format!("{name}.log"));
    let measured = process::output(
        Command::new(&place.python)
            .arg(place.scripts.join("run_one.py"))
            .arg(place.threads.to_string())
            .arg(&log)
            .arg("--")
            .args(command),
    )?;
    let printed = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let figures: Value =
        serde_json::from_str(measured.trim()).context("run_one.py printed no JSON")?;
    let exit = figures["exit"].as_i64();
    if exit != Some(0) {
        let lines: Vec<&str> = printed.lines().collect();
        let end = lines[lines.len().saturating_sub(20)..].join("\n");
        bail!("{name} failed (exit {exit:?}):\n{end}");
    }
    if figures["cpus"].as_u64() != Some(place.threads as u64) {
        bail!(
            "this machine has only {} processors for {} threads",
            figures["cpus"],
            place.threads
        );
    }
    let number = |figure: &str| {
        figures[figure]
            .as_f64()
            .with_context(|| format!("run_one.py did not print {figure}"))
    };
    let documents = json_documents(&printed);
    Ok(Run {
        wall_s: number("wall_s")?,
        cpu_s: number("user_s")? + number("sys_s")?,
        rss_max_bytes: figures["rss_max_kib"]
            .as_u64()
            .context("run_one.py did not print rss_max_kib")?
            * 1024,
        statement_s: documents.iter().rev().find_map(statement_seconds),
        version: documents
            .iter()
            .find_map(|document| document["version"].as_str().map(str::to_owned)),
    })
}

/// Every JSON document in the output: one a line, or one over all lines.
fn json_documents(printed: &str) -> Vec<Value> {
    if let Ok(document) = serde_json::from_str(printed) {
        return vec![document];
    }
    printed
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// The statement's time, wherever in the document: `statement_s`, or stagedoor's `elapsed_ms` or
/// `seconds`.
fn statement_seconds(document: &Value) -> Option<f64> {
    match document {
        Value::Object(fields) => fields
            .get("statement_s")
            .or_else(|| fields.get("seconds"))
            .and_then(Value::as_f64)
            .or_else(|| {
                let elapsed_ms = fields.get("elapsed_ms").and_then(Value::as_f64)?;
                Some(elapsed_ms / 1000.0)
            })
            .or_else(|| fields.values().rev().find_map(statement_seconds)),
        Value::Array(items) => items.iter().rev().find_map(statement_seconds),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{json_documents, statement_seconds};

    fn seconds(printed: &str) -> Option<f64> {
        json_documents(printed)
            .iter()
            .rev()
            .find_map(statement_seconds)
    }

    #[test]
    fn the_statements_time_is_found_wherever_it_is_told() {
        let peer = "a warning\n{\"version\": \"2.1.0\", \"statement_s\": 0.5}\n";
        assert_eq!(seconds(peer), Some(0.5));
        let lines = "{\"verb\":\"CREATE STAGE\"}\n{\"export\":{\"rows\":5,\"elapsed_ms\":1250}}\n";
        assert_eq!(seconds(lines), Some(1.25));
        let pretty = "[\n {\"rows\": []},\n {\"export\": {\"seconds\": 2}}\n]\n";
        assert_eq!(seconds(pretty), Some(2.0));
        assert_eq!(seconds("OK, 5 rows\n"), None);
    }
}
