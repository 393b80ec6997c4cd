//! Making an account with all it begins with, and changing one.

use super::{AccountRecord, SYS_ACCOUNT, existing, find, removal};
use crate::answers::Altered;
use crate::databases;
use crate::error::{Error, ErrorKind};
use crate::options::{Actor, Created, Expected, OnExists};
use crate::requests::{Arguments, Operation};
use crate::store::{Draft, View};
use crate::users::{self, PasswordHash};
use crate::{Catalog, keys, names, roles};

/// An account to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewAccount {
    /// Its name, no part of which may part a login.
    pub name: String,
    /// The user who gets its admin role.
    pub admin_name: String,
    /// That user's password.
    pub admin_password: PasswordHash,
    /// Free text.
    pub comment: String,
    /// A database that is made with it.
    pub default_database: Option<String>,
}

/// What an alter sets of an account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AccountChange {
    /// Its admin: the user of that name is made, or if they exist unlocked, and has this password and
    /// the admin role from now on. Their tokens die with the old password. Other admins stay.
    Admin {
        /// The user.
        name: String,
        /// The new password.
        password: PasswordHash,
    },
    /// Whether nobody may log in. Not for `sys`.
    Suspended(bool),
    /// The free text.
    Comment(String),
}

/// What an account begins with.
pub(super) struct Beginning {
    pub(super) name: String,
    pub(super) admin_name: String,
    /// `None` when the admin cannot log in with a password yet.
    pub(super) admin_password: Option<PasswordHash>,
    pub(super) comment: String,
    pub(super) default_database: Option<String>,
}

impl From<NewAccount> for Beginning {
    fn from(new: NewAccount) -> Beginning {
        Beginning {
            name: new.name,
            admin_name: new.admin_name,
            admin_password: Some(new.admin_password),
            comment: new.comment,
            default_database: new.default_database,
        }
    }
}

/// What [`put_new`] has put.
pub(super) struct Made {
    pub(super) record: AccountRecord,
    /// The id of its role `public`.
    pub(super) public_id: u64,
}

impl Catalog {
    /// Makes an account with its roles, its admin and its first database, in one change.
    ///
    /// Errors: `AlreadyExists`; `Invalid` for a name, for [`OnExists::Replace`], and before
    /// [`Catalog::bootstrap`].
    pub fn create_account(
        &self,
        actor: &Actor,
        new: NewAccount,
        on_exists: OnExists,
    ) -> Result<Created<AccountRecord>, Error> {
        check(&new)?;
        if on_exists == OnExists::Replace {
            return Err(Error::invalid(format!(
                "the account {} cannot be replaced, drop it first",
                new.name
            )));
        }
        let name = new.name.clone();
        self.write_once(
            actor,
            || name,
            |_| Ok(create_arguments(&new, on_exists)),
            Operation::CreateAccount,
            |draft| {
                let new = new.clone();
                if find(draft.view(), SYS_ACCOUNT)?.is_none() {
                    return Err(Error::invalid(format!(
                        "there is no account {SYS_ACCOUNT} yet, bootstrap the catalog first"
                    )));
                }
                match find(draft.view(), &new.name)? {
                    Some(_) if on_exists == OnExists::Error => Err(Error::new(
                        ErrorKind::AlreadyExists,
                        format!("the account {} exists", new.name),
                    )),
                    Some(current) => Ok(Created::kept(current)),
                    None => {
                        // What somebody still acting in a dropped account of the name has left.
                        removal::delete_all(draft, &new.name)?;
                        Ok(Created::new(put_new(draft, new.into())?.record))
                    }
                }
            },
        )
    }

