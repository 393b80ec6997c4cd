//! After a start: what a stopped server left of its exports is rolled forward or back.
//! Before PREPARED nothing was visible: drafts are removed and the export has FAILED. From PREPARED on
//! every byte is durable: publication goes on where it stopped, each step idempotent.

use catalog::{ExportRecord, ExportState};
use exporter::Digest;
use parser::{Limits, Plan, Target};
use storage::{Finished, ObjectPath, OnExisting, Store};

use crate::error::{About, Error, Reason, Result, Subject, stage_required};
use crate::exports::manifest::{MANIFEST_DRAFT, manifest_path, manifest_warning};
use crate::gate::system_actor;
use crate::instance::Instance;

/// Deep enough for every statement that some setting once let in, and shallow enough for the stack.
const RECORDED_NESTING_MAX: usize = 1000;

/// Recovers every unfinished export. One that cannot be recovered now (its folder is not there, say) is
/// left for the next start, and named in the log. Blocking.
pub(crate) fn recover(instance: &Instance) {
    let unfinished = match instance.catalog.unfinished_exports() {
        Ok(unfinished) => unfinished,
        Err(error) => {
            tracing::error!(%error, "failed to list unfinished exports");
            return;
        }
    };
    for export in unfinished {
        let (id, state) = (export.id.clone(), export.state);
        match recover_one(instance, export) {
            Ok(end) => tracing::info!(id, from = ?state, to = ?end, "recovered an export"),
            Err(error) => {
                tracing::error!(id, state = ?state, error = error.message(), "failed to recover an export; the next start tries again")
            }
        }
    }
}

fn recover_one(instance: &Instance, export: ExportRecord) -> Result<ExportState> {
    let (store, path) = place(instance, &export)?;
    // An error that may pass (a disk that does not answer) ends here: the drafts stay for the next start.
    let end = if export.state == ExportState::Prepared {
        publish_again(instance, &store, &path, &export)?
    } else {
        End::Failed {
            why: "the server stopped before the export was complete".to_owned(),
        }
    };
    store.discard(&export.id)?;
    settle(instance, &export, end)
}

/// Records how an unfinished export ended: COMMITTED, or FAILED for a reason.
fn settle(instance: &Instance, export: &ExportRecord, end: End) -> Result<ExportState> {
    let settled = instance
        .catalog
        .update_export(&system_actor(&export.account), &export.id, |record| {
            record.temp_files.clear();
            match end {
                End::Committed { warnings } => {
                    record.state = ExportState::Committed;
                    record.warnings.extend(warnings);
                }
                End::Failed { why } => {
                    record.state = ExportState::Failed;
                    record.files.clear();
                    record.manifest_json = None;
                    record.error = Some(why);
                }
            }
        })
        .about(Subject::Export)?;
    Ok(settled.state)
}

/// Gives up an export that no task runs and that could not be recovered, its folder being gone for good,
/// say. One whose file turns out to be published is COMMITTED instead. Gives its final state. Blocking.
pub(crate) fn give_up(instance: &Instance, export: &ExportRecord) -> Result<ExportState> {
    let mut end = End::Failed {
        why: "not published: given up by CANCEL EXPORT".to_owned(),
    };
    if let Ok((store, path)) = place(instance, export) {
        let data = Finished::recorded(&export.id, 0, export.bytes);
        if export.state == ExportState::Prepared
            && !store.has_draft(&data)?
            && is_prepared_file(&store, &path, export)?
        {
            let on_existing = on_existing(export);
            end = End::Committed {
                warnings: publish_manifest_again(&store, &path, export, on_existing)?,
            };
        }
        store.discard(&export.id)?;
    }
    settle(instance, export, end)
}

/// How an unfinished export ends.
enum End {
    Committed { warnings: Vec<String> },
    Failed { why: String },
}

