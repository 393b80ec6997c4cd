//! The chain itself: its head, its anchor (where it begins after a pruning), and the hash that binds
//! each record to the one before it.

use sha2::{Digest, Sha256};

use super::{AUDIT_TEXT_BYTES_MAX, AuditEvent, AuditOutcome, AuditRecord};

/// Begins what is hashed, so that no other hash of this program can be taken for one.
const DOMAIN: &[u8] = b"stagedoor audit record 1\0";

/// The last record of the chain.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Head {
    pub(crate) number: u64,
    pub(crate) hash: [u8; 32],
}

/// What is known of the records that were pruned: the chain is proved from here on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Anchor {
    /// The last record that was removed.
    pub(crate) head: Head,
    /// How many records were removed ever.
    pub(crate) removed: u64,
    /// When, the last time.
    pub(crate) time_us: u64,
    /// By whom, the last time.
    pub(crate) by: String,
}

impl Head {
    /// The record that follows, which is the head then.
    pub(crate) fn follow(&mut self, event: AuditEvent, time_us: u64) -> AuditRecord {
        let actor = event.actor;
        let mut record = AuditRecord {
            number: self.number + 1,
            time_us,
            account: actor.account,
            user: actor.user,
            role: actor.role,
            client: actor.request.client,
            request_id: actor.request.id,
            operation: event.operation,
            target: cut(event.target),
            stage_version: event.stage_version,
            statement: cut(actor.request.statement),
            outcome: event.outcome,
            reason: cut(event.reason),
            previous: self.hash,
            hash: [0; 32],
        };
        record.hash = hash(&record);
        *self = Head {
            number: record.number,
            hash: record.hash,
        };
        record
    }
}

/// The hash that belongs into a record.
pub(crate) fn hash(record: &AuditRecord) -> [u8; 32] {
    // Every field has a fixed length or its length before it: no two records have the same bytes.
    let AuditRecord {
        number,
        time_us,
        account,
        user,
        role,
        client,
        request_id,
        operation,
        target,
        stage_version,
        statement,
        outcome,
        reason,
        previous,
        hash: _,
    } = record;
    let mut hasher = Sha256::new();
    hasher.update(DOMAIN);
    hasher.update(number.to_le_bytes());
    hasher.update(time_us.to_le_bytes());
    for text in [
        account, user, role, client, request_id, operation, target, statement, reason,
    ] {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text);
    }
    hasher.update([u8::from(stage_version.is_some())]);
    hasher.update(stage_version.unwrap_or(0).to_le_bytes());
    hasher.update([outcome_number(*outcome)]);
    hasher.update(previous);
    hasher.finalize().into()
}

/// The number of an outcome in the hash and in the stored form.
pub(crate) fn outcome_number(outcome: AuditOutcome) -> u8 {
    match outcome {
        AuditOutcome::Done => 1,
        AuditOutcome::Refused => 2,
        AuditOutcome::Failed => 3,
    }
}

fn cut(mut text: String) -> String {
    if text.len() > AUDIT_TEXT_BYTES_MAX {
        let bytes = text.len();
        text.truncate(text.floor_char_boundary(AUDIT_TEXT_BYTES_MAX));
        text.push_str(&format!(" … (cut, {bytes} bytes in all)"));
    }
    text
}
