//! Panics of the engine as errors of the query that met them:
//! a defect there harms one query, never the connection or the server.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::FutureExt;

use crate::error::Error;

/// What a panic said, when it said it in words.
fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// The error for a panic while doing `what`, such as `the query`.
pub(crate) fn error(what: &str, panic: &(dyn Any + Send)) -> Error {
    Error::internal(format!(
        "{what} met a defect of the engine: {}",
        words(panic)
    ))
}

/// The error for a task that ended without a result.
pub(crate) fn joined(what: &str, error: tokio::task::JoinError) -> Error {
    match error.try_into_panic() {
        Ok(panic) => self::error(what, panic.as_ref()),
        Err(error) => Error::internal(format!("{what} was stopped")).because(error),
    }
}

/// Runs `work`; a panic becomes an error. What `work` changed must not be used after an error.
pub(crate) fn caught<T>(what: &str, work: impl FnOnce() -> T) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| error(what, panic.as_ref()))
}

/// [`caught`] for a future.
pub(crate) async fn caught_async<T>(
    what: &str,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| Err(error(what, panic.as_ref())))
}
