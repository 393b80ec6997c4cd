//! Instants as text and as protobuf: microseconds since the Unix epoch, UTC.

use chrono::{DateTime, SecondsFormat, Utc};
use prost_types::Timestamp;

/// `YYYY-MM-DD HH:MM:SS`, UTC, as SHOW prints it.
pub(crate) fn timestamp_text(micros: u64) -> String {
    instant(micros).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// RFC 3339 with microseconds, as manifests have it: `2026-01-31T12:00:00.000001Z`.
pub(crate) fn rfc3339(micros: u64) -> String {
    instant(micros).to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// For the wire.
pub(crate) fn proto_timestamp(micros: u64) -> Timestamp {
    Timestamp {
        seconds: (micros / 1_000_000) as i64,
        nanos: (micros % 1_000_000 * 1000) as i32,
    }
}

fn instant(micros: u64) -> DateTime<Utc> {
    i64::try_from(micros)
        .ok()
        .and_then(DateTime::from_timestamp_micros)
        .unwrap_or_default()
}

/// Microseconds since the Unix epoch; `None` before it.
pub(crate) fn micros(time: std::time::SystemTime) -> Option<u64> {
    let since = time
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .ok()?;
    u64::try_from(since.as_micros()).ok()
}
