//! The beginning: the server's greeting, and how a client says who it is, first and again.

use bytes::{BufMut, BytesMut};
use mysql_common::constants::{CapabilityFlags, StatusFlags};
use zeroize::Zeroizing;

use crate::auth::{CACHING_SHA2, NONCE_BYTES};
use crate::error::ProtocolError;
use crate::wire::{Malformed, Reader};

/// `utf8mb4_general_ci`, the one that every client knows.
pub(crate) const COLLATION: u8 = 45;
/// Attributes of a connection that are kept.
const ATTRIBUTES_MAX: usize = 64;
/// A request for TLS is a login's first bytes, and so many.
pub(crate) const TLS_REQUEST_BYTES: usize = 32;

/// Who a client says it is. What it shows of its password is kept apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user's name as it came; invalid UTF-8 is replaced.
    pub user: String,
    /// The database that is to be the current one.
    pub database: Option<String>,
    /// What the client tells of itself, such as `_client_name`.
    pub attributes: Vec<(String, String)>,
    /// The number of the collation that it asks for, and with it of its character set; 0 for none.
    pub collation: u16,
    /// Whether an open connection changes its user.
    pub is_change: bool,
}

impl Login {
    /// Whether the character set that it asks for is one of which every text is UTF-8: utf8mb4, utf8mb3, ascii, or none at
    /// all, binary.
    #[must_use]
    pub fn speaks_utf8(&self) -> bool {
        matches!(
            self.collation,
            // The last ones are MariaDB's.
            0 | 11 | 33 | 45 | 46 | 63 | 65 | 76 | 83 | 192..=215 | 223..=247 | 255..=323 | 2048..=2559
        )
    }
}

/// A login with what it shows. It has no `Debug`.
pub(crate) struct LoginPacket {
    pub(crate) login: Login,
    pub(crate) capabilities: CapabilityFlags,
    pub(crate) plugin: Option<String>,
    pub(crate) shown: Zeroizing<Vec<u8>>,
}

/// What the server can do, before the client has said what it can.
pub(crate) fn offered(has_tls: bool) -> CapabilityFlags {
    let offered = CapabilityFlags::CLIENT_LONG_PASSWORD
        | CapabilityFlags::CLIENT_FOUND_ROWS
        | CapabilityFlags::CLIENT_LONG_FLAG
        | CapabilityFlags::CLIENT_CONNECT_WITH_DB
        | CapabilityFlags::CLIENT_COMPRESS
        | CapabilityFlags::CLIENT_LOCAL_FILES
        | CapabilityFlags::CLIENT_IGNORE_SPACE
        | CapabilityFlags::CLIENT_PROTOCOL_41
        | CapabilityFlags::CLIENT_INTERACTIVE
        | CapabilityFlags::CLIENT_TRANSACTIONS
        | CapabilityFlags::CLIENT_SECURE_CONNECTION
        | CapabilityFlags::CLIENT_MULTI_STATEMENTS
        | CapabilityFlags::CLIENT_MULTI_RESULTS
        | CapabilityFlags::CLIENT_PS_MULTI_RESULTS
        | CapabilityFlags::CLIENT_PLUGIN_AUTH
        | CapabilityFlags::CLIENT_CONNECT_ATTRS
        | CapabilityFlags::CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA
        | CapabilityFlags::CLIENT_SESSION_TRACK
        | CapabilityFlags::CLIENT_DEPRECATE_EOF;
    if has_tls {
        offered | CapabilityFlags::CLIENT_SSL
    } else {
        offered
    }
}

/// The first packet, version 10.
pub(crate) fn greeting(
    version: &str,
    connection_id: u32,
    nonce: &[u8; NONCE_BYTES],
    offered: CapabilityFlags,
) -> BytesMut {
    let mut out = BytesMut::new();
    let (first, second) = nonce.split_at(8);
    let bits = offered.bits();
    out.put_u8(10);
    // A zero would end it.
    out.extend(version.bytes().filter(|byte| *byte != 0));
    out.put_u8(0);
    out.put_u32_le(connection_id);
    out.put_slice(first);
    out.put_u8(0);
    out.put_u16_le((bits & 0xffff) as u16);
    out.put_u8(COLLATION);
    out.put_u16_le(StatusFlags::SERVER_STATUS_AUTOCOMMIT.bits());
    out.put_u16_le((bits >> 16) as u16);
    out.put_u8(NONCE_BYTES as u8 + 1);
    out.put_bytes(0, 10);
    out.put_slice(second);
    out.put_u8(0);
    out.put_slice(CACHING_SHA2.as_bytes());
    out.put_u8(0);
    out
}

