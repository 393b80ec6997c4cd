//! A refresh: a directory table made to agree with what is really there, listed by the caller some files at a time, in
//! any order. What exports note meanwhile is newer than the listing, and stays.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::{DirectoryFile, begun, current};
use crate::error::Error;
use crate::options::Actor;
use crate::store::What;
use crate::{Catalog, keys};

/// How many entries are looked through at a time for files that are gone.
const SWEPT_MAX: usize = 500;

/// How far a store's clock may be from ours, in microseconds, for a file still to be as old as it says.
const CLOCKS_APART_US: u64 = 10_000_000;

/// A refresh that has begun.
#[derive(Debug)]
pub struct RefreshId {
    stage: u64,
    generation: u64,
    /// Entries that were noted since are newer than the listing.
    began_us: u64,
    /// Of the paths that were listed.
    seen: HashSet<u128>,
    running: Arc<Running>,
    counts: Refreshed,
}

/// A refresh, as long as it runs. Paths are 16 bytes each, so that a million need no million names in memory: two
/// differently seeded 64-bit hashes; that two of a million files share both does not happen.
#[derive(Debug)]
struct Running {
    account: String,
    stage: u64,
    generation: u64,
    seeds: [std::hash::RandomState; 2],
    /// Files that were removed since it began: an older listing may still have them.
    removed: Mutex<HashSet<u128>>,
}

/// The refreshes that run.
#[derive(Debug, Default)]
pub(crate) struct Refreshes(Mutex<Vec<Weak<Running>>>);

impl Refreshes {
    /// A file was removed.
    pub(super) fn removed(&self, account: &str, stage: u64, generation: u64, path: &str) {
        for running in self.lock().iter().filter_map(Weak::upgrade) {
            if (running.account.as_str(), running.stage, running.generation)
                == (account, stage, generation)
            {
                let hash = running.hash(path);
                running.removed().insert(hash);
            }
        }
    }

