//! One export, carried through its states: ADMITTED → RUNNING → PREPARED → COMMITTED.
//! Every state is durable before the next step; until PREPARED nothing is visible and it can be cancelled.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;

use arrow::array::RecordBatch;
use catalog::{Actor, ExportFile, ExportRecord, ExportState, NewExport};
use exporter::{ExportErrorKind, ExportReport, Part, PartSink, Progress};
use futures::{Stream, StreamExt};
use storage::{Draft, Finished, OnExisting, Store};
use uuid::Uuid;

use crate::error::{About, Error, Reason, Result, Subject, stage_required};
use crate::exports::manifest::{MANIFEST_DRAFT, publish_manifest};
use crate::exports::{ExportHandle, ExportTarget, Job, ManifestInput};
use crate::instance::Instance;
use crate::internal::ReadPin;
use crate::session::Warnings;
use crate::turns::Turn;

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
    /// MANIFEST 'true': also beside the data.
    pub(crate) manifest_file: bool,
    pub(crate) on_existing: OnExisting,
    /// Keeps the tables' files while the query reads them.
    pub(crate) pin: ReadPin,
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
        instance: Arc::clone(&instance),
        job: Arc::clone(&job),
        end: Err(Error::defect("an export's task ended without a result")),
    };
    let new = NewExport {
        id: id.clone(),
        statement: plan.manifest.statement.clone(),
        stage: plan
            .target
            .stage
            .as_ref()
            .map(|stage| (stage.name.clone(), stage.version)),
        stage_parents: plan
            .target
            .stage
            .as_ref()
            .map_or_else(Vec::new, |stage| stage.parents.clone()),
        target: plan.target.shown.clone(),
        temp_files: if plan.manifest_file {
            vec!["0".to_owned(), MANIFEST_DRAFT.to_owned()]
        } else {
            vec!["0".to_owned()]
        },
    };
    let actor = plan.actor.clone();
    let admitted = instance
        .blocking(move |instance| {
            instance
                .catalog
                .create_export(&actor, new)
                .about(Subject::Stage)
        })
        .await?;
    let handle = ExportHandle::new(Arc::clone(&job), admitted);
    tokio::spawn(async move {
        let running = Running {
            instance,
            id,
            actor: plan.actor.clone(),
            store: plan.target.store.clone(),
        };
        place.end = running.to_the_end(plan, &job, progress).await;
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

/// A place among the running exports. Dropping it, even in a panic, frees it and tells those who wait.
struct Place {
    /// Given back when the place is.
    _turn: Option<Turn>,
    instance: Arc<Instance>,
    job: Arc<Job>,
    end: Result<ExportRecord>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.instance.jobs.finish(&self.job, self.end.clone());
    }
}

struct Running {
    instance: Arc<Instance>,
    id: String,
    actor: Actor,
    store: Store,
}

impl Running {
    async fn to_the_end(
        &self,
        plan: ExportPlan,
        job: &Job,
        progress: Arc<Progress>,
    ) -> Result<ExportRecord> {
        let publication = match self.prepare(plan, job, progress).await {
            Ok(publication) => publication,
            Err(error) => return self.fail(error).await,
        };
        // From here on it cannot be cancelled: it is rolled forward, now or after a restart.
        match self.publish(publication).await {
            Ok(warnings) => self.commit(warnings).await,
            Err(Unpublished::Nothing(error)) => self.fail(error).await,
            Err(Unpublished::Unknown(error)) => {
                tracing::error!(
                    id = self.id,
                    error = error.message(),
                    "whether an export was published is settled at the next start"
                );
                Err(error)
            }
        }
    }

    /// Writes the files out of sight and records PREPARED: every byte is durable, digests are known.
    async fn prepare(
        &self,
        plan: ExportPlan,
        job: &Job,
        progress: Arc<Progress>,
    ) -> Result<Publication> {
        let ExportPlan {
            target,
            batches,
            warnings,
            options,
            manifest,
            manifest_file,
            on_existing,
            pin,
            ..
        } = plan;
        let running = self
            .update(|record| record.state = ExportState::Running)
            .await?;
        let sink = DraftSink {
            store: self.store.clone(),
            id: self.id.clone(),
        };
        let batches = until_cancelled(batches, job);
        let report = exporter::export(batches, sink, options, progress).await;
        if job.is_cancelled() {
            return Err(cancelled());
        }
        let report = report.map_err(export_error)?;
        drop(pin);

        let finished_us = (catalog::system_clock())();
        let json = manifest.json(&running, &target, &report, finished_us)?;
        if manifest_file {
            self.draft_manifest(json.clone()).await?;
        }
        if job.is_cancelled() {
            return Err(cancelled());
        }
        let path = target.path.to_string();
        let bytes = report.bytes;
        let warnings = warnings();
        self.update(move |record| {
            record.state = ExportState::Prepared;
            record.rows = report.rows;
            record.bytes = report.bytes;
            record.files = files(&path, &report);
            record.manifest_json = Some(json);
            record.warnings = warnings;
        })
        .await?;
        Ok(Publication {
            target,
            bytes,
            manifest_file,
            on_existing,
        })
    }

    async fn draft_manifest(&self, json: String) -> Result<()> {
        let (store, id) = (self.store.clone(), self.id.clone());
        self.instance
            .blocking(move |_| {
                let mut draft = store.draft(&id, 1)?;
                draft
                    .write_all(json.as_bytes())
                    .map_err(|e| write_error(&e))?;
                draft.finish()?;
                Ok(())
            })
            .await
    }

    /// Gives the data its name, then the manifest; gives what went less well than asked.
    async fn publish(
        &self,
        publication: Publication,
    ) -> std::result::Result<Vec<String>, Unpublished> {
        let (store, id) = (self.store.clone(), self.id.clone());
        let account = self.actor.account.clone();
        let published = self.instance.blocking(move |instance| {
            let Publication {
                target,
                bytes,
                manifest_file,
                on_existing,
            } = publication;
            if target.stage.is_none() && instance.catalog.any_stage_enabled(&account)? {
                // A stage was enabled while a local export ran: the rule holds to the last moment.
                return Ok(Err(Unpublished::Nothing(stage_required())));
            }
            let data = Finished::recorded(&id, 0, bytes);
            if let Err(error) = store.publish(&data, &target.path, on_existing) {
                let refused = error.kind() == storage::ErrorKind::AlreadyExists;
                // After a failure past the renaming (of an fsync, say) the draft is no longer there.
                return Ok(Err(if refused || store.has_draft(&data).unwrap_or(false) {
                    Unpublished::Nothing(error.into())
                } else {
                    Unpublished::Unknown(error.into())
                }));
            }
            let warnings = match manifest_file {
                true => publish_manifest(&store, &id, &target.path, on_existing),
                false => Vec::new(),
            };
            if let Err(error) = store.discard(&id) {
                tracing::warn!(id, %error, "failed to tidy up after an export");
            }
            Ok(Ok(warnings))
        });
        match published.await {
            Ok(result) => result,
            Err(error) => Err(Unpublished::Unknown(error)),
        }
    }

    async fn commit(&self, warnings: Vec<String>) -> Result<ExportRecord> {
        self.update(move |record| {
            record.state = ExportState::Committed;
            record.warnings.extend(warnings);
            record.temp_files.clear();
        })
        .await
    }

    /// Removes what was written and records FAILED or CANCELLED.
    async fn fail(&self, error: Error) -> Result<ExportRecord> {
        let state = if error.reason() == Reason::ExportCancelled {
            ExportState::Cancelled
        } else {
            ExportState::Failed
        };
        let (store, id) = (self.store.clone(), self.id.clone());
        let text = error.message().to_owned();
        let cleaned = self
            .instance
            .blocking(move |_| Ok(store.discard(&id)?))
            .await;
        if let Err(clean_error) = cleaned {
            tracing::warn!(
                id = self.id,
                error = clean_error.message(),
                "failed to remove an export's drafts; the next start does"
            );
        }
        let recorded = self.update(move |record| {
            // The catalog lets a prepared export fail only with these words.
            let prepared = record.state == ExportState::Prepared;
            record.error = Some(if prepared {
                format!("not published: {text}")
            } else {
                text
            });
            record.state = state;
            record.files.clear();
            record.temp_files.clear();
            record.manifest_json = None;
        });
        if let Err(record_error) = recorded.await {
            tracing::error!(
                id = self.id,
                error = record_error.message(),
                "failed to record how an export ended"
            );
        }
        Err(error)
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

/// The batches, and an error once the export is cancelled. So the exporter ends by itself, and none of its
/// threads can open a draft after the drafts have been removed, as one could if its future were dropped.
fn until_cancelled<'a>(
    batches: Pin<Box<dyn Stream<Item = std::result::Result<RecordBatch, query::Error>> + Send>>,
    job: &'a Job,
) -> impl Stream<Item = std::result::Result<RecordBatch, Box<dyn std::error::Error + Send + Sync>>> + 'a
{
    futures::stream::unfold(batches, move |mut batches| async move {
        let item = tokio::select! {
            biased;
            () = job.cancelled() => Err(cancelled().into()),
            next = batches.next() => next?.map_err(Into::into),
        };
        Some((item, batches))
    })
}

/// What is left to do once an export is PREPARED.
struct Publication {
    target: ExportTarget,
    bytes: u64,
    manifest_file: bool,
    on_existing: OnExisting,
}

/// Why publishing ended with an error.
enum Unpublished {
    /// Certainly nothing is visible.
    Nothing(Error),
    /// The data may have its name already: recovery looks at the file itself.
    Unknown(Error),
}

fn files(path: &str, report: &ExportReport) -> Vec<ExportFile> {
    report
        .files
        .iter()
        .map(|file| ExportFile {
            path: path.to_owned(),
            rows: file.rows,
            bytes: file.bytes,
            sha256: file.sha256.clone(),
        })
        .collect()
}

fn cancelled() -> Error {
    // MySQL's code for an interrupted query.
    Error::new(
        Reason::ExportCancelled,
        1317,
        "70100",
        "Query execution was interrupted: the export was cancelled, and left no file",
    )
}

/// What stopped the driver, in the words of the layer where it happened.
fn export_error(error: exporter::ExportError) -> Error {
    let source = || std::error::Error::source(&error);
    match error.kind() {
        ExportErrorKind::Source => {
            match source().and_then(|source| source.downcast_ref::<query::Error>()) {
                Some(query_error) => query_error.clone().into(),
                None => Error::defect(&error).with_source(error),
            }
        }
        ExportErrorKind::Encode => Error::internal(Reason::ValueInvalid, &error).with_source(error),
        ExportErrorKind::Sink => sink_error(error),
        _ => Error::defect(&error).with_source(error),
    }
}

/// What the operating system said to a write, in a client's terms.
fn write_error(error: &io::Error) -> Error {
    let (reason, code) = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            (Reason::StorageFull, 1021)
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            (Reason::PermissionDenied, 1815)
        }
        _ => (Reason::StorageFailed, 1815),
    };
    Error::new(
        reason,
        code,
        "HY000",
        format!("failed to write the export: {error}"),
    )
}

fn sink_error(error: exporter::ExportError) -> Error {
    let io =
        std::error::Error::source(&error).and_then(|source| source.downcast_ref::<io::Error>());
    match io {
        Some(io) => write_error(io).with_source(error),
        None => {
            Error::new(Reason::StorageFailed, 1815, "HY000", error.to_string()).with_source(error)
        }
    }
}

/// Gives the driver drafts in the target's place.
struct DraftSink {
    store: Store,
    id: String,
}

struct DraftPart(Draft);

impl PartSink for DraftSink {
    type Part = DraftPart;

    fn open(&mut self, index: u32) -> io::Result<DraftPart> {
        Ok(DraftPart(self.store.draft(&self.id, index)?))
    }
}

impl Part for DraftPart {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn finish(self) -> io::Result<()> {
        self.0.finish()?;
        Ok(())
    }

    fn abort(self) {
        // Dropping a draft removes it.
    }
}
