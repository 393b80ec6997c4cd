//! Trying again: exponentially later each time, at random within that, and for a limited time in all.

use std::time::{Duration, Instant};

use super::error::BucketResult;

/// How often and how long a request is tried.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// Tries in all, the first one among them.
    pub tries: u32,
    /// The longest pause after the first failure; it doubles with each.
    pub first_pause: Duration,
    /// The longest pause of all.
    pub longest_pause: Duration,
    /// After so long no further try begins.
    pub budget: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            tries: 6,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(8),
            budget: Duration::from_secs(90),
        }
    }
}

/// Which errors a request may be tried again after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// Any temporary one: doing it twice is doing it once.
    Whatever,
    /// Only those after which the store has certainly not done it. The others come back as ambiguous.
    NotDone,
}

impl Retry {
    /// Runs `request` until it succeeds, fails for good, or tries or time are used up.
    ///
    /// # Errors
    /// The last try's.
    pub(super) async fn run<T, F>(
        &self,
        again: Again,
        mut request: impl FnMut() -> F,
    ) -> BucketResult<T>
    where
        F: Future<Output = BucketResult<T>>,
    {
        let begun = Instant::now();
        let mut tries = 0;
        loop {
            let error = match request().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            tries += 1;
            if again == Again::NotDone && error.may_be_done() {
                return Err(error.ambiguous());
            }
            let pause = self.pause(tries);
            let spent = tries >= self.tries || begun.elapsed() + pause > self.budget;
            if !error.is_temporary() || spent {
                return Err(if tries > 1 { error.after(tries) } else { error });
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Between nothing and the doubled pause, so that many do not come back at once.
    fn pause(&self, tries: u32) -> Duration {
        let doublings = tries.saturating_sub(1).min(16);
        let longest = self
            .first_pause
            .saturating_mul(1 << doublings)
            .min(self.longest_pause);
        longest.mul_f64(random())
    }
}

/// A number from 0 to 1. Where there is no randomness to be had, the whole pause.
fn random() -> f64 {
    getrandom::u32().map_or(1.0, |random| f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::bucket::error::{BucketError, BucketErrorKind};

    const QUICK: Retry = Retry {
        tries: 3,
        first_pause: Duration::ZERO,
        longest_pause: Duration::ZERO,
        budget: Duration::from_secs(60),
    };

    async fn run(again: Again, kind: BucketErrorKind, failures: u32) -> (BucketResult<()>, u32) {
        let mut calls = 0;
        let done = QUICK
            .run(again, || {
                calls += 1;
                let failed = calls <= failures;
                let error = BucketError::new(kind.clone(), "it failed");
                async move { if failed { Err(error) } else { Ok(()) } }
            })
            .await;
        (done, calls)
    }

    #[tokio::test]
    async fn tries_again_what_is_temporary_and_not_for_ever() {
        let (done, calls) = run(Again::Whatever, BucketErrorKind::SlowDown, 2).await;
        assert!(done.is_ok());
        assert_eq!(calls, 3);
        let (done, calls) = run(Again::Whatever, BucketErrorKind::Interrupted, 9).await;
        assert_eq!(done.unwrap_err().to_string(), "it failed, 3 times");
        assert_eq!(calls, 3);
        let (done, calls) = run(Again::Whatever, BucketErrorKind::AccessDenied, 9).await;
        assert!(done.is_err());
        assert_eq!(calls, 1);
    }

    #[tokio::test]
    async fn what_may_be_done_is_not_done_again() {
        let (done, calls) = run(Again::NotDone, BucketErrorKind::Interrupted, 1).await;
        assert_eq!(*done.unwrap_err().kind(), BucketErrorKind::Ambiguous);
        assert_eq!(calls, 1);
        let (done, calls) = run(Again::NotDone, BucketErrorKind::Connect, 1).await;
        assert!(done.is_ok());
        assert_eq!(calls, 2);
    }
}