/// Publishes the data, then the manifest, as the statement asked. A draft that is gone was published
/// before the server stopped, if the file of that name is the one that was prepared: it is read to see.
fn publish_again(
    instance: &Instance,
    store: &Store,
    path: &ObjectPath,
    export: &ExportRecord,
) -> Result<End> {
    let on_existing = on_existing(export);
    let data = Finished::recorded(&export.id, 0, export.bytes);
    if store.has_draft(&data)? {
        if export.stage.is_none() && instance.catalog.any_stage_enabled(&export.account)? {
            return Ok(End::Failed {
                why: format!("not published: {}", stage_required().message()),
            });
        }
        match store.publish(&data, path, on_existing) {
            Ok(()) => {}
            Err(error) if error.kind() == storage::ErrorKind::AlreadyExists => {
                // Ours, where a file system links and unlinks instead of renaming.
                if !is_prepared_file(store, path, export)? {
                    let why = format!("not published: {error}");
                    return Ok(End::Failed { why });
                }
            }
            Err(error) => return Err(error.into()),
        }
    } else if !is_prepared_file(store, path, export)? {
        let why =
            format!("not published: neither its draft nor a file '{path}' with its bytes is there");
        return Ok(End::Failed { why });
    }
    Ok(End::Committed {
        warnings: publish_manifest_again(store, path, export, on_existing)?,
    })
}

/// The same for the manifest, if the statement asked for one beside the data: what counts is what has its
/// name in the end.
fn publish_manifest_again(
    store: &Store,
    path: &ObjectPath,
    export: &ExportRecord,
    on_existing: OnExisting,
) -> Result<Vec<String>> {
    let draft = Finished::recorded(&export.id, 1, 0);
    if !export.temp_files.iter().any(|name| name == MANIFEST_DRAFT) {
        return Ok(Vec::new());
    }
    let beside = manifest_path(path)?;
    let mut reason = "it had not been written when the server stopped".to_owned();
    if store.has_draft(&draft)?
        && let Err(error) = store.publish(&draft, &beside, on_existing)
    {
        reason = error.to_string();
    }
    let found = match store.open_file(&beside) {
        Ok(file) => std::io::read_to_string(file).ok(),
        Err(_) => None,
    };
    if found.is_some() && found == export.manifest_json {
        return Ok(Vec::new());
    }
    tracing::warn!(
        id = export.id,
        reason,
        "the manifest was not written beside the data"
    );
    Ok(vec![manifest_warning(path, &reason)])
}

/// What the export's statement said by OVERWRITE.
fn on_existing(export: &ExportRecord) -> OnExisting {
    // It was within the limits when it was admitted, whatever they are now.
    let limits = Limits {
        statement_bytes_max: usize::MAX,
        nesting_max: RECORDED_NESTING_MAX,
    };
    match parser::parse_with(&export.statement, &limits) {
        Ok(Plan::Export(statement))
            if statement
                .options
                .overwrite
                .as_ref()
                .is_some_and(|overwrite| overwrite.value) =>
        {
            OnExisting::Replace
        }
        _ => OnExisting::Refuse,
    }
}

/// Whether the file under the final name has the length and the SHA-256 that PREPARED recorded.
fn is_prepared_file(store: &Store, path: &ObjectPath, export: &ExportRecord) -> Result<bool> {
    let Some(recorded) = export.files.first() else {
        return Ok(false);
    };
    let mut file = match store.open_file(path) {
        Ok(file) => file,
        Err(error) if error.kind() == storage::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let mut digest = Digest::default();
    let bytes = std::io::copy(&mut file, &mut digest).map_err(|e| {
        let text = format!("failed to read '{path}': {e}");
        Error::new(Reason::StorageFailed, 1815, "HY000", text).with_source(e)
    })?;
    Ok(bytes == recorded.bytes && digest.finish() == recorded.sha256)
}

fn place(instance: &Instance, export: &ExportRecord) -> Result<(Store, ObjectPath)> {
    let defect = || {
        Error::internal(
            Reason::DataLoss,
            format_args!("export {} names no place: '{}'", export.id, export.target),
        )
    };
    match (&export.stage, Target::parse(&export.target)) {
        (Some(_), Target::Stage { path, .. }) => Ok((
            instance.open_stage_of(export)?.store,
            ObjectPath::parse(&path)?,
        )),
        (None, Target::Raw(path)) => instance.open_local(&export.account, &path),
        _ => Err(defect()),
    }
}
