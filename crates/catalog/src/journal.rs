//! The journal: one append-only file of framed, numbered, checksummed records. It is the truth; a
//! record is in the catalog when its frame is here and synced. docs/catalog-format.md describes it.

mod frame;
mod scan;
#[cfg(test)]
mod tests;

pub(crate) use frame::{FrameKind, PAYLOAD_BYTES_MAX};
pub(crate) use scan::{Frame, Scan};

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The journal's file in the catalog directory.
pub(crate) const FILE_NAME: &str = "journal";
/// A journal being written, which takes the place of [`FILE_NAME`] when it is complete and synced.
const NEW_FILE_NAME: &str = "journal.new";

/// An open journal, ready for the next record.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    bytes: u64,
    last_seq: u64,
}

impl Journal {
    /// Reads and checks the whole journal of `dir`, giving each frame to `visit` in order.
    pub(crate) fn scan(
        dir: &Path,
        visit: impl FnMut(Frame) -> Result<(), Error>,
    ) -> Result<Scan, Error> {
        scan::scan(&dir.join(FILE_NAME), visit)
    }

    /// Opens the journal that `scan` has read, and cuts its torn tail.
    pub(crate) fn open(dir: &Path, scan: &Scan) -> Result<Journal, Error> {
        let path = dir.join(FILE_NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|e| Error::io("open the journal", &path, e))?;
        if scan.torn_bytes > 0 {
            file.set_len(scan.end)
                .and_then(|()| file.sync_all())
                .map_err(|e| Error::io("cut the torn end of the journal", &path, e))?;
        }
        file.seek(SeekFrom::Start(scan.end))
            .map_err(|e| Error::io("seek in the journal", &path, e))?;
        Ok(Journal {
            file,
            path,
            bytes: scan.end,
            last_seq: scan.last_seq,
        })
    }

    /// Writes a journal of these frames beside the present one, syncs it, and puts it in its place.
    /// Until the rename the old one counts, from then on the new one.
    pub(crate) fn replace(
        dir: &Path,
        frames: impl Iterator<Item = Result<(FrameKind, u64, Vec<u8>), Error>>,
    ) -> Result<(), Error> {
        let new_path = dir.join(NEW_FILE_NAME);
        let failed = |e| Error::io("write the journal", &new_path, e);
        let mut out = BufWriter::new(File::create(&new_path).map_err(failed)?);
        out.write_all(&frame::file_header()).map_err(failed)?;
        for item in frames {
            let (kind, seq, payload) = item?;
            out.write_all(&frame::encode(kind, seq, &payload)?)
                .map_err(failed)?;
        }
        let file = out.into_inner().map_err(|e| failed(e.into_error()))?;
        file.sync_all().map_err(failed)?;
        let path = dir.join(FILE_NAME);
        fs::rename(&new_path, &path)
            .map_err(|e| Error::io("rename the new journal to", &path, e))?;
        sync_directory(dir)
    }

    /// Removes what a crash during [`Journal::replace`] left.
    pub(crate) fn remove_unfinished(dir: &Path) -> Result<(), Error> {
        let path = dir.join(NEW_FILE_NAME);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("remove", &path, e))
            }
            _ => Ok(()),
        }
    }

    /// Appends one mutation and syncs it; returns its number.
    ///
    /// After an error nothing may be appended again: how much of the frame is on the disk is not
    /// known, and a second fsync could succeed without having written what the first one lost.
    pub(crate) fn append(&mut self, payload: &[u8]) -> Result<u64, Error> {
        let seq = self.last_seq + 1;
        let bytes = frame::encode(FrameKind::Mutation, seq, payload)?;
        self.file
            .write_all(&bytes)
            .map_err(|e| Error::io("append to the journal", &self.path, e))?;
        self.file
            .sync_data()
            .map_err(|e| Error::io("sync the journal", &self.path, e))?;
        self.last_seq = seq;
        self.bytes += bytes.len() as u64;
        Ok(seq)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn last_seq(&self) -> u64 {
        self.last_seq
    }
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(dir: &Path) -> Result<(), Error> {
    File::open(dir)
        .and_then(|file| file.sync_all())
        .map_err(|e| Error::io("sync the directory", dir, e))
}
