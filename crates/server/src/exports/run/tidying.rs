//! Removing the drafts of an export that has ended without a file, whether its place answers or not: what is not
//! removed at once is noted first, and then removed as soon as the place answers, by this server or the next.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use catalog::{ExportRecord, ExportState};
use storage::ObjectPath;
use tokio::task::JoinHandle;

use crate::error::{Error, Result};
use crate::exports::ExportTarget;
use crate::exports::publish::{remove_all_drafts, remove_drafts};
use crate::instance::Instance;

/// How long whoever cancels an export waits for its drafts to be removed.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// The drafts of one export.
pub(super) struct Tidying {
    pub(super) instance: Arc<Instance>,
    pub(super) account: String,
    pub(super) id: String,
    pub(super) target: ExportTarget,
    /// Where there may be drafts that its plan does not have.
    pub(super) lost: Vec<ObjectPath>,
}

impl Tidying {
    /// Removes them, by the plan as it is on record; for a cancelled export in a short time or later. What cannot be
    /// removed is logged.
    pub(super) async fn run(self, state: ExportState) {
        let (account, id) = (self.account.clone(), self.id.clone());
        let record = self
            .instance
            .blocking(move |instance| Ok(instance.catalog.export(&account, &id)?))
            .await
            .and_then(|record| record.ok_or_else(|| Error::defect("an export has no record")));
        let record = match record {
            Ok(record) => record,
            Err(error) => return self.failed(&error, false),
        };
        let mut removing = self.remove(record.clone());
        let ended = match state {
            ExportState::Cancelled => tokio::time::timeout(WAIT_MAX, &mut removing).await,
            ExportState::Admitted
            | ExportState::Running
            | ExportState::Prepared
            | ExportState::Committed
            | ExportState::Failed => Ok((&mut removing).await),
        };
        let error = match ended {
            Ok(Ok(Ok(()))) => return,
            Ok(Ok(Err(error))) => error,
            Ok(Err(e)) => Error::defect("removing drafts failed").with_source(e),
            Err(_) => Error::defect("the place has not answered yet"),
        };
        let noted = self.leave(record).await;
        self.failed(&error, noted.is_ok());
        self.go_on(removing);
    }

    /// Removes them in a task. Unless a draft is looked for that nobody knows, it does not keep the server open.
    fn remove(&self, record: ExportRecord) -> JoinHandle<Result<()>> {
        let store = self.target.store.clone();
        if self.lost.is_empty() {
            return tokio::spawn(async move { remove_drafts(&store, &record).await });
        }
        let instance = Arc::clone(&self.instance);
        let (lost, now) = (self.lost.clone(), SystemTime::now());
        tokio::spawn(async move { remove_all_drafts(&instance, &store, &record, lost, now).await })
    }

    /// Notes them.
    async fn leave(&self, record: ExportRecord) -> Result<()> {
        let (path, lost) = (self.target.path.clone(), self.lost.clone());
        self.instance
            .blocking(move |instance| instance.uploads.leave(&record, &path, &lost))
            .await?;
        self.instance.unsettled.notify_one();
        Ok(())
    }

    /// Lets a removal that goes on come to its end, after which nothing is to be noted any more.
    fn go_on(self, removing: JoinHandle<Result<()>>) {
        if !self.lost.is_empty() {
            removing.abort();
            return;
        }
        let instance: Weak<Instance> = Arc::downgrade(&self.instance);
        let id = self.id;
        tokio::spawn(async move {
            if let Ok(Ok(())) = removing.await
                && let Some(instance) = instance.upgrade()
            {
                let forgotten = instance.blocking(move |instance| instance.uploads.forget(&id));
                if let Err(error) = forgotten.await {
                    tracing::warn!(error = error.message(), "failed to strike off drafts");
                }
            }
        });
    }

    fn failed(&self, error: &Error, noted: bool) {
        tracing::warn!(
            id = self.id,
            error = error.message(),
            noted,
            "the drafts of an export are not removed yet; noted ones are, as soon as their place answers"
        );
    }
}
