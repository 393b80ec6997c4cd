//! What privileges are granted on, and which ones fit it.

use std::fmt;

use super::privilege::{Privilege, PrivilegeSet};
use crate::error::Error;
use crate::format::StoredTable;
use crate::stages::{self, StageRecord};
use crate::store::View;
use crate::{DatabaseRecord, keys};

/// What a privilege is granted on, within an account. The ids are those of the records.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Securable {
    /// The account itself.
    Account,
    /// Every database, also those yet to come.
    Databases,
    /// One database.
    Database(u64),
    /// Every table of every database, also those yet to come.
    Tables,
    /// Every table of the database with this id, also those yet to come.
    TablesOf(u64),
    /// One table.
    Table(u64),
    /// Every stage, also those yet to come.
    Stages,
    /// One stage.
    Stage(u64),
}

const ON_ACCOUNT: PrivilegeSet = PrivilegeSet::of(&[
    Privilege::CreateUser,
    Privilege::AlterUser,
    Privilege::DropUser,
    Privilege::CreateRole,
    Privilege::DropRole,
    Privilege::ManageGrants,
    Privilege::CreateDatabase,
    Privilege::DropDatabase,
]);
const ON_DATABASE: PrivilegeSet = PrivilegeSet::of(&[
    Privilege::CreateTable,
    Privilege::DropTable,
    Privilege::ShowTables,
    Privilege::Ownership,
]);
const ON_TABLE: PrivilegeSet = PrivilegeSet::of(&[
    Privilege::Select,
    Privilege::Insert,
    Privilege::Update,
    Privilege::Delete,
    Privilege::Truncate,
    Privilege::Ownership,
]);
const ON_STAGE: PrivilegeSet =
    PrivilegeSet::of(&[Privilege::Read, Privilege::Write, Privilege::Remove]);

impl Securable {
    /// What `ALL` means on it: every privilege that can be granted on it.
    pub const fn all_privileges(self) -> PrivilegeSet {
        match self {
            Securable::Account => ON_ACCOUNT,
            Securable::Databases | Securable::Database(_) => ON_DATABASE,
            Securable::Tables | Securable::TablesOf(_) | Securable::Table(_) => ON_TABLE,
            Securable::Stages | Securable::Stage(_) => ON_STAGE,
        }
    }

    /// The id of the record that it names; `None` where it names none.
    pub const fn id(self) -> Option<u64> {
        match self {
            Securable::Account | Securable::Databases | Securable::Tables | Securable::Stages => {
                None
            }
            Securable::Database(id)
            | Securable::TablesOf(id)
            | Securable::Table(id)
            | Securable::Stage(id) => Some(id),
        }
    }

    /// The part of its grants' keys.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Securable::Account => "account",
            Securable::Databases => "databases",
            Securable::Database(_) => "database",
            Securable::Tables => "tables",
            Securable::TablesOf(_) => "tables-of",
            Securable::Table(_) => "table",
            Securable::Stages => "stages",
            Securable::Stage(_) => "stage",
        }
    }

    /// As the audit names it, by its name as it is now: `the stage daily`.
    pub(super) fn named(self, view: View<'_>, account: &str) -> Result<String, Error> {
        let database = |id: u64| -> Result<Option<String>, Error> {
            let databases = view.list::<DatabaseRecord>(&keys::databases(account))?;
            let found = databases.into_iter().find(|database| database.id == id);
            Ok(found.map(|database| database.name))
        };
        let named = match self {
            Securable::Account | Securable::Databases | Securable::Tables | Securable::Stages => {
                None
            }
            Securable::Database(id) => database(id)?.map(|name| format!("the database {name}")),
            Securable::TablesOf(id) => {
                database(id)?.map(|name| format!("every table of the database {name}"))
            }
            Securable::Table(id) => view
                .list::<StoredTable>(&keys::all_tables(account))?
                .iter()
                .find(|table| table.id == id)
                .map(|table| format!("the table {}.{}", table.database, table.name)),
            Securable::Stage(id) => stages::last_version(view, account, id)?
                .map(|stage: StageRecord| format!("the stage {}", stage.name)),
        };
        Ok(named.unwrap_or_else(|| self.to_string()))
    }

    /// Refuses what the account does not have.
    pub(super) fn check_exists(self, view: View<'_>, account: &str) -> Result<(), Error> {
        let exists = match self {
            Securable::Account | Securable::Databases | Securable::Tables | Securable::Stages => {
                true
            }
            Securable::Database(id) | Securable::TablesOf(id) => view
                .list::<DatabaseRecord>(&keys::databases(account))?
                .iter()
                .any(|database| database.id == id),
            Securable::Table(id) => view
                .list::<StoredTable>(&keys::all_tables(account))?
                .iter()
                .any(|table| table.id == id),
            Securable::Stage(id) => stages::last_version(view, account, id)?
                .is_some_and(|stage: StageRecord| !stage.dropped),
        };
        if exists {
            return Ok(());
        }
        Err(Error::not_found(format!("{self} not exists")))
    }
}

/// As messages name it: `the table with id 7`.
impl fmt::Display for Securable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Securable::Account => f.write_str("the account"),
            Securable::Databases => f.write_str("every database"),
            Securable::Database(id) => write!(f, "the database with id {id}"),
            Securable::Tables => f.write_str("every table"),
            Securable::TablesOf(id) => write!(f, "every table of the database with id {id}"),
            Securable::Table(id) => write!(f, "the table with id {id}"),
            Securable::Stages => f.write_str("every stage"),
            Securable::Stage(id) => write!(f, "the stage with id {id}"),
        }
    }
}
