//! The latest changes, which are in the journal and not in the pages yet: a page is written for many
//! changes at once. A crash costs the catching up with them, nothing else.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;

use super::Changed;

/// About what a change has in memory besides its key and value.
const CHANGE_BYTES: usize = 64;

/// The changes by their keys.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) keys: BTreeMap<Vec<u8>, Option<Bytes>>,
    pub(super) bytes: usize,
}

impl Changes {
    pub(super) fn put(&mut self, key: &str, value: Option<&Bytes>) {
        let bytes = |value: Option<&Bytes>| key.len() + value.map_or(0, Bytes::len) + CHANGE_BYTES;
        // The value may be a part of a whole frame, which it would keep in memory.
        let kept = value.map(|value| Bytes::copy_from_slice(value));
        if let Some(old) = self.keys.insert(key.into(), kept) {
            self.bytes -= bytes(old.as_ref());
        }
        self.bytes += bytes(value);
    }
}

/// The changes, to be read while others read.
#[derive(Debug, Default)]
pub(super) struct Recent(RwLock<Changes>);

impl Recent {
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Changes> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Changes> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The change of a key, when there is one.
    pub(super) fn get(&self, key: &str) -> Option<Option<Bytes>> {
        self.read().keys.get(key.as_bytes()).cloned()
    }

    /// The changes of a range, from either end; none of them is held meanwhile.
    pub(super) fn range(&self, from: Vec<u8>, to: Option<Vec<u8>>) -> Range<'_> {
        Range {
            recent: self,
            from: Bound::Included(from),
            to: to.map_or(Bound::Unbounded, Bound::Excluded),
        }
    }
}

/// What is left of a range.
pub(super) struct Range<'r> {
    recent: &'r Recent,
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
}

impl Range<'_> {
    fn is_empty(&self) -> bool {
        match (&self.from, &self.to) {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (
                Bound::Included(from) | Bound::Excluded(from),
                Bound::Included(to) | Bound::Excluded(to),
            ) => from >= to,
        }
    }

    fn step(&self, from_front: bool) -> Option<(Vec<u8>, Option<Bytes>)> {
        if self.is_empty() {
            return None;
        }
        let changes = self.recent.read();
        let mut range = changes
            .keys
            .range::<Vec<u8>, _>((self.from.as_ref(), self.to.as_ref()));
        let (key, value) = match from_front {
            true => range.next(),
            false => range.next_back(),
        }?;
        Some((key.clone(), value.clone()))
    }
}

fn changed((key, value): (Vec<u8>, Option<Bytes>)) -> Changed {
    (String::from_utf8_lossy(&key).into_owned(), value)
}

impl Iterator for Range<'_> {
    type Item = Changed;

    fn next(&mut self) -> Option<Changed> {
        let change = self.step(true)?;
        self.from = Bound::Excluded(change.0.clone());
        Some(changed(change))
    }
}

impl DoubleEndedIterator for Range<'_> {
    fn next_back(&mut self) -> Option<Changed> {
        let change = self.step(false)?;
        self.to = Bound::Excluded(change.0.clone());
        Some(changed(change))
    }
}
