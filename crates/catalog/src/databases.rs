//! Databases: names that tables live under.

use crate::error::{Error, ErrorKind};
use crate::grants::{self, Securable};
use crate::options::{Actor, Created, OnExists};
use crate::store::{Draft, View, What};
use crate::tables::{self, TableRecord};
use crate::{Catalog, accounts, keys, names};

/// A database.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DatabaseRecord {
    /// Never given to another database of the account.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// When it was made, in microseconds since 1970 UTC.
    pub created_us: u64,
}

/// What a dropped database held.
#[derive(Clone, Debug, PartialEq)]
pub struct DroppedDatabase {
    /// The database.
    pub record: DatabaseRecord,
    /// Its tables, with their segments, whose files are the caller's to delete.
    pub tables: Vec<TableRecord>,
}

impl Catalog {
    /// Makes a database, which belongs to the actor's role unless that is an admin role.
    /// Errors: `AlreadyExists`, `NotFound` for the account, and `Invalid` for a name or for
    /// [`OnExists::Replace`], which would drop tables unasked.
    pub fn create_database(
        &self,
        actor: &Actor,
        name: &str,
        on_exists: OnExists,
    ) -> Result<Created<DatabaseRecord>, Error> {
        names::check("a database", name)?;
        if on_exists == OnExists::Replace {
            return Err(Error::invalid(format!(
                "the database {name} cannot be replaced, drop it first"
            )));
        }
        self.store.write(
            actor,
            || What::change("CREATE DATABASE", name),
            |draft| {
                let key = keys::database(&actor.account, name);
                match draft.view().get(&key)? {
                    Some(_) if on_exists == OnExists::Error => Err(Error::new(
                        ErrorKind::AlreadyExists,
                        format!("the database {name} exists"),
                    )),
                    Some(record) => Ok(Created::kept(record)),
                    None => {
                        accounts::require(draft.view(), &actor.account)?;
                        let record = put_new(draft, &actor.account, name)?;
                        grants::put_ownership(draft, actor, Securable::Database(record.id))?;
                        Ok(Created::new(record))
                    }
                }
            },
        )
    }

    /// Drops a database with all its tables, as MySQL does, and all grants on them. Errors: `NotFound`.
    pub fn drop_database(&self, actor: &Actor, name: &str) -> Result<DroppedDatabase, Error> {
        self.store.write(
            actor,
            || What::change("DROP DATABASE", name),
            |draft| {
                let record = existing(draft.view(), &actor.account, name)?;
                let tables = tables::all(draft.view(), &actor.account, name)?;
                for table in &tables {
                    tables::remove(draft, &actor.account, table)?;
                }
                for on in [
                    Securable::Database(record.id),
                    Securable::TablesOf(record.id),
                ] {
                    grants::delete_on(draft, &actor.account, on)?;
                }
                draft.delete(keys::database(&actor.account, name));
                Ok(DroppedDatabase { record, tables })
            },
        )
    }

    /// A database; `None` when there is none of that name.
    pub fn database(&self, account: &str, name: &str) -> Result<Option<DatabaseRecord>, Error> {
        self.store
            .read(|view| view.get(&keys::database(account, name)))
    }

    /// All databases, by name.
    pub fn databases(&self, account: &str) -> Result<Vec<DatabaseRecord>, Error> {
        self.store.read(|view| view.list(&keys::databases(account)))
    }
}

pub(crate) fn existing(view: View<'_>, account: &str, name: &str) -> Result<DatabaseRecord, Error> {
    view.get(&keys::database(account, name))?
        .ok_or_else(|| Error::not_found(format!("the database {name} not exists")))
}

/// Puts a database; the caller has seen that there is none of the name. Once in a mutation.
pub(crate) fn put_new(
    draft: &mut Draft<'_>,
    account: &str,
    name: &str,
) -> Result<DatabaseRecord, Error> {
    let record = DatabaseRecord {
        id: draft.next_id(account, "database")?,
        name: name.to_owned(),
        created_us: draft.now_us(),
    };
    draft.put(keys::database(account, name), &record);
    Ok(record)
}
