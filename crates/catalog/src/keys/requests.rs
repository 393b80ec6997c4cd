//! The keys of requests that were answered.

use crate::error::Error;

/// The key that the client gave may hold slashes, so it is the last part.
pub(crate) fn request(account: &str, key: &str) -> String {
    format!("{account}/request/{key}")
}

pub(crate) fn requests(account: &str) -> String {
    format!("{account}/request/")
}

/// A mark for each, by time: the oldest are forgotten first.
pub(crate) fn request_time(account: &str, time_us: u64, key: &str) -> String {
    format!("{account}/request-time/{time_us:016x}/{key}")
}

pub(crate) fn request_times(account: &str) -> String {
    format!("{account}/request-time/")
}

/// Time and key in a mark of [`request_time`].
pub(crate) fn request_of_time<'m>(account: &str, mark: &'m str) -> Result<(u64, &'m str), Error> {
    let rest = mark.strip_prefix(&request_times(account));
    let (time, key) = rest
        .and_then(|rest| rest.split_once('/'))
        .ok_or_else(|| Error::corrupt(format!("the key {mark} has no time and request")))?;
    Ok((super::id(time)?, key))
}
