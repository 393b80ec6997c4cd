//! The bytes of the journal's file header and of one frame.
//! A frame's header has its own checksum, so that its length can be trusted before its payload is.

use crate::error::{Error, ErrorKind};

pub(super) const FILE_HEADER_BYTES: usize = 16;
const FILE_MAGIC: [u8; 8] = *b"SDJRNL\r\n";
/// The layout of the file and its frames. Format 1 had no place in a batch; its bytes there are zeros.
const FILE_FORMAT: u32 = 2;

pub(super) const HEADER_BYTES: usize = 28;
pub(super) const MAGIC: [u8; 4] = *b"SDJF";

/// The largest payload of a frame: larger mutations are refused before they are written.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 256 << 20;

/// What a frame holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FrameKind {
    /// One mutation.
    Mutation = 1,
    /// Some of the live keys, at the start of a compacted journal.
    SnapshotPart = 2,
    /// The end of the live keys.
    SnapshotEnd = 3,
}

/// What a valid frame header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) kind: u8,
    pub(super) seq: u64,
    /// How many frames of the same batch come before it. A batch is written and synced at once.
    pub(super) in_batch: u32,
    pub(super) payload_bytes: usize,
    pub(super) payload_crc: u32,
    /// The header's own checksum, which vouches for the payload's, too.
    pub(super) checksum: u32,
}

impl Header {
    pub(super) fn kind(&self) -> Option<FrameKind> {
        match self.kind {
            1 => Some(FrameKind::Mutation),
            2 => Some(FrameKind::SnapshotPart),
            3 => Some(FrameKind::SnapshotEnd),
            _ => None,
        }
    }
}

pub(super) fn file_header() -> Vec<u8> {
    let mut bytes = FILE_MAGIC.to_vec();
    bytes.extend_from_slice(&FILE_FORMAT.to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

/// Checks the file header; the error lacks the file's name.
pub(super) fn check_file_header(bytes: &[u8; FILE_HEADER_BYTES]) -> Result<(), Error> {
    let [.., f0, f1, f2, f3, c0, c1, c2, c3] = *bytes;
    let checksum = u32::from_le_bytes([c0, c1, c2, c3]);
    if !bytes.starts_with(&FILE_MAGIC)
        || crc32c::crc32c(&bytes[..FILE_HEADER_BYTES - 4]) != checksum
    {
        return Err(Error::corrupt("the file header is not that of a journal"));
    }
    match u32::from_le_bytes([f0, f1, f2, f3]) {
        1..=FILE_FORMAT => Ok(()),
        format => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the journal has format {format}; this program reads formats 1 to {FILE_FORMAT}: use a newer one"
            ),
        )),
    }
}

/// The largest number of frames in a batch.
pub(crate) const BATCH_FRAMES_MAX: usize = 1 << 16;

/// Appends the bytes of a frame to `bytes`; gives the checksum of its header.
pub(super) fn encode(
    bytes: &mut Vec<u8>,
    kind: FrameKind,
    seq: u64,
    in_batch: u32,
    payload: &[u8],
) -> Result<u32, Error> {
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(Error::invalid(format!(
            "a change of {} bytes; one change has at most {PAYLOAD_BYTES_MAX}",
            payload.len()
        )));
    }
    Ok(encode_any(bytes, kind as u8, seq, in_batch, payload))
}

/// As [`encode`], of any kind, for tests, too. The payload's length must fit into 32 bits.
pub(super) fn encode_any(
    bytes: &mut Vec<u8>,
    kind: u8,
    seq: u64,
    in_batch: u32,
    payload: &[u8],
) -> u32 {
    let start = bytes.len();
    let [b0, b1, b2, _] = in_batch.to_le_bytes();
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&[kind, b0, b1, b2]);
    bytes.extend_from_slice(&seq.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(payload).to_le_bytes());
    let checksum = crc32c::crc32c(bytes.get(start..).unwrap_or_default());
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes.extend_from_slice(payload);
    checksum
}

/// Reads a frame header; `None` when it is not a valid one.
pub(super) fn header(bytes: &[u8; HEADER_BYTES]) -> Option<Header> {
    let [
        m0,
        m1,
        m2,
        m3,
        kind,
        b0,
        b1,
        b2,
        seq @ ..,
        l0,
        l1,
        l2,
        l3,
        p0,
        p1,
        p2,
        p3,
        h0,
        h1,
        h2,
        h3,
    ] = *bytes;
    let valid = [m0, m1, m2, m3] == MAGIC
        && crc32c::crc32c(&bytes[..HEADER_BYTES - 4]) == u32::from_le_bytes([h0, h1, h2, h3]);
    valid.then(|| Header {
        kind,
        seq: u64::from_le_bytes(seq),
        in_batch: u32::from_le_bytes([b0, b1, b2, 0]),
        payload_bytes: u32::from_le_bytes([l0, l1, l2, l3]) as usize,
        payload_crc: u32::from_le_bytes([p0, p1, p2, p3]),
        checksum: u32::from_le_bytes([h0, h1, h2, h3]),
    })
}
