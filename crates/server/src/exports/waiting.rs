//! Why exports wait whose files are complete and not published yet: told to whoever asks about them, and not kept,
//! for the next try finds out again.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use catalog::ExportRecord;

use crate::error::Error;

/// The reasons, by the ids of the exports.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<HashMap<String, String>>);

impl Waiting {
    /// That the export waits, because of what its last try said.
    pub(crate) fn note(&self, id: &str, error: &Error) {
        let why = error.told().unwrap_or(error.message());
        self.lock().insert(id.to_owned(), why.to_owned());
    }

    /// That there is nothing to wait for any more.
    pub(crate) fn forget(&self, id: &str) {
        self.lock().remove(id);
    }

    /// Forgets all but those that have not ended.
    pub(crate) fn keep(&self, unfinished: &[ExportRecord]) {
        let unfinished: HashSet<&str> = unfinished.iter().map(|export| &*export.id).collect();
        self.lock().retain(|id, _| unfinished.contains(&**id));
    }

    /// A record as it is told: with why it waits, if it does.
    pub(crate) fn told(&self, record: ExportRecord) -> ExportRecord {
        if record.state.is_final() {
            return record;
        }
        let why = self.lock().get(&record.id).cloned();
        ExportRecord {
            error: why
                .map(|why| format!("waits, and is tried again: {why}"))
                .or(record.error),
            ..record
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
