//! The publication plan of an export: one entry a file, each under its own key, so that beginning a file writes
//! one entry. It is complete when the export is prepared, and goes when the export has ended.

use std::collections::HashMap;

use super::{ExportRecord, ExportState, find};
use crate::error::{Error, ErrorKind};
use crate::keys;
use crate::store::{Draft, View};

/// What a file of an export is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FileRole {
    /// Rows of the result.
    Data,
    /// The manifest, published after all data.
    Manifest,
    /// The digests of the data, for `sha256sum -c` or `b3sum -c`; published after all data.
    Checksums,
    /// A file of the export before, to the same target, which goes once this one's are published. It has no draft.
    Surplus,
    /// A manifest of the export before, which proves what is to be replaced: it goes first of all. It has no draft.
    OldManifest,
}

impl FileRole {
    /// Whether it is a file that is written, and so has a draft.
    pub fn has_draft(self) -> bool {
        match self {
            FileRole::Data | FileRole::Manifest | FileRole::Checksums => true,
            FileRole::Surplus | FileRole::OldManifest => false,
        }
    }
}

/// One file of a publication plan: all it takes to publish it, or to remove its draft, now or after a restart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PlannedFile {
    /// Its number in the plan.
    pub index: u32,
    /// What it is.
    pub role: FileRole,
    /// The name that it gets, in the export's place.
    pub target: String,
    /// Whether it replaces a file that has the name; else that is an error.
    pub replaces: bool,
    /// How many rows it has; 0 until its draft is finished.
    pub rows: u64,
    /// How many bytes it has; 0 until its draft is finished.
    pub bytes: u64,
    /// The digest of its bytes: 64 hexadecimal digits of SHA-256, or another algorithm's name and a colon before its
    /// own: `blake3:…`; empty until its draft is
    /// finished.
    pub digest: String,
    /// What the place calls the draft: bytes that the catalog does not look into; empty where there is none, or none is
    /// known yet.
    pub token: Vec<u8>,
}

impl PlannedFile {
    /// Whether it is `other` before its draft was begun.
    fn awaits(&self, other: &PlannedFile) -> bool {
        let begun = PlannedFile {
            token: other.token.clone(),
            ..self.clone()
        };
        self.token.is_empty() && begun == *other
    }
}

pub(super) fn with_plan(view: View<'_>, mut record: ExportRecord) -> Result<ExportRecord, Error> {
    // Ended exports have none: their listings need not look.
    if !record.state.is_final() {
        record.plan = view.list(&keys::export_files(&record.account, &record.id))?;
    }
    Ok(record)
}

/// Writes the entries that differ, and removes those that are gone.
pub(super) fn put_plan(
    draft: &mut Draft<'_>,
    account: &str,
    id: &str,
    before: &[PlannedFile],
    after: &[PlannedFile],
) {
    let mut gone: HashMap<u32, &PlannedFile> =
        before.iter().map(|file| (file.index, file)).collect();
    for file in after {
        if gone.remove(&file.index) != Some(file) {
            draft.put(keys::export_file(account, id, file.index), file);
        }
    }
    for index in gone.into_keys() {
        draft.delete(keys::export_file(account, id, index));
    }
}

pub(super) fn begin(
    draft: &mut Draft<'_>,
    account: &str,
    id: &str,
    file: &PlannedFile,
) -> Result<(), Error> {
    let record = find(draft.view(), account, id)?
        .ok_or_else(|| Error::not_found(format!("the export {id} not exists")))?;
    if record.state != ExportState::Running {
        return Err(Error::conflict(format!(
            "the export {id} is not running, so it begins no file"
        )));
    }
    let key = keys::export_file(account, id, file.index);
    let before = draft.view().get::<PlannedFile>(&key)?;
    if before.is_some_and(|before| !before.awaits(file)) {
        return Err(Error::new(
            ErrorKind::AlreadyExists,
            format!("file {} of the export {id} exists", file.index),
        ));
    }
    draft.put(key, file);
    Ok(())
}
