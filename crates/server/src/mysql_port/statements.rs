//! The prepared statements of one connection, by number. The client may keep so many, and no more bytes of values sent
//! ahead than a packet may have.

use std::collections::HashMap;

use mysql::{Parameter, Parameters, ProtocolError};
use parser::{Date, DateTime, Time, Value};

use crate::error::{Error, Reason, Result};
use crate::session::Prepared;

/// The statements.
#[derive(Debug)]
pub(super) struct Statements {
    known: HashMap<u32, Known>,
    next: u32,
    bounds: Bounds,
    /// Of all that are known.
    bytes: usize,
}

/// How much a connection may keep.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Statements.
    pub(super) max: usize,
    /// Bytes of them.
    pub(super) bytes_max: usize,
    /// Bytes of values that are sent ahead.
    pub(super) long_bytes_max: usize,
}

#[derive(Debug)]
struct Known {
    prepared: Prepared,
    parameters: Parameters,
}

impl Statements {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            known: HashMap::new(),
            next: 1,
            bounds,
            bytes: 0,
        }
    }

    /// That there is room for another.
    ///
    /// # Errors
    /// [`Reason::LimitExceeded`].
    pub(super) fn check_room(&self) -> Result<()> {
        if self.known.len() < self.bounds.max {
            return Ok(());
        }
        Err(too_many(format_args!(
            "mysql.statements_max statements on a connection (current value: {})",
            self.bounds.max
        )))
    }

    /// Keeps a statement; gives its number and how many parameters it has.
    ///
    /// # Errors
    /// [`Reason::LimitExceeded`] for more parameters than the protocol can number, and more bytes than a connection may
    /// keep.
    pub(super) fn keep(&mut self, prepared: Prepared) -> Result<(u32, u16)> {
        let count = u16::try_from(prepared.parameters()).map_err(|_| {
            let text = "Prepared statement contains too many placeholders";
            Error::new(Reason::LimitExceeded, 1390, "HY000", text)
        })?;
        let bytes = prepared.bytes();
        if self.bytes + bytes > self.bounds.bytes_max {
            return Err(too_many(format_args!(
                "mysql.statements_bytes_max bytes of statements on a connection (current value: {}; {} are kept, and this one has {bytes})",
                self.bounds.bytes_max, self.bytes
            )));
        }
        self.bytes += bytes;
        let number = self.next;
        self.next = self.next.wrapping_add(1).max(1);
        let parameters = Parameters::new(count, self.bounds.long_bytes_max);
        let known = Known {
            prepared,
            parameters,
        };
        self.known.insert(number, known);
        Ok((number, count))
    }

    /// A statement and the values that it is to run with.
    ///
    /// # Errors
    /// [`Reason::OptionInvalid`] for one that is not known, or values that are none.
    pub(super) fn run(&mut self, number: u32, values: &[u8]) -> Result<(Prepared, Vec<Value>)> {
        let known = self.known.get_mut(&number).ok_or_else(unknown)?;
        let values = known.parameters.read(values).map_err(|error| {
            let (code, sqlstate) = (error.code(), error.sqlstate());
            let reason = match error {
                ProtocolError::TooLarge { .. } => Reason::LimitExceeded,
                _ => Reason::OptionInvalid,
            };
            Error::new(reason, code, sqlstate, error.to_string())
        })?;
        let values = values.into_iter().map(value).collect::<Result<_>>()?;
        Ok((known.prepared.clone(), values))
    }

    /// Keeps a part of a value.
    pub(super) fn append(&mut self, number: u32, parameter: u16, part: &[u8]) {
        let kept: usize = self
            .known
            .values()
            .map(|known| known.parameters.kept_bytes())
            .sum();
        if let Some(known) = self.known.get_mut(&number) {
            // What is too much is refused when the statement is run: a part has no answer.
            let is_too_much = kept + part.len() > self.bounds.long_bytes_max;
            match is_too_much {
                true => known.parameters.refuse(self.bounds.long_bytes_max),
                false => known.parameters.append(parameter, part),
            }
        }
    }

    /// Forgets the parts of values.
    ///
    /// # Errors
    /// [`Reason::OptionInvalid`] for one that is not known.
    pub(super) fn reset(&mut self, number: u32) -> Result<()> {
        let known = self.known.get_mut(&number).ok_or_else(unknown)?;
        known.parameters.reset();
        Ok(())
    }

    pub(super) fn close(&mut self, number: u32) {
        if let Some(closed) = self.known.remove(&number) {
            self.bytes -= closed.prepared.bytes();
        }
    }

    pub(super) fn clear(&mut self) {
        self.known.clear();
        self.bytes = 0;
    }
}

fn too_many(what: impl std::fmt::Display) -> Error {
    let text = format!("Can't create more than {what}; close some");
    Error::new(Reason::LimitExceeded, 1461, "42000", text)
}

fn unknown() -> Error {
    Error::new(
        Reason::OptionInvalid,
        1243,
        "HY000",
        "Unknown prepared statement handler: it was closed, or is another connection's",
    )
}

fn value(parameter: Parameter) -> Result<Value> {
    let digits = |bytes: bytes::Bytes| {
        String::from_utf8(bytes.into()).map_err(|_| {
            let text = "Incorrect decimal value in a parameter: it is no text";
            Error::new(Reason::ValueInvalid, 1366, "HY000", text)
        })
    };
    Ok(match parameter {
        Parameter::Null => Value::Null,
        Parameter::Int(number) => Value::Int(number),
        Parameter::UInt(number) => Value::UInt(number),
        Parameter::Double(number) => Value::Double(number),
        Parameter::Decimal(text) => Value::Decimal(digits(text)?),
        // Some clients send bytes so, too; what is no text can only be meant as bytes.
        Parameter::Text(bytes) => match String::from_utf8(bytes.into()) {
            Ok(text) => Value::Text(text),
            Err(bytes) => Value::Bytes(bytes.into_bytes()),
        },
        Parameter::Blob(bytes) => Value::Bytes(bytes.into()),
        Parameter::DateTime {
            year,
            month,
            day,
            time,
        } => {
            let date = Date { year, month, day };
            match time {
                None => Value::Date(date),
                Some(time) => Value::DateTime(DateTime {
                    date,
                    time: clock(false, 0, time),
                }),
            }
        }
        Parameter::Time {
            negative,
            days,
            time,
        } => Value::Time(clock(negative, days, time)),
    })
}

fn clock(negative: bool, days: u32, time: (u8, u8, u8, u32)) -> Time {
    let (hours, minutes, seconds, micros) = time;
    Time {
        negative,
        // Too many are found to be so later.
        hours: days.saturating_mul(24).saturating_add(hours.into()),
        minutes,
        seconds,
        micros,
    }
}
