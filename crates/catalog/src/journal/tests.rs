//! The journal on its own: frozen frames, torn ends at every byte, damage at every bit.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use super::*;
use crate::disk::RealDisk;
use crate::disk::simulated::{Call, SimulatedDisk};
use crate::error::ErrorKind;
use crate::format::tests::{frozen, hex};

/// A directory with a journal of these payloads, and where each frame ends.
fn journal(payloads: &[&[u8]]) -> (tempfile::TempDir, Vec<u64>) {
    let dir = tempfile::tempdir().unwrap();
    Journal::create(&RealDisk, dir.path()).unwrap();
    let scan = Journal::scan(dir.path(), |_| Ok(())).unwrap();
    let mut journal = opened(dir.path(), &scan);
    let mut ends = vec![journal.bytes()];
    for payload in payloads {
        append(&mut journal, &[payload]);
        ends.push(journal.bytes());
    }
    (dir, ends)
}

fn opened(dir: &Path, scan: &Scan) -> Journal {
    let file = Journal::lock(&RealDisk, dir).unwrap().unwrap();
    Journal::open(Arc::new(RealDisk), dir, file, scan).unwrap()
}

fn append(journal: &mut Journal, payloads: &[&[u8]]) -> u64 {
    journal.append(payloads.iter().copied()).unwrap().seq
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
    assert_eq!(hex(&header), hex(&frozen("journal-2-header.hex")));
    for format in [1, 2] {
        let header = frozen(&format!("journal-{format}-header.hex"));
        frame::check_file_header(header.first_chunk().unwrap()).unwrap();
    }
    for (kind, name) in [
        (FrameKind::Mutation, "journal-1-mutation.hex"),
        (FrameKind::SnapshotPart, "journal-1-snapshot-part.hex"),
        (FrameKind::SnapshotEnd, "journal-1-snapshot-end.hex"),
    ] {
        let mut bytes = Vec::new();
        let checksum = frame::encode(&mut bytes, kind, 258, 0, b"payload").unwrap();
        assert_eq!(hex(&bytes), hex(&frozen(name)), "{name}");
        let read = frame::header(bytes.first_chunk().unwrap()).unwrap();
        assert_eq!(
            (read.kind(), read.seq, read.payload_bytes),
            (Some(kind), 258, 7)
        );
        assert_eq!((read.in_batch, read.checksum), (0, checksum));
    }
    let mut bytes = Vec::new();
    frame::encode(&mut bytes, FrameKind::Mutation, 258, 0x01_02_03, b"payload").unwrap();
    assert_eq!(hex(&bytes), hex(&frozen("journal-2-mutation-in-batch.hex")));
    let read = frame::header(bytes.first_chunk().unwrap()).unwrap();
    assert_eq!((read.seq, read.in_batch), (258, 0x01_02_03));
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
        let mut journal = opened(dir.path(), &scan);
        assert_eq!(append(&mut journal, &[b"next"]), complete as u64 + 1);
        drop(journal);
        let (read, scan) = payloads(dir.path()).unwrap();
        assert_eq!((read.len(), scan.torn_bytes), (complete + 1, 0));
        assert_eq!(read.last().unwrap(), b"next");
    }
}

#[test]
fn an_end_of_garbage_or_of_too_many_zeros_is_torn() {
    let (dir, ends) = journal(&[b"one", b"two"]);
    let path = dir.path().join(FILE_NAME);
    let whole = fs::read(&path).unwrap();
    for tail in [
        vec![0; RESERVE_BYTES as usize + 1],
        [vec![0; 4096], vec![1]].concat(),
        [vec![1; 5], vec![0; RESERVE_BYTES as usize + 1]].concat(),
        vec![0xff; 37],
        b"SDJFSDJFSDJFSDJFSDJFSDJFSDJFSDJFSDJF".to_vec(),
    ] {
        fs::write(&path, [whole.as_slice(), &tail].concat()).unwrap();
        let (read, scan) = payloads(dir.path()).unwrap();
        assert_eq!(
            (read.len(), scan.end, scan.torn_bytes),
            (2, ends[2], tail.len() as u64)
        );
        assert_eq!(scan.reserved_bytes, 0);
    }
}

