//! The credentials of external tables whose rows another server has: sealed as those of stages are, in records of
//! their own beside the tables'.

use crate::error::Error;
use crate::secrets::{Credentials, OpenValue, Owner};
use crate::store::{Draft, View};
use crate::tables::TableRecord;
use crate::{Catalog, keys, secrets};

/// What is stored beside an external table that has credentials.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TableCredentials {
    /// The table's id.
    pub(crate) table: u64,
    pub(crate) credentials: Credentials,
}

impl Catalog {
    /// The credentials of a table, opened, in their order; none for most tables.
    ///
    /// Errors: as [`Catalog::credentials`].
    pub fn table_credentials(
        &self,
        account: &str,
        table: &TableRecord,
    ) -> Result<Vec<(String, OpenValue)>, Error> {
        let stored = self.store.read(|view| of_table(view, account, table.id))?;
        let owner = Owner::Table {
            account,
            id: table.id,
        };
        let whose = format!("the table {}.{}", table.database, table.name);
        self.opened(owner, &whose, &stored)
    }

    /// Seals the credentials of a new table, and puts them if there are any; gives them as they are stored.
    pub(super) fn put_table_credentials(
        &self,
        draft: &mut Draft<'_>,
        account: &str,
        table: u64,
        given: &Credentials,
    ) -> Result<Credentials, Error> {
        if given.is_empty() {
            return Ok(Credentials::default());
        }
        let owner = Owner::Table { account, id: table };
        let none = Credentials::default();
        let credentials = self.secrets.settle(draft, owner, 1, &none, given)?;
        secrets::check_sealed(&credentials)?;
        let record = TableCredentials {
            table,
            credentials: credentials.clone(),
        };
        draft.put(keys::table_credentials(account, table), &record);
        Ok(credentials)
    }
}

pub(super) fn of_table(view: View<'_>, account: &str, table: u64) -> Result<Credentials, Error> {
    let stored: Option<TableCredentials> = view.get(&keys::table_credentials(account, table))?;
    Ok(stored.map(|stored| stored.credentials).unwrap_or_default())
}

/// All of an account's.
pub(crate) fn of_account(view: View<'_>, account: &str) -> Result<Vec<TableCredentials>, Error> {
    view.list(&keys::all_table_credentials(account))
}
