//! The figures as text: a table with ratios, all values, and docs/benchmarks.md.
//! A ratio is a peer's time over stagedoor's, so 2 means that stagedoor is twice as fast.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use anyhow::Result;

use super::contestants::Contestant;
use super::measure::Run;
use crate::process;

/// One contestant and all its runs.
pub(super) struct Row {
    pub(super) contestant: Contestant,
    pub(super) csv_bytes: u64,
    pub(super) runs: Vec<Run>,
}

impl Row {
    pub(super) fn new(contestant: Contestant) -> Self {
        Self {
            contestant,
            csv_bytes: 0,
            runs: Vec::new(),
        }
    }

    /// The shortest wall time.
    fn wall_s(&self) -> f64 {
        self.runs
            .iter()
            .map(|run| run.wall_s)
            .fold(f64::INFINITY, f64::min)
    }

    /// The shortest time of the statement, if the contestant tells it.
    fn statement_s(&self) -> Option<f64> {
        self.runs
            .iter()
            .filter_map(|run| run.statement_s)
            .min_by(f64::total_cmp)
    }

    fn cpu_s(&self) -> f64 {
        self.runs
            .iter()
            .map(|run| run.cpu_s)
            .fold(f64::INFINITY, f64::min)
    }

    /// The highest peak, not the lowest: memory is promised as a bound.
    fn rss_max_bytes(&self) -> u64 {
        self.runs
            .iter()
            .map(|run| run.rss_max_bytes)
            .max()
            .unwrap_or(0)
    }

    fn version(&self) -> &str {
        self.runs
            .iter()
            .find_map(|run| run.version.as_deref())
            .unwrap_or(if self.contestant.is_stagedoor() {
                env!("CARGO_PKG_VERSION")
            } else {
                "?"
            })
    }
}

/// All that was measured, and how.
pub(super) struct Report {
    pub(super) command: String,
    pub(super) scale: String,
    pub(super) threads: usize,
    pub(super) parquet_bytes: u64,
    pub(super) rows: Vec<Row>,
    /// What the exporter's example printed.
    pub(super) encoder: Option<String>,
}

impl Report {
    /// Best values and ratios, as a Markdown table.
    pub(super) fn table(&self) -> String {
        let ours = self.rows.iter().find(|row| row.contestant.is_stagedoor());
        let mut text = String::from(
            "| | version | wall s | statement s | CPU s | peak RSS MB | CSV MB/s | wall ÷ ours | statement ÷ ours | statement ÷ our wall |\n\
             |---|---|---|---|---|---|---|---|---|---|\n",
        );
        for row in &self.rows {
            let our_statement_s = ours.and_then(Row::statement_s);
            let our_wall_s = ours.map(Row::wall_s);
            let _infallible = writeln!(
                text,
                "| {} | {} | {:.2} | {} | {:.2} | {} | {:.0} | {} | {} | {} |",
                row.contestant.name,
                row.version(),
                row.wall_s(),
                number(row.statement_s()),
                row.cpu_s(),
                row.rss_max_bytes() / 1_000_000,
                row.csv_bytes as f64 / 1e6 / row.statement_s().unwrap_or(row.wall_s()),
                number(ratio(Some(row.wall_s()), our_wall_s)),
                number(ratio(row.statement_s(), our_statement_s)),
                number(ratio(row.statement_s(), our_wall_s)),
            );
        }
        text
    }

