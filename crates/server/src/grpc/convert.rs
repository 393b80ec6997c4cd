//! Records of the catalog as messages of the wire, and resource names back to ids.

use std::collections::HashMap;

use catalog::{Credential, ExportFile, ExportRecord, ExportState, StageCapabilities, StageRecord};
use exporter::DigestAlgorithm;
use proto::v1;
use secrecy::SecretString;
use storage::{Finding, Outcome};

use crate::error::{Error, Reason, Result};
use crate::exports::ExportProgress;
use crate::policies::rules_of;
use crate::session::{Etag, Verdict, VerifiedFile};
use crate::sql::{Secrets, stage_change};
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
        files: record.files.into_iter().map(export_file).collect(),
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
        files: progress.files,
    }
}

fn export_file(file: ExportFile) -> v1::ExportFile {
    let digest = DigestAlgorithm::split(&file.digest);
    let of = |wanted| match digest {
        Some((algorithm, digits)) if algorithm == wanted => digits.to_owned(),
        Some(_) | None => String::new(),
    };
    v1::ExportFile {
        path: file.path,
        rows: file.rows,
        bytes: file.bytes,
        sha256: of(DigestAlgorithm::Sha256),
        blake3: of(DigestAlgorithm::Blake3),
    }
}

pub(super) fn verified(verified: VerifiedFile) -> v1::VerifyExportResponse {
    let result = match verified.verdict {
        Verdict::Same => v1::VerifyResult::Ok,
        Verdict::Changed => v1::VerifyResult::Changed,
        Verdict::Missing => v1::VerifyResult::Missing,
    };
    v1::VerifyExportResponse {
        file: Some(export_file(verified.file)),
        result: result.into(),
        detail: verified.detail,
    }
}

/// A stage; its credentials, as far as they may be shown at all, for administrators.
pub(super) fn stage(record: StageRecord, for_admin: bool) -> v1::Stage {
    let etag = Etag::of(&record).0;
    v1::Stage {
        name: format!("stages/{}", record.name),
        etag,
        url: record.definition.url.clone().unwrap_or_default(),
        enabled: Some(record.definition.enabled),
        directory: Some(record.definition.directory),
        comment: record.definition.comment.clone(),
        version: record.version,
        create_time: Some(proto_timestamp(record.created_us)),
        update_time: Some(proto_timestamp(record.changed_us)),
        delete_time: record.dropped.then(|| proto_timestamp(record.changed_us)),
        updated_by: record.changed_by,
        change: stage_change(record.change).to_owned(),
        credentials: HashMap::new(),
        capabilities: None,
        policy: rules_of(&record.definition.policy)
            .into_iter()
            .map(|(key, value)| (key.as_str().to_owned(), value))
            .collect(),
        credential_info: if for_admin {
            record
                .definition
                .credentials
                .iter()
                .map(credential)
                .collect()
        } else {
            Vec::new()
        },
    }
}

pub(super) fn capabilities(found: StageCapabilities) -> v1::StageCapabilities {
    v1::StageCapabilities {
        facts: found.facts.into_iter().collect(),
        check_time: Some(proto_timestamp(found.checked_us)),
        checked_by: found.checked_by,
        stage_version: found.version,
        stagedoor_version: found.program,
    }
}

pub(super) fn finding(finding: Finding) -> v1::StageFinding {
    let result = match finding.outcome {
        Outcome::Ok => v1::FindingResult::Ok,
        Outcome::Warning => v1::FindingResult::Warning,
        Outcome::Failed => v1::FindingResult::Failed,
        Outcome::Skipped => v1::FindingResult::Skipped,
    };
    v1::StageFinding {
        check: finding.check.name().to_owned(),
        result: result.into(),
        detail: finding.detail,
        advice: finding.advice,
    }
}

fn credential(credential: &Credential) -> v1::StageCredential {
    v1::StageCredential {
        key: credential.name.clone(),
        value: credential.plain_value().unwrap_or_default().to_owned(),
        fingerprint: credential
            .fingerprint()
            .map(|print| print.to_string())
            .unwrap_or_default(),
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

/// The secrets that came beside a statement.
pub(super) fn secrets(given: HashMap<String, String>) -> Secrets {
    given
        .into_iter()
        .map(|(name, value)| (name, SecretString::from(value)))
        .collect()
}
