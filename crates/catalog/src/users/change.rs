//! The changes of users.

use super::{Definition, PasswordHash, UserRecord, admins, existing, find, put_new, put_next};
use crate::answers::Altered;
use crate::error::{Error, ErrorKind};
use crate::options::{Actor, Created, Expected, OnExists};
use crate::requests::{Arguments, Operation};
use crate::store::Draft;
use crate::{Catalog, Transaction, accounts, keys, names, roles, tokens};

/// A user to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewUser {
    /// Their name, which holds nothing that parts a login.
    pub name: String,
    /// `None` when they cannot log in with a password.
    pub password: Option<PasswordHash>,
    /// A role that they get, and have when they name none.
    pub default_role: Option<String>,
    /// Free text.
    pub comment: String,
}

/// What an alter sets of a user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum UserChange {
    /// The password; their tokens die with the old one.
    Password(PasswordHash),
    /// Whether they may not log in; locking ends their tokens for good.
    Locked(bool),
    /// The role that they have when they name none; it must be theirs. `None` is `public`.
    DefaultRole(Option<String>),
    /// The free text.
    Comment(String),
}

impl Catalog {
    /// Makes a user of the actor's account.
    ///
    /// Errors: `AlreadyExists`; `NotFound` for the default role and the account; `Invalid` for a name
    /// and for [`OnExists::Replace`].
    pub fn create_user(
        &self,
        actor: &Actor,
        new: NewUser,
        on_exists: OnExists,
    ) -> Result<Created<UserRecord>, Error> {
        self.transaction(actor, |all| all.create_user(new, on_exists))
    }

    /// Changes a user of the actor's account, all that is given or nothing, in one version; what is as it was
    /// makes none.
    ///
    /// Errors: `NotFound` for user and role; `Forbidden` for a user with the admin role and an actor in another;
    /// `Conflict`; `Invalid` for a default role that the user does not have; `InUse` for locking the last admin.
    pub fn alter_user(
        &self,
        actor: &Actor,
        name: &str,
        changes: impl IntoIterator<Item = UserChange>,
        expected: Expected,
    ) -> Result<Altered<UserRecord>, Error> {
        self.transaction(actor, |all| all.alter_user(name, changes, expected))
    }

    /// Drops a user of the actor's account, with their roles and tokens. `None` when this request had done it before.
    ///
    /// Errors: `NotFound`; `Forbidden` for a user with the admin role and an actor in another; `Conflict`; `Invalid`
    /// for the actor's own user; `InUse` for the last admin.
    pub fn drop_user(
        &self,
        actor: &Actor,
        name: &str,
        expected: Expected,
    ) -> Result<Option<UserRecord>, Error> {
        self.transaction(actor, |all| all.drop_user(name, expected))
    }
}

impl Transaction<'_> {
    /// As [`Catalog::create_user`].
    pub fn create_user(
        &mut self,
        new: NewUser,
        on_exists: OnExists,
    ) -> Result<Created<UserRecord>, Error> {
        let actor = self.actor;
        names::check_login("a user", &new.name)?;
        if on_exists == OnExists::Replace {
            return Err(Error::invalid(format!(
                "the user {} cannot be replaced; alter or drop them",
                new.name
            )));
        }
        let name = new.name.clone();
        self.write_once(
            || name,
            |_| Ok(create_arguments(&new, on_exists)),
            Operation::CreateUser,
            |draft| {
                let new = new.clone();
                let account = &actor.account;
                accounts::existing(draft.view(), account)?;
                match find(draft.view(), account, &new.name)? {
                    Some(_) if on_exists == OnExists::Error => {
                        let message = format!("the user {} exists", new.name);
                        return Err(Error::new(ErrorKind::AlreadyExists, message));
                    }
                    Some(current) => return Ok(Created::kept(current)),
                    None => {}
                }
                let role = match &new.default_role {
                    Some(role) => Some(roles::existing(draft.view(), account, role)?),
                    None => None,
                };
                let definition = Definition {
                    password: new.password,
                    default_role: role.as_ref().map(|role| role.id),
                    comment: new.comment,
                };
                let record = put_new(draft, account, &new.name, definition)?;
                if let Some(role) = role.filter(|role| !role.is_public()) {
                    draft.mark(keys::user_role(account, record.id, role.id));
                }
                Ok(Created::new(record))
            },
        )
    }

    /// As [`Catalog::alter_user`].
    pub fn alter_user(
        &mut self,
        name: &str,
        changes: impl IntoIterator<Item = UserChange>,
        expected: Expected,
    ) -> Result<Altered<UserRecord>, Error> {
        let actor = self.actor;
        let changes: Vec<UserChange> = changes.into_iter().collect();
        self.write_once(
            || name.to_owned(),
            |_| Ok(alter_arguments(name, &changes, expected)),
            Operation::AlterUser,
            |draft| {
                let account = &actor.account;
                let current = expected_user(draft, actor, name, expected)?;
                let after = changes
                    .iter()
                    .cloned()
                    .try_fold(current.clone(), |user, change| {
                        changed(draft, account, user, change)
                    })?;
                if after == current {
                    return Ok(Altered::unchanged(current));
                }
                Ok(Altered::new(put_next(draft, account, after)))
            },
        )
    }

    /// As [`Catalog::drop_user`].
    pub fn drop_user(
        &mut self,
        name: &str,
        expected: Expected,
    ) -> Result<Option<UserRecord>, Error> {
        let actor = self.actor;
        self.write_once(
            || name.to_owned(),
            |_| Ok(Arguments::of(name).expected(expected)),
            Operation::DropUser,
            |draft| {
                let account = &actor.account;
                let record = expected_user(draft, actor, name, expected)?;
                if actor.user == name {
                    return Err(Error::invalid(format!(
                        "you are logged in as the user {name} and cannot drop it; another user with the role {} can",
                        roles::admin_role(account)
                    )));
                }
                admins::keep_one(draft.view(), account, &record, "dropped")?;
                for mark in draft.view().keys(&keys::user_roles(account, record.id))? {
                    draft.delete(mark);
                }
                tokens::delete_of_user(draft, account, record.id)?;
                draft.delete(keys::user(account, name));
                Ok(Some(record))
            },
        )
    }
}

