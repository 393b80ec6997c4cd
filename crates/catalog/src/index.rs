//! The index of the journal: the only file that names sled. It answers reads; it may be deleted at
//! any time, for the journal holds all of it.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use prost::Message;
use sled::transaction::ConflictableTransactionError;

use crate::error::{Error, ErrorKind};
use crate::format;

/// The index's directory in the catalog directory.
pub(crate) const DIRECTORY: &str = "index";
/// Holds [`State`]; no key of a record begins with a zero byte.
const STATE_KEY: &[u8] = b"\0state";

/// Which journal record the index has reached, and a summary of all it holds, stored with each
/// change in one transaction. The summary shows pages that were lost or went back in time.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct State {
    #[prost(uint64, tag = "1")]
    pub(crate) applied_seq: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) keys: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) bytes: u64,
    #[prost(fixed64, tag = "4")]
    pub(crate) digest: u64,
}

impl State {
    fn add(&mut self, key: &[u8], value: &[u8]) {
        self.keys += 1;
        self.bytes += (key.len() + value.len()) as u64;
        self.digest = self.digest.wrapping_add(digest(key, value));
    }

    fn remove(&mut self, key: &[u8], value: &[u8]) {
        self.keys = self.keys.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub((key.len() + value.len()) as u64);
        self.digest = self.digest.wrapping_sub(digest(key, value));
    }
}

fn digest(key: &[u8], value: &[u8]) -> u64 {
    let forth = crc32c::crc32c_append(crc32c::crc32c(key), value);
    let back = crc32c::crc32c_append(crc32c::crc32c(value), key);
    u64::from(forth) << 32 | u64::from(back)
}

/// A change of one key: its new value, or `None` to delete it.
pub(crate) type Operation = (String, Option<Vec<u8>>);
/// A key and its value.
pub(crate) type Pair = (String, Vec<u8>);

/// The open index.
#[derive(Debug)]
pub(crate) struct Index {
    db: sled::Db,
}

