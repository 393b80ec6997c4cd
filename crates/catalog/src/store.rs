//! Joins journal and index: reads come from the index, and a mutation is appended to the journal,
//! then applied to the index, then answered, one at a time.

mod draft;
mod open;

pub(crate) use draft::{Draft, View};

use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError, RwLock};

use prost::Message;

use crate::error::{Error, ErrorKind};
use crate::format::{MutationMessage, OperationMessage};
use crate::index::{Index, Operation, State};
use crate::journal::Journal;
use crate::lock::DirectoryLock;
use crate::options::{Actor, Clock};
use crate::{names, options};

/// What opening a catalog had to repair.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Recovery {
    /// How many journal records were applied to the index: those it lacked, or all.
    pub replayed: u64,
    /// Why the index was deleted and made anew from the journal; `None` when it was not.
    pub rebuilt: Option<String>,
    /// How many bytes of an unfinished append were cut from the journal's end.
    pub torn_bytes: u64,
    /// How many records the index had that the journal lacks. More than 0 means that the journal was
    /// cut or replaced by an older one from outside: changes once acknowledged are gone. The index
    /// that had them is kept beside the new one, as `index.ahead`.
    pub ahead: u64,
    /// Whether the journal was compacted.
    pub compacted: bool,
}

/// The open files of a catalog. Fields drop in this order: the lock goes last.
pub(crate) struct Store {
    index: Index,
    /// Held to write while one mutation is applied, so that a reader of several keys sees all of it or nothing.
    view: RwLock<()>,
    writer: Mutex<Writer>,
    /// The first error of the index in a read: it reads nothing right any more until opened again.
    unreadable: OnceLock<String>,
    clock: Clock,
    recovery: Recovery,
    _lock: DirectoryLock,
}

struct Writer {
    journal: Journal,
    state: State,
    /// Why nothing more may be written.
    stopped: Option<String>,
}

impl Store {
    /// Gives `read` a consistent view.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(View<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _view = self.view.read().unwrap_or_else(PoisonError::into_inner);
        read(View::new(&self.index)).inspect_err(|e| self.note(e))
    }

    /// Runs one mutation: `decide` reads and fills the draft, which is then written as one journal
    /// record. A draft left empty writes nothing.
    pub(crate) fn write<T>(
        &self,
        actor: &Actor,
        what: impl FnOnce() -> String,
        decide: impl FnOnce(&mut Draft<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        check_actor(actor)?;
        // One writer at a time. For group commit this is the place: let callers queue their
        // records here, and the first one append and sync all of them.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = writer.stopped.as_ref().or(self.unreadable.get()) {
            return Err(read_only(why));
        }
        let mut draft = Draft::new(View::new(&self.index), (self.clock)());
        let answer = decide(&mut draft).inspect_err(|e| self.note(e))?;
        let time_us = draft.now_us();
        let operations = draft.into_operations();
        if !operations.is_empty() {
            self.commit(&mut writer, actor, what(), time_us, operations)?;
        }
        Ok(answer)
    }

    fn note(&self, error: &Error) {
        if matches!(error.kind(), ErrorKind::Io | ErrorKind::Corrupt) {
            // Only the first one is kept.
            let _ = self.unreadable.set(error.to_string());
        }
    }

    fn commit(
        &self,
        writer: &mut Writer,
        actor: &Actor,
        what: String,
        time_us: u64,
        operations: Vec<Operation>,
    ) -> Result<(), Error> {
        let payload = mutation(actor, what, time_us, &operations).encode_to_vec();
        if payload.len() > crate::journal::PAYLOAD_BYTES_MAX {
            return Err(Error::invalid(format!(
                "the change has {} bytes, one change may have {}",
                payload.len(),
                crate::journal::PAYLOAD_BYTES_MAX
            )));
        }
        // Set first, so that also a panic below leaves a catalog that writes nothing more.
        writer.stopped = Some("a change was interrupted".to_owned());
        let seq = writer.journal.append(&payload).map_err(|e| {
            writer.stopped = Some(e.to_string());
            e.at("the change is not acknowledged and the catalog is read-only from now on")
        })?;
        let applied = {
            let _view = self.view.write().unwrap_or_else(PoisonError::into_inner);
            self.index.apply(&writer.state, seq, &operations)
        };
        writer.state = applied.map_err(|e| {
            writer.stopped = Some(e.to_string());
            e.at("the change is in the journal, but the catalog must be opened again to use it and is read-only until then")
        })?;
        writer.stopped = None;
        Ok(())
    }

    /// Why nothing can be written any more; `None` while all is well.
    pub(crate) fn read_only_reason(&self) -> Option<String> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.stopped.as_ref().or(self.unreadable.get()).cloned()
    }

    pub(crate) fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// The number of the last journal record, and the journal's length in bytes.
    pub(crate) fn position(&self) -> (u64, u64) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        (writer.journal.last_seq(), writer.journal.bytes())
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("recovery", &self.recovery)
            .finish_non_exhaustive()
    }
}

fn check_actor(actor: &options::Actor) -> Result<(), Error> {
    names::check("an account", &actor.account)
}

fn read_only(why: &str) -> Error {
    Error::new(
        ErrorKind::ReadOnly,
        format!(
            "the catalog is read-only since its disk failed ({why}); repair the cause and open it again"
        ),
    )
}

fn mutation(
    actor: &Actor,
    what: String,
    time_us: u64,
    operations: &[Operation],
) -> MutationMessage {
    MutationMessage {
        time_us,
        account: actor.account.clone(),
        user: actor.user.clone(),
        role: actor.role.clone(),
        what,
        operations: operations
            .iter()
            .map(|(key, value)| OperationMessage {
                key: key.clone(),
                value: value.clone(),
            })
            .collect(),
    }
}
