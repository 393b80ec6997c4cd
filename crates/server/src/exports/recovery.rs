//! After a start: what a stopped server left of its exports is rolled forward or back.
//! Before PREPARED nothing was visible: drafts are removed and the export has FAILED. From PREPARED on
//! every byte is durable: publication goes on where it stopped, each step idempotent.

use catalog::{ExportRecord, ExportState};
use parser::Target;
use storage::{Finished, Location, ObjectPath, OnExisting, Store};

use crate::error::{Error, Reason, Result};
use crate::exports::manifest::manifest_path;
use crate::instance::{Instance, system_actor};

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
    let end = if export.state == ExportState::Prepared {
        publish_again(&store, &path, &export)
    } else {
        Err("the server stopped before the export was complete".to_owned())
    };
    store.discard(&export.id)?;
    let state = if end.is_ok() {
        ExportState::Committed
    } else {
        ExportState::Failed
    };
    instance
        .catalog
        .update_export(&system_actor(), &export.id, |record| {
            record.state = state;
            record.temp_files.clear();
            if let Err(why) = end {
                record.files.clear();
                record.manifest_json = None;
                record.error = Some(why);
            }
        })?;
    Ok(state)
}

/// Publishes the data, then the manifest. A draft that is gone was published before the server stopped.
fn publish_again(
    store: &Store,
    path: &ObjectPath,
    export: &ExportRecord,
) -> std::result::Result<(), String> {
    let drafts = store.draft_ids().map_err(|e| e.to_string())?;
    if !drafts.contains(&export.id) {
        // All drafts were published; only the COMMITTED record was missing.
        return Ok(());
    }
    for (index, bytes) in [(0, export.bytes), (1, 0)] {
        if !export.temp_files.contains(&index.to_string()) {
            continue;
        }
        let target = if index == 0 {
            path.clone()
        } else {
            manifest_path(path).map_err(|e| e.message().to_owned())?
        };
        match store.publish(
            &Finished::recorded(&export.id, index, bytes),
            &target,
            OnExisting::Refuse,
        ) {
            Ok(()) => {}
            Err(error) if error.kind() == storage::ErrorKind::NotFound => {}
            // Ours, if its draft was linked under the name and not yet unlinked; else somebody else's.
            Err(error) if index == 0 => return Err(format!("not published: {error}")),
            Err(error) => {
                tracing::warn!(id = export.id, %error, "the manifest was not written beside the data")
            }
        }
    }
    Ok(())
}

fn place(instance: &Instance, export: &ExportRecord) -> Result<(Store, ObjectPath)> {
    let defect = || {
        Error::internal(
            Reason::DataLoss,
            format_args!("export {} names no place: '{}'", export.id, export.target),
        )
    };
    match (&export.stage, Target::parse(&export.target)) {
        (Some((name, version)), Target::Stage { path, .. }) => Ok((
            instance.open_stage_at(name, *version)?.store,
            ObjectPath::parse(&path)?,
        )),
        (None, Target::Raw(path)) => local(instance, &path),
        _ => Err(defect()),
    }
}

/// The folder of a local path, and the file's name in it.
pub(crate) fn local(instance: &Instance, path: &str) -> Result<(Store, ObjectPath)> {
    let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
    let folder = if folder.is_empty() { "/" } else { folder };
    let name = ObjectPath::parse(name)?;
    let root = std::path::PathBuf::from(folder);
    Ok((
        Store::open(&Location::Folder { root, prefix: None }, &instance.policy())?,
        name,
    ))
}
