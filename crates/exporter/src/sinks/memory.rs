//! Files in memory, for tests and small results.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::part::{NewFile, Part, PartSink};

/// The numbers and bytes of finished parts.
type Parts = Arc<Mutex<Vec<(u32, Vec<u8>)>>>;

/// Keeps the files of exports in memory. Its clones have the same files, each export's from when it has ended well.
#[derive(Debug, Default)]
pub struct MemorySink {
    parts: Parts,
    /// Of the export that this very sink was given to.
    finished: Parts,
}

impl MemorySink {
    /// The files with their numbers, in the order in which they were finished; none of an export that has not ended well.
    pub fn parts(&self) -> Vec<(u32, Vec<u8>)> {
        lock(&self.parts).clone()
    }
}

impl Clone for MemorySink {
    fn clone(&self) -> Self {
        Self {
            parts: Arc::clone(&self.parts),
            finished: Parts::default(),
        }
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

    fn finish(&mut self) -> io::Result<()> {
        lock(&self.parts).append(&mut lock(&self.finished));
        Ok(())
    }
}

/// A file of a [`MemorySink`].
#[derive(Debug)]
pub struct MemoryPart {
    index: u32,
    bytes: Vec<u8>,
    finished: Parts,
}

impl Part for MemoryPart {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self) -> io::Result<()> {
        lock(&self.finished).push((self.index, self.bytes));
        Ok(())
    }

    fn abort(self) {}
}

fn lock(parts: &Parts) -> MutexGuard<'_, Vec<(u32, Vec<u8>)>> {
    parts.lock().unwrap_or_else(PoisonError::into_inner)
}
