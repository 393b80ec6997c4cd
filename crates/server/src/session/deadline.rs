//! How long a statement may still run.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, Reason};

/// When a statement's time is over; it may have no end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    at: Option<Instant>,
    limit: Duration,
}

impl Deadline {
    pub(super) fn after(limit: Option<Duration>) -> Self {
        Self {
            at: limit.and_then(|limit| Instant::now().checked_add(limit)),
            limit: limit.unwrap_or_default(),
        }
    }

    /// Resolves when the time is over.
    pub(super) async fn passed(&self) {
        match self.at {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// MySQL's error for it.
    pub(super) fn error(&self) -> Error {
        Error::new(
            Reason::StatementTimeout,
            3024,
            "HY000",
            format!(
                "Query execution was interrupted, maximum statement execution time exceeded ({} ms: limits.statement_timeout_s, or SET max_execution_time)",
                self.limit.as_millis()
            ),
        )
    }
}
