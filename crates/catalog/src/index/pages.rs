//! The pages in sled: under the least key that a page may have, the page (`index/page.rs`). The only
//! file besides `index/opening.rs` that names sled. So sled has a few large entries, where it takes
//! as long for a small one; the records themselves know nothing of it.

use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{iter, vec};

use bytes::Bytes;

use super::{Closing, Pair, page};
use crate::error::{Error, ErrorKind};

/// Before the first key of a record; what is before it is the index's own.
pub(super) const FIRST_KEY: &[u8] = b"\x01";

/// A key whose value changes, and the new one; `None` deletes it.
pub(super) type Change<'c> = (&'c str, Option<&'c Bytes>);

/// Pages that are not written yet.
pub(super) struct ChangedPages(sled::Batch);

/// The pages.
#[derive(Debug)]
pub(super) struct Pages {
    db: Closing,
    /// About how much a page has at most, unless one record has more.
    page_bytes: usize,
    /// How many pages were read.
    reads: AtomicUsize,
    /// How often pages were written, and how often sled was made to hand them to the disk.
    #[cfg(test)]
    pub(super) writes: AtomicUsize,
    #[cfg(test)]
    pub(super) flushes: AtomicUsize,
}

/// After so many pages read, sled is made to look at what it keeps of them.
const READS: usize = 1 << 14;
/// How many pages are walked over then, and how often.
const WALK: (usize, usize) = (4_096, 64);

impl Pages {
    pub(super) fn new(db: Closing, page_bytes: usize) -> Pages {
        Pages {
            db,
            page_bytes,
            reads: AtomicUsize::new(0),
            #[cfg(test)]
            writes: AtomicUsize::new(0),
            #[cfg(test)]
            flushes: AtomicUsize::new(0),
        }
    }

    /// Counts a page that was read, and keeps sled's cache within its size. sled 0.34 looks at a part
    /// of its cache only when that part was asked for a node 64 times, and there are 256 parts: whoever
    /// reads all there is would have 16,384 nodes in memory, whatever the size of the cache. So what
    /// was just read, which is in memory, is walked over until every part has been asked.
    fn was_read(&self, key: &[u8]) {
        if self.reads.fetch_add(1, Ordering::Relaxed) % READS != READS - 1 {
            return;
        }
        let (pages, times) = WALK;
        for _ in 0..times {
            // What cannot be read is told where it is wanted.
            let _ = guarded("read", "its pages", || {
                Ok(self.db.range(..=key).rev().take(pages).count())
            });
        }
    }

    /// What is stored under a key of the index's own.
    pub(super) fn own(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        let value = guarded("read", "its state", || self.db.get(key))?;
        Ok(value.map(|value| Bytes::copy_from_slice(&value)))
    }

    /// The page that has a key, if any has, under its own.
    fn page_of(&self, key: &str) -> Result<Option<(sled::IVec, sled::IVec)>, Error> {
        let range = (Bound::Included(FIRST_KEY), Bound::Included(key.as_bytes()));
        let page = guarded("read", key, || {
            self.db.range::<&[u8], _>(range).next_back().transpose()
        });
        self.was_read(key.as_bytes());
        page
    }

    /// The key of the page behind the one of `key`.
    fn page_behind(&self, key: &[u8]) -> Result<Option<sled::IVec>, Error> {
        let range = (Bound::Excluded(key), Bound::Unbounded);
        let next = guarded("read", &String::from_utf8_lossy(key), || {
            self.db.range::<&[u8], _>(range).next().transpose()
        })?;
        Ok(next.map(|(key, _)| key))
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        match self.page_of(key)? {
            Some((_, bytes)) => page::find(&bytes, key).map_err(|e| e.at(key)),
            None => Ok(None),
        }
    }

