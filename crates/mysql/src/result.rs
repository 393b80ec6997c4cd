//! Results: what a column is said to be, and rows, as text and in binary.

use bytes::{BufMut, BytesMut};
use mysql_common::constants::{ColumnFlags, ColumnType};

use crate::wire::put_bytes;

/// The character set's number of text, `utf8mb4_general_ci`.
pub const UTF8: u16 = 45;
/// The character set's number of bytes and of all that is no text.
pub const BINARY: u16 = 63;

/// A result's column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its database; may be empty.
    pub schema: String,
    /// What the query calls its table; may be empty.
    pub table: String,
    /// Its table; may be empty.
    pub original_table: String,
    /// Its label.
    pub name: String,
    /// What its table calls it; empty of what is no table's column.
    pub original_name: String,
    /// Its type.
    pub kind: ColumnType,
    /// [`UTF8`] or [`BINARY`].
    pub charset: u16,
    /// The longest that a value is when it is shown, in bytes.
    pub length: u32,
    /// What else is known of it.
    pub flags: ColumnFlags,
    /// Digits behind the point; 31 where their number varies.
    pub decimals: u8,
}

impl Column {
    /// A text column of a result that has no table.
    #[must_use]
    pub fn text(name: &str, length: u32) -> Self {
        Self {
            schema: String::new(),
            table: String::new(),
            original_table: String::new(),
            name: name.to_owned(),
            original_name: String::new(),
            kind: ColumnType::MYSQL_TYPE_VAR_STRING,
            charset: UTF8,
            length,
            flags: ColumnFlags::empty(),
            decimals: 31,
        }
    }

    pub(crate) fn put(&self, out: &mut BytesMut) {
        put_bytes(out, b"def");
        put_bytes(out, self.schema.as_bytes());
        for name in [
            &self.table,
            &self.original_table,
            &self.name,
            &self.original_name,
        ] {
            put_bytes(out, name.as_bytes());
        }
        out.put_u8(0x0c);
        out.put_u16_le(self.charset);
        out.put_u32_le(self.length);
        out.put_u8(self.kind as u8);
        out.put_u16_le(self.flags.bits());
        out.put_u8(self.decimals);
        out.put_u16_le(0);
    }
}

/// A value's text that is not of its column's type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a value of column '{column}' is not of the column's type")]
pub struct BadCell {
    /// The column.
    pub column: String,
}

pub(crate) fn put_text_row<'c>(
    out: &mut BytesMut,
    cells: impl IntoIterator<Item = Option<&'c [u8]>>,
) {
    for cell in cells {
        match cell {
            None => out.put_u8(0xfb),
            Some(bytes) => put_bytes(out, bytes),
        }
    }
}

/// A row in binary, out of the same texts.
pub(crate) fn put_binary_row<'c>(
    out: &mut BytesMut,
    columns: &[Column],
    cells: impl IntoIterator<Item = Option<&'c [u8]>>,
) -> Result<(), BadCell> {
    out.put_u8(0);
    let nulls = out.len();
    out.put_bytes(0, (columns.len() + 2).div_ceil(8));
    for (position, (column, cell)) in columns.iter().zip(cells).enumerate() {
        match cell {
            None => {
                let bit = position + 2;
                if let Some(byte) = out.get_mut(nulls + bit / 8) {
                    *byte |= 1 << (bit % 8);
                }
            }
            Some(bytes) => put_value(out, column, bytes).ok_or_else(|| BadCell {
                column: column.name.clone(),
            })?,
        }
    }
    Ok(())
}

