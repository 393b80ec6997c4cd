//! The batches of a running export: as many rows as the stage's policies permit, until it is cancelled.

use std::pin::Pin;
use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::{Stream, StreamExt};

use crate::exports::Job;
use crate::policies::Meter;

pub(super) type Batches =
    Pin<Box<dyn Stream<Item = std::result::Result<RecordBatch, BatchError>> + Send>>;
pub(super) type BatchError = Box<dyn std::error::Error + Send + Sync>;

/// The batches, as far as the stage's policies permit their rows.
pub(super) fn metered(
    batches: Pin<Box<dyn Stream<Item = std::result::Result<RecordBatch, query::Error>> + Send>>,
    meter: Arc<Meter>,
) -> Batches {
    Box::pin(batches.map(move |batch| {
        let batch = batch?;
        meter.rows(batch.num_rows() as u64)?;
        Ok(batch)
    }))
}

/// The batches, and an error once the export is cancelled. So the exporter ends by itself, and none of its
/// threads can open a draft after the drafts have been removed, as one could if its future were dropped.
pub(super) fn until_cancelled(
    batches: Batches,
    job: &Job,
) -> impl Stream<Item = std::result::Result<RecordBatch, BatchError>> {
    futures::stream::unfold(batches, move |mut batches| async move {
        let item = tokio::select! {
            biased;
            why = job.stopping() => Err(why.into()),
            next = batches.next() => next?,
        };
        Some((item, batches))
    })
}
