//! The figures as text: a table with ratios, all values, and docs/benchmarks.md.
//! A ratio is a peer's time over stagedoor's, so 2 means that stagedoor is twice as fast.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use anyhow::Result;

use super::cases::{Case, Format};
use super::contestants::Contestant;
use super::measure::Run;
use crate::process;

/// One contestant and all its runs.
pub(super) struct Row {
    pub(super) contestant: Contestant,
    pub(super) file_bytes: u64,
    pub(super) runs: Vec<Run>,
}

impl Row {
    pub(super) fn new(contestant: Contestant) -> Self {
        Self {
            contestant,
            file_bytes: 0,
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

    /// Of the statement, or of the whole process where it does not tell.
    fn shortest_s(&self) -> f64 {
        self.statement_s().unwrap_or(self.wall_s())
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
    pub(super) measured: Vec<Measured>,
    /// What the exporter's example printed.
    pub(super) encoder: Option<String>,
}

/// One case, by all who can make it.
pub(super) struct Measured {
    pub(super) case: Case,
    pub(super) parquet_bytes: u64,
    pub(super) rows: Vec<Row>,
}

impl Measured {
    fn ours(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.contestant.is_stagedoor())
    }

    /// The peer whose statement took the shortest.
    fn best_peer(&self) -> Option<&Row> {
        self.rows
            .iter()
            .filter(|row| !row.contestant.is_stagedoor())
            .min_by(|a, b| a.shortest_s().total_cmp(&b.shortest_s()))
    }

    fn heading(&self) -> String {
        let format = match self.case.format {
            Format::Csv => "CSV",
            Format::CsvGzip => "CSV in gzip",
            Format::CsvZstd => "CSV in zstd",
            Format::Jsonline => "JSONLINE",
            Format::Parquet => "Parquet in zstd",
        };
        format!(
            "{}: {} from Parquet ({} MB) to {format}",
            self.case.name,
            self.case.table,
            self.parquet_bytes / 1_000_000
        )
    }

    /// Best values and ratios, as a Markdown table.
    pub(super) fn table(&self) -> String {
        let ours = self.ours();
        let mut text = String::from(
            "| | version | wall s | statement s | CPU s | peak RSS MB | file MB | wall ÷ ours | statement ÷ ours | statement ÷ our wall |\n\
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
                row.file_bytes as f64 / 1e6,
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
}

impl Report {
    /// A line for each case: ours beside the best of the peers.
    pub(super) fn summary(&self) -> String {
        let mut text = String::from(
            "| | statement s | the best peer | its statement s | statement ÷ ours | statement ÷ our wall | peak RSS MB | its | file MB | its |\n\
             |---|---|---|---|---|---|---|---|---|---|\n",
        );
        for measured in &self.measured {
            let (Some(ours), Some(peer)) = (measured.ours(), measured.best_peer()) else {
                continue;
            };
            let _infallible = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {:.0} | {:.0} |",
                measured.case.name,
                number(ours.statement_s()),
                peer.contestant.name,
                number(peer.statement_s()),
                number(ratio(peer.statement_s(), ours.statement_s())),
                number(ratio(peer.statement_s(), Some(ours.wall_s()))),
                ours.rss_max_bytes() / 1_000_000,
                peer.rss_max_bytes() / 1_000_000,
                ours.file_bytes as f64 / 1e6,
                peer.file_bytes as f64 / 1e6,
            );
        }
        text
    }

    /// docs/benchmarks.md: figures with the machine, the versions, the date and the command.
    pub(super) fn document(&self) -> Result<String> {
        let mut text = format!(
            "# Benchmarks\n\n\
             Written by `{}` on {}. Figures of one run, on one machine; compare ratios, not seconds.\n\n\
             Machine: {}.\n\n\
             Each export is from a Parquet file to one file; `lineitem` and `orders` are TPC-H's at scale {}, the other\n\
             tables are made by `xtask/bench/tables.py`. Each contestant is a process of its own on {} processors (affinity, and its own setting of\n\
             threads), `sync` before each, the order turned round from round to round. *Wall* is the whole\n\
             process; *statement* is the export alone by the contestant's own clock, without its start.\n\
             Best of the rounds for times, worst for memory. A ratio above 1 means stagedoor is faster.\n\
             `statement ÷ our wall` is the strictest: the peer without its start, stagedoor with it.\n\
             Stagedoor also syncs the file, digests it (SHA-256) and records the export; the peers do not.\n\
             Contents were equal to the Parquet file's: rows, and per column count, least, greatest, sum, hash.\n\n\
             {}\n## What each ran\n\n\
             For CSV; the other formats by the same statement with another suffix (`xtask/bench/peer_*.py`), compressed as each does unasked.\n\
             Of the case `text` Stagedoor writes RFC 4180, which DuckDB reads back to compare.\n\n",
            self.command,
            today()?,
            machine(),
            self.scale,
            self.threads,
            self.summary(),
        );
        for row in self.measured.iter().take(1).flat_map(|first| &first.rows) {
            let _infallible =
                writeln!(text, "- {}: `{}`", row.contestant.name, row.contestant.what);
        }
        for measured in &self.measured {
            let _infallible = write!(
                text,
                "\n## {}\n\n{}\n{}",
                measured.heading(),
                measured.table(),
                measured.all_values()
            );
        }
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
    use super::{Measured, Report, Row, ratio};
    use crate::bench::measure::Run;
    use crate::bench::{cases, contestants};

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
        let case = cases::chosen(&["lineitem".to_owned()]).unwrap_or_default()[0];
        let measured = Measured {
            case,
            parquet_bytes: 1,
            rows: vec![ours, theirs],
        };
        let table = measured.table();
        let last = table.lines().last().unwrap_or_default();
        assert_eq!(
            last,
            "| polars | ? | 3.00 | 3.00 | 1.00 | 500 | 0 | 3.00 | 3.00 | 3.00 |"
        );
        let report = Report {
            command: "cargo xtask bench".to_owned(),
            scale: "1".to_owned(),
            threads: 2,
            measured: vec![measured],
            encoder: None,
        };
        let summary = report.summary();
        assert_eq!(
            summary.lines().last(),
            Some("| lineitem | 1.00 | polars | 3.00 | 3.00 | 3.00 | 90 | 500 | 0 | 0 |")
        );
        let document = report.document().unwrap_or_default();
        assert!(document.contains("# Benchmarks\n") && document.contains(&summary));
        assert!(document.contains(&table));
    }

    #[test]
    fn there_is_no_ratio_to_an_unknown_time() {
        assert_eq!(ratio(Some(3.0), Some(1.5)), Some(2.0));
        assert_eq!(ratio(Some(3.0), None), None);
        assert_eq!(ratio(None, Some(1.0)), None);
    }
}
