//! Backup and restore. A backup is a directory with a compacted journal and a manifest that says what
//! belongs there; the manifest is written last, so an unfinished backup has none.

mod manifest;
mod restore;

use std::fs;
use std::path::Path;

use crate::disk;
use crate::error::{Error, ErrorKind};
use crate::{Catalog, journal};
use manifest::Manifest;
#[cfg(test)]
pub(crate) use restore::restore_on;

/// One file of a backup.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BackupFile {
    /// Its name in the backup's directory.
    pub name: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// What a backup holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BackupReport {
    /// When it was made, in microseconds since 1970 UTC.
    pub time_us: u64,
    /// The number of the last mutation in it.
    pub last_seq: u64,
    /// The number of the last record of its audit; 0 when it has none.
    pub audit_number: u64,
    /// The hash of that record, in hexadecimal: the chain of a later catalog goes on from it.
    pub audit_head: String,
    /// Its files.
    pub files: Vec<BackupFile>,
}

impl Catalog {
    /// Writes a backup to `to`, a directory that is empty or does not exist yet, while reads and
    /// changes go on. It has everything that was answered before the call, and is durable when this
    /// answers.
    ///
    /// Errors: `AlreadyExists` when `to` holds anything; `Io`; `Corrupt` when the index turns out to be
    /// damaged (see [`Catalog::scrub`]). What is left in `to` after an error is no backup, for it has no
    /// manifest.
    pub fn backup(&self, to: &Path) -> Result<BackupReport, Error> {
        empty_directory(to)?;
        let disk = self.store.disk();
        let copied = self.store.copy_to(to)?;
        let report = BackupReport {
            time_us: self.store.now_us(),
            last_seq: copied.last_seq,
            audit_number: copied.head.number,
            audit_head: manifest::hex(&copied.head.hash),
            files: vec![manifest::digest(to, journal::FILE_NAME)?],
        };
        let path = to.join(manifest::FILE_NAME);
        let bytes = Manifest::of(&report)?;
        disk.create(&path)
            .and_then(|mut file| {
                file.write_at(0, &bytes)?;
                file.sync_all()
            })
            .map_err(|e| Error::io("write", &path, e))?;
        sync_names(&*disk, to)?;
        Ok(report)
    }
}

/// Makes the names in a directory durable, and its own.
fn sync_names(disk: &dyn disk::Disk, dir: &Path) -> Result<(), Error> {
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    for dir in std::iter::once(dir).chain(parent) {
        disk.sync_directory(dir)
            .map_err(|e| Error::io("sync the directory", dir, e))?;
    }
    Ok(())
}

/// Makes a directory, or takes one that has nothing in it.
fn empty_directory(dir: &Path) -> Result<(), Error> {
    disk::make_directory(dir).map_err(|e| Error::io("make the directory", dir, e))?;
    let first = fs::read_dir(dir)
        .and_then(|mut entries| entries.next().transpose())
        .map_err(|e| Error::io("read the directory", dir, e))?;
    match first {
        None => Ok(()),
        Some(entry) => Err(Error::new(
            ErrorKind::AlreadyExists,
            format!(
                "the directory {} is not empty, it holds {}; name one that is empty or does not exist",
                dir.display(),
                entry.file_name().to_string_lossy()
            ),
        )),
    }
}
