//! `Draft`: a file being written out of sight. Dropped without `finish`, it removes itself.
//! Finished, its bytes are durable and it waits to be published.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::store::Backend;
use crate::write_behind::WriteBehind;

/// What publication does with a file that already has the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnExisting {
    /// Fail with [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) and leave it alone.
    Refuse,
    /// Replace it in one step; until then readers see the old file.
    Replace,
}

/// A file that nobody sees yet. Write to it in order, then [`finish`](Draft::finish).
#[derive(Debug)]
pub struct Draft {
    backend: Arc<Backend>,
    id: String,
    name: String,
    bytes: u64,
    /// Taken by `finish`; while it is there, dropping the draft removes it.
    body: Option<Body>,
}

enum Body {
    File(WriteBehind),
    Memory(Vec<u8>),
}

impl fmt::Debug for Body {
    /// Not the bytes: they are users' data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => file.fmt(f),
            Self::Memory(bytes) => write!(f, "Memory({} bytes)", bytes.len()),
        }
    }
}

/// A draft whose bytes are durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    pub(crate) id: String,
    pub(crate) name: String,
    /// How long the file is.
    pub bytes: u64,
}

impl Finished {
    /// A finished draft known from a record, to publish it after a restart.
    pub fn recorded(id: &str, index: u32, bytes: u64) -> Self {
        Self {
            id: id.to_owned(),
            name: index.to_string(),
            bytes,
        }
    }
}

impl Draft {
    pub(crate) fn new(backend: Arc<Backend>, id: &str, index: u32) -> Result<Self> {
        let name = index.to_string();
        let body = match &*backend {
            Backend::Folder(beneath) => {
                Body::File(WriteBehind::new(beneath.create_reserved(id, &name)?))
            }
            Backend::Memory(_) => Body::Memory(Vec::new()),
        };
        Ok(Self {
            backend,
            id: id.to_owned(),
            name,
            bytes: 0,
            body: Some(body),
        })
    }

    /// How many bytes have been written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes the bytes durable (fsync) and closes the draft.
    ///
    /// # Errors
    /// The file system's. The draft is then gone.
    pub fn finish(mut self) -> Result<Finished> {
        let finished = Finished {
            id: self.id.clone(),
            name: self.name.clone(),
            bytes: self.bytes,
        };
        match self.body.take() {
            Some(Body::File(mut file)) => {
                let synced = file
                    .finish()
                    .map_err(|error| Error::io("write a draft to disk", error))
                    .and_then(|()| match &*self.backend {
                        Backend::Folder(beneath) => beneath.sync_reserved(&self.id),
                        Backend::Memory(_) => Ok(()),
                    });
                if let Err(error) = synced {
                    // Dropping the draft then removes it.
                    self.body = Some(Body::File(file));
                    return Err(error);
                }
            }
            Some(Body::Memory(bytes)) => {
                if let Backend::Memory(memory) = &*self.backend {
                    memory.keep_draft(&self.id, &self.name, bytes);
                }
            }
            None => {}
        }
        Ok(finished)
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.body {
            Some(Body::File(file)) => file.write(bytes)?,
            Some(Body::Memory(body)) => body.write(bytes)?,
            None => 0,
        };
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.body.take().is_some()
            && let Backend::Folder(beneath) = &*self.backend
        {
            // Nothing to tell it to: what stays behind is removed by the next start's recovery.
            let _ = beneath.discard(&self.id);
        }
    }
}
