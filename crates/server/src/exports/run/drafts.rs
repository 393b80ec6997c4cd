//! The drafts of a running export: each on record before its first byte, and left alone by its writer as soon as the
//! export is cancelled, whatever the store does meanwhile.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use catalog::{Actor, FileRole, PlannedFile};
use exporter::{NewFile, Part, PartSink};
use storage::{Draft, Finished, Interrupt, ObjectPath, Store};
use tokio::runtime::Handle;

use super::failure::write_error;
use crate::error::{About, Result, Subject};
use crate::exports::target::target_exists;
use crate::exports::{ExportTarget, Job};
use crate::instance::Instance;
use crate::policies::Meter;

/// Targets of drafts that may have been begun and that no record names, because the place's answer was lost.
pub(super) type LostDrafts = Arc<Mutex<Vec<ObjectPath>>>;

/// Begins the drafts of a running export.
#[derive(Clone)]
pub(super) struct Drafts {
    pub(super) instance: Arc<Instance>,
    pub(super) actor: Actor,
    /// The export's id.
    pub(super) id: String,
    pub(super) store: Store,
    pub(super) lost: LostDrafts,
    pub(super) job: Arc<Job>,
}

impl Drafts {
    /// Begins the draft of a file, unless the export is cancelled before the store has answered. Where the place does
    /// not find drafts by their export, the file is on record before the place hears of it, and the draft's token before
    /// its first byte.
    pub(super) async fn begin(&self, file: &PlannedFile) -> Result<Draft> {
        let path = ObjectPath::parse(&file.target)?;
        if !self.store.sweeps_by_work() {
            self.record(file.clone()).await?;
        }
        // Before anything was asked of the store, nothing can be lost there.
        if let Some(why) = self.job.stopped() {
            return Err(why);
        }
        let begun = tokio::select! {
            biased;
            why = self.job.stopping() => Err(why),
            draft = self.store.draft(&self.id, file.index, &path) => match draft {
                // It has not begun, and the store has said so.
                Err(error) if !error.may_be_done() && !error.is_temporary() => {
                    return Err(write_error("the export", &io::Error::from(error)));
                }
                draft => draft.map_err(|e| write_error("the export", &io::Error::from(e))),
            }
        };
        let mut draft = self.noting(&path, begun)?;
        if draft.has_lost_sibling() {
            lock(&self.lost).push(path.clone());
        }
        let job = Arc::clone(&self.job);
        draft.interrupted_by(Interrupt::when(async move {
            job.stopping().await;
        }));
        if let Some(token) = draft.token_to_record() {
            let token = token.to_bytes();
            let recorded = self
                .record(PlannedFile {
                    token,
                    ..file.clone()
                })
                .await;
            // With an error the draft is dropped, and removes itself.
            self.noting(&path, recorded)?;
        }
        Ok(draft)
    }

    async fn record(&self, file: PlannedFile) -> Result<()> {
        let (actor, id) = (self.actor.clone(), self.id.clone());
        self.instance
            .blocking(move |instance| {
                let begun = instance.catalog.begin_export_file(&actor, &id, file);
                begun.about(Subject::Export)
            })
            .await
    }

    /// Notes, at an error, that a draft may be there that no record names.
    fn noting<T>(&self, target: &ObjectPath, begun: Result<T>) -> Result<T> {
        if begun.is_err() {
            lock(&self.lost).push(target.clone());
        }
        begun
    }
}

/// A data file, or what goes beside them, of which nothing is written yet.
pub(super) fn about_to_begin(
    index: u32,
    role: FileRole,
    target: &ObjectPath,
    replaces: bool,
) -> PlannedFile {
    PlannedFile {
        index,
        role,
        target: target.to_string(),
        replaces,
        rows: 0,
        bytes: 0,
        digest: String::new(),
        token: Vec::new(),
    }
}

/// The drafts that are finished and where they go, by number.
pub(super) type FinishedDrafts = Arc<Mutex<BTreeMap<u32, (ObjectPath, Finished)>>>;

pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives the driver drafts in the target's place.
pub(super) struct DraftSink {
    pub(super) drafts: Drafts,
    /// The driver's threads are not the runtime's.
    pub(super) runtime: Handle,
    pub(super) target: ExportTarget,
    pub(super) replaces: bool,
    pub(super) finished: FinishedDrafts,
    pub(super) meter: Arc<Meter>,
}

pub(super) struct DraftPart {
    draft: Draft,
    index: u32,
    target: ObjectPath,
    finished: FinishedDrafts,
    meter: Arc<Meter>,
}

impl PartSink for DraftSink {
    type Part = DraftPart;

    fn open(&mut self, file: &NewFile) -> io::Result<DraftPart> {
        let index = file.index;
        let target = self
            .target
            .file_of(file.partition.as_deref(), file.number)
            .map_err(io::Error::other)?;
        // What is there already need not be found out after the last row.
        if !self.replaces && self.runtime.block_on(self.target.store.exists(&target))? {
            return Err(io::Error::other(target_exists(&target)));
        }
        let begun = about_to_begin(index, FileRole::Data, &target, self.replaces);
        let draft = self.runtime.block_on(self.drafts.begin(&begun));
        let draft = draft.map_err(io::Error::other)?;
        Ok(DraftPart {
            draft,
            index,
            target,
            finished: Arc::clone(&self.finished),
            meter: Arc::clone(&self.meter),
        })
    }
}

impl Part for DraftPart {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.meter
            .bytes(bytes.len() as u64)
            .map_err(io::Error::other)?;
        self.draft.write_all(bytes)
    }

    fn finish(self) -> io::Result<()> {
        let finished = self.draft.finish()?;
        lock(&self.finished).insert(self.index, (self.target, finished));
        Ok(())
    }

    fn abort(self) {
        // Dropping a draft removes it.
    }
}
