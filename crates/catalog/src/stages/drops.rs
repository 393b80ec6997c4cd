//! Dropping a stage, alone or with all that lies within it. What was dropped keeps its versions and
//! its grants, for it may be brought back.

use super::change::{existing, next, store_version};
use super::{StageChangeKind, StageRecord, live, rules};
use crate::error::Error;
use crate::options::{Actor, Expected};
use crate::requests::{Arguments, Operation};
use crate::store::{Draft, View};
use crate::{Catalog, Transaction, counters, keys};

impl Catalog {
    /// Drops a stage; its versions stay. With `cascade` its sub-stages go before it, in the same
    /// change, the innermost first. Gives all that were dropped, in that order: the stage named is the last.
    ///
    /// Errors: `NotFound`, `Conflict`; `InUse` while an unfinished export writes to one of them, and
    /// without `cascade` while it has sub-stages.
    pub fn drop_stage(
        &self,
        actor: &Actor,
        name: &str,
        expected: Expected,
        cascade: bool,
    ) -> Result<Vec<StageRecord>, Error> {
        self.transaction(actor, |all| all.drop_stage(name, expected, cascade))
    }
}

impl Transaction<'_> {
    /// As [`Catalog::drop_stage`].
    pub fn drop_stage(
        &mut self,
        name: &str,
        expected: Expected,
        cascade: bool,
    ) -> Result<Vec<StageRecord>, Error> {
        let actor = self.actor;
        self.write_once(
            || name.to_owned(),
            |_| Ok(Arguments::of(name).expected(expected).flag(cascade)),
            Operation::DropStage,
            |draft| {
                let account = &actor.account;
                let current = existing(draft, account, name, expected)?;
                if !cascade {
                    rules::no_sub_stages(draft.view(), account, name)?;
                }
                let mut stages = within(draft.view(), account, name)?;
                stages.push(current);
                for stage in &stages {
                    rules::no_exports(draft.view(), account, stage)?;
                }
                let first = counters::reserve(draft, account, "stage-drop", stages.len() as u64)?;
                let drop = |(number, stage)| dropped(draft, actor, number, stage);
                (first..).zip(&stages).map(drop).collect()
            },
        )
    }
}

/// All stages below one, each behind those below itself. Stages do not lie in circles, so this ends.
fn within(view: View<'_>, account: &str, name: &str) -> Result<Vec<StageRecord>, Error> {
    let mut outer_first = Vec::new();
    let mut open = vec![name.to_owned()];
    while let Some(parent) = open.pop() {
        for key in view.keys(&keys::stage_children(account, &parent))? {
            let child = keys::last_part(&key);
            outer_first.extend(live(view, account, child)?);
            open.push(child.to_owned());
        }
    }
    outer_first.reverse();
    Ok(outer_first)
}

fn dropped(
    draft: &mut Draft<'_>,
    actor: &Actor,
    number: u64,
    stage: &StageRecord,
) -> Result<StageRecord, Error> {
    let account = &actor.account;
    let mut record = next(draft, actor, stage, StageChangeKind::Dropped);
    record.dropped = true;
    draft.mark(keys::stage_dropped(
        account,
        &record.name,
        number,
        record.id,
    ));
    store_version(draft, account, Some(stage), &record)?;
    Ok(record)
}
