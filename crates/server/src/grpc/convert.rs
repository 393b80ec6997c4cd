//! Records of the catalog as messages of the wire, and resource names back to ids.

use catalog::{ExportRecord, ExportState, StageRecord};
use proto::v1;

use crate::error::{Error, Reason, Result};
use crate::exports::ExportProgress;
use crate::time::proto_timestamp;

pub(super) fn export(record: ExportRecord) -> v1::Export {
    let (stage, stage_version) = record.stage.unwrap_or_default();
    v1::Export {
        name: format!("exports/{}", record.id),
        state: export_state(record.state).into(),
        statement: record.statement,
        target: record.target,
        stage,
        stage_version,
        rows: record.rows,
        bytes: record.bytes,
        files: record
            .files
            .into_iter()
            .map(|file| v1::ExportFile {
                path: file.path,
                rows: file.rows,
                bytes: file.bytes,
                sha256: file.sha256,
            })
            .collect(),
        error: record.error.unwrap_or_default(),
        create_time: Some(proto_timestamp(record.created_us)),
        end_time: record.finished_us.map(proto_timestamp),
        principal: format!("{}:{}", record.account, record.user),
        warnings: record.warnings,
    }
}

fn export_state(state: ExportState) -> v1::ExportState {
    match state {
        ExportState::Admitted => v1::ExportState::Admitted,
        ExportState::Running => v1::ExportState::Running,
        ExportState::Prepared => v1::ExportState::Prepared,
        ExportState::Committed => v1::ExportState::Committed,
        ExportState::Failed => v1::ExportState::Failed,
        ExportState::Cancelled => v1::ExportState::Cancelled,
    }
}

pub(super) fn progress(progress: ExportProgress) -> v1::ExportProgress {
    v1::ExportProgress {
        rows: progress.rows,
        bytes: progress.bytes,
        rows_estimated: progress.rows_estimated.unwrap_or(0),
        elapsed_ms: progress.elapsed_ms,
    }
}

pub(super) fn stage(record: StageRecord) -> v1::Stage {
    v1::Stage {
        name: format!("stages/{}", record.name),
        url: record.definition.url.unwrap_or_default(),
        enabled: Some(record.definition.enabled),
        directory: Some(record.definition.directory),
        comment: record.definition.comment,
        version: record.version,
        etag: etag(record.id, record.version),
        create_time: Some(proto_timestamp(record.created_us)),
        update_time: Some(proto_timestamp(record.changed_us)),
        updated_by: record.changed_by,
        change: format!("{:?}", record.change).to_uppercase(),
        ..Default::default()
    }
}

/// An etag names a stage's identity and version: a stage of the same name, dropped and made anew, has another.
fn etag(id: u64, version: u64) -> String {
    format!("{id}-{version}")
}

/// The version an etag stands for, once it is one of this stage.
///
/// # Errors
/// [`Reason::StageVersionConflict`].
pub(super) fn expected_version(sent: &str, current: &StageRecord) -> Result<catalog::Expected> {
    if sent.is_empty() {
        return Ok(catalog::Expected::Any);
    }
    let version = sent
        .strip_prefix(&format!("{}-", current.id))
        .and_then(|version| version.parse().ok());
    match version {
        Some(version) => Ok(catalog::Expected::Version(version)),
        None => Err(Error::internal(
            Reason::StageVersionConflict,
            format_args!(
                "stage {} is at etag {}, not at {sent}",
                current.name,
                etag(current.id, current.version)
            ),
        )),
    }
}

/// `stages/x` → `x`.
///
/// # Errors
/// [`Reason::OptionInvalid`], saying what a name looks like.
pub(super) fn resource_id<'a>(name: &'a str, collection: &str) -> Result<&'a str> {
    let id = name
        .strip_prefix(collection)
        .and_then(|rest| rest.strip_prefix('/'))
        .filter(|id| !id.is_empty() && !id.contains('/'));
    id.ok_or_else(|| {
        Error::invalid_input(
            Reason::OptionInvalid,
            format_args!(
                "name '{}' is not of the form {collection}/{{id}}",
                name.escape_default()
            ),
        )
    })
}

/// How many items a page has: 100 unless asked, 1000 at most (AIP-158).
pub(super) fn page_size(asked: i32) -> Result<usize> {
    match asked {
        0 => Ok(100),
        1.. => Ok(usize::try_from(asked).unwrap_or(1000).min(1000)),
        _ => Err(Error::invalid_input(
            Reason::OptionInvalid,
            "page_size must not be negative",
        )),
    }
}
