//! Joins journal and index: reads come from the index; a mutation is decided on what is ahead of it,
//! appended to the journal, applied to the index, then answered (`store/commit.rs`).

mod closed;
mod commit;
mod compact;
mod draft;
mod keeper;
mod open;
mod overlay;
mod queue;
mod recovery;
mod scrub;
mod snapshot;
mod steps;
#[cfg(test)]
mod tests;
mod what;
mod within;

pub(crate) use closed::{CaughtUp, Closed};
pub(crate) use draft::{Draft, View};

pub(crate) use keeper::Keeper;
pub(crate) use open::Anew;
pub use recovery::Recovery;
pub use scrub::Scrubbed;
use steps::Made;
pub(crate) use steps::Steps;
pub(crate) use what::What;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use crate::audit::AuditEvent;
use crate::disk::Disk;
use crate::error::{Error, ErrorKind};
use crate::index::Index;
use crate::lock::DirectoryLock;
use crate::names;
use crate::options::{Actor, Clock, Options};
use commit::Writer;
use overlay::Overlay;
use queue::Queue;

/// The open files of a catalog. Fields drop in this order: the lock goes last.
pub(crate) struct Store {
    index: Index,
    /// Held to write while changes are applied, so that a reader of several keys sees all of one or
    /// nothing, and while they move within the index. It is taken after any other lock but `replaced`.
    view: RwLock<()>,
    /// Held for one decision at a time; never while the disk is waited for.
    queue: Mutex<Queue>,
    /// Told whenever `queue.leading` ends.
    settled: Condvar,
    /// Told when there is something for the threads in the background.
    wake: Condvar,
    /// Held by the one that writes the journal.
    writer: Mutex<Writer>,
    /// Held by whoever copies all keys.
    maintenance: Mutex<()>,
    /// What changes replace while all keys are copied.
    replaced: Mutex<Option<snapshot::Replaced>>,
    /// Why the last compaction in the background came to nothing.
    compaction_failure: Mutex<Option<String>>,
    /// What a scrub found, or a read that failed: nothing may be built on it.
    damaged: OnceLock<String>,
    /// A reader has nothing ahead of the index.
    nothing: Overlay,
    dir: PathBuf,
    options: Options,
    clock: Clock,
    recovery: Recovery,
    _lock: DirectoryLock,
}

/// Gives views of a catalog, be it open or only looked at.
pub(crate) trait Reader {
    /// Gives `read` a consistent view.
    fn read<T>(&self, read: impl FnOnce(View<'_>) -> Result<T, Error>) -> Result<T, Error>;
}

impl Reader for Store {
    fn read<T>(&self, read: impl FnOnce(View<'_>) -> Result<T, Error>) -> Result<T, Error> {
        within::refuse(self)?;
        let _view = self.view.read().unwrap_or_else(PoisonError::into_inner);
        read(View::new(&self.index, &self.nothing, &self.nothing)).inspect_err(|e| self.note(e))
    }
}

impl Store {
    /// Gives `read` a consistent view.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(View<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        Reader::read(self, read)
    }

    /// Runs one mutation: `decide` reads and fills the draft, which is then written as one journal
    /// record, with its record of the audit. A draft left empty writes nothing, and nor does a request
    /// that is only validated.
    ///
    /// Many may call at once: one after the other decides, each on what those before it decided;
    /// then one of them writes for all. The answer waits for all that it was decided on.
    pub(crate) fn write<T>(
        &self,
        actor: &Actor,
        what: impl FnOnce() -> What,
        decide: impl FnOnce(&mut Draft<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.write_steps(actor, |mut steps| steps.step(what, decide))
    }

    /// The same of a mutation of several steps, which are one journal record: all of them, or none when
    /// `decide` fails.
    pub(crate) fn write_steps<T, E: From<Error>>(
        &self,
        actor: &Actor,
        decide: impl FnOnce(Steps<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        names::check("an account", &actor.account)?;
        within::refuse(self)?;
        let mut queue = self.queue();
        self.may_write(&queue)?;
        let now_us = (self.clock)();
        let mut made = Made::default();
        let answer = {
            // What is ahead is seen either way, but nothing of the index may move meanwhile.
            let _view = self.view.read().unwrap_or_else(PoisonError::into_inner);
            let _within = within::enter(self);
            decide(Steps::new(self, &queue.ahead, now_us, &mut made))
        };
        let is_meant = !actor.request.validate_only;
        if is_meant
            && answer.is_ok()
            && let Some(mutation) = made.mutation(now_us)
        {
            queue.push(actor, mutation)?;
        }
        let seq = queue.last_change();
        self.settle(queue, seq)?;
        answer
    }

    /// A damaged record harms that record alone. But after one failure of the disk the index reads
    /// nothing right any more until it is opened again.
    fn note(&self, error: &Error) {
        if error.kind() == ErrorKind::Io {
            // Only the first one is kept.
            let _ = self.damaged.set(error.to_string());
        }
    }

    /// Appends a record to the audit, to be made durable soon.
    pub(crate) fn record(&self, event: AuditEvent) -> Result<(), Error> {
        within::refuse(self)?;
        let mut queue = self.queue();
        self.may_write(&queue)?;
        queue.push_event(event, (self.clock)())?;
        if queue.is_full() {
            let seq = queue.last();
            return self.settle(queue, seq);
        }
        self.wake.notify_all();
        Ok(())
    }

    /// Puts all that is applied into the index's pages.
    pub(crate) fn store_recent(&self) -> Result<(), Error> {
        let writer = self.writer();
        let stored = self.store_recent_of(&writer);
        drop(writer);
        stored.inspect_err(|e| self.queue().stop(e))
    }

    fn store_recent_of(&self, writer: &Writer) -> Result<(), Error> {
        let _view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        match self.index.has_recent() {
            true => self.index.store(&writer.state),
            false => Ok(()),
        }
    }

    /// Waits until all that was decided so far is durable and applied.
    pub(crate) fn settle_all(&self) -> Result<(), Error> {
        within::refuse(self)?;
        let queue = self.queue();
        let seq = queue.last();
        self.settle(queue, seq)
    }

    /// Why nothing can be written any more; `None` while all is well.
    pub(crate) fn read_only_reason(&self) -> Option<String> {
        let queue = self.queue();
        self.stopped(&queue)
    }

    /// Why the last compaction in the background came to nothing.
    pub(crate) fn compaction_failure(&self) -> Option<String> {
        self.compaction_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether an index that had more than the journal is kept beside.
    pub(crate) fn has_index_aside(&self) -> Result<bool, Error> {
        open::is_set_aside(&self.dir)
    }

    pub(crate) fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// The number of the last journal record, and the journal's length in bytes.
    pub(crate) fn position(&self) -> (u64, u64) {
        let writer = self.writer();
        (writer.journal.last().seq, writer.journal.bytes())
    }

    /// How often the journal was made durable since it was opened.
    pub(crate) fn flushes(&self) -> u64 {
        self.writer().journal.flushes()
    }

    pub(crate) fn disk(&self) -> Arc<dyn Disk> {
        Arc::clone(self.writer().journal.disk())
    }

    /// The time of the next record.
    pub(crate) fn now_us(&self) -> u64 {
        (self.clock)()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("recovery", &self.recovery)
            .finish_non_exhaustive()
    }
}
