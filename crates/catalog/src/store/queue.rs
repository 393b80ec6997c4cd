//! What is decided and not yet durable: the records in their order, what they change, and the end of
//! the audit's chain.

use std::time::Instant;

use prost::Message;

use super::What;
use super::overlay::Overlay;
use super::steps::Mutation;
use crate::audit::{AuditEvent, Head};
use crate::error::{Error, ErrorKind};
use crate::format::{self, MutationMessage, OperationMessage};
use crate::index::Operation;
use crate::journal;
use crate::keys;
use crate::options::Actor;

/// Above so much, records that nobody waits for are written at once.
const QUEUE_BYTES_MAX: usize = 8 << 20;
/// About how much one write to the journal has at most.
const BATCH_BYTES_MAX: usize = 64 << 20;

/// What is decided and not yet durable.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) ahead: Overlay,
    pending: Vec<Pending>,
    pending_bytes: usize,
    /// The number of the last record decided.
    last: u64,
    /// The number of the last one that somebody waits for.
    last_change: u64,
    /// The number of the last record that is durable and applied.
    pub(super) settled: u64,
    head: Head,
    /// Whether somebody writes.
    pub(super) leading: bool,
    /// Since when a record waits that nobody waits for.
    pub(super) waiting_since: Option<Instant>,
    /// Since when a change is applied that the index's pages may lack.
    pub(super) recent_since: Option<Instant>,
    /// Whether the journal is too large.
    pub(super) compaction_wanted: bool,
    /// Whether the catalog is being closed.
    pub(super) closing: bool,
    pub(super) stopped: Option<Stopped>,
}

/// A record to be written.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) seq: u64,
    pub(super) payload: Vec<u8>,
    pub(super) operations: Vec<Operation>,
}

/// Why nothing may be written any more.
#[derive(Clone, Debug)]
pub(super) struct Stopped {
    pub(super) kind: ErrorKind,
    pub(super) why: String,
    /// The last record that is in the journal all the same.
    pub(super) journalled: u64,
}

impl Queue {
    pub(super) fn new(last: u64, head: Head) -> Queue {
        Queue {
            last,
            last_change: last,
            settled: last,
            head,
            ..Queue::default()
        }
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn last_change(&self) -> u64 {
        self.last_change
    }

    pub(super) fn is_full(&self) -> bool {
        self.pending_bytes > QUEUE_BYTES_MAX
    }

    /// Lets nothing more be written.
    pub(super) fn stop(&mut self, error: &Error) {
        self.stopped.get_or_insert(Stopped {
            kind: error.kind(),
            why: error.to_string(),
            journalled: 0,
        });
    }

    /// Queues a mutation that is decided, with a record of the audit for each of its steps that is a
    /// change.
    pub(super) fn push(&mut self, actor: &Actor, mut mutation: Mutation) -> Result<(), Error> {
        let text = mutation.text();
        let mut operations = mutation.operations();
        let mut head = self.head;
        for step in mutation.steps {
            let What::Change(change) = step.what else {
                continue;
            };
            let event = AuditEvent {
                actor: actor.clone(),
                operation: change.operation.to_owned(),
                target: change.target,
                stage_version: step.stage_version,
                outcome: change.outcome,
                reason: change.reason,
            };
            operations.push(audit(&mut head, event, mutation.now_us));
        }
        self.enqueue(actor, text, mutation.now_us, operations, head)?;
        self.last_change = self.last;
        Ok(())
    }

    /// Queues a record of the audit that belongs to no change.
    pub(super) fn push_event(&mut self, event: AuditEvent, now_us: u64) -> Result<(), Error> {
        let actor = event.actor.clone();
        let mut head = self.head;
        let operations = vec![audit(&mut head, event, now_us)];
        self.enqueue(&actor, "audit".to_owned(), now_us, operations, head)?;
        self.waiting_since.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// Queues a record. `head` is the end of the audit's chain with what the operations add to it.
    fn enqueue(
        &mut self,
        actor: &Actor,
        what: String,
        time_us: u64,
        mut operations: Vec<Operation>,
        head: Head,
    ) -> Result<(), Error> {
        if head != self.head {
            let key = keys::AUDIT_HEAD.to_owned();
            operations.push((key, Some(format::encode(&head).into())));
        }
        let message = MutationMessage {
            time_us,
            account: actor.account.clone(),
            user: actor.user.clone(),
            role: actor.role.clone(),
            what,
            operations: operations
                .iter()
                .map(|(key, value)| OperationMessage {
                    key: key.clone(),
                    value: value.clone(),
                })
                .collect(),
        };
        let payload = message.encode_to_vec();
        if payload.len() > journal::PAYLOAD_BYTES_MAX {
            return Err(Error::invalid(format!(
                "the change has {} bytes, one change may have {}",
                payload.len(),
                journal::PAYLOAD_BYTES_MAX
            )));
        }
        let seq = self.last + 1;
        self.ahead.insert(seq, &operations);
        self.pending_bytes += payload.len();
        self.pending.push(Pending {
            seq,
            payload,
            operations,
        });
        self.last = seq;
        self.head = head;
        Ok(())
    }

    /// Forgets what waits, as a crash does.
    #[cfg(test)]
    pub(super) fn abandon(&mut self) {
        self.stop(&Error::new(ErrorKind::Io, "a crash"));
    }

    /// Takes what the next write has.
    pub(super) fn take(&mut self) -> Vec<Pending> {
        let mut bytes = 0;
        let count = self
            .pending
            .iter()
            .take(journal::BATCH_FRAMES_MAX)
            .take_while(|pending| {
                let first = bytes == 0;
                bytes += pending.payload.len();
                first || bytes <= BATCH_BYTES_MAX
            })
            .count();
        let rest = self.pending.split_off(count);
        let batch = std::mem::replace(&mut self.pending, rest);
        self.pending_bytes = self.pending.iter().map(|p| p.payload.len()).sum();
        if self.pending.is_empty() {
            self.waiting_since = None;
        }
        batch
    }
}

/// The record that follows in the chain, at its key.
fn audit(head: &mut Head, event: AuditEvent, now_us: u64) -> Operation {
    let record = head.follow(event, now_us);
    let key = keys::audit(&record.account, record.number);
    (key, Some(format::encode(&record).into()))
}
