//! The steps of a mutation, nearly always one: each is a draft of its own, decided on what those before it
//! put; all of them become one record of the journal.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::overlay::Overlay;
use super::{Draft, Store, View, What};
use crate::error::Error;
use crate::index::Operation;

/// A mutation in the making.
pub(crate) struct Steps<'s> {
    store: &'s Store,
    ahead: &'s Overlay,
    now_us: u64,
    made: &'s mut Made,
}

/// What the steps of a mutation put.
#[derive(Default)]
pub(super) struct Made {
    /// Those but the last.
    earlier: Overlay,
    decided: Vec<Decided>,
}

/// A step that is decided, and changes something.
pub(super) struct Decided {
    /// A key has one of them at most.
    pub(super) operations: Vec<Operation>,
    pub(super) what: What,
    pub(super) stage_version: Option<u64>,
}

/// A mutation that is decided, and changes something.
pub(super) struct Mutation {
    pub(super) steps: Vec<Decided>,
    pub(super) now_us: u64,
}

impl<'s> Steps<'s> {
    pub(super) fn new(
        store: &'s Store,
        ahead: &'s Overlay,
        now_us: u64,
        made: &'s mut Made,
    ) -> Steps<'s> {
        Steps {
            store,
            ahead,
            now_us,
            made,
        }
    }

    /// Runs one step: `decide` reads and fills the draft. A step that fails puts nothing; whether those
    /// before it count all the same is for the caller to say.
    pub(crate) fn step<T>(
        &mut self,
        what: impl FnOnce() -> What,
        decide: impl FnOnce(&mut Draft<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Made { earlier, decided } = &mut *self.made;
        if let Some(last) = decided.last() {
            // Nobody else sees it, so it needs no number.
            earlier.insert(0, &last.operations);
        }
        let view = View::new(&self.store.index, self.ahead, earlier);
        let mut draft = Draft::new(view, self.now_us);
        let answer = decide(&mut draft).inspect_err(|e| self.store.note(e))?;
        decided.extend(draft.decided(what));
        Ok(answer)
    }
}

impl Made {
    /// `None` when no step changes anything.
    pub(super) fn mutation(self, now_us: u64) -> Option<Mutation> {
        (!self.decided.is_empty()).then_some(Mutation {
            steps: self.decided,
            now_us,
        })
    }
}

impl Mutation {
    /// What all steps together put, by key: what a later one puts at a key stands.
    pub(super) fn operations(&mut self) -> Vec<Operation> {
        if let [only] = self.steps.as_mut_slice() {
            return std::mem::take(&mut only.operations);
        }
        let steps = self.steps.iter_mut();
        let all: BTreeMap<String, Option<Bytes>> = steps
            .flat_map(|step| std::mem::take(&mut step.operations))
            .collect();
        all.into_iter().collect()
    }

    /// The text in the journal.
    pub(super) fn text(&self) -> String {
        let texts: Vec<String> = self.steps.iter().map(|step| step.what.text()).collect();
        texts.join("; ")
    }
}
