//! One entry of the setting `endpoints.allow`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use super::address::{Kind, kind, plain};
use super::host::Host;
use crate::error::{Error, ErrorKind, Result};

/// A host, a domain's hosts, an address or a network, each with or without a port:
/// `minio.corp`, `minio.corp:9000`, `*.corp`, `10.1.2.3:9000`, `[fd00::1]:9000`, `10.0.0.0/8`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointRule {
    place: Place,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Name(String),
    /// The domain with a dot before it: every host below it, not the domain itself.
    Below(String),
    Network(IpNet),
}

impl EndpointRule {
    /// Whether the rule lists a host name.
    pub(super) fn lists_name(&self, name: &str, port: u16) -> bool {
        let named = match &self.place {
            Place::Name(listed) => listed == name,
            Place::Below(domain) => name.len() > domain.len() && name.ends_with(domain.as_str()),
            Place::Network(_) => false,
        };
        named && self.takes(port)
    }

    /// Whether the rule may list the addresses that a name stands for.
    pub(super) fn lists_addresses(&self, port: u16) -> bool {
        matches!(self.place, Place::Network(_)) && self.takes(port)
    }

    /// Whether the rule lists an address as what it is: a wide network is not meant to hold the addresses
    /// that no network is for, those must be listed by themselves.
    pub(super) fn lists_address(&self, address: IpAddr, port: u16, own: bool) -> bool {
        let Place::Network(network) = &self.place else {
            return false;
        };
        let alone = network.prefix_len() == network.max_prefix_len();
        let meant = match kind(address) {
            _ if own => alone,
            Kind::Metadata | Kind::Unspecified | Kind::Multicast | Kind::Reserved => alone,
            Kind::LinkLocal => alone || kind(network.network()) == Kind::LinkLocal,
            Kind::Public | Kind::Loopback | Kind::Private | Kind::Shared => true,
        };
        meant && network.contains(&address) && self.takes(port)
    }

    fn takes(&self, port: u16) -> bool {
        self.port.is_none_or(|listed| listed == port)
    }
}

impl FromStr for EndpointRule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let invalid = |what: &str| {
            Error::new(
                ErrorKind::Invalid,
                format!(
                    "the setting endpoints.allow has an entry that {what}; entries are 'host', 'host:port', '*.domain', an address or a network such as 10.0.0.0/8"
                ),
            )
        };
        if text.contains('/') {
            let network: IpNet = text.parse().map_err(|_| invalid("is no network"))?;
            if network.trunc() != network {
                return Err(invalid("is a network with bits of a host"));
            }
            return Ok(Self {
                place: Place::Network(network),
                port: None,
            });
        }
        // `fd00::1` has colons of its own; with a port it stands in brackets.
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                let port = port.parse().ok().filter(|port| *port > 0);
                (
                    host,
                    Some(port.ok_or_else(|| invalid("has no valid port"))?),
                )
            }
            _ => (text, None),
        };
        let place = match host.strip_prefix("*.") {
            Some(domain) => match Host::parse(domain).map_err(|_| invalid("is no domain"))? {
                Host::Name(domain) => Place::Below(format!(".{domain}")),
                Host::Address(_) => return Err(invalid("is no domain")),
            },
            None => match Host::parse(host).map_err(|_| invalid("is no host"))? {
                Host::Name(name) => Place::Name(name),
                Host::Address(address) => Place::Network(IpNet::from(plain(address))),
            },
        };
        Ok(Self { place, port })
    }
}

impl fmt::Display for EndpointRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Name(name) => f.write_str(name)?,
            Place::Below(domain) => write!(f, "*{domain}")?,
            Place::Network(network) if network.prefix_len() == network.max_prefix_len() => {
                Host::Address(network.addr()).fmt(f)?;
            }
            Place::Network(network) => network.fmt(f)?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}
