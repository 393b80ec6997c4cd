//! `stagedoor admin` with a data directory: done in this process, while no server runs.
//! What a person should do next is part of the sentences.

use std::io::Write;
use std::path::Path;

use proto::v1::{BackupResponse, VerifyAuditResponse};
use serde_json::json;
use server::offline::{self, Checked, Rotated, TornEnd};
use server::{BackedUp, Settings};

use super::EXIT_DAMAGED;
use super::report::{self, count, line, object};
use crate::args::{Answer, DataArgs, RebuildArgs, RestoreArgs, RotateKeyArgs};
use crate::output::complain;

/// `backup DIR --data-dir`.
pub(super) fn backup(
    data_dir: &Path,
    directory: &str,
    answer: Answer,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let done = offline::backup(data_dir, Path::new(directory))?;
    report::backup(out, answer, directory, &response(&done))?;
    Ok(0)
}

/// `restore FROM --data-dir`.
pub(super) fn restore(args: &RestoreArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let data_dir = &args.data.data_dir;
    let done = response(&offline::restore(&args.from, data_dir)?);
    match args.data.output {
        Answer::Json => object(
            out,
            json!({
                "data_dir": data_dir.display().to_string(),
                "files": done.files,
                "bytes": done.bytes,
                "catalog_changes": done.catalog_changes,
                "audit_head": done.audit_head,
            }),
        )?,
        Answer::Text => {
            line(
                out,
                &format!(
                    "restored to {}: {}, {}, the catalog with {}",
                    data_dir.display(),
                    count(done.files, "file"),
                    count(done.bytes, "byte"),
                    count(done.catalog_changes, "change")
                ),
            )?;
            line(
                out,
                &format!(
                    "Before the start, put the server's key back: {}, mode 600, or where the settings say.",
                    data_dir.join("server.key").display()
                ),
            )?;
        }
    }
    Ok(0)
}

/// `check --data-dir`.
pub(super) fn check(args: &DataArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let checked = offline::check(&args.data_dir)?;
    match args.output {
        Answer::Json => check_object(out, &checked)?,
        Answer::Text => check_sentences(out, &checked)?,
    }
    Ok(if checked.damage.is_empty() {
        0
    } else {
        EXIT_DAMAGED
    })
}

fn check_object(out: &mut dyn Write, checked: &Checked) -> std::io::Result<()> {
    let damage: Vec<_> = checked
        .damage
        .iter()
        .map(|damage| json!({"place": damage.place, "what": damage.what, "remedy": damage.remedy}))
        .collect();
    let audit = checked.audit.as_ref().map(|audit| {
        json!({
            "first": audit.first,
            "last": audit.last,
            "head": audit.head,
            "bad": audit.bad.as_ref().map(|(number, _)| number),
            "why": audit.bad.as_ref().map_or("", |(_, why)| why),
        })
    });
    object(
        out,
        json!({
            "damage": damage,
            "journal_records": checked.journal_records,
            "torn_bytes": checked.torn_bytes,
            "torn": match checked.torn {
                TornEnd::NeverAcknowledged => "never acknowledged",
                TornEnd::Acknowledged => "acknowledged",
                TornEnd::Unknown => "unknown",
            },
            "index_records": checked.index_records,
            "index_lacks": checked.index_lacks,
            "server_key": checked.server_key.as_ref().map(|key| {
                json!({"needed": key.needed, "lacking": key.lacking})
            }),
            "segments": checked.segments,
            "orphans": checked.orphans,
            "audit": audit,
        }),
    )
}

