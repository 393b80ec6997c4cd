//! The journal on its own: frozen frames, torn ends at every byte, damage at every bit.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use super::*;
use crate::error::ErrorKind;
use crate::format::tests::{frozen, hex};

/// A directory with a journal of these payloads, and where each frame ends.
fn journal(payloads: &[&[u8]]) -> (tempfile::TempDir, Vec<u64>) {
    let dir = tempfile::tempdir().unwrap();
    Journal::replace(dir.path(), std::iter::empty()).unwrap();
    let scan = Journal::scan(dir.path(), |_| Ok(())).unwrap();
    let mut journal = Journal::open(dir.path(), &scan).unwrap();
    let mut ends = vec![journal.bytes()];
    for payload in payloads {
        journal.append(payload).unwrap();
        ends.push(journal.bytes());
    }
    (dir, ends)
}

fn payloads(dir: &Path) -> Result<(Vec<Vec<u8>>, Scan), Error> {
    let mut payloads = Vec::new();
    let scan = Journal::scan(dir, |frame| {
        payloads.push(frame.payload);
        Ok(())
    })?;
    Ok((payloads, scan))
}

#[test]
fn frozen_bytes() {
    let header = frame::file_header();
    assert_eq!(hex(&header), hex(&frozen("journal-1-header.hex")));
    for (kind, name) in [
        (FrameKind::Mutation, "journal-1-mutation.hex"),
        (FrameKind::SnapshotPart, "journal-1-snapshot-part.hex"),
        (FrameKind::SnapshotEnd, "journal-1-snapshot-end.hex"),
    ] {
        let bytes = frame::encode(kind, 258, b"payload").unwrap();
        assert_eq!(hex(&bytes), hex(&frozen(name)), "{name}");
        let read = frame::header(bytes.first_chunk().unwrap()).unwrap();
        assert_eq!(
            (read.kind(), read.seq, read.payload_bytes),
            (Some(kind), 258, 7)
        );
    }
}

#[test]
fn a_torn_end_is_cut_at_every_byte() {
    let (dir, ends) = journal(&[b"one", b"second", &[3; 100], b""]);
    let path = dir.path().join(FILE_NAME);
    let whole = fs::read(&path).unwrap();
    for length in ends[0]..ends[4] {
        let complete = ends.iter().filter(|&&end| end <= length).count() - 1;
        fs::write(&path, &whole[..length as usize]).unwrap();
        let (read, scan) = payloads(dir.path()).unwrap();
        assert_eq!(read.len(), complete, "length {length}");
        assert_eq!(
            (scan.end, scan.torn_bytes),
            (ends[complete], length - ends[complete])
        );

        // The next append takes the place of what was cut.
        let mut journal = Journal::open(dir.path(), &scan).unwrap();
        assert_eq!(journal.append(b"next").unwrap(), complete as u64 + 1);
        let (read, scan) = payloads(dir.path()).unwrap();
        assert_eq!((read.len(), scan.torn_bytes), (complete + 1, 0));
        assert_eq!(read.last().unwrap(), b"next");
    }
}

#[test]
fn an_end_of_zeros_or_garbage_is_torn() {
    let (dir, ends) = journal(&[b"one", b"two"]);
    let path = dir.path().join(FILE_NAME);
    let whole = fs::read(&path).unwrap();
    for tail in [
        vec![0; 4096],
        vec![0xff; 37],
        b"SDJFSDJFSDJFSDJFSDJFSDJFSDJFSDJFSDJF".to_vec(),
    ] {
        fs::write(&path, [whole.as_slice(), &tail].concat()).unwrap();
        let (read, scan) = payloads(dir.path()).unwrap();
        assert_eq!(
            (read.len(), scan.end, scan.torn_bytes),
            (2, ends[2], tail.len() as u64)
        );
    }
}

#[test]
fn damage_before_a_whole_frame_is_corruption_at_every_bit() {
    let (dir, ends) = journal(&[b"first", b"second", b"third"]);
    let path = dir.path().join(FILE_NAME);
    let whole = fs::read(&path).unwrap();
    for at in 0..ends[2] as usize {
        for bit in 0..8 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << bit;
            fs::write(&path, &damaged).unwrap();
            let error = payloads(dir.path()).unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::Corrupt,
                "bit {bit} of byte {at}: {error}"
            );
            let frame = ends.iter().rev().find(|&&end| end <= at as u64);
            if let Some(frame) = frame {
                assert!(
                    error
                        .message()
                        .contains(&format!("journal is damaged at byte {frame}:")),
                    "{error}"
                );
            }
        }
    }
    // In the last frame it cannot be told from a torn append.
    for at in ends[2] as usize..ends[3] as usize {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&path, &damaged).unwrap();
        assert_eq!(payloads(dir.path()).unwrap().0.len(), 2, "byte {at}");
    }
}

#[test]
fn a_missing_frame_is_corruption() {
    let (dir, ends) = journal(&[b"first", b"second", b"third"]);
    let path = dir.path().join(FILE_NAME);
    let whole = fs::read(&path).unwrap();
    let [_, first, second, _] = ends[..] else {
        unreachable!()
    };
    fs::write(
        &path,
        [&whole[..first as usize], &whole[second as usize..]].concat(),
    )
    .unwrap();
    let error = payloads(dir.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(
        error.message().contains("number 3 is out of order"),
        "{error}"
    );
}

#[test]
fn a_snapshot_is_whole_or_corrupt() {
    let (dir, _) = journal(&[]);
    let part = |kind, payload: &[u8]| Ok((kind, 40, payload.to_vec()));
    Journal::replace(
        dir.path(),
        [
            part(FrameKind::SnapshotPart, b"a"),
            part(FrameKind::SnapshotPart, b"b"),
            part(FrameKind::SnapshotEnd, b"end"),
        ]
        .into_iter(),
    )
    .unwrap();
    let scan = payloads(dir.path()).unwrap().1;
    assert_eq!(
        (scan.last_seq, scan.snapshot_seq, scan.torn_bytes),
        (40, Some(40), 0)
    );
    let snapshot_end = scan.end;
    assert_eq!(
        Journal::open(dir.path(), &scan)
            .unwrap()
            .append(b"next")
            .unwrap(),
        41
    );

    let path = dir.path().join(FILE_NAME);
    let whole = fs::read(&path).unwrap();
    let header_end = frame::FILE_HEADER_BYTES + frame::HEADER_BYTES;
    for length in header_end..snapshot_end as usize {
        fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(
            payloads(dir.path()).unwrap_err().kind(),
            ErrorKind::Corrupt,
            "length {length}"
        );
    }
}

#[test]
fn a_newer_file_format_is_refused() {
    let (dir, _) = journal(&[]);
    let path = dir.path().join(FILE_NAME);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 2;
    let checksum = crc32c::crc32c(&bytes[..12]);
    bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let error = payloads(dir.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("format 2"), "{error}");
}
