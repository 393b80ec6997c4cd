//! The bar of a running export, on standard error: rows, MB/s, and the time left where the
//! server's planner could estimate the rows. It removes itself when dropped.

use std::time::Duration;

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use proto::v1::ExportProgress;

const TICK: Duration = Duration::from_millis(120);
const UNKNOWN_TEMPLATE: &str = "{spinner} exporting {msg}";
const KNOWN_TEMPLATE: &str = "{spinner} exporting [{bar:20}] {percent:>3}%  {msg}";

/// A bar that shows the newest [`ExportProgress`].
#[derive(Debug)]
pub(crate) struct ExportBar {
    bar: ProgressBar,
}

impl ExportBar {
    /// Draws a bar of unknown length.
    pub(crate) fn begin() -> Self {
        let bar = ProgressBar::new_spinner();
        set_template(&bar, UNKNOWN_TEMPLATE);
        bar.enable_steady_tick(TICK);
        Self { bar }
    }

    /// Shows how far the export is.
    pub(crate) fn update(&self, progress: &ExportProgress) {
        if progress.rows_estimated > 0 {
            if self.bar.length().is_none() {
                set_template(&self.bar, KNOWN_TEMPLATE);
            }
            // An estimate can be too low; a bar beyond its end would mislead.
            self.bar
                .set_length(progress.rows_estimated.max(progress.rows));
        }
        self.bar.set_position(progress.rows);
        self.bar.set_message(describe(progress));
    }

    /// Says that the export is being stopped.
    pub(crate) fn cancelling(&self) {
        set_template(&self.bar, UNKNOWN_TEMPLATE);
        self.bar
            .set_message("is being cancelled; Ctrl-C again leaves at once");
    }
}

impl Drop for ExportBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn set_template(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
}

/// `600,572 rows  12 files  81.2 MB/s  ETA 3 seconds`, with only what is known.
fn describe(progress: &ExportProgress) -> String {
    let mut text = format!("{} rows", HumanCount(progress.rows));
    // Of one file there is nothing to tell before its end.
    if progress.files > 0 {
        text += &format!("  {} files", HumanCount(progress.files));
    }
    if progress.elapsed_ms > 0 {
        let bytes_per_ms = progress.bytes as f64 / progress.elapsed_ms as f64;
        text += &format!("  {:.1} MB/s", bytes_per_ms / 1000.0);
    }
    let rows_left = progress.rows_estimated.saturating_sub(progress.rows);
    if progress.rows > 0 && rows_left > 0 {
        let left_ms = rows_left as f64 * progress.elapsed_ms as f64 / progress.rows as f64;
        text += &format!(
            "  ETA {:#}",
            HumanDuration(Duration::from_millis(left_ms as u64))
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_known() {
        let mut progress = ExportProgress {
            rows: 1_500,
            bytes: 3_000_000,
            ..Default::default()
        };
        assert_eq!(describe(&progress), "1,500 rows");
        progress.elapsed_ms = 1_500;
        assert_eq!(describe(&progress), "1,500 rows  2.0 MB/s");
        progress.rows_estimated = 6_000;
        assert_eq!(describe(&progress), "1,500 rows  2.0 MB/s  ETA 5s");
        progress.files = 12;
        assert_eq!(
            describe(&progress),
            "1,500 rows  12 files  2.0 MB/s  ETA 5s"
        );
    }

    #[test]
    fn a_low_estimate_gives_no_time_left() {
        let progress = ExportProgress {
            rows: 10,
            bytes: 10,
            rows_estimated: 5,
            elapsed_ms: 1,
            files: 0,
        };
        assert_eq!(describe(&progress), "10 rows  0.0 MB/s");
    }
}
