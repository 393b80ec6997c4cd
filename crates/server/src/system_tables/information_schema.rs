//! The database `information_schema`, which clients of MySQL read instead of asking SHOW: databases, tables, columns and
//! keys as far as the principal sees them, by MySQL 8's names and types.

mod fixed;
mod keys;
mod processes;
mod tables;
mod types;
mod visible;

use arrow::datatypes::SchemaRef;
use query::{Pages, Wanted};

use super::columns;
use super::reading::{Reading, pages};
use keys::KeyColumn;
use visible::VisibleTable;

/// Its name.
pub(super) const DATABASE: &str = "information_schema";

/// Its tables. Those that nothing here can be in are there and empty, for clients ask for them unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InformationTable {
    CharacterSets,
    CheckConstraints,
    CollationCharacterSetApplicability,
    Collations,
    Columns,
    Engines,
    Events,
    KeyColumnUsage,
    Parameters,
    Partitions,
    Processlist,
    ReferentialConstraints,
    Routines,
    Schemata,
    Statistics,
    TableConstraints,
    Tables,
    Triggers,
    UserPrivileges,
    Views,
}

impl InformationTable {
    pub(super) const ALL: [Self; 20] = [
        Self::CharacterSets,
        Self::CheckConstraints,
        Self::CollationCharacterSetApplicability,
        Self::Collations,
        Self::Columns,
        Self::Engines,
        Self::Events,
        Self::KeyColumnUsage,
        Self::Parameters,
        Self::Partitions,
        Self::Processlist,
        Self::ReferentialConstraints,
        Self::Routines,
        Self::Schemata,
        Self::Statistics,
        Self::TableConstraints,
        Self::Tables,
        Self::Triggers,
        Self::UserPrivileges,
        Self::Views,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::CharacterSets => "character_sets",
            Self::CheckConstraints => "check_constraints",
            Self::CollationCharacterSetApplicability => "collation_character_set_applicability",
            Self::Collations => "collations",
            Self::Columns => "columns",
            Self::Engines => "engines",
            Self::Events => "events",
            Self::KeyColumnUsage => "key_column_usage",
            Self::Parameters => "parameters",
            Self::Partitions => "partitions",
            Self::Processlist => "processlist",
            Self::ReferentialConstraints => "referential_constraints",
            Self::Routines => "routines",
            Self::Schemata => "schemata",
            Self::Statistics => "statistics",
            Self::TableConstraints => "table_constraints",
            Self::Tables => "tables",
            Self::Triggers => "triggers",
            Self::UserPrivileges => "user_privileges",
            Self::Views => "views",
        }
    }

    pub(super) fn schema(self) -> SchemaRef {
        match self {
            Self::CharacterSets => columns::schema(&fixed::character_sets()),
            Self::CheckConstraints => columns::schema(&fixed::check_constraints()),
            Self::CollationCharacterSetApplicability => {
                columns::schema(&fixed::collation_applicability())
            }
            Self::Collations => columns::schema(&fixed::collations()),
            Self::Columns => columns::schema(&tables::columns()),
            Self::Engines => columns::schema(&fixed::engines()),
            Self::Events => columns::schema(&fixed::events()),
            Self::KeyColumnUsage => columns::schema(&keys::key_column_usage()),
            Self::Parameters => columns::schema(&fixed::parameters()),
            Self::Partitions => columns::schema(&fixed::partitions()),
            Self::Processlist => columns::schema(&processes::columns()),
            Self::ReferentialConstraints => columns::schema(&fixed::referential_constraints()),
            Self::Routines => columns::schema(&fixed::routines()),
            Self::Schemata => columns::schema(&tables::schemata()),
            Self::Statistics => columns::schema(&keys::statistics()),
            Self::TableConstraints => columns::schema(&keys::table_constraints()),
            Self::Tables => columns::schema(&tables::tables()),
            Self::Triggers => columns::schema(&fixed::triggers()),
            Self::UserPrivileges => columns::schema(&fixed::user_privileges()),
            Self::Views => columns::schema(&tables::views()),
        }
    }

    pub(super) fn read(self, reading: Reading, wanted: Wanted) -> Box<dyn Pages> {
        match self {
            Self::CharacterSets => once(fixed::character_sets(), wanted, vec![()]),
            Self::CheckConstraints => once(fixed::check_constraints(), wanted, Vec::new()),
            Self::CollationCharacterSetApplicability => {
                once(fixed::collation_applicability(), wanted, vec![()])
            }
            Self::Collations => once(fixed::collations(), wanted, vec![()]),
            Self::Columns => {
                let columns = tables::columns();
                let visible = visible::tables(reading, &columns, &wanted.limits);
                pages(columns, wanted, each(visible, tables::columns_of))
            }
            Self::Engines => once(fixed::engines(), wanted, vec![()]),
            Self::Events => once(fixed::events(), wanted, Vec::new()),
            Self::KeyColumnUsage => of_keys(reading, wanted, keys::key_column_usage()),
            Self::Parameters => once(fixed::parameters(), wanted, Vec::new()),
            Self::Partitions => once(fixed::partitions(), wanted, Vec::new()),
            Self::Processlist => {
                let (account, only_of) = (&reading.account, reading.only_of.as_deref());
                let rows = reading.acting.processes(account, only_of);
                once(processes::columns(), wanted, rows)
            }
            Self::ReferentialConstraints => {
                once(fixed::referential_constraints(), wanted, Vec::new())
            }
            Self::Routines => once(fixed::routines(), wanted, Vec::new()),
            Self::Schemata => {
                let mut is_read = false;
                pages(tables::schemata(), wanted, move || {
                    if std::mem::replace(&mut is_read, true) {
                        return Ok(None);
                    }
                    Ok(Some(visible::databases(&reading)?))
                })
            }
            Self::Statistics => of_keys(reading, wanted, keys::statistics()),
            Self::TableConstraints => {
                let columns = keys::table_constraints();
                let visible = visible::tables(reading, &columns, &wanted.limits);
                let first_columns = |table| {
                    let columns = keys::columns_of_keys(table);
                    columns.into_iter().filter(|key| key.sequence == 1)
                };
                pages(columns, wanted, each(visible, first_columns))
            }
            Self::Tables => {
                let columns = tables::tables();
                let visible = visible::tables(reading, &columns, &wanted.limits);
                pages(columns, wanted, visible)
            }
            Self::Triggers => once(fixed::triggers(), wanted, Vec::new()),
            Self::UserPrivileges => {
                let grantee = format!("'{}'@'%'", reading.acting.principal.user());
                once(fixed::user_privileges(), wanted, vec![grantee])
            }
            Self::Views => {
                let columns = tables::views();
                let visible = visible::tables(reading, &columns, &wanted.limits);
                pages(columns, wanted, each(visible, tables::view_of))
            }
        }
    }
}

fn of_keys(
    reading: Reading,
    wanted: Wanted,
    columns: Vec<columns::Column<KeyColumn>>,
) -> Box<dyn Pages> {
    let visible = visible::tables(reading, &columns, &wanted.limits);
    pages(columns, wanted, each(visible, keys::columns_of_keys))
}

/// A table of these rows.
fn once<R: Send + 'static>(
    columns: Vec<columns::Column<R>>,
    wanted: Wanted,
    rows: Vec<R>,
) -> Box<dyn Pages> {
    let mut rows = Some(rows);
    pages(columns, wanted, move || Ok(rows.take()))
}

/// What `of` gives of each table, a page of it for each page of tables.
fn each<R, I: IntoIterator<Item = R>>(
    mut visible: impl FnMut() -> Result<Option<Vec<VisibleTable>>, query::PageError>,
    of: impl Fn(VisibleTable) -> I,
) -> impl FnMut() -> Result<Option<Vec<R>>, query::PageError> {
    move || {
        let page = visible()?;
        Ok(page.map(|page| page.into_iter().flat_map(&of).collect()))
    }
}
