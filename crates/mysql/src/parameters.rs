//! The values of a prepared statement's parameters, as COM_STMT_EXECUTE has them.

use std::collections::BTreeMap;

use bytes::Bytes;
use mysql_common::constants::ColumnType;

use crate::error::ProtocolError;
use crate::wire::{Malformed, Reader};

/// A parameter's value.
#[derive(Clone, PartialEq)]
pub enum Parameter {
    /// NULL.
    Null,
    /// A whole number.
    Int(i64),
    /// A whole number without a sign.
    UInt(u64),
    /// A floating-point number.
    Double(f64),
    /// A number as its digits, as the client wrote them: not checked.
    Decimal(Bytes),
    /// A text; not checked to be UTF-8.
    Text(Bytes),
    /// Bytes.
    Blob(Bytes),
    /// A day and, where there is one, a time; not checked to be in the calendar.
    DateTime {
        /// The year.
        year: u16,
        /// The month, from 1.
        month: u8,
        /// The day, from 1.
        day: u8,
        /// Hours, minutes, seconds and microseconds; `None` of a DATE.
        time: Option<(u8, u8, u8, u32)>,
    },
    /// A duration.
    Time {
        /// Whether it is below zero.
        negative: bool,
        /// Days.
        days: u32,
        /// Hours, minutes, seconds and microseconds.
        time: (u8, u8, u8, u32),
    },
}

/// Without the value: it may be a secret.
impl std::fmt::Debug for Parameter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Int(_) => "Int(..)",
            Self::UInt(_) => "UInt(..)",
            Self::Double(_) => "Double(..)",
            Self::Decimal(_) => "Decimal(..)",
            Self::Text(_) => "Text(..)",
            Self::Blob(_) => "Blob(..)",
            Self::DateTime { .. } => "DateTime(..)",
            Self::Time { .. } => "Time(..)",
        })
    }
}

/// What a prepared statement remembers of its parameters between commands.
#[derive(Clone)]
pub struct Parameters {
    count: u16,
    /// Type and whether without a sign, as of the last execution that said so.
    types: Vec<(ColumnType, bool)>,
    /// Parts that came before.
    long: BTreeMap<u16, Vec<u8>>,
    long_bytes: usize,
    long_bytes_max: usize,
    /// What is wrong with a part, which has no answer of its own.
    failed: Option<ProtocolError>,
}

/// Without the values.
impl std::fmt::Debug for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parameters")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl Parameters {
    /// Of a statement with so many; parts sent before take at most `long_bytes_max` together.
    #[must_use]
    pub fn new(count: u16, long_bytes_max: usize) -> Self {
        Self {
            count,
            types: Vec::new(),
            long: BTreeMap::new(),
            long_bytes: 0,
            long_bytes_max,
            failed: None,
        }
    }

    /// Keeps a part of a value. What is wrong with it is said by the next [`Parameters::read`].
    pub fn append(&mut self, parameter: u16, part: &[u8]) {
        if parameter >= self.count {
            self.fail(ProtocolError::Malformed(
                "a part of a value is of no parameter",
            ));
            return;
        }
        if self.long_bytes + part.len() > self.long_bytes_max {
            self.fail(ProtocolError::TooLarge {
                max: self.long_bytes_max,
            });
            return;
        }
        self.long_bytes += part.len();
        self.long
            .entry(parameter)
            .or_default()
            .extend_from_slice(part);
    }

    /// Takes a part for too large that others of the connection have left no room for, of `max` bytes.
    pub fn refuse(&mut self, max: usize) {
        self.fail(ProtocolError::TooLarge { max });
    }

    /// How many bytes of parts are kept.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        self.long_bytes
    }

    /// Forgets the parts that have come.
    pub fn reset(&mut self) {
        self.long.clear();
        self.long_bytes = 0;
        self.failed = None;
    }

    /// The values of an execution; the parts that came before are used up.
    ///
    /// # Errors
    /// What the bytes, or a part before, were not.
    pub fn read(&mut self, values: &[u8]) -> Result<Vec<Parameter>, ProtocolError> {
        let read = self.read_all(values);
        let failed = self.failed.take();
        self.reset();
        match failed {
            Some(error) => Err(error),
            None => read,
        }
    }

    fn fail(&mut self, error: ProtocolError) {
        self.long.clear();
        self.long_bytes = 0;
        self.failed.get_or_insert(error);
    }

    fn read_all(&mut self, values: &[u8]) -> Result<Vec<Parameter>, ProtocolError> {
        let count = usize::from(self.count);
        if count == 0 {
            return Ok(Vec::new());
        }
        let mut reader = Reader::new(values);
        let nulls = reader.bytes(count.div_ceil(8))?;
        if reader.u8()? == 1 {
            let mut types = Vec::with_capacity(count);
            for _ in 0..count {
                let (kind, flags) = (reader.u8()?, reader.u8()?);
                let kind = ColumnType::try_from(kind)
                    .map_err(|_| Malformed("a parameter has an unknown type"))?;
                types.push((kind, flags & 0x80 != 0));
            }
            self.types = types;
        }
        if self.types.len() != count {
            return Err(Malformed("the first execution names no types").into());
        }
        let mut found = Vec::with_capacity(count);
        for (position, (kind, unsigned)) in self.types.iter().enumerate() {
            let is_null = nulls
                .get(position / 8)
                .is_some_and(|byte| byte & (1 << (position % 8)) != 0);
            let long = u16::try_from(position)
                .ok()
                .and_then(|at| self.long.remove(&at));
            found.push(match long {
                Some(bytes) if is_text(*kind) => Parameter::Text(bytes.into()),
                Some(bytes) => Parameter::Blob(bytes.into()),
                None if is_null => Parameter::Null,
                None => value(&mut reader, *kind, *unsigned)?,
            });
        }
        Ok(found)
    }
}

