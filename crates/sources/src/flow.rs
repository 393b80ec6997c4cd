//! From a connection to a stream: the rows are read on a task of their own, which ends with the stream.

use std::future::Future;

use arrow::array::RecordBatch;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::error::{Error, ErrorKind};

/// Rows as they come.
pub type BatchStream = BoxStream<'static, Result<RecordBatch, Error>>;

/// Where a task gives its batches; it holds one that is not read yet.
#[derive(Clone)]
pub(crate) struct Sink(mpsc::Sender<Result<RecordBatch, Error>>);

/// Nobody reads any more.
pub(crate) struct Closed;

impl Sink {
    pub(crate) async fn send(&self, batch: RecordBatch) -> Result<(), Closed> {
        self.0.send(Ok(batch)).await.map_err(|_| Closed)
    }

    /// Ends when nobody reads any more.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }
}

/// The batches of a task that starts when they are first asked for.
pub(crate) fn on_task<F>(work: impl FnOnce(Sink) -> F + Send + 'static) -> BatchStream
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let begin = async move {
        let (sender, receiver) = mpsc::channel(1);
        let sink = Sink(sender);
        let task = tokio::spawn(work(sink));
        stream::unfold((receiver, Some(task)), next)
    };
    stream::once(begin).flatten().boxed()
}

type Reading = (
    mpsc::Receiver<Result<RecordBatch, Error>>,
    Option<JoinHandle<Result<(), Error>>>,
);

async fn next((mut receiver, task): Reading) -> Option<(Result<RecordBatch, Error>, Reading)> {
    if let Some(batch) = receiver.recv().await {
        return Some((batch, (receiver, task)));
    }
    // The end of the rows is their end only if the task says so.
    let error = match task?.await {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => error,
        Err(_) => Error::new(ErrorKind::Lost, "the reading of the rows ended early"),
    };
    Some((Err(error), (receiver, None)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use std::sync::Arc;

    use arrow::datatypes::Schema;

    use super::*;

    fn batch() -> RecordBatch {
        RecordBatch::new_empty(Arc::new(Schema::empty()))
    }

    #[tokio::test]
    async fn a_task_that_fails_or_panics_is_no_end_of_rows() {
        let failing = on_task(|sink| async move {
            let _ = sink.send(batch()).await;
            Err(Error::invalid("no"))
        });
        let items: Vec<_> = failing.collect().await;
        assert_eq!(items.len(), 2);
        assert_eq!(items[1].as_ref().unwrap_err().to_string(), "no");

        let panicking = on_task(|sink| async move {
            let _ = sink.send(batch()).await;
            panic!("a defect")
        });
        let items: Vec<_> = panicking.collect().await;
        assert_eq!(items.len(), 2);
        assert_eq!(items[1].as_ref().unwrap_err().kind(), ErrorKind::Lost);
    }

    #[tokio::test]
    async fn a_task_hears_that_nobody_reads() {
        let (told, heard) = tokio::sync::oneshot::channel();
        let mut batches = on_task(|sink| async move {
            let _ = sink.send(batch()).await;
            sink.closed().await;
            let _ = told.send(());
            Ok(())
        });
        assert!(batches.next().await.unwrap().is_ok());
        drop(batches);
        heard.await.unwrap();
    }
}