#[test]
fn zeros_written_ahead_are_no_torn_end_and_records_take_their_place() {
    let (dir, ends) = journal(&[b"one", b"two"]);
    let path = dir.path().join(FILE_NAME);
    // A closed journal has none.
    assert_eq!(fs::metadata(&path).unwrap().len(), ends[2]);
    let whole = fs::read(&path).unwrap();
    for zeros in [1, 27, 28, 4096, RESERVE_BYTES as usize] {
        fs::write(&path, [whole.as_slice(), &vec![0; zeros]].concat()).unwrap();
        let (read, scan) = payloads(dir.path()).unwrap();
        assert_eq!((read.len(), scan.end, scan.torn_bytes), (2, ends[2], 0));
        assert_eq!(scan.reserved_bytes, zeros as u64);
        let mut journal = opened(dir.path(), &scan);
        assert_eq!(append(&mut journal, &[b"three", &[4; 5000]]), 4);
        drop(journal);
        let (read, scan) = payloads(dir.path()).unwrap();
        assert_eq!(
            (read.len(), scan.torn_bytes, scan.reserved_bytes),
            (4, 0, 0)
        );
        assert_eq!(read[3], [4; 5000]);
    }
}

#[test]
fn an_append_over_zeros_that_was_cut_off_is_torn_and_no_damage() {
    let (dir, ends) = journal(&[b"one", &[7; 300]]);
    let path = dir.path().join(FILE_NAME);
    let whole = fs::read(&path).unwrap();
    for written in ends[1] + 1..ends[2] {
        let begun = written - ends[1];
        let mut cut = whole[..written as usize].to_vec();
        cut.resize(cut.len() + 4096, 0);
        fs::write(&path, &cut).unwrap();
        let (read, scan) = payloads(dir.path()).unwrap();
        assert_eq!(read.len(), 1);
        // The frame's own last zeros count as zeros; there are few.
        assert!(
            scan.torn_bytes <= begun && scan.torn_bytes + 8 > begun,
            "{begun}: {scan:?}"
        );
        let is_near = scan.torn_bytes + 16 > ends[2] - ends[1];
        assert_eq!(scan.torn_by_damage, is_near, "{begun}");
        let mut journal = opened(dir.path(), &scan);
        append(&mut journal, &[b"two"]);
        drop(journal);
        assert_eq!(
            payloads(dir.path()).unwrap().0,
            [b"one".to_vec(), b"two".to_vec()]
        );
    }
    // A whole frame with one bit wrong is another matter.
    let mut damaged = whole.clone();
    damaged[ends[1] as usize + 100] ^= 1;
    damaged.resize(damaged.len() + 4096, 0);
    fs::write(&path, &damaged).unwrap();
    let (read, scan) = payloads(dir.path()).unwrap();
    assert_eq!((read.len(), scan.torn_by_damage), (1, true));
    assert_eq!(scan.torn_bytes, ends[2] - ends[1]);
}

#[test]
fn the_file_grows_by_what_is_written_ahead() {
    let (dir, ends) = journal(&[b"one"]);
    let path = dir.path().join(FILE_NAME);
    let length = || fs::metadata(&path).unwrap().len();
    let scan = Journal::scan(dir.path(), |_| Ok(())).unwrap();
    let mut journal = opened(dir.path(), &scan);
    append(&mut journal, &[b"two"]);
    let reserved = journal.bytes() + u64::from(RESERVE_BYTES);
    assert_eq!(length(), reserved);
    let mut records = 2;
    while journal.bytes() + 2000 < reserved {
        assert_eq!(length(), reserved);
        append(&mut journal, &[&[7; 1500]]);
        records += 1;
    }
    // What is open, or was not closed, reads the same.
    let (read, scan) = payloads(dir.path()).unwrap();
    assert_eq!((read.len(), scan.torn_bytes), (records, 0));
    assert!(scan.reserved_bytes > 0);
    append(&mut journal, &[&[7; 3000]]);
    assert_eq!(length(), journal.bytes() + u64::from(RESERVE_BYTES));
    // A part that is asked for is read no further.
    let scan = Journal::scan_to(dir.path(), ends[1], |_| Ok(())).unwrap();
    assert_eq!(
        (scan.end, scan.last.seq, scan.reserved_bytes),
        (ends[1], 1, 0)
    );
}

