//! Where the bytes go: a sink opens parts, a part takes bytes and is finished or aborted.
//! `MemorySink` keeps them in memory, for tests and small results.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Opens the files of an export. Runs on the exporter's writer thread, so it may block.
pub trait PartSink: Send {
    /// One file.
    type Part: Part;

    /// Opens a file.
    ///
    /// # Errors
    /// Any; they end the export with [`ExportErrorKind::Sink`](crate::ExportErrorKind::Sink).
    fn open(&mut self, file: &NewFile) -> io::Result<Self::Part>;
}

/// A file that is to be opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct NewFile {
    /// Its number among all files of the export, from 0.
    pub index: u32,
    /// The folder of its rows, where they are partitioned: `day=2026-01-02/shop=7`.
    pub partition: Option<Arc<str>>,
    /// Its number among those of its folder, from 0.
    pub number: u32,
}

/// One file while it is written. Either `finish` or `abort` is called, once, unless the part itself panics.
pub trait Part: Send {
    /// Takes all of `bytes`: the header, then about a chunk at a time. A part that wants larger or even writes
    /// puts them together itself.
    ///
    /// # Errors
    /// Any; the part is aborted then.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes the bytes durable. It does not publish them.
    ///
    /// # Errors
    /// Any; the part has to clean up after itself, `abort` is not called any more.
    fn finish(self) -> io::Result<()>;

    /// Removes what was written.
    fn abort(self);
}

/// The numbers and bytes of finished parts.
type Finished = Arc<Mutex<Vec<(u32, Vec<u8>)>>>;

/// Keeps finished parts in memory.
#[derive(Debug, Clone, Default)]
pub struct MemorySink {
    finished: Finished,
}

impl MemorySink {
    /// The finished parts with their numbers, in the order in which they were finished.
    pub fn parts(&self) -> Vec<(u32, Vec<u8>)> {
        self.finished
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl PartSink for MemorySink {
    type Part = MemoryPart;

    fn open(&mut self, file: &NewFile) -> io::Result<MemoryPart> {
        Ok(MemoryPart {
            index: file.index,
            bytes: Vec::new(),
            finished: Arc::clone(&self.finished),
        })
    }
}

/// A part of a [`MemorySink`].
#[derive(Debug)]
pub struct MemoryPart {
    index: u32,
    bytes: Vec<u8>,
    finished: Finished,
}

impl Part for MemoryPart {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self) -> io::Result<()> {
        self.finished
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((self.index, self.bytes));
        Ok(())
    }

    fn abort(self) {}
}
