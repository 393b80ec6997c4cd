//! Retention: what is old and needed by nobody goes, some at a time, so that space is bounded by
//! settings and not by time. When, and how much is kept, is the caller's to say.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::exports::{self, ExportRecord};
use crate::grants::{self, Securable};
use crate::options::Actor;
use crate::stages::{self, StageRecord};
use crate::store::{Draft, View, What};
use crate::{Catalog, keys, remains};

/// How many records one change looks at, and removes; others wait no longer than for that.
const STEP: usize = 500;

/// What a pruning removed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Pruned {
    /// How many exports, versions of stages, or dropped stages.
    pub removed: u64,
}

/// How far a pruning is.
struct Step {
    removed: u64,
    /// The key from behind which to go on; `None` at the end.
    after: Option<String>,
}

impl Catalog {
    /// Removes finished exports of the actor's account, with their manifests: those created before
    /// `before_us` (microseconds since 1970 UTC), except for the newest `keep_newest` of all.
    ///
    /// Each change of some is recorded in the audit. Errors: those of any change; what was removed
    /// until then is.
    pub fn prune_exports(
        &self,
        actor: &Actor,
        keep_newest: usize,
        before_us: u64,
    ) -> Result<Pruned, Error> {
        // New ones only push it further away: none within the newest is ever removed.
        let kept = self.exports_page(&actor.account, None, keep_newest)?;
        let oldest_kept = match kept.last() {
            Some(record) if kept.len() == keep_newest => Some(record.id.clone()),
            None if keep_newest == 0 => None,
            Some(_) | None => return Ok(Pruned::default()),
        };
        self.prune(actor, keys::exports(&actor.account), |draft, after| {
            prune_exports(draft, actor, after, oldest_kept.as_deref(), before_us)
        })
    }

    /// Removes versions of the stages of the actor's account, dropped ones included, except for the
    /// newest `keep` of each (1 at least) and those that an unfinished export works with. History and
    /// rollback reach back so far from then on.
    ///
    /// Each change of some is recorded in the audit. Errors: those of any change; what was removed
    /// until then is.
    pub fn prune_stage_versions(&self, actor: &Actor, keep: usize) -> Result<Pruned, Error> {
        let first = keys::all_stage_versions(&actor.account);
        self.prune(actor, first, |draft, after| {
            prune_versions(draft, &actor.account, after, keep.max(1))
        })
    }

    /// Forgets the stages of the actor's account that were dropped before `before_us` (microseconds since
    /// 1970 UTC): their versions, sealed secrets and grants. Nobody can bring them back from then on; the
    /// files that internal ones had are [remains](Catalog::remains) now.
    ///
    /// Each change of some is recorded in the audit. Errors: those of any change; what was forgotten
    /// until then is.
    pub fn forget_dropped_stages(&self, actor: &Actor, before_us: u64) -> Result<Pruned, Error> {
        let first = keys::stages_dropped(&actor.account);
        self.prune(actor, first, |draft, after| {
            forget_dropped(draft, &actor.account, after, before_us)
        })
    }

