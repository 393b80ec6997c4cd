//! Reading the journal from its start, and telling a torn end (a crash during an append: cut) from
//! damage in the middle (refused, for something acknowledged would be lost).

use std::fs::File;
use std::io::{BufReader, ErrorKind as IoErrorKind, Read};
use std::path::Path;

use super::frame::{self, FILE_HEADER_BYTES, FrameKind, HEADER_BYTES, Header};
use crate::error::Error;

/// One valid frame.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: FrameKind,
    pub(crate) seq: u64,
    pub(crate) payload: Vec<u8>,
    /// Where it begins in the file.
    pub(crate) offset: u64,
}

/// What a scan found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scan {
    /// Where the last valid frame ends.
    pub(crate) end: u64,
    /// How many bytes of an unfinished frame follow.
    pub(crate) torn_bytes: u64,
    /// The number of the last record, 0 when there is none.
    pub(crate) last_seq: u64,
    /// The number at which the snapshot was taken, when the journal begins with one.
    pub(crate) snapshot_seq: Option<u64>,
}

/// Where the reader stands in the order that frames must have.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    Start,
    Snapshot(u64),
    Mutations(u64),
}

/// What is at the reader's place.
enum Found {
    Frame(Header, Vec<u8>),
    End,
    /// The file ends within a frame, whose header may be there.
    Short(Option<Header>),
    /// A header or payload that is wrong; a later frame could begin after `skip` bytes.
    Damaged {
        header: Option<Header>,
        skip: u64,
    },
}

pub(super) fn scan(
    path: &Path,
    mut visit: impl FnMut(Frame) -> Result<(), Error>,
) -> Result<Scan, Error> {
    let failed = |e| Error::io("read the journal", path, e);
    let file = File::open(path).map_err(failed)?;
    let file_bytes = file.metadata().map_err(failed)?.len();
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let mut header = [0; FILE_HEADER_BYTES];
    match reader.read_exact(&mut header) {
        Ok(()) => frame::check_file_header(&header).map_err(|e| e.at(path.display()))?,
        Err(e) if e.kind() == IoErrorKind::UnexpectedEof => {
            return Err(damaged(path, 0, "the file ends within its header"));
        }
        Err(e) => return Err(failed(e)),
    }

    let mut scan = Scan {
        end: FILE_HEADER_BYTES as u64,
        ..Scan::default()
    };
    let mut order = Order::Start;
    loop {
        match next(&mut reader, file_bytes - scan.end).map_err(failed)? {
            Found::Frame(header, payload) => {
                let offset = scan.end;
                let Some(kind) = header.kind() else {
                    return Err(damaged(
                        path,
                        offset,
                        &format!("unknown frame kind {}", header.kind),
                    ));
                };
                order =
                    follow(order, kind, header.seq).map_err(|why| damaged(path, offset, &why))?;
                if kind == FrameKind::SnapshotEnd {
                    scan.snapshot_seq = Some(header.seq);
                }
                scan.last_seq = header.seq;
                scan.end += (HEADER_BYTES + payload.len()) as u64;
                visit(Frame {
                    kind,
                    seq: header.seq,
                    payload,
                    offset,
                })?;
            }
            Found::End => break,
            Found::Short(header) => {
                refuse_snapshot(path, &scan, header)?;
                scan.torn_bytes = file_bytes - scan.end;
                break;
            }
            Found::Damaged { header, skip } => {
                refuse_snapshot(path, &scan, header)?;
                refuse_if_frames_follow(path, &scan, skip)?;
                scan.torn_bytes = file_bytes - scan.end;
                break;
            }
        }
    }
    if matches!(order, Order::Snapshot(_)) {
        return Err(damaged(path, scan.end, "the snapshot is not complete"));
    }
    Ok(scan)
}

/// Reads the next frame of a file of which `left` bytes remain.
fn next(reader: &mut impl Read, left: u64) -> std::io::Result<Found> {
    if left == 0 {
        return Ok(Found::End);
    }
    if left < HEADER_BYTES as u64 {
        return Ok(Found::Short(None));
    }
    let mut bytes = [0; HEADER_BYTES];
    reader.read_exact(&mut bytes)?;
    let Some(header) = frame::header(&bytes) else {
        return Ok(Found::Damaged {
            header: None,
            skip: 1,
        });
    };
    if header.payload_bytes as u64 > left - HEADER_BYTES as u64 {
        return Ok(Found::Short(Some(header)));
    }
    let mut payload = vec![0; header.payload_bytes];
    reader.read_exact(&mut payload)?;
    if crc32c::crc32c(&payload) == header.payload_crc {
        Ok(Found::Frame(header, payload))
    } else {
        Ok(Found::Damaged {
            header: Some(header),
            skip: (HEADER_BYTES + header.payload_bytes) as u64,
        })
    }
}

/// The order after a frame, or what is wrong with its coming here.
fn follow(order: Order, kind: FrameKind, seq: u64) -> Result<Order, String> {
    match (order, kind) {
        (Order::Start, FrameKind::Mutation) if seq == 1 => Ok(Order::Mutations(seq)),
        (Order::Start, FrameKind::SnapshotPart) => Ok(Order::Snapshot(seq)),
        (Order::Start, FrameKind::SnapshotEnd) => Ok(Order::Mutations(seq)),
        (Order::Snapshot(at), FrameKind::SnapshotPart) if seq == at => Ok(order),
        (Order::Snapshot(at), FrameKind::SnapshotEnd) if seq == at => Ok(Order::Mutations(seq)),
        (Order::Mutations(last), FrameKind::Mutation) if seq == last + 1 => {
            Ok(Order::Mutations(seq))
        }
        _ => Err(format!(
            "a frame of kind {kind:?} and number {seq} is out of order"
        )),
    }
}

/// A snapshot is synced before its file gets the journal's name, so no crash leaves it torn.
fn refuse_snapshot(path: &Path, scan: &Scan, header: Option<Header>) -> Result<(), Error> {
    match header.and_then(|header| header.kind()) {
        Some(FrameKind::SnapshotPart | FrameKind::SnapshotEnd) => {
            Err(damaged(path, scan.end, "the snapshot is not complete"))
        }
        _ => Ok(()),
    }
}

/// Looks for a whole frame behind the damage at `scan.end`.
fn refuse_if_frames_follow(path: &Path, scan: &Scan, skip: u64) -> Result<(), Error> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("read the journal", path, e))?;
    let from = usize::try_from(scan.end + skip).unwrap_or(usize::MAX);
    let mut rest = bytes.get(from..).unwrap_or_default();
    while let Some((bytes, _)) = rest.split_first_chunk::<HEADER_BYTES>() {
        if let Some(header) = frame::header(bytes)
            && header.seq > scan.last_seq
            && let Some(payload) = rest.get(HEADER_BYTES..HEADER_BYTES + header.payload_bytes)
            && crc32c::crc32c(payload) == header.payload_crc
        {
            let why = format!(
                "a damaged record, before record {} which is whole",
                header.seq
            );
            return Err(damaged(path, scan.end, &why));
        }
        rest = &rest[1..];
    }
    Ok(())
}

fn damaged(path: &Path, offset: u64, why: &str) -> Error {
    Error::corrupt(format!(
        "the journal {} is damaged at byte {offset}: {why}; restore it from a backup",
        path.display()
    ))
}
