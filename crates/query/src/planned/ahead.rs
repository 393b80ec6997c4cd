//! Reading ahead: a task that computes batches before they are asked for, within the memory of all queries,
//! and ends with its reader, its time, or its rows.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use futures::StreamExt;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::BatchStream;
use crate::error::Error;
use crate::stop::{Reader, Stop};

/// A batch that waits for its reader, and its memory.
type Waiting = (Result<RecordBatch, Error>, Option<MemoryReservation>);

/// The batches, computed up to `batches_max` ahead on a task of `runtime`.
pub(super) fn read_ahead(
    runtime: &Handle,
    mut batches: BatchStream,
    batches_max: usize,
    memory: &Arc<dyn MemoryPool>,
    stop: Arc<Stop>,
    reader: Reader,
) -> BatchStream {
    let (send, receive) = mpsc::channel::<Waiting>(batches_max);
    let consumer = MemoryConsumer::new("rows read ahead").register(memory);
    let task_stop = Arc::clone(&stop);
    let work = async move {
        while let Some(batch) = batches.next().await {
            let failed = batch.is_err();
            let bytes = batch.as_ref().map_or(0, RecordBatch::get_array_memory_size);
            let reservation = consumer.new_empty();
            let reserved = reservation.try_grow(bytes).is_ok();
            let waiting = (batch, reserved.then_some(reservation));
            if send.send(waiting).await.is_err() || failed {
                break;
            }
            // No memory to read ahead: the next batch is computed once the reader has taken all.
            if !reserved && send.reserve_many(batches_max).await.is_err() {
                break;
            }
        }
    };
    let task = runtime.spawn(async move { task_stop.within(work).await });
    let state = Ahead {
        receive,
        task: Some(AbortOnDrop(task)),
        stop,
        _reader: reader,
    };
    futures::stream::unfold(state, |mut state| async move {
        let next = state.next().await;
        next.map(|batch| (batch, state))
    })
    .boxed()
}

struct Ahead {
    receive: mpsc::Receiver<Waiting>,
    task: Option<AbortOnDrop>,
    stop: Arc<Stop>,
    _reader: Reader,
}

impl Ahead {
    async fn next(&mut self) -> Option<Result<RecordBatch, Error>> {
        self.task.as_ref()?;
        match self.stop.within(self.receive.recv()).await {
            // The reader's time is over even if the task never looks up from its work.
            Err(error) => {
                self.task = None;
                Some(Err(error))
            }
            Ok(Some((batch, _reservation))) => {
                if batch.is_err() {
                    self.task = None;
                }
                Some(batch)
            }
            // The channel also closes when the task panics: that must not look like the end of the rows.
            Ok(None) => {
                let mut task = self.task.take()?;
                match (&mut task.0).await {
                    Ok(Ok(())) => None,
                    Ok(Err(error)) => Some(Err(error)),
                    Err(error) => Some(Err(crate::panics::joined("the query", error))),
                }
            }
        }
    }
}

struct AbortOnDrop(JoinHandle<Result<(), Error>>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
