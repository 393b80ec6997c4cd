//! Files that clients are sending: kept on record until each has its name or is gone, so that a server that was
//! killed meanwhile leaves nothing of them in any place. A small file an upload, in the data directory; and one for each
//! draft of an export that ended while its place did not answer.

mod recovery;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use catalog::ExportRecord;
use serde::{Deserialize, Serialize};
use storage::{BegunUploads, Draft, ObjectPath, Store, Token};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::durable;
use crate::error::{Error, Reason, Result};
use crate::instance::Instance;
use crate::lost_drafts::remove_lost;
use crate::notes::{self, VERSION};
use crate::places::OpenStage;
use crate::temporary_stages::TemporaryStage;

pub(crate) use recovery::{recover, recover_left};

/// The uploads of one server.
#[derive(Debug)]
pub(crate) struct Uploads {
    folder: PathBuf,
    /// Those that are under way, by their work.
    running: Mutex<BTreeMap<String, Running>>,
}

/// An upload that is under way.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    pub(crate) target: ObjectPath,
    /// Once there is one to record.
    pub(crate) token: Option<Token>,
}

/// An upload on record. The bytes of a record are a persisted format: they carry a version, and older ones stay
/// readable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    v: u32,
    account: String,
    stage: String,
    stage_id: u64,
    stage_version: u64,
    /// Ids and versions of the stages that the URL goes through, nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parents: Vec<(u64, u64)>,
    target: String,
    /// In microseconds since 1970 UTC.
    begun_us: u64,
    /// The same of its end; none of one that is under way, or was when its server stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_us: Option<u64>,
    /// Of the draft, where its place does not find it by its work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<serde_json::Value>,
}

impl Record {
    fn token(&self) -> Result<Option<Token>> {
        let Some(token) = &self.token else {
            return Ok(None);
        };
        let token = Token::from_bytes(token.to_string().as_bytes())
            .map_err(|e| Error::internal(Reason::DataLoss, &e).with_source(e))?;
        Ok(Some(token))
    }
}

/// An upload that has begun.
pub(crate) struct Begun {
    instance: Arc<Instance>,
    work: String,
    store: Store,
    /// Keeps the files of a temporary stage.
    _temporary: Option<Arc<TemporaryStage>>,
    /// Until the thread that writes has taken it.
    draft: Mutex<Option<Draft>>,
    target: ObjectPath,
    begun: SystemTime,
    /// Whether there may be another draft beside it, because an answer of the place was lost before it began.
    has_lost_sibling: AtomicBool,
    /// Whether a draft may have been begun that has no token, because the place's answer was lost.
    has_lost_draft: AtomicBool,
}

