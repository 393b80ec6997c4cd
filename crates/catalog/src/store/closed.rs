//! A catalog that nobody has open, to be looked at: its locks are held, nothing of it is repaired.

use std::path::Path;

use super::open::{is_same, operations};
use super::overlay::Overlay;
use super::{Reader, View};
use crate::disk::{DiskFile, RealDisk};
use crate::error::{Error, ErrorKind};
use crate::index::{self, Index, State};
use crate::journal::{Frame, FrameKind, Journal, Place};
use crate::lock::DirectoryLock;
use crate::options::Options;

/// Its locks, and its index once that is opened.
pub(crate) struct Closed {
    index: Index,
    ahead: Overlay,
    /// Nothing is being decided here.
    nothing: Overlay,
}

/// Whether a closed index could be brought up to its journal, to be looked at.
pub(crate) enum CaughtUp {
    /// By so many records.
    By(u64),
    /// The next opening makes it anew: it is older than the journal's snapshot, or of another layout.
    Anew,
    /// The journal has another record where the index has its last one.
    Another,
}

/// Keeps everybody else out. Fields drop in this order.
pub(crate) struct Locked {
    _journal: Option<Box<dyn DiskFile>>,
    _lock: DirectoryLock,
}

impl Closed {
    /// Takes the locks of the catalog in `dir`, which must be one.
    pub(crate) fn lock(dir: &Path) -> Result<Locked, Error> {
        let journal = dir.join(crate::journal::FILE_NAME);
        let is_there = |path: &Path| {
            path.try_exists()
                .map_err(|e| Error::io("look for", path, e))
        };
        if !is_there(&journal)? && !is_there(&dir.join(index::DIRECTORY))? {
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
        Ok(Locked {
            _journal: Journal::lock(&RealDisk, dir)?,
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
            ahead: Overlay::default(),
            nothing: Overlay::default(),
        }))
    }

    /// Lays over the index what the journal has beyond it, as the next opening would write it.
    ///
    /// Errors: `Corrupt` for damage in that part of the journal.
    pub(crate) fn catch_up(&mut self, dir: &Path, state: &State) -> Result<CaughtUp, Error> {
        if !state.is_of_this_layout() {
            return Ok(CaughtUp::Anew);
        }
        let place = state.place();
        let (ahead, mut count) = (&mut self.ahead, 0);
        let mut take = |frame: Frame| {
            let seq = frame.place.seq;
            ahead.insert(seq, &operations(frame)?);
            count += 1;
            Ok(())
        };
        if place.seq > 0 && Journal::scan_from(dir, place, &mut take)?.is_some() {
            return Ok(CaughtUp::By(count));
        }
        // The record is elsewhere after a compaction.
        let mut is_there = place.seq == 0;
        let scan = Journal::scan(dir, |frame| {
            is_there |= frame.place.seq == place.seq && is_same(&frame, state)?;
            Ok(())
        })?;
        if scan.snapshot_seq.is_some_and(|at| place.seq < at) {
            return Ok(CaughtUp::Anew);
        }
        if !is_there {
            return Ok(CaughtUp::Another);
        }
        Journal::scan(dir, |frame| match frame.kind {
            FrameKind::Mutation if frame.place.seq > place.seq => take(frame),
            FrameKind::Mutation | FrameKind::SnapshotPart | FrameKind::SnapshotEnd => Ok(()),
        })?;
        Ok(CaughtUp::By(count))
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
        read(View::new(&self.index, &self.ahead, &self.nothing))
    }
}
