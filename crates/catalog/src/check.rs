//! Checking a catalog that nobody has open: journal, index, audit, and whether records refer to what
//! exists. Nothing is repaired, and each finding says what to do.

mod identities;
mod references;

use std::path::Path;

use crate::Catalog;
use crate::audit::{self, AuditCheck};
use crate::error::{Error, ErrorKind};
use crate::journal::{Journal, Scan};
use crate::store::{Closed, Reader};

/// What a check looked at and found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CheckReport {
    /// How many records the journal has, with the parts of its snapshot.
    pub journal_records: u64,
    /// How many bytes of an unfinished append are at its end; the next opening cuts them.
    pub torn_bytes: u64,
    /// The number of the last mutation in the journal.
    pub last_seq: u64,
    /// The number of the last mutation that the index has; `None` where there is no index, which the
    /// next opening makes.
    pub index_seq: Option<u64>,
    /// How many records the index has.
    pub index_records: u64,
    /// What the proof of the audit says; `None` where the index could not be read.
    pub audit: Option<AuditCheck>,
    /// What is wrong; empty when nothing is.
    pub problems: Vec<Problem>,
}

/// Where something is wrong.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ProblemPlace {
    /// The journal: the truth.
    Journal,
    /// The index, which can be made anew.
    Index,
    /// The chain of the audit.
    Audit,
    /// A record refers to what does not exist.
    References,
}

/// Something that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// Where.
    pub place: ProblemPlace,
    /// What.
    pub what: String,
    /// What to do.
    pub remedy: &'static str,
}

const RESTORE: &str = "restore the catalog from a backup";
const REBUILD: &str = "make the index anew from the journal by a rebuild";
const BRING_BACK: &str =
    "bring back the right journal, or accept the loss by a rebuild, which keeps the index beside";
const REPORT: &str = "compare with a backup, and keep the directory for an examination";

impl Catalog {
    /// Checks the catalog in `dir`, which nobody may have open. Changes no record; sled may tidy the
    /// index's own files.
    ///
    /// What is wrong is in the report. Errors: `NotFound` when there is no catalog, `Locked`, `Io`,
    /// `Unsupported`.
    pub fn check(dir: &Path) -> Result<CheckReport, Error> {
        let _locked = Closed::lock(dir)?;
        let mut report = CheckReport::default();
        let Some(scan) = check_journal(dir, &mut report)? else {
            // Whatever else is wrong, the truth must come back first.
            return Ok(report);
        };
        let closed = match Closed::open(dir) {
            Ok(Some(closed)) => closed,
            Ok(None) => return Ok(report),
            Err(e) => {
                report.add(ProblemPlace::Index, e.to_string(), REBUILD);
                return Ok(report);
            }
        };
        if check_index(&closed, &scan, &mut report)? {
            check_records(&closed, &mut report)?;
        }
        Ok(report)
    }
}

impl CheckReport {
    fn add(&mut self, place: ProblemPlace, what: String, remedy: &'static str) {
        self.problems.push(Problem {
            place,
            what,
            remedy,
        });
    }
}

fn check_journal(dir: &Path, report: &mut CheckReport) -> Result<Option<Scan>, Error> {
    let scan = Journal::scan(dir, |_| {
        report.journal_records += 1;
        Ok(())
    });
    match scan {
        Ok(scan) => {
            report.torn_bytes = scan.torn_bytes;
            report.last_seq = scan.last.seq;
            Ok(Some(scan))
        }
        Err(e) if e.kind() == ErrorKind::Corrupt => {
            report.add(ProblemPlace::Journal, e.to_string(), RESTORE);
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

/// Gives whether the index can be read.
fn check_index(closed: &Closed, scan: &Scan, report: &mut CheckReport) -> Result<bool, Error> {
    let place = ProblemPlace::Index;
    let state = match closed.state() {
        Ok(Some(state)) => state,
        Ok(None) => {
            report.add(place, "the index is not complete".to_owned(), REBUILD);
            return Ok(false);
        }
        Err(e) if e.kind() == ErrorKind::Unsupported => return Err(e),
        Err(e) => {
            report.add(place, e.to_string(), REBUILD);
            return Ok(false);
        }
    };
    report.index_seq = Some(state.applied_seq);
    if state.applied_seq > scan.last.seq {
        let what = format!(
            "the index has record {} where the journal ends with record {}",
            state.applied_seq, scan.last.seq
        );
        report.add(ProblemPlace::Journal, what, BRING_BACK);
    }
    if !state.is_of_this_layout() {
        let what = "the index is of another layout; the next opening makes it anew";
        report.add(place, what.to_owned(), REBUILD);
        return Ok(false);
    }
    match closed.summary(state.place()) {
        Ok(found) => {
            report.index_records = found.keys;
            if !found.holds_as(&state) {
                report.add(place, state.difference(&found), REBUILD);
            }
            Ok(true)
        }
        Err(e) if e.kind() == ErrorKind::Unsupported => Err(e),
        Err(e) => {
            report.add(place, e.to_string(), REBUILD);
            Ok(false)
        }
    }
}

fn check_records(closed: &Closed, report: &mut CheckReport) -> Result<(), Error> {
    let proof = audit::verify(closed)?;
    if let Some(bad) = &proof.bad {
        let what = format!("audit record {}: {}", bad.number, bad.why);
        report.add(ProblemPlace::Audit, what, REPORT);
    }
    report.audit = Some(proof);
    for what in closed.read(references::dangling)? {
        report.add(ProblemPlace::References, what, REPORT);
    }
    Ok(())
}
