//! The index of the journal: the only file that names sled. It answers reads; it may be deleted at
//! any time, for the journal holds all of it. Its state is in `index/state.rs`.

mod opening;
mod state;

pub(crate) use opening::Closing;
pub(crate) use state::State;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use prost::Message;

use crate::error::{Error, ErrorKind};
use crate::format;
use crate::journal::Place;

/// The index's directory in the catalog directory.
pub(crate) const DIRECTORY: &str = "index";
/// Holds [`State`]; no key of a record begins with a zero byte.
const STATE_KEY: &[u8] = b"\0state";
/// Before the first key of a record.
const FIRST_KEY: &[u8] = b"\x01";

/// A change of one key: its new value, or `None` to delete it.
pub(crate) type Operation = (String, Option<Bytes>);
/// A key and its value.
pub(crate) type Pair = (String, Bytes);

/// The open index.
#[derive(Debug)]
pub(crate) struct Index {
    db: Closing,
}

impl Index {
    /// The stored state; `None` when there is none, which is so while the index is being rebuilt.
    pub(crate) fn state(&self) -> Result<Option<State>, Error> {
        let Some(bytes) = guarded("read", "its state", || self.db.get(STATE_KEY))? else {
            return Ok(None);
        };
        State::decode(&*bytes).map(Some).map_err(|source| {
            Error::corrupt("the state of the index does not decode").with_source(source)
        })
    }

    /// Reads everything and sums it up; the place is that of `state`.
    pub(crate) fn summary(&self, place: Place) -> Result<State, Error> {
        let mut state = State::at(place);
        for pair in self.range(FIRST_KEY.to_vec(), None) {
            let (key, value) = pair?;
            format::check(&value).map_err(|e| e.at(&key))?;
            state.add(key.as_bytes(), &value);
        }
        Ok(state)
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        let value = guarded("read", key, || self.db.get(key))?;
        Ok(value.map(|value| Bytes::copy_from_slice(&value)))
    }

    /// The pairs from the key `from` to before the key `to`, in order, from either end.
    pub(crate) fn range(
        &self,
        from: Vec<u8>,
        to: Option<Vec<u8>>,
    ) -> impl DoubleEndedIterator<Item = Result<Pair, Error>> + use<> {
        let place = String::from_utf8_lossy(&from).into_owned();
        let inner = match to {
            Some(to) if to > from => self.db.range(from..to),
            Some(_) => self.db.range(from.clone()..from),
            None => self.db.range(from..),
        };
        Pairs { inner, place }
    }

    /// All pairs from behind the key `after`, in order.
    pub(crate) fn all_after(
        &self,
        after: &str,
    ) -> impl DoubleEndedIterator<Item = Result<Pair, Error>> + use<> {
        let mut from = FIRST_KEY.to_vec();
        if !after.is_empty() {
            from = [after.as_bytes(), b"\0"].concat();
        }
        self.range(from, None)
    }

    /// Applies the changes of journal records, of which the last is at `place`, and stores that they
    /// have been applied, all or nothing. `replaced` is told every key with the value it had.
    /// Returns the new state.
    pub(crate) fn apply(
        &self,
        state: &State,
        place: Place,
        changes: &BTreeMap<&str, Option<&Bytes>>,
        mut replaced: impl FnMut(&str, Option<&[u8]>),
    ) -> Result<State, Error> {
        let mut new = state.moved(place);
        let mut batch = sled::Batch::default();
        for (&key, &value) in changes {
            let old = guarded("read", key, || self.db.get(key))?;
            if let Some(old) = &old {
                new.remove(key.as_bytes(), old);
            }
            match value {
                Some(value) => {
                    new.add(key.as_bytes(), value);
                    batch.insert(key.as_bytes(), &**value);
                }
                None if old.is_some() => batch.remove(key.as_bytes()),
                None => {}
            }
            replaced(key, old.as_deref());
        }
        batch.insert(STATE_KEY, new.encode_to_vec());
        guarded("write", "a change", || self.db.apply_batch(batch))?;
        Ok(new)
    }

    /// Stores where the last applied record is now, after the journal was replaced.
    pub(crate) fn moved(&self, state: &State, place: Place) -> Result<State, Error> {
        self.apply(state, place, &BTreeMap::new(), |_, _| {})
    }

    /// Puts pairs of a snapshot, each of a key that is not there yet, and adds them to `state`, which
    /// is stored at the end of the rebuild alone.
    pub(crate) fn load(&self, state: &mut State, operations: Vec<Operation>) -> Result<(), Error> {
        let mut batch = sled::Batch::default();
        for (key, value) in operations {
            let Some(value) = value else {
                return Err(Error::corrupt(format!(
                    "the snapshot in the journal deletes the key {key}, where it has values alone"
                )));
            };
            state.add(key.as_bytes(), &value);
            batch.insert(key.as_bytes(), &*value);
        }
        guarded("write", "a record", || self.db.apply_batch(batch))
    }

    /// Ends a rebuild.
    pub(crate) fn finish(&self, state: &State, place: Place) -> Result<State, Error> {
        let state = self.moved(state, place)?;
        self.flush()?;
        Ok(state)
    }

    /// Changes records behind the state's back, as damage does.
    #[cfg(test)]
    pub(crate) fn forge(&self, operations: Vec<Operation>) {
        for (key, value) in operations {
            let done = match value {
                Some(value) => self.db.insert(key, &*value),
                None => self.db.remove(key),
            };
            assert!(done.is_ok());
        }
    }

    /// Hands all to the disk. Without it a crash costs the catching up, nothing else.
    pub(crate) fn flush(&self) -> Result<(), Error> {
        guarded("write", "its pages", || self.db.flush()).map(|_| ())
    }
}

/// The key behind all keys that begin with `prefix`.
pub(crate) fn end_of(prefix: &str) -> Option<Vec<u8>> {
    let mut end = prefix.as_bytes().to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}

/// The pairs of a range.
struct Pairs {
    inner: sled::Iter,
    place: String,
}

impl Iterator for Pairs {
    type Item = Result<Pair, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        pair(&self.place, || self.inner.next())
    }
}

impl DoubleEndedIterator for Pairs {
    fn next_back(&mut self) -> Option<Self::Item> {
        pair(&self.place, || self.inner.next_back())
    }
}

fn pair(
    place: &str,
    step: impl FnOnce() -> Option<sled::Result<(sled::IVec, sled::IVec)>>,
) -> Option<Result<Pair, Error>> {
    let (key, value) = match guarded("read", place, || step().transpose()) {
        Ok(pair) => pair?,
        Err(e) => return Some(Err(e)),
    };
    Some(match String::from_utf8(key.to_vec()) {
        Ok(key) => Ok((key, Bytes::copy_from_slice(&value))),
        Err(source) => Err(Error::corrupt("a key of the index is not UTF-8").with_source(source)),
    })
}

/// Calls sled. It panics on some damaged files where it could answer an error.
fn guarded<T>(
    doing: &str,
    place: &str,
    call: impl FnOnce() -> sled::Result<T>,
) -> Result<T, Error> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(source)) => {
            let kind = match source {
                sled::Error::Io(_) => ErrorKind::Io,
                sled::Error::CollectionNotFound(_)
                | sled::Error::Unsupported(_)
                | sled::Error::ReportableBug(_)
                | sled::Error::Corruption { .. } => ErrorKind::Corrupt,
            };
            let message = format!("failed to {doing} the index ({place}): {source}");
            Err(Error::new(kind, message).with_source(source))
        }
        Err(_) => Err(Error::corrupt(format!(
            "the index stopped while it was to {doing} {place}"
        ))),
    }
}
