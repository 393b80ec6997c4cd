//! Opening: lock, read the journal, bring the index up to it or make it anew, compact.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, OnceLock, RwLock};

use prost::Message;

use super::{Recovery, Store, Writer};
use crate::error::{Error, ErrorKind};
use crate::format::{self, MutationMessage, OperationMessage, SnapshotEndMessage};
use crate::index::{self, Index, Operation, State};
use crate::journal::{self, Frame, FrameKind, Journal, Scan};
use crate::lock::DirectoryLock;
use crate::options::Options;

/// An index of this name had records that the journal lacks.
const AHEAD_DIRECTORY: &str = "index.ahead";
/// About how much a frame of a snapshot holds.
const SNAPSHOT_PART_BYTES: usize = 1 << 20;

impl Store {
    pub(crate) fn open(dir: &Path, options: &Options) -> Result<Store, Error> {
        fs::create_dir_all(dir).map_err(|e| Error::io("create the directory", dir, e))?;
        let lock = DirectoryLock::take(dir)?;
        create_journal_if_new(dir)?;
        let mut scan = Journal::scan(dir, |_| Ok(()))?;
        let mut recovery = Recovery {
            torn_bytes: scan.torn_bytes,
            ..Recovery::default()
        };
        let mut journal = Journal::open(dir, &scan)?;
        let (index, state) = match current_index(dir, options, &scan)? {
            Ok((index, state)) => catch_up(dir, index, state, &scan, &mut recovery)?,
            Err(unfit) => rebuild(dir, options, &scan, unfit, &mut recovery)?,
        };
        let live_bytes_max = state.bytes.saturating_mul(options.compact_ratio_min);
        if journal.bytes() > options.compact_bytes_min && journal.bytes() > live_bytes_max {
            compact(dir, &index, &state)?;
            scan = Journal::scan(dir, |_| Ok(()))?;
            journal = Journal::open(dir, &scan)?;
            recovery.compacted = true;
        }
        Ok(Store {
            index,
            view: RwLock::new(()),
            writer: Mutex::new(Writer {
                journal,
                state,
                stopped: None,
            }),
            unreadable: OnceLock::new(),
            clock: options.clock.clone(),
            recovery,
            _lock: lock,
        })
    }
}

fn create_journal_if_new(dir: &Path) -> Result<(), Error> {
    Journal::remove_unfinished(dir)?;
    let path = dir.join(journal::FILE_NAME);
    let exists = path
        .try_exists()
        .map_err(|e| Error::io("look for", &path, e))?;
    if exists {
        return Ok(());
    }
    // The journal is made before the index, so an index alone is what a lost journal leaves.
    if dir.join(index::DIRECTORY).exists() {
        return Err(Error::corrupt(format!(
            "the journal {} is missing although its index exists; restore it from a backup",
            path.display()
        )));
    }
    Journal::replace(dir, std::iter::empty())?;
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => journal::sync_directory(parent),
        _ => Ok(()),
    }
}

/// Why an index must be made anew.
struct Unfit {
    why: String,
    /// How many records it has that the journal lacks.
    ahead: u64,
}

impl Unfit {
    fn because(why: impl Into<String>) -> Unfit {
        Unfit {
            why: why.into(),
            ahead: 0,
        }
    }
}

/// Opens the index and checks all of it. The inner error says why it cannot be used.
fn current_index(
    dir: &Path,
    options: &Options,
    scan: &Scan,
) -> Result<Result<(Index, State), Unfit>, Error> {
    let is_new = !dir.join(index::DIRECTORY).exists();
    // sled 0.34 panics on some damaged files where it could answer an error.
    let opened = catch_unwind(AssertUnwindSafe(|| {
        let index = Index::open(dir, options.cache_bytes_max)?;
        let state = index.check()?;
        Ok::<_, Error>((index, state))
    }));
    let (index, state) = match opened {
        Ok(Ok(opened)) => opened,
        Ok(Err(e)) if e.kind() == ErrorKind::Unsupported => return Err(e),
        Ok(Err(e)) => return Ok(Err(Unfit::because(e.to_string()))),
        Err(_) => return Ok(Err(Unfit::because("the index stopped while it was opened"))),
    };
    Ok(match state {
        None if is_new && scan.last_seq == 0 => {
            let state = index.finish(0)?;
            Ok((index, state))
        }
        None if is_new => Err(Unfit::because("there was no index")),
        None => Err(Unfit::because("the index was not complete")),
        Some(state) if state.applied_seq > scan.last_seq => Err(Unfit {
            why: format!(
                "the index had record {} where the journal ends with record {}",
                state.applied_seq, scan.last_seq
            ),
            ahead: state.applied_seq - scan.last_seq,
        }),
        Some(state) if scan.snapshot_seq.is_some_and(|at| state.applied_seq < at) => Err(
            Unfit::because("the index was older than the snapshot in the journal"),
        ),
        Some(state) => Ok((index, state)),
    })
}

