//! The stored forms of databases, tables and segments. A table's segments are records of their own,
//! so the table's record says only that it has segments.

use prost::Message;

use super::Stored;
use crate::databases::DatabaseRecord;
use crate::error::Error;
use crate::tables::{Checksums, Column, Segment, ViewQuery};

/// A table without its segments.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredTable {
    pub(crate) id: u64,
    pub(crate) database: String,
    pub(crate) name: String,
    pub(crate) version: u64,
    pub(crate) columns: Vec<Column>,
    /// The place and options of an external table; `None` where the table has segments.
    pub(crate) external: Option<(String, Vec<(String, String)>)>,
    /// What it is if it is a view, which has neither.
    pub(crate) view: Option<ViewQuery>,
    pub(crate) created_us: u64,
    pub(crate) changed_us: u64,
    pub(crate) next_segment: u64,
    pub(crate) next_number: u64,
    pub(crate) comment: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DatabaseMessage {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(uint64, tag = "3")]
    created_us: u64,
}

impl Stored for DatabaseRecord {
    const KIND: u16 = 4;
    const WHAT: &'static str = "a database";
    type Message = DatabaseMessage;

    fn to_message(&self) -> DatabaseMessage {
        DatabaseMessage {
            id: self.id,
            name: self.name.clone(),
            created_us: self.created_us,
        }
    }

    fn from_message(message: DatabaseMessage) -> Result<DatabaseRecord, Error> {
        Ok(DatabaseRecord {
            id: message.id,
            name: message.name,
            created_us: message.created_us,
        })
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TableMessage {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(string, tag = "2")]
    database: String,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(uint64, tag = "4")]
    version: u64,
    #[prost(message, repeated, tag = "5")]
    columns: Vec<ColumnMessage>,
    #[prost(message, optional, tag = "6")]
    external: Option<ExternalMessage>,
    #[prost(uint64, tag = "7")]
    created_us: u64,
    #[prost(uint64, tag = "8")]
    changed_us: u64,
    #[prost(uint64, tag = "9")]
    next_segment: u64,
    #[prost(string, tag = "10")]
    comment: String,
    /// One less than the number, so that records from before there was one have the first.
    #[prost(uint64, tag = "11")]
    numbers_given: u64,
    /// Since format 8.
    #[prost(message, optional, tag = "12")]
    view: Option<ViewMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ViewMessage {
    #[prost(string, tag = "1")]
    query: String,
    #[prost(string, tag = "2")]
    database: String,
    #[prost(string, repeated, tag = "3")]
    labels: Vec<String>,
    #[prost(bool, tag = "4")]
    names_columns: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ColumnMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    data_type: String,
    #[prost(bool, tag = "3")]
    nullable: bool,
    #[prost(string, optional, tag = "4")]
    default: Option<String>,
    #[prost(bool, tag = "5")]
    primary_key: bool,
    #[prost(string, tag = "6")]
    comment: String,
    #[prost(bool, tag = "7")]
    auto_increment: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ExternalMessage {
    #[prost(string, tag = "1")]
    location: String,
    #[prost(message, repeated, tag = "2")]
    options: Vec<OptionMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct OptionMessage {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

impl Stored for StoredTable {
    const KIND: u16 = 5;
    const WHAT: &'static str = "a table";
    type Message = TableMessage;

    fn to_message(&self) -> TableMessage {
        TableMessage {
            id: self.id,
            database: self.database.clone(),
            name: self.name.clone(),
            version: self.version,
            columns: self.columns.iter().map(column_message).collect(),
            external: self
                .external
                .as_ref()
                .map(|(location, options)| ExternalMessage {
                    location: location.clone(),
                    options: options
                        .iter()
                        .map(|(key, value)| OptionMessage {
                            key: key.clone(),
                            value: value.clone(),
                        })
                        .collect(),
                }),
            created_us: self.created_us,
            changed_us: self.changed_us,
            next_segment: self.next_segment,
            numbers_given: self.next_number.saturating_sub(1),
            comment: self.comment.clone(),
            view: self.view.as_ref().map(|view| ViewMessage {
                query: view.query.clone(),
                database: view.database.clone(),
                labels: view.labels.clone(),
                names_columns: view.names_columns,
            }),
        }
    }

    fn from_message(message: TableMessage) -> Result<StoredTable, Error> {
        Ok(StoredTable {
            id: message.id,
            database: message.database,
            name: message.name,
            version: message.version,
            columns: message.columns.into_iter().map(column).collect(),
            external: message.external.map(|external| {
                let options = external
                    .options
                    .into_iter()
                    .map(|o| (o.key, o.value))
                    .collect();
                (external.location, options)
            }),
            view: message.view.map(|view| ViewQuery {
                query: view.query,
                database: view.database,
                labels: view.labels,
                names_columns: view.names_columns,
            }),
            created_us: message.created_us,
            changed_us: message.changed_us,
            next_segment: message.next_segment,
            next_number: message.numbers_given.saturating_add(1),
            comment: message.comment,
        })
    }
}

fn column_message(column: &Column) -> ColumnMessage {
    ColumnMessage {
        name: column.name.clone(),
        data_type: column.data_type.clone(),
        nullable: column.nullable,
        default: column.default.clone(),
        primary_key: column.primary_key,
        auto_increment: column.auto_increment,
        comment: column.comment.clone(),
    }
}

fn column(message: ColumnMessage) -> Column {
    Column {
        name: message.name,
        data_type: message.data_type,
        nullable: message.nullable,
        default: message.default,
        primary_key: message.primary_key,
        auto_increment: message.auto_increment,
        comment: message.comment,
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SegmentMessage {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(string, tag = "2")]
    file: String,
    #[prost(uint64, tag = "3")]
    rows: u64,
    #[prost(uint64, tag = "4")]
    bytes: u64,
    #[prost(string, tag = "5")]
    sha256: String,
    #[prost(uint64, tag = "6")]
    block_bytes: u64,
    #[prost(fixed32, repeated, tag = "7")]
    crc32c: Vec<u32>,
}

impl Stored for Segment {
    const KIND: u16 = 6;
    const WHAT: &'static str = "a segment";
    type Message = SegmentMessage;

    fn to_message(&self) -> SegmentMessage {
        SegmentMessage {
            id: self.id,
            file: self.file.clone(),
            rows: self.rows,
            bytes: self.bytes,
            sha256: self.sha256.clone(),
            block_bytes: self.checksums.block_bytes,
            crc32c: self.checksums.crc32c.clone(),
        }
    }

    fn from_message(message: SegmentMessage) -> Result<Segment, Error> {
        Ok(Segment {
            id: message.id,
            file: message.file,
            rows: message.rows,
            bytes: message.bytes,
            sha256: message.sha256,
            checksums: Checksums {
                block_bytes: message.block_bytes,
                crc32c: message.crc32c,
            },
        })
    }
}
