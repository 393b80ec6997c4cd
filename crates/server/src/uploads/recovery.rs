//! What uploads and exports have left in stages' places, by their records: removed at a start, and while the server runs
//! as often as it takes.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::{StreamExt, stream};
use storage::{BegunUploads, ObjectPath};

use super::Record;
use crate::error::{Error, Reason, Result};
use crate::instance::Instance;
use crate::lost_drafts::remove_lost;
use crate::places::PinnedStage;

/// How long a server's start waits for places that do not answer.
const OPENING_WAITS: Duration = Duration::from_secs(5);
/// Records whose places are asked at a time.
const RECOVERED_AT_ONCE_MAX: usize = 8;
/// The length of an export's id, a UUID with hyphens.
const EXPORT_ID_BYTES: usize = 36;

/// Removes what a stopped server left, as far as it is done in a short time. For a server that is being opened.
pub(crate) async fn recover(instance: &Arc<Instance>) {
    if tokio::time::timeout(OPENING_WAITS, recover_left(instance))
        .await
        .is_err()
    {
        tracing::warn!(
            "uploads that the stopped server left are not all removed yet; it goes on while the server runs"
        );
    }
}

/// Removes the drafts of every upload on record that is not under way. What cannot be reached now is left for
/// another time, and named in the log.
pub(crate) async fn recover_left(instance: &Arc<Instance>) {
    let left = instance
        .blocking(|instance| {
            instance
                .uploads
                .left()
                .map_err(|e| Error::defect(format_args!("failed to list uploads: {e}")))
        })
        .await;
    let left = match left {
        Ok(left) => left,
        Err(error) => {
            tracing::error!(error = error.message(), "failed to look for left uploads");
            return;
        }
    };
    // A place that does not answer holds up no other.
    stream::iter(left)
        .for_each_concurrent(RECOVERED_AT_ONCE_MAX, |work| async move {
            recover_one(instance, &work).await;
        })
        .await;
}

/// Removes what one record tells of, and then the record; also where there is nothing left that it could tell of.
async fn recover_one(instance: &Arc<Instance>, work: &str) {
    let name = work.to_owned();
    let read = instance.blocking(move |instance| instance.uploads.read_or_set_aside(&name));
    let record = match read.await {
        Ok(record) => record,
        // Said by who set it aside, but for what the disk says.
        Err(error) => {
            tracing::error!(
                work,
                error = error.message(),
                "the record of an upload cannot be read"
            );
            return;
        }
    };
    match is_of_unfinished(instance, work, &record.account).await {
        Ok(false) => {}
        // Its drafts are recovery's, which publishes them perhaps: the note is for when it has ended.
        Ok(true) => return,
        Err(error) => {
            tracing::error!(
                work,
                error = error.message(),
                "failed to look at the export of a record"
            );
            return;
        }
    }
    let (stage, target) = (record.stage.clone(), record.target.clone());
    match remove_left(instance, work, record).await {
        Ok(()) => tracing::info!(work, stage, target, "removed what was left of an upload"),
        Err(Left::Gone(error)) => tracing::warn!(
            work,
            stage,
            target,
            error = error.message(),
            "what may be left of an upload is not looked for any more: the place that it was in is gone, or who knew its keys is"
        ),
        Err(Left::There(error)) => {
            tracing::error!(
                work,
                stage,
                target,
                error = error.message(),
                "failed to remove what is left of an upload; it is tried again"
            );
            return;
        }
    }
    let name = work.to_owned();
    let removed = instance.blocking(move |instance| {
        instance.uploads.remove(&name);
        Ok(())
    });
    if let Err(error) = removed.await {
        tracing::warn!(
            work,
            error = error.message(),
            "failed to strike off an upload"
        );
    }
}

/// Whether it is a note about an export that has not ended: notes are called by its id and what they are of it.
async fn is_of_unfinished(instance: &Arc<Instance>, work: &str, account: &str) -> Result<bool> {
    let Some(id) = work.get(..EXPORT_ID_BYTES).map(str::to_owned) else {
        return Ok(false);
    };
    let account = account.to_owned();
    instance
        .blocking(move |instance| {
            let export = instance.catalog.export(&account, &id)?;
            Ok(export.is_some_and(|export| !export.state.is_final()))
        })
        .await
}

/// Why something may be left of an upload.
enum Left {
    /// The stage is forgotten, or its bucket is gone: it can never be removed from here.
    Gone(Error),
    /// Another time.
    There(Error),
}

impl From<Error> for Left {
    fn from(error: Error) -> Self {
        if error.reason() == Reason::StageNotFound {
            Self::Gone(error)
        } else {
            Self::There(error)
        }
    }
}

async fn remove_left(
    instance: &Arc<Instance>,
    work: &str,
    record: Record,
) -> std::result::Result<(), Left> {
    let (record, located) = instance
        .blocking(move |instance| {
            let pinned = PinnedStage {
                name: record.stage.clone(),
                id: Some(record.stage_id),
                version: record.stage_version,
                parents: record.parents.clone(),
            };
            let located = instance.locate_pinned(&record.account, &pinned)?;
            Ok((record, located))
        })
        .await?;
    let store = instance.open_stage(located).await?.store;
    let token = record.token()?;
    // A folder that is not there may be on a disk that is not mounted; a bucket is there, or is not.
    let is_bucket = !store.sweeps_by_work();
    let gone = |error: storage::Error| {
        if is_bucket && error.kind() == storage::ErrorKind::NotFound {
            Left::Gone(error.into())
        } else {
            Left::There(error.into())
        }
    };
    if let Some(token) = &token {
        store.discard(token).await.map_err(gone)?;
    }
    store.sweep(work).await.map_err(gone)?;
    // With a token, nothing else is of this work.
    if token.is_some() {
        return Ok(());
    }
    let at = |us| SystemTime::UNIX_EPOCH + Duration::from_micros(us);
    let until = match record.ended_us {
        Some(ended) => at(ended),
        // One of this server's own, whose end failed, was begun behind the start.
        None if record.begun_us > instance.started_us => SystemTime::now(),
        None => at(instance.started_us),
    };
    let begun = BegunUploads {
        targets: vec![ObjectPath::parse(&record.target).map_err(Error::from)?],
        since: Some(at(record.begun_us)),
        until: Some(until),
    };
    let found = store.begun(&begun).await.map_err(gone)?;
    Ok(remove_lost(instance, &store, work, found).await?)
}
