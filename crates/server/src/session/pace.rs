//! Bytes at the pace of whoever takes them, as long as they are taken: a reader that stalls must not keep its turn, nor
//! what it reads from, for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::sync::mpsc;

use crate::error::{Error, Reason, Result};

/// How long a piece waits to be taken.
const STILL_MAX: Duration = Duration::from_secs(120);

/// The items of a stream, one of which waits for the reader. When it has waited for too long, the stream is dropped,
/// with all that it holds, and the reader that takes it after all gets an error behind it.
pub(super) fn at_the_readers_pace<T: Send + 'static>(
    mut from: BoxStream<'static, Result<T>>,
) -> BoxStream<'static, Result<T>> {
    let (sender, mut receiver) = mpsc::channel(1);
    let stalled = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&stalled);
    tokio::spawn(async move {
        while let Some(item) = from.next().await {
            match tokio::time::timeout(STILL_MAX, sender.send(item)).await {
                Ok(Ok(())) => {}
                // The reader has left.
                Ok(Err(_)) => return,
                Err(_) => {
                    tell.store(true, Ordering::SeqCst);
                    return;
                }
            }
        }
    });
    let mut is_over = false;
    futures::stream::poll_fn(move |context| {
        receiver.poll_recv(context).map(|item| match item {
            Some(item) => Some(item),
            None if stalled.load(Ordering::SeqCst) && !is_over => {
                is_over = true;
                Some(Err(still()))
            }
            None => None,
        })
    })
    .boxed()
}

fn still() -> Error {
    Error::new(
        Reason::StatementTimeout,
        3024,
        "HY000",
        format!(
            "Query execution was interrupted: nothing of the file was taken for {} s",
            STILL_MAX.as_secs()
        ),
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use futures::TryStreamExt;

    use super::*;

    fn numbers(count: u32, held: &Arc<()>) -> BoxStream<'static, Result<u32>> {
        let held = Arc::clone(held);
        futures::stream::iter(0..count)
            .map(move |n| {
                let _held = &held;
                Ok(n)
            })
            .boxed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_gets_everything() {
        let mut stream = at_the_readers_pace(numbers(5, &Arc::default()));
        let mut all = Vec::new();
        while let Some(n) = stream.try_next().await.unwrap() {
            all.push(n);
            tokio::time::sleep(STILL_MAX / 2).await;
        }
        assert_eq!(all, [0, 1, 2, 3, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_reader_that_stalls_held_is_let_go() {
        let held = Arc::new(());
        let mut stream = at_the_readers_pace(numbers(5, &held));
        assert_eq!(stream.try_next().await.unwrap(), Some(0));
        tokio::time::sleep(STILL_MAX * 2).await;
        assert_eq!(Arc::strong_count(&held), 1);
        assert_eq!(stream.try_next().await.unwrap(), Some(1));
        let error = stream.try_next().await.unwrap_err();
        assert_eq!(error.reason(), Reason::StatementTimeout);
        assert_eq!(stream.try_next().await.unwrap(), None);
    }
}
