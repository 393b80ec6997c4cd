//! The audit: one chain of records for the whole catalog, of every change, login and refusal. Each
//! record holds the hash of the one before it, so none can be changed or taken out unseen.

mod chain;
mod merged;
mod prune;
mod verify;

#[cfg(test)]
pub(crate) use chain::hash;
pub(crate) use chain::{Anchor, Head, outcome_number};
pub use prune::AuditPruned;
pub(crate) use verify::verify;
pub use verify::{AuditCheck, AuditDamage};

use crate::error::Error;
use crate::options::Actor;
use crate::{Catalog, keys, names};

/// The longest statement, target or reason that a record keeps, in bytes; the rest is cut, and the
/// text says so.
pub const AUDIT_TEXT_BYTES_MAX: usize = 16 << 10;

/// How what was asked for ended.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// It was not allowed.
    Refused,
    /// It was allowed, and did not come about.
    Failed,
}

/// One record of the audit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditRecord {
    /// From 1, one more with each record of the catalog, whatever its account.
    pub number: u64,
    /// When, in microseconds since 1970 UTC.
    pub time_us: u64,
    /// The account in which it happened.
    pub account: String,
    /// Who did it.
    pub user: String,
    /// The role in force; empty when none.
    pub role: String,
    /// Where the request came from; empty when from within.
    pub client: String,
    /// The request's id; empty when it has none.
    pub request_id: String,
    /// What was asked for: a verb and a kind, as in `CREATE STAGE`.
    pub operation: String,
    /// What it was asked of, by name.
    pub target: String,
    /// The version that a stage has since.
    pub stage_version: Option<u64>,
    /// The statement, with its secrets masked by the caller; empty when there was none.
    pub statement: String,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// Why it ended so, or how much it was; empty when there is nothing to say.
    pub reason: String,
    /// The hash of the record before; zeros in the first.
    pub previous: [u8; 32],
    /// The SHA-256 of all the above. docs/catalog-format.md has the exact bytes.
    pub hash: [u8; 32],
}

/// What is recorded without a change: a refusal, a login, a failure.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditEvent {
    /// Who, in which account, and in which request. A login of an unknown account belongs into the
    /// account that is to see it.
    pub actor: Actor,
    /// A verb and a kind, as in `LOG IN`.
    pub operation: String,
    /// Of what.
    pub target: String,
    /// The version of the stage it is about.
    pub stage_version: Option<u64>,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// Why.
    pub reason: String,
}

impl Catalog {
    /// Records what was no change of the catalog. It does not wait for the disk: the record is
    /// durable within [`Options::audit_sync_ms`](crate::Options::audit_sync_ms).
    ///
    /// Errors: `Invalid` for an account that cannot be one, `ReadOnly`.
    pub fn record(&self, event: AuditEvent) -> Result<(), Error> {
        names::check("an account", &event.actor.account)?;
        self.store.record(event)
    }

    /// At most `limit` records of the account behind the number `after_number`, the oldest first;
    /// what has been recorded is made durable first.
    pub fn audit_page(
        &self,
        account: &str,
        after_number: u64,
        limit: usize,
    ) -> Result<Vec<AuditRecord>, Error> {
        self.store.settle_all()?;
        let after = keys::audit(account, after_number);
        self.store
            .read(|view| view.list_after(&keys::audits(account), &after, limit))
    }

    /// At most `limit` records of the account before the number `before_number`, the newest first. It
    /// waits for nothing: what was just recorded and is not durable yet is not among them.
    pub fn audit_before(
        &self,
        account: &str,
        before_number: u64,
        limit: usize,
    ) -> Result<Vec<AuditRecord>, Error> {
        let before = keys::audit(account, before_number);
        self.store
            .read(|view| view.list_before(&keys::audits(account), &before, limit))
    }

    /// At most `limit` records of the account, the newest first; what has been recorded is made
    /// durable first.
    pub fn audit_last(&self, account: &str, limit: usize) -> Result<Vec<AuditRecord>, Error> {
        self.store.settle_all()?;
        self.store
            .read(|view| view.list_back(&keys::audits(account), limit))
    }
}
