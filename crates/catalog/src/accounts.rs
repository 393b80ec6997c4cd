//! Accounts: what an account record is, and reading accounts. The first one is made in
//! `accounts/bootstrap.rs`, the changes are in `accounts/change.rs` and `accounts/removal.rs`.

mod bootstrap;
mod change;
mod removal;

pub use bootstrap::ROOT_USER;
pub use change::{AccountChange, NewAccount};
pub use removal::DroppedAccount;

use crate::error::Error;
use crate::store::View;
use crate::{Catalog, keys};

/// The account that administers the others; it always exists and cannot be dropped or suspended.
pub const SYS_ACCOUNT: &str = "sys";

/// An account: a name under which everything else lives, seen by nobody outside it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccountRecord {
    /// Never given to another account of the catalog: one made again under the name has another.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// From 1, one more with each change.
    pub version: u64,
    /// The user who was named its admin last; they may have been dropped since.
    pub admin_name: String,
    /// Whether nobody may log in.
    pub suspended: bool,
    /// Free text.
    pub comment: String,
    /// When it was made, in microseconds since 1970 UTC.
    pub created_us: u64,
    /// When this version was made, in microseconds since 1970 UTC.
    pub changed_us: u64,
}

impl Catalog {
    /// An account; `None` when there is none of that name.
    pub fn account(&self, name: &str) -> Result<Option<AccountRecord>, Error> {
        self.store.read(|view| find(view, name))
    }

    /// All accounts, by name.
    pub fn accounts(&self) -> Result<Vec<AccountRecord>, Error> {
        self.store.read(|view| view.list(&keys::accounts()))
    }

    /// At most `limit` accounts by name, from behind `after_name` or from the first.
    pub fn accounts_page(
        &self,
        after_name: Option<&str>,
        limit: usize,
    ) -> Result<Vec<AccountRecord>, Error> {
        let after = keys::account(after_name.unwrap_or_default());
        self.store
            .read(|view| view.list_after(&keys::accounts(), &after, limit))
    }
}

pub(crate) fn find(view: View<'_>, name: &str) -> Result<Option<AccountRecord>, Error> {
    view.get(&keys::account(name))
}

pub(crate) fn existing(view: View<'_>, name: &str) -> Result<AccountRecord, Error> {
    find(view, name)?.ok_or_else(|| not_exists(name))
}

/// Refuses an account that does not exist, so that somebody still acting in one that was dropped
/// meanwhile leaves nothing for the next account of that name. A catalog that was never bootstrapped
/// has no account records and takes every name.
pub(crate) fn require(view: View<'_>, name: &str) -> Result<(), Error> {
    if find(view, name)?.is_none() && find(view, SYS_ACCOUNT)?.is_some() {
        return Err(not_exists(name));
    }
    Ok(())
}

fn not_exists(name: &str) -> Error {
    Error::not_found(format!("the account {name} not exists"))
}
