//! SHOW, EXPLAIN and VERIFY EXPORT as rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use catalog::ExportRecord;
use futures::StreamExt;
use parser::Export;

use super::show::export_state;
use crate::error::Result;
use crate::exports::ExportProgress;
use crate::session::{Outcome, Rows, Session, Verdict, VerifiedFile, text_batch};
use crate::time::timestamp_text;

/// SHOW EXPORTS lists this many, newest first; `stagedoor.exports` has them all.
const SHOWN_MAX: usize = 1000;

pub(super) async fn show(session: &Session) -> Result<Outcome> {
    let exports = session.exports_page(None, SHOWN_MAX).await?;
    let row = |export: ExportRecord| {
        let running = session.export_progress(&export.id);
        let done = running.unwrap_or(ExportProgress {
            rows: export.rows,
            bytes: export.bytes,
            files: export.files.len() as u64,
            ..ExportProgress::default()
        });
        let stage = export
            .stage
            .map(|(name, version)| format!("{name} (version {version})"));
        vec![
            Some(export.id),
            Some(export_state(export.state).to_owned()),
            Some(export.target),
            stage,
            Some(done.rows.to_string()),
            Some(done.bytes.to_string()),
            Some(timestamp_text(export.created_us)),
            export.finished_us.map(timestamp_text),
            Some(export.user),
            export.error,
            Some(done.files.to_string()),
            running
                .and_then(|running| running.rows_estimated)
                .map(|rows| rows.to_string()),
            running
                .and_then(|running| running.bytes_per_second())
                .map(|rate| rate.to_string()),
        ]
    };
    let columns = [
        "EXPORT_ID",
        "STATE",
        "TARGET",
        "STAGE",
        "ROWS",
        "BYTES",
        "STARTED",
        "FINISHED",
        "USER",
        "ERROR",
        "FILES",
        "ROWS_ESTIMATED",
        "BYTES_PER_SECOND",
    ];
    Outcome::text_rows(
        "SHOW EXPORTS",
        &columns,
        exports.into_iter().map(row).collect(),
    )
}

pub(super) async fn explain(session: &Session, statement: Export) -> Result<Outcome> {
    let rows = session.explain_export(&statement).await?;
    let row = |(property, value): (&str, String)| vec![Some(property.to_owned()), Some(value)];
    Outcome::text_rows(
        "EXPLAIN EXPORT",
        &["PROPERTY", "VALUE"],
        rows.into_iter().map(row).collect(),
    )
}

/// A row for each file, as soon as it has been read; a warning if any is not what it was.
pub(super) async fn verify(session: &mut Session, id: String) -> Result<Outcome> {
    const COLUMNS: [&str; 5] = ["FILE", "ROWS", "BYTES", "RESULT", "DETAIL"];
    let files = session.verify_export(id).await?;
    let bad = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&bad);
    let batches = files.map(move |file| {
        let VerifiedFile {
            file,
            verdict,
            detail,
        } = file?;
        match verdict {
            Verdict::Same => {}
            Verdict::Changed | Verdict::Missing => {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        }
        let row = vec![
            Some(file.path),
            Some(file.rows.to_string()),
            Some(file.bytes.to_string()),
            Some(verdict.name().to_owned()),
            Some(detail),
        ];
        text_batch(&COLUMNS, vec![row])
    });
    Ok(Outcome::Rows(Rows {
        verb: "VERIFY EXPORT",
        schema: text_batch(&COLUMNS, Vec::new())?.schema(),
        batches: Box::pin(batches),
        warnings: Arc::new(move || match bad.load(Ordering::Relaxed) {
            0 => Vec::new(),
            bad => vec![format!("{bad} files are not what was exported")],
        }),
        origins: Vec::new(),
    }))
}
