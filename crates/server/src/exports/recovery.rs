//! What a stopped server left of its exports is rolled forward or back. Before PREPARED nothing was visible:
//! drafts are removed and the export has FAILED. From PREPARED on every byte is durable, and the plan says what
//! is to be done: publication goes on where it stopped, each step idempotent.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use catalog::{ExportRecord, ExportState, FileRole, PlannedFile};
use futures::{StreamExt, stream};
use parser::{Scheme, Target};
use storage::{ErrorKind, ObjectPath, Store};

use crate::error::{About, Error, Reason, Result, Subject};
use crate::exports::checksums::{ALGORITHMS, checksums_of_folder, checksums_path};
use crate::exports::handle::Claim;
use crate::exports::manifest::{manifest_of_folder, manifest_path};
use crate::exports::plan::{plan_of, planned};
use crate::exports::publish::{
    Attempt, Published, Unpublished, check_may_publish, committed, is_waiting, publish,
    remove_all_drafts, remove_drafts, withdraw_plan,
};
use crate::exports::target::place_of;
use crate::gate::system_actor;
use crate::instance::Instance;
use crate::places::folder_of;

/// Exports that are recovered at a time.
const RECOVERED_AT_ONCE_MAX: usize = 8;
/// How many exports are looked through at a time for a later one.
const LATER_EXPORTS_PAGE: usize = 500;
/// Opening a server waits so long; what is not recovered then (a bucket that does not answer, say) is tried again
/// while it runs.
const OPENING_WAITS: Duration = Duration::from_secs(10);

/// Recovers what a stopped server left, as far as it is done in a short time. For a server that is being opened.
pub(crate) async fn recover(instance: &Arc<Instance>) {
    if tokio::time::timeout(OPENING_WAITS, recover_left(instance))
        .await
        .is_err()
    {
        tracing::warn!(
            seconds = OPENING_WAITS.as_secs(),
            "exports of the stopped server are not all recovered yet; a serving server goes on with it, and the next start"
        );
    }
}

/// Recovers every unfinished export that no task runs. One that cannot be recovered now (its folder is not there,
/// say) is left for another time, and named in the log.
pub(crate) async fn recover_left(instance: &Arc<Instance>) {
    let unfinished = instance
        .blocking(|instance| Ok(instance.catalog.unfinished_exports()?))
        .await;
    let unfinished = match unfinished {
        Ok(unfinished) => unfinished,
        Err(error) => {
            tracing::error!(error = error.message(), "failed to list unfinished exports");
            return;
        }
    };
    instance.jobs.waiting.keep(&unfinished);
    let left = unfinished
        .into_iter()
        // A task of its own, which has the claim to the end: work in a folder goes on when nobody waits for it.
        .map(|export| async { tokio::spawn(recover_and_tell(Arc::clone(instance), export)).await });
    stream::iter(left)
        .buffer_unordered(RECOVERED_AT_ONCE_MAX)
        .for_each(async |done| {
            if let Err(error) = done {
                // Its text may quote what a panic quoted; the panic itself is logged without.
                tracing::error!(
                    panicked = error.is_panic(),
                    "recovering an export broke off; it is tried again"
                );
            }
        })
        .await;
}

async fn recover_and_tell(instance: Arc<Instance>, listed: ExportRecord) {
    let id = listed.id;
    let (_claim, export) = match claimed(&instance, &listed.account, &id).await {
        Ok(Some(claimed)) => claimed,
        // A task runs it, or it has ended since it was listed.
        Ok(None) => return,
        Err(error) => {
            tracing::error!(
                id,
                error = error.message(),
                "failed to look at an export; it is tried again"
            );
            return;
        }
    };
    let state = export.state;
    match recover_one(&instance, &export).await {
        Ok(end) => {
            instance.jobs.waiting.forget(&id);
            tracing::info!(id, from = ?state, to = ?end, "recovered an export");
        }
        Err(error) => {
            instance.jobs.waiting.note(&id, &error);
            tracing::error!(id, state = ?state, error = error.message(), "failed to recover an export; it is tried again");
        }
    }
}

async fn recover_one(instance: &Arc<Instance>, export: &ExportRecord) -> Result<ExportState> {
    if is_of_temporary_stage(export) {
        let why = "the temporary stage, with all its files, went with its session".to_owned();
        return settle(instance, export, End::Failed { why }).await;
    }
    let place = place(instance, export).await?;
    let _alone = instance.jobs.alone(place.place.clone()).await;
    let Place { store, path, .. } = place;
    // An error that may pass (a disk that does not answer) ends here: the drafts stay for another time.
    let end = if export.state == ExportState::Prepared {
        publish_again(instance, &store, &path, export).await?
    } else {
        End::Failed {
            why: "the server stopped before the export was complete".to_owned(),
        }
    };
    match tidy(instance, &store, export, &path).await {
        Err(error) if error.is_retryable() => return Err(error),
        Err(error) => {
            tidying_failed(export, &error);
            leave_drafts(instance, export, &path).await;
        }
        Ok(()) => {}
    }
    settle(instance, export, end).await
}

