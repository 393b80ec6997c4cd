//! A catalog that nobody has open, to be looked at: its locks are held, nothing of it is repaired.

use std::path::Path;

use super::overlay::Overlay;
use super::{Reader, View};
use crate::disk::{DiskFile, RealDisk};
use crate::error::{Error, ErrorKind};
use crate::index::{self, Index, State};
use crate::journal::{Journal, Place};
use crate::lock::DirectoryLock;
use crate::options::Options;

/// Its locks, and its index once that is opened.
pub(crate) struct Closed {
    index: Index,
    nothing: Overlay,
}

/// Keeps everybody else out. Fields drop in this order.
pub(crate) struct Locked {
    _journal: Box<dyn DiskFile>,
    _lock: DirectoryLock,
}

impl Closed {
    /// Takes the locks of the catalog in `dir`, which must be one.
    pub(crate) fn lock(dir: &Path) -> Result<Locked, Error> {
        if !dir.join(crate::journal::FILE_NAME).exists() {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!(
                    "there is no catalog in {}: it has no file {}",
                    dir.display(),
                    crate::journal::FILE_NAME
                ),
            ));
        }
        let lock = DirectoryLock::take(dir)?;
        let journal = Journal::lock(&RealDisk, dir)?.ok_or_else(|| {
            let message = format!("the journal in {} was removed meanwhile", dir.display());
            Error::new(ErrorKind::NotFound, message)
        })?;
        Ok(Locked {
            _journal: journal,
            _lock: lock,
        })
    }

    /// Opens the index; `None` when there is none.
    pub(crate) fn open(dir: &Path) -> Result<Option<Closed>, Error> {
        if !dir.join(index::DIRECTORY).exists() {
            return Ok(None);
        }
        Ok(Some(Closed {
            index: Index::open(dir, &Options::default())?,
            nothing: Overlay::default(),
        }))
    }

    /// What the index says of itself.
    pub(crate) fn state(&self) -> Result<Option<State>, Error> {
        self.index.state()
    }

    /// What the index holds.
    pub(crate) fn summary(&self, place: Place) -> Result<State, Error> {
        self.index.summary(place)
    }
}

impl Reader for Closed {
    fn read<T>(&self, read: impl FnOnce(View<'_>) -> Result<T, Error>) -> Result<T, Error> {
        read(View::new(&self.index, &self.nothing))
    }
}
