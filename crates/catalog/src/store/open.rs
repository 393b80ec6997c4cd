//! Opening: lock, read what the index lacks of the journal, or make the index anew from all of it
//! (`open/rebuild.rs`). What was acknowledged and is missing is never passed over.

mod catch_up;
mod rebuild;

use std::fs;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, OnceLock, RwLock};

use super::commit::Writer;
use super::overlay::Overlay;
use super::queue::Queue;
use super::{Recovery, Store};
use crate::audit::Head;
use crate::disk::{self, Disk, DiskFile};
use crate::error::{Error, ErrorKind};
use crate::format;
use crate::index::{self, Index, State};
use crate::journal::{self, Journal};
use crate::keys;
use crate::lock::DirectoryLock;
use crate::options::Options;
use catch_up::{CaughtUp, catch_up};
pub(super) use catch_up::{is_same, operations};
pub(super) use rebuild::is_set_aside;
use rebuild::{rebuild, set_aside};

/// When the index is made anew.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Anew {
    IfNeeded,
    Always,
}

impl Store {
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: Options,
        anew: Anew,
    ) -> Result<Store, Error> {
        disk::make_directory(dir).map_err(|e| Error::io("make the directory", dir, e))?;
        let lock = DirectoryLock::take(dir)?;
        let file = open_journal(&*disk, dir)?;
        let mut recovery = Recovery::default();
        let current = match anew {
            Anew::IfNeeded => current_index(dir, &options)?,
            Anew::Always => {
                let (missing, state, last) = missing(dir, &options)?;
                if missing > 0 && !options.accept_cut {
                    return Err(behind(dir, &state, missing, last));
                }
                if missing > 0 {
                    set_aside(dir)?;
                }
                recovery.ahead = missing;
                Err("it was asked for".to_owned())
            }
        };
        let (index, state, scan) = match current {
            Ok((index, state)) => match catch_up(dir, &index, state, &mut recovery)? {
                CaughtUp::Yes(state, scan) => (index, state, scan),
                CaughtUp::Older(why) => {
                    drop(index);
                    rebuild(dir, &options, why, &mut recovery)?
                }
                CaughtUp::Cut { missing, last } if options.accept_cut => {
                    let state = index.state()?.unwrap_or_default();
                    drop(index);
                    set_aside(dir)?;
                    recovery.ahead = missing;
                    rebuild(dir, &options, ahead(&state, last), &mut recovery)?
                }
                CaughtUp::Cut { missing, last } => {
                    let state = index.state()?.unwrap_or_default();
                    return Err(behind(dir, &state, missing, last));
                }
            },
            Err(why) => rebuild(dir, &options, why, &mut recovery)?,
        };
        recovery.torn_bytes = scan.torn_bytes;
        recovery.torn_by_damage = scan.torn_by_damage;
        let damaged = OnceLock::new();
        if recovery.rebuilt.is_none()
            && let Some(why) = damage_before(dir, &options, &state)?
        {
            let _ = damaged.set(why);
        }
        let journal = Journal::open(disk, dir, file, &scan)?;
        let head = match index.get(keys::AUDIT_HEAD)? {
            Some(bytes) => format::decode(&bytes)?,
            None => Head::default(),
        };
        let mut queue = Queue::new(journal.last().seq, head);
        let mut writer = Writer {
            journal,
            state,
            compact_above: options.compact_bytes_min,
        };
        queue.compaction_wanted = writer.wants_compaction(&options);
        Ok(Store {
            index,
            view: RwLock::new(()),
            queue: Mutex::new(queue),
            settled: Condvar::new(),
            wake: Condvar::new(),
            writer: Mutex::new(writer),
            maintenance: Mutex::new(()),
            replaced: Mutex::new(None),
            compaction_failure: Mutex::new(None),
            damaged,
            dir: dir.to_owned(),
            nothing: Overlay::default(),
            clock: options.clock.clone(),
            options,
            recovery,
            _lock: lock,
        })
    }
}

/// Locks the journal, and makes one in a new catalog.
fn open_journal(disk: &dyn Disk, dir: &Path) -> Result<Box<dyn DiskFile>, Error> {
    if let Some(file) = Journal::lock(disk, dir)? {
        Journal::remove_unfinished(disk, dir)?;
        return Ok(file);
    }
    let path = dir.join(journal::FILE_NAME);
    // The journal is made before the index, so an index alone is what a lost journal leaves.
    if dir.join(index::DIRECTORY).exists() {
        return Err(Error::corrupt(format!(
            "the journal {} is missing although its index exists; restore it from a backup",
            path.display()
        )));
    }
    Journal::remove_unfinished(disk, dir)?;
    Journal::create(disk, dir)?;
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => disk
            .sync_directory(parent)
            .map_err(|e| Error::io("sync the directory", parent, e))?,
        _ => {}
    }
    Journal::lock(disk, dir)?.ok_or_else(|| {
        Error::new(
            ErrorKind::Io,
            format!("the journal {} was removed meanwhile", path.display()),
        )
    })
}

