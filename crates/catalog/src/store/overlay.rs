//! What is decided and not yet in the index: the next decision sees it over the index, nobody else does.

use std::collections::BTreeMap;
use std::collections::btree_map::Range;

use bytes::Bytes;

use crate::error::Error;
use crate::index::{Operation, Pair};

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
    pub(super) fn over<I>(&self, index: I, from: Vec<u8>, to: Option<Vec<u8>>) -> Merged<'_, I> {
        let ahead = match to {
            Some(to) if to > from => self.keys.range(from..to),
            Some(_) => self.keys.range(from.clone()..from),
            None => self.keys.range(from..),
        };
        Merged {
            index: Ends::new(index),
            ahead: Ends::new(ahead),
        }
    }
}

/// An iterator that can be looked into at both ends.
struct Ends<T, I> {
    inner: I,
    front: Option<T>,
    back: Option<T>,
}

impl<T, I: DoubleEndedIterator<Item = T>> Ends<T, I> {
    fn front(&mut self) -> Option<T> {
        self.front
            .take()
            .or_else(|| self.inner.next())
            .or_else(|| self.back.take())
    }

    fn back(&mut self) -> Option<T> {
        self.back
            .take()
            .or_else(|| self.inner.next_back())
            .or_else(|| self.front.take())
    }
}

impl<T, I> Ends<T, I> {
    fn new(inner: I) -> Ends<T, I> {
        Ends {
            inner,
            front: None,
            back: None,
        }
    }
}

/// A changed key.
type Change<'a> = (&'a Vec<u8>, &'a Ahead);

/// Two ordered sequences as one, where a change stands in for the index's pair of the same key.
pub(super) struct Merged<'a, I> {
    index: Ends<Result<Pair, Error>, I>,
    ahead: Ends<Change<'a>, Range<'a, Vec<u8>, Ahead>>,
}

/// The end from which a step is taken.
#[derive(Clone, Copy, Eq, PartialEq)]
enum End {
    Front,
    Back,
}

impl<'a, I: DoubleEndedIterator<Item = Result<Pair, Error>>> Merged<'a, I> {
    fn step(&mut self, end: End) -> Option<Result<Pair, Error>> {
        loop {
            let (indexed, ahead) = match end {
                End::Front => (self.index.front(), self.ahead.front()),
                End::Back => (self.index.back(), self.ahead.back()),
            };
            let (indexed, ahead) = match (indexed, ahead) {
                (Some(Err(e)), ahead) => {
                    self.keep(end, None, ahead);
                    return Some(Err(e));
                }
                (indexed, None) => return indexed,
                (Some(Ok(indexed)), Some(ahead)) => (Some(indexed), ahead),
                (None, Some(ahead)) => (None, ahead),
            };
            if let Some(indexed) = indexed {
                let order = indexed.0.as_bytes().cmp(ahead.0);
                let order = match end {
                    End::Front => order,
                    End::Back => order.reverse(),
                };
                match order {
                    std::cmp::Ordering::Less => {
                        self.keep(end, None, Some(ahead));
                        return Some(Ok(indexed));
                    }
                    std::cmp::Ordering::Equal => {}
                    std::cmp::Ordering::Greater => self.keep(end, Some(Ok(indexed)), None),
                }
            }
            let (key, change) = ahead;
            // A deleted key is passed over.
            if let Some(value) = &change.value {
                let key = String::from_utf8_lossy(key).into_owned();
                return Some(Ok((key, value.clone())));
            }
        }
    }

    /// Puts back what was looked at and not taken.
    fn keep(&mut self, end: End, indexed: Option<Result<Pair, Error>>, ahead: Option<Change<'a>>) {
        match end {
            End::Front => {
                self.index.front = indexed.or_else(|| self.index.front.take());
                self.ahead.front = ahead.or_else(|| self.ahead.front.take());
            }
            End::Back => {
                self.index.back = indexed.or_else(|| self.index.back.take());
                self.ahead.back = ahead.or_else(|| self.ahead.back.take());
            }
        }
    }
}

impl<I: DoubleEndedIterator<Item = Result<Pair, Error>>> Iterator for Merged<'_, I> {
    type Item = Result<Pair, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step(End::Front)
    }
}

impl<I: DoubleEndedIterator<Item = Result<Pair, Error>>> DoubleEndedIterator for Merged<'_, I> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(End::Back)
    }
}
