//! The stored form of one version of a stage.

use prost::Message;

use super::Stored;
use super::secret::{self, CredentialMessage};
use crate::error::Error;
use crate::stages::{StageChangeKind, StageDefinition, StagePolicy, StageRecord};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StageMessage {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(uint64, tag = "3")]
    version: u64,
    #[prost(string, optional, tag = "4")]
    url: Option<String>,
    #[prost(message, repeated, tag = "5")]
    credentials: Vec<CredentialMessage>,
    #[prost(bool, tag = "6")]
    enabled: bool,
    #[prost(bool, tag = "7")]
    directory: bool,
    #[prost(string, tag = "8")]
    comment: String,
    #[prost(uint64, tag = "9")]
    created_us: u64,
    #[prost(uint64, tag = "10")]
    changed_us: u64,
    #[prost(string, tag = "11")]
    changed_by: String,
    #[prost(uint32, tag = "12")]
    change: u32,
    #[prost(bool, tag = "13")]
    dropped: bool,
    /// Not there for one that permits everything.
    #[prost(message, optional, tag = "14")]
    policy: Option<PolicyMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct PolicyMessage {
    #[prost(string, repeated, tag = "1")]
    formats: Vec<String>,
    #[prost(uint64, optional, tag = "2")]
    max_bytes: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    max_rows: Option<u64>,
    #[prost(uint64, optional, tag = "4")]
    daily_bytes: Option<u64>,
    #[prost(bool, tag = "5")]
    require_manifest: bool,
    #[prost(bool, tag = "6")]
    formula_guard: bool,
    #[prost(uint64, optional, tag = "7")]
    expires_us: Option<u64>,
    #[prost(string, repeated, tag = "8")]
    encrypt_to: Vec<String>,
}

fn policy_message(policy: &StagePolicy) -> Option<PolicyMessage> {
    (!policy.is_empty()).then(|| PolicyMessage {
        formats: policy.formats.clone(),
        max_bytes: policy.max_bytes,
        max_rows: policy.max_rows,
        daily_bytes: policy.daily_bytes,
        require_manifest: policy.require_manifest,
        formula_guard: policy.formula_guard,
        expires_us: policy.expires_us,
        encrypt_to: policy.encrypt_to.clone(),
    })
}

fn policy_of(message: Option<PolicyMessage>) -> StagePolicy {
    message.map_or_else(StagePolicy::default, |message| StagePolicy {
        formats: message.formats,
        max_bytes: message.max_bytes,
        max_rows: message.max_rows,
        daily_bytes: message.daily_bytes,
        require_manifest: message.require_manifest,
        formula_guard: message.formula_guard,
        expires_us: message.expires_us,
        encrypt_to: message.encrypt_to,
    })
}

impl Stored for StageRecord {
    const KIND: u16 = 1;
    const WHAT: &'static str = "a stage version";
    type Message = StageMessage;

    fn to_message(&self) -> StageMessage {
        StageMessage {
            id: self.id,
            name: self.name.clone(),
            version: self.version,
            url: self.definition.url.clone(),
            enabled: self.definition.enabled,
            directory: self.definition.directory,
            comment: self.definition.comment.clone(),
            credentials: secret::messages(&self.definition.credentials),
            created_us: self.created_us,
            changed_us: self.changed_us,
            changed_by: self.changed_by.clone(),
            change: change_number(self.change),
            dropped: self.dropped,
            policy: policy_message(&self.definition.policy),
        }
    }

    fn from_message(message: StageMessage) -> Result<StageRecord, Error> {
        Ok(StageRecord {
            id: message.id,
            name: message.name,
            version: message.version,
            definition: StageDefinition {
                url: message.url,
                enabled: message.enabled,
                directory: message.directory,
                comment: message.comment,
                credentials: secret::credentials(message.credentials)?,
                policy: policy_of(message.policy),
            },
            created_us: message.created_us,
            changed_us: message.changed_us,
            changed_by: message.changed_by,
            change: change_of(message.change)?,
            dropped: message.dropped,
        })
    }
}

fn change_number(change: StageChangeKind) -> u32 {
    match change {
        StageChangeKind::Created => 1,
        StageChangeKind::Altered => 2,
        StageChangeKind::Renamed => 3,
        StageChangeKind::RolledBack => 4,
        StageChangeKind::Replaced => 5,
        StageChangeKind::Dropped => 6,
        StageChangeKind::Undropped => 7,
    }
}

fn change_of(number: u32) -> Result<StageChangeKind, Error> {
    Ok(match number {
        1 => StageChangeKind::Created,
        2 => StageChangeKind::Altered,
        3 => StageChangeKind::Renamed,
        4 => StageChangeKind::RolledBack,
        5 => StageChangeKind::Replaced,
        6 => StageChangeKind::Dropped,
        7 => StageChangeKind::Undropped,
        _ => {
            return Err(Error::corrupt(format!(
                "a stage version with the unknown change {number}"
            )));
        }
    })
}
