//! SHOW EXPORTS as rows.

use catalog::ExportRecord;

use super::show::export_state;
use crate::error::Result;
use crate::session::{Outcome, Session};
use crate::time::timestamp_text;

/// SHOW EXPORTS lists this many, newest first; `stagedoor.exports` has them all.
const SHOWN_MAX: usize = 1000;

pub(super) async fn show(session: &Session) -> Result<Outcome> {
    let exports = session.exports_page(None, SHOWN_MAX).await?;
    let row = |export: ExportRecord| {
        let stage = export
            .stage
            .map(|(name, version)| format!("{name} (version {version})"));
        vec![
            Some(export.id),
            Some(export_state(export.state).to_owned()),
            Some(export.target),
            stage,
            Some(export.rows.to_string()),
            Some(export.bytes.to_string()),
            Some(timestamp_text(export.created_us)),
            export.finished_us.map(timestamp_text),
            Some(export.user),
            export.error,
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
    ];
    Outcome::text_rows(
        "SHOW EXPORTS",
        &columns,
        exports.into_iter().map(row).collect(),
    )
}
