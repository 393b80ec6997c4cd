//! Making and dropping roles.

use super::{ADMIN_OF_OTHERS, ADMIN_OF_SYS, PUBLIC_ROLE, RoleRecord, existing, find};
use crate::answers::Altered;
use crate::error::{Error, ErrorKind};
use crate::options::{Actor, Created, Expected, OnExists};
use crate::requests::{Arguments, Operation};
use crate::store::{Draft, View};
use crate::users::{self, UserRecord};
use crate::{Catalog, Transaction, accounts, grants, keys, names};

/// A role to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewRole {
    /// Its name, which holds nothing that parts a login.
    pub name: String,
    /// Free text.
    pub comment: String,
}

impl Catalog {
    /// Makes a role of the actor's account, with no privileges and no members.
    ///
    /// Errors: `AlreadyExists`; `NotFound` for the account; `Invalid` for a name, also for that of a
    /// built-in role of any account, and for [`OnExists::Replace`].
    pub fn create_role(
        &self,
        actor: &Actor,
        new: NewRole,
        on_exists: OnExists,
    ) -> Result<Created<RoleRecord>, Error> {
        self.transaction(actor, |all| all.create_role(new, on_exists))
    }

    /// Sets the comment of a role of the actor's account; one that is as it was makes no version.
    ///
    /// Errors: `NotFound`, `Conflict`.
    pub fn alter_role(
        &self,
        actor: &Actor,
        name: &str,
        comment: String,
        expected: Expected,
    ) -> Result<Altered<RoleRecord>, Error> {
        self.transaction(actor, |all| all.alter_role(name, comment, expected))
    }

    /// Drops a role of the actor's account, with what it was granted; whoever had it has it no more. `None` when this
    /// request had done it before.
    ///
    /// Errors: `NotFound`, `Conflict`; `Invalid` for a built-in role.
    pub fn drop_role(
        &self,
        actor: &Actor,
        name: &str,
        expected: Expected,
    ) -> Result<Option<RoleRecord>, Error> {
        self.transaction(actor, |all| all.drop_role(name, expected))
    }
}

impl Transaction<'_> {
    /// As [`Catalog::create_role`].
    pub fn create_role(
        &mut self,
        new: NewRole,
        on_exists: OnExists,
    ) -> Result<Created<RoleRecord>, Error> {
        let actor = self.actor;
        let NewRole { name, comment } = new;
        names::check_login("a role", &name)?;
        if on_exists == OnExists::Replace {
            return Err(Error::invalid(format!(
                "the role {name} cannot be replaced, drop it first"
            )));
        }
        let arguments = Arguments::of(&name).text(&comment).on_exists(on_exists);
        let target = name.clone();
        self.write_once(
            || target,
            |_| Ok(arguments),
            Operation::CreateRole,
            |draft| {
                let account = &actor.account;
                accounts::existing(draft.view(), account)?;
                match find(draft.view(), account, &name)? {
                    Some(_) if on_exists == OnExists::Error => {
                        let message = format!("the role {name} exists");
                        return Err(Error::new(ErrorKind::AlreadyExists, message));
                    }
                    Some(current) => return Ok(Created::kept(current)),
                    None => {}
                }
                // Whoever compares names must not take one role for another account's admin.
                if [ADMIN_OF_SYS, ADMIN_OF_OTHERS, PUBLIC_ROLE].contains(&name.as_str()) {
                    return Err(Error::invalid(format!(
                        "the name {name} is kept for a built-in role, choose another"
                    )));
                }
                let record = RoleRecord {
                    id: draft.next_id(account, "role")?,
                    name,
                    version: 1,
                    built_in: false,
                    comment,
                    created_us: draft.now_us(),
                };
                draft.put(keys::role(account, &record.name), &record);
                Ok(Created::new(record))
            },
        )
    }

    /// As [`Catalog::alter_role`].
    pub fn alter_role(
        &mut self,
        name: &str,
        comment: String,
        expected: Expected,
    ) -> Result<Altered<RoleRecord>, Error> {
        let actor = self.actor;
        self.write_once(
            || name.to_owned(),
            |_| Ok(Arguments::of(name).text(&comment).expected(expected)),
            Operation::AlterRole,
            |draft| {
                let current = expected_role(draft.view(), &actor.account, name, expected)?;
                if current.comment == comment {
                    return Ok(Altered::unchanged(current));
                }
                let record = RoleRecord {
                    version: current.version + 1,
                    comment: comment.clone(),
                    ..current
                };
                draft.put(keys::role(&actor.account, name), &record);
                Ok(Altered::new(record))
            },
        )
    }

    /// As [`Catalog::drop_role`].
    pub fn drop_role(
        &mut self,
        name: &str,
        expected: Expected,
    ) -> Result<Option<RoleRecord>, Error> {
        let actor = self.actor;
        self.write_once(
            || name.to_owned(),
            |_| Ok(drop_arguments(name, expected)),
            Operation::DropRole,
            |draft| {
                let account = &actor.account;
                let record = expected_role(draft.view(), account, name, expected)?;
                if record.built_in {
                    return Err(Error::invalid(format!(
                        "the role {name} is built in and cannot be dropped"
                    )));
                }
                grants::delete_of_role(draft, account, record.id)?;
                delete_members(draft, account, record.id)?;
                draft.delete(keys::role(account, name));
                Ok(Some(record))
            },
        )
    }
}

fn expected_role(
    view: View<'_>,
    account: &str,
    name: &str,
    expected: Expected,
) -> Result<RoleRecord, Error> {
    let record = existing(view, account, name)?;
    expected.check(&format!("the role {name}"), record.id, record.version)?;
    Ok(record)
}

/// Without a version it is known by what it was before there were any.
fn drop_arguments(name: &str, expected: Expected) -> Arguments {
    match expected {
        Expected::Any => Arguments::of(name),
        Expected::Version(_) | Expected::Record { .. } => Arguments::of(name).expected(expected),
    }
}

fn delete_members(draft: &mut Draft<'_>, account: &str, role_id: u64) -> Result<(), Error> {
    let last = format!("{role_id:016x}");
    for mark in draft.view().keys(&keys::all_user_roles(account))? {
        if keys::last_part(&mark) == last {
            draft.delete(mark);
        }
    }
    for mut user in draft.view().list::<UserRecord>(&keys::users(account))? {
        if user.default_role == Some(role_id) {
            user.default_role = None;
            users::put_next(draft, account, user);
        }
    }
    Ok(())
}
