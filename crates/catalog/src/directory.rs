//! Directory tables: what is known of the files of a stage. Our own exports, uploads and removals change them in their
//! own mutations; a refresh brings in what others did. Which stages a file is in is `directory/places.rs`.
//!
//! The entries of a stage lie under a generation. A stage that goes elsewhere, or has its directory table switched off,
//! begins a new one, in which nothing is known; the entries of older ones are pruned.

mod places;
mod refresh;

pub use places::StageFiles;
pub(crate) use refresh::Refreshes;
pub use refresh::{RefreshId, Refreshed};

use crate::error::Error;
use crate::exports::{ExportRecord, FileRole, PlannedFile};
use crate::options::Actor;
use crate::stages::{self, StageRecord};
use crate::store::{Draft, View, What};
use crate::{Catalog, keys};

/// How many entries one pruning change removes.
const PRUNED_MAX: usize = 500;

/// One file of a stage.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DirectoryFile {
    /// Within the stage.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// When it was last written, in microseconds since 1970 UTC.
    pub modified_us: Option<u64>,
    /// As the place gives it; unknown until a refresh has seen it.
    pub etag: Option<String>,
    /// In lower-case hexadecimal; of files that came through the server.
    pub sha256: Option<String>,
    /// The export that wrote it.
    pub export_id: Option<String>,
    /// When this entry was made, in microseconds since 1970 UTC.
    pub noted_us: u64,
}

/// How far a stage's directory table is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct DirectoryState {
    /// Under which its entries lie.
    pub(crate) generation: u64,
    /// Where the stage's files were then: the URLs on the way, see [`places::whereabouts`].
    pub(crate) whereabouts: String,
    /// When a refresh of all of it ended last, in microseconds since 1970 UTC.
    pub(crate) refreshed_us: Option<u64>,
    /// The oldest generation that may have entries.
    pub(crate) pruned_to: u64,
}

/// What happened to a file. What others have noted since it began to happen is newer, and stays.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FileChange {
    /// It is there, or another one in its place.
    Written {
        /// The file.
        file: DirectoryFile,
        /// When it began, in microseconds since 1970 UTC.
        since_us: u64,
    },
    /// It is gone.
    Removed {
        /// Within the stage.
        path: String,
        /// When it began, in microseconds since 1970 UTC.
        since_us: u64,
    },
}

impl Catalog {
    /// Notes what a caller has done to files of a stage, in every directory table that has them.
    pub fn note_files(
        &self,
        actor: &Actor,
        stage: &StageFiles,
        changes: &[FileChange],
    ) -> Result<(), Error> {
        let what = || What::step(format!("FILES of stage {}", stage.id));
        self.store.write(actor, what, |draft| {
            let account = &actor.account;
            note(
                draft,
                account,
                stage,
                changes,
                &|stage, generation, path| {
                    self.refreshes.removed(account, stage, generation, path);
                },
            )
        })
    }

