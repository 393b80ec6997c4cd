//! Reading the journal from its start, and telling a torn end (a crash during an append: cut) from
//! damage in the middle (refused, for something acknowledged would be lost).

use std::fs::File;
use std::io::{BufReader, ErrorKind as IoErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use super::frame::{self, FILE_HEADER_BYTES, FrameKind, HEADER_BYTES, Header};
use super::{Place, RESERVE_BYTES};
use crate::error::Error;

/// One valid frame.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: FrameKind,
    pub(crate) payload: Vec<u8>,
    /// Its number, and where it begins in the file.
    pub(crate) place: Place,
}

/// What a scan found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scan {
    /// Where the last valid frame ends.
    pub(crate) end: u64,
    /// How many zeros follow, written ahead for records to come.
    pub(crate) reserved_bytes: u64,
    /// How many bytes of an unfinished append follow, without zeros written ahead.
    pub(crate) torn_bytes: u64,
    /// Whether these have the length of a frame at least, and are none.
    pub(crate) torn_by_damage: bool,
    /// The last record; its number is 0 when there is none.
    pub(crate) last: Place,
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

struct Scanner<'a> {
    path: &'a Path,
    reader: BufReader<File>,
    file_bytes: u64,
    order: Order,
    scan: Scan,
}

pub(super) fn scan(
    path: &Path,
    visit: impl FnMut(Frame) -> Result<(), Error>,
) -> Result<Scan, Error> {
    Scanner::open(path)?.run(visit)
}

/// As [`scan`], of the first `bytes` of a file that is being written to behind them.
pub(super) fn scan_to(
    path: &Path,
    bytes: u64,
    visit: impl FnMut(Frame) -> Result<(), Error>,
) -> Result<Scan, Error> {
    let mut scanner = Scanner::open(path)?;
    scanner.file_bytes = scanner.file_bytes.min(bytes);
    scanner.run(visit)
}

pub(super) fn scan_from(
    path: &Path,
    place: Place,
    visit: impl FnMut(Frame) -> Result<(), Error>,
) -> Result<Option<Scan>, Error> {
    let failed = |e| Error::io("read the journal", path, e);
    let mut scanner = Scanner::open(path)?;
    if place.offset < FILE_HEADER_BYTES as u64 || place.offset >= scanner.file_bytes {
        return Ok(None);
    }
    scanner
        .reader
        .seek(SeekFrom::Start(place.offset))
        .map_err(failed)?;
    let left = scanner.file_bytes - place.offset;
    match next(&mut scanner.reader, left).map_err(failed)? {
        Found::Frame(header, payload)
            if (header.seq, header.checksum) == (place.seq, place.checksum) =>
        {
            scanner.order = Order::Mutations(place.seq);
            scanner.scan.end = place.offset + (HEADER_BYTES + payload.len()) as u64;
            scanner.scan.last = place;
        }
        Found::Frame(..) | Found::End | Found::Short(_) | Found::Damaged { .. } => return Ok(None),
    }
    scanner.run(visit).map(Some)
}

