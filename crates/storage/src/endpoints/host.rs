//! The host of an endpoint: a name or an address in its one usual spelling.
//! Everything that programs read in different ways is refused rather than read.

use std::fmt;
use std::net::IpAddr;

use crate::error::{Error, ErrorKind, Result};

/// Longest name (RFC 1035), in characters with its dots.
const NAME_MAX: usize = 253;
/// Longest part of a name.
const LABEL_MAX: usize = 63;

/// A host in its usual spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// A name in lower case, without a dot at its end.
    Name(String),
    Address(IpAddr),
}

impl Host {
    /// Reads `name`, `192.0.2.1`, `[2001:db8::1]` or `2001:db8::1`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]; the text is not repeated, as it may hold a password.
    pub(super) fn parse(text: &str) -> Result<Self> {
        if text.is_empty() {
            return refuse("is empty");
        }
        if text.contains('@') {
            return refuse("has a user or password: give keys in CREDENTIALS");
        }
        if text.contains(['/', '?', '#', '\\']) {
            return refuse("has a path, a query or a fragment");
        }
        if !text.is_ascii() {
            return refuse("has letters beyond ASCII: write an international name as xn--…");
        }
        if let Some(inner) = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            return match inner.parse() {
                Ok(address) => Ok(Self::Address(IpAddr::V6(address))),
                Err(_) => refuse("has brackets around what is no IPv6 address"),
            };
        }
        if text.contains(':') {
            return match text.parse() {
                Ok(address) => Ok(Self::Address(IpAddr::V6(address))),
                Err(_) => refuse("is no IPv6 address"),
            };
        }
        let name = text.to_ascii_lowercase();
        if name.ends_with('.') {
            return refuse("ends in a dot");
        }
        let labels_fit = name.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= LABEL_MAX
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        });
        if name.len() > NAME_MAX || !labels_fit {
            return refuse("is no host name");
        }
        if !ends_in_number(&name) {
            return Ok(Self::Name(name));
        }
        // Some read `127.1`, `0x7f000001`, `017700000001` and `2130706433` as 127.0.0.1.
        match name.parse() {
            Ok(address) => Ok(Self::Address(IpAddr::V4(address))),
            Err(_) => {
                refuse("is an address in an unusual spelling: write four numbers, as 192.0.2.1")
            }
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// The WHATWG URL standard's test for what is meant as an IPv4 address.
fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    last.bytes().all(|byte| byte.is_ascii_digit())
        || last
            .strip_prefix("0x")
            .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn refuse<T>(what: &str) -> Result<T> {
    Err(Error::new(
        ErrorKind::Invalid,
        format!("the host of the endpoint {what}"),
    ))
}