    fn prune(
        &self,
        actor: &Actor,
        first: String,
        mut step: impl FnMut(&mut Draft<'_>, &str) -> Result<Step, Error>,
    ) -> Result<Pruned, Error> {
        let mut pruned = Pruned::default();
        let mut after = first;
        loop {
            let what = || What::change("PRUNE", "");
            let done = self.store.write(actor, what, |draft| step(draft, &after))?;
            pruned.removed += done.removed;
            match done.after {
                Some(next) => after = next,
                None => return Ok(pruned),
            }
        }
    }
}

fn prune_exports(
    draft: &mut Draft<'_>,
    actor: &Actor,
    after: &str,
    oldest_kept: Option<&str>,
    before_us: u64,
) -> Result<Step, Error> {
    let account = &actor.account;
    let prefix = keys::exports(account);
    let page: Vec<ExportRecord> = draft.view().list_after(&prefix, after, STEP)?;
    let mut step = Step {
        removed: 0,
        after: None,
    };
    if page.len() == STEP {
        step.after = page.last().map(|last| keys::export(account, &last.id));
    }
    for record in page {
        if oldest_kept.is_some_and(|oldest| record.id.as_str() >= oldest) {
            step.after = None;
            break;
        }
        if record.state.is_final() && record.created_us < before_us {
            draft.delete(keys::export(account, &record.id));
            draft.delete(keys::manifest(account, &record.id));
            exports::unmark(draft, account, &record);
            exports::forget_key(draft, account, &record)?;
            step.removed += 1;
        }
    }
    draft.tell(What::change(
        "PRUNE EXPORTS",
        format!("{} exports", step.removed),
    ));
    Ok(step)
}

fn prune_versions(
    draft: &mut Draft<'_>,
    account: &str,
    after: &str,
    keep: usize,
) -> Result<Step, Error> {
    let view = draft.view();
    let pinned = pinned(view, account)?;
    let prefix = keys::all_stage_versions(account);
    let page = view.keys_after(&prefix, after, STEP)?;
    let mut step = Step {
        removed: 0,
        after: (page.len() == STEP).then(|| page.last().cloned()).flatten(),
    };
    // What is the newest of a stage may lie behind the page.
    let mut current: Option<(u64, u64)> = None;
    for key in page {
        let (id, version) = keys::stage_version_of(&key)?;
        let newest = match current {
            Some((of, newest)) if of == id => newest,
            _ => newest_version(view, account, id)?,
        };
        current = Some((id, newest));
        let is_old = version.saturating_add(keep as u64) <= newest;
        if is_old && !pinned.contains(&(id, version)) {
            draft.delete(keys::stage_capabilities(account, id, version));
            draft.delete(key);
            step.removed += 1;
        }
    }
    draft.tell(What::change(
        "PRUNE STAGE VERSIONS",
        format!("{} versions", step.removed),
    ));
    Ok(step)
}

fn forget_dropped(
    draft: &mut Draft<'_>,
    account: &str,
    after: &str,
    before_us: u64,
) -> Result<Step, Error> {
    let view = draft.view();
    let marks = view.keys_after(&keys::stages_dropped(account), after, STEP)?;
    let is_last_page = marks.len() < STEP;
    let mut step = Step {
        removed: 0,
        after: None,
    };
    let mut deleted = 0;
    let mut pending = marks.into_iter();
    for mark in pending.by_ref() {
        let id = keys::id(keys::last_part(&mark))
            .map_err(|e| e.at(format_args!("at the key {mark}")))?;
        step.after = Some(mark.clone());
        // A mark without its versions is of no use to anyone either.
        if stages::last_version(view, account, id)?
            .is_some_and(|record| record.changed_us >= before_us)
        {
            continue;
        }
        for known in view.keys(&keys::all_capabilities_of(account, id))? {
            draft.delete(known);
        }
        for version in view.keys(&keys::stage_versions(account, id))? {
            draft.delete(version);
            deleted += 1;
        }
        grants::delete_on(draft, account, Securable::Stage(id))?;
        remains::of_stage(draft, account, id)?;
        draft.delete(mark);
        step.removed += 1;
        if deleted >= STEP {
            break;
        }
    }
    if is_last_page && pending.len() == 0 {
        step.after = None;
    }
    draft.tell(What::change(
        "PRUNE DROPPED STAGES",
        format!("{} stages", step.removed),
    ));
    Ok(step)
}

fn newest_version(view: View<'_>, account: &str, id: u64) -> Result<u64, Error> {
    match view.last_key(&keys::stage_versions(account, id))? {
        Some(key) => keys::stage_version_of(&key).map(|(_, version)| version),
        None => Ok(0),
    }
}

/// Ids and versions of the stages that unfinished exports of the account write to or through.
fn pinned(view: View<'_>, account: &str) -> Result<BTreeSet<(u64, u64)>, Error> {
    let mut pinned = BTreeSet::new();
    for key in view.keys(&keys::exports_open(account))? {
        let id = keys::last_part(&key);
        let Some(record) = view.get::<ExportRecord>(&keys::export(account, id))? else {
            continue;
        };
        if let (Some(id), Some((_, version))) = (record.stage_id, record.stage) {
            pinned.insert((id, version));
        }
        pinned.extend(record.stage_parents);
    }
    Ok(pinned)
}

/// The oldest version of a stage that is kept; 1 until some are pruned.
pub(crate) fn oldest_version(view: View<'_>, account: &str, id: u64) -> Result<u64, Error> {
    let prefix = keys::stage_versions(account, id);
    let first: Vec<StageRecord> = view.list_after(&prefix, &prefix, 1)?;
    Ok(first.first().map_or(1, |record| record.version))
}
