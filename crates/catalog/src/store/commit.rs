//! Group commit: decisions queue their records, one of the callers writes all that are queued with
//! one sync and applies them, the others wait for it.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;

use super::Store;
use super::queue::{Pending, Queue, Stopped};
use crate::error::{Error, ErrorKind};
use crate::index::State;
use crate::journal::{Journal, Place};
use crate::options::Options;

/// The files that a leader writes.
pub(super) struct Writer {
    pub(super) journal: Journal,
    pub(super) state: State,
    /// A journal not larger than this is left as it is.
    pub(super) compact_above: u64,
}

impl Writer {
    /// Whether the journal has grown past the limits in the options; once for each such growth.
    pub(super) fn wants_compaction(&mut self, options: &Options) -> bool {
        let bytes = self.journal.bytes();
        let live_max = self.state.bytes.saturating_mul(options.compact_ratio_min);
        let wants = bytes > self.compact_above && bytes > live_max;
        if wants {
            // Should it fail, another attempt is worth it only when there is more to gain.
            self.compact_above = bytes.saturating_add(bytes / 4);
        }
        wants
    }
}

/// Ends a lead, also by a panic.
pub(super) struct Lead<'s> {
    store: &'s Store,
    ended: bool,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let mut queue = self.store.queue();
            queue.leading = false;
            queue.stopped.get_or_insert(Stopped {
                kind: ErrorKind::Io,
                why: "a change was interrupted".to_owned(),
                journalled: 0,
            });
            drop(queue);
            self.store.settled.notify_all();
        }
    }
}

fn read_only(why: &str) -> Error {
    Error::new(
        ErrorKind::ReadOnly,
        format!("the catalog is read-only ({why}); repair the cause and open it again"),
    )
}

impl Store {
    pub(super) fn stopped(&self, queue: &Queue) -> Option<String> {
        let stopped = queue.stopped.as_ref().map(|stopped| stopped.why.clone());
        stopped.or_else(|| self.damaged.get().cloned())
    }

    pub(super) fn may_write(&self, queue: &Queue) -> Result<(), Error> {
        match self.stopped(queue) {
            None => Ok(()),
            Some(why) => Err(read_only(&why)),
        }
    }

    /// That no write to the disk has failed, after which nobody knows what index and journal have.
    pub(super) fn has_not_failed(&self, queue: &Queue) -> Result<(), Error> {
        match &queue.stopped {
            None => Ok(()),
            Some(stopped) => Err(read_only(&stopped.why)),
        }
    }

    /// Waits until record `seq` is durable and applied; writes what is queued where nobody else does.
    pub(super) fn settle<'s>(
        &'s self,
        mut queue: MutexGuard<'s, Queue>,
        seq: u64,
    ) -> Result<(), Error> {
        loop {
            if queue.settled >= seq {
                return Ok(());
            }
            if let Some(stopped) = &queue.stopped {
                let what = if seq <= stopped.journalled {
                    "the change is in the journal, but the catalog must be opened again to use it and is read-only until then"
                } else {
                    "the change is not acknowledged and the catalog is read-only from now on"
                };
                return Err(Error::new(stopped.kind, format!("{what}: {}", stopped.why)));
            }
            queue = if queue.leading {
                self.settled
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner)
            } else {
                self.write_queued(queue)
            };
        }
    }

    /// Waits until nobody writes, and keeps it so.
    pub(super) fn wait_to_lead(&self) -> Result<Lead<'_>, Error> {
        let mut queue = self.queue();
        while queue.leading {
            queue = self
                .settled
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
        self.may_write(&queue)?;
        Ok(self.lead(&mut queue))
    }

    /// Becomes the one that writes, when nobody is.
    fn lead(&self, queue: &mut Queue) -> Lead<'_> {
        queue.leading = true;
        Lead {
            store: self,
            ended: false,
        }
    }

    /// Lets others write again.
    pub(super) fn end_lead<'s>(&'s self, mut lead: Lead<'s>) -> MutexGuard<'s, Queue> {
        lead.ended = true;
        let mut queue = self.queue();
        queue.leading = false;
        self.settled.notify_all();
        queue
    }

    /// Writes and applies what is queued.
    pub(super) fn write_queued<'s>(
        &'s self,
        mut queue: MutexGuard<'s, Queue>,
    ) -> MutexGuard<'s, Queue> {
        let lead = self.lead(&mut queue);
        let batch = queue.take();
        drop(queue);
        let result = self.commit(&batch);
        let mut queue = self.end_lead(lead);
        match result {
            Ok(too_large) => {
                if too_large {
                    queue.compaction_wanted = true;
                    self.wake.notify_all();
                }
                let last = batch.last().map_or(queue.settled, |pending| pending.seq);
                let keys = batch
                    .iter()
                    .flat_map(|pending| &pending.operations)
                    .map(|(key, _)| key.as_str());
                queue.settled = last;
                if !batch.is_empty() && queue.recent_since.is_none() {
                    queue.recent_since = Some(Instant::now());
                    self.wake.notify_all();
                }
                queue.ahead.remove(last, keys);
            }
            Err(stopped) => {
                queue.stopped.get_or_insert(stopped);
            }
        }
        queue
    }

    /// Gives whether the journal has become too large.
    fn commit(&self, batch: &[Pending]) -> Result<bool, Stopped> {
        let stopped = |error: &Error, journalled| Stopped {
            kind: error.kind(),
            why: error.to_string(),
            journalled,
        };
        if batch.is_empty() {
            return Ok(false);
        }
        let mut writer = self.writer();
        let payloads = batch.iter().map(|pending| pending.payload.as_slice());
        let place = writer
            .journal
            .append(payloads)
            .map_err(|e| stopped(&e, 0))?;
        let mut changes: BTreeMap<&str, Option<&Bytes>> = BTreeMap::new();
        for (key, value) in batch.iter().flat_map(|pending| &pending.operations) {
            changes.insert(key, value.as_ref());
        }
        self.apply(&mut writer, place, &changes)
            .map_err(|e| stopped(&e, place.seq))?;
        Ok(writer.wants_compaction(&self.options))
    }

    fn apply(
        &self,
        writer: &mut Writer,
        place: Place,
        changes: &BTreeMap<&str, Option<&Bytes>>,
    ) -> Result<(), Error> {
        let _view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        let mut replaced = self.replaced();
        let note = |key: &str, old: Option<&[u8]>| {
            if let Some(replaced) = replaced.as_mut() {
                replaced.note(key, old);
            }
        };
        writer.state = self.index.apply(&writer.state, place, changes, note)?;
        Ok(())
    }
}
