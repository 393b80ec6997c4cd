//! Changes laid over what is below them: those that are decided over the index, and those that the
//! index keeps in memory over its pages.

use bytes::Bytes;

use super::Pair;
use crate::error::Error;

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

/// A changed key, and its new value; `None` where it is deleted.
pub(crate) type Changed = (String, Option<Bytes>);

/// Two ordered sequences as one, where a change stands in for the index's pair of the same key.
pub(crate) struct Merged<I, A> {
    index: Ends<Result<Pair, Error>, I>,
    ahead: Ends<Changed, A>,
}

impl<I, A> Merged<I, A> {
    /// Lays the changes `ahead` over what `index` gives, both in the order of their keys.
    pub(crate) fn new(index: I, ahead: A) -> Merged<I, A> {
        Merged {
            index: Ends::new(index),
            ahead: Ends::new(ahead),
        }
    }
}

/// The end from which a step is taken.
#[derive(Clone, Copy, Eq, PartialEq)]
enum End {
    Front,
    Back,
}

impl<I, A> Merged<I, A>
where
    I: DoubleEndedIterator<Item = Result<Pair, Error>>,
    A: DoubleEndedIterator<Item = Changed>,
{
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
                let order = indexed.0.cmp(&ahead.0);
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
            // A deleted key is passed over.
            if let (key, Some(value)) = ahead {
                return Some(Ok((key, value)));
            }
        }
    }

    /// Puts back what was looked at and not taken.
    fn keep(&mut self, end: End, indexed: Option<Result<Pair, Error>>, ahead: Option<Changed>) {
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

impl<I, A> Iterator for Merged<I, A>
where
    I: DoubleEndedIterator<Item = Result<Pair, Error>>,
    A: DoubleEndedIterator<Item = Changed>,
{
    type Item = Result<Pair, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step(End::Front)
    }
}

impl<I, A> DoubleEndedIterator for Merged<I, A>
where
    I: DoubleEndedIterator<Item = Result<Pair, Error>>,
    A: DoubleEndedIterator<Item = Changed>,
{
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(End::Back)
    }
}
