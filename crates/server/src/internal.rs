//! Stagedoor's own storage: the Parquet segments of tables, and in `internal/stages.rs` the files of internal stages.
//! A dropped table's files go when no query can still be reading them, at the latest at the next start.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

mod stages;

use catalog::Catalog;
use storage::{Location, ObjectPath, Policy, Store, Transport};

use crate::error::{Error, Result};
use crate::settings::InternalSettings;

pub(crate) use stages::InternalStages;

/// Tables' segments and internal stages, below the data directory.
#[derive(Debug)]
pub(crate) struct InternalStorage {
    data_dir: PathBuf,
    tables_dir: PathBuf,
    pub(crate) stages: InternalStages,
    /// The place of all segments; a segment's file is `{table id}/{segment}.parquet`.
    pub(crate) tables: Store,
    /// Cloned by every reader, so that its count tells whether any is left.
    readers: Arc<()>,
    garbage: Mutex<Vec<String>>,
}

/// While it lives, no segment file is removed.
#[derive(Debug, Clone)]
pub(crate) struct ReadPin(#[expect(dead_code, reason = "its count is what matters")] Arc<()>);

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
        let stages = InternalStages::new(settings, &data_dir, transport, catalog)?;
        Ok(Self {
            stages,
            data_dir,
            tables_dir,
            tables,
            readers: Arc::new(()),
            garbage: Mutex::default(),
        })
    }

    /// Keeps segment files from being removed.
    pub(crate) fn pin(&self) -> ReadPin {
        ReadPin(Arc::clone(&self.readers))
    }

    /// Marks segment files of a dropped or truncated table as garbage, and removes what can go. Blocking.
    pub(crate) fn remove_segments(&self, files: impl IntoIterator<Item = String>) {
        let mut garbage = self.garbage.lock().unwrap_or_else(PoisonError::into_inner);
        garbage.extend(files);
        if Arc::strong_count(&self.readers) > 1 {
            return;
        }
        for file in garbage.drain(..) {
            if let Err(error) = self.remove(&file) {
                tracing::warn!(file, %error, "failed to remove a segment; the next start tries again");
            }
        }
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

    /// What stages and local paths must not reach.
    pub(crate) fn policy(&self, allowed: Option<&[PathBuf]>) -> Policy {
        let policy = Policy::default().deny(&self.data_dir);
        let policy = match self.stages.folder() {
            Some(folder) => policy.deny(&folder),
            None => policy,
        };
        match allowed {
            Some(folders) => policy.allow_only(folders),
            None => policy,
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
