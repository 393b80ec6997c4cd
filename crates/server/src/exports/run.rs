//! One export, carried through its states: ADMITTED → RUNNING → PREPARED → COMMITTED.
//! Every state is durable before the next step; until PREPARED nothing is visible and it can be cancelled.

mod batches;
mod drafts;
mod failure;
mod tidying;

use std::collections::BTreeMap;
use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use arrow::array::RecordBatch;
use catalog::{
    Actor, Admission, ExportFile, ExportKey, ExportRecord, ExportState, FileRole, NewExport,
    PlannedFile,
};
use exporter::{Digest, ExportReport, Progress};
use futures::Stream;
use storage::{Finished, ObjectPath, OnExisting};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::error::{About, Error, Reason, Result, Subject};
use crate::exports::beside::{BesideFile, BesideWanted};
use crate::exports::checksums::checksums_text;
use crate::exports::handle::Alone;
use crate::exports::publish::{
    Attempt, Published, Unpublished, check_may_publish, committed, publish, remove_all_drafts,
    remove_rest,
};
use crate::exports::{CancelCause, ExportHandle, ExportTarget, Job, ManifestInput};
use crate::instance::Instance;
use crate::internal::ReadPin;
use crate::policies::Meter;
use crate::session::{Warnings, looked_at_before};
use crate::temporary_stages::ExportInto;
use crate::traces::{EXPORT_ID, Trace};
use crate::turns::Turn;

use batches::{metered, until_cancelled};
use drafts::{DraftSink, Drafts, LostDrafts, about_to_begin, lock};
use failure::export_error;
pub(crate) use failure::write_error;
use tidying::Tidying;

/// Everything an export needs once it has been let in.
pub(crate) struct ExportPlan {
    pub(crate) actor: Actor,
    /// Held until the export has ended.
    pub(crate) turn: Option<Turn>,
    pub(crate) target: ExportTarget,
    pub(crate) batches:
        Pin<Box<dyn Stream<Item = std::result::Result<RecordBatch, query::Error>> + Send>>,
    /// What the query has to say, once its batches have been read.
    pub(crate) warnings: Warnings,
    pub(crate) rows_estimated: Option<u64>,
    pub(crate) options: exporter::ExportOptions,
    pub(crate) manifest: ManifestInput,
    /// What goes beside the data.
    pub(crate) beside: BesideWanted,
    /// The database that was current when it was asked for.
    pub(crate) database: String,
    /// What the user calls it.
    pub(crate) key: Option<ExportKey>,
    /// What it may use of what the stage's policies permit.
    pub(crate) meter: Arc<Meter>,
    pub(crate) on_existing: OnExisting,
    /// Keeps the tables' files while the query reads them.
    pub(crate) pin: ReadPin,
    /// Where it stands in the trace of the statement that has asked for it.
    pub(crate) trace: Trace,
}

/// Admits an export durably and starts its task. Both happen in a task of their own, so that a caller
/// that leaves meanwhile cannot leave half an admission behind.
pub(crate) async fn start(instance: &Arc<Instance>, plan: ExportPlan) -> Result<ExportHandle> {
    let admission = tokio::spawn(admit(Arc::clone(instance), plan));
    admission
        .await
        .map_err(|e| Error::defect("an export's admission failed").with_source(e))?
}

async fn admit(instance: Arc<Instance>, mut plan: ExportPlan) -> Result<ExportHandle> {
    let id = Uuid::now_v7().to_string();
    let progress = Arc::new(Progress::default());
    let job = instance
        .jobs
        .admit(&id, Arc::clone(&progress), plan.rows_estimated)?;
    let mut place = Place {
        _turn: plan.turn.take(),
        into: plan
            .target
            .temporary_stage()
            .map(|stage| stage.exporting(&id)),
        instance: Arc::clone(&instance),
        job: Arc::clone(&job),
        end: Err(Error::defect("an export's task ended without a result")),
    };
    let (account, note) = (plan.actor.account.clone(), id.clone());
    instance
        .blocking(move |instance| match &instance.notifier {
            Some(notifier) => notifier.expect(&account, &note),
            None => Ok(()),
        })
        .await?;
    let new = NewExport {
        id: id.clone(),
        database: Some(plan.database.clone()),
        statement: plan.manifest.statement.clone(),
        stage: plan
            .target
            .permanent_stage()
            .map(|stage| (stage.name.clone(), stage.version)),
        stage_parents: plan
            .target
            .permanent_stage()
            .map_or_else(Vec::new, |stage| stage.parents.clone()),
        target: plan.target.shown.clone(),
        key: plan.key.clone(),
    };
    let actor = plan.actor.clone();
    let credentials = std::mem::take(&mut plan.target.credentials);
    let admitted = instance
        .blocking(move |instance| {
            instance
                .catalog
                .create_export_with(&actor, new, credentials)
                .about(Subject::Admission)
        })
        .await?;
    let admitted = match admitted {
        Admission::New(record) => record,
        // Somebody was quicker with the same key: it is that export, and this one never was.
        Admission::Before(record) => {
            let (account, id) = (record.account, record.id);
            drop(place);
            return before(&instance, account, id).await;
        }
    };
    let handle = ExportHandle::new(Arc::clone(&job), admitted);
    if let Some(stage) = plan.target.temporary_stage() {
        tokio::spawn(cancelled_at(stage.gone(), Arc::clone(&job)));
    }
    tokio::spawn(async move {
        let running = Running {
            instance,
            id,
            actor: plan.actor.clone(),
            target: plan.target.clone(),
            lost: Arc::default(),
            job,
        };
        let mut span = plan.trace.part("export");
        span.set_text(EXPORT_ID, &running.id);
        place.end = running.to_the_end(plan, progress, span.below()).await;
        span.ended(&place.end);
        drop(span);
        match &place.end {
            Ok(record) => tracing::info!(
                id = record.id,
                rows = record.rows,
                bytes = record.bytes,
                "export committed"
            ),
            Err(error) => tracing::info!(
                id = running.id,
                reason = ?error.reason(),
                "export ended without a file"
            ),
        }
    });
    Ok(handle)
}

