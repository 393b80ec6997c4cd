//! Clients that begin to send something and then send nothing more of it: they hold turns and locks that others wait for,
//! so the wait for them has an end (`limits.stream_stall_s`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::{Stream, StreamExt};
use tonic::Status;

use crate::error::{Error, Reason};
use crate::settings::LimitSettings;

/// How long a client may send nothing, and whether one has. Clones are of the same client.
#[derive(Debug, Clone)]
pub(crate) struct Stall {
    most: Duration,
    has_come: Arc<AtomicBool>,
}

impl Stall {
    pub(crate) fn new(limits: &LimitSettings) -> Self {
        Self {
            most: Duration::from_secs(limits.stream_stall_s),
            has_come: Arc::default(),
        }
    }

    /// What comes, until it ends or nothing has come for too long, which is its last item then. Only the time in which
    /// somebody waits for the next item counts.
    pub(crate) fn ends<T: Send + 'static>(
        &self,
        items: impl Stream<Item = Result<T, Status>> + Send + 'static,
    ) -> impl Stream<Item = Result<T, Status>> + Send + 'static {
        let state = Some((items.boxed(), self.clone()));
        futures::stream::unfold(state, async |state| {
            let (mut items, stall) = state?;
            match tokio::time::timeout(stall.most, items.next()).await {
                Ok(item) => Some((item?, Some((items, stall)))),
                Err(_) => {
                    stall.has_come.store(true, Ordering::SeqCst);
                    Some((Err(stall.error().into()), None))
                }
            }
        })
    }

    /// Why something failed: the client's silence, if there was too much of it, whatever came of that.
    pub(crate) fn or(&self, error: Error) -> Error {
        match self.has_come.load(Ordering::SeqCst) {
            true => self.error(),
            false => error,
        }
    }

    /// In the words of MySQL, which ends such a connection; here the call ends, and its session may go on.
    fn error(&self) -> Error {
        Error::new(
            Reason::StatementTimeout,
            1159,
            "08S01",
            format!(
                "Got timeout reading communication packets: nothing came from the client for {} s (limits.stream_stall_s)",
                self.most.as_secs()
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_ends_what_comes_and_slowness_does_not() {
        let limits = LimitSettings {
            stream_stall_s: 2,
            ..LimitSettings::default()
        };
        let stall = Stall::new(&limits);
        let slow = futures::stream::iter([1, 2]).then(async |item| {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(item)
        });
        let silent = slow.chain(futures::stream::pending());
        let items: Vec<_> = stall.ends(silent).collect().await;
        assert_eq!(items.len(), 3);
        assert_eq!(
            items.last().unwrap().as_ref().unwrap_err().code(),
            tonic::Code::DeadlineExceeded
        );
        let other = Error::defect("what came of it");
        assert_eq!(stall.or(other.clone()).code(), 1159);
        let still = Stall::new(&limits);
        let items: Vec<_> = still.ends(futures::stream::iter([Ok(1)])).collect().await;
        assert_eq!(items.len(), 1);
        assert_eq!(still.or(other).reason(), Reason::Internal);
    }
}
