//! `Endpoint`: what a user writes as an endpoint, taken apart. The one reader of that text.

use std::str::FromStr;

use super::Scheme;
use crate::error::{Error, ErrorKind, Result};

/// `[scheme://]host[:port][/]`; without a scheme with transport security.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// A name in lower case, or an address, IPv6 in brackets. Not looked at any closer.
    pub host: String,
    /// None for the scheme's own.
    pub port: Option<u16>,
}

impl Endpoint {
    /// The port that is connected to.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(self.scheme.port())
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::Invalid`]; the text is not repeated, as it may hold a password.
    fn from_str(text: &str) -> Result<Self> {
        let malformed = || {
            invalid(
                "the endpoint is not of the form https://host:port, with neither user, path nor query",
            )
        };
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme.to_lowercase().parse()?, rest),
            None => (Scheme::Https, text),
        };
        let rest = rest.trim_end_matches('/');
        let authority: http::uri::Authority = rest.parse().map_err(|_| malformed())?;
        if rest.contains(['@', '/', '?', '#']) || authority.host().is_empty() {
            return Err(malformed());
        }
        let host = authority.host();
        let port = match rest.strip_prefix(host) {
            Some("") => None,
            Some(after) => Some(
                after
                    .strip_prefix(':')
                    .and_then(|port| port.parse().ok())
                    .filter(|port| *port != 0)
                    .ok_or_else(|| invalid("the port of an endpoint is 1 to 65535"))?,
            ),
            None => return Err(malformed()),
        };
        Ok(Self {
            scheme,
            host: host.to_lowercase(),
            port: port.filter(|port| *port != scheme.port()),
        })
    }
}

impl Scheme {
    /// The port where none is named.
    fn port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

fn invalid(why: &str) -> Error {
    Error::new(ErrorKind::Invalid, why)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn an_endpoint_is_read_in_one_way() {
        for (text, scheme, host, port, connected) in [
            ("minio.corp", Scheme::Https, "minio.corp", None, 443),
            ("Minio:9000/", Scheme::Https, "minio", Some(9000), 9000),
            ("HTTP://minio:80", Scheme::Http, "minio", None, 80),
            ("http://minio:443", Scheme::Http, "minio", Some(443), 443),
            ("https://[::1]:9", Scheme::Https, "[::1]", Some(9), 9),
            ("[2001:db8::1]", Scheme::Https, "[2001:db8::1]", None, 443),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(
                (endpoint.scheme, endpoint.host.as_str(), endpoint.port),
                (scheme, host, port),
                "{text}"
            );
            assert_eq!(endpoint.port(), connected, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_without_being_repeated() {
        for text in [
            "",
            "https://",
            "ftp://planted",
            "https://KEY:planted@host",
            "planted/bucket",
            "planted?x",
            "planted:",
            "planted:port",
            "planted:0",
            "planted:65536",
            "2001:db8::1",
            "plan ted",
        ] {
            let error = text.parse::<Endpoint>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
            assert!(!error.to_string().contains("planted"), "{text}: {error}");
        }
    }
}
