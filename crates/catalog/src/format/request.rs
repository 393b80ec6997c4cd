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
    stages: Vec<VersionMessage>,
    #[prost(uint32, tag = "4")]
    outcome: u32,
    #[prost(uint64, tag = "5")]
    time_us: u64,
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
        let versions = self.stages.iter();
        RequestMessage {
            operation: match self.operation {
                Operation::Create => 1,
                Operation::Alter => 2,
                Operation::Rename => 3,
                Operation::Rollback => 4,
                Operation::Drop => 5,
                Operation::Undrop => 6,
            },
            arguments: self.arguments.to_vec(),
            stages: versions
                .map(|&(id, version)| VersionMessage { id, version })
                .collect(),
            outcome: match self.outcome {
                Outcome::Changed => 1,
                Outcome::Replaced => 2,
                Outcome::Unchanged => 3,
            },
            time_us: self.time_us,
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
                1 => Operation::Create,
                2 => Operation::Alter,
                3 => Operation::Rename,
                4 => Operation::Rollback,
                5 => Operation::Drop,
                6 => Operation::Undrop,
                other => return Err(unknown("operation", other)),
            },
            arguments,
            stages: message
                .stages
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
        })
    }
}
