//! The threads in the background of an open catalog: one makes durable what nobody waits for, one
//! puts the latest changes into the index's pages, one writes the journal anew when it has become too
//! large.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Store;
use super::queue::Queue;
use crate::error::{Error, ErrorKind};

/// Stops its threads when dropped, after a last sync.
#[derive(Debug)]
pub(crate) struct Keeper {
    store: Arc<Store>,
    threads: Vec<JoinHandle<()>>,
}

impl Keeper {
    pub(crate) fn start(store: &Arc<Store>) -> Result<Keeper, Error> {
        let mut keeper = Keeper {
            store: Arc::clone(store),
            threads: Vec::new(),
        };
        keeper.spawn("catalog-sync", Store::sync_late)?;
        keeper.spawn("catalog-index", Store::store_late)?;
        keeper.spawn("catalog-compact", Store::compact_when_large)?;
        Ok(keeper)
    }

    fn spawn(&mut self, name: &str, run: fn(&Store)) -> Result<(), Error> {
        let store = Arc::clone(&self.store);
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(&store))
            .map_err(|e| {
                Error::new(ErrorKind::Io, format!("failed to start a thread: {e}")).with_source(e)
            })?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.store.queue().closing = true;
        self.store.wake.notify_all();
        for thread in self.threads.drain(..) {
            // A panic there has been told by its message.
            let _ = thread.join();
        }
        // What failed here makes nothing less durable than was promised.
        let _ = self.store.settle_all();
        let _ = self.store.store_recent();
    }
}

impl Store {
    /// Syncs records that nobody waits for when their time is up, until the catalog is closed.
    fn sync_late(&self) {
        let wait = Duration::from_millis(self.options.audit_sync_ms);
        let mut queue = self.queue();
        while !queue.closing {
            let left = left_of(wait, queue.waiting_since);
            if left.is_some_and(|left| left.is_zero() || queue.is_full()) {
                let seq = queue.last();
                if self.settle(queue, seq).is_err() {
                    // Read-only from here on: every caller is told so by itself.
                    return;
                }
                queue = self.queue();
            } else {
                queue = self.sleep(queue, left);
            }
        }
    }

    /// Puts the latest changes into the index's pages when they are old enough, until the catalog is
    /// closed.
    fn store_late(&self) {
        let wait = Duration::from_millis(self.options.index_recent_ms);
        let mut queue = self.queue();
        while !queue.closing {
            let left = left_of(wait, queue.recent_since);
            if left.is_some_and(|left| left.is_zero()) {
                queue.recent_since = None;
                drop(queue);
                if self.store_recent().is_err() {
                    // Read-only from here on: every caller is told so by itself.
                    return;
                }
                queue = self.queue();
            } else {
                queue = self.sleep(queue, left);
            }
        }
    }

    /// Compacts the journal whenever it is too large, until the catalog is closed.
    fn compact_when_large(&self) {
        let mut queue = self.queue();
        while !queue.closing {
            if !queue.compaction_wanted {
                queue = self.sleep(queue, None);
                continue;
            }
            queue.compaction_wanted = false;
            drop(queue);
            let failure = self.compact().err().map(|e| e.to_string());
            *self
                .compaction_failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = failure;
            queue = self.queue();
        }
    }

    /// Waits to be woken, for so long at most.
    fn sleep<'a>(
        &self,
        queue: MutexGuard<'a, Queue>,
        longest: Option<Duration>,
    ) -> MutexGuard<'a, Queue> {
        match longest {
            None => self
                .wake
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner),
            Some(longest) => {
                self.wake
                    .wait_timeout(queue, longest)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        }
    }
}

/// What is left of a time that began then; `None` when nothing waits.
fn left_of(wait: Duration, since: Option<Instant>) -> Option<Duration> {
    since.map(|since| wait.saturating_sub(since.elapsed()))
}
