//! The read-only databases `stagedoor` and `mo_catalog`: the catalog's own records as tables.
//! Credentials never show in them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{Field, Schema};
use catalog::{ExportRecord, StageRecord};

use crate::error::{Error, Result};
use crate::instance::{ACCOUNT, Instance};
use crate::session::stage_status;

/// Databases that users can read and never change.
pub(crate) const SYSTEM_DATABASES: [&str; 2] = ["mo_catalog", "stagedoor"];

const STAGEDOOR: [&str; 4] = ["export_files", "exports", "stage_versions", "stages"];
const MO_CATALOG: [&str; 1] = ["mo_stages"];

/// Whether `database` is the server's own.
pub(crate) fn is_system_database(database: &str) -> bool {
    SYSTEM_DATABASES.contains(&database)
}

/// The tables of a system database; `None` for any other.
pub(crate) fn table_names(database: &str) -> Option<Vec<&'static str>> {
    match database {
        "stagedoor" => Some(STAGEDOOR.to_vec()),
        "mo_catalog" => Some(MO_CATALOG.to_vec()),
        _ => None,
    }
}

/// A system table's rows as they are now; `None` when there is no such table.
pub(crate) fn batch(
    instance: &Instance,
    database: &str,
    table: &str,
) -> Result<Option<RecordBatch>> {
    let catalog = &instance.catalog;
    Ok(Some(match (database, table) {
        ("stagedoor", "stages") => stages(&catalog.stages(ACCOUNT)?)?,
        ("stagedoor", "stage_versions") => {
            let mut versions = Vec::new();
            let live = catalog.stages(ACCOUNT)?;
            for stage in live.iter().chain(&catalog.dropped_stages(ACCOUNT)?) {
                versions.extend(catalog.stage_history_by_id(ACCOUNT, stage.id)?);
            }
            versions.sort_by(|a, b| (&a.name, a.id, a.version).cmp(&(&b.name, b.id, b.version)));
            versions.dedup_by_key(|version| (version.id, version.version));
            stages(&versions)?
        }
        ("stagedoor", "exports") => exports(&catalog.exports(ACCOUNT, usize::MAX)?)?,
        ("stagedoor", "export_files") => export_files(&catalog.exports(ACCOUNT, usize::MAX)?)?,
        ("mo_catalog", "mo_stages") => mo_stages(&catalog.stages(ACCOUNT)?)?,
        _ => return Ok(None),
    }))
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
            texts(records, |r| Some(format!("{:?}", r.change).to_uppercase())),
        ),
        ("dropped", flags(records, |r| r.dropped)),
        ("created_time", times(records, |r| Some(r.created_us))),
        ("changed_time", times(records, |r| Some(r.changed_us))),
        ("changed_by", texts(records, |r| Some(r.changed_by.clone()))),
    ])
}

/// MatrixOne's columns in its order.
fn mo_stages(records: &[StageRecord]) -> Result<RecordBatch> {
    build(vec![
        ("stage_id", numbers(records, |r| r.id)),
        ("stage_name", texts(records, |r| Some(r.name.clone()))),
        (
            "url",
            texts(records, |r| {
                Some(r.definition.url.clone().unwrap_or_default())
            }),
        ),
        ("stage_credentials", texts(records, |_| Some(String::new()))),
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

fn exports(records: &[ExportRecord]) -> Result<RecordBatch> {
    build(vec![
        ("export_id", texts(records, |r| Some(r.id.clone()))),
        (
            "state",
            texts(records, |r| Some(format!("{:?}", r.state).to_uppercase())),
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
        ("manifest", texts(records, |r| r.manifest_json.clone())),
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
