//! Checking a whole data directory: the catalog itself, and that the files of tables are there with the
//! lengths that the catalog lists. Nothing is repaired.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use catalog::{Catalog, ErrorKind, KeyId, ListedSegment, ProblemPlace};

use super::{AuditProof, catalog_in, in_use};
use crate::instance::OpenError;
use crate::key;

/// What a check looked at and found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// How many records the catalog's journal has.
    pub journal_records: u64,
    /// How many bytes at its end are no whole change; the next start cuts them, unless that would lose something.
    pub torn_bytes: u64,
    /// What these are.
    pub torn: TornEnd,
    /// How many records the catalog's index has.
    pub index_records: u64,
    /// How many changes the next start adds to the index; `None` where it makes the index anew, or cannot.
    pub index_lacks: Option<u64>,
    /// How many files of tables are there as the catalog lists them; `None` where the catalog is too
    /// damaged to tell.
    pub segments: Option<u64>,
    /// Files in `tables/` that no table lists: what a crash left, and the next start removes.
    pub orphans: Vec<String>,
    /// What the proof of the audit says; `None` where the index could not be read.
    pub audit: Option<AuditProof>,
    /// The server key that the secrets need, and whether it is where it is by default; `None` where no secret is kept, or
    /// the index could not be read.
    pub server_key: Option<KeyFound>,
    /// What is wrong; empty when nothing is.
    pub damage: Vec<Damage>,
}

/// What the bytes at the journal's end are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TornEnd {
    /// Of a change that was never acknowledged: that is no damage.
    NeverAcknowledged,
    /// Of one that was, which the index has.
    Acknowledged,
    /// Of either: they have the length of a change, and the index, if there is one, ends before them.
    Unknown,
}

/// Where the server key is that a catalog needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFound {
    /// The id of the key that is needed.
    pub needed: String,
    /// Why the data directory's own key file is not this one; `None` when it is.
    pub lacking: Option<String>,
}

impl KeyFound {
    fn of(path: &Path, needed: KeyId) -> Self {
        // An unfinished rotation has both, and the next start uses both.
        let new = path.with_extension("key.new");
        let is_new = key::load_file(&new).is_ok_and(|key| key.id() == needed);
        let lacking = match key::load_file(path) {
            Ok(key) if key.id() == needed || is_new => None,
            Ok(key) => Some(format!("'{}' is the key {}", path.display(), key.id())),
            Err(error) => Some(error.to_string()),
        };
        Self {
            needed: needed.to_string(),
            lacking,
        }
    }
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

/// Checks a data directory. Nothing in it is changed but files of the index's own. Blocking, for as long as it takes to
/// read all of the catalog.
///
/// # Errors
/// Ready for an operator: a server runs, no data directory, a catalog of a newer version. Damage is no
/// error: it is in the answer.
pub fn check(data_dir: &Path) -> Result<Checked, OpenError> {
    let dir = catalog_in(data_dir)?;
    let report = Catalog::check(&dir).map_err(|e| match e.kind() {
        ErrorKind::Locked => in_use(&e),
        _ => OpenError::of_catalog(&e, data_dir),
    })?;
    let mut checked = Checked {
        journal_records: report.journal_records,
        torn_bytes: report.torn_bytes,
        torn: match report.index_seq {
            Some(index) if index > report.last_seq => TornEnd::Acknowledged,
            Some(_) if !report.torn_by_damage => TornEnd::NeverAcknowledged,
            Some(_) | None => TornEnd::Unknown,
        },
        index_records: report.index_records,
        index_lacks: report.index_lacks,
        segments: None,
        orphans: Vec::new(),
        audit: report.audit.map(AuditProof::of),
        server_key: report
            .server_key
            .map(|needed| KeyFound::of(&data_dir.join("server.key"), needed)),
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
    if let Some(segments) = report.segments {
        check_segments(data_dir, segments, &mut checked)?;
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

fn check_segments(
    data_dir: &Path,
    segments: Vec<ListedSegment>,
    checked: &mut Checked,
) -> Result<(), OpenError> {
    let tables = data_dir.join("tables");
    let mut listed = BTreeSet::new();
    let mut good = 0;
    for segment in segments {
        match wrong(&tables.join(&segment.file), segment.bytes) {
            None => good += 1,
            Some(why) => checked.damage.push(Damage {
                place: "table",
                what: format!(
                    "the file tables/{} of the table {} of account {} {why}",
                    segment.file, segment.table, segment.account
                ),
                remedy: "restore that file from a backup, or drop the table",
            }),
        }
        listed.insert(segment.file);
    }
    checked.segments = Some(good);
    checked.orphans = orphans(&tables, &listed).map_err(|e| {
        OpenError::new(format!(
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
