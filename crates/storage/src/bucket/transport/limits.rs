//! `Limits`: how many requests to buckets are on their way at once, and how many bytes of uploads, over all
//! buckets of a server. Who comes when there is no room waits, first come first served, and not for ever.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::bucket::error::{BucketError, BucketErrorKind, BucketResult};

const KIB: u64 = 1 << 10;

/// What all buckets of a server together may have on their way.
#[derive(Debug, Clone)]
pub struct TransportLimits {
    /// Requests at once. A file that is being read counts until its first byte is there: a reader that is itself
    /// slowed down by an upload must not stand in the upload's way.
    pub requests_max: usize,
    /// Bytes of parts at once, rounded up to KiB. A single part that is longer takes all of them.
    pub upload_bytes_max: u64,
    /// How long a request or a part waits for room.
    pub wait_max: Duration,
    /// What `requests_max` is called where it is set; errors name it.
    pub requests_setting: &'static str,
    /// What `upload_bytes_max` is called where it is set; errors name it.
    pub upload_bytes_setting: &'static str,
}

impl Default for TransportLimits {
    fn default() -> Self {
        Self {
            requests_max: 256,
            upload_bytes_max: 256 << 20,
            wait_max: Duration::from_secs(60),
            requests_setting: "requests_max",
            upload_bytes_setting: "upload_bytes_max",
        }
    }
}

/// Room among a server's requests, or bytes; dropping it makes room for the next one.
#[derive(Debug)]
pub(crate) struct Room {
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug)]
pub(super) struct Limits {
    limits: TransportLimits,
    requests: Arc<Semaphore>,
    /// In KiB.
    upload: Arc<Semaphore>,
    upload_kib_max: u32,
}

impl Limits {
    pub(super) fn new(limits: TransportLimits) -> Self {
        let most = u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX);
        let kib = limits.upload_bytes_max.div_ceil(KIB).max(1);
        let upload_kib_max = u32::try_from(kib).unwrap_or(most).min(most);
        let requests = limits.requests_max.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            requests: Arc::new(Semaphore::new(requests)),
            upload: Arc::new(Semaphore::new(upload_kib_max as usize)),
            upload_kib_max,
            limits,
        }
    }

    pub(super) async fn request(&self) -> BucketResult<Room> {
        let limits = &self.limits;
        let taken = Arc::clone(&self.requests).acquire_owned();
        self.room(taken).await.ok_or_else(|| {
            full(format_args!(
                "{} ({}) requests to buckets are on their way",
                limits.requests_setting, limits.requests_max
            ))
        })
    }

    pub(super) async fn upload(&self, bytes: u64) -> BucketResult<Room> {
        let kib = u32::try_from(bytes.div_ceil(KIB)).unwrap_or(u32::MAX);
        let limits = &self.limits;
        let taken = Arc::clone(&self.upload).acquire_many_owned(kib.min(self.upload_kib_max));
        self.room(taken).await.ok_or_else(|| {
            full(format_args!(
                "{} ({}) bytes of uploads are on their way",
                limits.upload_bytes_setting, limits.upload_bytes_max
            ))
        })
    }

    async fn room(
        &self,
        taken: impl Future<Output = Result<OwnedSemaphorePermit, tokio::sync::AcquireError>>,
    ) -> Option<Room> {
        let permit = tokio::time::timeout(self.limits.wait_max, taken).await;
        // The semaphores are never closed.
        permit.ok()?.ok().map(|permit| Room { _permit: permit })
    }
}

/// It was not the store, but it is as if it had too much to do; nothing was sent.
fn full(what: std::fmt::Arguments<'_>) -> BucketError {
    BucketError::new(
        BucketErrorKind::SlowDown,
        format!("{what}, and no room became free in time; try later, or raise it"),
    )
    .unsent()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn small(wait_max: Duration) -> Limits {
        Limits::new(TransportLimits {
            requests_max: 1,
            upload_bytes_max: 4 << 10,
            wait_max,
            requests_setting: "limits.requests",
            upload_bytes_setting: "limits.bytes",
        })
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_the_room_of_who_has_done() {
        let limits = Arc::new(small(Duration::from_secs(60)));
        let first = limits.request().await.unwrap();
        let waiting = tokio::spawn({
            let limits = Arc::clone(&limits);
            async move { limits.request().await.map(|_| ()) }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        waiting.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_is_told_the_limit() {
        let limits = small(Duration::from_secs(2));
        let _first = limits.request().await.unwrap();
        let error = limits.request().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "limits.requests (1) requests to buckets are on their way, and no room became free in time; try later, or raise it"
        );
        assert!(error.is_temporary() && !error.may_be_done());
        let _some = limits.upload(3 << 10).await.unwrap();
        let error = limits.upload(2 << 10).await.unwrap_err();
        assert!(error.to_string().starts_with("limits.bytes (4096) bytes"));
        let _rest = limits.upload(1 << 10).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_longer_than_the_limit_goes_alone() {
        let limits = small(Duration::from_secs(2));
        let long = limits.upload(1 << 40).await.unwrap();
        assert!(limits.upload(1).await.is_err());
        drop(long);
        limits.upload(1).await.unwrap();
    }
}
