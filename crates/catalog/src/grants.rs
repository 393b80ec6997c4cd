//! Grants: which role has which privileges on what, and reading them. The changes are in
//! `grants/change.rs`, the words in `grants/privilege.rs` and `grants/securable.rs`.

mod automatic;
mod change;
mod privilege;
mod securable;

pub(crate) use automatic::{
    delete_of_role, delete_on, put_on_new_stage, put_ownership, put_stage_default,
};
pub use change::{Granted, Revoked};
pub use privilege::{Privilege, PrivilegeSet};
pub use securable::Securable;

use crate::error::Error;
use crate::store::View;
use crate::{Catalog, keys, roles};

/// The privileges of one role on one thing. There is none without privileges.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Grant {
    /// Who has them.
    pub role_id: u64,
    /// On what.
    pub on: Securable,
    /// Which.
    pub privileges: PrivilegeSet,
    /// Who changed them last, as `account:user` or `account:user:role`.
    pub granted_by: String,
    /// When they were changed last, in microseconds since 1970 UTC.
    pub granted_us: u64,
}

impl Grant {
    pub(crate) fn key(&self, account: &str) -> String {
        key(account, self.on, self.role_id)
    }
}

impl Catalog {
    /// What a role of an account was granted; nothing for one that does not exist, or that has every
    /// privilege. Looks at the keys of all grants of the account.
    pub fn grants_of_role(&self, account: &str, role: &str) -> Result<Vec<Grant>, Error> {
        self.store.read(|view| {
            let Some(role) = roles::find(view, account, role)? else {
                return Ok(Vec::new());
            };
            let mut grants = Vec::new();
            for key in of_role(view, account, role.id)? {
                grants.extend(view.get::<Grant>(&key)?);
            }
            Ok(grants)
        })
    }

    /// The grants on one thing, by role id. Not those on what is around it: [`Securable::Tables`] says
    /// nothing of one table here.
    pub fn grants_on(&self, account: &str, on: Securable) -> Result<Vec<Grant>, Error> {
        self.store.read(|view| view.list(&prefix(account, on)))
    }

    /// All privileges that any of these roles has on any of these things: one read for each pair.
    ///
    /// For one table, ask for the table, its database's tables and every table at once. The roles of
    /// admins have no grants: whoever asks knows them beforehand.
    pub fn privileges_on(
        &self,
        account: &str,
        role_ids: &[u64],
        securables: &[Securable],
    ) -> Result<PrivilegeSet, Error> {
        self.store.read(|view| {
            let mut all = PrivilegeSet::EMPTY;
            for &on in securables {
                for &role_id in role_ids {
                    let grant: Option<Grant> = view.get(&key(account, on, role_id))?;
                    all = grant.map_or(all, |grant| all.union(grant.privileges));
                }
            }
            Ok(all)
        })
    }
}

fn key(account: &str, on: Securable, role_id: u64) -> String {
    keys::grant(account, on.kind(), on.id().unwrap_or_default(), role_id)
}

fn prefix(account: &str, on: Securable) -> String {
    keys::grants_on(account, on.kind(), on.id().unwrap_or_default())
}

fn of_role(view: View<'_>, account: &str, role_id: u64) -> Result<Vec<String>, Error> {
    let last = format!("{role_id:016x}");
    let mut keys = view.keys(&keys::all_grants(account))?;
    keys.retain(|key| keys::last_part(key) == last);
    Ok(keys)
}