/// Removes the drafts that are left. Of a prepared export each is on record.
async fn tidy(
    instance: &Arc<Instance>,
    store: &Store,
    export: &ExportRecord,
    path: &ObjectPath,
) -> Result<()> {
    if export.state == ExportState::Prepared {
        return remove_drafts(store, export).await;
    }
    let until = SystemTime::UNIX_EPOCH + Duration::from_micros(instance.started_us);
    remove_all_drafts(instance, store, export, unrecorded(export, path)?, until).await
}

/// Where a draft may go that an older version had begun and that was not on record yet: that of the first file, or the
/// one behind those that are, or the manifest's. Since then what is about to begin is on record.
fn unrecorded(export: &ExportRecord, path: &ObjectPath) -> Result<Vec<ObjectPath>> {
    let mut targets = vec![path.clone()];
    // A name that there cannot be has no draft.
    targets.extend(manifest_path(path));
    targets.extend(manifest_of_folder(path));
    for algorithm in ALGORITHMS {
        targets.extend(checksums_path(path, algorithm));
        targets.extend(checksums_of_folder(path, algorithm));
    }
    if let Some(last) = export.plan.iter().map(|file| file.index).max() {
        let next = format!("{path}.{}", last.saturating_add(1));
        targets.extend(ObjectPath::parse(&next));
    }
    Ok(targets)
}

fn tidying_failed(export: &ExportRecord, error: &Error) {
    tracing::warn!(
        id = export.id,
        target = export.target,
        error = error.message(),
        "drafts of an export are left behind: they could not be removed"
    );
}

/// An export that no task runs, as it is now, with the right to settle it; `None` if it has ended or somebody else
/// is at it.
async fn claimed<'a>(
    instance: &'a Arc<Instance>,
    account: &str,
    id: &str,
) -> Result<Option<(Claim<'a>, ExportRecord)>> {
    let Some(claim) = instance.jobs.claim(id) else {
        return Ok(None);
    };
    let (account, id) = (account.to_owned(), id.to_owned());
    let record = instance
        .blocking(move |instance| Ok(instance.catalog.export(&account, &id)?))
        .await?;
    Ok(record
        .filter(|record| !record.state.is_final())
        .map(|record| (claim, record)))
}

/// Records how an unfinished export ended: COMMITTED, or FAILED for a reason.
async fn settle(instance: &Arc<Instance>, export: &ExportRecord, end: End) -> Result<ExportState> {
    let (account, id) = (export.account.clone(), export.id.clone());
    instance
        .blocking(move |instance| {
            let settled = instance
                .catalog
                .update_export(&system_actor(&account), &id, |record| match end {
                    End::Committed(published) => committed(record, published),
                    End::Failed { why } => {
                        record.state = ExportState::Failed;
                        record.files.clear();
                        record.manifest_json = None;
                        record.error = Some(why);
                    }
                })
                .about(Subject::Export)?;
            if let Some(notifier) = &instance.notifier {
                notifier.wake();
            }
            Ok(settled.state)
        })
        .await
}

/// Gives up an export that no task runs and that could not be recovered, its folder being gone for good,
/// say. One whose files turn out to be published is COMMITTED instead. Gives its final state.
///
/// # Errors
/// [`Reason::ExportState`], to be tried again, while recovery is at it.
pub(crate) async fn give_up(
    instance: &Arc<Instance>,
    export: &ExportRecord,
) -> Result<ExportState> {
    // As recovery: whoever asked may leave, and the claim must not go with them.
    let (instance, export) = (Arc::clone(instance), export.clone());
    tokio::spawn(async move { given_up(&instance, &export).await })
        .await
        .map_err(|e| Error::defect("giving up an export broke off").with_source(e))?
}

async fn given_up(instance: &Arc<Instance>, export: &ExportRecord) -> Result<ExportState> {
    let Some((_claim, export)) = claimed(instance, &export.account, &export.id).await? else {
        return Err(Error::internal(
            Reason::ExportState,
            format_args!("export '{}' is just being settled", export.id),
        )
        .retryable(true));
    };
    let end = match taken_back(instance, &export).await {
        Ok(end) => end,
        // The place may be gone for good: whoever gives the export up is told what is not known.
        Err(error) => {
            if let Target::Stage { path, .. } = Target::parse(&export.target)
                && let Ok(path) = ObjectPath::parse(&path)
            {
                leave_drafts(instance, &export, &path).await;
            }
            End::Failed {
                why: format!(
                    "given up by CANCEL EXPORT while its place could not be looked at ({}): {}",
                    error.message(),
                    match export.state {
                        ExportState::Prepared => "some of its files may be published",
                        ExportState::Admitted
                        | ExportState::Running
                        | ExportState::Committed
                        | ExportState::Failed
                        | ExportState::Cancelled => "nothing was published, but drafts may be left",
                    }
                ),
            }
        }
    };
    settle(instance, &export, end).await
}

