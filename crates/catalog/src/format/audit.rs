//! The stored forms of the audit: a record, the head of the chain, and its anchor.

use prost::Message;

use super::Stored;
use crate::audit::{Anchor, AuditOutcome, AuditRecord, Head, outcome_number};
use crate::error::Error;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AuditMessage {
    #[prost(uint64, tag = "1")]
    number: u64,
    #[prost(uint64, tag = "2")]
    time_us: u64,
    #[prost(string, tag = "3")]
    account: String,
    #[prost(string, tag = "4")]
    user: String,
    #[prost(string, tag = "5")]
    role: String,
    #[prost(string, tag = "6")]
    client: String,
    #[prost(string, tag = "7")]
    request_id: String,
    #[prost(string, tag = "8")]
    operation: String,
    #[prost(string, tag = "9")]
    target: String,
    #[prost(uint64, optional, tag = "10")]
    stage_version: Option<u64>,
    #[prost(string, tag = "11")]
    statement: String,
    #[prost(uint32, tag = "12")]
    outcome: u32,
    #[prost(string, tag = "13")]
    reason: String,
    #[prost(bytes = "vec", tag = "14")]
    previous: Vec<u8>,
    #[prost(bytes = "vec", tag = "15")]
    hash: Vec<u8>,
}

impl Stored for AuditRecord {
    const KIND: u16 = 32;
    const WHAT: &'static str = "an audit record";
    type Message = AuditMessage;

    fn to_message(&self) -> AuditMessage {
        AuditMessage {
            number: self.number,
            time_us: self.time_us,
            account: self.account.clone(),
            user: self.user.clone(),
            role: self.role.clone(),
            client: self.client.clone(),
            request_id: self.request_id.clone(),
            operation: self.operation.clone(),
            target: self.target.clone(),
            stage_version: self.stage_version,
            statement: self.statement.clone(),
            outcome: u32::from(outcome_number(self.outcome)),
            reason: self.reason.clone(),
            previous: self.previous.to_vec(),
            hash: self.hash.to_vec(),
        }
    }

    fn from_message(message: AuditMessage) -> Result<AuditRecord, Error> {
        Ok(AuditRecord {
            number: message.number,
            time_us: message.time_us,
            account: message.account,
            user: message.user,
            role: message.role,
            client: message.client,
            request_id: message.request_id,
            operation: message.operation,
            target: message.target,
            stage_version: message.stage_version,
            statement: message.statement,
            outcome: outcome_of(message.outcome)?,
            reason: message.reason,
            previous: hash_of(&message.previous)?,
            hash: hash_of(&message.hash)?,
        })
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct HeadMessage {
    #[prost(uint64, tag = "1")]
    number: u64,
    #[prost(bytes = "vec", tag = "2")]
    hash: Vec<u8>,
}

impl Stored for Head {
    const KIND: u16 = 33;
    const WHAT: &'static str = "the head of the audit";
    type Message = HeadMessage;

    fn to_message(&self) -> HeadMessage {
        HeadMessage {
            number: self.number,
            hash: self.hash.to_vec(),
        }
    }

    fn from_message(message: HeadMessage) -> Result<Head, Error> {
        Ok(Head {
            number: message.number,
            hash: hash_of(&message.hash)?,
        })
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AnchorMessage {
    #[prost(message, optional, tag = "1")]
    head: Option<HeadMessage>,
    #[prost(uint64, tag = "2")]
    removed: u64,
    #[prost(uint64, tag = "3")]
    time_us: u64,
    #[prost(string, tag = "4")]
    by: String,
}

impl Stored for Anchor {
    const KIND: u16 = 34;
    const WHAT: &'static str = "the anchor of the audit";
    type Message = AnchorMessage;

    fn to_message(&self) -> AnchorMessage {
        AnchorMessage {
            head: Some(self.head.to_message()),
            removed: self.removed,
            time_us: self.time_us,
            by: self.by.clone(),
        }
    }

    fn from_message(message: AnchorMessage) -> Result<Anchor, Error> {
        Ok(Anchor {
            head: Head::from_message(message.head.unwrap_or_default())?,
            removed: message.removed,
            time_us: message.time_us,
            by: message.by,
        })
    }
}

fn outcome_of(number: u32) -> Result<AuditOutcome, Error> {
    match number {
        1 => Ok(AuditOutcome::Done),
        2 => Ok(AuditOutcome::Refused),
        3 => Ok(AuditOutcome::Failed),
        _ => Err(Error::corrupt(format!(
            "an audit record with the unknown outcome {number}"
        ))),
    }
}

fn hash_of(bytes: &[u8]) -> Result<[u8; 32], Error> {
    bytes.try_into().map_err(|_| {
        Error::corrupt(format!(
            "a hash of {} bytes in the audit, it has 32",
            bytes.len()
        ))
    })
}