fn put_value(out: &mut BytesMut, column: &Column, text: &[u8]) -> Option<()> {
    let unsigned = column.flags.contains(ColumnFlags::UNSIGNED_FLAG);
    let words = || std::str::from_utf8(text).ok();
    // In two's complement a narrower one is the lower bytes of a wider one.
    let whole = || match unsigned {
        true => words()?.parse::<u64>().ok(),
        false => words()?.parse::<i64>().ok().map(i64::cast_unsigned),
    };
    let put_whole = |out: &mut BytesMut, bytes: usize| {
        let little = whole()?.to_le_bytes();
        out.put_slice(little.get(..bytes)?);
        Some(())
    };
    match column.kind {
        ColumnType::MYSQL_TYPE_TINY => put_whole(out, 1)?,
        ColumnType::MYSQL_TYPE_SHORT | ColumnType::MYSQL_TYPE_YEAR => put_whole(out, 2)?,
        ColumnType::MYSQL_TYPE_LONG | ColumnType::MYSQL_TYPE_INT24 => put_whole(out, 4)?,
        ColumnType::MYSQL_TYPE_LONGLONG => put_whole(out, 8)?,
        ColumnType::MYSQL_TYPE_FLOAT => out.put_f32_le(words()?.parse().ok()?),
        ColumnType::MYSQL_TYPE_DOUBLE => out.put_f64_le(words()?.parse().ok()?),
        ColumnType::MYSQL_TYPE_DATE
        | ColumnType::MYSQL_TYPE_DATETIME
        | ColumnType::MYSQL_TYPE_TIMESTAMP => put_moment(out, words()?)?,
        ColumnType::MYSQL_TYPE_TIME => put_span(out, words()?)?,
        _ => put_bytes(out, text),
    }
    Some(())
}

/// `YYYY-MM-DD[ HH:MM:SS[.f]]`.
fn put_moment(out: &mut BytesMut, text: &str) -> Option<()> {
    let (date, time) = match text.split_once(' ') {
        Some((date, time)) => (date, clock(time)?),
        None => (text, (0, 0, 0, 0)),
    };
    let mut parts = date.splitn(3, '-');
    let year: u16 = parts.next()?.parse().ok()?;
    let month: u8 = parts.next()?.parse().ok()?;
    let day: u8 = parts.next()?.parse().ok()?;
    let length = match time {
        (0, 0, 0, 0) => 4,
        (.., 0) => 7,
        _ => 11,
    };
    out.put_u8(length);
    out.put_u16_le(year);
    out.put_u8(month);
    out.put_u8(day);
    if length > 4 {
        let (hours, minutes, seconds, micros) = time;
        out.put_u8(u8::try_from(hours).ok()?);
        out.put_u8(minutes);
        out.put_u8(seconds);
        if length > 7 {
            out.put_u32_le(micros);
        }
    }
    Some(())
}

/// `[-]HHH:MM:SS[.f]`.
fn put_span(out: &mut BytesMut, text: &str) -> Option<()> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (1, digits),
        None => (0, text),
    };
    let (hours, minutes, seconds, micros) = clock(digits)?;
    if (hours, minutes, seconds, micros) == (0, 0, 0, 0) {
        out.put_u8(0);
        return Some(());
    }
    out.put_u8(if micros == 0 { 8 } else { 12 });
    out.put_u8(negative);
    out.put_u32_le(hours / 24);
    out.put_u8((hours % 24) as u8);
    out.put_u8(minutes);
    out.put_u8(seconds);
    if micros > 0 {
        out.put_u32_le(micros);
    }
    Some(())
}

/// Hours, minutes, seconds and microseconds.
fn clock(text: &str) -> Option<(u32, u8, u8, u32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.splitn(3, ':');
    let hours = parts.next()?.parse().ok()?;
    let minutes = parts.next()?.parse().ok()?;
    let seconds = parts.next()?.parse().ok()?;
    let mut micros = 0;
    for place in 0..6 {
        let digit = match fraction.as_bytes().get(place) {
            None => 0,
            Some(digit @ b'0'..=b'9') => u32::from(digit - b'0'),
            Some(_) => return None,
        };
        micros = micros * 10 + digit;
    }
    Some((hours, minutes, seconds, micros))
}