/// Takes back what an unfinished export has made, unless all of it is published.
async fn taken_back(instance: &Arc<Instance>, export: &ExportRecord) -> Result<End> {
    let place = place(instance, export).await?;
    let _alone = instance.jobs.alone(place.place.clone()).await;
    let Place { store, path, .. } = place;
    let mut end = not_published("given up by CANCEL EXPORT");
    if export.state == ExportState::Prepared {
        let plan = plan_of(export, &path)?;
        match is_published(&store, &plan).await? {
            true => end = publish_again(instance, &store, &path, export).await?,
            false => withdraw_plan(&store, &plan).await?,
        }
    }
    if let Err(error) = tidy(instance, &store, export, &path).await {
        tidying_failed(export, &error);
        leave_drafts(instance, export, &path).await;
    }
    Ok(end)
}

/// Notes the drafts of an export that ends while they cannot be removed: they go when their place answers.
async fn leave_drafts(instance: &Arc<Instance>, export: &ExportRecord, path: &ObjectPath) {
    if export.stage.is_none() {
        tracing::error!(
            id = export.id,
            target = export.target,
            "drafts of an export may be left behind for good: its place is no stage's, whose keys would be kept"
        );
        return;
    }
    let (record, path) = (export.clone(), path.clone());
    let noted = instance
        .blocking(move |instance| {
            let lost = unrecorded(&record, &path)?;
            let lost = match record.state {
                ExportState::Prepared => &[],
                ExportState::Admitted
                | ExportState::Running
                | ExportState::Committed
                | ExportState::Failed
                | ExportState::Cancelled => &lost[..],
            };
            instance.uploads.leave(&record, &path, lost)
        })
        .await;
    match noted {
        Ok(()) => instance.unsettled.notify_one(),
        Err(error) => tracing::error!(
            id = export.id,
            target = export.target,
            error = error.message(),
            "drafts of an export may be left behind for good: they could not be noted"
        ),
    }
}

/// How an unfinished export ends.
enum End {
    Committed(Published),
    Failed { why: String },
}

fn not_published(why: &str) -> End {
    End::Failed {
        why: format!("not published: {why}"),
    }
}

/// Carries out the plan, as often as it takes.
async fn publish_again(
    instance: &Arc<Instance>,
    store: &Store,
    path: &ObjectPath,
    export: &ExportRecord,
) -> Result<End> {
    let plan = plan_of(export, path)?;
    // What has its name already is rolled forward, whatever has happened since.
    if is_waiting(store, &plan).await? {
        if let Err(refused) = check_may_publish(instance, export).await {
            let is_for_good = [Reason::StageRequired, Reason::StageDisabled];
            return match is_for_good.contains(&refused.reason()) {
                true => Ok(not_published(refused.message())),
                false => Err(refused),
            };
        }
        if let Some(later) = replaced_by(instance, export).await? {
            return Ok(not_published(&format!(
                "export '{later}', which is later, has replaced the file meanwhile"
            )));
        }
        if let Some(newer) = newer_file(store, export, &plan).await? {
            return Ok(not_published(&format!(
                "file '{newer}' was written after the export was complete, and is not replaced by older data"
            )));
        }
    } else if let Some(later) = replaced_by(instance, export).await?
        && !is_published(store, &plan).await?
    {
        // Half of it was there when a later one took its place: the other half must not come between.
        return Ok(not_published(&format!(
            "export '{later}', which is later, has replaced its files before all of them had their names"
        )));
    }
    match publish(store, &plan, Attempt::Again).await {
        Ok(published) => Ok(End::Committed(published)),
        Err(Unpublished::Refused(error)) => Ok(not_published(error.message())),
        Err(Unpublished::Waiting(error) | Unpublished::Unknown(error)) => Err(error),
    }
}