    /// At most `limit` files that are known of a stage, by path, from behind `after`; `None` when the stage's
    /// directory table is off. Errors: `NotFound` for the stage.
    pub fn directory_page(
        &self,
        account: &str,
        stage: u64,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<DirectoryFile>>, Error> {
        self.store.read(|view| {
            let record = current(view, account, stage)?;
            if !record.definition.directory {
                return Ok(None);
            }
            let Some(state) = state_of(view, account, &record)? else {
                return Ok(Some(Vec::new()));
            };
            let prefix = keys::directory_files(account, stage, state.generation);
            let after = match after {
                Some(after) => keys::directory_file(account, stage, state.generation, after),
                None => prefix.clone(),
            };
            view.list_after(&prefix, &after, limit).map(Some)
        })
    }

    /// One file that is known of a stage; `None` also when the stage's directory table is off. Errors: `NotFound` for
    /// the stage.
    pub fn directory_file(
        &self,
        account: &str,
        stage: u64,
        path: &str,
    ) -> Result<Option<DirectoryFile>, Error> {
        self.store.read(|view| {
            let record = current(view, account, stage)?;
            match state_of(view, account, &record)? {
                Some(state) if record.definition.directory => view.get(&keys::directory_file(
                    account,
                    stage,
                    state.generation,
                    path,
                )),
                Some(_) | None => Ok(None),
            }
        })
    }

    /// When a stage's directory table was last refreshed as a whole, in microseconds since 1970 UTC.
    pub fn directory_refreshed_us(&self, account: &str, stage: u64) -> Result<Option<u64>, Error> {
        self.store.read(|view| {
            let record = current(view, account, stage)?;
            Ok(state_of(view, account, &record)?.and_then(|state| state.refreshed_us))
        })
    }

    /// Removes entries of directory tables that nobody reads any more. Gives how many.
    pub fn prune_directories(&self, actor: &Actor) -> Result<u64, Error> {
        let account = &actor.account;
        let states = self
            .store
            .read(|view| view.keys(&keys::directory_states(account)))?;
        let mut removed = 0;
        for key in states {
            loop {
                let what = || What::step("PRUNE DIRECTORIES");
                let some = self
                    .store
                    .write(actor, what, |draft| prune(draft, account, &key))?;
                if some == 0 {
                    break;
                }
                removed += some;
            }
        }
        Ok(removed)
    }
}

/// Notes the published files of an export that is committed: those that are left in its plan.
pub(crate) fn note_export(
    draft: &mut Draft<'_>,
    record: &ExportRecord,
    published: &[PlannedFile],
) -> Result<(), Error> {
    let (Some(id), Some((_, version))) = (record.stage_id, &record.stage) else {
        return Ok(());
    };
    let now_us = draft.now_us();
    let change = |file: &PlannedFile| match file.role {
        FileRole::Data | FileRole::Manifest | FileRole::Checksums => FileChange::Written {
            file: DirectoryFile {
                path: file.target.clone(),
                bytes: file.bytes,
                modified_us: Some(now_us),
                etag: None,
                // Of another algorithm it is in the export's record.
                sha256: (!file.digest.contains(':')).then(|| file.digest.clone()),
                export_id: Some(record.id.clone()),
                noted_us: now_us,
            },
            since_us: now_us,
        },
        FileRole::Surplus | FileRole::OldManifest => FileChange::Removed {
            path: file.target.clone(),
            since_us: now_us,
        },
    };
    let changes: Vec<FileChange> = published.iter().map(change).collect();
    let stage = StageFiles {
        id,
        version: *version,
        parents: record.stage_parents.clone(),
    };
    note(draft, &record.account, &stage, &changes, &|_, _, _| {})
}

/// A new generation, in which nothing is known, for a stage whose directory table is off now.
pub(crate) fn switched_off(draft: &mut Draft<'_>, account: &str, stage: u64) -> Result<(), Error> {
    let key = keys::directory_state(account, stage);
    if let Some(state) = draft.view().get::<DirectoryState>(&key)? {
        draft.put(key, &state.next(state.whereabouts.clone()));
    }
    Ok(())
}

impl DirectoryState {
    fn next(&self, whereabouts: String) -> DirectoryState {
        DirectoryState {
            generation: self.generation + 1,
            whereabouts,
            refreshed_us: None,
            pruned_to: self.pruned_to,
        }
    }
}

/// Notes changes; tells of what is removed, by stage, generation and path.
fn note(
    draft: &mut Draft<'_>,
    account: &str,
    stage: &StageFiles,
    changes: &[FileChange],
    removed: &dyn Fn(u64, u64, &str),
) -> Result<(), Error> {
    for (record, path_of) in places::of(draft.view(), account, stage)? {
        if !record.definition.directory {
            continue;
        }
        let within: Vec<_> = changes
            .iter()
            .filter_map(|change| match change {
                FileChange::Written { file, since_us } => {
                    Some((path_of.of(&file.path)?, Some(file), since_us))
                }
                FileChange::Removed { path, since_us } => Some((path_of.of(path)?, None, since_us)),
            })
            .collect();
        if within.is_empty() {
            continue;
        }
        let generation = begun(draft, account, &record)?.generation;
        for (path, entry, since_us) in within {
            let key = keys::directory_file(account, record.id, generation, &path);
            let known: Option<DirectoryFile> = draft.view().get(&key)?;
            if known.is_some_and(|known| known.noted_us > *since_us) {
                continue;
            }
            match entry {
                Some(file) => draft.put(
                    key,
                    &DirectoryFile {
                        path,
                        ..file.clone()
                    },
                ),
                None => {
                    removed(record.id, generation, &path);
                    draft.delete(key);
                }
            }
        }
    }
    Ok(())
}

/// The state of a stage's directory table, a new one if need be.
fn begun(
    draft: &mut Draft<'_>,
    account: &str,
    record: &StageRecord,
) -> Result<DirectoryState, Error> {
    let key = keys::directory_state(account, record.id);
    if let Some(state) = draft.own::<DirectoryState>(&key)? {
        return Ok(state);
    }
    let view = draft.view();
    let whereabouts = places::whereabouts(view, account, record)?;
    let before = view.get::<DirectoryState>(&key)?;
    let state = match before {
        Some(state) if state.whereabouts == whereabouts => return Ok(state),
        Some(state) => state.next(whereabouts),
        None => DirectoryState {
            whereabouts,
            ..DirectoryState::default()
        },
    };
    draft.put(key, &state);
    Ok(state)
}

/// The state of what is known of a stage as it is now; `None` where nothing is.
fn state_of(
    view: View<'_>,
    account: &str,
    record: &StageRecord,
) -> Result<Option<DirectoryState>, Error> {
    let state: Option<DirectoryState> = view.get(&keys::directory_state(account, record.id))?;
    Ok(match state {
        Some(state) if state.whereabouts == places::whereabouts(view, account, record)? => {
            Some(state)
        }
        Some(_) | None => None,
    })
}

fn current(view: View<'_>, account: &str, stage: u64) -> Result<StageRecord, Error> {
    stages::last_version(view, account, stage)?
        .filter(|record| !record.dropped)
        .ok_or_else(|| Error::not_found(format!("there is no stage of id {stage}")))
}

/// Removes some entries of generations before the current one, or of a stage that is forgotten.
fn prune(draft: &mut Draft<'_>, account: &str, key: &str) -> Result<u64, Error> {
    let view = draft.view();
    let stage = keys::id(keys::last_part(key))?;
    let Some(state) = view.get::<DirectoryState>(key)? else {
        return Ok(0);
    };
    let is_forgotten = stages::last_version(view, account, stage)?.is_none();
    let mut removed = 0;
    let mut pruned_to = state.pruned_to;
    while pruned_to < state.generation || (is_forgotten && pruned_to == state.generation) {
        let prefix = keys::directory_files(account, stage, pruned_to);
        let page = view.keys_after(&prefix, &prefix, PRUNED_MAX)?;
        let is_last = page.len() < PRUNED_MAX;
        removed += page.len() as u64;
        page.into_iter().for_each(|key| draft.delete(key));
        if !is_last {
            break;
        }
        pruned_to += 1;
    }
    if pruned_to > state.generation {
        draft.delete(key.to_owned());
    } else if pruned_to != state.pruned_to {
        draft.put(key.to_owned(), &DirectoryState { pruned_to, ..state });
    }
    Ok(removed)
}
