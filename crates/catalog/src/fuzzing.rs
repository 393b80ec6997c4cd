//! Doors for fuzzing: any bytes as a record of every kind, as a page of the index, as a journal. For
//! tests only; no promise is made about them.

use std::path::Path;

use crate::audit::{Anchor, AuditRecord, Head};
use crate::error::Error;
use crate::format::{self, Counter, Manifest, Mark, Stored, StoredTable};
use crate::index;
use crate::journal::Journal;
use crate::secrets::KeyState;
use crate::{
    AccountRecord, DatabaseRecord, ExportRecord, Grant, RoleRecord, Segment, StageRecord,
    TokenRecord, UserRecord,
};

/// The bytes as what is stored of a record, and as what is in the envelope of one, for every kind.
///
/// # Panics
/// When a record that was read cannot be read again once it is written: a defect.
pub fn record(bytes: &[u8]) {
    kind::<AccountRecord>(bytes);
    kind::<Anchor>(bytes);
    kind::<AuditRecord>(bytes);
    kind::<Counter>(bytes);
    kind::<DatabaseRecord>(bytes);
    kind::<crate::DirectoryFile>(bytes);
    kind::<crate::directory::DirectoryState>(bytes);
    kind::<ExportRecord>(bytes);
    kind::<crate::PlannedFile>(bytes);
    kind::<Grant>(bytes);
    kind::<Head>(bytes);
    kind::<KeyState>(bytes);
    kind::<Manifest>(bytes);
    kind::<Mark>(bytes);
    kind::<crate::LoadedFile>(bytes);
    kind::<crate::requests::RequestRecord>(bytes);
    kind::<RoleRecord>(bytes);
    kind::<Segment>(bytes);
    kind::<StageRecord>(bytes);
    kind::<StoredTable>(bytes);
    kind::<crate::tables::TableCredentials>(bytes);
    kind::<crate::tables::TableKeys>(bytes);
    kind::<TokenRecord>(bytes);
    kind::<UserRecord>(bytes);
}

fn kind<R: Stored>(bytes: &[u8]) {
    let _ = format::decode::<R>(bytes);
    // With an envelope that fits, so that what is in it is looked at.
    if let Ok(record) = format::decode::<R>(&format::seal(R::KIND, bytes)) {
        let written = format::encode(&record);
        let again = format::decode::<R>(&written);
        assert!(again.is_ok(), "{} cannot be read again", R::WHAT);
    }
}

/// The bytes as a page of the index.
pub fn page(bytes: &[u8]) {
    index::fuzz_page(bytes);
}

/// Reads the file `journal` of a directory to its end; gives how many frames it has, which is 0 as
/// well for one that is refused.
///
/// # Errors
/// What is wrong with the journal.
pub fn journal(dir: &Path) -> Result<u64, Error> {
    let mut frames = 0;
    Journal::scan(dir, |_| {
        frames += 1;
        Ok(())
    })?;
    Ok(frames)
}

/// A file that begins as a journal does, with frames whose checksums fit: of each chunk, the first
/// bytes say kind, number and place in the batch, the rest is the payload.
pub fn journal_of(chunks: &[&[u8]]) -> Vec<u8> {
    crate::journal::of_any_frames(chunks)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_stop_a_record(bytes in vec(any::<u8>(), 0..300)) {
            record(&bytes);
            page(&bytes);
        }

        #[test]
        fn no_frames_stop_the_journal(
            chunks in vec((0..5_u8, prop_oneof![0..5_u64, Just(u64::MAX)], 0..3_u8, vec(any::<u8>(), 0..20)), 0..8),
            rest in vec(any::<u8>(), 0..40),
        ) {
            let chunks: Vec<Vec<u8>> = chunks
                .into_iter()
                .map(|(kind, seq, in_batch, payload)| {
                    [&[kind][..], &seq.to_le_bytes(), &[in_batch], &payload].concat()
                })
                .collect();
            let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
            let bytes = [journal_of(&chunks), rest].concat();
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join(crate::journal::FILE_NAME), bytes).unwrap();
            if let Ok(frames) = journal(dir.path()) {
                prop_assert!(frames <= chunks.len() as u64);
            }
        }
    }

    #[test]
    fn a_number_that_has_no_next_is_damage() {
        let frame = |kind: u8, seq: u64| [&[kind][..], &seq.to_le_bytes(), &[0]].concat();
        let (snapshot, change) = (frame(3, u64::MAX), frame(1, 0));
        let dir = tempfile::tempdir().unwrap();
        let bytes = journal_of(&[&snapshot, &change]);
        std::fs::write(dir.path().join(crate::journal::FILE_NAME), bytes).unwrap();
        let error = journal(dir.path()).unwrap_err();
        assert!(error.message().contains("out of order"), "{error}");
    }
}
