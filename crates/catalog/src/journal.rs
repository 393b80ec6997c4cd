//! The journal: one append-only file of framed, numbered, checksummed records. It is the truth; a
//! record is in the catalog when its frame is here and synced. docs/catalog-format.md describes it.

mod frame;
mod replace;
mod scan;
#[cfg(test)]
mod tests;

pub(crate) use frame::{BATCH_FRAMES_MAX, FrameKind, PAYLOAD_BYTES_MAX};
pub(crate) use replace::Replacement;
pub(crate) use scan::{Frame, Scan};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};
use crate::error::{Error, ErrorKind};

/// The journal's file in the catalog directory.
pub(crate) const FILE_NAME: &str = "journal";
/// A journal being written, which takes the place of [`FILE_NAME`] when it is complete and synced.
const NEW_FILE_NAME: &str = "journal.new";

/// So many zeros are written behind a record that ends behind those before: in the zeros a sync need not store a new
/// length of the file, too, which costs as much again as storing the record.
const RESERVE_BYTES: u32 = 256 << 10;

/// Where a record is: enough to tell whether a journal is the one that it was read from.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Place {
    /// The record's number; 0 before the first.
    pub(crate) seq: u64,
    /// Where its frame begins.
    pub(crate) offset: u64,
    /// The checksum of its frame's header.
    pub(crate) checksum: u32,
}

/// An open journal, ready for the next record.
#[derive(Debug)]
pub(crate) struct Journal {
    disk: Arc<dyn Disk>,
    file: Box<dyn DiskFile>,
    path: PathBuf,
    bytes: u64,
    /// A record that ends behind this has zeros written behind it.
    reserved: u64,
    /// Whether nobody knows what the file has since something failed.
    failed: bool,
    last: Place,
    /// Appends that were made durable since it was opened.
    flushes: u64,
}

