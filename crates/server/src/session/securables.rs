//! What a grant is on: from the names of a statement to the catalog's ids, and back for people.

use catalog::{PrivilegeSet, Securable};
use parser::{GrantObject, ObjectKind};

use crate::error::{Error, Reason, Result};
use crate::gate::{Acting, Permit};

use super::tables::no_such_table;

impl Acting {
    /// What a grant is on, and every privilege that there is on it.
    pub(super) fn securable(
        &self,
        permit: &Permit,
        object: &GrantObject,
        current_database: &str,
    ) -> Result<(Securable, PrivilegeSet)> {
        let catalog = &self.instance.catalog;
        let account = permit.account();
        let database_id = |name: &str| {
            let found = catalog.database(account, name)?;
            found.map(|database| database.id).ok_or_else(|| {
                Error::new(
                    Reason::DatabaseNotFound,
                    1049,
                    "42000",
                    format!("Unknown database '{name}'"),
                )
            })
        };
        let securable = match object {
            GrantObject::Account => Securable::Account,
            GrantObject::AllDatabases => Securable::Databases,
            GrantObject::Database(name) => Securable::Database(database_id(&name.value)?),
            GrantObject::AllTables => Securable::Tables,
            GrantObject::TablesOf(name) => Securable::TablesOf(database_id(
                name.as_ref()
                    .map_or(current_database, |name| name.value.as_str()),
            )?),
            GrantObject::Table(name) => {
                let database = name
                    .database
                    .as_ref()
                    .map_or(current_database, |name| name.value.as_str());
                let table = &name.table.value;
                let found = catalog.table(account, database, table)?;
                let found = found.ok_or_else(|| no_such_table(database, table))?;
                Securable::Table(found.id)
            }
            GrantObject::AllStages => Securable::Stages,
            GrantObject::Stage(name) => {
                let found = catalog.stage(account, &name.value)?;
                let found = found.ok_or_else(|| super::stages::stage_not_exists(&name.value))?;
                Securable::Stage(found.id)
            }
        };
        Ok((securable, securable.all_privileges()))
    }

    /// As GRANT writes it; what is gone meanwhile by its id.
    pub(super) fn securable_name(&self, permit: &Permit, on: Securable) -> Result<String> {
        let catalog = &self.instance.catalog;
        let account = permit.account();
        let database_name = |id: u64| -> Result<String> {
            let databases = catalog.databases(account)?;
            let found = databases.into_iter().find(|database| database.id == id);
            Ok(found.map_or_else(|| format!("#{id}"), |database| database.name))
        };
        Ok(match on {
            Securable::Account => format!("{} *", ObjectKind::Account),
            Securable::Databases => format!("{} *", ObjectKind::Database),
            Securable::Database(id) => format!("{} {}", ObjectKind::Database, database_name(id)?),
            Securable::Tables => format!("{} *.*", ObjectKind::Table),
            Securable::TablesOf(id) => format!("{} {}.*", ObjectKind::Table, database_name(id)?),
            Securable::Table(id) => {
                let mut name = format!("#{id}");
                for database in catalog.databases(account)? {
                    let tables = catalog.tables(account, &database.name)?;
                    if let Some(table) = tables.into_iter().find(|table| table.id == id) {
                        name = format!("{}.{}", database.name, table.name);
                    }
                }
                format!("{} {name}", ObjectKind::Table)
            }
            Securable::Stages => format!("{} *", ObjectKind::Stage),
            Securable::Stage(id) => {
                let versions = catalog.stage_history_by_id(account, id)?;
                let name = versions
                    .last()
                    .map_or_else(|| format!("#{id}"), |stage| stage.name.clone());
                format!("{} {name}", ObjectKind::Stage)
            }
        })
    }
}
