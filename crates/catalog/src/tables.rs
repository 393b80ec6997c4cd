//! Tables: what a table record is, making, dropping and reading tables.
//! What changes with their data is in `tables/segments.rs`.

mod credentials;
mod loaded;
mod segments;
mod unique;
mod views;

pub use loaded::LoadedFile;
pub use views::ViewQuery;

pub(crate) use unique::TableKeys;
pub use unique::{PRIMARY, TableKey};

pub(crate) use credentials::{TableCredentials, of_account as credentials_of_account};

use std::collections::HashSet;

use crate::error::{Error, ErrorKind};
use crate::format::StoredTable;
use crate::grants::{self, Securable};
use crate::options::{Actor, Created, OnExists};
use crate::secrets::Credentials;
use crate::store::{Draft, View, What};
use crate::{Catalog, databases, keys, names};

/// One column of a table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Column {
    /// Its name; unique in its table, upper and lower case not told apart.
    pub name: String,
    /// The canonical text of its SQL type.
    pub data_type: String,
    /// Whether it takes NULL.
    pub nullable: bool,
    /// The SQL text of its default.
    pub default: Option<String>,
    /// Whether it is part of the primary key.
    pub primary_key: bool,
    /// Whether a row without a value for it gets the next number.
    pub auto_increment: bool,
    /// Free text.
    pub comment: String,
}

/// A file of rows in internal storage.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Segment {
    /// Its number in its table, from 1 up, never used again. The catalog gives it; in what is handed
    /// in, it is not looked at.
    pub id: u64,
    /// The file's name in internal storage.
    pub file: String,
    /// How many rows it has.
    pub rows: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Those of its blocks, so that a part of it can be checked when it is read.
    pub checksums: Checksums,
}

/// The checksums of a file's blocks.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Checksums {
    /// Bytes of each block but the last; 0 in segments from before there were any.
    pub block_bytes: u64,
    /// The CRC-32C of each block, in order.
    pub crc32c: Vec<u32>,
}

/// What changed a table's rows, as the audit tells it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RowChange {
    /// Rows were added.
    Insert,
    /// Rows were added from files.
    Load,
    /// Rows were changed.
    Update,
    /// Rows were taken out.
    Delete,
    /// Rows were added in the place of others.
    Replace,
    /// The same rows are in other files.
    Compact,
}

impl RowChange {
    /// As the audit names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Load => "LOAD DATA",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Replace => "REPLACE",
            Self::Compact => "COMPACT TABLE",
        }
    }
}

/// Where a table's rows are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TableSource {
    /// In files of internal storage, in the order of their ids.
    Segments(Vec<Segment>),
    /// Elsewhere.
    External {
        /// The place, as its statement named it.
        location: String,
        /// How to read it, in the statement's order.
        options: Vec<(String, String)>,
        /// What the place is opened with: sealed when they are stored, [`Catalog::table_credentials`] opens them.
        credentials: Credentials,
    },
    /// Nowhere: they are what a query gives.
    View(ViewQuery),
}

/// A table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TableRecord {
    /// Never given to another table of the account: a table made again under the name has another.
    pub id: u64,
    /// The database it is in.
    pub database: String,
    /// Its name.
    pub name: String,
    /// From 1, one more with each change of its segments.
    pub version: u64,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// Where its rows are.
    pub source: TableSource,
    /// Columns in which no two rows are alike; who changes rows sees to it.
    pub keys: Vec<TableKey>,
    /// When it was made, in microseconds since 1970 UTC.
    pub created_us: u64,
    /// When its version was made, in microseconds since 1970 UTC.
    pub changed_us: u64,
    /// The id that the next segment gets.
    pub next_segment: u64,
    /// The number that AUTO_INCREMENT gives next, from 1.
    pub next_number: u64,
    /// Free text.
    pub comment: String,
}

impl TableRecord {
    /// Its segments; none for an external table, and none for a view.
    pub fn segments(&self) -> &[Segment] {
        match &self.source {
            TableSource::Segments(segments) => segments,
            TableSource::External { .. } | TableSource::View(_) => &[],
        }
    }

    /// What it is if it is a view.
    pub fn view(&self) -> Option<&ViewQuery> {
        match &self.source {
            TableSource::View(view) => Some(view),
            TableSource::Segments(_) | TableSource::External { .. } => None,
        }
    }
}

