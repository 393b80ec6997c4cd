//! The stored form of a directory table's entries, and of how far it is.

use prost::Message;

use super::Stored;
use crate::directory::{DirectoryFile, DirectoryState};
use crate::error::Error;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DirectoryFileMessage {
    #[prost(string, tag = "1")]
    path: String,
    #[prost(uint64, tag = "2")]
    bytes: u64,
    #[prost(uint64, optional, tag = "3")]
    modified_us: Option<u64>,
    #[prost(string, optional, tag = "4")]
    etag: Option<String>,
    #[prost(string, optional, tag = "5")]
    sha256: Option<String>,
    #[prost(string, optional, tag = "6")]
    export_id: Option<String>,
    #[prost(uint64, tag = "7")]
    noted_us: u64,
}

impl Stored for DirectoryFile {
    const KIND: u16 = 39;
    const WHAT: &'static str = "a file of a directory table";
    type Message = DirectoryFileMessage;

    fn to_message(&self) -> DirectoryFileMessage {
        DirectoryFileMessage {
            path: self.path.clone(),
            bytes: self.bytes,
            modified_us: self.modified_us,
            etag: self.etag.clone(),
            sha256: self.sha256.clone(),
            export_id: self.export_id.clone(),
            noted_us: self.noted_us,
        }
    }

    fn from_message(message: DirectoryFileMessage) -> Result<DirectoryFile, Error> {
        Ok(DirectoryFile {
            path: message.path,
            bytes: message.bytes,
            modified_us: message.modified_us,
            etag: message.etag,
            sha256: message.sha256,
            export_id: message.export_id,
            noted_us: message.noted_us,
        })
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DirectoryStateMessage {
    #[prost(uint64, tag = "1")]
    generation: u64,
    #[prost(string, tag = "2")]
    whereabouts: String,
    #[prost(uint64, optional, tag = "3")]
    refreshed_us: Option<u64>,
    #[prost(uint64, tag = "4")]
    pruned_to: u64,
}

impl Stored for DirectoryState {
    const KIND: u16 = 40;
    const WHAT: &'static str = "the state of a directory table";
    type Message = DirectoryStateMessage;

    fn to_message(&self) -> DirectoryStateMessage {
        DirectoryStateMessage {
            generation: self.generation,
            whereabouts: self.whereabouts.clone(),
            refreshed_us: self.refreshed_us,
            pruned_to: self.pruned_to,
        }
    }

    fn from_message(message: DirectoryStateMessage) -> Result<DirectoryState, Error> {
        Ok(DirectoryState {
            generation: message.generation,
            whereabouts: message.whereabouts,
            refreshed_us: message.refreshed_us,
            pruned_to: message.pruned_to,
        })
    }
}
