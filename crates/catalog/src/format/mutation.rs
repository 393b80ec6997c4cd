//! The messages inside journal frames: one mutation, and the two kinds of a snapshot's frames
//! (its parts are mutations too, of puts alone).

use bytes::Bytes;
use prost::Message;

/// One mutation, or one part of a snapshot.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MutationMessage {
    /// Microseconds since 1970 UTC.
    #[prost(uint64, tag = "1")]
    pub(crate) time_us: u64,
    #[prost(string, tag = "2")]
    pub(crate) account: String,
    #[prost(string, tag = "3")]
    pub(crate) user: String,
    #[prost(string, tag = "4")]
    pub(crate) role: String,
    /// A short verb and the name.
    #[prost(string, tag = "5")]
    pub(crate) what: String,
    #[prost(message, repeated, tag = "6")]
    pub(crate) operations: Vec<OperationMessage>,
}

/// A put, or without a value a delete.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct OperationMessage {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(bytes = "bytes", optional, tag = "2")]
    pub(crate) value: Option<Bytes>,
}

/// Ends a snapshot, and says what it must have held.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SnapshotEndMessage {
    #[prost(uint64, tag = "1")]
    pub(crate) keys: u64,
    #[prost(fixed64, tag = "2")]
    pub(crate) digest: u64,
}
