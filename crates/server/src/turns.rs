//! Turns: how many statements, INSERTs, exports and transfers of files run at once, of an account and of the server, and the fair
//! queue before them: who came first goes first, and no account can fill the queue of all.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::time::Instant;

use crate::error::{Error, Reason, Result};
use crate::metrics::Metrics;
use crate::settings::LimitSettings;

/// What takes a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Work {
    /// A statement, until its rows are read.
    Statement,
    /// An INSERT, which holds a writer.
    Insert,
    /// An export, until it has ended.
    Export,
    /// A file on its way to or from a client.
    Transfer,
}

impl Work {
    /// As metrics have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Statement => "statement",
            Self::Insert => "insert",
            Self::Export => "export",
            Self::Transfer => "transfer",
        }
    }

    /// As errors have them.
    fn plural(self) -> &'static str {
        match self {
            Self::Statement => "statements",
            Self::Insert => "INSERTs",
            Self::Export => "exports",
            Self::Transfer => "transfers of files",
        }
    }
}

/// The turns of one server.
#[derive(Debug)]
pub(crate) struct Turns {
    statements: Line,
    inserts: Line,
    exports: Line,
    transfers: Line,
    wait_max: Duration,
    length_max: usize,
    metrics: Arc<Metrics>,
}

/// The turns of one kind.
#[derive(Debug)]
struct Line {
    server: Arc<Semaphore>,
    server_max: usize,
    server_setting: &'static str,
    accounts: Mutex<HashMap<String, Arc<Semaphore>>>,
    account_max: usize,
    account_setting: &'static str,
    /// How many wait.
    waiting: AtomicUsize,
}

/// One that waits, until this is dropped.
struct InLine<'a>(&'a AtomicUsize);

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A turn; dropping it lets the next one go.
#[derive(Debug)]
pub(crate) struct Turn {
    _account: OwnedSemaphorePermit,
    _server: OwnedSemaphorePermit,
}

impl Turns {
    pub(crate) fn new(limits: &LimitSettings, metrics: Arc<Metrics>) -> Self {
        Self {
            statements: Line::new(
                (
                    limits.concurrent_statements_max,
                    "limits.concurrent_statements_max",
                ),
                (
                    limits.concurrent_statements_account_max,
                    "limits.concurrent_statements_account_max",
                ),
            ),
            inserts: Line::new(
                (
                    limits.concurrent_inserts_max,
                    "limits.concurrent_inserts_max",
                ),
                (
                    limits.concurrent_inserts_account_max,
                    "limits.concurrent_inserts_account_max",
                ),
            ),
            exports: Line::new(
                (
                    limits.concurrent_exports_max,
                    "limits.concurrent_exports_max",
                ),
                (
                    limits.concurrent_exports_account_max,
                    "limits.concurrent_exports_account_max",
                ),
            ),
            transfers: Line::new(
                (
                    limits.concurrent_transfers_max,
                    "limits.concurrent_transfers_max",
                ),
                (
                    limits.concurrent_transfers_account_max,
                    "limits.concurrent_transfers_account_max",
                ),
            ),
            wait_max: Duration::from_secs(limits.queue_wait_s),
            length_max: limits.queue_length_max,
            metrics,
        }
    }

    /// A turn, if one is free and nobody waits for it.
    pub(crate) fn try_take(&self, account: &str, work: Work) -> Result<Option<Turn>> {
        let line = self.line(work);
        let Some(account) = free(line.of(account))? else {
            return Ok(None);
        };
        let server = free(Arc::clone(&line.server))?;
        Ok(server.map(|server| Turn {
            _account: account,
            _server: server,
        }))
    }

    /// Waits for a turn, `limits.queue_wait_s` at most. Who stops waiting leaves the queue.
    ///
    /// # Errors
    /// [`Reason::LimitExceeded`], naming the limit that was not free in that time.
    pub(crate) async fn take(&self, account: &str, work: Work) -> Result<Turn> {
        let waiting = self.metrics.waits(work);
        let turn = self.taken(account, work).await;
        waiting.ended(&turn);
        turn
    }

    async fn taken(&self, account: &str, work: Work) -> Result<Turn> {
        let line = self.line(work);
        let _in_line = self.in_line(line, work)?;
        let until = Instant::now() + self.wait_max;
        // First the account's own turn: so no account ever has more than that waiting for the server's.
        let (max, setting) = (line.account_max, line.account_setting);
        let of_account = self
            .wait(line.of(account), until, work, max, setting)
            .await?;
        let (max, setting) = (line.server_max, line.server_setting);
        let of_server = self
            .wait(Arc::clone(&line.server), until, work, max, setting)
            .await?;
        Ok(Turn {
            _account: of_account,
            _server: of_server,
        })
    }

    /// A place among those that wait.
    fn in_line<'a>(&self, line: &'a Line, work: Work) -> Result<InLine<'a>> {
        let before = line.waiting.fetch_add(1, Ordering::Relaxed);
        let place = InLine(&line.waiting);
        if before < self.length_max {
            return Ok(place);
        }
        let text = format!(
            "{before} {} wait for their turn, as many as limits.queue_length_max permits: the server is overloaded",
            work.plural()
        );
        Err(Error::internal(Reason::LimitExceeded, text).retry_after(Duration::from_secs(1)))
    }

    fn line(&self, work: Work) -> &Line {
        match work {
            Work::Statement => &self.statements,
            Work::Insert => &self.inserts,
            Work::Export => &self.exports,
            Work::Transfer => &self.transfers,
        }
    }

    async fn wait(
        &self,
        turns: Arc<Semaphore>,
        until: Instant,
        work: Work,
        max: usize,
        setting: &str,
    ) -> Result<OwnedSemaphorePermit> {
        match tokio::time::timeout_at(until, turns.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(closed()),
            Err(_) => {
                let what = work.plural();
                let text = format!(
                    "{max} {what} are running, as many as {setting} permits, and none ended within {} seconds (limits.queue_wait_s)",
                    self.wait_max.as_secs()
                );
                Err(Error::internal(Reason::LimitExceeded, text)
                    .retry_after(Duration::from_secs(1)))
            }
        }
    }
}

