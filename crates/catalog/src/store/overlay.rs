//! What is decided and not yet in the index: the next decision sees it over the index, nobody else does.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::index::{Changed, Merged, Operation};

/// The changed keys, each with the number of the record that changed it last.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    keys: BTreeMap<Vec<u8>, Ahead>,
}

/// A change that is ahead of the index.
#[derive(Debug)]
struct Ahead {
    seq: u64,
    value: Option<Bytes>,
}

impl Overlay {
    pub(super) fn insert(&mut self, seq: u64, operations: &[Operation]) {
        for (key, value) in operations {
            let value = value.clone();
            self.keys
                .insert(key.clone().into_bytes(), Ahead { seq, value });
        }
    }

    /// Forgets the changes of records up to `seq`, which the index has now.
    pub(super) fn remove<'o>(&mut self, seq: u64, keys: impl Iterator<Item = &'o str>) {
        for key in keys {
            if self
                .keys
                .get(key.as_bytes())
                .is_some_and(|ahead| ahead.seq <= seq)
            {
                self.keys.remove(key.as_bytes());
            }
        }
    }

    /// The change of a key, when there is one.
    pub(super) fn get(&self, key: &str) -> Option<Option<Bytes>> {
        self.keys
            .get(key.as_bytes())
            .map(|ahead| ahead.value.clone())
    }

    /// Lays the changes of a range over what the index has of it.
    pub(super) fn over<I>(
        &self,
        index: I,
        from: Vec<u8>,
        to: Option<Vec<u8>>,
    ) -> Merged<I, impl DoubleEndedIterator<Item = Changed> + use<'_, I>> {
        let ahead = match to {
            Some(to) if to > from => self.keys.range(from..to),
            Some(_) => self.keys.range(from.clone()..from),
            None => self.keys.range(from..),
        };
        let changed = |(key, ahead): (&Vec<u8>, &Ahead)| {
            let key = String::from_utf8_lossy(key).into_owned();
            (key, ahead.value.clone())
        };
        Merged::new(index, ahead.map(changed))
    }
}
