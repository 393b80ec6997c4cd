//! Every OpenDAL layer of a place, stacked here and nowhere else.
//! Order matters: time-out below retry (a retry must see a timed-out attempt).

use std::time::Duration;

use opendal::Operator;
use opendal::layers::{ConcurrentLimitLayer, RetryLayer, TimeoutLayer};

/// A stuck disk or mount is reported after this long instead of hanging a query for ever.
const IO_TIMEOUT: Duration = Duration::from_secs(60);
/// Longer than the transport lets anything stand still, so that its error comes first.
const BUCKET_TIMEOUT: Duration = Duration::from_secs(90);
const CONCURRENT_OPERATIONS_MAX: usize = 64;

/// The stack for a folder of the file system.
pub(crate) fn folder(operator: Operator) -> Operator {
    operator
        .layer(
            TimeoutLayer::new()
                .with_timeout(IO_TIMEOUT)
                .with_io_timeout(IO_TIMEOUT),
        )
        .layer(RetryLayer::new().with_max_times(2))
        .layer(ConcurrentLimitLayer::new(CONCURRENT_OPERATIONS_MAX))
}

/// The stack for a bucket. Its transport has time-outs of its own; these are for what goes round them.
pub(crate) fn bucket(operator: Operator) -> Operator {
    operator
        .layer(
            TimeoutLayer::new()
                .with_timeout(BUCKET_TIMEOUT)
                .with_io_timeout(BUCKET_TIMEOUT),
        )
        .layer(
            RetryLayer::new()
                .with_jitter()
                .with_min_delay(Duration::from_millis(200))
                .with_max_delay(Duration::from_secs(8))
                .with_max_times(5),
        )
        .layer(ConcurrentLimitLayer::new(CONCURRENT_OPERATIONS_MAX))
}

/// The stack for memory: nothing there can hang or fail for a while.
pub(crate) fn memory(operator: Operator) -> Operator {
    operator
}