    /// Every run of every contestant.
    pub(super) fn all_values(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let runs: Vec<String> = row.runs.iter().map(Run::summary).collect();
            let _infallible = writeln!(text, "- {}: {}", row.contestant.name, runs.join("; "));
        }
        text
    }

    /// docs/benchmarks.md: figures with the machine, the versions, the date and the command.
    pub(super) fn document(&self) -> Result<String> {
        let mut text = format!(
            "# Benchmarks\n\n\
             Written by `{}` on {}. Figures of one run, on one machine; compare ratios, not seconds.\n\n\
             Machine: {}.\n\n\
             ## TPC-H lineitem, scale {}: Parquet ({} MB) to a CSV file\n\n\
             Each contestant is a process of its own on {} processors (affinity, and its own setting of\n\
             threads), `sync` before each, the order turned round from round to round. *Wall* is the whole\n\
             process; *statement* is the export alone by the contestant's own clock, without its start.\n\
             Best of the rounds for times, worst for memory. A ratio above 1 means stagedoor is faster.\n\
             `statement ÷ our wall` is the strictest: the peer without its start, stagedoor with it.\n\
             Stagedoor also syncs the file, digests it (SHA-256) and records the export; the peers do not.\n\
             Contents were equal to the Parquet file's: rows, and per column count, least, greatest, sum, hash.\n\n\
             {}\n## What each ran\n\n",
            self.command,
            today()?,
            machine(),
            self.scale,
            self.parquet_bytes / 1_000_000,
            self.threads,
            self.table(),
        );
        for row in &self.rows {
            let _infallible =
                writeln!(text, "- {}: `{}`", row.contestant.name, row.contestant.what);
        }
        let _infallible = write!(text, "\n## All values\n\n{}", self.all_values());
        if let Some(encoder) = &self.encoder {
            let _infallible = write!(
                text,
                "\n## The CSV encoder alone, beside arrow-csv's writer\n\n```text\n{encoder}\n```\n"
            );
        }
        Ok(text)
    }
}

fn ratio(theirs: Option<f64>, ours: Option<f64>) -> Option<f64> {
    Some(theirs? / ours?)
}

fn number(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.2}"))
}

fn today() -> Result<String> {
    let date = process::output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    Ok(date.trim().to_owned())
}

/// Processor, memory and kernel, as far as the machine tells.
fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let value = |text: &str, name: &str| {
        text.lines()
            .find_map(|line| {
                let (key, value) = line.split_once(':')?;
                (key.trim() == name).then(|| value.trim().to_owned())
            })
            .unwrap_or_else(|| "unknown".to_owned())
    };
    format!(
        "{} × {}, memory {}, Linux {}",
        std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        value(&processors, "model name"),
        value(&memory, "MemTotal"),
        kernel.trim()
    )
}

#[cfg(test)]
mod tests {
    use super::{Report, Row, ratio};
    use crate::bench::contestants;
    use crate::bench::measure::Run;

    fn run(wall_s: f64, statement_s: Option<f64>, rss_max_bytes: u64) -> Run {
        Run {
            wall_s,
            cpu_s: 1.0,
            rss_max_bytes,
            statement_s,
            version: None,
        }
    }

    #[test]
    fn the_table_takes_best_times_worst_memory_and_ratios_to_ours() {
        let mut ours = Row::new(contestants::stagedoor("stagedoor".into()));
        ours.runs = vec![
            run(2.0, Some(1.0), 80_000_000),
            run(1.0, Some(1.5), 90_000_000),
        ];
        let mut theirs = Row::new(contestants::peers().remove(0));
        theirs.runs = vec![run(5.0, Some(3.0), 500_000_000), run(3.0, Some(4.0), 1)];
        let report = Report {
            command: "cargo xtask bench".to_owned(),
            scale: "1".to_owned(),
            threads: 2,
            parquet_bytes: 1,
            rows: vec![ours, theirs],
            encoder: None,
        };
        let table = report.table();
        let last = table.lines().last().unwrap_or_default();
        assert_eq!(
            last,
            "| polars | ? | 3.00 | 3.00 | 1.00 | 500 | 0 | 3.00 | 3.00 | 3.00 |"
        );
        let document = report.document().unwrap_or_default();
        assert!(document.contains("# Benchmarks\n") && document.contains(&table));
    }

    #[test]
    fn there_is_no_ratio_to_an_unknown_time() {
        assert_eq!(ratio(Some(3.0), Some(1.5)), Some(2.0));
        assert_eq!(ratio(Some(3.0), None), None);
        assert_eq!(ratio(None, Some(1.0)), None);
    }
}
