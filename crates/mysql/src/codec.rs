//! Packets: taken out of the bytes of a client and put into the bytes for it, split at 16 MiB and joined again,
//! compressed where both ends speak so.

use std::io::Read;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use flate2::Compression;
use flate2::read::{ZlibDecoder, ZlibEncoder};

use crate::error::ProtocolError;

/// The longest payload of one packet on the wire; a longer one goes on in the next.
pub(crate) const PAYLOAD_MAX: usize = 0xff_ffff;
/// Shorter ones are not worth compressing.
const COMPRESSED_MIN: usize = 64;

/// A packet that has come whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) payload: Bytes,
    /// Of its first part on the wire.
    pub(crate) first: u8,
    /// Of its last.
    pub(crate) last: u8,
}

/// What has come of the client's bytes.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// As they came, while they are compressed.
    raw: BytesMut,
    plain: BytesMut,
    /// Parts of a long packet, and the number of the first.
    joined: BytesMut,
    first: Option<u8>,
    compressed: bool,
    /// The number of the last compressed packet.
    pub(crate) compressed_sequence: u8,
    pub(crate) payload_max: usize,
}

impl Decoder {
    pub(crate) fn new(payload_max: usize) -> Self {
        Self {
            raw: BytesMut::new(),
            plain: BytesMut::new(),
            joined: BytesMut::new(),
            first: None,
            compressed: false,
            compressed_sequence: 0,
            payload_max,
        }
    }

    /// From the next byte on they are compressed.
    pub(crate) fn compressed(&mut self) {
        self.compressed = true;
        self.raw = std::mem::take(&mut self.plain);
    }

    pub(crate) fn is_compressed(&self) -> bool {
        self.compressed
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if self.compressed {
            self.raw.extend_from_slice(bytes);
        } else {
            self.plain.extend_from_slice(bytes);
        }
    }

    /// Whether bytes have come that no packet has taken.
    pub(crate) fn has_unread(&self) -> bool {
        !self.plain.is_empty() || !self.raw.is_empty()
    }

    /// How many bytes are missing to what comes next, a packet or the head of one; at least 1.
    pub(crate) fn missing(&self) -> usize {
        let (have, head) = match self.compressed {
            true => (&self.raw, 7),
            false => (&self.plain, 4),
        };
        let wanted = match have.len() >= head {
            true => head + length(have),
            false => head,
        };
        wanted.saturating_sub(have.len()).max(1)
    }

    /// The next packet, if all of it has come.
    pub(crate) fn next(&mut self) -> Result<Option<Packet>, ProtocolError> {
        loop {
            if let Some(part) = self.next_part()? {
                let (payload, sequence) = part;
                let first = *self.first.get_or_insert(sequence);
                if payload.len() == PAYLOAD_MAX {
                    self.joined.extend_from_slice(&payload);
                    continue;
                }
                self.first = None;
                let payload = match self.joined.is_empty() {
                    true => payload.freeze(),
                    false => {
                        self.joined.extend_from_slice(&payload);
                        std::mem::take(&mut self.joined).freeze()
                    }
                };
                return Ok(Some(Packet {
                    payload,
                    first,
                    last: sequence,
                }));
            }
            if !self.compressed || !self.inflate()? {
                return Ok(None);
            }
        }
    }

    fn next_part(&mut self) -> Result<Option<(BytesMut, u8)>, ProtocolError> {
        let Some(&[_, _, _, sequence]) = self.plain.first_chunk::<4>() else {
            return Ok(None);
        };
        let length = length(&self.plain);
        // Before any of it is waited for.
        if self.joined.len() + length > self.payload_max {
            return Err(ProtocolError::TooLarge {
                max: self.payload_max,
            });
        }
        if self.plain.len() < 4 + length {
            return Ok(None);
        }
        self.plain.advance(4);
        Ok(Some((self.plain.split_to(length), sequence)))
    }

    /// Takes one compressed packet apart. Says whether there was one.
    fn inflate(&mut self) -> Result<bool, ProtocolError> {
        let Some(&[.., sequence, a, b, c]) = self.raw.first_chunk::<7>() else {
            return Ok(false);
        };
        let (length, inflated) = (length(&self.raw), u32::from_le_bytes([a, b, c, 0]) as usize);
        if length.max(inflated) > self.payload_max + 4 {
            return Err(ProtocolError::TooLarge {
                max: self.payload_max,
            });
        }
        if self.raw.len() < 7 + length {
            return Ok(false);
        }
        self.raw.advance(7);
        let packed = self.raw.split_to(length);
        self.compressed_sequence = sequence;
        if inflated == 0 {
            self.plain.extend_from_slice(&packed);
            return Ok(true);
        }
        // No more than it says, whatever is in it.
        let mut decoder = ZlibDecoder::new(&packed[..]).take(inflated as u64);
        let mut out = Vec::with_capacity(inflated);
        match decoder.read_to_end(&mut out) {
            Ok(read) if read == inflated => self.plain.extend_from_slice(&out),
            Ok(_) | Err(_) => {
                return Err(ProtocolError::Malformed(
                    "a compressed packet cannot be decompressed to the length that it says",
                ));
            }
        }
        Ok(true)
    }
}

/// The three bytes that every head begins with.
fn length(head: &[u8]) -> usize {
    match head {
        [a, b, c, ..] => u32::from_le_bytes([*a, *b, *c, 0]) as usize,
        _ => 0,
    }
}

/// Appends a payload as the packets that it takes, numbered from `sequence` on.
pub(crate) fn put_packet(out: &mut BytesMut, sequence: &mut u8, payload: &[u8]) {
    let mut chunks = payload.chunks(PAYLOAD_MAX);
    loop {
        let chunk = chunks.next().unwrap_or_default();
        out.reserve(4 + chunk.len());
        out.put_uint_le(chunk.len() as u64, 3);
        out.put_u8(*sequence);
        out.put_slice(chunk);
        *sequence = sequence.wrapping_add(1);
        // One that is full is followed by another, be it empty.
        if chunk.len() < PAYLOAD_MAX {
            return;
        }
    }
}

/// Packets as compressed ones.
pub(crate) fn compress(plain: &[u8], sequence: &mut u8) -> BytesMut {
    let mut out = BytesMut::with_capacity(plain.len() / 2 + 7);
    for chunk in plain.chunks(PAYLOAD_MAX) {
        let mut packed = Vec::new();
        // Reading from memory does not fail; if it did, the bytes would go as they are.
        let is_smaller = chunk.len() >= COMPRESSED_MIN
            && ZlibEncoder::new(chunk, Compression::fast())
                .read_to_end(&mut packed)
                .is_ok()
            && packed.len() < chunk.len();
        let (body, inflated) = match is_smaller {
            true => (&packed[..], chunk.len()),
            false => (chunk, 0),
        };
        out.reserve(7 + body.len());
        out.put_uint_le(body.len() as u64, 3);
        out.put_u8(*sequence);
        out.put_uint_le(inflated as u64, 3);
        out.put_slice(body);
        *sequence = sequence.wrapping_add(1);
    }
    out
}
