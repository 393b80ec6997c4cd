//! Running exports by id, and the handle through which one is followed and cancelled.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use catalog::ExportRecord;
use exporter::Progress;
use tokio::sync::watch;

use super::waiting::Waiting;
use crate::error::{Error, Reason, Result};

/// The exports that run now.
#[derive(Debug, Default)]
pub(crate) struct ExportJobs {
    running: Mutex<HashMap<String, Arc<Job>>>,
    /// Those without a task that somebody settles now. Locked only while `running` is.
    claimed: Mutex<HashSet<String>>,
    closing: AtomicBool,
    /// Why those without a task have not ended.
    pub(crate) waiting: Waiting,
    /// Who publishes where files are replaced: one at a time for each place.
    replacing: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

/// The right to replace the files of a target; nobody else has it meanwhile.
pub(crate) type Alone = tokio::sync::OwnedMutexGuard<()>;

/// The right to settle an export that no task runs; nobody else has it meanwhile.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    jobs: &'a ExportJobs,
    id: String,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let _running = self.jobs.lock();
        self.jobs.lock_claimed().remove(&self.id);
    }
}

/// One running export, as those see it who follow or cancel it.
#[derive(Debug)]
pub(crate) struct Job {
    id: String,
    started: Instant,
    progress: Arc<Progress>,
    rows_estimated: Option<u64>,
    /// Why it is to stop; the first reason stays.
    stop: watch::Sender<Option<Error>>,
    end: watch::Sender<Option<Result<ExportRecord>>>,
}

/// Follows and cancels one export. Dropping it does not stop the export.
#[derive(Debug, Clone)]
pub struct ExportHandle {
    job: Arc<Job>,
    admitted: Arc<ExportRecord>,
    /// Whether another call has started it, whose it is to stop it.
    follows: bool,
}

/// How far an export is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExportProgress {
    /// Rows written so far.
    pub rows: u64,
    /// Bytes written so far.
    pub bytes: u64,
    /// The planner's estimate of all rows.
    pub rows_estimated: Option<u64>,
    /// Since the export was admitted.
    pub elapsed_ms: u64,
    /// Files finished so far.
    pub files: u64,
}

impl ExportProgress {
    /// Bytes written in a second so far; `None` before there is anything to tell.
    pub fn bytes_per_second(&self) -> Option<u64> {
        let thousandfold = u128::from(self.bytes) * 1000;
        let rate = thousandfold.checked_div(u128::from(self.elapsed_ms))?;
        u64::try_from(rate).ok().filter(|rate| *rate > 0)
    }
}

impl ExportJobs {
    /// How many run.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Takes a place among the running exports. How many there may be is a matter of turns.
    ///
    /// # Errors
    /// [`Reason::ShuttingDown`].
    pub(crate) fn admit(
        &self,
        id: &str,
        progress: Arc<Progress>,
        rows_estimated: Option<u64>,
    ) -> Result<Arc<Job>> {
        let mut running = self.lock();
        if self.closing.load(Ordering::SeqCst) {
            return Err(Error::new(
                Reason::ShuttingDown,
                1053,
                "08S01",
                "the server is stopping and starts no export",
            )
            .retryable(true));
        }
        let job = Arc::new(Job {
            id: id.to_owned(),
            started: Instant::now(),
            progress,
            rows_estimated,
            stop: watch::Sender::new(None),
            end: watch::Sender::new(None),
        });
        running.insert(id.to_owned(), Arc::clone(&job));
        Ok(job)
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Job>> {
        self.lock().get(id).cloned()
    }

    /// The right to settle an export; `None` while a task runs it or somebody else has the right. What is known of
    /// the export is to be read again under it.
    pub(crate) fn claim(&self, id: &str) -> Option<Claim<'_>> {
        let running = self.lock();
        let is_free = !running.contains_key(id) && self.lock_claimed().insert(id.to_owned());
        is_free.then(|| Claim {
            jobs: self,
            id: id.to_owned(),
        })
    }

    /// Waits until nobody else publishes files at this place.
    pub(crate) async fn alone(&self, place: String) -> Alone {
        let turn = {
            let mut replacing = self
                .replacing
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            replacing.retain(|_, turn| turn.strong_count() > 0);
            let turn = replacing.get(&place).and_then(Weak::upgrade);
            turn.unwrap_or_else(|| {
                let turn = Arc::default();
                replacing.insert(place, Arc::downgrade(&turn));
                turn
            })
        };
        turn.lock_owned().await
    }

    /// Admits no further export, and gives those that run.
    pub(crate) fn close(&self) -> Vec<Arc<Job>> {
        let running = self.lock();
        self.closing.store(true, Ordering::SeqCst);
        running.values().cloned().collect()
    }

