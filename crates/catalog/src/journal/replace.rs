//! Writing a journal beside the present one and putting it in its place. Until the rename the old one
//! counts, from then on the new one; each is whole.

use std::path::{Path, PathBuf};

use super::{FILE_NAME, FrameKind, NEW_FILE_NAME, Place, frame};
use crate::disk::{Disk, DiskFile};
use crate::error::{Error, ErrorKind};

/// A journal being written.
#[derive(Debug)]
pub(crate) struct Replacement {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    dir: PathBuf,
    bytes: u64,
    last: Place,
}

impl Replacement {
    /// Begins an empty one in `dir`; `name` is its file's until it is finished.
    pub(crate) fn begin(
        disk: &dyn Disk,
        dir: &Path,
        name: Option<&str>,
    ) -> Result<Replacement, Error> {
        let path = dir.join(name.unwrap_or(NEW_FILE_NAME));
        let mut file = disk
            .create(&path)
            .map_err(|e| Error::io("make the journal", &path, e))?;
        // Before it has the journal's name, so that no other process finds it unlocked.
        match file.try_lock() {
            Ok(true) => {}
            Ok(false) => {
                return Err(Error::new(
                    ErrorKind::Locked,
                    format!("{} is in use by another process", path.display()),
                ));
            }
            Err(e) => return Err(Error::io("lock the journal", &path, e)),
        }
        let mut new = Replacement {
            file,
            path,
            dir: dir.to_owned(),
            bytes: 0,
            last: Place::default(),
        };
        new.write(&frame::file_header())?;
        Ok(new)
    }

    /// Writes one frame.
    pub(crate) fn frame(&mut self, kind: FrameKind, seq: u64, payload: &[u8]) -> Result<(), Error> {
        let mut bytes = Vec::with_capacity(frame::HEADER_BYTES + payload.len());
        let checksum = frame::encode(&mut bytes, kind, seq, 0, payload)?;
        let offset = self.bytes;
        self.write(&bytes)?;
        self.last = Place {
            seq,
            offset,
            checksum,
        };
        Ok(())
    }

    /// Writes frames as they are in another journal.
    pub(crate) fn frames(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.write(bytes)
    }

    /// The place of the last frame in it, where it was written as such.
    pub(crate) fn last(&self) -> Place {
        self.last
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes what is written so far durable, so that little is left to do at the end.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        self.file
            .sync_all()
            .map_err(|e| Error::io("sync the journal", &self.path, e))
    }

    /// Gives it, which must be synced, the journal's name. After an error either journal may be
    /// what a crash leaves, so nothing may be written any more.
    pub(crate) fn take_name(self, disk: &dyn Disk) -> Result<Box<dyn DiskFile>, Error> {
        let path = self.dir.join(FILE_NAME);
        disk.rename(&self.path, &path)
            .map_err(|e| Error::io("rename the new journal to", &path, e))?;
        disk.sync_directory(&self.dir)
            .map_err(|e| Error::io("sync the directory", &self.dir, e))?;
        Ok(self.file)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file
            .write_at(self.bytes, bytes)
            .map_err(|e| Error::io("write the journal", &self.path, e))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}
