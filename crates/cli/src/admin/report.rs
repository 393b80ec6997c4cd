//! The server's answers to its administrator, as sentences or as JSON.
//! What a person should do next is part of the sentences.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use chrono::DateTime;
use prost_types::Timestamp;
use proto::v1::{
    BackupResponse, GetStatusResponse, ServerSession, SessionState, VerifyAuditResponse,
};
use serde_json::json;

use super::SESSIONS;
use crate::args::Answer;
use crate::output::printable;
use crate::render::{Format, Rows};

pub(super) fn status(
    out: &mut dyn Write,
    answer: Answer,
    status: &GetStatusResponse,
) -> io::Result<()> {
    let GetStatusResponse {
        server_version,
        start_time,
        read_only_reason,
        recovery,
        catalog_changes,
        journal_bytes,
        sessions,
        running_exports,
    } = status;
    let started = start_time.as_ref();
    if answer == Answer::Json {
        return object(
            out,
            json!({
                "server_version": server_version,
                "start_time": started.map(rfc3339),
                "read_only_reason": read_only_reason,
                "recovery": recovery,
                "catalog_changes": catalog_changes,
                "journal_bytes": journal_bytes,
                "sessions": sessions,
                "running_exports": running_exports,
            }),
        );
    }
    let since = started.map(|time| format!(", running since {}", utc(time)));
    line(
        out,
        &format!("stagedoor {server_version}{}", since.unwrap_or_default()),
    )?;
    if read_only_reason.is_empty() {
        line(out, "It takes changes.")?;
    } else {
        line(
            out,
            &format!(
                "It is read-only: {read_only_reason}. Mend that, then restart the server; what was acknowledged is safe."
            ),
        )?;
    }
    line(
        out,
        &format!(
            "{}, {}",
            count(u64::from(*sessions), "session"),
            count(u64::from(*running_exports), "running export")
        ),
    )?;
    line(
        out,
        &format!(
            "catalog: {}, journal of {}",
            count(*catalog_changes, "change"),
            count(*journal_bytes, "byte")
        ),
    )?;
    if recovery.is_empty() {
        return line(out, "Opening the data directory repaired nothing.");
    }
    line(out, "Opening the data directory repaired:")?;
    recovery
        .iter()
        .try_for_each(|repair| line(out, &format!("  {repair}")))
}

pub(super) fn backup(
    out: &mut dyn Write,
    answer: Answer,
    directory: &str,
    backup: &BackupResponse,
) -> io::Result<()> {
    let BackupResponse {
        files,
        bytes,
        catalog_changes,
        audit_head,
    } = backup;
    match answer {
        Answer::Json => object(
            out,
            json!({
                "directory": directory,
                "files": files,
                "bytes": bytes,
                "catalog_changes": catalog_changes,
                "audit_head": audit_head,
            }),
        ),
        Answer::Text => {
            line(
                out,
                &format!(
                    "backed up to {directory} on the server's machine: {}, {}, the catalog with {}",
                    count(*files, "file"),
                    count(*bytes, "byte"),
                    count(*catalog_changes, "change")
                ),
            )?;
            line(out, &format!("last audit record: sha256 {audit_head}"))?;
            line(
                out,
                "The server's key is not in it: without that key, the credentials of stages cannot be read.",
            )
        }
    }
}

pub(super) fn audit(
    out: &mut dyn Write,
    answer: Answer,
    verified: &VerifyAuditResponse,
) -> io::Result<()> {
    let VerifyAuditResponse {
        first,
        last,
        head,
        bad,
        why,
    } = verified;
    match answer {
        Answer::Json => object(
            out,
            json!({
                "first": first,
                "last": last,
                "head": head,
                "bad": (*bad != 0).then_some(bad),
                "why": why,
            }),
        ),
        Answer::Text if *bad != 0 => {
            line(out, &format!("DAMAGED: audit record {bad}: {why}"))?;
            line(
                out,
                "No record from that one on proves anything. Keep the data directory as it is, and compare it with a backup.",
            )
        }
        Answer::Text => {
            line(
                out,
                &format!("audit records {first} to {last} are complete and unchanged"),
            )?;
            line(
                out,
                &format!(
                    "last record: sha256 {head}; kept elsewhere, it shows later whether these records were changed"
                ),
            )
        }
    }
}

pub(super) fn sessions(
    out: &mut dyn Write,
    answer: Answer,
    sessions: &[ServerSession],
) -> io::Result<()> {
    if sessions.is_empty() {
        return match answer {
            Answer::Text => line(out, "no session is open"),
            Answer::Json => Ok(()),
        };
    }
    let text = |of: &dyn Fn(&ServerSession) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(sessions.iter().map(of)))
    };
    let idle_ms = sessions.iter().map(|session| session.idle_ms);
    let opened = |session: &ServerSession| match (answer, &session.open_time) {
        (_, None) => String::new(),
        (Answer::Text, Some(time)) => utc(time),
        (Answer::Json, Some(time)) => rfc3339(time),
    };
    let columns = [
        ("id", text(&|session| id(session).to_owned())),
        ("account", text(&|session| session.account.clone())),
        ("user", text(&|session| session.user.clone())),
        ("role", text(&|session| session.role.clone())),
        ("client", text(&|session| session.client.clone())),
        ("open_time", text(&opened)),
        ("state", text(&|session| state(session).to_owned())),
        (
            "idle_ms",
            Arc::new(UInt64Array::from_iter_values(idle_ms)) as ArrayRef,
        ),
        ("statement", text(&|session| session.statement.clone())),
    ];
    let batch = RecordBatch::try_from_iter(columns).map_err(io::Error::other)?;
    let format = match answer {
        Answer::Text => Format::Table,
        Answer::Json => Format::Json,
    };
    let mut rows = Rows::new(format, &batch.schema());
    rows.write(out, &batch)?;
    rows.finish(out)
}

/// What a session does; empty when its server does not say.
fn state(session: &ServerSession) -> &'static str {
    match session.state() {
        SessionState::Unspecified => "",
        SessionState::Idle => "idle",
        SessionState::Waiting => "waiting",
        SessionState::Running => "running",
    }
}

pub(super) fn killed(out: &mut dyn Write, answer: Answer, id: &str) -> io::Result<()> {
    match answer {
        Answer::Text => line(out, &format!("session {id} is closed")),
        Answer::Json => object(out, json!({"id": id, "closed": true})),
    }
}

/// The id in `sessions/{id}`, as `stagedoor admin kill` takes it.
fn id(session: &ServerSession) -> &str {
    session.name.strip_prefix(SESSIONS).unwrap_or(&session.name)
}

pub(super) fn line(out: &mut dyn Write, text: &str) -> io::Result<()> {
    writeln!(out, "{}", printable(text, &[]))
}

pub(super) fn object(out: &mut dyn Write, object: serde_json::Value) -> io::Result<()> {
    writeln!(out, "{object}")
}

pub(super) fn count(n: u64, one: &str) -> String {
    format!("{n} {one}{}", if n == 1 { "" } else { "s" })
}

fn instant(time: &Timestamp) -> DateTime<chrono::Utc> {
    let nanos = u32::try_from(time.nanos).unwrap_or_default();
    DateTime::from_timestamp(time.seconds, nanos).unwrap_or_default()
}

/// `2026-11-25 12:00:00 UTC`.
fn utc(time: &Timestamp) -> String {
    instant(time).format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `2026-11-25T12:00:00Z`.
fn rfc3339(time: &Timestamp) -> String {
    instant(time).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests;
