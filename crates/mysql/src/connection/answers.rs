//! The answers: OK, errors, results as text and in binary, and what a prepared statement is.

use bytes::{BufMut, BytesMut};
use mysql_common::constants::{CapabilityFlags, StatusFlags};

use super::Connection;
use crate::result::{BadCell, Column, put_binary_row, put_text_row};
use crate::wire::{put_bytes, put_lenenc};

/// The end of a statement that has no rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done<'a> {
    /// Rows that it changed.
    pub affected_rows: u64,
    /// The number of the first new row; 0 without one.
    pub last_insert_id: u64,
    /// Warnings.
    pub warnings: u16,
    /// A line for people.
    pub info: &'a str,
    /// Whether another result follows.
    pub more: bool,
    /// The current database, where it has changed.
    pub database: Option<&'a str>,
}

impl Connection {
    /// OK.
    pub fn done(&mut self, done: Done<'_>) {
        self.ok(0, done);
    }

    /// An error. The client may go on.
    pub fn error(&mut self, code: u16, sqlstate: &str, text: &str) {
        let mut payload = BytesMut::new();
        payload.put_u8(0xff);
        payload.put_u16_le(code);
        payload.put_u8(b'#');
        payload.extend(sqlstate.bytes().chain(std::iter::repeat(b'0')).take(5));
        payload.put_slice(text.as_bytes());
        self.packet(&payload);
    }

    /// The answer of [`Command::Statistics`](crate::Command::Statistics): a line, and nothing else.
    pub fn line(&mut self, text: &str) {
        self.packet(text.as_bytes());
    }

    /// The head of a result.
    pub fn columns(&mut self, columns: &[Column]) {
        let mut count = BytesMut::new();
        put_lenenc(&mut count, columns.len() as u64);
        self.packet(&count);
        self.definitions(columns);
    }

    /// A row as text; a cell is `None` for NULL.
    pub fn text_row<'c>(&mut self, cells: impl IntoIterator<Item = Option<&'c [u8]>>) {
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        put_text_row(&mut row, cells);
        self.packet(&row);
        self.row = row;
    }

    /// A row of a prepared statement, whose cells are the same texts.
    ///
    /// # Errors
    /// A text that is not of its column's type; nothing is written then.
    pub fn binary_row<'c>(
        &mut self,
        columns: &[Column],
        cells: impl IntoIterator<Item = Option<&'c [u8]>>,
    ) -> Result<(), BadCell> {
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        let put = put_binary_row(&mut row, columns, cells);
        if put.is_ok() {
            self.packet(&row);
        }
        self.row = row;
        put
    }

    /// The end of a result.
    pub fn end_rows(&mut self, warnings: u16, more: bool) {
        if self.deprecates_eof() {
            let done = Done {
                warnings,
                more,
                ..Done::default()
            };
            self.ok(0xfe, done);
        } else {
            self.eof(warnings, more);
        }
    }

    /// The answer of [`Command::FieldList`](crate::Command::FieldList).
    pub fn field_list(&mut self, columns: &[Column]) {
        for column in columns {
            let mut payload = BytesMut::new();
            column.put(&mut payload);
            // No default.
            payload.put_u8(0xfb);
            self.packet(&payload);
        }
        self.end_rows(0, false);
    }

    /// The answer of [`Command::Prepare`](crate::Command::Prepare).
    pub fn prepared(&mut self, statement: u32, parameters: u16, columns: &[Column]) {
        let mut payload = BytesMut::new();
        payload.put_u8(0);
        payload.put_u32_le(statement);
        payload.put_u16_le(u16::try_from(columns.len()).unwrap_or(u16::MAX));
        payload.put_u16_le(parameters);
        payload.put_u8(0);
        payload.put_u16_le(0);
        self.packet(&payload);
        if parameters > 0 {
            let parameter = Column::text("?", 0);
            self.definitions(&vec![parameter; usize::from(parameters)]);
        }
        if !columns.is_empty() {
            self.definitions(columns);
        }
    }

    fn definitions(&mut self, columns: &[Column]) {
        for column in columns {
            let mut payload = BytesMut::new();
            column.put(&mut payload);
            self.packet(&payload);
        }
        if !self.deprecates_eof() {
            self.eof(0, false);
        }
    }

    fn deprecates_eof(&self) -> bool {
        self.capabilities
            .contains(CapabilityFlags::CLIENT_DEPRECATE_EOF)
    }

    fn eof(&mut self, warnings: u16, more: bool) {
        let mut payload = BytesMut::with_capacity(5);
        payload.put_u8(0xfe);
        payload.put_u16_le(warnings);
        payload.put_u16_le(status(more).bits());
        self.packet(&payload);
    }

    fn ok(&mut self, head: u8, done: Done<'_>) {
        let tracks = self
            .capabilities
            .contains(CapabilityFlags::CLIENT_SESSION_TRACK);
        let mut status = status(done.more);
        let database = done.database.filter(|_| tracks);
        if database.is_some() {
            status |= StatusFlags::SERVER_SESSION_STATE_CHANGED;
        }
        let mut payload = BytesMut::new();
        payload.put_u8(head);
        put_lenenc(&mut payload, done.affected_rows);
        put_lenenc(&mut payload, done.last_insert_id);
        payload.put_u16_le(status.bits());
        payload.put_u16_le(done.warnings);
        if tracks {
            if database.is_some() || !done.info.is_empty() {
                put_bytes(&mut payload, done.info.as_bytes());
            }
            if let Some(database) = database {
                let (mut name, mut change) = (BytesMut::new(), BytesMut::new());
                put_bytes(&mut name, database.as_bytes());
                change.put_u8(1);
                put_bytes(&mut change, &name);
                put_bytes(&mut payload, &change);
            }
        } else {
            payload.put_slice(done.info.as_bytes());
        }
        self.packet(&payload);
    }
}

/// Each statement commits by itself.
fn status(more: bool) -> StatusFlags {
    let status = StatusFlags::SERVER_STATUS_AUTOCOMMIT;
    if more {
        status | StatusFlags::SERVER_MORE_RESULTS_EXISTS
    } else {
        status
    }
}
