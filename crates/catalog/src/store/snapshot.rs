//! A consistent copy of all keys while changes go on: what a change replaces is kept until the copy
//! has it. Compaction and backup are made of it, one at a time.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{MutexGuard, PoisonError};

use bytes::Bytes;
use prost::Message;

use super::Store;
use crate::audit::Head;
use crate::error::{Error, ErrorKind};
use crate::format::{self, MutationMessage, OperationMessage, SnapshotEndMessage};
use crate::index::{Pair, State};
use crate::journal::{self, FrameKind, Replacement};
use crate::keys;

/// About how much a frame of a snapshot holds.
const PART_BYTES: usize = 1 << 20;
/// How many keys are read while changes wait.
const PART_KEYS: usize = 2_000;

/// What changes have replaced since the copy began, behind the place that the copy has reached.
#[derive(Debug, Default)]
pub(super) struct Replaced {
    /// All keys up to this one are copied.
    reached: String,
    before: BTreeMap<String, Option<Bytes>>,
}

impl Replaced {
    /// Keeps what a key had, the first time that it changes.
    pub(super) fn note(&mut self, key: &str, old: Option<&[u8]>) {
        if key > self.reached.as_str() && !self.before.contains_key(key) {
            let old = old.map(Bytes::copy_from_slice);
            self.before.insert(key.to_owned(), old);
        }
    }
}

/// A copy in the making. Dropped, it ends; whatever was written of it is the caller's to remove.
pub(super) struct Snapshot<'s> {
    store: &'s Store,
    /// What the copy is of.
    pub(super) state: State,
    /// The end of the audit's chain in it.
    pub(super) head: Head,
    /// Where the journal ended then.
    pub(super) journal_end: u64,
    _one: MutexGuard<'s, ()>,
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        *self.store.replaced() = None;
    }
}

/// What was copied, and up to where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copied {
    pub(crate) last_seq: u64,
    pub(crate) head: Head,
}

impl Store {
    /// Writes a journal of what is durable now to the directory `to`, while changes go on, and syncs
    /// its file.
    pub(crate) fn copy_to(&self, to: &Path) -> Result<Copied, Error> {
        let disk = self.disk();
        let snapshot = self.snapshot()?;
        let mut out = Replacement::begin(&*disk, to, Some(journal::FILE_NAME))?;
        snapshot.write(&mut out)?;
        out.sync()?;
        Ok(Copied {
            last_seq: snapshot.state.applied_seq,
            head: snapshot.head,
        })
    }

    /// Begins a copy of what is durable now; waits for another one to end. A damaged journal is no obstacle, for the copy
    /// is made of the index: it is the way out.
    pub(super) fn snapshot(&self) -> Result<Snapshot<'_>, Error> {
        let one = self
            .maintenance
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Nobody applies anything meanwhile.
        let writer = self.writer();
        self.has_not_failed(&self.queue())?;
        // The pages then say of themselves what the copy is of, which tells them from older ones.
        self.store_recent_of(&writer)
            .inspect_err(|e| self.queue().stop(e))?;
        let head = match self.index.get(keys::AUDIT_HEAD)? {
            Some(bytes) => format::decode(&bytes)?,
            None => Head::default(),
        };
        *self.replaced() = Some(Replaced::default());
        Ok(Snapshot {
            head,
            store: self,
            state: writer.state,
            journal_end: writer.journal.bytes(),
            _one: one,
        })
    }

    pub(super) fn replaced(&self) -> MutexGuard<'_, Option<Replaced>> {
        self.replaced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Snapshot<'_> {
    /// Gives all keys as they were when the copy began, some at a time.
    pub(super) fn each(
        &self,
        mut visit: impl FnMut(&[Pair]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        loop {
            if self.store.queue().closing {
                let message = "the copy of all keys was given up, for the catalog is being closed";
                return Err(Error::new(ErrorKind::Io, message));
            }
            let pairs = self.part()?;
            if pairs.is_empty() {
                return Ok(());
            }
            visit(&pairs)?;
        }
    }

    /// Writes all keys, and the end that says what they must be.
    pub(super) fn write(&self, out: &mut Replacement) -> Result<(), Error> {
        let seq = self.state.applied_seq;
        let mut copied = State::at(self.state.place());
        self.each(|pairs| {
            for (key, value) in pairs {
                format::check(value).map_err(|e| e.at(key))?;
                copied.add(key.as_bytes(), value);
            }
            let operations = pairs
                .iter()
                .map(|(key, value)| OperationMessage {
                    key: key.clone(),
                    value: Some(value.clone()),
                })
                .collect();
            let part = MutationMessage {
                what: "snapshot".to_owned(),
                operations,
                ..MutationMessage::default()
            };
            out.frame(FrameKind::SnapshotPart, seq, &part.encode_to_vec())
        })?;
        // Only a whole index may stand for the journal that it was made from.
        if !copied.holds_as(&self.state) {
            let why = self.state.difference(&copied);
            return Err(self.store.found_damage(&why));
        }
        let end = SnapshotEndMessage {
            keys: self.state.keys,
            digest: self.state.digest,
        };
        out.frame(FrameKind::SnapshotEnd, seq, &end.encode_to_vec())
    }

    /// The next keys as they were when the copy began; empty at the end.
    fn part(&self) -> Result<Vec<Pair>, Error> {
        let _view = self
            .store
            .view
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut guard = self.store.replaced();
        let Some(replaced) = guard.as_mut() else {
            return Ok(Vec::new());
        };
        loop {
            let mut now: BTreeMap<String, Option<Bytes>> = BTreeMap::new();
            let mut bytes = 0;
            let mut is_last = true;
            for pair in self.store.index.all_after(&replaced.reached) {
                let (key, value) = pair?;
                bytes += key.len() + value.len();
                now.insert(key, Some(value));
                if bytes >= PART_BYTES || now.len() >= PART_KEYS {
                    is_last = false;
                    break;
                }
            }
            let rest = match now.last_key_value() {
                Some((last, _)) if !is_last => {
                    let last = last.clone();
                    let rest = replaced.before.split_off(&format!("{last}\0"));
                    replaced.reached = last;
                    rest
                }
                _ => BTreeMap::new(),
            };
            let before = std::mem::replace(&mut replaced.before, rest);
            if is_last {
                // What is made from now on lies behind all that the copy has.
                let end = before.last_key_value().map(|(key, _)| key.clone());
                let end = end.max(now.last_key_value().map(|(key, _)| key.clone()));
                replaced.reached = end
                    .unwrap_or_default()
                    .max(std::mem::take(&mut replaced.reached));
            }
            now.extend(before);
            let pairs: Vec<Pair> = now
                .into_iter()
                .filter_map(|(key, value)| Some((key, value?)))
                .collect();
            if is_last || !pairs.is_empty() {
                return Ok(pairs);
            }
        }
    }
}
