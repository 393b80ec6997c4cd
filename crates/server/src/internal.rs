//! Stagedoor's own storage: the Parquet segments of tables, in `internal/stages.rs` the files of internal stages, and in
//! `internal/temporary.rs` those of temporary ones.
//! A dropped table's files go when no query can still be reading them, at the latest at the next start.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

mod received;
mod stages;
mod temporary;

use catalog::Catalog;
use storage::{Location, ObjectPath, Policy, Store, Transport};

use crate::error::{Error, Result};
use crate::settings::InternalSettings;

pub(crate) use received::{ReceivedFile, ReceivedFiles};
pub(crate) use stages::InternalStages;
pub(crate) use temporary::TemporaryFolder;
#[cfg(test)]
pub(crate) use temporary::TemporaryFolders;

/// Tables' segments and internal stages, below the data directory.
#[derive(Debug)]
pub(crate) struct InternalStorage {
    tables_dir: PathBuf,
    pub(crate) stages: InternalStages,
    /// The place of all segments; a segment's file is `{table id}/{segment}.parquet`.
    pub(crate) tables: Store,
    /// What clients send beside a statement.
    pub(crate) received: ReceivedFiles,
    readers: Arc<Readers>,
}

/// Who reads segments, and which files wait for them to end.
#[derive(Debug)]
struct Readers {
    tables_dir: PathBuf,
    state: Mutex<ReadersState>,
}

#[derive(Debug, Default)]
struct ReadersState {
    /// One more with each removal.
    epoch: u64,
    /// How many began in which epoch.
    pins: BTreeMap<u64, usize>,
    /// Files, and the epoch in whose end they were taken out of their tables: who began later cannot know them.
    garbage: VecDeque<(u64, String)>,
}

impl Readers {
    fn state(&self) -> MutexGuard<'_, ReadersState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pin(self: &Arc<Self>) -> ReadPin {
        let mut state = self.state();
        let epoch = state.epoch;
        *state.pins.entry(epoch).or_default() += 1;
        ReadPin {
            readers: Arc::clone(self),
            epoch,
        }
    }

    fn retire(&self, files: impl IntoIterator<Item = String>) {
        let mut state = self.state();
        let epoch = state.epoch;
        let files = files.into_iter().map(|file| (epoch, file));
        state.garbage.extend(files);
        state.epoch += 1;
    }

    /// Removes the files that nobody can be reading any more. Blocking.
    fn collect(&self) {
        let files: Vec<String> = {
            let mut state = self.state();
            let oldest = state.pins.keys().next().copied().unwrap_or(u64::MAX);
            let free = state
                .garbage
                .iter()
                .take_while(|(epoch, _)| *epoch < oldest);
            let free = free.count();
            state.garbage.drain(..free).map(|(_, file)| file).collect()
        };
        for file in files {
            if let Err(error) = self.remove(&file) {
                tracing::warn!(file, %error, "failed to remove a segment; the next start tries again");
            }
        }
    }

    fn remove(&self, file: &str) -> std::io::Result<()> {
        let path = ObjectPath::parse(file).map_err(std::io::Error::from)?;
        match std::fs::remove_file(self.tables_dir.join(path.as_str())) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }
}

/// While it lives, no segment file is removed that a table had when it was made.
#[derive(Debug)]
pub(crate) struct ReadPin {
    readers: Arc<Readers>,
    epoch: u64,
}

impl Drop for ReadPin {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.readers.state();
            if let Some(count) = state.pins.get_mut(&self.epoch) {
                *count -= 1;
                if *count == 0 {
                    state.pins.remove(&self.epoch);
                }
            }
            !state.garbage.is_empty()
        };
        if waiting {
            let readers = Arc::clone(&self.readers);
            match tokio::runtime::Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn_blocking(move || readers.collect())),
                Err(_) => readers.collect(),
            }
        }
    }
}

impl InternalStorage {
    pub(crate) async fn open(
        data_dir: &Path,
        settings: &InternalSettings,
        transport: Transport,
        catalog: &Catalog,
    ) -> Result<Self> {
        let data_dir = data_dir.canonicalize().map_err(|e| {
            Error::defect(format_args!(
                "data directory '{}' is gone: {e}",
                data_dir.display()
            ))
        })?;
        let tables_dir = data_dir.join("tables");
        let tables = open_own(&tables_dir).await?;
        tables.sweep_all().await?;
        let received = ReceivedFiles::open(data_dir.join("received")).await?;
        let stages = InternalStages::new(settings, &data_dir, transport, catalog)?;
        Ok(Self {
            stages,
            received,
            readers: Arc::new(Readers {
                tables_dir: tables_dir.clone(),
                state: Mutex::default(),
            }),
            tables_dir,
            tables,
        })
    }

    /// Keeps segment files from being removed.
    pub(crate) fn pin(&self) -> ReadPin {
        self.readers.pin()
    }

    /// Marks segment files that no table has any more as garbage, and removes what can go; the rest goes
    /// with the last reader that began before. Blocking.
    pub(crate) fn remove_segments(&self, files: impl IntoIterator<Item = String>) {
        self.readers.retire(files);
        self.readers.collect();
    }

    /// Removes segment files that no table lists: what a crash between file and catalog left. Blocking.
    pub(crate) fn remove_orphans(&self, catalog: &Catalog) -> Result<usize> {
        let mut listed: BTreeSet<String> = BTreeSet::new();
        for account in catalog.accounts()? {
            listed.extend(catalog.all_segment_files(&account.name)?);
        }
        let mut removed = 0;
        let failed = |e: std::io::Error| {
            Error::defect(format_args!(
                "failed to look through '{}': {e}",
                self.tables_dir.display()
            ))
        };
        for table in std::fs::read_dir(&self.tables_dir).map_err(failed)? {
            let table = table.map_err(failed)?.path();
            if !table.is_dir() {
                continue;
            }
            for segment in std::fs::read_dir(&table).map_err(failed)? {
                let segment = segment.map_err(failed)?.path();
                let name = segment
                    .strip_prefix(&self.tables_dir)
                    .unwrap_or(&segment)
                    .to_string_lossy()
                    .into_owned();
                if !listed.contains(&name) {
                    std::fs::remove_file(&segment).map_err(failed)?;
                    removed += 1;
                }
            }
            // Only an empty folder goes.
            let _ = std::fs::remove_dir(&table);
        }
        Ok(removed)
    }
}

async fn open_own(folder: &Path) -> Result<Store> {
    tokio::fs::create_dir_all(folder)
        .await
        .map_err(|e| Error::defect(format_args!("failed to create '{}': {e}", folder.display())))?;
    Ok(Store::open(
        &Location::Folder {
            root: folder.to_owned(),
            prefix: None,
        },
        None,
        &Policy::default(),
    )
    .await?)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_file_goes_with_the_last_reader_that_can_know_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("7").join("a.parquet");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, b"rows").unwrap();
        let readers = Arc::new(Readers {
            tables_dir: dir.path().to_owned(),
            state: Mutex::default(),
        });
        let (early, also_early) = (readers.pin(), readers.pin());
        readers.retire(["7/a.parquet".to_owned()]);
        readers.collect();
        let late = readers.pin();
        drop(early);
        assert!(file.exists());
        // Not the later one's business.
        drop(also_early);
        assert!(!file.exists());
        drop(late);
    }
}