#[test]
fn a_disk_without_room_for_zeros_takes_the_record() {
    let dir = tempfile::tempdir().unwrap();
    let disk = SimulatedDisk::default();
    Journal::create(&disk, dir.path()).unwrap();
    let scan = Journal::scan(dir.path(), |_| Ok(())).unwrap();
    let file = Journal::lock(&disk, dir.path()).unwrap().unwrap();
    let mut journal = Journal::open(Arc::new(disk.clone()), dir.path(), file, &scan).unwrap();
    // The call after the write.
    disk.fail(1, 1);
    append(&mut journal, &[b"one"]);
    append(&mut journal, &[b"two"]);
    assert_eq!(disk.count(Call::Reserve), 1);
    let (read, scan) = payloads(dir.path()).unwrap();
    assert_eq!(
        (read, scan.torn_bytes),
        (vec![b"one".to_vec(), b"two".to_vec()], 0)
    );
    drop(journal);
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
    let mut new = Replacement::begin(&RealDisk, dir.path(), None).unwrap();
    new.frame(FrameKind::SnapshotPart, 40, b"a").unwrap();
    new.frame(FrameKind::SnapshotPart, 40, b"b").unwrap();
    new.frame(FrameKind::SnapshotEnd, 40, b"end").unwrap();
    new.sync().unwrap();
    drop(new.take_name(&RealDisk).unwrap());
    let scan = payloads(dir.path()).unwrap().1;
    assert_eq!(
        (scan.last.seq, scan.snapshot_seq, scan.torn_bytes),
        (40, Some(40), 0)
    );
    let snapshot_end = scan.end;
    assert_eq!(append(&mut opened(dir.path(), &scan), &[b"next"]), 41);

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
    bytes[8] = 3;
    let checksum = crc32c::crc32c(&bytes[..12]);
    bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let error = payloads(dir.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("format 3"), "{error}");
}

#[test]
fn a_torn_batch_is_cut_whatever_of_it_reached_the_disk() {
    let (dir, ends) = journal(&[b"first"]);
    let path = dir.path().join(FILE_NAME);
    let scan = Journal::scan(dir.path(), |_| Ok(())).unwrap();
    let batch: [&[u8]; 3] = [b"second", b"third", b"fourth"];
    append(&mut opened(dir.path(), &scan), &batch);
    let mut ends = [ends[0], ends[1], 0, 0, 0];
    let mut at = 0;
    Journal::scan(dir.path(), |frame| {
        at += 1;
        ends[at] = frame.place.offset + (frame::HEADER_BYTES + frame.payload.len()) as u64;
        Ok(())
    })
    .unwrap();
    let whole = fs::read(&path).unwrap();
    for damaged in 1..4 {
        // A power cut writes the blocks of one write in any order: this one is not there, later ones are.
        let mut bytes = whole.clone();
        bytes[ends[damaged] as usize..ends[damaged + 1] as usize].fill(0);
        fs::write(&path, &bytes).unwrap();
        let (read, scan) = payloads(dir.path()).unwrap();
        assert_eq!((read.len(), scan.end), (damaged, ends[damaged]));
    }
    // Once another batch follows, this one was acknowledged.
    fs::write(&path, &whole).unwrap();
    let scan = Journal::scan(dir.path(), |_| Ok(())).unwrap();
    append(&mut opened(dir.path(), &scan), &[b"fifth"]);
    let mut bytes = fs::read(&path).unwrap();
    bytes[ends[2] as usize..ends[3] as usize].fill(0);
    fs::write(&path, &bytes).unwrap();
    let error = payloads(dir.path()).unwrap_err();
    assert!(error.message().contains("before record 5"), "{error}");
}

#[test]
fn reading_begins_where_the_index_ended() {
    let (dir, _) = journal(&[b"first", b"second", b"third"]);
    let mut places = Vec::new();
    Journal::scan(dir.path(), |frame| {
        places.push(frame.place);
        Ok(())
    })
    .unwrap();
    let mut read = Vec::new();
    let scan = Journal::scan_from(dir.path(), places[1], |frame| {
        read.push(frame.payload);
        Ok(())
    })
    .unwrap()
    .unwrap();
    assert_eq!((read, scan.last), (vec![b"third".to_vec()], places[2]));
    for wrong in [
        Place {
            seq: 3,
            ..places[1]
        },
        Place {
            checksum: 0,
            ..places[1]
        },
        Place {
            offset: places[1].offset + 1,
            ..places[1]
        },
        Place {
            offset: 1 << 40,
            ..places[1]
        },
    ] {
        assert!(
            Journal::scan_from(dir.path(), wrong, |_| Ok(()))
                .unwrap()
                .is_none()
        );
    }
}