/// A later export that has been committed to the same target, while one that would replace it waited: older data
/// does not replace newer.
async fn replaced_by(instance: &Arc<Instance>, export: &ExportRecord) -> Result<Option<String>> {
    if !export.plan.iter().any(|file| file.replaces) {
        return Ok(None);
    }
    let export = export.clone();
    instance
        .blocking(move |instance| {
            let mut before: Option<String> = None;
            loop {
                let page = instance.catalog.exports_page(
                    &export.account,
                    before.as_deref(),
                    LATER_EXPORTS_PAGE,
                )?;
                let Some(last) = page.last() else {
                    return Ok(None);
                };
                before = Some(last.id.clone());
                for other in page {
                    // Ids are in the order of time.
                    if other.id <= export.id {
                        return Ok(None);
                    }
                    let same_place = match (export.stage_id, other.stage_id) {
                        (Some(own), Some(others)) => own == others,
                        (None, None) => true,
                        (Some(_), None) | (None, Some(_)) => false,
                    };
                    if same_place
                        && same_path(&other.target, &export.target)
                        && other.state == ExportState::Committed
                    {
                        return Ok(Some(other.id));
                    }
                }
            }
        })
        .await
}

/// Whether two targets of one stage are one path, whatever the stage was called.
pub(crate) fn same_path(one: &str, other: &str) -> bool {
    match (Target::parse(one), Target::parse(other)) {
        (Target::Stage { path: one, .. }, Target::Stage { path: other, .. }) => one == other,
        (
            Target::Stage { .. } | Target::Url { .. } | Target::Raw(_),
            Target::Stage { .. } | Target::Url { .. } | Target::Raw(_),
        ) => one == other,
    }
}

/// A file that the plan would replace, and that somebody has written since the export was prepared.
async fn newer_file(
    store: &Store,
    export: &ExportRecord,
    plan: &[PlannedFile],
) -> Result<Option<String>> {
    let prepared = SystemTime::UNIX_EPOCH + Duration::from_micros(export.changed_us);
    for file in plan.iter().filter(|file| file.replaces) {
        let target = ObjectPath::parse(&file.target)?;
        match store.stat(&target).await {
            Ok(found) if found.modified.is_some_and(|modified| modified > prepared) => {
                return Ok(Some(file.target.clone()));
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            // No file: publishing it says so.
            Err(error) if error.kind() == ErrorKind::Invalid => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// Whether every data file of a plan has its name already.
async fn is_published(store: &Store, plan: &[PlannedFile]) -> Result<bool> {
    let data: Vec<&PlannedFile> = plan
        .iter()
        .filter(|file| file.role == FileRole::Data)
        .collect();
    for file in &data {
        let file = planned(file)?;
        if store.has_draft(&file.token).await? || !store.holds(&file).await? {
            return Ok(false);
        }
    }
    Ok(!data.is_empty())
}

/// Where an export's files are.
pub(crate) struct Place {
    pub(crate) store: Store,
    /// Of its first file.
    path: ObjectPath,
    /// The same in words that are another for each place.
    place: String,
}

impl Place {
    fn new((store, path): (Store, ObjectPath), at: &str) -> Self {
        Self {
            place: place_of(at, &path),
            store,
            path,
        }
    }
}

/// # Errors
/// Those of finding and opening the place.
pub(crate) async fn place(instance: &Arc<Instance>, export: &ExportRecord) -> Result<Place> {
    match (&export.stage, Target::parse(&export.target)) {
        (Some(_), Target::Stage { path, .. }) => {
            let found = export.clone();
            let located = instance
                .blocking(move |instance| instance.locate_stage_of(&found))
                .await?;
            let stage = instance.open_stage(located).await?;
            let path = ObjectPath::parse(&path)?;
            Ok(Place::new((stage.store, path), &stage.place))
        }
        (
            None,
            Target::Url {
                scheme: Scheme::S3 | Scheme::Oss,
                ..
            }
            | Target::Raw(_),
        ) => {
            let found = export.clone();
            let credentials = instance
                .blocking(move |instance| instance.credentials_of(&found))
                .await?;
            match (credentials, Target::parse(&export.target)) {
                (Some(credentials), _) => {
                    let account = &export.account;
                    let opened = instance
                        .open_raw(account, &export.target, &credentials)
                        .await?;
                    Ok(Place::new(opened, &export.target))
                }
                (None, Target::Raw(path)) => {
                    let opened = instance.open_local(&export.account, &path).await?;
                    Ok(Place::new(opened, &folder_of(&path).to_string()))
                }
                (None, Target::Stage { .. } | Target::Url { .. }) => Err(no_place(export)),
            }
        }
        (Some(_), Target::Url { .. } | Target::Raw(_))
        | (
            None,
            Target::Stage { .. }
            | Target::Url {
                scheme: Scheme::File,
                ..
            },
        ) => Err(no_place(export)),
    }
}

/// Whether it went to a temporary stage: its target is in a stage, of which the catalog knows nothing.
fn is_of_temporary_stage(export: &ExportRecord) -> bool {
    export.stage.is_none() && matches!(Target::parse(&export.target), Target::Stage { .. })
}

fn no_place(export: &ExportRecord) -> Error {
    Error::internal(
        Reason::DataLoss,
        format_args!("export {} names no place: '{}'", export.id, export.target),
    )
}
