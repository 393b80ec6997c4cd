//! The messages of one streamed answer, between the task that makes them and the connection that takes them. The
//! maker can take back what a client that reads no more has left lying, and say why it ends.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::Stream;
use tokio::sync::mpsc;
use tonic::Status;

type Part<T> = std::result::Result<T, Status>;

/// The maker's end.
pub(crate) struct Parts<T> {
    sender: mpsc::Sender<Part<T>>,
    queue: Queue<T>,
}

/// The connection's end. Dropping it tells the maker that the client has left.
pub(crate) struct PartStream<T>(Queue<T>);

/// The client has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientLeft;

struct Queue<T>(Arc<Mutex<mpsc::Receiver<Part<T>>>>);

impl<T> Queue<T> {
    fn lock(&self) -> MutexGuard<'_, mpsc::Receiver<Part<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both ends; `waiting_max` messages, at least 2, wait for a slow client, and the maker waits behind them.
pub(crate) fn parts<T>(waiting_max: usize) -> (Parts<T>, PartStream<T>) {
    let (sender, receiver) = mpsc::channel(waiting_max);
    let queue = Arc::new(Mutex::new(receiver));
    let parts = Parts {
        sender,
        queue: Queue(Arc::clone(&queue)),
    };
    (parts, PartStream(Queue(queue)))
}

impl<T> Parts<T> {
    /// Waits until there is room for a message.
    ///
    /// # Errors
    /// [`ClientLeft`].
    pub(crate) async fn send(&self, message: T) -> Result<(), ClientLeft> {
        self.sender.send(Ok(message)).await.map_err(|_| ClientLeft)
    }

    /// Puts in a message that may as well be missed, if there is room for it and one more.
    ///
    /// # Errors
    /// [`ClientLeft`].
    pub(crate) fn offer(&self, message: T) -> Result<(), ClientLeft> {
        if self.sender.is_closed() {
            return Err(ClientLeft);
        }
        if self.sender.capacity() > 1 {
            // Only this end puts messages in: the room is still there.
            let _ = self.sender.try_send(Ok(message));
        }
        Ok(())
    }

    /// Whether a message would not have to wait.
    #[cfg(test)]
    pub(crate) fn has_room(&self) -> bool {
        self.sender.capacity() > 0
    }

    /// Resolves when the client has left.
    pub(crate) async fn left(&self) {
        self.sender.closed().await;
    }

    /// Takes back what waits, and ends the answer with this.
    pub(crate) fn fail(self, error: impl Into<Status>) {
        let mut queue = self.queue.lock();
        while queue.try_recv().is_ok() {}
        // There is room now; a client that has left takes no answer.
        let _ = self.sender.try_send(Err(error.into()));
    }
}

impl<T> Stream for PartStream<T> {
    type Item = Part<T>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Part<T>>> {
        self.0.lock().poll_recv(context)
    }
}

impl<T> Drop for PartStream<T> {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.close();
        while queue.try_recv().is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use futures::StreamExt;

    use super::*;
    use crate::error::Error;

    #[tokio::test]
    async fn a_failure_takes_the_place_of_what_waits() {
        let (parts, mut stream) = parts(2);
        parts.send(1).await.unwrap();
        parts.send(2).await.unwrap();
        parts.fail(Error::defect("why"));
        let status = stream.next().await.unwrap().unwrap_err();
        assert!(status.message().contains("why"));
        assert!(stream.next().await.is_none());
    }

    #[tokio::test]
    async fn what_may_be_missed_leaves_room_for_the_end() {
        let (parts, mut stream) = parts(2);
        parts.offer(1).unwrap();
        parts.offer(2).unwrap();
        parts.send(3).await.unwrap();
        assert_eq!(stream.next().await.unwrap().unwrap(), 1);
        assert_eq!(stream.next().await.unwrap().unwrap(), 3);
    }

    #[tokio::test]
    async fn a_client_that_leaves_is_noticed() {
        let (parts, stream) = parts(2);
        drop(stream);
        parts.left().await;
        assert_eq!(parts.send(1).await, Err(ClientLeft));
        assert_eq!(parts.offer(1), Err(ClientLeft));
    }
}
