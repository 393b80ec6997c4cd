//! Checking a catalog that nobody has open: journal, index, audit, and whether records refer to what
//! exists. Nothing is repaired, and each finding says what to do.

mod identities;
mod references;

use std::path::Path;

use crate::accounts::AccountRecord;
use crate::audit::{self, AuditCheck};
use crate::databases::DatabaseRecord;
use crate::error::{Error, ErrorKind};
use crate::index::State;
use crate::journal::{Journal, Scan};
use crate::secrets::KeyId;
use crate::store::{CaughtUp, Closed, Reader, View};
use crate::{Catalog, keys, tables};

/// What a check looked at and found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CheckReport {
    /// How many records the journal has, with the parts of its snapshot.
    pub journal_records: u64,
    /// How many bytes at its end are no whole record: of an unfinished append, unless the index has more than the
    /// journal. The next opening cuts them.
    pub torn_bytes: u64,
    /// Whether these begin with what is long enough for a record, and is none: of an append that a lost power left so, or
    /// of the last record, damaged.
    pub torn_by_damage: bool,
    /// The number of the last mutation in the journal.
    pub last_seq: u64,
    /// The number of the last mutation that the index has; `None` where there is no index, which the
    /// next opening makes.
    pub index_seq: Option<u64>,
    /// How many records the index has.
    pub index_records: u64,
    /// How many records of the journal the next opening adds to the index; `None` where it makes the index anew, or
    /// cannot.
    pub index_lacks: Option<u64>,
    /// The files of all tables; `None` where the index, with what it lacks, could not be read.
    pub segments: Option<Vec<ListedSegment>>,
    /// The server key that the secrets are sealed by; `None` where there are none, or the index could not be read.
    pub server_key: Option<KeyId>,
    /// What the proof of the audit says; `None` where the index could not be read.
    pub audit: Option<AuditCheck>,
    /// What is wrong; empty when nothing is.
    pub problems: Vec<Problem>,
}

/// A file of a table, as the catalog lists it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListedSegment {
    /// The account.
    pub account: String,
    /// Database and table.
    pub table: String,
    /// The file's name in the folder of tables.
    pub file: String,
    /// How long it is.
    pub bytes: u64,
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
const SAVE: &str = "the index has all of it: write a backup of this data directory as it is, and restore that into a new one; or restore an earlier backup";
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
        let scan = check_journal(dir, &mut report)?;
        let mut closed = match Closed::open(dir) {
            Ok(Some(closed)) => closed,
            Ok(None) => return Ok(report),
            Err(e) => {
                report.add(
                    ProblemPlace::Index,
                    e.to_string(),
                    mend_index(scan.as_ref()),
                );
                return Ok(report);
            }
        };
        let Some(state) = check_index(&closed, scan.as_ref(), &mut report)? else {
            return Ok(report);
        };
        let is_cut = scan.is_some_and(|scan| scan.last.seq < state.applied_seq);
        if is_cut || !dir.join(crate::journal::FILE_NAME).exists() {
            check_records(&closed, &mut report)?;
            return Ok(report);
        }
        match closed.catch_up(dir, &state) {
            Ok(CaughtUp::Another) => {
                let what = format!(
                    "the index has another record {} than the journal",
                    state.applied_seq
                );
                report.add(ProblemPlace::Journal, what, BRING_BACK);
                check_records(&closed, &mut report)?;
            }
            Ok(CaughtUp::Anew) => check_records(&closed, &mut report)?,
            Ok(CaughtUp::By(records)) => {
                report.index_lacks = Some(records);
                if scan.is_none() {
                    report.saved_by_index();
                }
                check_records(&closed, &mut report)?;
            }
            // Said of the journal already.
            Err(e) if e.kind() == ErrorKind::Corrupt && scan.is_none() => {}
            Err(e) => return Err(e),
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

    /// The journal's damage lies before the place up to which a whole index has taken it.
    fn saved_by_index(&mut self) {
        let is_index_whole = !self
            .problems
            .iter()
            .any(|one| one.place == ProblemPlace::Index);
        for problem in &mut self.problems {
            if problem.place == ProblemPlace::Journal && is_index_whole {
                problem.remedy = SAVE;
            }
        }
    }
}

/// `None` where it is damaged, or not there although its index is.
fn check_journal(dir: &Path, report: &mut CheckReport) -> Result<Option<Scan>, Error> {
    let path = dir.join(crate::journal::FILE_NAME);
    if !path.exists() {
        let what = format!(
            "the journal {} is missing although its index exists",
            path.display()
        );
        report.add(ProblemPlace::Journal, what, RESTORE);
        return Ok(None);
    }
    let scan = Journal::scan(dir, |_| {
        report.journal_records += 1;
        Ok(())
    });
    match scan {
        Ok(scan) => {
            report.torn_bytes = scan.torn_bytes;
            report.torn_by_damage = scan.torn_by_damage;
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

/// What to do about a damaged index: without a whole journal there is nothing to make it of.
fn mend_index(scan: Option<&Scan>) -> &'static str {
    match scan {
        Some(_) => REBUILD,
        None => RESTORE,
    }
}

/// What the index says of itself, where it can be read.
fn check_index(
    closed: &Closed,
    scan: Option<&Scan>,
    report: &mut CheckReport,
) -> Result<Option<State>, Error> {
    let place = ProblemPlace::Index;
    let state = match closed.state() {
        Ok(Some(state)) => state,
        Ok(None) => {
            report.add(
                place,
                "the index is not complete".to_owned(),
                mend_index(scan),
            );
            return Ok(None);
        }
        Err(e) if e.kind() == ErrorKind::Unsupported => return Err(e),
        Err(e) => {
            report.add(place, e.to_string(), mend_index(scan));
            return Ok(None);
        }
    };
    report.index_seq = Some(state.applied_seq);
    if let Some(scan) = scan
        && state.applied_seq > scan.last.seq
    {
        let what = format!(
            "the index has record {} where the journal ends with record {}",
            state.applied_seq, scan.last.seq
        );
        report.add(ProblemPlace::Journal, what, BRING_BACK);
    }
    if !state.is_of_this_layout() {
        let what = "the index is of another layout; the next opening makes it anew";
        report.add(place, what.to_owned(), REBUILD);
        return Ok(None);
    }
    match closed.summary(state.place()) {
        Ok(found) => {
            report.index_records = found.keys;
            if !found.holds_as(&state) {
                report.add(place, state.difference(&found), mend_index(scan));
            }
            Ok(Some(state))
        }
        Err(e) if e.kind() == ErrorKind::Unsupported => Err(e),
        Err(e) => {
            report.add(place, e.to_string(), mend_index(scan));
            Ok(None)
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
    report.server_key = closed.read(crate::secrets::active_key)?;
    if report.index_lacks.is_some() {
        report.segments = Some(closed.read(segments)?);
    }
    Ok(())
}

fn segments(view: View<'_>) -> Result<Vec<ListedSegment>, Error> {
    let mut listed = Vec::new();
    for account in view.list::<AccountRecord>(&keys::accounts())? {
        for database in view.list::<DatabaseRecord>(&keys::databases(&account.name))? {
            for table in tables::all(view, &account.name, &database.name)? {
                listed.extend(table.segments().iter().map(|segment| ListedSegment {
                    account: account.name.clone(),
                    table: format!("{}.{}", table.database, table.name),
                    file: segment.file.clone(),
                    bytes: segment.bytes,
                }));
            }
        }
    }
    Ok(listed)
}