/// The handle of an export that its key has found.
///
/// # Errors
/// [`Reason::ExportState`], to be tried again, for one that a stopped server left and that is not settled yet.
pub(crate) async fn before(
    instance: &Arc<Instance>,
    account: String,
    id: String,
) -> Result<ExportHandle> {
    // Before the record is read: an export that ends in between is seen ended.
    let job = instance.jobs.get(&id);
    let read = id.clone();
    let record = instance
        .blocking(move |instance| Ok(instance.catalog.export(&account, &read)?))
        .await?;
    match (record, job) {
        (Some(record), Some(job)) => Ok(ExportHandle::following(job, record)),
        (Some(record), None) if record.state == ExportState::Committed => {
            Ok(ExportHandle::ended(record))
        }
        (Some(_) | None, _) => Err(Error::internal(
            Reason::ExportState,
            format_args!("export '{id}', which has this EXPORT ID, is just being settled"),
        )
        .retryable(true)),
    }
}

/// Cancels an export when the temporary stage that it goes to is gone.
async fn cancelled_at(gone: impl Future<Output = ()>, job: Arc<Job>) {
    tokio::select! {
        () = gone => job.cancel(CancelCause::StageGone),
        _ = job.ended() => {}
    }
}

/// A place among the running exports. Dropping it, even in a panic, frees it and tells those who wait.
struct Place {
    /// Given back when the place is.
    _turn: Option<Turn>,
    /// Of a temporary stage: keeps it from being dropped.
    into: Option<ExportInto>,
    instance: Arc<Instance>,
    job: Arc<Job>,
    end: Result<ExportRecord>,
}

impl Drop for Place {
    fn drop(&mut self) {
        // Who is told that the export has ended may drop the stage.
        self.into = None;
        self.instance.metrics.export(&self.end);
        self.instance.jobs.finish(&self.job, self.end.clone());
        // Also of one that was never admitted, whose note goes then.
        if let Some(notifier) = &self.instance.notifier {
            notifier.wake();
        }
    }
}

struct Running {
    instance: Arc<Instance>,
    id: String,
    actor: Actor,
    target: ExportTarget,
    job: Arc<Job>,
    lost: LostDrafts,
}

impl Running {
    async fn to_the_end(
        &self,
        plan: ExportPlan,
        progress: Arc<Progress>,
        trace: Trace,
    ) -> Result<ExportRecord> {
        let meter = Arc::clone(&plan.meter);
        let writing = trace.part("write");
        let prepared = self.prepare(plan, progress).await;
        drop(writing);
        let (prepared, _alone) = match prepared {
            Ok(prepared) => prepared,
            // A writer that was interrupted says so in its own words.
            Err(error) => return self.fail(self.job.stopped().unwrap_or(error)).await,
        };
        // From here on it cannot be cancelled: it is rolled forward, now or after a restart.
        let may_publish = match self.target.temporary_stage() {
            Some(stage) => stage.check_there(),
            None => check_may_publish(&self.instance, &prepared).await,
        };
        if let Err(refused) = may_publish {
            return self.fail(refused).await;
        }
        let _publishing = trace.part("publish");
        match publish(&self.target.store, &prepared.plan, Attempt::First).await {
            Ok(published) => {
                meter.keep(&self.id);
                self.commit(&prepared, published).await
            }
            Err(Unpublished::Refused(error) | Unpublished::Waiting(error)) => {
                tracing::warn!(
                    id = self.id,
                    error = error.message(),
                    "a complete export was not published"
                );
                self.fail(error).await
            }
            Err(Unpublished::Unknown(error)) => {
                tracing::error!(
                    id = self.id,
                    error = error.message(),
                    "whether an export was published is settled by recovery"
                );
                // It may be published yet.
                meter.keep(&self.id);
                self.instance.unsettled.notify_one();
                self.instance.jobs.waiting.note(&self.id, &error);
                Err(unsettled(&self.id, &error))
            }
        }
    }

