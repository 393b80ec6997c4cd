//! The states of an export, and which step between them is allowed: admitted, running, prepared,
//! committed; failed or cancelled from any state before prepared; failed, for a reason, from prepared, when nothing
//! could be published.

use super::ExportRecord;
use crate::error::Error;

/// How far an export is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ExportState {
    /// Recorded; nothing is written yet.
    Admitted,
    /// Its query runs, and temporary files are written.
    Running,
    /// All files are whole and known; from here on it is brought to its end, also after a crash.
    Prepared,
    /// Published. Final.
    Committed,
    /// Given up; nothing is published. Final.
    Failed,
    /// Given up on demand; nothing is published. Final.
    Cancelled,
}

impl ExportState {
    /// Whether nothing follows.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            ExportState::Committed | ExportState::Failed | ExportState::Cancelled
        )
    }
}

/// Checks the step from one record to the next.
pub(super) fn check(before: &ExportRecord, after: &ExportRecord) -> Result<(), Error> {
    use ExportState::{Admitted, Cancelled, Committed, Failed, Prepared, Running};
    let allowed = match (before.state, after.state) {
        (Committed | Failed | Cancelled, _) => false,
        (Admitted, Running | Failed | Cancelled)
        | (Running, Prepared | Failed | Cancelled)
        | (Prepared, Committed) => true,
        // Its caller answers for it that nothing is published, and says why.
        (Prepared, Failed) => after.error.is_some(),
        (from, to) => from == to,
    };
    if allowed {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "the export {} is {}, it cannot become {}",
        before.id,
        word(before.state),
        word(after.state)
    )))
}

fn word(state: ExportState) -> &'static str {
    match state {
        ExportState::Admitted => "admitted",
        ExportState::Running => "running",
        ExportState::Prepared => "prepared",
        ExportState::Committed => "committed",
        ExportState::Failed => "failed",
        ExportState::Cancelled => "cancelled",
    }
}
