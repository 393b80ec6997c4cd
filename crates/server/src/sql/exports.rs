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
    let mut exports = session.exports_page(None, SHOWN_MAX + 1).await?;
    let are_more = exports.len() > SHOWN_MAX;
    exports.truncate(SHOWN_MAX);
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
    let warnings = match are_more {
        false => Vec::new(),
        true => vec![format!(
            "the {SHOWN_MAX} newest exports are shown; SELECT … FROM stagedoor.exports reads all of them"
        )],
    };
    let batch = text_batch(&columns, exports.into_iter().map(row).collect())?;
    Ok(Outcome::batch("SHOW EXPORTS", batch).with_warnings(warnings))
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use futures::TryStreamExt;

    use super::*;
    use crate::{Server, Settings};

    #[tokio::test]
    async fn what_is_not_shown_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::open(Settings::embedded(folder.path()))
            .await
            .unwrap();
        let catalog = &server.instance.catalog;
        let actor = catalog::Actor::new("sys", "root", "");
        let mut session = server.session().unwrap();
        for (more, shown, warned) in [(SHOWN_MAX, SHOWN_MAX, 0), (1, SHOWN_MAX, 1)] {
            for _ in 0..more {
                let new = catalog::NewExport {
                    id: uuid::Uuid::now_v7().to_string(),
                    database: None,
                    statement: "SELECT 1".to_owned(),
                    stage: None,
                    stage_parents: Vec::new(),
                    target: "/x.csv".to_owned(),
                    key: None,
                };
                catalog.create_export(&actor, new).unwrap();
            }
            let Outcome::Rows(rows) = session.execute("SHOW EXPORTS").await.unwrap() else {
                panic!("no rows");
            };
            let warnings = Arc::clone(&rows.warnings);
            let batches: Vec<_> = rows.batches.try_collect().await.unwrap();
            let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
            assert_eq!((rows, warnings().len()), (shown, warned));
            assert!(
                warnings()
                    .iter()
                    .all(|text| text.contains("stagedoor.exports"))
            );
        }
    }
}
