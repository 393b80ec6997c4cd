//! Publication: a function of the plan, the same for one file and for ten thousand, now and after a restart.
//! The data first, many files at once; when all of it has its names, the manifest.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use catalog::{ExportRecord, ExportState, FileRole, PlannedFile};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use storage::{BegunUploads, ErrorKind, ObjectPath, Store, Token};

use crate::error::{Error, Reason, Result, stage_required};
use crate::exports::manifest::manifest_warning;
use crate::exports::plan::{begun_token, planned};
use crate::instance::Instance;
use crate::lost_drafts::remove_lost;

/// Files that are published at a time.
const PUBLISHED_AT_ONCE_MAX: usize = 16;

/// Why a plan's data has not been published.
pub(crate) enum Unpublished {
    /// Nothing of it is visible, and trying again would not help.
    Refused(Error),
    /// Nothing of it is visible; another try may do it.
    Waiting(Error),
    /// Some of it may have its name already: the plan is to be carried out again.
    Unknown(Error),
}

/// Which time a plan is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// By the export itself, with somebody waiting for it: a name that cannot be had ends it, and what has its name
    /// already is taken back.
    First,
    /// By recovery: what is in the way may go, and the plan is carried out then; until then, somebody may give it up.
    Again,
}

/// What came of publishing a plan whose data has its names.
#[derive(Debug, Default)]
pub(crate) struct Published {
    /// What was not done, though the data is there.
    pub(crate) warnings: Vec<String>,
    /// The numbers of its entries.
    undone: Vec<u32>,
}

impl Published {
    fn without(&mut self, file: &PlannedFile, warning: String) {
        tracing::warn!(
            file = file.target,
            warning,
            "a part of an export's plan was not done"
        );
        self.undone.push(file.index);
        self.warnings.push(warning);
    }
}

/// Publishes a plan: its data, then what tells of it, the manifest last; then what the export before left goes. A
/// manifest that can never be written leaves the data where it is, with a warning.
///
/// A manifest that is replaced goes first: whoever reads by the manifest finds none while there are files of two
/// exports.
pub(crate) async fn publish(
    store: &Store,
    plan: &[PlannedFile],
    attempt: Attempt,
) -> std::result::Result<Published, Unpublished> {
    let data = of_role(plan, FileRole::Data).map_err(Unpublished::Unknown)?;
    let manifest = || plan.iter().filter(|file| file.role == FileRole::Manifest);
    let old = || {
        let replaced = manifest().filter(|file| file.replaces);
        replaced.chain(
            plan.iter()
                .filter(|file| file.role == FileRole::OldManifest),
        )
    };
    let mut removed = false;
    if old().next().is_some() && all_wait(store, &data).await.map_err(unknown)? {
        nothing_in_the_way(store, &data, attempt).await?;
        for old in old() {
            remove_old_manifest(store, old).await.map_err(unknown)?;
            removed = true;
        }
    }
    if let Err(unpublished) = publish_data(store, &data, attempt).await {
        return Err(match unpublished {
            // What proved the files of before is gone: they are to be replaced, now or later.
            Unpublished::Waiting(error) | Unpublished::Refused(error) if removed => {
                Unpublished::Unknown(error)
            }
            other => other,
        });
    }
    let mut published = Published::default();
    let sums = plan.iter().filter(|file| file.role == FileRole::Checksums);
    for file in sums.chain(manifest()) {
        let entry = planned(file).map_err(Unpublished::Unknown)?;
        if let Err(error) = store.publish(&entry).await {
            if !is_final(&error) {
                return Err(Unpublished::Unknown(error.into()));
            }
            let reason = error.to_string();
            published.without(file, not_written(file, &reason));
        }
    }
    for file in plan.iter().filter(|file| file.role == FileRole::Surplus) {
        match remove_surplus(store, file).await {
            Ok(true) => {}
            Ok(false) => published.without(file, stays(file, "it is another file by now")),
            // All that was exported is there: what cannot be read or removed now keeps it from nothing.
            Err(error) => published.without(file, stays(file, &error.to_string())),
        }
    }
    Ok(published)
}