    /// Changes an account, all that is given or nothing, in one version. Errors: `NotFound`, `Conflict`; `Invalid`
    /// for suspending `sys`, for the name of an admin and for two of them.
    pub fn alter_account(
        &self,
        actor: &Actor,
        name: &str,
        changes: impl IntoIterator<Item = AccountChange>,
        expected: Expected,
    ) -> Result<Altered<AccountRecord>, Error> {
        let changes: Vec<AccountChange> = changes.into_iter().collect();
        self.write_once(
            actor,
            || name.to_owned(),
            |_| Ok(alter_arguments(name, &changes, expected)),
            Operation::AlterAccount,
            |draft| {
                let current = expected_account(draft.view(), name, expected)?;
                let mut after = current.clone();
                let mut is_new_admin = false;
                for change in changes.iter().cloned() {
                    match change {
                        AccountChange::Admin { .. } if is_new_admin => {
                            return Err(Error::invalid("an account gets one admin at a time"));
                        }
                        AccountChange::Admin {
                            name: admin,
                            password,
                        } => {
                            users::put_admin(draft, name, &admin, password)?;
                            after.admin_name = admin;
                            is_new_admin = true;
                        }
                        AccountChange::Suspended(suspended) => {
                            if suspended && name == SYS_ACCOUNT {
                                return Err(Error::invalid(format!(
                                    "the account {SYS_ACCOUNT} cannot be suspended, for nobody could take it back"
                                )));
                            }
                            after.suspended = suspended;
                        }
                        AccountChange::Comment(comment) => after.comment = comment,
                    }
                }
                if after == current && !is_new_admin {
                    return Ok(Altered::unchanged(current));
                }
                after.version += 1;
                after.changed_us = draft.now_us();
                draft.put(keys::account(name), &after);
                draft.concerns(name);
                Ok(Altered::new(after))
            },
        )
    }
}

pub(super) fn expected_account(
    view: View<'_>,
    name: &str,
    expected: Expected,
) -> Result<AccountRecord, Error> {
    let record = existing(view, name)?;
    expected.check(&format!("the account {name}"), record.id, record.version)?;
    Ok(record)
}

/// What a create is known by when it is given again.
fn create_arguments(new: &NewAccount, on_exists: OnExists) -> Arguments {
    let NewAccount {
        name,
        admin_name,
        admin_password,
        comment,
        default_database,
    } = new;
    Arguments::of(name)
        .text(admin_name)
        .text(admin_password.expose())
        .text(comment)
        .maybe(default_database.as_deref(), Arguments::text)
        .on_exists(on_exists)
}

fn alter_arguments(name: &str, changes: &[AccountChange], expected: Expected) -> Arguments {
    let counted = Arguments::of(name).number(changes.len() as u64);
    let all = changes.iter().fold(counted, |all, change| match change {
        AccountChange::Admin { name, password } => all.number(1).text(name).text(password.expose()),
        AccountChange::Suspended(suspended) => all.number(2).flag(*suspended),
        AccountChange::Comment(comment) => all.number(3).text(comment),
    });
    all.expected(expected)
}

fn check(new: &NewAccount) -> Result<(), Error> {
    names::check_login("an account", &new.name)?;
    names::check_login("a user", &new.admin_name)?;
    match &new.default_database {
        Some(database) => names::check("a database", database),
        None => Ok(()),
    }
}

/// Puts an account and all it begins with; the caller has seen that there is none.
pub(super) fn put_new(draft: &mut Draft<'_>, new: Beginning) -> Result<Made, Error> {
    let account = &new.name;
    let record = AccountRecord {
        id: draft.next_id(keys::CLUSTER, "account")?,
        name: new.name.clone(),
        version: 1,
        admin_name: new.admin_name.clone(),
        suspended: false,
        comment: new.comment,
        created_us: draft.now_us(),
        changed_us: draft.now_us(),
    };
    draft.put(keys::account(account), &record);
    let built_in = roles::put_built_in(draft, account)?;
    let admin = users::Definition {
        password: new.admin_password,
        default_role: Some(built_in.admin_id),
        comment: String::new(),
    };
    let user = users::put_new(draft, account, &new.admin_name, admin)?;
    draft.mark(keys::user_role(account, user.id, built_in.admin_id));
    if let Some(database) = &new.default_database {
        databases::put_new(draft, account, database)?;
    }
    Ok(Made {
        record,
        public_id: built_in.public_id,
    })
}
