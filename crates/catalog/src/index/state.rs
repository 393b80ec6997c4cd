//! What the index says of itself: which journal record it has reached, where that is, and a summary
//! of all it holds, which shows pages that were lost or went back in time.

use bytes::Bytes;
use prost::Message;

use crate::journal::Place;

/// Stored with each change, all or nothing.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct State {
    /// The last record that was applied.
    #[prost(uint64, tag = "1")]
    pub(crate) applied_seq: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) keys: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) bytes: u64,
    #[prost(fixed64, tag = "4")]
    pub(crate) digest: u64,
    /// Where that record's frame begins in the journal.
    #[prost(uint64, tag = "5")]
    pub(crate) journal_offset: u64,
    /// The checksum of that frame's header.
    #[prost(fixed32, tag = "6")]
    pub(crate) journal_checksum: u32,
    /// 1 since the two fields above are there, 2 since records lie in pages.
    #[prost(uint32, tag = "7")]
    pub(crate) layout: u32,
}

/// The layout that is written; an index of another one is made anew.
const LAYOUT: u32 = 2;

impl State {
    /// Of no keys.
    pub(crate) fn at(place: Place) -> State {
        State::default().moved(place)
    }

    pub(crate) fn moved(&self, place: Place) -> State {
        State {
            applied_seq: place.seq,
            journal_offset: place.offset,
            journal_checksum: place.checksum,
            layout: LAYOUT,
            ..*self
        }
    }

    pub(crate) fn is_of_this_layout(&self) -> bool {
        self.layout == LAYOUT
    }

    /// The last record that was applied.
    pub(crate) fn place(&self) -> Place {
        Place {
            seq: self.applied_seq,
            offset: self.journal_offset,
            checksum: self.journal_checksum,
        }
    }

    /// Whether it says the same of what the index holds.
    pub(crate) fn holds_as(&self, other: &State) -> bool {
        (self.keys, self.bytes, self.digest) == (other.keys, other.bytes, other.digest)
    }

    /// What is wrong when the index holds `found` instead.
    pub(crate) fn difference(&self, found: &State) -> String {
        format!(
            "the index holds {} keys of {} bytes where its state says {} keys of {} bytes, or other values",
            found.keys, found.bytes, self.keys, self.bytes
        )
    }

    /// A key has another value, or none.
    pub(crate) fn replace(&mut self, key: &str, old: Option<&Bytes>, new: Option<&Bytes>) {
        if let Some(old) = old {
            self.remove(key.as_bytes(), old);
        }
        if let Some(new) = new {
            self.add(key.as_bytes(), new);
        }
    }

    pub(crate) fn add(&mut self, key: &[u8], value: &[u8]) {
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