    fn begun(&self, account: &str, stage: u64, generation: u64) -> Arc<Running> {
        let running = Arc::new(Running {
            account: account.to_owned(),
            stage,
            generation,
            seeds: [std::hash::RandomState::new(), std::hash::RandomState::new()],
            removed: Mutex::default(),
        });
        let mut all = self.lock();
        all.retain(|running| running.strong_count() > 0);
        all.push(Arc::downgrade(&running));
        running
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Running>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn hash(&self, path: &str) -> u128 {
        let [high, low] = &self.seeds;
        (u128::from(high.hash_one(path)) << 64) | u128::from(low.hash_one(path))
    }

    fn removed(&self) -> MutexGuard<'_, HashSet<u128>> {
        self.removed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a refresh has found.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Refreshed {
    /// Files that were not known.
    pub added: u64,
    /// Files that are not what was known of them.
    pub changed: u64,
    /// Files that are not there any more.
    pub removed: u64,
    /// All that were listed.
    pub files: u64,
}

impl Catalog {
    /// Begins a refresh of a stage's directory table.
    ///
    /// Errors: `NotFound` for the stage; `Unsupported` when its directory table is off.
    pub fn begin_refresh(&self, actor: &Actor, stage: u64) -> Result<RefreshId, Error> {
        let what = || What::step(format!("begin REFRESH of stage {stage}"));
        let account = &actor.account;
        let (generation, began_us, running) = self.store.write(actor, what, |draft| {
            let record = current(draft.view(), account, stage)?;
            if !record.definition.directory {
                return Err(Error::new(
                    crate::ErrorKind::Unsupported,
                    format!("the stage {} has no directory table", record.name),
                ));
            }
            let generation = begun(draft, account, &record)?.generation;
            let running = self.refreshes.begun(account, stage, generation);
            Ok((generation, draft.now_us(), running))
        })?;
        Ok(RefreshId {
            stage,
            generation,
            began_us,
            seen: HashSet::new(),
            running,
            counts: Refreshed::default(),
        })
    }

    /// Takes in files as they were listed; only what differs is written. Of a file that is what it was, the digest and
    /// the export stay known.
    pub fn refresh_files(
        &self,
        actor: &Actor,
        refresh: &mut RefreshId,
        mut listed: Vec<DirectoryFile>,
    ) -> Result<(), Error> {
        for file in &mut listed {
            file.noted_us = refresh.began_us;
            let hash = refresh.running.hash(&file.path);
            refresh.seen.insert(hash);
        }
        let (account, stage, generation) = (&actor.account, refresh.stage, refresh.generation);
        let what = || What::step(format!("REFRESH of stage {stage}"));
        let running = Arc::clone(&refresh.running);
        let counts = self.store.write(actor, what, |draft| {
            let mut counts = Refreshed::default();
            let removed = running.removed();
            for file in &listed {
                counts.files += 1;
                let key = keys::directory_file(account, stage, generation, &file.path);
                let known: Option<DirectoryFile> = draft.view().get(&key)?;
                match known {
                    Some(known) if known.noted_us >= refresh.began_us => {}
                    Some(known) => match merged(&known, file) {
                        Merged::Same => {}
                        Merged::Completed(entry) => draft.put(key, &entry),
                        Merged::Changed(entry) => {
                            counts.changed += 1;
                            draft.put(key, &entry);
                        }
                    },
                    None if removed.contains(&running.hash(&file.path)) => {}
                    None => {
                        counts.added += 1;
                        draft.put(key, file);
                    }
                }
            }
            Ok(counts)
        })?;
        let all = &mut refresh.counts;
        all.added += counts.added;
        all.changed += counts.changed;
        all.files += counts.files;
        Ok(())
    }

    /// Ends a refresh: what is known and was not listed is gone. With `below`, only that folder was listed.
    pub fn end_refresh(
        &self,
        actor: &Actor,
        mut refresh: RefreshId,
        below: Option<&str>,
    ) -> Result<Refreshed, Error> {
        let (account, stage, generation) = (&actor.account, refresh.stage, refresh.generation);
        let all = keys::directory_files(account, stage, generation);
        let prefix = match below {
            Some(folder) => format!("{all}{folder}/"),
            None => all,
        };
        let mut after = prefix.clone();
        loop {
            let page: Vec<DirectoryFile> = self
                .store
                .read(|view| view.list_after(&prefix, &after, SWEPT_MAX))?;
            let Some(last) = page.last() else { break };
            after = keys::directory_file(account, stage, generation, &last.path);
            let gone: Vec<&DirectoryFile> = page
                .iter()
                .filter(|file| !refresh.seen.contains(&refresh.running.hash(&file.path)))
                .collect();
            if gone.is_empty() {
                continue;
            }
            let what = || What::step(format!("REFRESH of stage {stage}"));
            refresh.counts.removed += self.store.write(actor, what, |draft| {
                let mut removed = 0;
                for file in &gone {
                    let key = keys::directory_file(account, stage, generation, &file.path);
                    // What an export has noted since is there.
                    let known: Option<DirectoryFile> = draft.view().get(&key)?;
                    if known.is_some_and(|known| known.noted_us < refresh.began_us) {
                        draft.delete(key);
                        removed += 1;
                    }
                }
                Ok(removed)
            })?;
        }
        let counts = refresh.counts;
        let told = || {
            What::change(
                "REFRESH STAGE",
                format!(
                    "stage {stage}: {} files, {} added, {} changed, {} removed",
                    counts.files, counts.added, counts.changed, counts.removed
                ),
            )
        };
        self.store.write(actor, told, |draft| {
            let key = keys::directory_state(account, stage);
            let state: Option<super::DirectoryState> = draft.view().get(&key)?;
            if let Some(mut state) = state
                && state.generation == generation
            {
                if below.is_none() {
                    state.refreshed_us = Some(refresh.began_us);
                }
                draft.put(key, &state);
            }
            Ok(())
        })?;
        Ok(counts)
    }
}

enum Merged {
    Same,
    /// The same file, of which more is known now.
    Completed(DirectoryFile),
    Changed(DirectoryFile),
}

fn merged(known: &DirectoryFile, listed: &DirectoryFile) -> Merged {
    let is_same = known.bytes == listed.bytes
        && match (&known.etag, &listed.etag) {
            (Some(known), Some(listed)) => known == listed,
            // An export's own, seen for the first time. One that is younger than what was noted of it is another.
            (None, _) => {
                let latest = known.noted_us.saturating_add(CLOCKS_APART_US);
                known.modified_us == listed.modified_us
                    || listed.modified_us.is_none_or(|modified| modified <= latest)
            }
            // A place without etags.
            (Some(_), None) => known.modified_us == listed.modified_us,
        };
    if !is_same {
        return Merged::Changed(listed.clone());
    }
    let entry = DirectoryFile {
        etag: listed.etag.clone().or_else(|| known.etag.clone()),
        modified_us: listed.modified_us.or(known.modified_us),
        noted_us: known.noted_us,
        ..known.clone()
    };
    if entry == *known {
        Merged::Same
    } else {
        Merged::Completed(entry)
    }
}
