//! Panics of the engine as errors of the query that met them:
//! a defect there harms one query, never the connection or the server.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::FutureExt;

use crate::error::Error;

/// What a panic said, when that stands in the program. A text that was put together may quote a row's value
/// or a secret, and an error goes to the log and to the record of exports: the log names the place.
fn words(panic: &(dyn Any + Send)) -> &'static str {
    panic
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("the server's log says where")
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

#[cfg(test)]
mod tests {
    #![expect(clippy::panic, reason = "tests")]

    use super::*;

    #[test]
    fn a_panic_is_told_without_what_it_quotes() {
        let value = "planted-value";
        let error = caught("the query", || panic!("no such row: {value}")).unwrap_err();
        for text in [error.to_string(), format!("{error:?}")] {
            assert!(text.contains("the query met a defect"), "{text}");
            assert!(!text.contains(value), "{text}");
        }
        let error = caught("the query", || panic!("this stands in the program")).unwrap_err();
        assert!(error.to_string().contains("this stands in the program"));
    }

    #[tokio::test]
    async fn a_task_that_panicked_is_told_alike() {
        let value = "planted-value".to_owned();
        let task = tokio::spawn(async move { panic!("no such row: {value}") });
        let error = joined("the query", task.await.unwrap_err());
        assert!(!format!("{error:?}").contains("planted-value"), "{error:?}");
    }
}
