//! `Draft`: a file being written out of sight. Dropped without `finish`, it removes itself.
//! Finished, its bytes are durable and it waits to be published.

use std::fmt;
use std::future::Future;
use std::io::{self, Write};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

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
    is_swept: bool,
    bytes: u64,
}

/// Ends the waiting of a writer that nobody needs any more. Cheap to clone.
#[derive(Clone)]
pub struct Interrupt(Shared<BoxFuture<'static, ()>>);

impl Interrupt {
    /// One that comes when `signal` resolves.
    pub fn when(signal: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(signal.boxed().shared())
    }

    /// Resolves when it has come.
    pub async fn come(&self) {
        self.0.clone().await;
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupt").finish_non_exhaustive()
    }
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
    pub(crate) fn new(writer: Box<dyn DraftWriter>, is_swept: bool) -> Self {
        Self {
            writer,
            is_swept,
            bytes: 0,
        }
    }

    /// How many bytes have been written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What discards the draft after a crash, for places that do not find it by
    /// [`Store::sweep`](crate::Store::sweep) from its work's id alone: write it down before the first byte.
    pub fn token_to_record(&self) -> Option<Token> {
        (!self.is_swept).then(|| self.writer.token())
    }

    /// Whether beginning it may have left another draft that nobody knows, because the place's answer was lost:
    /// [`Store::sweep`](crate::Store::sweep) finds it by what it is told of begun uploads.
    pub fn has_lost_sibling(&self) -> bool {
        self.writer.has_lost_sibling()
    }

    /// From now on writing and finishing wait for a store no longer than until this comes; then they are errors.
    pub fn interrupted_by(&mut self, interrupt: Interrupt) {
        self.writer.interrupted_by(interrupt);
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
