//! What a validation has found out about a stage's place: facts that publication chooses by, kept with the
//! version of the stage at which they were found.

use super::StageRecord;
use crate::error::Error;
use crate::options::Actor;
use crate::store::{View, What};
use crate::{Catalog, keys};

/// What is known of a stage's place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StageCapabilities {
    /// Of the stage.
    pub stage_id: u64,
    /// The version that was validated.
    pub version: u64,
    /// Ids and versions of the stages that its URL went through then, nearest first.
    pub parents: Vec<(u64, u64)>,
    /// What the place can do, and what it cannot, by the names that the caller gives them. What was not found out
    /// is not among them.
    pub facts: Vec<(String, bool)>,
    /// When, in microseconds since 1970 UTC; set by the catalog.
    pub checked_us: u64,
    /// Who, as `account:user:role`; set by the catalog.
    pub checked_by: String,
    /// The version of the program that tried it.
    pub program: String,
}

impl Catalog {
    /// Keeps what a validation has found out about a version of a stage, in the place of what was known of that
    /// version before; without any fact, what was known stays. `summary` is for the audit. Gives what was stored.
    ///
    /// Errors: `NotFound` when there is no such version (any more).
    pub fn put_stage_capabilities(
        &self,
        actor: &Actor,
        name: &str,
        found: StageCapabilities,
        summary: String,
    ) -> Result<Option<StageCapabilities>, Error> {
        use crate::audit::AuditOutcome;
        let what = What::ended("VALIDATE STAGE", name, AuditOutcome::Done, summary);
        self.store.write(
            actor,
            || what,
            |draft| {
                let account = &actor.account;
                let (id, version) = (found.stage_id, found.version);
                let of = keys::stage_version(account, id, version);
                if draft.view().get::<StageRecord>(&of)?.is_none() {
                    return Err(Error::not_found(format!(
                        "the stage {name} has no version {version}"
                    )));
                }
                let found = StageCapabilities {
                    checked_us: draft.now_us(),
                    checked_by: actor.to_string(),
                    ..found
                };
                draft.stage_version(version);
                if found.facts.is_empty() {
                    return Ok(None);
                }
                draft.put(keys::stage_capabilities(account, id, version), &found);
                Ok(Some(found))
            },
        )
    }

    /// What is known of a version of a stage: what was found out about it, or about an earlier version of the
    /// same place, by URL and credentials. `None` where nothing is known.
    pub fn stage_capabilities(
        &self,
        account: &str,
        stage: &StageRecord,
    ) -> Result<Option<StageCapabilities>, Error> {
        self.store.read(|view| known(view, account, stage))
    }
}

fn known(
    view: View<'_>,
    account: &str,
    stage: &StageRecord,
) -> Result<Option<StageCapabilities>, Error> {
    let prefix = keys::all_capabilities_of(account, stage.id);
    let end = keys::stage_capabilities(account, stage.id, stage.version.saturating_add(1));
    let Some(found) = view
        .list_before::<StageCapabilities>(&prefix, &end, 1)?
        .pop()
    else {
        return Ok(None);
    };
    if found.version == stage.version {
        return Ok(Some(found));
    }
    let then: Option<StageRecord> =
        view.get(&keys::stage_version(account, stage.id, found.version))?;
    let is_same = then.is_some_and(|then| {
        then.definition.url == stage.definition.url
            && then.definition.credentials == stage.definition.credentials
    });
    Ok(is_same.then_some(found))
}
