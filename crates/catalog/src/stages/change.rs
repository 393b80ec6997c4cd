//! The changes of stages. Each makes a new version of the same id, in one mutation with the marks
//! that say what is enabled, what is dropped, and what is whose sub-stage.

use super::{
    StageChangeKind, StageChanges, StageDefinition, StageRecord, live, newest_dropped, rules,
};
use crate::answers::Altered;
use crate::error::{Error, ErrorKind};
use crate::options::{Actor, Expected};
use crate::requests::{Arguments, Operation};
use crate::secrets::{Credentials, Owner};
use crate::store::Draft;
use crate::{Catalog, Transaction, directory, keys, names, retention, secrets};

impl Catalog {
    /// Sets properties, all in one new version; where none of them differs from what is there, no
    /// version is made. Errors: `NotFound`, `Conflict`, and for a new location those of
    /// [`Catalog::create_stage`].
    pub fn alter_stage(
        &self,
        actor: &Actor,
        name: &str,
        changes: StageChanges,
        expected: Expected,
    ) -> Result<Altered<StageRecord>, Error> {
        self.transaction(actor, |all| all.alter_stage(name, changes, expected))
    }

    /// Gives a stage another name. Errors: `NotFound`, `Conflict`, `AlreadyExists`, `InUse` while it
    /// has sub-stages.
    pub fn rename_stage(
        &self,
        actor: &Actor,
        name: &str,
        new_name: &str,
        expected: Expected,
    ) -> Result<StageRecord, Error> {
        self.transaction(actor, |all| all.rename_stage(name, new_name, expected))
    }

    /// Brings back the stage that was dropped last under this name; `expected` is the version that its
    /// drop made. Errors: `AlreadyExists` when the name is taken again, `NotFound` when none was dropped
    /// or its parent is gone, `Conflict`.
    pub fn undrop_stage(
        &self,
        actor: &Actor,
        name: &str,
        expected: Expected,
    ) -> Result<StageRecord, Error> {
        self.transaction(actor, |all| all.undrop_stage(name, expected))
    }

    /// Gives a stage the definition that it had at `to_version`, as a new version under its present
    /// name. Errors: `NotFound` for stage or version, `Conflict`, and those of a location.
    pub fn rollback_stage(
        &self,
        actor: &Actor,
        name: &str,
        to_version: u64,
        expected: Expected,
    ) -> Result<StageRecord, Error> {
        self.transaction(actor, |all| all.rollback_stage(name, to_version, expected))
    }

    /// What an alter is known by when it is given again.
    fn alter_arguments(
        &self,
        draft: &mut Draft<'_>,
        name: &str,
        changes: &StageChanges,
        expected: Expected,
    ) -> Result<Arguments, Error> {
        let StageChanges {
            url,
            enabled,
            directory,
            comment,
            credentials,
            policy,
        } = changes;
        let credentials = match credentials {
            Some(credentials) => Some(self.secrets.comparable(draft, credentials)?),
            None => None,
        };
        Ok(Arguments::of(name)
            .maybe(url.as_ref(), |arguments, url| {
                arguments.maybe(url.as_deref(), Arguments::text)
            })
            .maybe(*enabled, Arguments::flag)
            .maybe(*directory, Arguments::flag)
            .maybe(comment.as_deref(), Arguments::text)
            .maybe(credentials, Arguments::credentials)
            .expected(expected)
            .changed_policy(policy.as_ref()))
    }

    /// A definition as version `at` (id and version) stores it, its secrets sealed.
    pub(super) fn settle(
        &self,
        draft: &mut Draft<'_>,
        account: &str,
        at: (u64, u64),
        before: &Credentials,
        definition: StageDefinition,
    ) -> Result<StageDefinition, Error> {
        let credentials = self.sealed(draft, account, at, before, &definition.credentials)?;
        Ok(StageDefinition {
            credentials,
            ..definition
        })
    }

    fn sealed(
        &self,
        draft: &mut Draft<'_>,
        account: &str,
        (stage_id, version): (u64, u64),
        before: &Credentials,
        given: &Credentials,
    ) -> Result<Credentials, Error> {
        let owner = Owner::Stage {
            account,
            id: stage_id,
        };
        self.secrets.settle(draft, owner, version, before, given)
    }
}