fn free(turns: Arc<Semaphore>) -> Result<Option<OwnedSemaphorePermit>> {
    match turns.try_acquire_owned() {
        Ok(permit) => Ok(Some(permit)),
        Err(TryAcquireError::NoPermits) => Ok(None),
        Err(TryAcquireError::Closed) => Err(closed()),
    }
}

fn closed() -> Error {
    Error::defect("a queue was closed")
}

impl Line {
    fn new(server: (usize, &'static str), account: (usize, &'static str)) -> Self {
        Self {
            server: Arc::new(Semaphore::new(server.0)),
            server_max: server.0,
            server_setting: server.1,
            accounts: Mutex::default(),
            account_max: account.0,
            account_setting: account.1,
            waiting: AtomicUsize::new(0),
        }
    }

    fn of(&self, account: &str) -> Arc<Semaphore> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that nobody uses are like new ones: they need not be kept.
        if accounts.len() > 1000 {
            accounts.retain(|_, turns| Arc::strong_count(turns) > 1);
        }
        let turns = accounts
            .entry(account.to_owned())
            .or_insert_with(|| Arc::new(Semaphore::new(self.account_max)));
        Arc::clone(turns)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn turns() -> Turns {
        Turns::new(
            &LimitSettings {
                concurrent_exports_max: 2,
                concurrent_exports_account_max: 1,
                concurrent_inserts_max: 2,
                concurrent_inserts_account_max: 1,
                queue_wait_s: 1,
                ..LimitSettings::default()
            },
            Arc::default(),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_account_waits_and_others_do_not() {
        for (work, limit) in [(Work::Export, "exports"), (Work::Insert, "inserts")] {
            let turns = turns();
            let held = turns.take("a", work).await.unwrap();
            assert!(turns.try_take("a", work).unwrap().is_none());
            let refused = turns.take("a", work).await.unwrap_err();
            assert_eq!(refused.reason(), Reason::LimitExceeded);
            let named = format!("limits.concurrent_{limit}_account_max permits");
            assert!(refused.message().contains(&named), "{refused}");
            let _other = turns.take("b", work).await.unwrap();
            assert!(turns.try_take("c", work).unwrap().is_none());
            let refused = turns.take("c", work).await.unwrap_err();
            let named = format!("limits.concurrent_{limit}_max permits");
            assert!(refused.message().contains(&named), "{refused}");
            let (next, ()) = tokio::join!(turns.take("a", work), async { drop(held) });
            assert!(next.is_ok());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_refuses_at_once() {
        let limits = LimitSettings {
            concurrent_statements_max: 1,
            queue_length_max: 2,
            ..LimitSettings::default()
        };
        let turns = Turns::new(&limits, Arc::default());
        let held = turns.take("a", Work::Statement).await.unwrap();
        let mut first = Box::pin(turns.take("a", Work::Statement));
        let mut second = Box::pin(turns.take("b", Work::Statement));
        assert!(futures::poll!(&mut first).is_pending());
        assert!(futures::poll!(&mut second).is_pending());
        let began = Instant::now();
        let refused = turns.take("c", Work::Statement).await.unwrap_err();
        assert_eq!(Instant::now(), began, "it does not wait");
        assert_eq!(refused.reason(), Reason::LimitExceeded);
        assert!(refused.is_retryable());
        let text = refused.message();
        assert!(text.contains("2 statements wait"), "{text}");
        assert!(text.contains("limits.queue_length_max"), "{text}");
        // Each kind of work has a queue of its own, and who leaves one makes room.
        turns.take("c", Work::Export).await.unwrap();
        drop(first);
        let mut third = Box::pin(turns.take("c", Work::Statement));
        assert!(futures::poll!(&mut third).is_pending());
        drop(held);
        second.await.unwrap();
        third.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_stops_waiting_leaves_the_queue_and_the_wait_is_one() {
        let turns = turns();
        let held = turns.take("a", Work::Export).await.unwrap();
        let mut given_up = Box::pin(turns.take("a", Work::Export));
        assert!(futures::poll!(&mut given_up).is_pending());
        let mut next = Box::pin(turns.take("a", Work::Export));
        assert!(futures::poll!(&mut next).is_pending());
        drop(given_up);
        drop(held);
        let _held = next.await.unwrap();
        // The account's turn comes late, the server's not at all: both waits together take the one time.
        let other = turns.take("b", Work::Export).await.unwrap();
        let began = Instant::now();
        let second = async { (turns.take("b", Work::Export).await, began.elapsed()) };
        let ((refused, after), ()) = tokio::join!(second, async {
            tokio::time::sleep(Duration::from_millis(900)).await;
            let (third, own) = (turns.take("c", Work::Export), other);
            let mut third = Box::pin(third);
            // First in the server's queue, so that it has the server's turn.
            assert!(futures::poll!(&mut third).is_pending());
            drop(own);
            let _third = third.await.unwrap();
            tokio::time::sleep(Duration::from_secs(5)).await;
        });
        let refused = refused.unwrap_err();
        assert!(refused.message().contains("concurrent_exports_max permits"));
        assert!(after < Duration::from_millis(1100), "{after:?}");
    }
}
