//! Keys of tables: columns in which no two rows are alike. Whoever changes rows sees to it; here stands which they are,
//! in records of their own beside the tables'. Tables from before there were any have none.

use super::NewTable;
use crate::error::Error;
use crate::keys;
use crate::store::View;

/// The name of a primary key.
pub const PRIMARY: &str = "PRIMARY";

/// A key of a table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TableKey {
    /// Its name, unique in its table; [`PRIMARY`] is the primary key's.
    pub name: String,
    /// Names of its columns, at least one.
    pub columns: Vec<String>,
}

/// What is stored beside a table that has keys.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TableKeys {
    /// The table's id.
    pub(crate) table: u64,
    pub(crate) keys: Vec<TableKey>,
}

pub(super) fn of_table(view: View<'_>, account: &str, table: u64) -> Result<Vec<TableKey>, Error> {
    let stored: Option<TableKeys> = view.get(&keys::table_keys(account, table))?;
    Ok(stored.map(|stored| stored.keys).unwrap_or_default())
}

/// That keys have names of their own, and columns that the table has.
pub(super) fn check(table: &NewTable) -> Result<(), Error> {
    let place = format!("the table {}.{}", table.database, table.name);
    for (at, key) in table.keys.iter().enumerate() {
        if table
            .keys
            .iter()
            .take(at)
            .any(|other| other.name == key.name)
        {
            return Err(Error::invalid(format!(
                "{place} has two keys called {}",
                key.name
            )));
        }
        let is_there = |name: &String| table.columns.iter().any(|column| column.name == *name);
        if key.columns.is_empty() || !key.columns.iter().all(is_there) {
            return Err(Error::invalid(format!(
                "the key {} of {place} has a column that the table does not have, or none",
                key.name
            )));
        }
    }
    Ok(())
}
