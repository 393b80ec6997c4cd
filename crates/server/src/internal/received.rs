//! Files that clients send beside a statement, for LOAD DATA LOCAL: on this server's own disk until the statement has
//! ended, so that however long one is, no more of it is in memory than a part. What a stopped server left goes when the
//! next one starts.

use std::path::PathBuf;

use storage::Store;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::open_own;
use crate::error::{Error, Reason, Result};

/// What is collected before it is written.
const BUFFER_BYTES: usize = 256 << 10;

/// Their folder.
#[derive(Debug)]
pub(crate) struct ReceivedFiles {
    folder: PathBuf,
    /// The same, for who reads them.
    pub(crate) store: Store,
}

impl ReceivedFiles {
    /// # Errors
    /// The folder's.
    pub(super) async fn open(folder: PathBuf) -> Result<Self> {
        if let Err(error) = tokio::fs::remove_dir_all(&folder).await
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "failed to remove the files that clients sent to a stopped server");
        }
        let store = open_own(&folder).await?;
        Ok(Self { folder, store })
    }

    /// A new file of at most so many bytes.
    ///
    /// # Errors
    /// The folder's.
    pub(crate) async fn begin(&self, bytes_max: u64) -> Result<ReceivedFile> {
        let name = Uuid::new_v4().simple().to_string();
        let path = self.folder.join(&name);
        let file = File::create_new(&path).await.map_err(failed)?;
        Ok(ReceivedFile {
            name,
            path,
            file: Some(file),
            buffer: Vec::new(),
            bytes: 0,
            bytes_max,
        })
    }
}

/// A file that comes, or has come. It goes when it is dropped.
#[derive(Debug)]
pub(crate) struct ReceivedFile {
    name: String,
    path: PathBuf,
    /// Until all of it has come.
    file: Option<File>,
    buffer: Vec<u8>,
    bytes: u64,
    bytes_max: u64,
}

impl ReceivedFile {
    /// Its path in the store.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How long it is.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes the next part.
    ///
    /// # Errors
    /// [`Reason::LimitExceeded`] where it becomes too long; the disk's.
    pub(crate) async fn add(&mut self, part: &[u8]) -> Result<()> {
        self.bytes += part.len() as u64;
        if self.bytes > self.bytes_max {
            return Err(Error::internal(
                Reason::LimitExceeded,
                format_args!(
                    "the file is longer than mysql.local_file_bytes_max ({}); nothing was loaded",
                    self.bytes_max
                ),
            ));
        }
        self.buffer.extend_from_slice(part);
        match self.buffer.len() >= BUFFER_BYTES {
            true => self.write().await,
            false => Ok(()),
        }
    }

    /// All of it has come.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) async fn end(&mut self) -> Result<()> {
        self.write().await?;
        if let Some(mut file) = self.file.take() {
            file.flush().await.map_err(failed)?;
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<()> {
        if let Some(file) = &mut self.file {
            file.write_all(&self.buffer).await.map_err(failed)?;
        }
        self.buffer.clear();
        Ok(())
    }
}

impl Drop for ReceivedFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, "failed to remove a file that a client sent; the next start tries again");
        }
    }
}

fn failed(error: std::io::Error) -> Error {
    let (reason, code) = match error.kind() {
        std::io::ErrorKind::StorageFull => (Reason::StorageFull, 1021),
        _ => (Reason::StorageFailed, 1815),
    };
    let text = "the server's disk did not take the file";
    Error::new(reason, code, "HY000", text).with_source(error)
}
