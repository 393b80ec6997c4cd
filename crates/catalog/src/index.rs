//! The index of the journal, in sled. It answers reads; it may be deleted at any time, for the
//! journal holds all of it. Records lie in pages (`index/pages.rs`), and the latest changes of them in
//! memory (`index/recent.rs`). Its state is in `index/state.rs`.

mod layers;
mod opening;
mod page;
mod pages;
mod recent;
mod state;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use layers::{Changed, Merged};
pub(crate) use opening::Closing;
pub(crate) use state::State;

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message;

use crate::error::Error;
use crate::format;
use crate::journal::Place;
use pages::{FIRST_KEY, Pages};
use recent::{Changes, Recent};

/// The index's directory in the catalog directory.
pub(crate) const DIRECTORY: &str = "index";
/// Holds [`State`]; no key of a record begins with a zero byte.
const STATE_KEY: &[u8] = b"\0state";

/// A change of one key: its new value, or `None` to delete it.
pub(crate) type Operation = (String, Option<Bytes>);
/// A key and its value.
pub(crate) type Pair = (String, Bytes);

/// What is stored of a step of [`Index::load`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Keep {
    /// All of it: the index is whole behind it.
    WithState,
    /// No state, so that an index whose making was interrupted is not taken for a whole one.
    Unfinished,
}

/// The open index.
#[derive(Debug)]
pub(crate) struct Index {
    pages: Pages,
    recent: Recent,
    /// How much the latest changes may have in memory.
    recent_bytes_max: usize,
}

impl Index {
    /// The state that is stored with the pages; `None` when there is none, which is so while the index
    /// is being rebuilt.
    pub(crate) fn state(&self) -> Result<Option<State>, Error> {
        let Some(bytes) = self.pages.own(STATE_KEY)? else {
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
        match self.recent.get(key) {
            Some(value) => Ok(value),
            None => self.pages.get(key),
        }
    }

    /// The pairs from the key `from` to before the key `to`, in order, from either end. Nothing may
    /// be applied meanwhile.
    pub(crate) fn range<'i>(
        &'i self,
        from: Vec<u8>,
        to: Option<Vec<u8>>,
    ) -> impl DoubleEndedIterator<Item = Result<Pair, Error>> + use<'i> {
        let stored = self.pages.range(from.clone(), to.clone());
        Merged::new(stored, self.recent.range(from, to))
    }

    /// All pairs from behind the key `after`, in order.
    pub(crate) fn all_after<'i>(
        &'i self,
        after: &str,
    ) -> impl DoubleEndedIterator<Item = Result<Pair, Error>> + use<'i> {
        let mut from = FIRST_KEY.to_vec();
        if !after.is_empty() {
            from = [after.as_bytes(), b"\0"].concat();
        }
        self.range(from, None)
    }

    /// Applies the changes of journal records, of which the last is at `place`; they stay in memory
    /// until they are many. `replaced` is told every key with the value it had. Returns the new state.
    pub(crate) fn apply(
        &self,
        state: &State,
        place: Place,
        changes: &BTreeMap<&str, Option<&Bytes>>,
        mut replaced: impl FnMut(&str, Option<&[u8]>),
    ) -> Result<State, Error> {
        let mut new = state.moved(place);
        for (&key, &value) in changes {
            let old = self.get(key)?;
            new.replace(key, old.as_ref(), value);
            replaced(key, old.as_deref());
        }
        let mut recent = self.recent.write();
        for (&key, &value) in changes {
            recent.put(key, value);
        }
        let is_full = recent.bytes > self.recent_bytes_max;
        drop(recent);
        if is_full {
            self.store(&new)?;
        }
        Ok(new)
    }

    /// The same, but into the pages at once: for many changes, where nobody reads meanwhile.
    pub(crate) fn load(
        &self,
        state: &State,
        place: Place,
        changes: &BTreeMap<&str, Option<&Bytes>>,
        keep: Keep,
    ) -> Result<State, Error> {
        let mut new = state.moved(place);
        let changes = changes.iter().map(|(&key, &value)| (key, value));
        let pages = self
            .pages
            .changed(changes, |(key, value), old| new.replace(key, old, value))?;
        let state = match keep {
            Keep::WithState => Some((STATE_KEY, new.encode_to_vec())),
            Keep::Unfinished => None,
        };
        self.pages.write(pages, state)?;
        Ok(new)
    }

    /// Moves the latest changes into the pages, and stores `state`, which says that they hold them,
    /// all or nothing.
    pub(crate) fn store(&self, state: &State) -> Result<(), Error> {
        let mut recent = self.recent.write();
        let mut changes = Vec::with_capacity(recent.keys.len());
        for (key, value) in &recent.keys {
            let key = str::from_utf8(key).map_err(|source| {
                Error::corrupt("a changed key is not UTF-8").with_source(source)
            })?;
            changes.push((key, value.as_ref()));
        }
        let pages = self.pages.changed(changes.into_iter(), |_, _| {})?;
        self.pages
            .write(pages, Some((STATE_KEY, state.encode_to_vec())))?;
        *recent = Changes::default();
        Ok(())
    }

    /// Whether there are changes that the pages do not have.
    pub(crate) fn has_recent(&self) -> bool {
        !self.recent.read().keys.is_empty()
    }

    /// Stores where the last applied record is now, after the journal was replaced.
    pub(crate) fn moved(&self, state: &State, place: Place) -> Result<State, Error> {
        let state = state.moved(place);
        self.store(&state)?;
        Ok(state)
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
        let operations: BTreeMap<_, _> = operations.into_iter().collect();
        let mut recent = self.recent.write();
        for key in operations.keys() {
            recent.keys.remove(key.as_bytes());
        }
        let changes = operations
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_ref()));
        let pages = self.pages.changed(changes, |_, _| {});
        let done = pages.and_then(|pages| self.pages.write(pages, None));
        assert!(done.is_ok());
    }

    /// How often pages were written, and how often they were handed to the disk.
    #[cfg(test)]
    pub(crate) fn written(&self) -> (usize, usize) {
        use std::sync::atomic::Ordering::Relaxed;
        let Pages {
            writes, flushes, ..
        } = &self.pages;
        (writes.load(Relaxed), flushes.load(Relaxed))
    }

    /// Hands all to the disk. Without it a crash costs the catching up, nothing else.
    pub(crate) fn flush(&self) -> Result<(), Error> {
        self.pages.flush()
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

/// Any bytes as a page.
pub(crate) fn fuzz_page(bytes: &[u8]) {
    let _ = page::find(bytes, "sys/stage/a");
    if let Ok(pairs) = page::decode(bytes) {
        let is_same = page::decode(&page::encode(&pairs)).is_ok_and(|again| again == pairs);
        assert!(is_same, "a page cannot be read again");
    }
}
