//! What an export tells: its progress while it runs, its report at the end.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use serde::{Deserialize, Serialize};

/// Counters that only grow, and that anyone may read while the export runs. What several exports are given counts them
/// all.
#[derive(Debug, Default)]
pub struct Progress {
    rows: AtomicU64,
    bytes: AtomicU64,
    files: AtomicU64,
    running: Mutex<Running>,
}

/// The exports that count here and have not let go of their sinks.
#[derive(Debug, Default)]
struct Running {
    exports: usize,
    waiting: Vec<Waker>,
}

impl Progress {
    /// Rows handed to the sink.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Bytes handed to the sink, headers included.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Files finished.
    pub fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    /// Waits until every export that counts here has ended, whichever way, and has dropped its sink: whoever drops an
    /// export's future knows by this that its open file has been aborted. At once where none has begun.
    pub async fn ended(&self) {
        poll_fn(|context| {
            let mut running = self.running();
            if running.exports == 0 {
                return Poll::Ready(());
            }
            let own = context.waker();
            if !running.waiting.iter().any(|waker| waker.will_wake(own)) {
                running.waiting.push(own.clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// Counts an export as running for as long as the value is there.
    pub(crate) fn begin(self: &Arc<Self>) -> Run {
        self.running().exports += 1;
        Run(Arc::clone(self))
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add_rows(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    pub(crate) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn add_file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }
}

/// An export that runs.
pub(crate) struct Run(Arc<Progress>);

impl Drop for Run {
    fn drop(&mut self) {
        let mut running = self.0.running();
        running.exports -= 1;
        if running.exports == 0 {
            let waiting = std::mem::take(&mut running.waiting);
            drop(running);
            waiting.into_iter().for_each(Waker::wake);
        }
    }
}

/// One finished file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FileReport {
    /// The number it was opened with, from 0.
    pub index: u32,
    /// The folder of its rows, where they are partitioned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub partition: Option<String>,
    /// Rows in it, the header not counted.
    pub rows: u64,
    /// Its size, the header included.
    pub bytes: u64,
    /// The digest of its bytes: 64 lower-case hexadecimal digits of SHA-256, or `blake3:` and its 64; none
    /// [`without_digest`](crate::ExportOptions::without_digest).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<String>,
}

/// A finished export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExportReport {
    /// The files in their order; at least one.
    pub files: Vec<FileReport>,
    /// Rows in all files.
    pub rows: u64,
    /// Bytes in all files.
    pub bytes: u64,
}
