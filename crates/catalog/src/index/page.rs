//! The bytes of a page of the index: some records that follow each other in the order of their keys,
//! behind a directory of their keys and lengths. Each record keeps its own envelope, so that damage
//! in one harms that one; the directory has a checksum of its own, and without it the page is lost.
//!
//! Format, little-endian: `layout u8 · directory_bytes u32 · crc32c(directory) u32 · directory ·
//! values`; the directory is `count` and for each record `shared`, `suffix_bytes`, `value_bytes`
//! (varints) and the suffix: the key is what it shares with the key before it, and the suffix.

use bytes::{Buf, Bytes};
use prost::encoding::{decode_varint, encode_varint};

use super::Pair;
use crate::error::Error;

const LAYOUT: u8 = 1;
const HEADER_BYTES: usize = 9;
/// About what a record costs besides its value and what its key does not share.
const ENTRY_BYTES: usize = 4;

/// How much a record takes in a page behind the one of key `before`.
pub(super) fn cost(before: &str, (key, value): &Pair) -> usize {
    key.len() - shared(before, key) + value.len() + ENTRY_BYTES
}

/// How many bytes the two begin with alike; never within a character of `key`.
fn shared(before: &str, key: &str) -> usize {
    let same = before
        .bytes()
        .zip(key.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    key.floor_char_boundary(same)
}

/// The page of these records, which are in the order of their keys.
pub(super) fn encode(pairs: &[Pair]) -> Vec<u8> {
    let mut directory = Vec::new();
    let mut values = 0;
    let mut before = "";
    encode_varint(pairs.len() as u64, &mut directory);
    for (key, value) in pairs {
        let same = shared(before, key);
        let suffix = key.as_bytes().get(same..).unwrap_or_default();
        for number in [same, suffix.len(), value.len()] {
            encode_varint(number as u64, &mut directory);
        }
        directory.extend_from_slice(suffix);
        values += value.len();
        before = key;
    }
    let mut bytes = Vec::with_capacity(HEADER_BYTES + directory.len() + values);
    bytes.push(LAYOUT);
    // A directory has less than the changes of one journal frame, which are fewer than 2^28 bytes.
    let length = u32::try_from(directory.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&directory).to_le_bytes());
    bytes.extend_from_slice(&directory);
    for (_, value) in pairs {
        bytes.extend_from_slice(value);
    }
    bytes
}

/// Gives each key with the bytes of its value, in order, until `visit` gives `false`.
fn each<'p>(
    page: &'p [u8],
    mut visit: impl FnMut(&[u8], &'p [u8]) -> Result<bool, Error>,
) -> Result<(), Error> {
    let wrong = || Error::corrupt("a page of the index whose directory is damaged");
    let (mut directory, mut values) = parts(page).ok_or_else(wrong)?;
    let number = |directory: &mut &[u8]| {
        decode_varint(directory)
            .ok()
            .and_then(|number| usize::try_from(number).ok())
            .ok_or_else(wrong)
    };
    let count = number(&mut directory)?;
    let mut key = Vec::new();
    for _ in 0..count {
        let same = number(&mut directory)?;
        let suffix_bytes = number(&mut directory)?;
        let value_bytes = number(&mut directory)?;
        let suffix = directory.get(..suffix_bytes).ok_or_else(wrong)?;
        if same > key.len() {
            return Err(wrong());
        }
        key.truncate(same);
        key.extend_from_slice(suffix);
        directory.advance(suffix_bytes);
        let (value, rest) = values.split_at_checked(value_bytes).ok_or_else(wrong)?;
        values = rest;
        if !visit(&key, value)? {
            return Ok(());
        }
    }
    Ok(())
}

/// The directory, if it is what was written, and the values.
fn parts(page: &[u8]) -> Option<(&[u8], &[u8])> {
    let (header, rest) = page.split_first_chunk::<HEADER_BYTES>()?;
    let [layout, l0, l1, l2, l3, c0, c1, c2, c3] = *header;
    let length = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).ok()?;
    let (directory, values) = rest.split_at_checked(length)?;
    let is_whole =
        layout == LAYOUT && crc32c::crc32c(directory) == u32::from_le_bytes([c0, c1, c2, c3]);
    is_whole.then_some((directory, values))
}

/// The value of a key.
pub(super) fn find(page: &[u8], key: &str) -> Result<Option<Bytes>, Error> {
    let mut found = None;
    each(page, |other, value| {
        if other == key.as_bytes() {
            found = Some(Bytes::copy_from_slice(value));
        }
        Ok(other < key.as_bytes())
    })?;
    Ok(found)
}

/// All records of a page.
pub(super) fn decode(page: &[u8]) -> Result<Vec<Pair>, Error> {
    let mut pairs = Vec::new();
    each(page, |key, value| {
        let key = String::from_utf8(key.to_vec()).map_err(|source| {
            Error::corrupt("a key of the index is not UTF-8").with_source(source)
        })?;
        pairs.push((key, Bytes::copy_from_slice(value)));
        Ok(true)
    })?;
    Ok(pairs)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(pairs in btree_map("[a-cé/]{0,6}", vec(any::<u8>(), 0..40), 0..40)) {
            let pairs: Vec<Pair> = pairs
                .into_iter()
                .map(|(key, value)| (key, value.into()))
                .collect();
            let page = encode(&pairs);
            prop_assert_eq!(&decode(&page).unwrap(), &pairs);
            for (key, value) in &pairs {
                prop_assert_eq!(find(&page, key).unwrap(), Some(value.clone()));
                let other = format!("{key}\0");
                prop_assert_eq!(find(&page, &other).unwrap(), None);
            }
        }

        #[test]
        fn no_bytes_stop_it(mut bytes in vec(any::<u8>(), 0..200), mends in any::<bool>()) {
            if mends && let Some((_, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() {
                // As if the directory were whole, so that what is in it is looked at.
                let checksum = crc32c::crc32c(rest).to_le_bytes();
                let length = u32::try_from(rest.len()).unwrap().to_le_bytes();
                let header = [&[LAYOUT][..], &length, &checksum].concat();
                bytes[..HEADER_BYTES].copy_from_slice(&header);
            }
            let _ = decode(&bytes);
            let _ = find(&bytes, "a");
        }
    }

    #[test]
    fn damage_of_a_value_harms_that_record_alone() {
        let pairs: Vec<Pair> = ["a/1", "a/2", "a/3"]
            .map(|key| (key.to_owned(), Bytes::from(key.repeat(5))))
            .into();
        let page = encode(&pairs);
        let values = pairs.iter().map(|(_, value)| value.len()).sum::<usize>();
        let first = page.len() - values;
        for at in first..page.len() {
            let mut damaged = page.clone();
            damaged[at] ^= 1;
            let read = decode(&damaged).unwrap();
            let wrong = read.iter().zip(&pairs).filter(|(a, b)| a != b).count();
            assert_eq!(wrong, 1, "byte {at}");
        }
        for at in 0..first {
            let mut damaged = page.clone();
            damaged[at] ^= 1;
            decode(&damaged).unwrap_err();
        }
    }
}
