//! What runs in a connection: how many calls, and since when none does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The calls of one connection.
#[derive(Debug, Clone)]
pub(crate) struct Calls(Arc<Mutex<State>>);

#[derive(Debug, Clone, Copy)]
struct State {
    running: usize,
    /// When the last of them ended, or the connection began.
    since: Instant,
}

impl Default for Calls {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State {
            running: 0,
            since: Instant::now(),
        })))
    }
}

impl Calls {
    /// One runs until what this gives is dropped.
    pub(crate) fn begin(&self) -> Call {
        self.state().running += 1;
        Call(self.clone())
    }

    /// Resolves once none has run for so long.
    pub(crate) async fn idle_for(&self, time: Duration) {
        loop {
            let state = *self.state();
            let now = Instant::now();
            let from = match state.running {
                0 => state.since,
                _ => now,
            };
            // Beyond what a clock can say there is no end.
            let Some(end) = from.checked_add(time) else {
                return std::future::pending().await;
            };
            if state.running == 0 && end <= now {
                return;
            }
            tokio::time::sleep_until(end).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that runs.
#[derive(Debug)]
pub(crate) struct Call(Calls);

impl Drop for Call {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.running = state.running.saturating_sub(1);
        state.since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_call_is_idle_after_its_time() {
        let (calls, began) = (Calls::default(), Instant::now());
        calls.idle_for(LIMIT).await;
        assert!(began.elapsed() >= LIMIT && began.elapsed() < LIMIT * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_runs_keeps_it_and_its_end_begins_the_time_anew() {
        let (calls, began) = (Calls::default(), Instant::now());
        let call = calls.begin();
        tokio::spawn(async move {
            tokio::time::sleep(LIMIT * 5 / 2).await;
            drop(call);
        });
        calls.idle_for(LIMIT).await;
        assert_eq!(began.elapsed().as_secs(), (LIMIT * 7 / 2).as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_call_begins_the_time_anew() {
        let (calls, began) = (Calls::default(), Instant::now());
        let short = calls.clone();
        tokio::spawn(async move {
            tokio::time::sleep(LIMIT / 2).await;
            drop(short.begin());
        });
        calls.idle_for(LIMIT).await;
        assert_eq!(began.elapsed().as_secs(), (LIMIT * 3 / 2).as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_beyond_all_clocks_never_comes() {
        let calls = Calls::default();
        let idle = tokio::time::timeout(LIMIT, calls.idle_for(Duration::MAX));
        assert!(idle.await.is_err());
    }
}
