//! What changes answer, remembered as ids and versions of records; of stages these versions are read again.

use super::RequestRecord;
use crate::answers::Altered;
use crate::error::Error;
use crate::keys;
use crate::options::{CreateOutcome, Created};
use crate::stages::StageRecord;
use crate::store::View;

/// What a request did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// It made each record that was answered, or a version of it.
    Changed,
    /// The same, in the place of the definition before.
    Replaced,
    /// There was nothing to change.
    Unchanged,
}

/// An answer that can be given again.
pub(crate) trait Answer: Sized {
    fn outcome(&self) -> Outcome;

    /// Id and version of each record in it.
    fn records(&self) -> Vec<(u64, u64)>;

    /// How many things it counts.
    fn count(&self) -> u64 {
        0
    }

    /// The answer that was remembered. Errors: `NotFound` when a version of it was removed since.
    fn again(
        view: View<'_>,
        account: &str,
        key: &str,
        before: &RequestRecord,
    ) -> Result<Self, Error>;
}

impl Answer for Vec<StageRecord> {
    fn outcome(&self) -> Outcome {
        Outcome::Changed
    }

    fn records(&self) -> Vec<(u64, u64)> {
        self.iter().map(at).collect()
    }

    fn again(
        view: View<'_>,
        account: &str,
        key: &str,
        before: &RequestRecord,
    ) -> Result<Self, Error> {
        let versions = before.records.iter();
        versions
            .map(|&(id, version)| {
                let record = view.get(&keys::stage_version(account, id, version))?;
                record.ok_or_else(|| {
                    Error::not_found(format!(
                        "the request {key:?} was done, but version {version} of the stage that it answered is no longer kept"
                    ))
                })
            })
            .collect()
    }
}

impl Answer for StageRecord {
    fn outcome(&self) -> Outcome {
        Outcome::Changed
    }

    fn records(&self) -> Vec<(u64, u64)> {
        vec![at(self)]
    }

    fn again(
        view: View<'_>,
        account: &str,
        key: &str,
        before: &RequestRecord,
    ) -> Result<Self, Error> {
        let mut records = Vec::again(view, account, key, before)?;
        records
            .pop()
            .ok_or_else(|| Error::corrupt(format!("the request {key:?} names no stage")))
    }
}

impl Answer for Altered<StageRecord> {
    fn outcome(&self) -> Outcome {
        if self.changed {
            Outcome::Changed
        } else {
            Outcome::Unchanged
        }
    }

    fn records(&self) -> Vec<(u64, u64)> {
        self.record.records()
    }

    fn again(
        view: View<'_>,
        account: &str,
        key: &str,
        before: &RequestRecord,
    ) -> Result<Self, Error> {
        let record = StageRecord::again(view, account, key, before)?;
        Ok(match before.outcome {
            Outcome::Changed | Outcome::Replaced => Altered::new(record),
            Outcome::Unchanged => Altered::unchanged(record),
        })
    }
}

impl Answer for Created<StageRecord> {
    fn outcome(&self) -> Outcome {
        match self.outcome {
            CreateOutcome::Created => Outcome::Changed,
            CreateOutcome::Replaced => Outcome::Replaced,
            CreateOutcome::Kept => Outcome::Unchanged,
        }
    }

    fn records(&self) -> Vec<(u64, u64)> {
        // What was replaced first: the answer is the last.
        let replaced = self.replaced.iter();
        replaced.chain([&self.record]).map(at).collect()
    }

    fn again(
        view: View<'_>,
        account: &str,
        key: &str,
        before: &RequestRecord,
    ) -> Result<Self, Error> {
        let mut records: Vec<StageRecord> = Vec::again(view, account, key, before)?;
        let corrupt = || Error::corrupt(format!("the request {key:?} names too few stages"));
        let record = records.pop().ok_or_else(corrupt)?;
        Ok(match before.outcome {
            Outcome::Changed => Created::new(record),
            Outcome::Replaced => Created::replaced(record, records.pop().ok_or_else(corrupt)?),
            Outcome::Unchanged => Created::kept(record),
        })
    }
}

fn at(record: &StageRecord) -> (u64, u64) {
    (record.id, record.version)
}
