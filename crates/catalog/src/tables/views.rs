//! Views: tables whose rows are what a query gives. They have a table's record and name, and its grants; here stands
//! what only they have.

use super::{
    Column, NewTable, TableRecord, TableSource, check_columns, find, not_exists, remove,
    with_segments,
};
use crate::error::{Error, ErrorKind};
use crate::format::StoredTable;
use crate::options::Actor;
use crate::store::What;
use crate::{Catalog, keys};

/// What a view is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ViewQuery {
    /// The query, as its statement has it.
    pub query: String,
    /// The database in which names without one are looked up.
    pub database: String,
    /// The query's own columns when the view was made, by name: what it is to give still when it is read.
    pub labels: Vec<String>,
    /// Whether the statement names the view's columns.
    pub names_columns: bool,
}

impl Catalog {
    /// Gives the view with this id another query, and other columns. It keeps its id, and with it what is granted on it.
    ///
    /// Errors: `NotFound`, also for a view that is now another; `Invalid`, also for a table.
    pub fn alter_view(
        &self,
        actor: &Actor,
        (database, name): (&str, &str),
        id: u64,
        columns: Vec<Column>,
        view: ViewQuery,
    ) -> Result<TableRecord, Error> {
        let account = &actor.account;
        self.store.write(
            actor,
            || What::change("ALTER VIEW", format!("{database}.{name}")),
            |draft| {
                let key = keys::table(account, database, name);
                let mut stored = draft
                    .view()
                    .get::<StoredTable>(&key)?
                    .filter(|stored| stored.id == id)
                    .ok_or_else(|| not_exists(database, name))?;
                if stored.view.is_none() {
                    return Err(not_a_view(database, name));
                }
                let changed = NewTable {
                    database: database.to_owned(),
                    name: name.to_owned(),
                    columns,
                    source: TableSource::View(view.clone()),
                    keys: Vec::new(),
                    next_number: 1,
                    comment: String::new(),
                };
                check_columns(&changed)?;
                stored.columns = changed.columns;
                stored.view = Some(view);
                stored.version += 1;
                stored.changed_us = draft.now_us();
                draft.put(key, &stored);
                with_segments(draft.view(), account, stored)
            },
        )
    }

    /// Drops the view with this id.
    ///
    /// Errors: `NotFound`, also for a view that is now another; `Invalid` for a table.
    pub fn drop_view(
        &self,
        actor: &Actor,
        (database, name): (&str, &str),
        id: u64,
    ) -> Result<TableRecord, Error> {
        self.store.write(
            actor,
            || What::change("DROP VIEW", format!("{database}.{name}")),
            |draft| {
                let found = find(draft.view(), &actor.account, database, name)?;
                let view = found
                    .filter(|table| table.id == id)
                    .ok_or_else(|| not_exists(database, name))?;
                if view.view().is_none() {
                    return Err(not_a_view(database, name));
                }
                remove(draft, &actor.account, &view)?;
                Ok(view)
            },
        )
    }
}

fn not_a_view(database: &str, name: &str) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!("{database}.{name} is a table and not a view"),
    )
}