    /// Ends a job: tells those who wait, and frees its place.
    pub(crate) fn finish(&self, job: &Job, end: Result<ExportRecord>) {
        self.lock().remove(&job.id);
        job.end.send_replace(Some(end));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Job>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_claimed(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job {
    pub(crate) fn progress(&self) -> ExportProgress {
        let (rows, bytes) = (self.progress.rows(), self.progress.bytes());
        let elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        ExportProgress {
            rows,
            bytes,
            rows_estimated: self.rows_estimated,
            elapsed_ms,
            files: self.progress.files(),
        }
    }

    pub(crate) fn cancel(&self, cause: CancelCause) {
        self.stop(cause.error());
    }

    /// Asks it to stop, for a reason of which it will have failed.
    pub(crate) fn stop(&self, why: Error) {
        self.stop.send_if_modified(|now| {
            let is_first = now.is_none();
            if is_first {
                *now = Some(why);
            }
            is_first
        });
    }

    /// Why it is to stop, once it is.
    pub(crate) fn stopped(&self) -> Option<Error> {
        self.stop.borrow().clone()
    }

    /// Resolves when it is to stop, with the reason.
    pub(crate) async fn stopping(&self) -> Error {
        let mut stop = self.stop.subscribe();
        // The sender lives as long as `self`: the wait can only end with a reason.
        let why = stop.wait_for(Option::is_some).await;
        why.ok()
            .and_then(|why| why.clone())
            .unwrap_or_else(|| CancelCause::Abandoned.error())
    }

    /// Resolves when the export has ended.
    pub(crate) async fn ended(&self) -> Result<ExportRecord> {
        let mut end = self.end.subscribe();
        let ended = end.wait_for(Option::is_some).await;
        match ended.ok().and_then(|end| end.clone()) {
            Some(result) => result,
            None => Err(Error::defect("an export's task ended without a result")),
        }
    }
}

/// Why an export is cancelled: its record, and whoever waits for it, are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CancelCause {
    /// Somebody asked for it: CANCEL EXPORT, or who follows it by its handle.
    Asked,
    /// Its statement, or the session, was ended by KILL.
    Killed,
    /// The statement that it was a part of has ended without it.
    Abandoned,
    /// The server stops, and cannot wait any longer.
    Shutdown,
    /// The temporary stage that it writes to is gone.
    StageGone,
}

impl CancelCause {
    /// What the cancelled export ends with.
    fn error(self) -> Error {
        let why = match self {
            Self::Asked => "the export was cancelled",
            Self::Killed => "the export was cancelled, for its statement or session was killed",
            Self::Abandoned => {
                "the export was cancelled, for the statement that it was a part of ended without it"
            }
            Self::Shutdown => {
                "the export was cancelled, for the server stopped and it took longer than limits.shutdown_grace_s"
            }
            Self::StageGone => {
                "the export was cancelled, for the temporary stage that it wrote to was dropped or went with its session"
            }
        };
        // MySQL's code for an interrupted query.
        Error::new(
            Reason::ExportCancelled,
            1317,
            "70100",
            format!("Query execution was interrupted: {why}, and left no file"),
        )
        .retryable(self == Self::Shutdown)
    }
}

impl ExportHandle {
    pub(crate) fn new(job: Arc<Job>, admitted: ExportRecord) -> Self {
        Self {
            job,
            admitted: Arc::new(admitted),
            follows: false,
        }
    }

    /// Of one that another call has started.
    pub(crate) fn following(job: Arc<Job>, record: ExportRecord) -> Self {
        Self {
            follows: true,
            ..Self::new(job, record)
        }
    }

    /// Of one that has been committed.
    pub(crate) fn ended(record: ExportRecord) -> Self {
        let progress = Arc::new(Progress::default());
        let job = Job {
            id: record.id.clone(),
            started: Instant::now(),
            progress,
            rows_estimated: None,
            stop: watch::Sender::new(None),
            end: watch::Sender::new(Some(Ok(record.clone()))),
        };
        Self::new(Arc::new(job), record)
    }

    /// The export's id.
    pub fn id(&self) -> &str {
        &self.job.id
    }

    /// The export's record when it was admitted.
    pub fn admitted(&self) -> &ExportRecord {
        &self.admitted
    }

    /// How far it is.
    pub fn progress(&self) -> ExportProgress {
        self.job.progress()
    }

    /// Waits for its end and gives the record of what was exported.
    ///
    /// # Errors
    /// Why it failed; [`Reason::ExportCancelled`].
    pub async fn wait(&self) -> Result<ExportRecord> {
        self.job.ended().await
    }

    /// Whether another call has started it.
    pub(crate) fn follows(&self) -> bool {
        self.follows
    }

    /// Stops it with what `late` gives, unless it has ended by then.
    pub(crate) fn stop_when(&self, late: impl Future<Output = Error> + Send + 'static) {
        let job = Arc::clone(&self.job);
        tokio::spawn(async move {
            tokio::select! {
                biased;
                _ = job.ended() => {}
                why = late => job.stop(why),
            }
        });
    }

    /// Asks it to stop; [`ExportHandle::wait`] tells when it has. One that another call has started, and this one only
    /// found by its EXPORT ID, goes on.
    pub fn cancel(&self) {
        self.cancel_for(CancelCause::Asked);
    }

    /// The same, for a cause that may be another.
    pub(crate) fn cancel_for(&self, cause: CancelCause) {
        if !self.follows {
            self.job.cancel(cause);
        }
    }
}