fn expected_user(
    draft: &Draft<'_>,
    actor: &Actor,
    name: &str,
    expected: Expected,
) -> Result<UserRecord, Error> {
    let record = existing(draft.view(), &actor.account, name)?;
    admins::allow_touching(draft.view(), actor, &record)?;
    expected.check(&format!("the user {name}"), record.id, record.version)?;
    Ok(record)
}

/// What a create is known by when it is given again.
fn create_arguments(new: &NewUser, on_exists: OnExists) -> Arguments {
    let NewUser {
        name,
        password,
        default_role,
        comment,
    } = new;
    Arguments::of(name)
        .maybe(password.as_ref(), |all, hash| all.text(hash.expose()))
        .maybe(default_role.as_deref(), Arguments::text)
        .text(comment)
        .on_exists(on_exists)
}

fn alter_arguments(name: &str, changes: &[UserChange], expected: Expected) -> Arguments {
    let counted = Arguments::of(name).number(changes.len() as u64);
    let all = changes.iter().fold(counted, |all, change| match change {
        UserChange::Password(hash) => all.number(1).text(hash.expose()),
        UserChange::Locked(locked) => all.number(2).flag(*locked),
        UserChange::DefaultRole(role) => all.number(3).maybe(role.as_deref(), Arguments::text),
        UserChange::Comment(comment) => all.number(4).text(comment),
    });
    all.expected(expected)
}

fn changed(
    draft: &Draft<'_>,
    account: &str,
    mut user: UserRecord,
    change: UserChange,
) -> Result<UserRecord, Error> {
    match change {
        UserChange::Password(password) => {
            if user.password.as_ref() != Some(&password) {
                user.password = Some(password);
                user.password_epoch += 1;
            }
        }
        UserChange::Locked(locked) => {
            if locked && !user.locked {
                admins::keep_one(draft.view(), account, &user, "locked")?;
                user.password_epoch += 1;
            }
            user.locked = locked;
        }
        UserChange::DefaultRole(None) => user.default_role = None,
        UserChange::DefaultRole(Some(name)) => {
            let role = roles::existing(draft.view(), account, &name)?;
            if !role.is_public() && !roles::is_member(draft.view(), account, user.id, role.id)? {
                return Err(Error::invalid(format!(
                    "the user {} does not have the role {name}; grant it first",
                    user.name
                )));
            }
            user.default_role = Some(role.id);
        }
        UserChange::Comment(comment) => user.comment = comment,
    }
    Ok(user)
}

/// Makes a user an admin of an account with this password, whether they exist or not.
pub(crate) fn put_admin(
    draft: &mut Draft<'_>,
    account: &str,
    name: &str,
    password: PasswordHash,
) -> Result<(), Error> {
    names::check_login("a user", name)?;
    let role = roles::existing(draft.view(), account, roles::admin_role(account))?;
    let user = match find(draft.view(), account, name)? {
        Some(mut user) => {
            user.password = Some(password);
            user.password_epoch += 1;
            user.locked = false;
            user.default_role = user.default_role.or(Some(role.id));
            put_next(draft, account, user)
        }
        None => {
            let definition = Definition {
                password: Some(password),
                default_role: Some(role.id),
                comment: String::new(),
            };
            put_new(draft, account, name, definition)?
        }
    };
    draft.mark(keys::user_role(account, user.id, role.id));
    Ok(())
}
