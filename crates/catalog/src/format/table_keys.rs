//! The stored form of a table's keys.

use prost::Message;

use super::Stored;
use crate::error::Error;
use crate::tables::{TableKey, TableKeys};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TableKeysMessage {
    #[prost(uint64, tag = "1")]
    table: u64,
    #[prost(message, repeated, tag = "2")]
    keys: Vec<TableKeyMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TableKeyMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, repeated, tag = "2")]
    columns: Vec<String>,
}

impl Stored for TableKeys {
    const KIND: u16 = 51;
    const WHAT: &'static str = "a table's keys";
    type Message = TableKeysMessage;

    fn to_message(&self) -> TableKeysMessage {
        let key = |key: &TableKey| TableKeyMessage {
            name: key.name.clone(),
            columns: key.columns.clone(),
        };
        TableKeysMessage {
            table: self.table,
            keys: self.keys.iter().map(key).collect(),
        }
    }

    fn from_message(message: TableKeysMessage) -> Result<TableKeys, Error> {
        let key = |key: TableKeyMessage| TableKey {
            name: key.name,
            columns: key.columns,
        };
        Ok(TableKeys {
            table: message.table,
            keys: message.keys.into_iter().map(key).collect(),
        })
    }
}
