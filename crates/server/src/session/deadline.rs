//! How long a statement or a call may still run.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, Reason, Result};

/// A length of time, and what set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeLimit {
    /// `None` is without end.
    pub(super) time: Option<Duration>,
    /// What an operator or a client would change, as the error says it.
    pub(super) setting: &'static str,
}

/// When a statement's time is over; it may have no end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    began: Instant,
    at: Option<Instant>,
    limit: TimeLimit,
}

impl Deadline {
    /// The time begins now.
    pub(super) fn after(limit: TimeLimit) -> Self {
        let began = Instant::now();
        Self {
            began,
            // A time too long for the clock is none.
            at: limit.time.and_then(|time| began.checked_add(time)),
            limit,
        }
    }

    /// The same, or `until`, when the client has said that it waits no longer, whichever comes first.
    pub(super) fn or_until(self, until: Option<Instant>) -> Self {
        match until {
            Some(until) if self.at.is_none_or(|at| until < at) => Self {
                at: Some(until),
                limit: TimeLimit {
                    time: Some(until.saturating_duration_since(self.began)),
                    setting: "the client's deadline, grpc-timeout",
                },
                ..self
            },
            Some(_) | None => self,
        }
    }

    /// No end.
    pub(super) fn none() -> Self {
        Self::after(TimeLimit {
            time: None,
            setting: "",
        })
    }

    /// The whole time.
    pub(super) fn limit(&self) -> TimeLimit {
        self.limit
    }

    /// How much of it is over.
    pub(super) fn spent(&self) -> Duration {
        self.began.elapsed()
    }

    /// Resolves when the time is over.
    pub(super) async fn passed(&self) {
        match self.at {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// Runs `work` until it ends or the time is over.
    ///
    /// # Errors
    /// [`Reason::StatementTimeout`].
    pub(super) async fn within<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = self.passed() => Err(self.error()),
        }
    }

    /// MySQL's error for it.
    pub(super) fn error(&self) -> Error {
        Error::new(
            Reason::StatementTimeout,
            3024,
            "HY000",
            format!(
                "Query execution was interrupted, maximum statement execution time exceeded ({} ms: {})",
                self.limit.time.unwrap_or_default().as_millis(),
                self.limit.setting
            ),
        )
    }
}