impl Transaction<'_> {
    /// As [`Catalog::alter_stage`].
    pub fn alter_stage(
        &mut self,
        name: &str,
        changes: StageChanges,
        expected: Expected,
    ) -> Result<Altered<StageRecord>, Error> {
        let (catalog, actor) = (self.catalog, self.actor);
        self.write_once(
            || name.to_owned(),
            |draft| catalog.alter_arguments(draft, name, &changes, expected),
            Operation::AlterStage,
            |draft| {
                let account = &actor.account;
                let current = existing(draft, account, name, expected)?;
                let at = (current.id, current.version + 1);
                let definition = catalog.settle(
                    draft,
                    account,
                    at,
                    &current.definition.credentials,
                    changes.clone().applied_to(&current.definition),
                )?;
                if definition == current.definition {
                    return Ok(Altered::unchanged(current));
                }
                if definition.url != current.definition.url {
                    rules::location(draft.view(), account, name, definition.url.as_deref())?;
                }
                let mut record = next(draft, actor, &current, StageChangeKind::Altered);
                record.definition = definition;
                store_version(draft, account, Some(&current), &record)?;
                Ok(Altered::new(record))
            },
        )
    }

    /// As [`Catalog::rename_stage`].
    pub fn rename_stage(
        &mut self,
        name: &str,
        new_name: &str,
        expected: Expected,
    ) -> Result<StageRecord, Error> {
        let actor = self.actor;
        names::check_stage_name(new_name)?;
        self.write_once(
            || format!("{name} to {new_name}"),
            |_| Ok(Arguments::of(name).text(new_name).expected(expected)),
            Operation::RenameStage,
            |draft| {
                let account = &actor.account;
                let current = existing(draft, account, name, expected)?;
                if live(draft.view(), account, new_name)?.is_some() {
                    return Err(exists(new_name));
                }
                rules::no_sub_stages(draft.view(), account, name)?;
                let mut record = next(draft, actor, &current, StageChangeKind::Renamed);
                new_name.clone_into(&mut record.name);
                store_version(draft, account, Some(&current), &record)?;
                Ok(record)
            },
        )
    }

    /// As [`Catalog::undrop_stage`].
    pub fn undrop_stage(&mut self, name: &str, expected: Expected) -> Result<StageRecord, Error> {
        let actor = self.actor;
        self.write_once(
            || name.to_owned(),
            |_| Ok(undrop_arguments(name, expected)),
            Operation::UndropStage,
            |draft| {
                let account = &actor.account;
                if live(draft.view(), account, name)?.is_some() {
                    return Err(exists(name));
                }
                let (mark, current) =
                    newest_dropped(draft.view(), account, name)?.ok_or_else(|| not_exists(name))?;
                let what = format!("the dropped stage {name}");
                expected.check(&what, current.id, current.version)?;
                rules::location(
                    draft.view(),
                    account,
                    name,
                    current.definition.url.as_deref(),
                )?;
                let mut record = next(draft, actor, &current, StageChangeKind::Undropped);
                record.dropped = false;
                draft.delete(mark);
                store_version(draft, account, Some(&current), &record)?;
                Ok(record)
            },
        )
    }

    /// As [`Catalog::rollback_stage`].
    pub fn rollback_stage(
        &mut self,
        name: &str,
        to_version: u64,
        expected: Expected,
    ) -> Result<StageRecord, Error> {
        let actor = self.actor;
        self.write_once(
            || format!("{name} to version {to_version}"),
            |_| Ok(Arguments::of(name).number(to_version).expected(expected)),
            Operation::RollbackStage,
            |draft| {
                let account = &actor.account;
                let current = existing(draft, account, name, expected)?;
                let key = keys::stage_version(account, current.id, to_version);
                let Some(old) = draft.view().get::<StageRecord>(&key)? else {
                    let oldest = retention::oldest_version(draft.view(), account, current.id)?;
                    return Err(Error::not_found(format!(
                        "the stage {name} has no version {to_version}, it has versions {oldest} to {}",
                        current.version
                    )));
                };
                rules::location(draft.view(), account, name, old.definition.url.as_deref())?;
                secrets::check_not_shredded(&old)?;
                let mut record = next(draft, actor, &current, StageChangeKind::RolledBack);
                record.definition = old.definition;
                store_version(draft, account, Some(&current), &record)?;
                Ok(record)
            },
        )
    }
}

/// Without a version it is known by what it was before one could be given.
fn undrop_arguments(name: &str, expected: Expected) -> Arguments {
    match expected {
        Expected::Any => Arguments::of(name),
        Expected::Version(_) | Expected::Record { .. } => Arguments::of(name).expected(expected),
    }
}

pub(super) fn exists(name: &str) -> Error {
    Error::new(ErrorKind::AlreadyExists, format!("the stage {name} exists"))
}

pub(super) fn not_exists(name: &str) -> Error {
    Error::not_found(format!("the stage {name} not exists"))
}

pub(super) fn existing(
    draft: &Draft<'_>,
    account: &str,
    name: &str,
    expected: Expected,
) -> Result<StageRecord, Error> {
    let record = live(draft.view(), account, name)?.ok_or_else(|| not_exists(name))?;
    expected.check(&format!("the stage {name}"), record.id, record.version)?;
    Ok(record)
}

/// The next version, which the caller then changes.
pub(super) fn next(
    draft: &Draft<'_>,
    actor: &Actor,
    current: &StageRecord,
    change: StageChangeKind,
) -> StageRecord {
    StageRecord {
        version: current.version + 1,
        changed_us: draft.now_us(),
        changed_by: actor.to_string(),
        change,
        ..current.clone()
    }
}

/// Takes away what the version before has put under its name, then puts the new version and its marks.
pub(super) fn store_version(
    draft: &mut Draft<'_>,
    account: &str,
    before: Option<&StageRecord>,
    record: &StageRecord,
) -> Result<(), Error> {
    secrets::check_sealed(&record.definition.credentials)?;
    draft.stage_version(record.version);
    if !record.definition.directory {
        directory::switched_off(draft, account, record.id)?;
    }
    if let Some(before) = before {
        draft.delete(keys::stage(account, &before.name));
        for key in marks(account, before) {
            draft.delete(key);
        }
    }
    if !record.dropped {
        draft.put(keys::stage(account, &record.name), record);
        for key in marks(account, record) {
            draft.mark(key);
        }
    }
    draft.put(
        keys::stage_version(account, record.id, record.version),
        record,
    );
    Ok(())
}

/// The marks of a live stage.
fn marks(account: &str, record: &StageRecord) -> Vec<String> {
    let name = &record.name;
    let enabled = record
        .definition
        .enabled
        .then(|| keys::stage_enabled(account, name));
    let parent = record.definition.url.as_deref().and_then(rules::parent);
    let child = parent.map(|parent| keys::stage_child(account, parent, name));
    enabled.into_iter().chain(child).collect()
}
