//! One export, carried through its states: ADMITTED → RUNNING → PREPARED → COMMITTED.
//! Every state is durable before the next step; until PREPARED nothing is visible and it can be cancelled.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;

use arrow::array::RecordBatch;
use catalog::{Actor, ExportFile, ExportRecord, ExportState, NewExport};
use exporter::{ExportErrorKind, ExportReport, Part, PartSink, Progress};
use futures::Stream;
use storage::{Draft, Finished, OnExisting, Store};
use uuid::Uuid;

use crate::error::{Error, Reason, Result};
use crate::exports::{ExportHandle, ExportTarget, Job, ManifestInput, manifest_path};
use crate::instance::Instance;
use crate::internal::ReadPin;

/// Everything an export needs once it has been let in.
pub(crate) struct ExportPlan {
    pub(crate) actor: Actor,
    pub(crate) target: ExportTarget,
    pub(crate) batches:
        Pin<Box<dyn Stream<Item = std::result::Result<RecordBatch, query::Error>> + Send>>,
    pub(crate) rows_estimated: Option<u64>,
    pub(crate) options: exporter::ExportOptions,
    pub(crate) manifest: ManifestInput,
    /// MANIFEST 'true': also beside the data.
    pub(crate) manifest_file: bool,
    pub(crate) on_existing: OnExisting,
    /// Keeps the tables' files while the query reads them.
    pub(crate) pin: ReadPin,
}

/// Admits an export durably and starts its task.
pub(crate) async fn start(instance: &Arc<Instance>, plan: ExportPlan) -> Result<ExportHandle> {
    let id = Uuid::now_v7().to_string();
    let progress = Arc::new(Progress::default());
    let job = instance
        .jobs
        .admit(&id, Arc::clone(&progress), plan.rows_estimated)?;
    let new = NewExport {
        id: id.clone(),
        statement: plan.manifest.statement.clone(),
        stage: plan
            .target
            .stage
            .as_ref()
            .map(|(name, version, _)| (name.clone(), *version)),
        target: plan.target.shown.clone(),
        temp_files: if plan.manifest_file {
            vec!["0".to_owned(), "1".to_owned()]
        } else {
            vec!["0".to_owned()]
        },
    };
    let actor = plan.actor.clone();
    let admitted = instance
        .blocking(move |instance| Ok(instance.catalog.create_export(&actor, new)?))
        .await;
    let admitted = match admitted {
        Ok(admitted) => admitted,
        Err(error) => {
            instance.jobs.finish(&job, Err(error.clone()));
            return Err(error);
        }
    };
    let handle = ExportHandle::new(Arc::clone(&job), admitted);
    let instance = Arc::clone(instance);
    tokio::spawn(async move {
        let running = Running {
            instance: Arc::clone(&instance),
            id,
            actor: plan.actor.clone(),
            store: plan.target.store.clone(),
        };
        let end = running.to_the_end(plan, &job, progress).await;
        match &end {
            Ok(record) => tracing::info!(
                id = record.id,
                rows = record.rows,
                bytes = record.bytes,
                "export committed"
            ),
            Err(error) => tracing::info!(
                id = running.id,
                error = error.message(),
                "export ended without a file"
            ),
        }
        instance.jobs.finish(&job, end);
    });
    Ok(handle)
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
        let result = self.run(plan, job, progress).await;
        let Err(error) = result else { return result };
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
            record.state = state;
            record.files.clear();
            record.temp_files.clear();
            record.manifest_json = None;
            record.error = Some(text);
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

    async fn run(
        &self,
        plan: ExportPlan,
        job: &Job,
        progress: Arc<Progress>,
    ) -> Result<ExportRecord> {
        let ExportPlan {
            target,
            batches,
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
        let report = tokio::select! {
            biased;
            () = job.cancelled() => return Err(cancelled()),
            report = exporter::export(batches, sink, options, progress) => report.map_err(export_error)?,
        };
        drop(pin);
        if job.is_cancelled() {
            return Err(cancelled());
        }

        let finished_us = (catalog::system_clock())();
        let json = manifest.json(&running, &target, &report, finished_us)?;
        if manifest_file {
            let (store, id, json) = (self.store.clone(), self.id.clone(), json.clone());
            self.instance
                .blocking(move |_| {
                    let mut draft = store.draft(&id, 1)?;
                    draft.write_all(json.as_bytes()).map_err(|e| {
                        Error::new(
                            Reason::StorageFailed,
                            1815,
                            "HY000",
                            format!("failed to write the manifest: {e}"),
                        )
                    })?;
                    draft.finish()?;
                    Ok(())
                })
                .await?;
        }
        let path = target.path.to_string();
        let prepared = report.clone();
        self.update(move |record| {
            record.state = ExportState::Prepared;
            record.rows = prepared.rows;
            record.bytes = prepared.bytes;
            record.files = files(&path, &prepared);
            record.manifest_json = Some(json);
        })
        .await?;

        // From here on it cannot be cancelled: it is rolled forward, now or after a restart.
        let (store, id) = (self.store.clone(), self.id.clone());
        self.instance
            .blocking(move |_| {
                store.publish(
                    &Finished::recorded(&id, 0, report.bytes),
                    &target.path,
                    on_existing,
                )?;
                if manifest_file {
                    let beside = manifest_path(&target.path)?;
                    if let Err(error) =
                        store.publish(&Finished::recorded(&id, 1, 0), &beside, on_existing)
                    {
                        tracing::warn!(id, %error, "the manifest was not written beside the data");
                    }
                }
                Ok(store.discard(&id)?)
            })
            .await?;
        self.update(|record| {
            record.state = ExportState::Committed;
            record.temp_files.clear();
        })
        .await
    }

    async fn update(
        &self,
        change: impl FnOnce(&mut ExportRecord) + Send + 'static,
    ) -> Result<ExportRecord> {
        let (id, actor) = (self.id.clone(), self.actor.clone());
        self.instance
            .blocking(move |instance| Ok(instance.catalog.update_export(&actor, &id, change)?))
            .await
    }
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

fn sink_error(error: exporter::ExportError) -> Error {
    let io =
        std::error::Error::source(&error).and_then(|source| source.downcast_ref::<io::Error>());
    let (reason, code) = match io.map(io::Error::kind) {
        Some(
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge,
        ) => (Reason::StorageFull, 1021),
        Some(io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => {
            (Reason::PermissionDenied, 1815)
        }
        _ => (Reason::StorageFailed, 1815),
    };
    let text = match io {
        Some(io) => format!("failed to write the export: {io}"),
        None => error.to_string(),
    };
    Error::new(reason, code, "HY000", text).with_source(error)
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