impl<'a> Scanner<'a> {
    /// Opens the file and checks its header.
    fn open(path: &'a Path) -> Result<Scanner<'a>, Error> {
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
        Ok(Scanner {
            path,
            reader,
            file_bytes,
            order: Order::Start,
            scan: Scan {
                end: FILE_HEADER_BYTES as u64,
                ..Scan::default()
            },
        })
    }

    /// Reads to the end.
    fn run(mut self, mut visit: impl FnMut(Frame) -> Result<(), Error>) -> Result<Scan, Error> {
        let path = self.path;
        loop {
            let left = self.file_bytes - self.scan.end;
            let found =
                next(&mut self.reader, left).map_err(|e| Error::io("read the journal", path, e))?;
            match found {
                Found::Frame(header, payload) => visit(self.follow(&header, payload)?)?,
                Found::End => break,
                Found::Short(header) => {
                    refuse_snapshot(path, &self.scan, header)?;
                    self.end_with(left, self.without_reserve(left)?);
                    break;
                }
                Found::Damaged { header, skip } => {
                    refuse_snapshot(path, &self.scan, header)?;
                    refuse_if_frames_follow(path, &self.scan, skip, self.file_bytes)?;
                    let torn = self.without_reserve(left)?;
                    let is_begun = header.is_some_and(|header| ends_within(&header, torn));
                    self.scan.torn_by_damage = torn >= HEADER_BYTES as u64 && !is_begun;
                    self.end_with(left, torn);
                    break;
                }
            }
        }
        if matches!(self.order, Order::Snapshot(_)) {
            return Err(damaged(path, self.scan.end, "the snapshot is not complete"));
        }
        Ok(self.scan)
    }

    /// How many of the last `left` bytes there are before the zeros at their end, unless these are more than are written
    /// ahead.
    fn without_reserve(&self, left: u64) -> Result<u64, Error> {
        let looked_at = left.min(u64::from(RESERVE_BYTES) + 1);
        let end = read_part(self.path, self.file_bytes - looked_at, self.file_bytes)?;
        let zeros = end.iter().rev().take_while(|&&byte| byte == 0).count() as u64;
        match zeros > u64::from(RESERVE_BYTES) {
            true => Ok(left),
            false => Ok(left - zeros),
        }
    }

    /// Of the last `left` bytes `torn` are of an append that was not finished.
    fn end_with(&mut self, left: u64, torn: u64) {
        match torn {
            0 => self.scan.reserved_bytes = left,
            _ => self.scan.torn_bytes = torn,
        }
    }

    /// Takes a frame that is whole, if it may come here.
    fn follow(&mut self, header: &Header, payload: Vec<u8>) -> Result<Frame, Error> {
        let offset = self.scan.end;
        let kind = header.kind().ok_or_else(|| {
            let why = format!("unknown frame kind {}", header.kind);
            damaged(self.path, offset, &why)
        })?;
        self.order =
            follow(self.order, kind, header.seq).map_err(|why| damaged(self.path, offset, &why))?;
        if kind == FrameKind::SnapshotEnd {
            self.scan.snapshot_seq = Some(header.seq);
        }
        let place = Place {
            seq: header.seq,
            offset,
            checksum: header.checksum,
        };
        self.scan.last = place;
        self.scan.end += (HEADER_BYTES + payload.len()) as u64;
        Ok(Frame {
            kind,
            payload,
            place,
        })
    }
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

/// Whether a frame was begun and has only so many of its bytes, zeros behind them. The last ones of a whole frame may be
/// zeros, too: near its end nobody can tell.
fn ends_within(header: &Header, bytes: u64) -> bool {
    const NEAR: u64 = 16;
    bytes + NEAR <= (HEADER_BYTES + header.payload_bytes) as u64
}

/// The order after a frame, or what is wrong with its coming here.
fn follow(order: Order, kind: FrameKind, seq: u64) -> Result<Order, String> {
    match (order, kind) {
        (Order::Start, FrameKind::Mutation) if seq == 1 => Ok(Order::Mutations(seq)),
        (Order::Start, FrameKind::SnapshotPart) => Ok(Order::Snapshot(seq)),
        (Order::Start, FrameKind::SnapshotEnd) => Ok(Order::Mutations(seq)),
        (Order::Snapshot(at), FrameKind::SnapshotPart) if seq == at => Ok(order),
        (Order::Snapshot(at), FrameKind::SnapshotEnd) if seq == at => Ok(Order::Mutations(seq)),
        (Order::Mutations(last), FrameKind::Mutation) if Some(seq) == last.checked_add(1) => {
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

/// Looks for a whole frame behind the damage at `scan.end`. One of the batch that the damaged record
/// belongs to is no sign that this was acknowledged: the batch was synced as a whole, or not at all.
fn refuse_if_frames_follow(
    path: &Path,
    scan: &Scan,
    skip: u64,
    file_bytes: u64,
) -> Result<(), Error> {
    let bytes = read_part(path, scan.end + skip, file_bytes)?;
    let damaged_seq = scan.last.seq.saturating_add(1);
    let mut rest = bytes.as_slice();
    while let Some((bytes, _)) = rest.split_first_chunk::<HEADER_BYTES>() {
        if let Some(header) = frame::header(bytes)
            && header.seq.saturating_sub(u64::from(header.in_batch)) > damaged_seq
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

/// The bytes of the file from one place up to another.
fn read_part(path: &Path, from: u64, to: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|mut file| {
            file.seek(SeekFrom::Start(from))?;
            file.take(to.saturating_sub(from)).read_to_end(&mut bytes)
        })
        .map_err(|e| Error::io("read the journal", path, e))?;
    Ok(bytes)
}

fn damaged(path: &Path, offset: u64, why: &str) -> Error {
    Error::corrupt(format!(
        "the journal {} is damaged at byte {offset}: {why}; restore it from a backup",
        path.display()
    ))
}
