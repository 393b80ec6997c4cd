//! When a query must stop: its time is over, or nobody reads it any more.
//! Functions ask before they compute, the stream's task and its reader wait for the deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, ErrorKind};

/// The end of one planned query. It counts from the start of planning, less what was over by then.
#[derive(Debug)]
pub(crate) struct Stop {
    limit: Option<Limit>,
    /// Set once a stream has been started, so that planning does not count as "nobody reads".
    read: AtomicBool,
    readers: AtomicUsize,
}

/// The time that a query has.
#[derive(Debug, Clone, Copy)]
struct Limit {
    time: Duration,
    deadline: Instant,
    /// What set it, for the error.
    setting: &'static str,
}

impl Stop {
    /// Starts to count, with `spent` of the time over. A time too long for the clock is no limit.
    pub(crate) fn after(time_max: Duration, spent: Duration, setting: &'static str) -> Self {
        let left = time_max.saturating_sub(spent);
        Self {
            limit: Instant::now().checked_add(left).map(|deadline| Limit {
                time: time_max,
                deadline,
                setting,
            }),
            ..Self::never()
        }
    }

    /// Ends with its readers only.
    pub(crate) fn never() -> Self {
        Self {
            limit: None,
            read: AtomicBool::new(false),
            readers: AtomicUsize::new(0),
        }
    }

    /// The moment at which the query's time is over.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.limit.map(|limit| limit.deadline)
    }

    /// Whether there is still someone to compute for, and time.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self
            .deadline()
            .is_some_and(|deadline| Instant::now() >= deadline)
        {
            return Err(self.too_long());
        }
        if self.read.load(Ordering::Acquire) && self.readers.load(Ordering::Acquire) == 0 {
            return Err(Error::new(
                ErrorKind::Cancelled,
                "the query was cancelled: nobody reads its rows",
            ));
        }
        Ok(())
    }

    /// The error of a query whose time is over.
    pub(crate) fn too_long(&self) -> Error {
        let (time, setting) = self
            .limit
            .map(|limit| (limit.time, limit.setting))
            .unwrap_or_default();
        Error::new(
            ErrorKind::TimeLimit,
            // MySQL's words; whoever runs the query says the same where its own clock is first.
            format!(
                "maximum statement execution time exceeded ({} ms: {setting})",
                time.as_millis()
            ),
        )
    }

    /// Runs `work` until it ends or the deadline has come.
    pub(crate) async fn within<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        match self.deadline() {
            None => Ok(work.await),
            Some(deadline) => tokio::time::timeout_at(deadline, work)
                .await
                .map_err(|_| self.too_long()),
        }
    }

    /// A reader of the rows; when the last of them is dropped, the query has nobody to compute for.
    pub(crate) fn reader(self: &Arc<Self>) -> Reader {
        self.readers.fetch_add(1, Ordering::AcqRel);
        self.read.store(true, Ordering::Release);
        Reader(Arc::clone(self))
    }
}

/// Says, while it lives, that somebody wants the rows.
#[derive(Debug)]
pub(crate) struct Reader(Arc<Stop>);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.readers.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_query_without_reader_is_cancelled_but_not_before_it_had_one() {
        let stop = Arc::new(Stop::never());
        assert!(stop.check().is_ok());
        let (first, second) = (stop.reader(), stop.reader());
        drop(first);
        assert!(stop.check().is_ok());
        drop(second);
        assert_eq!(stop.check().unwrap_err().kind(), ErrorKind::Cancelled);
        let _third = stop.reader();
        assert!(stop.check().is_ok());
    }

    #[test]
    fn a_time_that_is_over_names_its_settings() {
        let stop = Stop::after(Duration::from_secs(5), Duration::from_secs(5), "a setting");
        let error = stop.check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimeLimit);
        let text = error.to_string();
        // The whole of it, not what was left.
        assert!(text.contains("(5000 ms"), "{text}");
        assert!(text.ends_with("a setting)"), "{text}");
        let longest = Stop::after(Duration::MAX, Duration::ZERO, "");
        assert!(longest.check().is_ok());
    }
}