fn check_sentences(out: &mut dyn Write, checked: &Checked) -> std::io::Result<()> {
    line(
        out,
        &format!(
            "catalog: {} in the journal, {} in the index",
            count(checked.journal_records, "record"),
            count(checked.index_records, "record")
        ),
    )?;
    match checked.index_lacks {
        Some(0) => {}
        Some(lacks) => line(
            out,
            &format!(
                "the next start adds {} of the journal to the index",
                count(lacks, "record")
            ),
        )?,
        None if checked.damage.is_empty() => {
            line(out, "the next start makes the index anew from the journal")?;
        }
        None => {}
    }
    if checked.torn_bytes > 0 {
        let bytes = count(checked.torn_bytes, "byte");
        line(
            out,
            &match checked.torn {
                TornEnd::NeverAcknowledged => format!(
                    "{bytes} of a change that was never acknowledged were at the journal's end; that is no damage"
                ),
                TornEnd::Acknowledged => {
                    format!("{bytes} of a change that was acknowledged are at the journal's end")
                }
                TornEnd::Unknown => format!(
                    "{bytes} at the journal's end are no whole change: one that was never acknowledged, or, which nothing here can tell, the last one, damaged; the next start cuts them"
                ),
            },
        )?;
    }
    match checked.segments {
        Some(good) => line(
            out,
            &format!(
                "tables: {} there with the length the catalog lists",
                count(good, "file")
            ),
        )?,
        None => line(
            out,
            if checked.damage.is_empty() {
                "tables: not checked, for there is no index that lists them; check again after the next start"
            } else {
                "tables: not checked, for the catalog must be mended first"
            },
        )?,
    }
    for orphan in &checked.orphans {
        line(
            out,
            &format!("{orphan} is listed by no table; the next start removes it"),
        )?;
    }
    if let Some(key) = &checked.server_key {
        line(
            out,
            &match &key.lacking {
                None => format!(
                    "the secrets need the server key {}, which is here",
                    key.needed
                ),
                Some(why) => format!(
                    "the secrets need the server key {}, which must be where the settings say before the next start: {why}",
                    key.needed
                ),
            },
        )?;
    }
    for damage in &checked.damage {
        line(out, &format!("DAMAGED: {}: {}", damage.place, damage.what))?;
        line(out, &format!("  what to do: {}", damage.remedy))?;
    }
    if checked.damage.is_empty() {
        line(out, "No damage was found.")?;
    }
    Ok(())
}

/// `rebuild --data-dir`.
pub(super) fn rebuild(args: &RebuildArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let repaired = offline::rebuild(&args.data.data_dir, args.accept_lost_changes)?;
    match args.data.output {
        Answer::Json => object(out, json!({"repaired": repaired}))?,
        Answer::Text => {
            line(out, "rebuilt the catalog's index:")?;
            for sentence in &repaired {
                line(out, &format!("  {sentence}"))?;
            }
        }
    }
    Ok(0)
}

/// `rotate-key`.
pub(super) fn rotate_key(args: RotateKeyArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let mut settings = Settings::load(args.config.as_deref())?;
    if let Some(data_dir) = args.data_dir {
        settings.data_dir = data_dir;
    }
    let rotated = offline::rotate_key(&settings, args.new_key_file.as_deref(), |moved, all| {
        // It can take long, and standard output is for the answer.
        complain(format_args!("moved {moved} of {all} secrets"));
    })?;
    match args.output {
        Answer::Json => object(
            out,
            json!({
                "key": rotated.to,
                "secrets": rotated.secrets,
                "resumed": rotated.resumed,
                "removed": rotated.removed.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
                "kept": rotated.kept.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
                "to_do": rotated.to_do,
            }),
        )?,
        Answer::Text => rotated_sentences(out, &rotated)?,
    }
    Ok(0)
}

fn rotated_sentences(out: &mut dyn Write, rotated: &Rotated) -> std::io::Result<()> {
    if rotated.resumed {
        line(
            out,
            "finished a rotation that had been interrupted; for another new key, run this again",
        )?;
    }
    line(
        out,
        &format!(
            "the server key is now {}, and {} moved to it",
            rotated.to,
            match rotated.secrets {
                1 => "1 secret was".to_owned(),
                n => format!("{n} secrets were"),
            }
        ),
    )?;
    for removed in &rotated.removed {
        line(
            out,
            &format!(
                "removed {}: the journal and the index were written anew and do not open by the old key any more; backups from before do, and need it",
                removed.display()
            ),
        )?;
    }
    for kept in &rotated.kept {
        line(
            out,
            &format!(
                "{} was kept of an earlier loss, and opens by the old key still: remove it when it is no longer needed",
                kept.display()
            ),
        )?;
    }
    match &rotated.to_do {
        Some(to_do) => line(out, &format!("Now: {to_do}.")),
        None => line(out, "Keep a copy of the new key apart from the backups."),
    }
}

/// `verify-audit --data-dir`.
pub(super) fn verify_audit(
    data_dir: &Path,
    answer: Answer,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let proof = offline::verify_audit(data_dir)?;
    let is_bad = proof.bad.is_some();
    let (bad, why) = proof.bad.unwrap_or_default();
    let verified = VerifyAuditResponse {
        first: proof.first,
        last: proof.last,
        head: proof.head,
        bad,
        why,
    };
    report::audit(out, answer, &verified)?;
    Ok(if is_bad { EXIT_DAMAGED } else { 0 })
}

/// As a running server tells it.
fn response(done: &BackedUp) -> BackupResponse {
    BackupResponse {
        files: done.files,
        bytes: done.bytes,
        catalog_changes: done.catalog_changes,
        audit_head: done
            .audit_head
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    }
}