    /// Writes the files out of sight and records PREPARED: every byte is durable, digests are known. Gives with it what
    /// keeps other exports from publishing to the same target meanwhile: not every store keeps two from replacing each
    /// other when they come at the same moment.
    async fn prepare(
        &self,
        plan: ExportPlan,
        progress: Arc<Progress>,
    ) -> Result<(ExportRecord, Alone)> {
        let job: &Job = &self.job;
        let ExportPlan {
            target,
            batches,
            warnings,
            options,
            manifest,
            beside,
            meter,
            on_existing,
            pin,
            ..
        } = plan;
        let running = self
            .update(|record| record.state = ExportState::Running)
            .await?;
        let replaces = on_existing == OnExisting::Replace;
        let finished = Arc::default();
        let sink = DraftSink {
            drafts: self.drafts(),
            runtime: Handle::current(),
            target: target.clone(),
            replaces,
            finished: Arc::clone(&finished),
            meter: Arc::clone(&meter),
        };
        let batches = until_cancelled(metered(batches, meter), job);
        let report = exporter::export(batches, sink, options.progress(progress)).await;
        if let Some(why) = job.stopped() {
            return Err(why);
        }
        let report = report.map_err(export_error)?;
        drop(pin);

        let finished_us = (catalog::system_clock())();
        let mut files = plan_of_data(replaces, &report, &lock(&finished))?;
        let json = manifest.json(&running, &target, &files, finished_us)?;
        let alone = tokio::select! {
            biased;
            why = job.stopping() => return Err(why),
            alone = self.instance.jobs.alone(target.place()) => alone,
        };
        let found = beside
            .look(&self.instance, &self.actor.account, &target, &files)
            .await?;
        if let Some(at) = &found.checksums {
            let text = checksums_text(
                &at.path,
                files.iter().map(|file| (&*file.target, &*file.digest)),
            );
            let role = FileRole::Checksums;
            files.push(self.draft_text(role, text, at, files.len()).await?);
        }
        if let Some(at) = &found.manifest {
            let role = FileRole::Manifest;
            files.push(self.draft_text(role, json.clone(), at, files.len()).await?);
        }
        for leaving in found.leaving {
            let index = number(files.len())?;
            files.push(PlannedFile { index, ..leaving });
        }
        if let Some(why) = job.stopped() {
            return Err(why);
        }
        let mut warnings = warnings();
        warnings.extend(found.warnings);
        if on_existing == OnExisting::Refuse && !target.store.refuses_to_replace() {
            warnings.push(looked_at_before(&target.shown));
        }
        self.update(move |record| {
            record.state = ExportState::Prepared;
            record.rows = report.rows;
            record.bytes = report.bytes;
            record.files = files_of(&files);
            record.plan = files;
            record.manifest_json = Some(json);
            record.warnings = warnings;
        })
        .await
        .map(|prepared| (prepared, alone))
    }

    fn drafts(&self) -> Drafts {
        Drafts {
            instance: Arc::clone(&self.instance),
            actor: self.actor.clone(),
            id: self.id.clone(),
            store: self.target.store.clone(),
            lost: Arc::clone(&self.lost),
            job: Arc::clone(&self.job),
        }
    }

    /// Writes what goes beside the data out of sight; gives its entry in the plan.
    async fn draft_text(
        &self,
        role: FileRole,
        text: String,
        at: &BesideFile,
        index: usize,
    ) -> Result<PlannedFile> {
        let begun = about_to_begin(number(index)?, role, &at.path, at.replaces);
        let mut draft = self.drafts().begin(&begun).await?;
        self.instance
            .blocking(move |_| {
                let mut digest = Digest::default();
                digest.update(text.as_bytes());
                draft
                    .write_all(text.as_bytes())
                    .map_err(|e| write_error("the export", &e))?;
                let finished = draft.finish()?;
                Ok(PlannedFile {
                    bytes: finished.bytes,
                    digest: digest.finish(),
                    token: finished.token.to_bytes(),
                    ..begun
                })
            })
            .await
    }

