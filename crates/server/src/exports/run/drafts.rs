//! The drafts of a running export: each on record before its first byte, and left alone by its writer as soon as the
//! export is cancelled, whatever the store does meanwhile.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use catalog::{Actor, FileRole, PlannedFile};
use exporter::{NewFile, Part, PartSink};
use storage::{Draft, Finished, Interrupt, ObjectPath};
use tokio::runtime::Handle;

use super::failure::cancelled;
use crate::error::{About, Result, Subject};
use crate::exports::target::target_exists;
use crate::exports::{ExportTarget, Job};
use crate::instance::Instance;
use crate::policies::Meter;

/// Targets of drafts that may have been begun and that no record names, because the place's answer was lost.
pub(super) type LostDrafts = Arc<Mutex<Vec<ObjectPath>>>;

/// Begins a draft, unless the export is cancelled before the store has answered.
pub(super) async fn begin(
    target: &ExportTarget,
    id: &str,
    index: u32,
    path: &ObjectPath,
    job: &Arc<Job>,
    lost: &LostDrafts,
) -> io::Result<Draft> {
    let begun = tokio::select! {
        biased;
        () = job.cancelled() => Err(io::Error::other(cancelled())),
        draft = target.store.draft(id, index, path) => draft.map_err(io::Error::from),
    };
    let mut draft = noting(lost, path, begun)?;
    if draft.has_lost_sibling() {
        lock(lost).push(path.clone());
    }
    let job = Arc::clone(job);
    draft.interrupted_by(Interrupt::when(async move { job.cancelled().await }));
    Ok(draft)
}

/// Notes that a draft may be there that no record names.
pub(super) fn noting<T, E>(
    lost: &LostDrafts,
    target: &ObjectPath,
    begun: std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    if begun.is_err() {
        lock(lost).push(target.clone());
    }
    begun
}

/// A draft whose token is on record, where it must be. Blocking.
pub(super) fn recorded(
    instance: &Instance,
    actor: &Actor,
    id: &str,
    begun: &PlannedFile,
    draft: Draft,
) -> Result<Draft> {
    if let Some(token) = draft.token_to_record() {
        let file = PlannedFile {
            token: token.to_bytes(),
            ..begun.clone()
        };
        // With an error the draft is dropped, and removes itself.
        instance
            .catalog
            .begin_export_file(actor, id, file)
            .about(Subject::Export)?;
    }
    Ok(draft)
}

/// The drafts that are finished and where they go, by number.
pub(super) type FinishedDrafts = Arc<Mutex<BTreeMap<u32, (ObjectPath, Finished)>>>;

pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives the driver drafts in the target's place.
pub(super) struct DraftSink {
    pub(super) instance: Arc<Instance>,
    /// The driver's threads are not the runtime's.
    pub(super) runtime: Handle,
    pub(super) target: ExportTarget,
    pub(super) id: String,
    pub(super) actor: Actor,
    pub(super) replaces: bool,
    pub(super) finished: FinishedDrafts,
    pub(super) lost: LostDrafts,
    pub(super) job: Arc<Job>,
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
        let begun = self.runtime.block_on(begin(
            &self.target,
            &self.id,
            index,
            &target,
            &self.job,
            &self.lost,
        ));
        let draft = begun?;
        let begun = PlannedFile {
            index,
            role: FileRole::Data,
            target: target.to_string(),
            replaces: self.replaces,
            rows: 0,
            bytes: 0,
            digest: String::new(),
            token: Vec::new(),
        };
        let recorded = recorded(&self.instance, &self.actor, &self.id, &begun, draft);
        let draft = noting(&self.lost, &target, recorded).map_err(io::Error::other)?;
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
