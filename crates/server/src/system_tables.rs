//! The read-only databases `stagedoor` and `mo_catalog`: the catalog's own records as tables.
//! Secrets never show in them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{Field, Schema};
use catalog::{AuditRecord, Catalog, ExportRecord, StageRecord};

use crate::error::{Error, Reason, Result};
use crate::gate::{Acting, Operation, Permit, SYS, hex, outcome_name};
use crate::sql::{export_state, shown_credential, stage_change, stage_status};

/// Databases that users can read and never change.
pub(crate) const SYSTEM_DATABASES: [&str; 2] = ["mo_catalog", "stagedoor"];

/// A query that would read more records of the audit than this is refused, for they are all in memory at once.
const AUDIT_ROWS_MAX: usize = 1_000_000;

/// The tables of the system databases. A new one has to say who may read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SystemTable {
    MoStages,
    Audit,
    ExportFiles,
    Exports,
    StageVersions,
    Stages,
}

impl SystemTable {
    const ALL: [Self; 6] = [
        Self::MoStages,
        Self::Audit,
        Self::ExportFiles,
        Self::Exports,
        Self::StageVersions,
        Self::Stages,
    ];

    /// Its database and its name in it.
    fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::MoStages => ("mo_catalog", "mo_stages"),
            Self::Audit => ("stagedoor", "audit"),
            Self::ExportFiles => ("stagedoor", "export_files"),
            Self::Exports => ("stagedoor", "exports"),
            Self::StageVersions => ("stagedoor", "stage_versions"),
            Self::Stages => ("stagedoor", "stages"),
        }
    }

    fn find(database: &str, table: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|known| known.name() == (database, table))
    }

    /// What reading it is to the gate.
    fn operation(self) -> Operation {
        match self {
            Self::Audit => Operation::ReadAudit,
            Self::StageVersions => Operation::ShowStageHistory,
            Self::MoStages | Self::ExportFiles | Self::Exports | Self::Stages => {
                Operation::ReadSystemTable
            }
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
        SystemTable::ALL
            .into_iter()
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

/// The rows of a system table that the principal may see, as they are now; `None` when there is no such table.
/// Blocking.
pub(crate) fn batch(
    acting: &Acting,
    permit: &Permit,
    database: &str,
    table: &str,
) -> Result<Option<RecordBatch>> {
    let catalog = &acting.instance.catalog;
    let account = permit.account();
    let visible_exports = || -> Result<Vec<ExportRecord>> {
        let mut exports = catalog.exports(account, usize::MAX)?;
        exports.retain(|export| permit.sees(&export.user));
        Ok(exports)
    };
    let Some(table) = SystemTable::find(database, table) else {
        return Ok(None);
    };
    Ok(Some(match table {
        SystemTable::Audit => {
            let mut records = catalog.audit_last(account, AUDIT_ROWS_MAX + 1)?;
            if records.len() > AUDIT_ROWS_MAX {
                return Err(Error::internal(
                    Reason::LimitExceeded,
                    format_args!(
                        "stagedoor.audit gives {AUDIT_ROWS_MAX} records at the most, and there are more; shorten it with the setting retention.audit_days"
                    ),
                ));
            }
            // An earlier account of the same name has its records in the same chain; they are not this one's.
            let since_us = catalog
                .account(account)?
                .filter(|account| account.name != SYS)
                .map_or(0, |account| account.created_us);
            records.retain(|record| record.time_us >= since_us);
            audit(&records)?
        }
        SystemTable::Stages => stages(&acting.visible_stages(catalog.stages(account)?)?)?,
        SystemTable::StageVersions => {
            let mut versions = Vec::new();
            let live = catalog.stages(account)?;
            for stage in live.iter().chain(&catalog.dropped_stages(account)?) {
                versions.extend(catalog.stage_history_by_id(account, stage.id)?);
            }
            versions.sort_by(|a, b| (&a.name, a.id, a.version).cmp(&(&b.name, b.id, b.version)));
            versions.dedup_by_key(|version| (version.id, version.version));
            stages(&versions)?
        }
        SystemTable::Exports => exports(catalog, account, &visible_exports()?)?,
        SystemTable::ExportFiles => export_files(&visible_exports()?)?,
        SystemTable::MoStages => {
            let visible = acting.visible_stages(catalog.stages(account)?)?;
            mo_stages(&visible, permit.sees_all())?
        }
    }))
}

fn audit(records: &[AuditRecord]) -> Result<RecordBatch> {
    build(vec![
        ("number", numbers(records, |r| r.number)),
        ("time", times(records, |r| Some(r.time_us))),
        ("account", texts(records, |r| Some(r.account.clone()))),
        ("user", texts(records, |r| Some(r.user.clone()))),
        ("role", texts(records, |r| Some(r.role.clone()))),
        ("client", texts(records, |r| Some(r.client.clone()))),
        ("request_id", texts(records, |r| Some(r.request_id.clone()))),
        ("operation", texts(records, |r| Some(r.operation.clone()))),
        ("target", texts(records, |r| Some(r.target.clone()))),
        (
            "stage_version",
            Arc::new(UInt64Array::from_iter(
                records.iter().map(|r| r.stage_version),
            )),
        ),
        (
            "outcome",
            texts(records, |r| Some(outcome_name(r.outcome).to_owned())),
        ),
        ("reason", texts(records, |r| Some(r.reason.clone()))),
        ("statement", texts(records, |r| Some(r.statement.clone()))),
        ("hash", texts(records, |r| Some(hex(&r.hash)))),
    ])
}

fn stages(records: &[StageRecord]) -> Result<RecordBatch> {
    build(vec![
        ("stage_id", numbers(records, |r| r.id)),
        ("stage_name", texts(records, |r| Some(r.name.clone()))),
        ("version", numbers(records, |r| r.version)),
        ("url", texts(records, |r| r.definition.url.clone())),
        ("enabled", flags(records, |r| r.definition.enabled)),
        ("directory", flags(records, |r| r.definition.directory)),
        (
            "comment",
            texts(records, |r| Some(r.definition.comment.clone())),
        ),
        (
            "change",
            texts(records, |r| Some(stage_change(r.change).to_owned())),
        ),
        ("dropped", flags(records, |r| r.dropped)),
        ("created_time", times(records, |r| Some(r.created_us))),
        ("changed_time", times(records, |r| Some(r.changed_us))),
        ("changed_by", texts(records, |r| Some(r.changed_by.clone()))),
    ])
}

/// MatrixOne's columns in its order.
fn mo_stages(records: &[StageRecord], for_admin: bool) -> Result<RecordBatch> {
    build(vec![
        ("stage_id", numbers(records, |r| r.id)),
        ("stage_name", texts(records, |r| Some(r.name.clone()))),
        (
            "url",
            texts(records, |r| {
                Some(r.definition.url.clone().unwrap_or_default())
            }),
        ),
        (
            "stage_credentials",
            texts(records, |r| {
                let shown = r.definition.credentials.iter().map(|credential| {
                    format!("{}={}", credential.name, shown_credential(credential))
                });
                Some(if for_admin {
                    shown.collect::<Vec<_>>().join(",")
                } else {
                    String::new()
                })
            }),
        ),
        (
            "stage_status",
            texts(records, |r| {
                Some(stage_status(r.definition.enabled).to_lowercase())
            }),
        ),
        ("created_time", times(records, |r| Some(r.created_us))),
        (
            "comment",
            texts(records, |r| Some(r.definition.comment.clone())),
        ),
    ])
}

fn exports(catalog: &Catalog, account: &str, records: &[ExportRecord]) -> Result<RecordBatch> {
    let manifests = records
        .iter()
        .map(|export| catalog.manifest(account, &export.id))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    build(vec![
        ("export_id", texts(records, |r| Some(r.id.clone()))),
        (
            "state",
            texts(records, |r| Some(export_state(r.state).to_owned())),
        ),
        ("user", texts(records, |r| Some(r.user.clone()))),
        ("statement", texts(records, |r| Some(r.statement.clone()))),
        ("target", texts(records, |r| Some(r.target.clone()))),
        (
            "stage_name",
            texts(records, |r| r.stage.as_ref().map(|(name, _)| name.clone())),
        ),
        (
            "stage_version",
            Arc::new(UInt64Array::from_iter(
                records
                    .iter()
                    .map(|r| r.stage.as_ref().map(|(_, version)| *version)),
            )),
        ),
        ("rows", numbers(records, |r| r.rows)),
        ("bytes", numbers(records, |r| r.bytes)),
        ("error", texts(records, |r| r.error.clone())),
        (
            "warnings",
            texts(records, |r| {
                (!r.warnings.is_empty()).then(|| r.warnings.join("; "))
            }),
        ),
        ("started_time", times(records, |r| Some(r.created_us))),
        ("finished_time", times(records, |r| r.finished_us)),
        ("manifest", Arc::new(StringArray::from(manifests))),
    ])
}

fn export_files(records: &[ExportRecord]) -> Result<RecordBatch> {
    let files: Vec<_> = records
        .iter()
        .flat_map(|export| export.files.iter().map(move |file| (&export.id, file)))
        .collect();
    build(vec![
        ("export_id", texts(&files, |(id, _)| Some((*id).clone()))),
        ("path", texts(&files, |(_, file)| Some(file.path.clone()))),
        ("rows", numbers(&files, |(_, file)| file.rows)),
        ("bytes", numbers(&files, |(_, file)| file.bytes)),
        (
            "sha256",
            texts(&files, |(_, file)| Some(file.sha256.clone())),
        ),
    ])
}

fn build(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|e| Error::defect("failed to build a system table").with_source(e))
}

fn texts<R>(records: &[R], of: impl Fn(&R) -> Option<String>) -> ArrayRef {
    Arc::new(StringArray::from_iter(records.iter().map(of)))
}

fn numbers<R>(records: &[R], of: impl Fn(&R) -> u64) -> ArrayRef {
    Arc::new(UInt64Array::from_iter_values(records.iter().map(of)))
}

fn flags<R>(records: &[R], of: impl Fn(&R) -> bool) -> ArrayRef {
    Arc::new(BooleanArray::from_iter(
        records.iter().map(|record| Some(of(record))),
    ))
}

/// Microseconds since the epoch, UTC.
fn times<R>(records: &[R], of: impl Fn(&R) -> Option<u64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter(records.iter().map(
        |record| of(record).and_then(|micros| i64::try_from(micros).ok()),
    )))
}
