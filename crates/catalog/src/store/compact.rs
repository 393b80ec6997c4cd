//! Compaction while changes go on: a journal of what is live now is written beside the present one,
//! what is appended meanwhile is copied behind it, and it takes the other's place in one short pause.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::PoisonError;

use super::Store;
use crate::error::Error;
use crate::journal::{Journal, Place, Replacement};

/// Changes wait for the copying of less than this, and for a sync.
const PAUSE_BYTES: u64 = 1 << 20;
/// How much is copied at a time.
const COPY_BYTES: u64 = 1 << 20;

impl Store {
    /// Writes the journal anew without what is no longer live.
    pub(crate) fn compact(&self) -> Result<(), Error> {
        let disk = self.disk();
        let result = self.write_compacted();
        if result.is_err() {
            // What is left of it is removed at the next opening at the latest.
            let _ = Journal::remove_unfinished(&*disk, &self.dir);
        }
        result
    }

    fn write_compacted(&self) -> Result<(), Error> {
        // Of a damaged journal it would leave no trace.
        self.may_write(&self.queue())?;
        let snapshot = self.snapshot()?;
        let disk = self.disk();
        let mut new = Replacement::begin(&*disk, &self.dir, None)?;
        snapshot.write(&mut new)?;
        let shift = Shift {
            end: snapshot.journal_end,
            new_end: new.bytes(),
            snapshot: new.last(),
        };
        let mut copied = snapshot.journal_end;
        loop {
            let end = self.writer().journal.bytes();
            self.copy(copied, end, &mut new)?;
            copied = end;
            new.sync()?;
            if self.writer().journal.bytes() - copied < PAUSE_BYTES {
                break;
            }
        }
        // From here on changes wait.
        let lead = self.wait_to_lead()?;
        let mut writer = self.writer();
        let prepared = self
            .copy(copied, writer.journal.bytes(), &mut new)
            .and_then(|()| new.sync());
        if let Err(e) = prepared {
            drop(writer);
            drop(self.end_lead(lead));
            return Err(e);
        }
        let bytes = new.bytes();
        let place = shift.place(writer.journal.last());
        let switched = new.take_name(&*disk).and_then(|file| {
            writer.journal.switch(file, bytes, place);
            writer.compact_above = self.options.compact_bytes_min;
            let _view = self.view.write().unwrap_or_else(PoisonError::into_inner);
            writer.state = self.index.moved(&writer.state, place)?;
            Ok(())
        });
        drop(writer);
        let mut queue = self.end_lead(lead);
        if let Err(e) = &switched {
            queue.stop(e);
        }
        switched
    }

    /// Copies a part of the journal's file.
    fn copy(&self, from: u64, to: u64, new: &mut Replacement) -> Result<(), Error> {
        let path = self.dir.join(crate::journal::FILE_NAME);
        let failed = |e| Error::io("read the journal", &path, e);
        let mut file = File::open(&path).map_err(failed)?;
        file.seek(SeekFrom::Start(from)).map_err(failed)?;
        let mut left = to - from;
        while left > 0 {
            let mut bytes = Vec::new();
            let count = file
                .by_ref()
                .take(left.min(COPY_BYTES))
                .read_to_end(&mut bytes)
                .map_err(failed)?;
            if count == 0 {
                return Err(Error::corrupt(format!(
                    "the journal {} is shorter than what was written to it",
                    path.display()
                )));
            }
            new.frames(&bytes)?;
            left -= count as u64;
        }
        Ok(())
    }
}

/// Where records are in the new journal.
struct Shift {
    end: u64,
    new_end: u64,
    snapshot: Place,
}

impl Shift {
    /// The new place of the last record: among those that were copied, or the snapshot.
    fn place(&self, old: Place) -> Place {
        match old.offset.checked_sub(self.end) {
            Some(behind) => Place {
                offset: self.new_end + behind,
                ..old
            },
            None => self.snapshot,
        }
    }
}