/// A table to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewTable {
    /// An existing database.
    pub database: String,
    /// The table's name.
    pub name: String,
    /// At least one column.
    pub columns: Vec<Column>,
    /// Where the rows are; segments given here get new ids, in their order.
    pub source: TableSource,
    /// Columns in which no two rows are to be alike.
    pub keys: Vec<TableKey>,
    /// The number that AUTO_INCREMENT gives first, from 1.
    pub next_number: u64,
    /// Free text.
    pub comment: String,
}

impl Catalog {
    /// Makes a table, which belongs to the actor's role unless that is an admin role. One that is replaced is handed back with its segments, whose files are the
    /// caller's to delete. Errors: `AlreadyExists`, `NotFound` for the database, `Invalid`.
    pub fn create_table(
        &self,
        actor: &Actor,
        table: NewTable,
        on_exists: OnExists,
    ) -> Result<Created<TableRecord>, Error> {
        let (kind, verb) = match &table.source {
            TableSource::View(_) => ("a view", "CREATE VIEW"),
            TableSource::Segments(_) | TableSource::External { .. } => ("a table", "CREATE TABLE"),
        };
        names::check(kind, &table.name)?;
        let what = What::change(verb, format!("{}.{}", table.database, table.name));
        self.store.write(
            actor,
            || what,
            |draft| {
                let account = &actor.account;
                databases::existing(draft.view(), account, &table.database)?;
                let current = find(draft.view(), account, &table.database, &table.name)?;
                // A table takes no view's place, nor a view a table's.
                let replaces_other = current.as_ref().is_some_and(|current| {
                    on_exists == OnExists::Replace
                        && current.view().is_some() != matches!(table.source, TableSource::View(_))
                });
                let on_exists = match replaces_other {
                    true => OnExists::Error,
                    false => on_exists,
                };
                match (&current, on_exists) {
                    (Some(_), OnExists::Error) => {
                        let message = format!("the table {}.{} exists", table.database, table.name);
                        return Err(Error::new(ErrorKind::AlreadyExists, message));
                    }
                    (Some(_), OnExists::Keep) => {}
                    (Some(_), OnExists::Replace) | (None, _) => check_columns(&table)?,
                }
                match current {
                    Some(current) if on_exists == OnExists::Keep => Ok(Created::kept(current)),
                    Some(current) => {
                        remove(draft, account, &current)?;
                        Ok(Created::replaced(
                            put_new(self, draft, actor, table)?,
                            current,
                        ))
                    }
                    None => Ok(Created::new(put_new(self, draft, actor, table)?)),
                }
            },
        )
    }

    /// Drops a table and hands it back with its segments, whose files are the caller's to delete. With an id the table
    /// with this id alone.
    ///
    /// Errors: `NotFound`.
    pub fn drop_table(
        &self,
        actor: &Actor,
        database: &str,
        name: &str,
        id: Option<u64>,
    ) -> Result<TableRecord, Error> {
        self.store.write(
            actor,
            || What::change("DROP TABLE", format!("{database}.{name}")),
            |draft| {
                let table = find(draft.view(), &actor.account, database, name)?
                    .filter(|table| id.is_none_or(|id| id == table.id))
                    .ok_or_else(|| not_exists(database, name))?;
                remove(draft, &actor.account, &table)?;
                Ok(table)
            },
        )
    }

    /// A table with its segments; `None` when there is none of that name.
    pub fn table(
        &self,
        account: &str,
        database: &str,
        name: &str,
    ) -> Result<Option<TableRecord>, Error> {
        self.store.read(|view| find(view, account, database, name))
    }

    /// All tables of a database with their segments, by name.
    pub fn tables(&self, account: &str, database: &str) -> Result<Vec<TableRecord>, Error> {
        self.store.read(|view| all(view, account, database))
    }
}

pub(crate) fn all(
    view: View<'_>,
    account: &str,
    database: &str,
) -> Result<Vec<TableRecord>, Error> {
    view.list(&keys::tables(account, database))?
        .into_iter()
        .map(|stored| with_segments(view, account, stored))
        .collect()
}