    /// The pairs from the key `from` to before the key `to`, in order, from either end.
    pub(super) fn range(&self, from: Vec<u8>, to: Option<Vec<u8>>) -> Records<'_> {
        let mut records = Records {
            of: self,
            pages: None,
            front: Vec::new().into_iter(),
            back: Vec::new().into_iter(),
            failure: None,
            from,
            to,
        };
        if records.to.as_ref().is_some_and(|to| *to <= records.from) {
            return records;
        }
        let place = String::from_utf8_lossy(&records.from).into_owned();
        match self.page_of(&place) {
            Ok(first) => {
                let first = first.map_or_else(|| FIRST_KEY.to_vec(), |(key, _)| key.to_vec());
                records.pages = Some(match &records.to {
                    Some(to) => self.db.range(first..to.clone()),
                    None => self.db.range(first..),
                });
            }
            Err(e) => records.failure = Some(e),
        }
        records
    }

    /// The pages as they are with these changes, which come in the order of their keys. `replaced` is
    /// told of every change and the value that the key had.
    pub(super) fn changed<'c>(
        &self,
        changes: impl Iterator<Item = Change<'c>>,
        mut replaced: impl FnMut(Change<'c>, Option<&Bytes>),
    ) -> Result<ChangedPages, Error> {
        let mut batch = sled::Batch::default();
        let mut changes = changes.peekable();
        while let Some(&(first, _)) = changes.peek() {
            let (fence, before) = match self.page_of(first)? {
                Some((key, bytes)) => (Some(key), page::decode(&bytes).map_err(|e| e.at(first))?),
                None => (None, Vec::new()),
            };
            let start: &[u8] = fence.as_ref().map_or(first.as_bytes(), |fence| fence);
            let end = self.page_behind(start)?;
            let belongs = |key: &str| end.as_ref().is_none_or(|end| key.as_bytes() < &**end);
            let of_page = iter::from_fn(|| changes.next_if(|(key, _)| belongs(key)));
            let last = before.last().map(|(key, _)| key.clone());
            let after = merge(before, of_page, &mut replaced);
            if let Some(fence) = &fence {
                batch.remove(fence);
            }
            for records in self.cut(&after, last.as_deref()) {
                // Only the least key of a page may have moved, and its page with it.
                if let Some((key, _)) = records.first() {
                    batch.insert(key.as_bytes(), page::encode(records));
                }
            }
        }
        Ok(ChangedPages(batch))
    }

    /// Writes changed pages, with the value of a key of the index's own, all or nothing.
    pub(super) fn write(
        &self,
        pages: ChangedPages,
        own: Option<(&[u8], Vec<u8>)>,
    ) -> Result<(), Error> {
        let ChangedPages(mut batch) = pages;
        if let Some((key, value)) = own {
            batch.insert(key, value);
        }
        #[cfg(test)]
        self.writes.fetch_add(1, Ordering::Relaxed);
        guarded("write", "a change", || self.db.apply_batch(batch))
    }

    /// Cuts the records of a page into as many as they need, evenly; but where some are new behind
    /// `last`, as with what is only ever appended, the pages before are filled.
    fn cut<'r>(&self, records: &'r [Pair], last: Option<&str>) -> Vec<&'r [Pair]> {
        let costs = || {
            let befores = iter::once("").chain(records.iter().map(|(key, _)| key.as_str()));
            befores
                .zip(records)
                .map(|(before, pair)| page::cost(before, pair))
        };
        let all: usize = costs().sum();
        let pages = all.div_ceil(self.page_bytes).max(1);
        let even = all.div_ceil(pages);
        let is_append = records.last().map(|(key, _)| key.as_str()) > last;
        let mut cut = Vec::with_capacity(pages);
        let (mut start, mut filled) = (0, 0);
        for (at, cost) in costs().enumerate() {
            let is_full = match is_append {
                true => filled + cost > self.page_bytes,
                // A record that has more than a page is alone in one.
                false => filled >= even || cost > self.page_bytes,
            };
            if filled > 0 && is_full {
                cut.extend(records.get(start..at));
                (start, filled) = (at, 0);
            }
            filled += cost;
        }
        cut.extend(records.get(start..).filter(|rest| !rest.is_empty()));
        cut
    }

    /// How many pages begin between two keys.
    #[cfg(test)]
    pub(super) fn count_in(&self, from: &str, to: &str) -> usize {
        self.db.range(from..to).count()
    }

    /// Hands all to the disk.
    pub(super) fn flush(&self) -> Result<(), Error> {
        #[cfg(test)]
        self.flushes.fetch_add(1, Ordering::Relaxed);
        guarded("write", "its pages", || self.db.flush()).map(|_| ())
    }
}

/// Lays the changes over the records; both are in the order of their keys.
fn merge<'c>(
    before: Vec<Pair>,
    changes: impl Iterator<Item = Change<'c>>,
    replaced: &mut impl FnMut(Change<'c>, Option<&Bytes>),
) -> Vec<Pair> {
    let mut after = Vec::with_capacity(before.len());
    let mut before = before.into_iter().peekable();
    for change in changes {
        let (key, value) = change;
        after.extend(iter::from_fn(|| {
            before.next_if(|(old, _)| old.as_str() < key)
        }));
        let old = before.next_if(|(old, _)| old == key);
        replaced(change, old.as_ref().map(|(_, value)| value));
        after.extend(value.map(|value| (key.to_owned(), value.clone())));
    }
    after.extend(before);
    after
}

/// The records of a range of pages.
pub(super) struct Records<'p> {
    of: &'p Pages,
    pages: Option<sled::Iter>,
    front: vec::IntoIter<Pair>,
    back: vec::IntoIter<Pair>,
    failure: Option<Error>,
    from: Vec<u8>,
    to: Option<Vec<u8>>,
}

impl Records<'_> {
    /// The next page from an end, with what of it is in the range; `None` when there is none.
    fn page(
        &mut self,
        step: impl FnOnce(&mut sled::Iter) -> Option<sled::Result<(sled::IVec, sled::IVec)>>,
    ) -> Option<Result<vec::IntoIter<Pair>, Error>> {
        if let Some(failure) = self.failure.take() {
            return Some(Err(failure));
        }
        let pages = self.pages.as_mut()?;
        let place = String::from_utf8_lossy(&self.from);
        let (key, bytes) = match guarded("read", &place, || step(pages).transpose()) {
            Ok(page) => page?,
            Err(e) => return Some(Err(e)),
        };
        self.of.was_read(&key);
        let mut records = match page::decode(&bytes) {
            Ok(records) => records,
            Err(e) => return Some(Err(e.at(String::from_utf8_lossy(&key)))),
        };
        let is_in = |key: &str| {
            key.as_bytes() >= &*self.from
                && self.to.as_ref().is_none_or(|to| key.as_bytes() < &**to)
        };
        records.retain(|(key, _)| is_in(key));
        Some(Ok(records.into_iter()))
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Pair, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(pair) = self.front.next() {
                return Some(Ok(pair));
            }
            match self.page(Iterator::next) {
                Some(Ok(records)) => self.front = records,
                Some(Err(e)) => return Some(Err(e)),
                None => return self.back.next().map(Ok),
            }
        }
    }
}

impl DoubleEndedIterator for Records<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(pair) = self.back.next_back() {
                return Some(Ok(pair));
            }
            match self.page(DoubleEndedIterator::next_back) {
                Some(Ok(records)) => self.back = records,
                Some(Err(e)) => return Some(Err(e)),
                None => return self.front.next_back().map(Ok),
            }
        }
    }
}

/// Calls sled. It panics on some damaged files where it could answer an error.
pub(super) fn guarded<T>(
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