impl Index {
    /// Opens or makes the index of the catalog in `dir`.
    pub(crate) fn open(dir: &Path, cache_bytes_max: u64) -> Result<Index, Error> {
        let path = dir.join(DIRECTORY);
        remove_generating(&path)?;
        let config = sled::Config::new()
            .path(&path)
            .cache_capacity(cache_bytes_max)
            .mode(sled::Mode::LowSpace);
        // The threads of an index that was just closed in this process may hold its file a little longer.
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            match config.open() {
                Ok(db) => return Ok(Index { db }),
                Err(sled::Error::Io(e)) if is_locked(&e) && Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(5));
                }
                Err(e) => return Err(failed("open", e)),
            }
        }
    }

    /// Reads everything and compares it with the stored state; `None` when there is no state, which
    /// is so while the index is being rebuilt.
    pub(crate) fn check(&self) -> Result<Option<State>, Error> {
        let Some(bytes) = self.db.get(STATE_KEY).map_err(|e| failed("read", e))? else {
            return Ok(None);
        };
        let state = State::decode(&*bytes).map_err(|source| {
            Error::corrupt("the state of the index does not decode").with_source(source)
        })?;
        let found = self.summary(state.applied_seq)?;
        if found != state {
            return Err(Error::corrupt(format!(
                "the index holds {} keys of {} bytes where its state says {} keys of {} bytes, or other values",
                found.keys, found.bytes, state.keys, state.bytes
            )));
        }
        Ok(Some(state))
    }

    /// Reads everything and sums it up.
    pub(crate) fn summary(&self, applied_seq: u64) -> Result<State, Error> {
        let mut state = State {
            applied_seq,
            ..State::default()
        };
        for pair in self.db.iter() {
            let (key, value) = pair.map_err(|e| failed("read", e))?;
            if key != STATE_KEY {
                format::check(&value).map_err(|e| e.at(String::from_utf8_lossy(&key)))?;
                state.add(&key, &value);
            }
        }
        Ok(state)
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let value = self.db.get(key).map_err(|e| failed("read", e))?;
        Ok(value.map(|value| value.to_vec()))
    }

    /// The pairs whose key begins with `prefix`, in order, from either end.
    pub(crate) fn scan(
        &self,
        prefix: &str,
    ) -> impl DoubleEndedIterator<Item = Result<Pair, Error>> + use<> {
        self.db.scan_prefix(prefix).map(pair)
    }

    /// As [`Index::scan`], from behind the key `after`.
    pub(crate) fn scan_after(
        &self,
        prefix: &str,
        after: &str,
    ) -> impl Iterator<Item = Result<Pair, Error>> + use<> {
        let from = format!("{after}\0");
        let prefix = prefix.to_owned();
        self.db
            .range(from..)
            .map(pair)
            .take_while(move |pair| match pair {
                Ok((key, _)) => key.starts_with(&prefix),
                Err(_) => true,
            })
    }

    /// The first key from `from` on.
    pub(crate) fn first_key_from(&self, from: &str) -> Result<Option<String>, Error> {
        // An empty bound would find the state's key.
        let from = if from.is_empty() { "\x01" } else { from };
        Ok(self
            .db
            .range(from..)
            .next()
            .map(pair)
            .transpose()?
            .map(|(key, _)| key))
    }

    /// All pairs, in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = Result<Pair, Error>> + use<> {
        self.db.range(&b"\x01"[..]..).map(pair)
    }

    /// Applies one journal record, and stores that it has been applied, in one transaction.
    /// Returns the new state.
    pub(crate) fn apply(
        &self,
        state: &State,
        seq: u64,
        operations: &[Operation],
    ) -> Result<State, Error> {
        let mut new = State {
            applied_seq: seq,
            ..*state
        };
        let mut batch = sled::Batch::default();
        for (key, value) in operations {
            if let Some(old) = self.db.get(key).map_err(|e| failed("read", e))? {
                new.remove(key.as_bytes(), &old);
            }
            match value {
                Some(value) => {
                    new.add(key.as_bytes(), value);
                    batch.insert(key.as_bytes(), value.as_slice());
                }
                None => batch.remove(key.as_bytes()),
            }
        }
        batch.insert(STATE_KEY, new.encode_to_vec());
        self.db
            .transaction(|tree| {
                tree.apply_batch(&batch)?;
                Ok::<(), ConflictableTransactionError<()>>(())
            })
            .map_err(|e| match e {
                sled::transaction::TransactionError::Storage(e) => failed("write", e),
                sled::transaction::TransactionError::Abort(()) => {
                    Error::corrupt("the index gave a change back")
                }
            })?;
        Ok(new)
    }

    /// Applies operations of a rebuild, of which no state is stored until [`Index::finish`].
    pub(crate) fn load(&self, operations: Vec<Operation>) -> Result<(), Error> {
        let mut batch = sled::Batch::default();
        for (key, value) in operations {
            match value {
                Some(value) => batch.insert(key.as_bytes(), value),
                None => batch.remove(key.as_bytes()),
            }
        }
        self.db.apply_batch(batch).map_err(|e| failed("write", e))
    }

    /// Ends a rebuild.
    pub(crate) fn finish(&self, applied_seq: u64) -> Result<State, Error> {
        let state = self.summary(applied_seq)?;
        self.db
            .insert(STATE_KEY, state.encode_to_vec())
            .map_err(|e| failed("write", e))?;
        self.flush()?;
        Ok(state)
    }

    /// Hands all to the operating system. Without it a crash costs the catching up, nothing else.
    pub(crate) fn flush(&self) -> Result<(), Error> {
        self.db.flush().map(|_| ()).map_err(|e| failed("write", e))
    }
}

fn pair(result: sled::Result<(sled::IVec, sled::IVec)>) -> Result<Pair, Error> {
    let (key, value) = result.map_err(|e| failed("read", e))?;
    let key = String::from_utf8(key.to_vec())
        .map_err(|source| Error::corrupt("a key of the index is not UTF-8").with_source(source))?;
    Ok((key, value.to_vec()))
}

fn failed(doing: &str, source: sled::Error) -> Error {
    let kind = match source {
        sled::Error::Io(_) => ErrorKind::Io,
        _ => ErrorKind::Corrupt,
    };
    Error::new(kind, format!("failed to {doing} the index: {source}")).with_source(source)
}

// sled 0.34 reports a held file lock as an error of kind Other.
fn is_locked(e: &io::Error) -> bool {
    e.kind() == io::ErrorKind::WouldBlock || e.to_string().contains("could not acquire lock")
}

/// Removes unfinished snapshots of sled: it would take one for a finished one and not open. A
/// finished one never has such a name.
fn remove_generating(path: &Path) -> Result<(), Error> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io("read the directory", path, e)),
    };
    for entry in entries {
        let entry = entry.map_err(|e| Error::io("read the directory", path, e))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path()).map_err(|e| Error::io("remove", &entry.path(), e))?;
        }
    }
    Ok(())
}
