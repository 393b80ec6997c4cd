//! Lines of files that are no rows of the table, and are left out instead of ending the query.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::left_lines::{LeftLine, LeftLines};
use crate::error::Error;
use crate::tables::RowSource;

/// Lines that are told; of all others only the count is.
const TOLD_LINES_MAX: usize = 20;
/// Characters of a line that are told.
const TOLD_CHARS_MAX: usize = 128;

/// Asks for lines to be left out, and tells of those that were. Clones are of one count.
#[derive(Debug, Clone)]
pub struct LeftOut(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: Option<u64>,
    count: AtomicU64,
    first: Mutex<Vec<Told>>,
    /// Where all of them are kept, if they are.
    kept: Option<Arc<LeftLines>>,
}

/// A line that was left out: its place, by which lines are sorted, and what was wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    file: String,
    line: u64,
    text: String,
}

impl PartialEq for LeftOut {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for LeftOut {}

impl LeftOut {
    /// At most so many lines; the next one is an error. `None` is any number.
    #[must_use]
    pub fn new(most: Option<u64>) -> Self {
        Self(Arc::new(Shared {
            most,
            count: AtomicU64::new(0),
            first: Mutex::default(),
            kept: None,
        }))
    }

    /// The same, and each line is kept on the disk, in a file of `folder` that goes with this; of `bytes_max` at most.
    ///
    /// # Errors
    /// Io if the file cannot be made.
    pub(crate) fn kept_in(folder: &Path, bytes_max: u64, most: Option<u64>) -> Result<Self, Error> {
        Ok(Self(Arc::new(Shared {
            most,
            count: AtomicU64::new(0),
            first: Mutex::default(),
            kept: Some(Arc::new(LeftLines::create(folder, bytes_max)?)),
        })))
    }

    /// Those that were left out so far, as rows: `file`, `line`, `column`, `reason`, `text`; `None` where they are not
    /// kept.
    #[must_use]
    pub fn rows(&self) -> Option<Arc<dyn RowSource>> {
        let kept = self.0.kept.as_ref()?;
        Some(Arc::clone(kept) as Arc<dyn RowSource>)
    }

    /// How many were left out so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.count.load(Ordering::SeqCst)
    }

    /// What was wrong with the first ones, in the files' order: 20 at most.
    #[must_use]
    pub fn told(&self) -> Vec<String> {
        let first = self.0.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.iter().map(|told| told.text.clone()).collect()
    }

    /// Leaves a line out.
    ///
    /// # Errors
    /// The error itself, if these are too many.
    pub(super) fn note(
        &self,
        file: &str,
        line: u64,
        error: Error,
        written: &str,
    ) -> Result<(), Error> {
        let count = self.0.count.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(most) = self.0.most.filter(|most| count > *most) {
            let more =
                format!("more than {most} lines are no rows of the table, the last of them: ");
            return Err(error.before(&more));
        }
        if let Some(kept) = &self.0.kept {
            let reason = error.to_string();
            // What the columns of the row say already.
            let place = format!(" (file '{file}', line {line})");
            kept.add(&LeftLine {
                file: file.to_owned(),
                line,
                column: error.column().map(str::to_owned),
                reason: reason.strip_suffix(&place).unwrap_or(&reason).to_owned(),
                text: written.to_owned(),
            })?;
        }
        let mut first = self.0.first.lock().unwrap_or_else(PoisonError::into_inner);
        if first.len() == TOLD_LINES_MAX
            && first
                .last()
                .is_some_and(|last| (last.file.as_str(), last.line) < (file, line))
        {
            return Ok(());
        }
        let shown: String = written.chars().take(TOLD_CHARS_MAX).collect();
        first.push(Told {
            file: file.to_owned(),
            line,
            text: format!("{error}: {shown}"),
        });
        first.sort();
        first.truncate(TOLD_LINES_MAX);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{LeftOut, TOLD_LINES_MAX};
    use crate::error::Error;

    #[test]
    fn the_first_lines_are_told_whichever_order_they_come_in() {
        let left_out = LeftOut::new(None);
        for line in (1..=100).rev() {
            let error = Error::invalid(format!("wrong {line}"));
            left_out.note("f", line, error, "x").unwrap();
        }
        let told = left_out.told();
        assert_eq!((left_out.count(), told.len()), (100, TOLD_LINES_MAX));
        assert_eq!(
            (told[0].as_str(), told[19].as_str()),
            ("wrong 1: x", "wrong 20: x")
        );
    }

    #[test]
    fn more_than_are_allowed_are_an_error() {
        let left_out = LeftOut::new(Some(1));
        left_out.note("f", 1, Error::invalid("wrong"), "x").unwrap();
        let error = left_out
            .note("f", 2, Error::invalid("worse"), "x")
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "more than 1 lines are no rows of the table, the last of them: worse"
        );
    }
}