/// Opens the index, and checks all of it where that takes little time. The inner error says why it
/// cannot be used.
fn current_index(dir: &Path, options: &Options) -> Result<Result<(Index, State), String>, Error> {
    if !dir.join(index::DIRECTORY).exists() {
        return Ok(Err("there was no index".to_owned()));
    }
    let opened = Index::open(dir, options).and_then(|index| {
        let Some(state) = index.state()? else {
            return Ok(Err("the index was not complete".to_owned()));
        };
        // That of another layout is made anew, once it is known that the journal lacks nothing.
        if state.is_of_this_layout() && state.keys <= options.check_keys_max {
            let found = index.summary(state.place())?;
            if !found.holds_as(&state) {
                return Ok(Err(state.difference(&found)));
            }
        }
        Ok(Ok((index, state)))
    });
    match opened {
        Ok(opened) => Ok(opened),
        Err(e) if e.kind() == ErrorKind::Unsupported => Err(e),
        Err(e) => Ok(Err(e.to_string())),
    }
}

/// What is wrong with the part of the journal that the index has taken already, so that nothing is acknowledged behind
/// damage; a long one is left to the scrub.
fn damage_before(dir: &Path, options: &Options, state: &State) -> Result<Option<String>, Error> {
    let path = dir.join(journal::FILE_NAME);
    let bytes = fs::metadata(&path)
        .map_err(|e| Error::io("read the attributes of", &path, e))?
        .len();
    if bytes > options.check_journal_bytes_max {
        return Ok(None);
    }
    match Journal::scan(dir, |_| Ok(())) {
        Ok(scan) if scan.last.seq >= state.applied_seq => Ok(None),
        // Within the last batch it looks like an append that was cut off.
        Ok(scan) => {
            let e = Error::corrupt(format!(
                "the journal {} is damaged at byte {}: record {} is the last that is whole, and the index has record {}; restore it from a backup",
                path.display(),
                scan.end,
                scan.last.seq,
                state.applied_seq
            ));
            Ok(Some(super::scrub::in_the_index(&e)))
        }
        Err(e) if e.kind() == ErrorKind::Corrupt => Ok(Some(super::scrub::in_the_index(&e))),
        Err(e) => Err(e),
    }
}

/// How many records the index has that the journal lacks, where it can be read at all; what it says of itself, and the
/// journal's last record.
fn missing(dir: &Path, options: &Options) -> Result<(u64, State, u64), Error> {
    if !dir.join(index::DIRECTORY).exists() {
        return Ok((0, State::default(), 0));
    }
    let last = Journal::scan(dir, |_| Ok(()))?.last.seq;
    let state = match Index::open(dir, options).and_then(|index| index.state()) {
        Ok(Some(state)) => state,
        Ok(None) | Err(_) => State::default(),
    };
    Ok((state.applied_seq.saturating_sub(last), state, last))
}

fn ahead(state: &State, last: u64) -> String {
    if state.applied_seq > last {
        format!(
            "the index had record {} where the journal ends with record {last}",
            state.applied_seq
        )
    } else {
        format!(
            "the index had another record {} than the journal",
            state.applied_seq
        )
    }
}

fn behind(dir: &Path, state: &State, missing: u64, last: u64) -> Error {
    let path = dir.join(journal::FILE_NAME);
    let written = fs::metadata(&path)
        .and_then(|data| data.modified())
        .ok()
        .map_or_else(
            || "at an unknown time".to_owned(),
            |time| {
                let time = chrono::DateTime::<chrono::Utc>::from(time);
                format!("on {}", time.format("%Y-%m-%d at %H:%M:%S UTC"))
            },
        );
    let lacks = if missing == 1 {
        "1 acknowledged change is".to_owned()
    } else {
        format!("{missing} acknowledged changes are")
    };
    Error::new(
        ErrorKind::Behind,
        format!(
            "{lacks} missing: {}; the journal {} was last written {written}: bring back the right journal, or accept the loss by a rebuild, which keeps the index beside as {}",
            ahead(state, last),
            path.display(),
            rebuild::AHEAD_DIRECTORY
        ),
    )
}
