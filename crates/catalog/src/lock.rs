//! One opener per catalog directory: an advisory lock on the file `LOCK`, which also tells the process
//! id of its holder, and a list of what this process itself has open.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, ErrorKind};

/// Device and inode of the locks that this process holds.
static HELD: Mutex<BTreeSet<(u64, u64)>> = Mutex::new(BTreeSet::new());

/// Holds the lock until dropped. The file stays: removing it would let two processes lock two files.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    file: File,
    id: (u64, u64),
}

impl DirectoryLock {
    /// Takes the lock of `dir`, or says who has it.
    pub(crate) fn take(dir: &Path) -> Result<DirectoryLock, Error> {
        let path = dir.join("LOCK");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|e| Error::io("open", &path, e))?;
        let id = file
            .metadata()
            .map(|data| (data.dev(), data.ino()))
            .map_err(|e| Error::io("read the attributes of", &path, e))?;
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if held.contains(&id) => {
                let dir = dir.display();
                let message = format!(
                    "the catalog directory {dir} is already open in this process; close it first"
                );
                return Err(Error::new(ErrorKind::Locked, message));
            }
            Err(TryLockError::WouldBlock) => return Err(locked(dir, &mut file)),
            Err(TryLockError::Error(e)) => return Err(Error::io("lock", &path, e)),
        }
        // The number is for people; a full disk must not keep the catalog from being read.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        held.insert(id);
        Ok(DirectoryLock { file, id })
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // Closing alone is not enough: a child process being started has a copy of the descriptor,
        // and with it the lock, until its exec.
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.file.unlock();
        held.remove(&self.id);
    }
}

fn locked(dir: &Path, file: &mut File) -> Error {
    let mut text = String::new();
    let _ = file.take(32).read_to_string(&mut text);
    let holder = match text.trim().parse::<u32>() {
        Ok(pid) => format!("another process (pid {pid})"),
        Err(_) => "another process".to_owned(),
    };
    Error::new(
        ErrorKind::Locked,
        format!(
            "the catalog directory {} is in use: {holder} has it open",
            dir.display()
        ),
    )
}
