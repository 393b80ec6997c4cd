//! The columns of each system table.

use catalog::{AuditRecord, ExportFile, ExportRecord, StagePolicy, StageRecord};
use exporter::DigestAlgorithm;

use super::columns::{Column, flag, number, text, time};
use crate::gate::{hex, outcome_name};
use crate::policies::rules_of;
use crate::sql::{export_state, shown_credentials, stage_change, stage_status};

pub(super) fn audit() -> Vec<Column<AuditRecord>> {
    vec![
        number(NUMBER, |r| Some(r.number)),
        time("time", |r| Some(r.time_us)),
        text("account", |r| Some(r.account.clone())),
        text("user", |r| Some(r.user.clone())),
        text("role", |r| Some(r.role.clone())),
        text("client", |r| Some(r.client.clone())),
        text("request_id", |r| Some(r.request_id.clone())),
        text("operation", |r| Some(r.operation.clone())),
        text("target", |r| Some(r.target.clone())),
        number("stage_version", |r| r.stage_version),
        text("outcome", |r| Some(outcome_name(r.outcome).to_owned())),
        text("reason", |r| Some(r.reason.clone())),
        text("statement", |r| Some(r.statement.clone())),
        text("hash", |r| Some(hex(&r.hash))),
    ]
}

/// The column of `stagedoor.audit` in whose order its records are kept.
pub(super) const NUMBER: &str = "number";
/// The column of exports in whose order they are kept.
pub(super) const EXPORT_ID: &str = "export_id";
/// The column of `stagedoor.exports` that is read for each export apart.
pub(super) const MANIFEST: &str = "manifest";

pub(super) fn stages() -> Vec<Column<SeenStage>> {
    vec![
        number("stage_id", |r| Some(r.stage.id)),
        text("stage_name", |r| Some(r.stage.name.clone())),
        number("version", |r| Some(r.stage.version)),
        text("url", |r| r.stage.definition.url.clone()),
        flag("enabled", |r| r.stage.definition.enabled),
        flag("directory", |r| r.stage.definition.directory),
        text("comment", |r| Some(r.stage.definition.comment.clone())),
        text("change", |r| Some(stage_change(r.stage.change).to_owned())),
        flag("dropped", |r| r.stage.dropped),
        time("created_time", |r| Some(r.stage.created_us)),
        time("changed_time", |r| Some(r.stage.changed_us)),
        text("changed_by", |r| Some(r.stage.changed_by.clone())),
        text("policy", |r| policy_text(&r.stage.definition.policy)),
        text("credentials", |r| {
            Some(credentials(r)).filter(|shown| !shown.is_empty())
        }),
    ]
}

/// A policy as ALTER STAGE has it; nothing where there is none.
fn policy_text(policy: &StagePolicy) -> Option<String> {
    let rules: Vec<String> = rules_of(policy)
        .iter()
        .map(|(key, value)| format!("'{}' = '{value}'", key.as_str()))
        .collect();
    (!rules.is_empty()).then(|| format!("{{{}}}", rules.join(", ")))
}

/// A stage, and whether whoever reads may see its credentials' names.
pub(super) struct SeenStage {
    pub(super) stage: StageRecord,
    pub(super) for_admin: bool,
}

/// MatrixOne's columns in its order.
pub(super) fn mo_stages() -> Vec<Column<SeenStage>> {
    vec![
        number("stage_id", |r| Some(r.stage.id)),
        text("stage_name", |r| Some(r.stage.name.clone())),
        text("url", |r| {
            Some(r.stage.definition.url.clone().unwrap_or_default())
        }),
        text("stage_credentials", |r| Some(credentials(r))),
        text("stage_status", |r| {
            Some(stage_status(r.stage.definition.enabled).to_lowercase())
        }),
        time("created_time", |r| Some(r.stage.created_us)),
        text("comment", |r| Some(r.stage.definition.comment.clone())),
    ]
}

fn credentials(row: &SeenStage) -> String {
    match row.for_admin {
        true => shown_credentials(&row.stage.definition.credentials),
        false => String::new(),
    }
}

/// An export, with its manifest where that is wanted.
pub(super) struct Export {
    pub(super) record: ExportRecord,
    pub(super) manifest: Option<String>,
}

pub(super) fn exports() -> Vec<Column<Export>> {
    vec![
        text(EXPORT_ID, |r| Some(r.record.id.clone())),
        text("state", |r| Some(export_state(r.record.state).to_owned())),
        text("user", |r| Some(r.record.user.clone())),
        text("statement", |r| Some(r.record.statement.clone())),
        text("target", |r| Some(r.record.target.clone())),
        text("stage_name", |r| {
            r.record.stage.as_ref().map(|(name, _)| name.clone())
        }),
        number("stage_version", |r| {
            r.record.stage.as_ref().map(|(_, version)| *version)
        }),
        number("rows", |r| Some(r.record.rows)),
        number("bytes", |r| Some(r.record.bytes)),
        text("error", |r| r.record.error.clone()),
        text("warnings", |r| {
            (!r.record.warnings.is_empty()).then(|| r.record.warnings.join("; "))
        }),
        time("started_time", |r| Some(r.record.created_us)),
        time("finished_time", |r| r.record.finished_us),
        text(MANIFEST, |r| r.manifest.clone()),
    ]
}

/// A file of an export.
pub(super) struct File {
    pub(super) export_id: String,
    pub(super) file: ExportFile,
}

/// A file's digest, where it is by this algorithm.
fn digest_of(file: &ExportFile, wanted: DigestAlgorithm) -> Option<String> {
    DigestAlgorithm::split(&file.digest)
        .filter(|(algorithm, _)| *algorithm == wanted)
        .map(|(_, digits)| digits.to_owned())
}

pub(super) fn export_files() -> Vec<Column<File>> {
    vec![
        text(EXPORT_ID, |r| Some(r.export_id.clone())),
        text("path", |r| Some(r.file.path.clone())),
        number("rows", |r| Some(r.file.rows)),
        number("bytes", |r| Some(r.file.bytes)),
        text("sha256", |r| digest_of(&r.file, DigestAlgorithm::Sha256)),
        text("blake3", |r| digest_of(&r.file, DigestAlgorithm::Blake3)),
    ]
}