impl Uploads {
    /// Opens the folder of the records, creating it if need be. Blocking.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn open(data_dir: &Path) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let folder = data_dir.join("uploads");
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)?;
        Ok(Self {
            folder,
            running: Mutex::default(),
        })
    }

    /// Begins a draft in a stage, on record before its first byte.
    ///
    /// # Errors
    /// The place's; those of the data directory's disk.
    pub(crate) async fn begin(
        instance: &Arc<Instance>,
        account: &str,
        stage: &OpenStage,
        target: &ObjectPath,
    ) -> Result<Arc<Begun>> {
        let work = Uuid::now_v7().to_string();
        let pinned = stage.pinned();
        let record = Record {
            v: VERSION,
            account: account.to_owned(),
            stage: pinned.name,
            stage_id: stage.id,
            stage_version: pinned.version,
            parents: pinned.parents,
            target: target.to_string(),
            begun_us: (catalog::system_clock())(),
            ended_us: None,
            token: None,
        };
        let running = Running {
            target: target.clone(),
            token: None,
        };
        instance.uploads.lock().insert(work.clone(), running);
        let begun = Arc::new(Begun {
            instance: Arc::clone(instance),
            work,
            store: stage.store.clone(),
            _temporary: stage.temporary.clone(),
            draft: Mutex::default(),
            target: target.clone(),
            begun: SystemTime::now(),
            has_lost_sibling: AtomicBool::new(false),
            has_lost_draft: AtomicBool::new(false),
        });
        // What is in a temporary stage goes with all its files, also after a crash.
        let record = stage.temporary.is_none().then_some(record);
        let target = target.clone();
        let (tell, told) = oneshot::channel();
        // A client that leaves meanwhile does not leave half a beginning behind.
        tokio::spawn(async move {
            let result = match begun.start(record, &target).await {
                Ok(()) => Ok(begun),
                Err(error) => {
                    begun.end().await;
                    Err(error)
                }
            };
            if let Err(Ok(begun)) = tell.send(result) {
                begun.end().await;
            }
        });
        let broken = |e| Error::defect("the beginning of an upload broke off").with_source(e);
        told.await.map_err(broken)?
    }

    /// Notes the drafts of an export into a stage that ends while its place does not answer: they are removed as those
    /// of uploads are. `path` is where its first file goes; at `lost` there may be drafts that its plan does not have.
    /// Blocking.
    ///
    /// # Errors
    /// Those of the data directory's disk; a defect for an export into no stage.
    pub(crate) fn leave(
        &self,
        export: &ExportRecord,
        path: &ObjectPath,
        lost: &[ObjectPath],
    ) -> Result<()> {
        let (Some((stage, stage_version)), Some(stage_id)) = (&export.stage, export.stage_id)
        else {
            return Err(Error::defect("only the drafts of stages are noted"));
        };
        let ended_us = (catalog::system_clock())();
        let record = |target: &str| Record {
            v: VERSION,
            account: export.account.clone(),
            stage: stage.clone(),
            stage_id,
            stage_version: *stage_version,
            parents: export.stage_parents.clone(),
            target: target.to_owned(),
            begun_us: export.created_us,
            ended_us: Some(ended_us),
            token: None,
        };
        let id = &export.id;
        let drafted = export.plan.iter().filter(|file| file.role.has_draft());
        for (number, file) in drafted.enumerate() {
            // One that was about to begin is looked for by its name.
            let token = match file.token.is_empty() {
                true => None,
                false => Some(
                    serde_json::from_slice(&file.token)
                        .map_err(|e| Error::defect("a draft has no token").with_source(e))?,
                ),
            };
            let record = Record {
                token,
                ..record(&file.target)
            };
            self.write_apart(&format!("{id}-{number}"), path, &record)?;
        }
        let first = (lost.is_empty() && export.plan.is_empty()).then_some(path);
        for (number, target) in lost.iter().chain(first).enumerate() {
            let work = match number {
                0 => id.clone(),
                number => format!("{id}-lost-{number}"),
            };
            self.write_apart(&work, target, &record(target.as_str()))?;
        }
        Ok(())
    }

    /// Writes a record that nobody is at; while it is written, who looks for left ones leaves it alone. Blocking.
    fn write_apart(&self, work: &str, target: &ObjectPath, record: &Record) -> Result<()> {
        let running = Running {
            target: target.clone(),
            token: None,
        };
        self.lock().insert(work.to_owned(), running);
        let written = self.write(work, record);
        self.lock().remove(work);
        written
    }

    /// Strikes off what was noted of an export, whose drafts are gone. Blocking.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn forget(&self, export: &str) -> Result<()> {
        let left = self
            .left()
            .map_err(|e| Error::defect(format_args!("failed to list uploads: {e}")))?;
        for work in left.iter().filter(|work| work.starts_with(export)) {
            self.remove(work);
        }
        Ok(())
    }

    /// Those that are under way, but for one piece of work: what tidies up after that must not take them.
    pub(crate) fn running_but(&self, work: &str) -> Vec<Running> {
        let running = self.lock();
        let others = running.iter().filter(|(of, _)| !of.starts_with(work));
        others.map(|(_, running)| running.clone()).collect()
    }

    /// An upload as it is while it runs, without one.
    #[cfg(test)]
    pub(crate) fn assume_running(&self, work: &str, target: &ObjectPath, token: Option<Token>) {
        let target = target.clone();
        let running = Running { target, token };
        self.lock().insert(work.to_owned(), running);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, work: &str) -> PathBuf {
        self.folder.join(format!("{work}.json"))
    }

    /// Writes a record whole, durably. Blocking.
    fn write(&self, work: &str, record: &Record) -> Result<()> {
        let failed = |e: io::Error| Error::defect(format_args!("failed to record an upload: {e}"));
        let bytes = notes::to_bytes(record)
            .map_err(|e| Error::defect("failed to record an upload").with_source(e))?;
        let draft = self.folder.join(format!("{work}.draft"));
        durable::replace(&self.path(work), &draft, &bytes).map_err(failed)
    }

    /// Blocking.
    fn remove(&self, work: &str) {
        for path in [self.path(work), self.folder.join(format!("{work}.draft"))] {
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(work, %error, "failed to remove the record of an upload; the next start does it");
            }
        }
        self.lock().remove(work);
    }

    /// The record of an upload; one that is damaged is set aside, for nothing can be done by it, now or later. Blocking.
    ///
    /// # Errors
    /// [`Reason::DataLoss`] for a damaged one; the operating system's.
    fn read_or_set_aside(&self, work: &str) -> Result<Record> {
        let path = self.path(work);
        read(&path).inspect_err(|error| {
            if error.reason() != Reason::DataLoss {
                return;
            }
            let aside = path.with_extension("damaged");
            match fs::rename(&path, &aside) {
                Ok(()) => tracing::error!(
                    file = %aside.display(),
                    "the record of an upload is damaged and set aside: what a client had sent of a file may be left in a stage's place, out of sight"
                ),
                Err(error) => {
                    tracing::error!(work, %error, "a damaged record of an upload cannot be set aside");
                }
            }
        })
    }

    /// What a stopped server left on record. Blocking.
    fn left(&self) -> io::Result<Vec<String>> {
        let mut left = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            // A draft of a record was never followed by one of a file.
            if let Some(work) = name.strip_suffix(".draft") {
                if !self.lock().contains_key(work) {
                    match fs::remove_file(self.folder.join(&name)) {
                        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                        Ok(()) | Err(_) => {}
                    }
                }
            } else if let Some(work) = name.strip_suffix(".json")
                && !self.lock().contains_key(work)
            {
                left.push(work.to_owned());
            }
        }
        Ok(left)
    }
}

