//! Restore: a backup is verified, copied into an empty directory, and verified there again before it
//! gets the name of a journal.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::manifest::{self, Manifest};
use super::{BackupFile, BackupReport, empty_directory, sync_names};
use crate::disk::{Disk, RealDisk};
use crate::error::Error;
use crate::{Catalog, journal};

/// A copy that is not finished has this name.
const UNFINISHED: &str = "journal.new";

impl Catalog {
    /// Makes a catalog in `to`, a directory that is empty or does not exist yet, of the backup in
    /// `from`. Its first opening makes the index.
    ///
    /// Errors: `NotFound` when `from` is no finished backup; `Corrupt` with the name of the file that
    /// is damaged; `AlreadyExists` when `to` holds anything; `Unsupported`, `Io`. Only after the backup
    /// was verified anything is written.
    pub fn restore(from: &Path, to: &Path) -> Result<BackupReport, Error> {
        restore_on(&RealDisk, from, to)
    }
}

pub(crate) fn restore_on(disk: &dyn Disk, from: &Path, to: &Path) -> Result<BackupReport, Error> {
    let report = Manifest::read(from)?;
    let [file] = report.files.as_slice() else {
        return Err(unexpected(from, &report));
    };
    if file.name != journal::FILE_NAME {
        return Err(unexpected(from, &report));
    }
    verify(from, &file.name, file)?;
    empty_directory(to)?;
    copy(disk, &from.join(&file.name), &to.join(UNFINISHED))?;
    // The disk may have been read otherwise than a moment ago.
    verify(to, UNFINISHED, file)?;
    let path = to.join(journal::FILE_NAME);
    disk.rename(&to.join(UNFINISHED), &path)
        .map_err(|e| Error::io("rename the restored journal to", &path, e))?;
    sync_names(disk, to)?;
    let scan = journal::Journal::scan(to, |_| Ok(()))?;
    if (scan.last.seq, scan.torn_bytes) == (report.last_seq, 0) {
        return Ok(report);
    }
    Err(Error::corrupt(format!(
        "the backup {} ends with change {} where its manifest says {}; use another backup",
        from.display(),
        scan.last.seq,
        report.last_seq
    )))
}

fn verify(dir: &Path, name: &str, expected: &BackupFile) -> Result<(), Error> {
    let found = manifest::digest(dir, name)?;
    if (found.bytes, &found.sha256) == (expected.bytes, &expected.sha256) {
        return Ok(());
    }
    Err(Error::corrupt(format!(
        "the file {} of the backup is damaged: it has {} bytes and another digest than the {} bytes that belong there; use another backup",
        dir.join(name).display(),
        found.bytes,
        expected.bytes
    )))
}

fn copy(disk: &dyn Disk, from: &Path, to: &Path) -> Result<(), Error> {
    let mut source = File::open(from).map_err(|e| Error::io("read", from, e))?;
    let mut target = disk.create(to).map_err(|e| Error::io("make", to, e))?;
    let mut copied = 0;
    loop {
        let mut part = Vec::new();
        let count = source
            .by_ref()
            .take(1 << 20)
            .read_to_end(&mut part)
            .map_err(|e| Error::io("read", from, e))?;
        if count == 0 {
            break;
        }
        target
            .write_at(copied, &part)
            .map_err(|e| Error::io("write", to, e))?;
        copied += count as u64;
    }
    target.sync_all().map_err(|e| Error::io("sync", to, e))
}

fn unexpected(from: &Path, report: &BackupReport) -> Error {
    Error::corrupt(format!(
        "the backup {} has {} files where the journal alone belongs; use another backup",
        from.display(),
        report.files.len()
    ))
}
