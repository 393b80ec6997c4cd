//! Buckets against real servers, and the connections that are not to be made.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod asked;
mod place;
mod real_servers;
mod refused;
mod without_conditions;