/// Deletes the keys of a table, its segments and the grants on it.
pub(crate) fn remove(
    draft: &mut Draft<'_>,
    account: &str,
    table: &TableRecord,
) -> Result<(), Error> {
    draft.delete(keys::table(account, &table.database, &table.name));
    for segment in table.segments() {
        draft.delete(keys::segment(account, table.id, segment.id));
    }
    loaded::forget(draft, account, table.id)?;
    if !table.keys.is_empty() {
        draft.delete(keys::table_keys(account, table.id));
    }
    if let TableSource::External { credentials, .. } = &table.source
        && !credentials.is_empty()
    {
        draft.delete(keys::table_credentials(account, table.id));
    }
    grants::delete_on(draft, account, Securable::Table(table.id))
}

fn find(
    view: View<'_>,
    account: &str,
    database: &str,
    name: &str,
) -> Result<Option<TableRecord>, Error> {
    view.get(&keys::table(account, database, name))?
        .map(|stored| with_segments(view, account, stored))
        .transpose()
}

fn not_exists(database: &str, name: &str) -> Error {
    Error::not_found(format!("the table {database}.{name} not exists"))
}

pub(crate) fn with_segments(
    view: View<'_>,
    account: &str,
    mut stored: StoredTable,
) -> Result<TableRecord, Error> {
    let source = match (stored.external.take(), stored.view.take()) {
        (Some((location, options)), _) => TableSource::External {
            location,
            options,
            credentials: credentials::of_table(view, account, stored.id)?,
        },
        (None, Some(view)) => TableSource::View(view),
        (None, None) => TableSource::Segments(view.list(&keys::segments(account, stored.id))?),
    };
    let keys = unique::of_table(view, account, stored.id)?;
    Ok(record(stored, source, keys))
}

fn record(stored: StoredTable, source: TableSource, keys: Vec<TableKey>) -> TableRecord {
    TableRecord {
        id: stored.id,
        database: stored.database,
        name: stored.name,
        version: stored.version,
        columns: stored.columns,
        source,
        keys,
        created_us: stored.created_us,
        changed_us: stored.changed_us,
        next_segment: stored.next_segment,
        next_number: stored.next_number,
        comment: stored.comment,
    }
}

fn put_new(
    catalog: &Catalog,
    draft: &mut Draft<'_>,
    actor: &Actor,
    table: NewTable,
) -> Result<TableRecord, Error> {
    let account = &actor.account;
    let mut stored = StoredTable {
        id: draft.next_id(account, "table")?,
        database: table.database,
        name: table.name,
        version: 1,
        columns: table.columns,
        external: None,
        view: None,
        created_us: draft.now_us(),
        changed_us: draft.now_us(),
        next_segment: 1,
        next_number: table.next_number,
        comment: table.comment,
    };
    let source = match table.source {
        TableSource::Segments(new) => {
            TableSource::Segments(segments::put(draft, account, &mut stored, new))
        }
        TableSource::External {
            location,
            options,
            credentials: given,
        } => {
            stored.external = Some((location.clone(), options.clone()));
            let credentials = catalog.put_table_credentials(draft, account, stored.id, &given)?;
            TableSource::External {
                location,
                options,
                credentials,
            }
        }
        TableSource::View(view) => {
            stored.view = Some(view.clone());
            TableSource::View(view)
        }
    };
    draft.put(
        keys::table(account, &stored.database, &stored.name),
        &stored,
    );
    if !table.keys.is_empty() {
        let keys = TableKeys {
            table: stored.id,
            keys: table.keys.clone(),
        };
        draft.put(keys::table_keys(account, stored.id), &keys);
    }
    grants::put_ownership(draft, actor, Securable::Table(stored.id))?;
    Ok(record(stored, source, table.keys))
}

fn check_columns(table: &NewTable) -> Result<(), Error> {
    let place = format!("the table {}.{}", table.database, table.name);
    if table.columns.is_empty() {
        return Err(Error::invalid(format!(
            "{place} has no columns, it must have at least one"
        )));
    }
    unique::check(table)?;
    let mut seen = HashSet::new();
    for (number, column) in (1..).zip(&table.columns) {
        if column.name.is_empty() {
            return Err(Error::invalid(format!(
                "column {number} of {place} has no name"
            )));
        }
        if !seen.insert(column.name.to_lowercase()) {
            return Err(Error::invalid(format!(
                "{place} has two columns called {}",
                column.name
            )));
        }
    }
    Ok(())
}