/// Applies the records that the index lacks.
fn catch_up(
    dir: &Path,
    index: Index,
    mut state: State,
    scan: &Scan,
    recovery: &mut Recovery,
) -> Result<(Index, State), Error> {
    if state.applied_seq < scan.last_seq {
        Journal::scan(dir, |frame| {
            if frame.kind == FrameKind::Mutation && frame.seq > state.applied_seq {
                let seq = frame.seq;
                state = index.apply(&state, seq, &operations(frame)?)?;
                recovery.replayed += 1;
            }
            Ok(())
        })?;
    }
    Ok((index, state))
}

/// Makes the index anew from the whole journal.
fn rebuild(
    dir: &Path,
    options: &Options,
    scan: &Scan,
    unfit: Unfit,
    recovery: &mut Recovery,
) -> Result<(Index, State), Error> {
    let path = dir.join(index::DIRECTORY);
    if unfit.ahead > 0 {
        let aside = dir.join(AHEAD_DIRECTORY);
        remove_directory(&aside)?;
        fs::rename(&path, &aside).map_err(|e| Error::io("set aside", &path, e))?;
    }
    remove_directory(&path)?;
    let index = Index::open(dir, options.cache_bytes_max)?;
    Journal::scan(dir, |frame| {
        match frame.kind {
            FrameKind::SnapshotEnd => snapshot_is_whole(dir, &index, &frame)?,
            FrameKind::Mutation | FrameKind::SnapshotPart => index.load(operations(frame)?)?,
        }
        recovery.replayed += 1;
        Ok(())
    })?;
    let state = index.finish(scan.last_seq)?;
    recovery.rebuilt = Some(unfit.why);
    recovery.ahead = unfit.ahead;
    Ok((index, state))
}

fn snapshot_is_whole(dir: &Path, index: &Index, frame: &Frame) -> Result<(), Error> {
    let end =
        SnapshotEndMessage::decode(&*frame.payload).map_err(|source| undecodable(frame, source))?;
    let found = index.summary(frame.seq)?;
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

fn operations(frame: Frame) -> Result<Vec<Operation>, Error> {
    let message =
        MutationMessage::decode(&*frame.payload).map_err(|source| undecodable(&frame, source))?;
    for operation in &message.operations {
        if let Some(value) = &operation.value {
            format::check(value).map_err(|e| {
                e.at(format_args!(
                    "journal record {}, key {}",
                    frame.seq, operation.key
                ))
            })?;
        }
    }
    Ok(message
        .operations
        .into_iter()
        .map(|operation| (operation.key, operation.value))
        .collect())
}

fn undecodable(frame: &Frame, source: prost::DecodeError) -> Error {
    Error::corrupt(format!(
        "journal record {} at byte {} does not decode: {source}",
        frame.seq, frame.offset
    ))
    .with_source(source)
}

fn remove_directory(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path, e)),
        _ => Ok(()),
    }
}

/// Writes a journal that begins with all live keys, and puts it in the place of the old one.
fn compact(dir: &Path, index: &Index, state: &State) -> Result<(), Error> {
    let seq = state.applied_seq;
    let mut pairs = index.all().peekable();
    let parts = std::iter::from_fn(|| {
        pairs.peek()?;
        let mut part = MutationMessage {
            what: "snapshot".to_owned(),
            ..MutationMessage::default()
        };
        let mut bytes = 0;
        while bytes < SNAPSHOT_PART_BYTES {
            match pairs.next() {
                Some(Ok((key, value))) => {
                    bytes += key.len() + value.len();
                    part.operations.push(OperationMessage {
                        key,
                        value: Some(value),
                    });
                }
                Some(Err(e)) => return Some(Err(e)),
                None => break,
            }
        }
        Some(Ok((FrameKind::SnapshotPart, seq, part.encode_to_vec())))
    });
    let end = SnapshotEndMessage {
        keys: state.keys,
        digest: state.digest,
    };
    Journal::replace(
        dir,
        parts.chain(std::iter::once(Ok((
            FrameKind::SnapshotEnd,
            seq,
            end.encode_to_vec(),
        )))),
    )
}
