//! What ends a statement from without, while it waits for its turn, runs, and until its last row is taken: KILL of
//! it or of its session, and the end of its time. (A client that leaves drops the statement.)

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::sessions::{Killed, SessionState, Shown, killed};

use super::deadline::Deadline;

/// The bounds of one statement. Clones are of the same statement, and it is shown to others until the last is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// Of a statement in an open session.
    killed: Option<Killed>,
    deadline: Deadline,
    shown: Option<Arc<Shown>>,
    began_us: i64,
}

impl Bounds {
    pub(super) fn new(killed: Option<Killed>, deadline: Deadline, shown: Option<Shown>) -> Self {
        Self {
            killed,
            deadline,
            shown: shown.map(Arc::new),
            began_us: i64::try_from((catalog::system_clock())()).unwrap_or(i64::MAX),
        }
    }

    /// Of no statement.
    pub(super) fn none() -> Self {
        Self::new(None, Deadline::none(), None)
    }

    /// The statement's time.
    pub(super) fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// When the statement began, in microseconds since 1970 UTC: its `NOW()`, in whichever part of it.
    pub(super) fn began_us(&self) -> i64 {
        self.began_us
    }

    /// Whether the statement was killed.
    pub(super) fn is_killed(&self) -> bool {
        self.killed.as_ref().is_some_and(Killed::has_come)
    }

    /// Resolves once the statement was killed.
    pub(crate) async fn killed(&mut self) {
        match &mut self.killed {
            Some(killed) => killed.wait().await,
            None => std::future::pending().await,
        }
    }

    /// Runs `work` until it ends, or a bound is reached.
    ///
    /// # Errors
    /// [`Reason::StatementKilled`](crate::Reason::StatementKilled),
    /// [`Reason::StatementTimeout`](crate::Reason::StatementTimeout).
    pub(crate) async fn within<T>(&mut self, work: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            biased;
            error = self.reached() => Err(error),
            done = work => Ok(done),
        }
    }

    /// What others see it do.
    pub(super) fn show(&self, state: SessionState) {
        if let Some(shown) = &self.shown {
            shown.is(state);
        }
    }

    /// Resolves once its time is over, with MySQL's error for it.
    pub(crate) fn late(&self) -> impl Future<Output = Error> + use<> {
        let deadline = self.deadline;
        async move {
            deadline.passed().await;
            deadline.error()
        }
    }

    async fn reached(&mut self) -> Error {
        let deadline = self.deadline;
        tokio::select! {
            biased;
            () = self.killed() => killed(),
            () = deadline.passed() => deadline.error(),
        }
    }
}