impl Journal {
    /// Opens and locks the file of the journal in `dir`; nothing of it is read or changed yet.
    /// `None` when there is none.
    pub(crate) fn lock(disk: &dyn Disk, dir: &Path) -> Result<Option<Box<dyn DiskFile>>, Error> {
        let path = dir.join(FILE_NAME);
        let mut file = match disk.open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io("open the journal", &path, e)),
        };
        match file.try_lock() {
            Ok(true) => Ok(Some(file)),
            Ok(false) => Err(Error::new(
                ErrorKind::Locked,
                format!(
                    "the journal {} is in use: another process has it open although its LOCK is gone",
                    path.display()
                ),
            )),
            Err(e) => Err(Error::io("lock the journal", &path, e)),
        }
    }

    /// Reads and checks the whole journal of `dir`, giving each frame to `visit` in order.
    pub(crate) fn scan(
        dir: &Path,
        visit: impl FnMut(Frame) -> Result<(), Error>,
    ) -> Result<Scan, Error> {
        scan::scan(&dir.join(FILE_NAME), visit)
    }

    /// As [`Journal::scan`], of the first `bytes` of a journal that is being written to behind them.
    pub(crate) fn scan_to(
        dir: &Path,
        bytes: u64,
        visit: impl FnMut(Frame) -> Result<(), Error>,
    ) -> Result<Scan, Error> {
        scan::scan_to(&dir.join(FILE_NAME), bytes, visit)
    }

    /// As [`Journal::scan`], from behind the frame at `place`; `None` when that frame is not there.
    pub(crate) fn scan_from(
        dir: &Path,
        place: Place,
        visit: impl FnMut(Frame) -> Result<(), Error>,
    ) -> Result<Option<Scan>, Error> {
        scan::scan_from(&dir.join(FILE_NAME), place, visit)
    }

    /// Goes on with the file that `scan` has read, and cuts its torn tail.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        mut file: Box<dyn DiskFile>,
        scan: &Scan,
    ) -> Result<Journal, Error> {
        let path = dir.join(FILE_NAME);
        if scan.torn_bytes > 0 {
            file.set_len(scan.end)
                .and_then(|()| file.sync_all())
                .map_err(|e| Error::io("cut the torn end of the journal", &path, e))?;
        }
        Ok(Journal {
            disk,
            file,
            path,
            bytes: scan.end,
            reserved: scan.end + scan.reserved_bytes,
            failed: false,
            last: scan.last,
            flushes: 0,
        })
    }

    /// Makes the journal of a new catalog.
    pub(crate) fn create(disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
        let mut new = Replacement::begin(disk, dir, None)?;
        new.sync()?;
        new.take_name(disk).map(|_| ())
    }

    /// Removes what a crash during a replacement left.
    pub(crate) fn remove_unfinished(disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
        let path = dir.join(NEW_FILE_NAME);
        match disk.remove(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("remove", &path, e))
            }
            _ => Ok(()),
        }
    }

    /// Appends mutations with one write and one sync; gives the place of the last one.
    ///
    /// After an error nothing may be appended again: how much of them is on the disk is not
    /// known, and a second fsync could succeed without having written what the first one lost.
    pub(crate) fn append<'p>(
        &mut self,
        payloads: impl Iterator<Item = &'p [u8]>,
    ) -> Result<Place, Error> {
        let mut bytes = Vec::new();
        let mut last = self.last;
        for (in_batch, payload) in (0..).zip(payloads) {
            let offset = self.bytes + bytes.len() as u64;
            let seq = last.seq + 1;
            let kind = FrameKind::Mutation;
            let checksum = frame::encode(&mut bytes, kind, seq, in_batch, payload)?;
            last = Place {
                seq,
                offset,
                checksum,
            };
        }
        self.failed = true;
        self.file
            .write_at(self.bytes, &bytes)
            .map_err(|e| Error::io("append to the journal", &self.path, e))?;
        let end = self.bytes + bytes.len() as u64;
        if end > self.reserved {
            // Room for what comes, in the same sync. Where the disk has none, the record is still whole.
            let _ = self.file.reserve(end, RESERVE_BYTES as usize);
            self.reserved = end + u64::from(RESERVE_BYTES);
        }
        self.file
            .sync_data()
            .map_err(|e| Error::io("sync the journal", &self.path, e))?;
        self.failed = false;
        self.last = last;
        self.bytes = end;
        self.flushes += 1;
        Ok(last)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn flushes(&self) -> u64 {
        self.flushes
    }

    pub(crate) fn last(&self) -> Place {
        self.last
    }

    pub(crate) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// Goes on with a replacement, which has taken the file's name. `last` is the last record in it.
    pub(crate) fn switch(&mut self, file: Box<dyn DiskFile>, bytes: u64, last: Place) {
        self.file = file;
        self.bytes = bytes;
        self.reserved = bytes;
        self.last = last;
    }
}

impl Drop for Journal {
    /// Gives the room back that no record took; it does no harm where that fails.
    fn drop(&mut self) {
        if !self.failed && self.reserved > self.bytes {
            let _ = self.file.set_len(self.bytes);
        }
    }
}

/// A journal's file with a frame of each chunk: kind, number (8 bytes) and place in the batch, then
/// the payload; what is missing is zeros.
pub(crate) fn of_any_frames(chunks: &[&[u8]]) -> Vec<u8> {
    let mut bytes = frame::file_header();
    for chunk in chunks {
        let (head, payload) = chunk.split_at(chunk.len().min(10));
        let mut head = head.iter().copied().chain(std::iter::repeat(0));
        let kind = head.next().unwrap_or_default();
        let mut seq = [0; 8];
        seq.fill_with(|| head.next().unwrap_or_default());
        let in_batch = u32::from(head.next().unwrap_or_default());
        frame::encode_any(&mut bytes, kind, u64::from_le_bytes(seq), in_batch, payload);
    }
    bytes
}
