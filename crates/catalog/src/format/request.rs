//! The stored form of a request that was answered.

#[cfg(test)]
mod tests;

use prost::Message;

use super::Stored;
use crate::error::Error;
use crate::requests::{Operation, Outcome, RequestRecord};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RequestMessage {
    #[prost(uint32, tag = "1")]
    operation: u32,
    #[prost(bytes = "vec", tag = "2")]
    arguments: Vec<u8>,
    #[prost(message, repeated, tag = "3")]
    records: Vec<VersionMessage>,
    #[prost(uint32, tag = "4")]
    outcome: u32,
    #[prost(uint64, tag = "5")]
    time_us: u64,
    #[prost(uint64, tag = "6")]
    count: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct VersionMessage {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "2")]
    version: u64,
}

impl Stored for RequestRecord {
    const KIND: u16 = 36;
    const WHAT: &'static str = "a request";
    type Message = RequestMessage;

    fn to_message(&self) -> RequestMessage {
        let versions = self.records.iter();
        RequestMessage {
            operation: match self.operation {
                Operation::CreateStage => 1,
                Operation::AlterStage => 2,
                Operation::RenameStage => 3,
                Operation::RollbackStage => 4,
                Operation::DropStage => 5,
                Operation::UndropStage => 6,
                Operation::CreateAccount => 7,
                Operation::AlterAccount => 8,
                Operation::DropAccount => 9,
                Operation::CreateUser => 10,
                Operation::AlterUser => 11,
                Operation::DropUser => 12,
                Operation::CreateRole => 13,
                Operation::DropRole => 14,
                Operation::GrantRole => 15,
                Operation::RevokeRole => 16,
                Operation::Grant => 17,
                Operation::Revoke => 18,
                Operation::RevokeToken => 19,
                Operation::RevokeTokens => 20,
                Operation::AlterRole => 21,
            },
            arguments: self.arguments.to_vec(),
            records: versions
                .map(|&(id, version)| VersionMessage { id, version })
                .collect(),
            outcome: match self.outcome {
                Outcome::Changed => 1,
                Outcome::Replaced => 2,
                Outcome::Unchanged => 3,
            },
            time_us: self.time_us,
            count: self.count,
        }
    }

    fn from_message(message: RequestMessage) -> Result<RequestRecord, Error> {
        let unknown = |what: &str, number: u32| {
            Error::corrupt(format!("a request with the unknown {what} {number}"))
        };
        let arguments = <[u8; 32]>::try_from(message.arguments).map_err(|bytes| {
            Error::corrupt(format!(
                "a request with a fingerprint of {} bytes, it has 32",
                bytes.len()
            ))
        })?;
        Ok(RequestRecord {
            operation: match message.operation {
                1 => Operation::CreateStage,
                2 => Operation::AlterStage,
                3 => Operation::RenameStage,
                4 => Operation::RollbackStage,
                5 => Operation::DropStage,
                6 => Operation::UndropStage,
                7 => Operation::CreateAccount,
                8 => Operation::AlterAccount,
                9 => Operation::DropAccount,
                10 => Operation::CreateUser,
                11 => Operation::AlterUser,
                12 => Operation::DropUser,
                13 => Operation::CreateRole,
                14 => Operation::DropRole,
                15 => Operation::GrantRole,
                16 => Operation::RevokeRole,
                17 => Operation::Grant,
                18 => Operation::Revoke,
                19 => Operation::RevokeToken,
                20 => Operation::RevokeTokens,
                21 => Operation::AlterRole,
                other => return Err(unknown("operation", other)),
            },
            arguments,
            records: message
                .records
                .into_iter()
                .map(|one| (one.id, one.version))
                .collect(),
            outcome: match message.outcome {
                1 => Outcome::Changed,
                2 => Outcome::Replaced,
                3 => Outcome::Unchanged,
                other => return Err(unknown("outcome", other)),
            },
            time_us: message.time_us,
            count: message.count,
        })
    }
}