fn unknown(error: storage::Error) -> Unpublished {
    Unpublished::Unknown(error.into())
}

/// That no folder, or what else can be replaced by no file, has a name of the data.
async fn nothing_in_the_way(
    store: &Store,
    data: &[storage::PlannedFile],
    attempt: Attempt,
) -> std::result::Result<(), Unpublished> {
    let targets = data.iter().map(|file| file.target.clone()).collect();
    let mut looks = at_once(store, targets, |store, target| async move {
        store.stat(&target).await
    });
    while let Some(look) = looks.next().await {
        match look {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) if attempt == Attempt::First && is_final(&error) => {
                return Err(Unpublished::Refused(error.into()));
            }
            Err(error) => return Err(Unpublished::Waiting(error.into())),
        }
    }
    Ok(())
}

async fn remove_old_manifest(store: &Store, old: &PlannedFile) -> storage::Result<()> {
    match store.delete(&ObjectPath::parse(&old.target)?).await {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Removes a file of the export before; gives whether it is gone. One that has other bytes by now stays.
async fn remove_surplus(store: &Store, file: &PlannedFile) -> storage::Result<bool> {
    let path = ObjectPath::parse(&file.target)?;
    match store.stat(&path).await {
        Ok(found) if found.bytes == file.bytes => {}
        Ok(_) => return Ok(false),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    }
    if store.digest_like(&file.digest, &path).await? != file.digest {
        return Ok(false);
    }
    store.delete(&path).await?;
    Ok(true)
}

fn not_written(file: &PlannedFile, reason: &str) -> String {
    match file.role {
        FileRole::Manifest => manifest_warning(&file.target, reason),
        FileRole::Checksums => format!(
            "the digests were not written to '{}' (what has that name, if anything, is not of this export): {reason}; \
             the manifest and stagedoor.export_files have them",
            file.target
        ),
        FileRole::Data | FileRole::Surplus | FileRole::OldManifest => {
            format!("'{}': {reason}", file.target)
        }
    }
}

fn stays(file: &PlannedFile, reason: &str) -> String {
    format!(
        "'{}' of the export before was not removed: {reason}",
        file.target
    )
}

/// What a record says once a plan's data is published. What was not done is warned of, and is none of what it made.
pub(crate) fn committed(record: &mut ExportRecord, published: Published) {
    record.state = ExportState::Committed;
    let undone = published.undone;
    record.plan.retain(|file| !undone.contains(&file.index));
    record.warnings.extend(published.warnings);
}

/// Whether doing a step of a plan again would not help.
fn is_final(error: &storage::Error) -> bool {
    match error.kind() {
        ErrorKind::AlreadyExists
        | ErrorKind::NotFound
        | ErrorKind::Invalid
        | ErrorKind::PermissionDenied
        | ErrorKind::Refused
        | ErrorKind::Unsupported => !error.is_temporary() && !error.may_be_done(),
        // The kinds are the storage crate's, and may grow.
        _ => false,
    }
}

/// Takes away what has been published of a plan that is given up.
pub(crate) async fn withdraw_plan(store: &Store, plan: &[PlannedFile]) -> Result<()> {
    Ok(withdraw(store, &of_role(plan, FileRole::Data)?).await?)
}

fn of_role(plan: &[PlannedFile], role: FileRole) -> Result<Vec<storage::PlannedFile>> {
    plan.iter()
        .filter(|file| file.role == role)
        .map(planned)
        .collect()
}

async fn publish_data(
    store: &Store,
    data: &[storage::PlannedFile],
    attempt: Attempt,
) -> std::result::Result<(), Unpublished> {
    let mut results = at_once(store, data.to_vec(), |store, file| async move {
        let result = store.publish(&file).await;
        (file, result)
    });
    let (mut refused, mut failed) = (None, None);
    let mut may_be_done = false;
    // Not to be taken away again: they may be another's.
    let mut found: Vec<ObjectPath> = Vec::new();
    while let Some((file, result)) = results.next().await {
        let error = match result {
            Ok(storage::Published::Found) => {
                found.push(file.target);
                continue;
            }
            Ok(storage::Published::Now | storage::Published::Before) => continue,
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::AlreadyExists => refused = Some(Error::from(error)),
            ErrorKind::NotFound => refused = Some(lost(&file, &error)),
            _ if attempt == Attempt::First && is_final(&error) => {
                refused = Some(Error::from(error));
            }
            // The kinds are the storage crate's, and may grow: what is not known to be final is tried again.
            _ => {
                may_be_done |= error.may_be_done();
                failed = Some(Error::from(error));
            }
        }
    }
    drop(results);
    if let Some(refused) = refused {
        let replaces = data
            .iter()
            .any(|file| file.on_existing == storage::OnExisting::Replace);
        // What was replaced cannot be brought back: half of the plan is carried out, and stays so until all of it is,
        // or somebody gives it up.
        if replaces && !matches!(all_wait(store, data).await, Ok(true)) {
            return Err(Unpublished::Unknown(refused));
        }
        let ours = data.iter().filter(|file| !found.contains(&file.target));
        let ours: Vec<storage::PlannedFile> = ours.cloned().collect();
        return Err(match withdraw(store, &ours).await {
            Ok(()) => Unpublished::Refused(refused),
            // Carried out again, the plan meets the same file, and withdraws again.
            Err(_) => Unpublished::Unknown(refused),
        });
    }
    let Some(failed) = failed else {
        return Ok(());
    };
    // A store whose answer was lost may still be at it, whatever a look shows now.
    if may_be_done {
        return Err(Unpublished::Unknown(failed));
    }
    // What has its name already keeps it: the plan is carried out again from there. After a failure past the
    // renaming (of an fsync, say) a draft is no longer there, either.
    Err(match all_wait(store, data).await {
        Ok(true) => Unpublished::Waiting(failed),
        Ok(false) | Err(_) => Unpublished::Unknown(failed),
    })
}

fn lost(file: &storage::PlannedFile, error: &storage::Error) -> Error {
    Error::internal(
        Reason::StorageFailed,
        format_args!(
            "neither a draft nor a file '{}' with its bytes is there: {error}",
            file.target
        ),
    )
}

/// Whether every file still waits to be published, so that nothing is visible.
async fn all_wait(store: &Store, data: &[storage::PlannedFile]) -> storage::Result<bool> {
    let tokens = data.iter().map(|file| file.token.clone()).collect();
    let mut looks = at_once(store, tokens, |store, token| async move {
        store.has_draft(&token).await
    });
    while let Some(has_draft) = looks.next().await {
        if !has_draft? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes away again what was published of a plan of which a file cannot be: all or nothing. Where files were
/// replaced there is no way back.
async fn withdraw(store: &Store, data: &[storage::PlannedFile]) -> storage::Result<()> {
    let ours = data.iter().filter(|file| match file.on_existing {
        storage::OnExisting::Refuse => true,
        storage::OnExisting::Replace => false,
    });
    let mut withdrawals = at_once(store, ours.cloned().collect(), |store, file| async move {
        store.withdraw(&file).await
    });
    let mut failed = None;
    while let Some(withdrawn) = withdrawals.next().await {
        failed = withdrawn.err().or(failed);
    }
    // One that cannot be looked at keeps none of the others visible.
    failed.map_or(Ok(()), Err)
}

/// That a prepared export may still be published: its stage has not been disabled since, and where it goes to no
/// stage, none has been enabled. The rule holds to the last moment. An altered stage changes nothing: the export
/// goes where it was admitted to. Blocking.
pub(crate) fn may_publish(instance: &Instance, export: &ExportRecord) -> Result<()> {
    let Some((name, _)) = &export.stage else {
        return match instance.catalog.any_stage_enabled(&export.account)? {
            true => Err(stage_required()),
            false => Ok(()),
        };
    };
    let Some(id) = export.stage_id else {
        // A record of format 1.
        return Ok(());
    };
    // Those that its place was found through have a say, too, as they had when it began.
    let through = export.stage_parents.iter().map(|(parent, _)| *parent);
    for stage in std::iter::once(id).chain(through) {
        let now = instance
            .catalog
            .stage_history_by_id(&export.account, stage)?;
        match now.last() {
            Some(stage) if stage.definition.enabled => {}
            Some(stage) if stage.id != id => {
                return Err(Error::internal(
                    Reason::StageDisabled,
                    format_args!(
                        "stage '{}', through which '{name}' leads, is invalid, please check",
                        stage.name
                    ),
                ));
            }
            Some(_) | None => {
                return Err(Error::internal(
                    Reason::StageDisabled,
                    format_args!("stage '{name}' is invalid, please check"),
                ));
            }
        }
    }
    Ok(())
}

/// Removes the drafts of an export that its plan names, and what else a place knows to be of it.
pub(crate) async fn remove_drafts(store: &Store, export: &ExportRecord) -> Result<()> {
    discard(store, &export.plan).await?;
    Ok(store.sweep(&export.id).await?)
}

/// The same once the data of the plan has its names: a manifest, or digests, may have been left.
pub(crate) async fn remove_rest(store: &Store, export: &ExportRecord) -> Result<()> {
    let beside = export.plan.iter().filter(|file| match file.role {
        FileRole::Manifest | FileRole::Checksums => true,
        FileRole::Data | FileRole::Surplus | FileRole::OldManifest => false,
    });
    discard(store, beside).await?;
    Ok(store.sweep(&export.id).await?)
}

/// The same for an export that ended before its plan could name every draft: the uploads that a bucket has of its
/// targets, and of `others`, go, too, if they were begun while it ran, until `until` at the latest, and are no other
/// export's.
pub(crate) async fn remove_all_drafts(
    instance: &Arc<Instance>,
    store: &Store,
    export: &ExportRecord,
    others: Vec<ObjectPath>,
    until: SystemTime,
) -> Result<()> {
    discard(store, &export.plan).await?;
    let mut targets = others;
    for file in export.plan.iter().filter(|file| file.role.has_draft()) {
        targets.push(ObjectPath::parse(&file.target)?);
    }
    targets.sort();
    targets.dedup();
    let begun = BegunUploads {
        targets,
        since: Some(SystemTime::UNIX_EPOCH + Duration::from_micros(export.created_us)),
        until: Some(until),
    };
    store.sweep(&export.id).await?;
    let found = store.begun(&begun).await?;
    remove_lost(instance, store, &export.id, found).await
}

async fn discard(store: &Store, files: impl IntoIterator<Item = &PlannedFile>) -> Result<()> {
    let tokens = files.into_iter().map(begun_token);
    let tokens: Vec<Token> = tokens
        .filter_map(Result::transpose)
        .collect::<Result<_>>()?;
    let discards = at_once(store, tokens, |store, token| async move {
        store.discard(&token).await
    });
    discards.try_collect::<()>().await?;
    Ok(())
}

/// Asks the place something for each of many, some at a time; in the order of its answers.
fn at_once<I, F>(
    store: &Store,
    items: Vec<I>,
    ask: impl Fn(Store, I) -> F + Unpin,
) -> impl Stream<Item = F::Output> + Unpin
where
    F: Future,
{
    stream::iter(items)
        .map(move |item| ask(store.clone(), item))
        .buffer_unordered(PUBLISHED_AT_ONCE_MAX)
}

/// Whether a plan's data waits to be published, all of it.
pub(crate) async fn is_waiting(store: &Store, plan: &[PlannedFile]) -> Result<bool> {
    Ok(all_wait(store, &of_role(plan, FileRole::Data)?).await?)
}

/// The same check on a thread that may block.
pub(crate) async fn check_may_publish(
    instance: &Arc<Instance>,
    export: &ExportRecord,
) -> Result<()> {
    let export = export.clone();
    instance
        .blocking(move |instance| may_publish(instance, &export))
        .await
}
