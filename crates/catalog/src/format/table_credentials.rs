//! The stored form of an external table's credentials.

use prost::Message;

use super::Stored;
use super::secret::{self, CredentialMessage};
use crate::error::Error;
use crate::tables::TableCredentials;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TableCredentialsMessage {
    #[prost(uint64, tag = "1")]
    table: u64,
    #[prost(message, repeated, tag = "2")]
    credentials: Vec<CredentialMessage>,
}

impl Stored for TableCredentials {
    const KIND: u16 = 50;
    const WHAT: &'static str = "a table's credentials";
    type Message = TableCredentialsMessage;

    fn to_message(&self) -> TableCredentialsMessage {
        TableCredentialsMessage {
            table: self.table,
            credentials: secret::messages(&self.credentials),
        }
    }

    fn from_message(message: TableCredentialsMessage) -> Result<TableCredentials, Error> {
        Ok(TableCredentials {
            table: message.table,
            credentials: secret::credentials(message.credentials)?,
        })
    }
}
