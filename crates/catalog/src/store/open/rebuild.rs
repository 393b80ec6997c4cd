//! Making the index anew from the whole journal. What stood in its place is removed only where the
//! journal has all of it; else it is kept beside.

use std::fs;
use std::path::{Path, PathBuf};

use prost::Message;

use super::catch_up::{Applier, Step, undecodable};
use crate::error::{Error, ErrorKind};
use crate::format::SnapshotEndMessage;
use crate::index::{self, Index, State};
use crate::journal::{self, Frame, FrameKind, Journal, Place, Scan};
use crate::options::Options;
use crate::store::Recovery;

/// An index of this name, or with a number behind it, had records that the journal lacks.
pub(super) const AHEAD_DIRECTORY: &str = "index.ahead";
/// What must be free on the disk besides the index itself.
const SPARE_BYTES: u64 = 16 << 20;

/// Gives an index that has more than the journal another name.
pub(super) fn set_aside(dir: &Path) -> Result<(), Error> {
    let path = dir.join(index::DIRECTORY);
    let aside = free_name(dir)?;
    fs::rename(&path, &aside).map_err(|e| Error::io("set aside", &path, e))
}

/// Whether one is there.
pub(in crate::store) fn is_set_aside(dir: &Path) -> Result<bool, Error> {
    let path = dir.join(AHEAD_DIRECTORY);
    path.try_exists()
        .map_err(|e| Error::io("look for", &path, e))
}

/// Makes the index anew.
pub(super) fn rebuild(
    dir: &Path,
    options: &Options,
    why: String,
    recovery: &mut Recovery,
) -> Result<(Index, State, Scan), Error> {
    let path = dir.join(index::DIRECTORY);
    refuse_full_disk(dir)?;
    // An index, even a damaged one, may have what a damaged journal has no more: it goes once the journal is known to
    // be whole.
    Journal::scan(dir, |_| Ok(()))?;
    remove_directory(&path)?;
    let index = Index::open(dir, options)?;
    let mut replayed = 0;
    let mut applier = Applier::new(&index, State::at(Place::default()), Step::OfRebuild);
    let scan = Journal::scan(dir, |frame| {
        replayed += 1;
        match frame.kind {
            FrameKind::SnapshotPart | FrameKind::Mutation => applier.take(frame),
            FrameKind::SnapshotEnd => snapshot_is_whole(dir, applier.settled()?, &frame),
        }
    })?;
    let state = applier.end(&mut Recovery::default())?;
    let state = index.finish(&state, scan.last)?;
    if replayed > 0 {
        // A new catalog has nothing to be told of.
        recovery.replayed += replayed;
        recovery.rebuilt = Some(why);
    }
    Ok((index, state, scan))
}

/// A disk that fills up meanwhile can stop sled for good, so it is asked before.
fn refuse_full_disk(dir: &Path) -> Result<(), Error> {
    let path = dir.join(journal::FILE_NAME);
    let journal = fs::metadata(&path).map_err(|e| Error::io("read the attributes of", &path, e))?;
    // Where the file system does not tell, the attempt will.
    let Ok(found) = rustix::fs::statvfs(dir) else {
        return Ok(());
    };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let needed = journal.len().saturating_add(SPARE_BYTES);
    if free >= needed {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Io,
        format!(
            "the index in {} must be made anew, which needs {needed} bytes where {free} are free; make room and open again",
            dir.display()
        ),
    ))
}

fn snapshot_is_whole(dir: &Path, found: &State, frame: &Frame) -> Result<(), Error> {
    let end =
        SnapshotEndMessage::decode(&*frame.payload).map_err(|source| undecodable(frame, source))?;
    if (end.keys, end.digest) == (found.keys, found.digest) {
        return Ok(());
    }
    Err(Error::corrupt(format!(
        "the journal {} begins with a snapshot of {} keys where {} belong, or with other values; restore it from a backup",
        dir.join(journal::FILE_NAME).display(),
        found.keys,
        end.keys
    )))
}

fn free_name(dir: &Path) -> Result<PathBuf, Error> {
    let mut number = 0;
    loop {
        let name = match number {
            0 => AHEAD_DIRECTORY.to_owned(),
            _ => format!("{AHEAD_DIRECTORY}.{number}"),
        };
        let path = dir.join(name);
        if !path
            .try_exists()
            .map_err(|e| Error::io("look for", &path, e))?
        {
            return Ok(path);
        }
        number += 1;
    }
}

fn remove_directory(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path, e)),
        _ => Ok(()),
    }
}
