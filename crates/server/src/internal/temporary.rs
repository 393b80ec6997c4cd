//! The files of temporary stages: below `temporary/` where the files of internal stages are, each stage's in a folder
//! that no other one ever has. They go when the last who uses them has ended, at the latest at the next start.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use storage::{Location, ObjectPath, Store};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use uuid::Uuid;

use super::InternalStages;
use crate::error::{Error, Result};

/// The folder of them all.
const TOP: &str = "temporary";

/// The folders of temporary stages of one server.
#[derive(Debug, Default)]
pub(crate) struct TemporaryFolders {
    /// Those that nobody uses any more, to be removed.
    ended: Mutex<Vec<String>>,
    /// Wakes who removes them.
    wake: Arc<Notify>,
    /// Whether what earlier servers left is gone. Before it is, none is used here.
    left_is_gone: AsyncMutex<bool>,
}

impl TemporaryFolders {
    /// A folder for a new stage. Nothing is made yet.
    pub(crate) fn begin(self: &Arc<Self>) -> TemporaryFolder {
        TemporaryFolder {
            // A URL that was presigned for one must not lead into another one.
            name: Uuid::new_v4().simple().to_string(),
            folders: Arc::clone(self),
        }
    }

    /// Resolves when there is something to remove.
    pub(crate) async fn something_ended(&self) {
        self.wake.notified().await;
    }

    fn ended(&self) -> MutexGuard<'_, Vec<String>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The folder of a temporary stage. When it is dropped its files are removed, soon.
#[derive(Debug)]
pub(crate) struct TemporaryFolder {
    name: String,
    folders: Arc<TemporaryFolders>,
}

impl TemporaryFolder {
    /// Another one's is another.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        self.folders.ended().push(std::mem::take(&mut self.name));
        self.folders.wake.notify_one();
    }
}

impl InternalStages {
    /// Opens a temporary stage's files, or a folder among them.
    ///
    /// # Errors
    /// The place's.
    pub(crate) async fn open_temporary(
        &self,
        folder: &TemporaryFolder,
        prefix: Option<&ObjectPath>,
    ) -> Result<Store> {
        self.remove_left().await?;
        self.open_below(&self.temporary_place(Some(&folder.name))?, prefix)
            .await
    }

    /// Removes the files that earlier servers left, once in the life of this one.
    ///
    /// # Errors
    /// The place's: then it is to be tried again.
    pub(crate) async fn remove_left(&self) -> Result<()> {
        let mut is_gone = self.temporary.left_is_gone.lock().await;
        if !*is_gone {
            self.remove_place(&self.temporary_place(None)?).await?;
            *is_gone = true;
        }
        Ok(())
    }

    /// The same for a server that is being opened, where that asks no other machine. What cannot be removed is logged.
    pub(crate) async fn remove_left_here(&self) {
        if self.folder().is_none() {
            return;
        }
        if let Err(error) = self.remove_left().await {
            tracing::warn!(
                error = error.message(),
                "failed to remove the files of temporary stages that a stopped server left; it is tried again"
            );
        }
    }

    /// Removes the files of the stages that have ended. What cannot be removed now is tried again the next time.
    /// Gives of how many stages it was.
    pub(crate) async fn remove_ended(&self) -> usize {
        let ended = std::mem::take(&mut *self.temporary.ended());
        let mut removed = 0;
        for name in ended {
            let gone = match self.temporary_place(Some(&name)) {
                Ok(place) => self.remove_place(&place).await,
                Err(error) => Err(error),
            };
            match gone {
                Ok(()) => removed += 1,
                Err(error) => {
                    tracing::warn!(
                        error = error.message(),
                        "failed to remove the files of a temporary stage; it is tried again, at the latest at the next start"
                    );
                    self.temporary.ended().push(name);
                }
            }
        }
        removed
    }

    fn temporary_place(&self, name: Option<&str>) -> Result<Location> {
        match name {
            Some("") => Err(Error::defect("a temporary stage has no folder")),
            Some(name) => self.below(&format!("{TOP}/{name}")),
            None => self.below(TOP),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_ends_with_the_last_who_uses_it() {
        let folders = Arc::new(TemporaryFolders::default());
        let folder = Arc::new(folders.begin());
        let name = folder.name().to_owned();
        assert_ne!(name, folders.begin().name());
        folders.ended().clear();
        let also = Arc::clone(&folder);
        drop(folder);
        assert!(folders.ended().is_empty());
        drop(also);
        assert_eq!(*folders.ended(), [name]);
    }
}
