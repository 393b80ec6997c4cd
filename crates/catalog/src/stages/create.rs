//! Making a stage, or giving one another definition under its id.

use super::change::{exists, next, not_exists, store_version};
use super::{StageChangeKind, StageDefinition, StageRecord, live, rules};
use crate::error::Error;
use crate::options::{Actor, Created, Expected, OnExists};
use crate::requests::{Arguments, Operation};
use crate::secrets::Credentials;
use crate::store::Draft;
use crate::{Catalog, Transaction, accounts, grants, names};

impl Catalog {
    /// Makes a stage, and grants READ and WRITE on it to `public`; or gives an existing one a new definition (a new version of the same id).
    ///
    /// To replace by an equal definition changes nothing and answers
    /// [`Kept`](crate::CreateOutcome::Kept). `expected` is looked at with [`OnExists::Replace`] alone: it
    /// says which version the new definition may take the place of.
    ///
    /// Errors: `AlreadyExists`; `Conflict`; `Invalid` for a name or a cycle of sub-stages; `NotFound` for
    /// a parent that does not exist, and where a version to replace is expected but there is no stage.
    pub fn create_stage(
        &self,
        actor: &Actor,
        name: &str,
        definition: StageDefinition,
        on_exists: OnExists,
        expected: Expected,
    ) -> Result<Created<StageRecord>, Error> {
        self.transaction(actor, |all| {
            all.create_stage(name, definition, on_exists, expected)
        })
    }

    /// What a create is known by when it is given again.
    fn create_arguments(
        &self,
        draft: &mut Draft<'_>,
        name: &str,
        definition: &StageDefinition,
        on_exists: OnExists,
        expected: Expected,
    ) -> Result<Arguments, Error> {
        let StageDefinition {
            url,
            enabled,
            directory,
            comment,
            credentials,
            policy,
        } = definition;
        Ok(Arguments::of(name)
            .maybe(url.as_deref(), Arguments::text)
            .flag(*enabled)
            .flag(*directory)
            .text(comment)
            .credentials(self.secrets.comparable(draft, credentials)?)
            .on_exists(on_exists)
            .expected(expected)
            .policy(policy))
    }
}

impl Transaction<'_> {
    /// As [`Catalog::create_stage`].
    pub fn create_stage(
        &mut self,
        name: &str,
        definition: StageDefinition,
        on_exists: OnExists,
        expected: Expected,
    ) -> Result<Created<StageRecord>, Error> {
        let (catalog, actor) = (self.catalog, self.actor);
        names::check_stage_name(name)?;
        self.write_once(
            || name.to_owned(),
            |draft| catalog.create_arguments(draft, name, &definition, on_exists, expected),
            Operation::CreateStage,
            |draft| {
                let definition = definition.clone();
                let account = &actor.account;
                let Some(current) = live(draft.view(), account, name)? else {
                    if on_exists == OnExists::Replace && expected != Expected::Any {
                        return Err(not_exists(name));
                    }
                    accounts::require(draft.view(), account)?;
                    rules::location(draft.view(), account, name, definition.url.as_deref())?;
                    let id = draft.next_id(account, "stage")?;
                    let none = Credentials::default();
                    let definition = catalog.settle(draft, account, (id, 1), &none, definition)?;
                    let record = StageRecord {
                        id,
                        name: name.to_owned(),
                        version: 1,
                        definition,
                        created_us: draft.now_us(),
                        changed_us: draft.now_us(),
                        changed_by: actor.to_string(),
                        change: StageChangeKind::Created,
                        dropped: false,
                    };
                    store_version(draft, account, None, &record)?;
                    grants::put_on_new_stage(draft, actor, record.id)?;
                    return Ok(Created::new(record));
                };
                match on_exists {
                    OnExists::Error => Err(exists(name)),
                    OnExists::Keep => Ok(Created::kept(current)),
                    OnExists::Replace => {
                        expected.check(
                            &format!("the stage {name}"),
                            current.id,
                            current.version,
                        )?;
                        let at = (current.id, current.version + 1);
                        let before = &current.definition.credentials;
                        let definition = catalog.settle(draft, account, at, before, definition)?;
                        if current.definition == definition {
                            return Ok(Created::kept(current));
                        }
                        rules::location(draft.view(), account, name, definition.url.as_deref())?;
                        let mut record = next(draft, actor, &current, StageChangeKind::Replaced);
                        record.definition = definition;
                        store_version(draft, account, Some(&current), &record)?;
                        Ok(Created::replaced(record, current))
                    }
                }
            },
        )
    }
}
