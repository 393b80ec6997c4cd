//! Checking a whole data directory: the catalog itself, and that the files of tables are there with the
//! lengths that the catalog lists. Nothing is repaired.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use catalog::{Catalog, ErrorKind, ProblemPlace};

use super::{AuditProof, CATALOG, in_use, no_catalog, open};
use crate::instance::OpenError;

/// What a check looked at and found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// How many records the catalog's journal has.
    pub journal_records: u64,
    /// How many bytes of a change that was never acknowledged are at its end; the next start cuts them.
    pub torn_bytes: u64,
    /// How many records the catalog's index has.
    pub index_records: u64,
    /// How many files of tables are there as the catalog lists them; `None` where the catalog is too
    /// damaged to tell.
    pub segments: Option<u64>,
    /// Files in `tables/` that no table lists: what a crash left, and the next start removes.
    pub orphans: Vec<String>,
    /// What the proof of the audit says; `None` where the index could not be read.
    pub audit: Option<AuditProof>,
    /// What is wrong; empty when nothing is.
    pub damage: Vec<Damage>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Where: `journal`, `index`, `audit`, `references` or `table`.
    pub place: &'static str,
    /// What.
    pub what: String,
    /// What to do.
    pub remedy: &'static str,
}

/// Checks a data directory. Blocking, for as long as it takes to read all of the catalog.
///
/// # Errors
/// Ready for an operator: a server runs, no data directory, a catalog of a newer version. Damage is no
/// error: it is in the answer.
pub fn check(data_dir: &Path) -> Result<Checked, OpenError> {
    let dir = data_dir.join(CATALOG);
    if !dir.exists() {
        return Err(no_catalog(data_dir));
    }
    let report = Catalog::check(&dir).map_err(|e| match e.kind() {
        ErrorKind::Locked => in_use(&e),
        _ => OpenError::of_catalog(&e, data_dir),
    })?;
    let can_be_opened = report.problems.iter().all(|problem| match problem.place {
        ProblemPlace::Journal | ProblemPlace::Index => false,
        ProblemPlace::Audit | ProblemPlace::References => true,
    });
    let mut checked = Checked {
        journal_records: report.journal_records,
        torn_bytes: report.torn_bytes,
        index_records: report.index_records,
        segments: None,
        orphans: Vec::new(),
        audit: report.audit.map(AuditProof::of),
        damage: report
            .problems
            .into_iter()
            .map(|problem| Damage {
                place: place(problem.place),
                what: problem.what,
                remedy: problem.remedy,
            })
            .collect(),
    };
    if can_be_opened {
        check_segments(data_dir, &mut checked)?;
    }
    Ok(checked)
}

fn place(place: ProblemPlace) -> &'static str {
    match place {
        ProblemPlace::Journal => "journal",
        ProblemPlace::Index => "index",
        ProblemPlace::Audit => "audit",
        ProblemPlace::References => "references",
    }
}

fn check_segments(data_dir: &Path, checked: &mut Checked) -> Result<(), OpenError> {
    let catalog = open(data_dir, None, false)?;
    let failed = |e: catalog::Error| OpenError::of_catalog(&e, data_dir);
    let tables = data_dir.join("tables");
    let mut listed = BTreeSet::new();
    let mut good = 0;
    for account in catalog.accounts().map_err(failed)? {
        for database in catalog.databases(&account.name).map_err(failed)? {
            let all = catalog.tables(&account.name, &database.name);
            for table in all.map_err(failed)? {
                for segment in table.segments() {
                    match wrong(&tables.join(&segment.file), segment.bytes) {
                        None => good += 1,
                        Some(why) => checked.damage.push(Damage {
                            place: "table",
                            what: format!(
                                "the file tables/{} of the table {}.{} of account {} {why}",
                                segment.file, table.database, table.name, account.name
                            ),
                            remedy: "restore that file from a backup, or drop the table",
                        }),
                    }
                    listed.insert(segment.file.clone());
                }
            }
        }
    }
    checked.segments = Some(good);
    checked.orphans = orphans(&tables, &listed).map_err(|e| {
        OpenError(format!(
            "failed to look through '{}': {e}",
            tables.display()
        ))
    })?;
    Ok(())
}

/// What is wrong with a file that should have so many bytes.
fn wrong(path: &Path, bytes: u64) -> Option<String> {
    match std::fs::metadata(path) {
        Ok(found) if found.len() == bytes => None,
        Ok(found) => Some(format!("has {} bytes instead of {bytes}", found.len())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Some("is missing".to_owned()),
        Err(e) => Some(format!("cannot be looked at: {e}")),
    }
}

/// Files two levels down, as `TABLE/SEGMENT`, that are not listed; drafts are no segments.
fn orphans(tables: &Path, listed: &BTreeSet<String>) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let folders = match std::fs::read_dir(tables) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(found),
        folders => folders?,
    };
    for folder in folders {
        let folder = folder?;
        if !folder.file_type()?.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(folder.path())? {
            let file = file?;
            let name = format!(
                "{}/{}",
                folder.file_name().to_string_lossy(),
                file.file_name().to_string_lossy()
            );
            if !listed.contains(&name) {
                found.push(format!("tables/{name}"));
            }
        }
    }
    found.sort();
    Ok(found)
}
