//! The sections `[limits]` and `[retention]`. The error of a limit names its key here.

use std::time::Duration;

use serde::Deserialize;

use crate::server::{CANCEL_MAX, CLOSE_MAX};

/// `[limits]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Longest statement.
    pub statement_bytes_max: usize,
    /// Deepest nesting of parentheses.
    pub nesting_max: usize,
    /// Longest request message, which is the longest script for SplitScript, too.
    pub message_bytes_max: usize,
    /// Longest value that a function gives (MySQL's `max_allowed_packet`).
    pub value_bytes_max: usize,
    /// Memory for sorting, joining and grouping of all queries together; beyond it they spill to disk.
    pub query_memory_bytes_max: usize,
    /// How long a statement may run that sets no `max_execution_time`; 0: as long as any may.
    pub statement_timeout_s: u64,
    /// The longest that a session may set as `max_execution_time`; 0: none.
    pub statement_timeout_max_s: u64,
    /// How long a statement waits for its turn when as many run as may; 0: not at all.
    pub queue_wait_s: u64,
    /// What may wait for a turn at once, of each kind (statements, INSERTs, exports, transfers); more is refused at once.
    pub queue_length_max: usize,
    /// Statements running at once.
    pub concurrent_statements_max: usize,
    /// Statements of one account running at once.
    pub concurrent_statements_account_max: usize,
    /// INSERTs running at once.
    pub concurrent_inserts_max: usize,
    /// INSERTs of one account running at once.
    pub concurrent_inserts_account_max: usize,
    /// Exports running at once.
    pub concurrent_exports_max: usize,
    /// Exports of one account running at once.
    pub concurrent_exports_account_max: usize,
    /// Files on their way to or from clients at once.
    pub concurrent_transfers_max: usize,
    /// Files on their way to or from clients of one account at once.
    pub concurrent_transfers_account_max: usize,
    /// How long a client may send nothing of what it has begun to send: an upload, or rows and values of Arrow Flight SQL.
    pub stream_stall_s: u64,
    /// Requests to buckets, of all stages together, on their way at once.
    pub concurrent_bucket_requests_max: usize,
    /// Bytes of uploads to buckets, of all exports together, on their way at once: they are held in memory.
    pub bucket_upload_bytes_max: usize,
    /// Open connections; a further one is closed at once.
    pub connections_max: usize,
    /// How long a gRPC connection lasts; then it takes no new call, and ends with its last one. 0: without end.
    pub connection_age_s: u64,
    /// A gRPC connection in which no call has run for this long is closed; its client opens another one when it has
    /// something to ask. 0: never.
    pub connection_idle_s: u64,
    /// Open sessions; a further one is refused.
    pub sessions_max: usize,
    /// Open sessions of one account.
    pub sessions_account_max: usize,
    /// Failed logins of a user from one address that are answered at once; later ones wait. Four times as many from
    /// one address, eight times as many of one user from everywhere.
    pub login_attempts_max: u32,
    /// Failed logins are forgotten when there were none for so long.
    pub login_attempts_window_s: u64,
    /// Logins whose password waits to be checked; a further one is refused.
    pub login_queue_max: usize,
    /// New passwords that are hashed at once, at 19 MiB each; a further one is refused.
    pub new_passwords_max: usize,
    /// Tokens of one user that have not expired.
    pub tokens_user_max: usize,
    /// A session without a statement for this long is closed.
    pub session_idle_s: u64,
    /// How long the port stays open after health has begun to say NOT_SERVING, so that load balancers see it.
    pub drain_s: u64,
    /// How long running statements and exports may go on after the server was told to stop.
    pub shutdown_grace_s: u64,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            statement_bytes_max: 8 << 20,
            nesting_max: 64,
            message_bytes_max: 64 << 20,
            value_bytes_max: 64 << 20,
            query_memory_bytes_max: 512 << 20,
            statement_timeout_s: 3600,
            statement_timeout_max_s: 24 * 3600,
            queue_wait_s: 60,
            queue_length_max: 4096,
            concurrent_statements_max: 64,
            concurrent_statements_account_max: 32,
            concurrent_inserts_max: 16,
            concurrent_inserts_account_max: 12,
            concurrent_exports_max: 16,
            concurrent_exports_account_max: 12,
            concurrent_transfers_max: 64,
            concurrent_transfers_account_max: 32,
            stream_stall_s: 120,
            concurrent_bucket_requests_max: 256,
            bucket_upload_bytes_max: 256 << 20,
            connections_max: 1000,
            connection_age_s: 0,
            connection_idle_s: 3600,
            sessions_max: 1000,
            sessions_account_max: 500,
            login_attempts_max: 5,
            login_attempts_window_s: 15 * 60,
            login_queue_max: 64,
            new_passwords_max: 8,
            tokens_user_max: 1000,
            session_idle_s: 8 * 3600,
            drain_s: 0,
            shutdown_grace_s: 30,
        }
    }
}

impl LimitSettings {
    /// `shutdown_grace_s`.
    pub(crate) fn shutdown_grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_grace_s)
    }

    /// `statement_timeout_max_s`; `None` is without end.
    pub(crate) fn statement_timeout_max(&self) -> Option<Duration> {
        let max = Duration::from_secs(self.statement_timeout_max_s);
        (!max.is_zero()).then_some(max)
    }

    /// The longest that stopping can take; who waits longer for the server's end waits in vain.
    pub fn stop_max(&self) -> Duration {
        Duration::from_secs(self.drain_s.saturating_add(self.shutdown_grace_s))
            .saturating_add(CANCEL_MAX)
            .saturating_add(CLOSE_MAX)
    }
}

/// `[retention]`: what is kept of the past. Unset: for ever.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionSettings {
    /// Ended exports on record; the oldest go first.
    pub exports_max: u64,
    /// How many days an ended export stays on record.
    pub exports_days: Option<u32>,
    /// Versions of one stage; the oldest go first, those an export on record used do not.
    pub stage_versions_max: u64,
    /// How many days a dropped stage can be brought back. Then it is forgotten, and the files of an internal one
    /// are removed; 0: at the next round, within the hour.
    pub dropped_stages_days: u32,
    /// How many days the audit is kept; what remains still proves that nothing was cut out of it.
    pub audit_days: Option<u32>,
    /// A journal not longer than this is not compacted.
    pub compact_bytes_min: u64,
    /// A journal is compacted when it is longer than this many times what is live in it.
    pub compact_ratio_min: u64,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        Self {
            exports_max: 1_000_000,
            exports_days: None,
            stage_versions_max: 10_000,
            dropped_stages_days: 7,
            audit_days: None,
            compact_bytes_min: 64 << 20,
            compact_ratio_min: 4,
        }
    }
}