    async fn commit(&self, prepared: &ExportRecord, published: Published) -> Result<ExportRecord> {
        let store = &self.target.store;
        let lost = lock(&self.lost).clone();
        let tidied = if lost.is_empty() {
            remove_rest(store, prepared).await
        } else {
            let now = SystemTime::now();
            remove_all_drafts(&self.instance, store, prepared, lost.clone(), now).await
        };
        if let Err(error) = tidied {
            let (record, path) = (prepared.clone(), self.target.path.clone());
            let noted = self
                .instance
                .blocking(move |instance| instance.uploads.leave(&record, &path, &lost))
                .await;
            tracing::warn!(
                id = self.id,
                error = error.message(),
                noted = noted.is_ok(),
                "failed to tidy up after an export; what is noted is tried again"
            );
        }
        let recorded = self
            .update(move |record| committed(record, published))
            .await;
        recorded.map_err(|error| {
            // It is published, and not on record as that: recovery settles it.
            self.instance.unsettled.notify_one();
            unsettled(&self.id, &error)
        })
    }

    /// Removes what was written and records FAILED or CANCELLED.
    async fn fail(&self, error: Error) -> Result<ExportRecord> {
        let error = self.named(error);
        let state = if error.reason() == Reason::ExportCancelled {
            ExportState::Cancelled
        } else {
            ExportState::Failed
        };
        // The record is for whoever exported; the log has what is the operator's alone.
        let text = error.told().unwrap_or(error.message()).to_owned();
        if error.told().is_some() {
            tracing::error!(id = self.id, error = error.message(), "an export failed");
        }
        let tidying = Tidying {
            instance: Arc::clone(&self.instance),
            account: self.actor.account.clone(),
            id: self.id.clone(),
            target: self.target.clone(),
            lost: lock(&self.lost).clone(),
        };
        tidying.run(state).await;
        let recorded = self.update(move |record| {
            let prepared = record.state == ExportState::Prepared;
            record.error = Some(if prepared {
                format!("not published: {text}")
            } else {
                text
            });
            record.state = state;
            record.files.clear();
            record.manifest_json = None;
        });
        if let Err(record_error) = recorded.await {
            tracing::error!(
                id = self.id,
                error = record_error.message(),
                "failed to record how an export ended; it is settled as one that a stopped server left"
            );
            self.instance.unsettled.notify_one();
        }
        Err(error)
    }

    /// Names the stage in what its store would not or could not do, where the writer could not.
    fn named(&self, error: Error) -> Error {
        match &self.target.stage {
            Some(stage)
                if matches!(
                    error.reason(),
                    Reason::StoreRefused | Reason::StorageFailed | Reason::StorageFull
                ) =>
            {
                let name = format!("stage '{}'", stage.name);
                match error.message().contains(&name) {
                    true => error,
                    false => error.within(name),
                }
            }
            Some(_) | None => error,
        }
    }

    async fn update(
        &self,
        change: impl FnOnce(&mut ExportRecord) + Send + 'static,
    ) -> Result<ExportRecord> {
        let (id, actor) = (self.id.clone(), self.actor.clone());
        self.instance
            .blocking(move |instance| {
                instance
                    .catalog
                    .update_export(&actor, &id, change)
                    .about(Subject::Export)
            })
            .await
    }
}

/// The plan's entries of the files that the exporter has written, from its report and their finished drafts.
fn plan_of_data(
    replaces: bool,
    report: &ExportReport,
    finished: &BTreeMap<u32, (ObjectPath, Finished)>,
) -> Result<Vec<PlannedFile>> {
    report
        .files
        .iter()
        .map(|file| {
            let (target, finished) = finished
                .get(&file.index)
                .ok_or_else(|| Error::defect("a reported file has no draft"))?;
            let digest = file.digest.clone();
            let digest = digest.ok_or_else(|| Error::defect("a reported file has no digest"))?;
            Ok(PlannedFile {
                index: file.index,
                role: FileRole::Data,
                target: target.to_string(),
                replaces,
                rows: file.rows,
                bytes: file.bytes,
                digest,
                token: finished.token.to_bytes(),
            })
        })
        .collect()
}

/// What the record says was made: the data.
fn files_of(plan: &[PlannedFile]) -> Vec<ExportFile> {
    plan.iter()
        .filter(|file| file.role == FileRole::Data)
        .map(|file| ExportFile {
            path: file.target.clone(),
            rows: file.rows,
            bytes: file.bytes,
            digest: file.digest.clone(),
        })
        .collect()
}

fn number(index: usize) -> Result<u32> {
    u32::try_from(index).map_err(|e| Error::defect("too many files").with_source(e))
}

/// Not to be repeated by itself: it may come about yet.
fn unsettled(id: &str, error: &Error) -> Error {
    Error::new(
        error.reason(),
        error.code(),
        error.sqlstate(),
        format!(
            "{}; the files are complete and are published as soon as that can be done: SHOW EXPORTS tells of export '{id}', CANCEL EXPORT gives it up",
            error.message()
        ),
    )
}
