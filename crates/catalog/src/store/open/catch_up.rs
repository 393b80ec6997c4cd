//! Bringing an index up to its journal: from the place where it ended, or, where that record is
//! elsewhere now, after reading the journal as a whole.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use prost::Message;

use crate::error::Error;
use crate::format::{self, MutationMessage, SnapshotEndMessage};
use crate::index::{Index, Keep, Operation, State};
use crate::journal::{Frame, FrameKind, Journal, Place, Scan};
use crate::store::Recovery;

/// How changes are put into the index.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// Each step leaves an index that is whole up to there.
    OfCatchUp,
    /// The index is not whole before the last one.
    OfRebuild,
}

impl Step {
    /// About how much is applied at a time: a page that changes several times in a step is written once.
    fn bytes(self) -> usize {
        match self {
            Step::OfCatchUp => 1 << 20,
            Step::OfRebuild => 8 << 20,
        }
    }

    fn keep(self) -> Keep {
        match self {
            Step::OfCatchUp => Keep::WithState,
            Step::OfRebuild => Keep::Unfinished,
        }
    }
}

/// Whether an index could be brought up to the journal.
pub(super) enum CaughtUp {
    Yes(State, Scan),
    /// It must be made anew, and nothing is lost.
    Older(String),
    /// The journal lacks this many records that it has, or has others in their place.
    Cut {
        missing: u64,
        last: u64,
    },
}

/// Applies the records that the index lacks.
pub(super) fn catch_up(
    dir: &Path,
    index: &Index,
    state: State,
    recovery: &mut Recovery,
) -> Result<CaughtUp, Error> {
    let mut applier = Applier::new(index, state, Step::OfCatchUp);
    let place = state.place();
    if state.is_of_this_layout() && place.seq > 0 {
        let scan = Journal::scan_from(dir, place, |frame| applier.take(frame))?;
        if let Some(scan) = scan {
            return applier
                .end(recovery)
                .map(|state| CaughtUp::Yes(state, scan));
        }
    }
    // The record is elsewhere after a compaction, and not at all in a journal that was cut.
    let mut seen = (place.seq == 0).then_some(place);
    let scan = Journal::scan(dir, |frame| {
        if frame.place.seq == place.seq && is_same(&frame, &state)? {
            seen = Some(frame.place);
        }
        Ok(())
    })?;
    if scan.last.seq < place.seq {
        return Ok(CaughtUp::Cut {
            missing: place.seq - scan.last.seq,
            last: scan.last.seq,
        });
    }
    if scan.snapshot_seq.is_some_and(|at| place.seq < at) {
        let why = "the index was older than the snapshot in the journal";
        return Ok(CaughtUp::Older(why.to_owned()));
    }
    if !state.is_of_this_layout() {
        let why = "the index was of another layout";
        return Ok(CaughtUp::Older(why.to_owned()));
    }
    let Some(seen) = seen else {
        return Ok(CaughtUp::Cut {
            missing: 1,
            last: scan.last.seq,
        });
    };
    let state = index.moved(&state, seen)?;
    let mut applier = Applier::new(index, state, Step::OfCatchUp);
    Journal::scan(dir, |frame| {
        if frame.place.seq > seen.seq {
            applier.take(frame)?;
        }
        Ok(())
    })?;
    let state = applier.end(recovery)?;
    Ok(CaughtUp::Yes(state, scan))
}

/// Whether a frame of the right number is the one that the index has applied last, or the snapshot
/// of all that it holds.
pub(in crate::store) fn is_same(frame: &Frame, state: &State) -> Result<bool, Error> {
    Ok(match frame.kind {
        FrameKind::Mutation => frame.place.checksum == state.journal_checksum,
        FrameKind::SnapshotPart => false,
        FrameKind::SnapshotEnd => {
            let end = SnapshotEndMessage::decode(&*frame.payload)
                .map_err(|source| undecodable(frame, source))?;
            (end.keys, end.digest) == (state.keys, state.digest)
        }
    })
}

/// Applies frames to the index, some at a time.
pub(super) struct Applier<'i> {
    index: &'i Index,
    state: State,
    step: Step,
    waiting: Vec<Operation>,
    waiting_bytes: usize,
    last: Place,
    count: u64,
}

impl Applier<'_> {
    pub(super) fn new(index: &Index, state: State, step: Step) -> Applier<'_> {
        Applier {
            index,
            state,
            step,
            waiting: Vec::new(),
            waiting_bytes: 0,
            last: state.place(),
            count: 0,
        }
    }

    pub(super) fn take(&mut self, frame: Frame) -> Result<(), Error> {
        self.last = frame.place;
        self.count += 1;
        self.waiting_bytes += frame.payload.len();
        self.waiting.extend(operations(frame)?);
        if self.waiting_bytes > self.step.bytes() {
            self.apply()?;
        }
        Ok(())
    }

    fn apply(&mut self) -> Result<(), Error> {
        let changes: BTreeMap<_, _> = self
            .waiting
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_ref()))
            .collect();
        let keep = self.step.keep();
        self.state = self.index.load(&self.state, self.last, &changes, keep)?;
        self.waiting.clear();
        self.waiting_bytes = 0;
        Ok(())
    }

    /// What the index holds with all that was taken.
    pub(super) fn settled(&mut self) -> Result<&State, Error> {
        self.apply()?;
        Ok(&self.state)
    }

    pub(super) fn end(mut self, recovery: &mut Recovery) -> Result<State, Error> {
        if self.count > 0 {
            self.apply()?;
        }
        recovery.replayed += self.count;
        Ok(self.state)
    }
}

/// The changes in a mutation or a part of a snapshot.
pub(in crate::store) fn operations(frame: Frame) -> Result<Vec<Operation>, Error> {
    let Frame {
        payload,
        place,
        kind,
    } = frame;
    let payload = Bytes::from(payload);
    let message = MutationMessage::decode(payload).map_err(|source| {
        let empty = Frame {
            payload: Vec::new(),
            place,
            kind,
        };
        undecodable(&empty, source)
    })?;
    for operation in &message.operations {
        if let Some(value) = &operation.value {
            format::check(value).map_err(|e| {
                e.at(format_args!(
                    "journal record {}, key {}",
                    place.seq, operation.key
                ))
            })?;
        }
    }
    Ok(message
        .operations
        .into_iter()
        .map(|operation| (operation.key, operation.value))
        .collect())
}

pub(super) fn undecodable(frame: &Frame, source: prost::DecodeError) -> Error {
    Error::corrupt(format!(
        "journal record {} at byte {} does not decode: {source}",
        frame.place.seq, frame.place.offset
    ))
    .with_source(source)
}
