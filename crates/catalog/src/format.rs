//! The stored form of a record: an envelope that names its kind and format and carries a checksum,
//! around a protobuf message. docs/catalog-format.md is the description; the bytes are frozen by tests.

mod audit;
mod capabilities;
mod directory;
mod export;
mod identity;
mod loaded_file;
mod mutation;
mod request;
mod secret;
mod stage;
mod table;
mod table_credentials;
mod table_keys;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use export::{Keyed, Manifest};
pub(crate) use mutation::{MutationMessage, OperationMessage, SnapshotEndMessage};
pub(crate) use table::StoredTable;

use prost::Message;

use crate::error::{Error, ErrorKind};

const MAGIC: [u8; 4] = *b"SDCR";
const HEADER_BYTES: usize = 16;

/// The format that is written. Every format up to it is read; a higher one is refused, so an old
/// program never rewrites a new record and loses the fields that it does not know.
pub(crate) const FORMAT: u16 = 10;

/// A record that has a stored form.
pub(crate) trait Stored: Sized {
    /// The number of the kind in the envelope; never used again for another.
    const KIND: u16;
    /// What the kind is called in messages.
    const WHAT: &'static str;
    /// The protobuf message.
    type Message: Message + Default;

    fn to_message(&self) -> Self::Message;
    fn from_message(message: Self::Message) -> Result<Self, Error>;
}

/// The envelope and message of a record.
pub(crate) fn encode<R: Stored>(record: &R) -> Vec<u8> {
    seal(R::KIND, &record.to_message().encode_to_vec())
}

/// The record in an envelope; an error says what is wrong with the bytes.
pub(crate) fn decode<R: Stored>(bytes: &[u8]) -> Result<R, Error> {
    let (kind, payload) = unseal(bytes)?;
    if kind != R::KIND {
        return Err(Error::corrupt(format!(
            "a record of kind {kind} where {} (kind {}) belongs",
            R::WHAT,
            R::KIND
        )));
    }
    let message = R::Message::decode(payload).map_err(|source| {
        Error::corrupt(format!("{} that does not decode: {source}", R::WHAT)).with_source(source)
    })?;
    R::from_message(message)
}

/// Checks an envelope without decoding its message.
pub(crate) fn check(bytes: &[u8]) -> Result<(), Error> {
    unseal(bytes).map(|_| ())
}

/// The envelope of a message.
pub(crate) fn seal(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&kind.to_le_bytes());
    // A payload is bounded far below this by the journal's limit; a longer one fails the length check.
    bytes.extend_from_slice(
        &u32::try_from(payload.len())
            .unwrap_or(u32::MAX)
            .to_le_bytes(),
    );
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes), payload);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

fn unseal(bytes: &[u8]) -> Result<(u16, &[u8]), Error> {
    let Some((header, payload)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return Err(Error::corrupt(format!(
            "a record of {} bytes, an envelope has at least {HEADER_BYTES}",
            bytes.len()
        )));
    };
    let [
        m0,
        m1,
        m2,
        m3,
        f0,
        f1,
        k0,
        k1,
        l0,
        l1,
        l2,
        l3,
        c0,
        c1,
        c2,
        c3,
    ] = *header;
    if [m0, m1, m2, m3] != MAGIC {
        return Err(Error::corrupt("a record without the mark of an envelope"));
    }
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&header[..HEADER_BYTES - 4]), payload);
    let length_is = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])) == Ok(payload.len());
    if !length_is || checksum != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Err(Error::corrupt("a record whose length or checksum is wrong"));
    }
    let format = u16::from_le_bytes([f0, f1]);
    match format {
        1..=FORMAT => Ok((u16::from_le_bytes([k0, k1]), payload)),
        0 => Err(Error::corrupt("a record of format 0, which never was")),
        _ => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "a record of format {format}; this program reads formats 1 to {FORMAT}: use a newer one"
            ),
        )),
    }
}

/// The presence of a key is all it says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Mark;

impl Stored for Mark {
    const KIND: u16 = 2;
    const WHAT: &'static str = "a mark";
    type Message = ();

    fn to_message(&self) {}

    fn from_message((): ()) -> Result<Mark, Error> {
        Ok(Mark)
    }
}

/// The last id given out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Counter(pub(crate) u64);

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CounterMessage {
    #[prost(uint64, tag = "1")]
    last: u64,
}

impl Stored for Counter {
    const KIND: u16 = 3;
    const WHAT: &'static str = "a counter";
    type Message = CounterMessage;

    fn to_message(&self) -> CounterMessage {
        CounterMessage { last: self.0 }
    }

    fn from_message(message: CounterMessage) -> Result<Counter, Error> {
        Ok(Counter(message.last))
    }
}
