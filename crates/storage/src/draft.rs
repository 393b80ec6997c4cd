//! `Draft`: a file being written out of sight. Dropped without `finish`, it removes itself.
//! Finished, its bytes are durable and it waits to be published.

use std::io::{self, Write};

use crate::backend::DraftWriter;
use crate::error::Result;
use crate::token::Token;

/// What publication does with a file that already has the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnExisting {
    /// Fail with [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) and leave it alone.
    Refuse,
    /// Replace it in one step; until then readers see the old file.
    Replace,
}

/// A file that nobody sees yet. Write to it in order, then [`finish`](Draft::finish). Writing and finishing
/// block: not for a runtime's worker thread.
#[derive(Debug)]
pub struct Draft {
    writer: Box<dyn DraftWriter>,
    bytes: u64,
}

/// A draft whose bytes are durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Publishes it, also after a restart.
    pub token: Token,
    /// How long the file is.
    pub bytes: u64,
}

impl Draft {
    pub(crate) fn new(writer: Box<dyn DraftWriter>) -> Self {
        Self { writer, bytes: 0 }
    }

    /// How many bytes have been written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What discards the draft after a crash, for places that do not find it by
    /// [`Store::sweep`](crate::Store::sweep) from its work's id alone: write it down before the first byte.
    pub fn token_to_record(&self) -> Option<Token> {
        (!self.writer.is_swept()).then(|| self.writer.token())
    }

    /// Makes the bytes durable and closes the draft. Blocking.
    ///
    /// # Errors
    /// The place's. The draft is then gone.
    pub fn finish(self) -> Result<Finished> {
        let bytes = self.bytes;
        let token = self.writer.finish()?;
        Ok(Finished { token, bytes })
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    /// Does nothing: only `finish` gives a promise.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