fn is_text(kind: ColumnType) -> bool {
    matches!(
        kind,
        ColumnType::MYSQL_TYPE_STRING
            | ColumnType::MYSQL_TYPE_VAR_STRING
            | ColumnType::MYSQL_TYPE_VARCHAR
            | ColumnType::MYSQL_TYPE_JSON
            | ColumnType::MYSQL_TYPE_ENUM
            | ColumnType::MYSQL_TYPE_SET
    )
}

fn value(
    reader: &mut Reader<'_>,
    kind: ColumnType,
    unsigned: bool,
) -> Result<Parameter, Malformed> {
    let whole = |bits: u64, signed: i64| match unsigned {
        true => Parameter::UInt(bits),
        false => Parameter::Int(signed),
    };
    Ok(match kind {
        ColumnType::MYSQL_TYPE_NULL => Parameter::Null,
        ColumnType::MYSQL_TYPE_TINY => {
            let bits = reader.u8()?;
            whole(bits.into(), bits.cast_signed().into())
        }
        ColumnType::MYSQL_TYPE_SHORT | ColumnType::MYSQL_TYPE_YEAR => {
            let bits = reader.u16()?;
            whole(bits.into(), bits.cast_signed().into())
        }
        ColumnType::MYSQL_TYPE_LONG | ColumnType::MYSQL_TYPE_INT24 => {
            let bits = reader.u32()?;
            whole(bits.into(), bits.cast_signed().into())
        }
        ColumnType::MYSQL_TYPE_LONGLONG => {
            let bits = reader.u64()?;
            whole(bits, bits.cast_signed())
        }
        ColumnType::MYSQL_TYPE_FLOAT => {
            let narrow = f32::from_bits(reader.u32()?);
            // The shortest digits that it has, not those that it has as a wider one.
            Parameter::Double(narrow.to_string().parse().unwrap_or_else(|_| narrow.into()))
        }
        ColumnType::MYSQL_TYPE_DOUBLE => Parameter::Double(f64::from_bits(reader.u64()?)),
        ColumnType::MYSQL_TYPE_DECIMAL | ColumnType::MYSQL_TYPE_NEWDECIMAL => {
            Parameter::Decimal(Bytes::copy_from_slice(reader.lenenc_bytes()?))
        }
        ColumnType::MYSQL_TYPE_DATE
        | ColumnType::MYSQL_TYPE_DATETIME
        | ColumnType::MYSQL_TYPE_TIMESTAMP => moment(reader, kind == ColumnType::MYSQL_TYPE_DATE)?,
        ColumnType::MYSQL_TYPE_TIME => span(reader)?,
        kind if is_text(kind) => Parameter::Text(Bytes::copy_from_slice(reader.lenenc_bytes()?)),
        ColumnType::MYSQL_TYPE_TINY_BLOB
        | ColumnType::MYSQL_TYPE_MEDIUM_BLOB
        | ColumnType::MYSQL_TYPE_LONG_BLOB
        | ColumnType::MYSQL_TYPE_BLOB
        | ColumnType::MYSQL_TYPE_BIT => {
            Parameter::Blob(Bytes::copy_from_slice(reader.lenenc_bytes()?))
        }
        _ => return Err(Malformed("a parameter has a type that no client sends")),
    })
}

fn clock(part: &mut Reader<'_>) -> Result<(u8, u8, u8, u32), Malformed> {
    let (hours, minutes, seconds) = (part.u8()?, part.u8()?, part.u8()?);
    let micros = match part.is_empty() {
        true => 0,
        false => part.u32()?,
    };
    Ok((hours, minutes, seconds, micros))
}

fn moment(reader: &mut Reader<'_>, is_date: bool) -> Result<Parameter, Malformed> {
    let length = usize::from(reader.u8()?);
    let mut part = Reader::new(reader.bytes(length)?);
    let (year, month, day) = match length {
        0 => (0, 0, 0),
        4 | 7 | 11 => (part.u16()?, part.u8()?, part.u8()?),
        _ => return Err(Malformed("a date has no such length")),
    };
    let time = match part.is_empty() {
        true if is_date => None,
        true => Some((0, 0, 0, 0)),
        false => Some(clock(&mut part)?),
    };
    Ok(Parameter::DateTime {
        year,
        month,
        day,
        time: time.filter(|_| !is_date),
    })
}

fn span(reader: &mut Reader<'_>) -> Result<Parameter, Malformed> {
    let length = usize::from(reader.u8()?);
    let mut part = Reader::new(reader.bytes(length)?);
    Ok(match length {
        0 => Parameter::Time {
            negative: false,
            days: 0,
            time: (0, 0, 0, 0),
        },
        8 | 12 => Parameter::Time {
            negative: part.u8()? == 1,
            days: part.u32()?,
            time: clock(&mut part)?,
        },
        _ => return Err(Malformed("a time has no such length")),
    })
}
