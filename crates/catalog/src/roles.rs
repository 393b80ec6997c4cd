//! Roles: what a role record is, the built-in ones, and reading roles. Making and dropping them is in
//! `roles/change.rs`, who has them in `roles/members.rs`.

mod change;
mod members;

pub use change::NewRole;
pub(crate) use members::{has, is_member};

use crate::accounts::SYS_ACCOUNT;
use crate::error::Error;
use crate::store::{Draft, View};
use crate::{Catalog, counters, keys};

/// The role that everyone in an account has, without having been given it.
pub const PUBLIC_ROLE: &str = "public";

const ADMIN_OF_SYS: &str = "moadmin";
const ADMIN_OF_OTHERS: &str = "accountadmin";

/// The role of an account that has every privilege: `moadmin` in `sys`, `accountadmin` in all others.
pub fn admin_role(account: &str) -> &'static str {
    if account == SYS_ACCOUNT {
        ADMIN_OF_SYS
    } else {
        ADMIN_OF_OTHERS
    }
}

/// A role of an account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoleRecord {
    /// Never given to another role of an account of that name.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// From 1, one more with each change of the record.
    pub version: u64,
    /// Whether it came with the account: it cannot be dropped.
    pub built_in: bool,
    /// Free text.
    pub comment: String,
    /// When it was made, in microseconds since 1970 UTC.
    pub created_us: u64,
}

impl RoleRecord {
    /// Whether it is the one that everyone has.
    pub fn is_public(&self) -> bool {
        self.built_in && self.name == PUBLIC_ROLE
    }

    /// Whether it has every privilege, which are not granted one by one.
    pub fn is_admin(&self) -> bool {
        self.built_in && self.name != PUBLIC_ROLE
    }
}

impl Catalog {
    /// A role; `None` when there is none of that name.
    pub fn role(&self, account: &str, name: &str) -> Result<Option<RoleRecord>, Error> {
        self.store.read(|view| find(view, account, name))
    }

    /// All roles of an account, by name.
    pub fn roles(&self, account: &str) -> Result<Vec<RoleRecord>, Error> {
        self.store.read(|view| view.list(&keys::roles(account)))
    }
}

pub(crate) fn find(view: View<'_>, account: &str, name: &str) -> Result<Option<RoleRecord>, Error> {
    view.get(&keys::role(account, name))
}

pub(crate) fn existing(view: View<'_>, account: &str, name: &str) -> Result<RoleRecord, Error> {
    find(view, account, name)?
        .ok_or_else(|| Error::not_found(format!("the role {name} not exists")))
}

/// The ids of a new account's roles.
pub(crate) struct BuiltIn {
    pub(crate) admin_id: u64,
    pub(crate) public_id: u64,
}

/// Puts the built-in roles of a new account.
pub(crate) fn put_built_in(draft: &mut Draft<'_>, account: &str) -> Result<BuiltIn, Error> {
    let admin_id = counters::reserve(draft, account, "role", 2)?;
    let public_id = admin_id + 1;
    for (id, name) in [(admin_id, admin_role(account)), (public_id, PUBLIC_ROLE)] {
        let record = RoleRecord {
            id,
            name: name.to_owned(),
            version: 1,
            built_in: true,
            comment: String::new(),
            created_us: draft.now_us(),
        };
        draft.put(keys::role(account, name), &record);
    }
    Ok(BuiltIn {
        admin_id,
        public_id,
    })
}
