//! The read-only databases `stagedoor`, `mo_catalog` and `information_schema`: the catalog's own records as tables, read
//! a page at a time while a query runs. Secrets never show in them.

mod columns;
mod directory;
mod information_schema;
mod reading;
mod tables;

pub(crate) use directory::DirectoryRows;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use query::{Pages, RowSource, Wanted};

use crate::error::Result;
use crate::gate::{Acting, Operation, Permit, SYS};
use information_schema::InformationTable;
use reading::Reading;

/// Databases that users can read and never change.
pub(crate) const SYSTEM_DATABASES: [&str; 3] =
    [information_schema::DATABASE, "mo_catalog", "stagedoor"];

/// The tables of the system databases. A new one has to say who may read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SystemTable {
    MoStages,
    Audit,
    ExportFiles,
    Exports,
    StageVersions,
    Stages,
    Information(InformationTable),
}

impl SystemTable {
    /// Those that are not of `information_schema`.
    const OWN: [Self; 6] = [
        Self::MoStages,
        Self::Audit,
        Self::ExportFiles,
        Self::Exports,
        Self::StageVersions,
        Self::Stages,
    ];

    fn all() -> impl Iterator<Item = Self> {
        let information = InformationTable::ALL.into_iter().map(Self::Information);
        Self::OWN.into_iter().chain(information)
    }

    /// Its database and its name in it.
    fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::MoStages => ("mo_catalog", "mo_stages"),
            Self::Audit => ("stagedoor", "audit"),
            Self::ExportFiles => ("stagedoor", "export_files"),
            Self::Exports => ("stagedoor", "exports"),
            Self::StageVersions => ("stagedoor", "stage_versions"),
            Self::Stages => ("stagedoor", "stages"),
            Self::Information(table) => (information_schema::DATABASE, table.name()),
        }
    }

    fn find(database: &str, table: &str) -> Option<Self> {
        Self::all().find(|known| known.name() == (database, table))
    }

    fn schema(self) -> SchemaRef {
        match self {
            Self::MoStages => columns::schema(&tables::mo_stages()),
            Self::Audit => columns::schema(&tables::audit()),
            Self::ExportFiles => columns::schema(&tables::export_files()),
            Self::Exports => columns::schema(&tables::exports()),
            Self::StageVersions | Self::Stages => columns::schema(&tables::stages()),
            Self::Information(table) => table.schema(),
        }
    }

    /// What reading it is to the gate.
    fn operation(self) -> Operation {
        match self {
            Self::Audit => Operation::ReadAudit,
            Self::StageVersions => Operation::ShowStageHistory,
            Self::MoStages
            | Self::ExportFiles
            | Self::Exports
            | Self::Stages
            | Self::Information(_) => Operation::ReadSystemTable,
        }
    }
}

/// Whether `database` is the server's own.
pub(crate) fn is_system_database(database: &str) -> bool {
    SYSTEM_DATABASES.contains(&database)
}

/// The tables of a system database; `None` for any other.
pub(crate) fn table_names(database: &str) -> Option<Vec<&'static str>> {
    is_system_database(database).then(|| {
        SystemTable::all()
            .map(SystemTable::name)
            .filter(|(of, _)| *of == database)
            .map(|(_, name)| name)
            .collect()
    })
}

/// What reading a table of a system database is to the gate, also one that is not there.
pub(crate) fn operation(database: &str, table: &str) -> Operation {
    SystemTable::find(database, table).map_or(Operation::ReadSystemTable, SystemTable::operation)
}

/// The columns of a system table; `None` when there is no such table.
pub(crate) fn columns(database: &str, table: &str) -> Option<SchemaRef> {
    SystemTable::find(database, table).map(SystemTable::schema)
}

/// The rows of a system table that the principal may see, as they are when they are read; `None` when
/// there is no such table. Blocking.
pub(crate) fn rows(
    acting: &Acting,
    permit: &Permit,
    database: &str,
    table: &str,
) -> Result<Option<Arc<dyn RowSource>>> {
    let Some(table) = SystemTable::find(database, table) else {
        return Ok(None);
    };
    let account = permit.account();
    let audit_since_us = acting
        .instance
        .catalog
        .account(account)?
        .filter(|account| account.name != SYS)
        .map_or(0, |account| account.created_us);
    let reading = Reading {
        acting: acting.clone(),
        account: account.to_owned(),
        only_of: (!permit.sees_all()).then(|| acting.principal.user().to_owned()),
        audit_since_us,
    };
    Ok(Some(Arc::new(Rows { table, reading })))
}

/// The rows of one table for one principal.
#[derive(Debug)]
struct Rows {
    table: SystemTable,
    reading: Reading,
}

impl RowSource for Rows {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn read(&self, wanted: Wanted) -> Box<dyn Pages> {
        let reading = self.reading.clone();
        match self.table {
            SystemTable::MoStages => reading::mo_stages(reading, wanted),
            SystemTable::Audit => reading::audit(reading, wanted),
            SystemTable::ExportFiles => reading::export_files(reading, wanted),
            SystemTable::Exports => reading::exports(reading, wanted),
            SystemTable::StageVersions => reading::stage_versions(reading, wanted),
            SystemTable::Stages => reading::stages(reading, wanted),
            SystemTable::Information(table) => table.read(reading, wanted),
        }
    }
}
