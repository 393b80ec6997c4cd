//! Databases: names that tables live under.

use crate::error::{Error, ErrorKind};
use crate::options::{Actor, Created, OnExists};
use crate::store::{View, What};
use crate::tables::{self, TableRecord};
use crate::{Catalog, keys, names};

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
    /// Makes a database. Errors: `AlreadyExists`, and `Invalid` for a name or for
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
            || What::change("create database", name),
            |draft| {
                let key = keys::database(&actor.account, name);
                match draft.view().get(&key)? {
                    Some(_) if on_exists == OnExists::Error => Err(Error::new(
                        ErrorKind::AlreadyExists,
                        format!("the database {name} exists"),
                    )),
                    Some(record) => Ok(Created::kept(record)),
                    None => {
                        let id = draft.next_id(&actor.account, "database")?;
                        let record = DatabaseRecord {
                            id,
                            name: name.to_owned(),
                            created_us: draft.now_us(),
                        };
                        draft.put(key, &record);
                        Ok(Created::new(record))
                    }
                }
            },
        )
    }

    /// Drops a database with all its tables, as MySQL does. Errors: `NotFound`.
    pub fn drop_database(&self, actor: &Actor, name: &str) -> Result<DroppedDatabase, Error> {
        self.store.write(
            actor,
            || What::change("drop database", name),
            |draft| {
                let record = existing(draft.view(), &actor.account, name)?;
                let tables = tables::all(draft.view(), &actor.account, name)?;
                for table in &tables {
                    tables::remove(draft, &actor.account, table);
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