/// What a client can do, as far as a login or a request for TLS says so with its first bytes.
pub(crate) fn capabilities(payload: &[u8]) -> Result<CapabilityFlags, ProtocolError> {
    let bits = Reader::new(payload).u32()?;
    let client = CapabilityFlags::from_bits_truncate(bits);
    let needed = CapabilityFlags::CLIENT_PROTOCOL_41 | CapabilityFlags::CLIENT_SECURE_CONNECTION;
    if client.contains(needed) {
        Ok(client)
    } else {
        Err(ProtocolError::OldClient)
    }
}

/// A client's answer to the greeting.
pub(crate) fn parse(payload: &[u8]) -> Result<LoginPacket, ProtocolError> {
    let capabilities = capabilities(payload)?;
    if !capabilities.contains(CapabilityFlags::CLIENT_PLUGIN_AUTH) {
        return Err(ProtocolError::NoPlugin);
    }
    let mut reader = Reader::new(payload);
    // What it can do, its longest packet, its character set, and 23 reserved bytes.
    let head = reader.bytes(TLS_REQUEST_BYTES)?;
    let collation = head.get(8).copied().unwrap_or_default().into();
    let user = text(reader.until_zero()?);
    let shown = match capabilities {
        flags if flags.contains(CapabilityFlags::CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA) => {
            reader.lenenc_bytes()?
        }
        _ => {
            let length = usize::from(reader.u8()?);
            reader.bytes(length)?
        }
    };
    let shown = Zeroizing::new(shown.to_vec());
    let database = match capabilities.contains(CapabilityFlags::CLIENT_CONNECT_WITH_DB) {
        true => named(reader.until_zero()?),
        false => None,
    };
    let (plugin, attributes) = tail(&mut reader, capabilities)?;
    Ok(LoginPacket {
        login: Login {
            user,
            database,
            attributes,
            collation,
            is_change: false,
        },
        capabilities,
        plugin,
        shown,
    })
}

/// COM_CHANGE_USER, behind its first byte.
pub(crate) fn parse_change(
    payload: &[u8],
    capabilities: CapabilityFlags,
) -> Result<LoginPacket, ProtocolError> {
    let mut reader = Reader::new(payload);
    let user = text(reader.until_zero()?);
    let length = usize::from(reader.u8()?);
    let shown = Zeroizing::new(reader.bytes(length)?.to_vec());
    let database = named(reader.until_zero()?);
    let (collation, (plugin, attributes)) = match reader.is_empty() {
        true => (0, (None, Vec::new())),
        false => (reader.u16()?, tail(&mut reader, capabilities)?),
    };
    Ok(LoginPacket {
        login: Login {
            user,
            database,
            attributes,
            collation,
            is_change: true,
        },
        capabilities,
        plugin,
        shown,
    })
}

type Tail = (Option<String>, Vec<(String, String)>);

/// The plugin and the attributes, with which both end.
fn tail(reader: &mut Reader<'_>, capabilities: CapabilityFlags) -> Result<Tail, Malformed> {
    let has_plugin = capabilities.contains(CapabilityFlags::CLIENT_PLUGIN_AUTH);
    let plugin = match has_plugin && !reader.is_empty() {
        // Some clients leave out the last zero.
        true => match reader.clone().until_zero() {
            Ok(_) => Some(text(reader.until_zero()?)),
            Err(_) => Some(text(reader.rest())),
        },
        false => None,
    };
    let mut attributes = Vec::new();
    if capabilities.contains(CapabilityFlags::CLIENT_CONNECT_ATTRS) && !reader.is_empty() {
        let mut pairs = Reader::new(reader.lenenc_bytes()?);
        while !pairs.is_empty() {
            let (name, value) = (pairs.lenenc_bytes()?, pairs.lenenc_bytes()?);
            if attributes.len() < ATTRIBUTES_MAX {
                attributes.push((text(name), text(value)));
            }
        }
    }
    Ok((plugin, attributes))
}

fn named(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty()).then(|| text(bytes))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
