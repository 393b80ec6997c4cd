//! What a client asks once it is in.

use bytes::Bytes;
use mysql_common::constants::{CapabilityFlags, Command as Code};

use crate::error::ProtocolError;
use crate::login::{LoginPacket, parse_change};
use crate::wire::Reader;

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// The connection ends; there is no answer.
    Quit,
    /// Another current database.
    InitDb(Bytes),
    /// A statement; several where [`Connection::takes_several`](crate::Connection::takes_several).
    Query(Bytes),
    /// The columns of a table.
    FieldList {
        /// The table.
        table: Bytes,
        /// A pattern of names; empty for all.
        wildcard: Bytes,
    },
    /// A line about how the server is.
    Statistics,
    /// Whether the server is there.
    Ping,
    /// The end of another connection, by its number.
    ProcessKill(u32),
    /// As if it had just connected.
    ResetConnection,
    /// Whether a query may hold several statements from now on.
    SetOption {
        /// On or off.
        several: bool,
    },
    /// A statement to be run later, with values.
    Prepare(Bytes),
    /// A prepared statement with values: for [`Parameters::read`](crate::Parameters::read).
    Execute {
        /// Which statement.
        statement: u32,
        /// Whether its rows are to be fetched by and by.
        cursor: bool,
        /// The values, as they came.
        values: Bytes,
    },
    /// A part of a value that is sent before the others. There is no answer.
    LongData {
        /// Which statement.
        statement: u32,
        /// Which of its parameters, from 0.
        parameter: u16,
        /// The part.
        part: Bytes,
    },
    /// A prepared statement forgets the parts of values that have come.
    ResetStatement(u32),
    /// A prepared statement is not needed any more. There is no answer.
    CloseStatement(u32),
    /// More rows of a cursor.
    Fetch(u32),
    /// A command of another number; to be refused with 1047.
    Unknown(u8),
}

/// The commands that this server knows.
const KNOWN: [Code; 16] = [
    Code::COM_QUIT,
    Code::COM_INIT_DB,
    Code::COM_QUERY,
    Code::COM_FIELD_LIST,
    Code::COM_STATISTICS,
    Code::COM_PROCESS_KILL,
    Code::COM_PING,
    Code::COM_CHANGE_USER,
    Code::COM_STMT_PREPARE,
    Code::COM_STMT_EXECUTE,
    Code::COM_STMT_SEND_LONG_DATA,
    Code::COM_STMT_CLOSE,
    Code::COM_STMT_RESET,
    Code::COM_SET_OPTION,
    Code::COM_STMT_FETCH,
    Code::COM_RESET_CONNECTION,
];

/// A command, or another login.
pub(crate) enum Asked {
    Command(Command),
    Login(LoginPacket),
}

pub(crate) fn parse(
    payload: &Bytes,
    capabilities: CapabilityFlags,
) -> Result<Asked, ProtocolError> {
    let mut reader = Reader::new(payload);
    let code = reader.u8()?;
    let rest = payload.slice(1..);
    let command = match KNOWN.into_iter().find(|known| *known as u8 == code) {
        Some(Code::COM_QUIT) => Command::Quit,
        Some(Code::COM_INIT_DB) => Command::InitDb(rest),
        Some(Code::COM_QUERY) => Command::Query(rest),
        Some(Code::COM_FIELD_LIST) => {
            let table = reader.until_zero()?.len();
            Command::FieldList {
                table: rest.slice(..table),
                wildcard: rest.slice(table + 1..),
            }
        }
        Some(Code::COM_STATISTICS) => Command::Statistics,
        Some(Code::COM_PING) => Command::Ping,
        Some(Code::COM_PROCESS_KILL) => Command::ProcessKill(reader.u32()?),
        Some(Code::COM_RESET_CONNECTION) => Command::ResetConnection,
        Some(Code::COM_SET_OPTION) => match reader.u16()? {
            0 => Command::SetOption { several: true },
            1 => Command::SetOption { several: false },
            _ => return Ok(Asked::Command(Command::Unknown(code))),
        },
        Some(Code::COM_STMT_PREPARE) => Command::Prepare(rest),
        Some(Code::COM_STMT_EXECUTE) => {
            let statement = reader.u32()?;
            let cursor = reader.u8()? != 0;
            // Always 1.
            reader.u32()?;
            Command::Execute {
                statement,
                cursor,
                values: rest.slice(9..),
            }
        }
        Some(Code::COM_STMT_SEND_LONG_DATA) => Command::LongData {
            statement: reader.u32()?,
            parameter: reader.u16()?,
            part: rest.slice(6..),
        },
        Some(Code::COM_STMT_RESET) => Command::ResetStatement(reader.u32()?),
        Some(Code::COM_STMT_CLOSE) => Command::CloseStatement(reader.u32()?),
        Some(Code::COM_STMT_FETCH) => Command::Fetch(reader.u32()?),
        Some(Code::COM_CHANGE_USER) => {
            return Ok(Asked::Login(parse_change(&rest, capabilities)?));
        }
        _ => Command::Unknown(code),
    };
    Ok(Asked::Command(command))
}
