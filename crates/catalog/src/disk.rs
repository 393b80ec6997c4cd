//! The calls of the file system on which durability rests, behind one small trait: the real one here,
//! and in tests one that counts, fails on demand and loses what was not synced.

#[cfg(test)]
pub(crate) mod simulated;

use std::fmt::Debug;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Only the owner reads and writes.
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// Directories and names.
pub(crate) trait Disk: Debug + Send + Sync {
    /// A new empty file for the owner alone, in the place of one of that name.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// An existing file, to write to.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Gives a file another name, in the place of what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_directory(&self, dir: &Path) -> io::Result<()>;
}

/// One open file.
pub(crate) trait DiskFile: Debug + Send {
    /// Writes from the byte `offset` on. After an error, how much of it was written is not known.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Writes zeros from the byte `offset` on, behind all that is there, so that later writes there need not lengthen the
    /// file. After an error, how many were written is not known.
    fn reserve(&mut self, offset: u64, bytes: usize) -> io::Result<()>;
    /// Makes the bytes and the length durable.
    fn sync_data(&mut self) -> io::Result<()>;
    /// Makes the bytes and all of the inode durable.
    fn sync_all(&mut self) -> io::Result<()>;
    /// Cuts or lengthens the file.
    fn set_len(&mut self, bytes: u64) -> io::Result<()>;
    /// Takes the file's advisory lock; `false` when another has it. Held until dropped.
    fn try_lock(&mut self) -> io::Result<bool>;
}

/// The operating system's.
#[derive(Debug)]
pub(crate) struct RealDisk;

#[derive(Debug)]
struct RealFile {
    file: File,
    is_locked: bool,
}

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            // Not by O_TRUNC, so that the mode is right before anything is in the file.
            .truncate(false)
            .mode(FILE_MODE)
            .open(path)?;
        only_owner(&file, FILE_MODE)?;
        file.set_len(0)?;
        Ok(Box::new(RealFile::new(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().write(true).open(path)?;
        only_owner(&file, FILE_MODE)?;
        Ok(Box::new(RealFile::new(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_directory(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }
}

impl RealFile {
    fn new(file: File) -> RealFile {
        RealFile {
            file,
            is_locked: false,
        }
    }
}

impl DiskFile for RealFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn reserve(&mut self, offset: u64, bytes: usize) -> io::Result<()> {
        // Written, not `fallocate`d: the first write into a range of that kind changes the inode again.
        self.file.write_all_at(&vec![0; bytes], offset)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sync_all(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn try_lock(&mut self) -> io::Result<bool> {
        match self.file.try_lock() {
            Ok(()) => {
                self.is_locked = true;
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }
}

impl Drop for RealFile {
    fn drop(&mut self) {
        // Closing alone is not enough: a child process being started has a copy of the descriptor,
        // and with it the lock, until its exec.
        if self.is_locked {
            let _ = self.file.unlock();
        }
    }
}

/// Takes every right from everybody but the owner. Whoever may write a file that belongs to another
/// cannot change that, and need not: its owner chose.
fn only_owner(file: &File, mode: u32) -> io::Result<()> {
    let found = file.metadata()?.permissions().mode() & 0o777;
    if found == mode {
        return Ok(());
    }
    match file.set_permissions(Permissions::from_mode(mode)) {
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        result => result,
    }
}

/// Makes a directory and those above it, for the owner alone; an existing one becomes so, too.
pub(crate) fn make_directory(dir: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(dir)?;
    only_owner(&File::open(dir)?, DIRECTORY_MODE)
}
