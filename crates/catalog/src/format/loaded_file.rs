//! The stored form of a file that a table was loaded from.

use prost::Message;

use super::Stored;
use crate::error::Error;
use crate::tables::LoadedFile;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct LoadedFileMessage {
    #[prost(uint64, tag = "1")]
    table: u64,
    #[prost(string, tag = "2")]
    sha256: String,
    #[prost(string, tag = "3")]
    path: String,
    #[prost(uint64, tag = "4")]
    bytes: u64,
    #[prost(uint64, tag = "5")]
    loaded_us: u64,
}

impl Stored for LoadedFile {
    const KIND: u16 = 53;
    const WHAT: &'static str = "a file that a table was loaded from";
    type Message = LoadedFileMessage;

    fn to_message(&self) -> LoadedFileMessage {
        LoadedFileMessage {
            table: self.table,
            sha256: self.sha256.clone(),
            path: self.path.clone(),
            bytes: self.bytes,
            loaded_us: self.loaded_us,
        }
    }

    fn from_message(message: LoadedFileMessage) -> Result<LoadedFile, Error> {
        Ok(LoadedFile {
            table: message.table,
            sha256: message.sha256,
            path: message.path,
            bytes: message.bytes,
            loaded_us: message.loaded_us,
        })
    }
}
