//! The stored form of what is known of a stage's place.

use prost::Message;

use super::Stored;
use crate::error::Error;
use crate::stages::StageCapabilities;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CapabilitiesMessage {
    #[prost(uint64, tag = "1")]
    stage_id: u64,
    #[prost(uint64, tag = "2")]
    version: u64,
    #[prost(message, repeated, tag = "3")]
    parents: Vec<ParentMessage>,
    #[prost(message, repeated, tag = "4")]
    facts: Vec<FactMessage>,
    #[prost(uint64, tag = "5")]
    checked_us: u64,
    #[prost(string, tag = "6")]
    checked_by: String,
    #[prost(string, tag = "7")]
    program: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ParentMessage {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "2")]
    version: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct FactMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(bool, tag = "2")]
    is_there: bool,
}

impl Stored for StageCapabilities {
    const KIND: u16 = 38;
    const WHAT: &'static str = "what is known of a stage's place";
    type Message = CapabilitiesMessage;

    fn to_message(&self) -> CapabilitiesMessage {
        let parents = self.parents.iter();
        let facts = self.facts.iter();
        CapabilitiesMessage {
            stage_id: self.stage_id,
            version: self.version,
            parents: parents
                .map(|&(id, version)| ParentMessage { id, version })
                .collect(),
            facts: facts
                .map(|(name, is_there)| FactMessage {
                    name: name.clone(),
                    is_there: *is_there,
                })
                .collect(),
            checked_us: self.checked_us,
            checked_by: self.checked_by.clone(),
            program: self.program.clone(),
        }
    }

    fn from_message(message: CapabilitiesMessage) -> Result<StageCapabilities, Error> {
        let parents = message.parents.into_iter();
        let facts = message.facts.into_iter();
        Ok(StageCapabilities {
            stage_id: message.stage_id,
            version: message.version,
            parents: parents.map(|parent| (parent.id, parent.version)).collect(),
            facts: facts.map(|fact| (fact.name, fact.is_there)).collect(),
            checked_us: message.checked_us,
            checked_by: message.checked_by,
            program: message.program,
        })
    }
}