impl Begun {
    async fn start(&self, record: Option<Record>, target: &ObjectPath) -> Result<()> {
        self.write(record.clone()).await?;
        let draft = self.store.draft(&self.work, 0, target).await;
        let draft = draft.inspect_err(|error| {
            let is_lost = error.may_be_done() || error.is_temporary();
            self.has_lost_draft.store(is_lost, Ordering::SeqCst);
        })?;
        let has_lost_sibling = draft.has_lost_sibling();
        self.has_lost_sibling
            .store(has_lost_sibling, Ordering::SeqCst);
        if let Some(token) = draft.token_to_record() {
            let recorded = serde_json::from_slice(&token.to_bytes()).ok();
            let running = Running {
                target: target.clone(),
                token: Some(token),
            };
            self.instance
                .uploads
                .lock()
                .insert(self.work.clone(), running);
            self.write(record.map(|record| Record {
                token: recorded,
                ..record
            }))
            .await?;
        }
        *self.draft.lock().unwrap_or_else(PoisonError::into_inner) = Some(draft);
        Ok(())
    }

    async fn write(&self, record: Option<Record>) -> Result<()> {
        let Some(record) = record else {
            return Ok(());
        };
        let work = self.work.clone();
        self.instance
            .blocking(move |instance| instance.uploads.write(&work, &record))
            .await
    }

    /// The draft, once.
    ///
    /// # Errors
    /// A defect, the second time.
    pub(crate) fn draft(&self) -> Result<Draft> {
        let mut draft = self.draft.lock().unwrap_or_else(PoisonError::into_inner);
        draft
            .take()
            .ok_or_else(|| Error::defect("the draft of an upload was taken twice"))
    }

    /// Removes what is left of the draft, if it was not published, and then the record. What cannot be removed now
    /// stays on record for another time.
    pub(crate) async fn end(&self) {
        drop(self.draft());
        if self.has_lost_draft.load(Ordering::SeqCst) {
            // It is looked for by its name, by who tidies up by the record.
            tracing::warn!(
                work = self.work,
                "what may be left of an upload is looked for later: the place's answer was lost"
            );
            self.instance.uploads.lock().remove(&self.work);
            return;
        }
        let running = self.instance.uploads.lock().get(&self.work).cloned();
        let discard = async {
            if let Some(token) = running.and_then(|running| running.token) {
                self.store.discard(&token).await?;
            }
            self.store.sweep(&self.work).await?;
            if !self.has_lost_sibling.load(Ordering::SeqCst) {
                return Ok(());
            }
            let begun = BegunUploads {
                targets: vec![self.target.clone()],
                since: Some(self.begun),
                until: Some(SystemTime::now()),
            };
            let found = self.store.begun(&begun).await?;
            remove_lost(&self.instance, &self.store, &self.work, found).await
        };
        if let Err(error) = discard.await {
            tracing::warn!(
                work = self.work,
                error = error.message(),
                "failed to remove what is left of an upload; it is tried again"
            );
            self.instance.uploads.lock().remove(&self.work);
            return;
        }
        let work = self.work.clone();
        let removed = self
            .instance
            .blocking(move |instance| {
                instance.uploads.remove(&work);
                Ok(())
            })
            .await;
        if let Err(error) = removed {
            tracing::warn!(error = error.message(), "failed to end an upload");
        }
    }
}

fn read(path: &Path) -> Result<Record> {
    let bytes = fs::read(path)
        .map_err(|e| Error::defect(format_args!("failed to read an upload's record: {e}")))?;
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Result<Record> {
    notes::from_bytes(bytes).map_err(|why| {
        Error::internal(
            Reason::DataLoss,
            format_args!("the record of an upload cannot be read: {why}"),
        )
    })
}

#[cfg(test)]
mod tests;
