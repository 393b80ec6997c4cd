//! Users: what a user record is, and reading users. The changes are in `users/change.rs`, what they
//! must not break in `users/admins.rs`.

pub(crate) mod admins;
mod change;

pub use change::{NewUser, UserChange};

use std::fmt;

use crate::error::Error;
use crate::store::{Draft, View};
use crate::{Catalog, keys};

/// The hash of a password, in the text form of whoever made it: the catalog only keeps it.
#[derive(Clone, Eq, PartialEq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes the text of a hash.
    pub fn new(text: impl Into<String>) -> PasswordHash {
        PasswordHash(text.into())
    }

    /// The text, for comparing a password with it. Not to be shown.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// `***`, whatever it is.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A user of an account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserRecord {
    /// Never given to another user of an account of that name.
    pub id: u64,
    /// Their name.
    pub name: String,
    /// From 1, one more with each change.
    pub version: u64,
    /// `None` when they cannot log in with a password.
    pub password: Option<PasswordHash>,
    /// From 1, one more when the password changes or they are locked: tokens of an older epoch are dead.
    pub password_epoch: u64,
    /// The id of the role that they have when they name none; `None` is `public`.
    pub default_role: Option<u64>,
    /// Whether they may not log in.
    pub locked: bool,
    /// Free text.
    pub comment: String,
    /// When they were made, in microseconds since 1970 UTC.
    pub created_us: u64,
    /// When this version was made, in microseconds since 1970 UTC.
    pub changed_us: u64,
}

impl Catalog {
    /// A user; `None` when there is none of that name.
    pub fn user(&self, account: &str, name: &str) -> Result<Option<UserRecord>, Error> {
        self.store.read(|view| find(view, account, name))
    }

    /// All users of an account, by name.
    pub fn users(&self, account: &str) -> Result<Vec<UserRecord>, Error> {
        self.store.read(|view| view.list(&keys::users(account)))
    }

    /// At most `limit` users of an account by name, from behind `after_name` or from the first.
    pub fn users_page(
        &self,
        account: &str,
        after_name: Option<&str>,
        limit: usize,
    ) -> Result<Vec<UserRecord>, Error> {
        let after = keys::user(account, after_name.unwrap_or_default());
        self.store
            .read(|view| view.list_after(&keys::users(account), &after, limit))
    }
}

pub(crate) fn find(view: View<'_>, account: &str, name: &str) -> Result<Option<UserRecord>, Error> {
    view.get(&keys::user(account, name))
}

pub(crate) fn existing(view: View<'_>, account: &str, name: &str) -> Result<UserRecord, Error> {
    find(view, account, name)?
        .ok_or_else(|| Error::not_found(format!("the user {name} not exists")))
}

/// What a new user begins with, checked by the caller.
pub(crate) struct Definition {
    pub(crate) password: Option<PasswordHash>,
    pub(crate) default_role: Option<u64>,
    pub(crate) comment: String,
}

/// Puts a user; the caller has seen that there is none of the name. Once in a mutation.
pub(crate) fn put_new(
    draft: &mut Draft<'_>,
    account: &str,
    name: &str,
    definition: Definition,
) -> Result<UserRecord, Error> {
    let record = UserRecord {
        id: draft.next_id(account, "user")?,
        name: name.to_owned(),
        version: 1,
        password: definition.password,
        password_epoch: 1,
        default_role: definition.default_role,
        locked: false,
        comment: definition.comment,
        created_us: draft.now_us(),
        changed_us: draft.now_us(),
    };
    draft.put(keys::user(account, name), &record);
    Ok(record)
}

/// Puts the next version of a user.
pub(crate) fn put_next(draft: &mut Draft<'_>, account: &str, mut after: UserRecord) -> UserRecord {
    after.version += 1;
    after.changed_us = draft.now_us();
    draft.put(keys::user(account, &after.name), &after);
    after
}

pub(crate) use change::put_admin;
