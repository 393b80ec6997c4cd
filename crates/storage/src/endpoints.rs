//! `EndpointPolicy`: which hosts of buckets the server connects to. A user who may name a host must not
//! reach through the server what only the server can reach (server-side request forgery).

mod address;
mod endpoint;
mod host;
mod rule;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

pub use endpoint::Endpoint;
pub use rule::EndpointRule;

use address::{Kind, kind, plain};
use host::Host;

use crate::error::{Error, ErrorKind, Result};

/// How an endpoint is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// With transport security.
    Https,
    /// In plain text.
    Http,
}

impl FromStr for Scheme {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::Invalid`] for all but `https` and `http`.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "https" => Ok(Self::Https),
            "http" => Ok(Self::Http),
            _ => Err(Error::new(
                ErrorKind::Invalid,
                "an endpoint begins with https:// or http://",
            )),
        }
    }
}

/// Which endpoints may be used. The default: any public host, with transport security.
///
/// An allow list is the whole list: with one, only what it lists is used. Loopback, private, shared,
/// link-local, metadata, unspecified, multicast and reserved addresses and the server's own are refused
/// unless they are listed. A listed name covers the loopback, private and shared addresses that it resolves
/// to, no others; a metadata, unspecified, multicast or reserved address or one of the server's own must be
/// listed by itself, not within a network.
///
/// Use: [`Self::check`] for what a user wrote, then [`CheckedEndpoint::check_address`] for each address
/// it resolves to, at every connection, and connect to just that address. Redirects must not be followed.
#[derive(Debug, Clone, Default)]
pub struct EndpointPolicy {
    allow: Option<Vec<EndpointRule>>,
    http: bool,
    own: Vec<SocketAddr>,
}

/// An endpoint that may be used, once its address has been checked.
#[derive(Debug, Clone)]
pub struct CheckedEndpoint<'a> {
    policy: &'a EndpointPolicy,
    host: Host,
    port: u16,
    listed: bool,
}

/// Names of loopback addresses and of metadata services, refused before they are resolved.
const NAMES: [(&str, Kind); 8] = [
    ("localhost", Kind::Loopback),
    ("localhost.localdomain", Kind::Loopback),
    ("ip6-localhost", Kind::Loopback),
    ("ip6-loopback", Kind::Loopback),
    ("metadata.google.internal", Kind::Metadata),
    ("metadata.goog", Kind::Metadata),
    ("metadata", Kind::Metadata),
    ("instance-data.ec2.internal", Kind::Metadata),
];

impl EndpointPolicy {
    /// Uses only what these rules list; none of them means nothing at all.
    #[must_use]
    pub fn allow_only(mut self, rules: Vec<EndpointRule>) -> Self {
        self.allow = Some(rules);
        self
    }

    /// Also permits endpoints without transport security.
    #[must_use]
    pub fn allow_http(mut self, http: bool) -> Self {
        self.http = http;
        self
    }

    /// The addresses that the server listens on. Of `0.0.0.0` and `[::]` every address that is not public
    /// counts as its own on that port; give the machine's public addresses beside them.
    #[must_use]
    pub fn own_addresses(mut self, own: Vec<SocketAddr>) -> Self {
        self.own = own;
        self
    }

    /// Checks an endpoint as a user wrote it: `host` is a name or an address, IPv6 with or without brackets.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for what is no plain host (user, path, query, unusual spelling);
    /// [`ErrorKind::PermissionDenied`], naming the setting, for what may not be used.
    pub fn check(&self, host: &str, port: u16, scheme: Scheme) -> Result<CheckedEndpoint<'_>> {
        let host = Host::parse(host)?;
        if port == 0 {
            return Err(Error::new(
                ErrorKind::Invalid,
                "the port of an endpoint is 1 to 65535",
            ));
        }
        if scheme == Scheme::Http && !self.http {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                format!(
                    "endpoint '{host}:{port}' is not permitted: it is without transport security; use https, or the setting endpoints.http"
                ),
            ));
        }
        let mut listed = false;
        match &host {
            Host::Address(address) => self.check_address(*address, port)?,
            Host::Name(name) => listed = self.check_name(name, port)?,
        }
        Ok(CheckedEndpoint {
            policy: self,
            host,
            port,
            listed,
        })
    }

    /// Checks an address that no listed name stands for.
    ///
    /// # Errors
    /// [`ErrorKind::PermissionDenied`], naming address and setting.
    pub fn check_address(&self, address: IpAddr, port: u16) -> Result<()> {
        self.check_resolved(address, port, false)
    }

    /// Whether the name is listed; an error if it cannot be permitted whatever it resolves to.
    fn check_name(&self, name: &str, port: u16) -> Result<bool> {
        let rules = self.allow.as_deref().unwrap_or_default();
        if rules.iter().any(|rule| rule.lists_name(name, port)) {
            return Ok(true);
        }
        let special = NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, kind)| *kind)
            .or_else(|| name.ends_with(".localhost").then_some(Kind::Loopback));
        if let Some(kind) = special {
            return Err(refused(
                name,
                port,
                &format!("it stands for {}", kind.words()),
            ));
        }
        if self.allow.is_some() && !rules.iter().any(|rule| rule.lists_addresses(port)) {
            return Err(unlisted(name, port));
        }
        Ok(false)
    }

    fn check_resolved(&self, address: IpAddr, port: u16, name_listed: bool) -> Result<()> {
        let address = plain(address);
        let own = self.is_own(address, port);
        let rules = self.allow.as_deref().unwrap_or_default();
        if rules
            .iter()
            .any(|rule| rule.lists_address(address, port, own))
        {
            return Ok(());
        }
        let shown = Host::Address(address);
        if own {
            return Err(refused(&shown, port, "it is the server's own address"));
        }
        let kind = kind(address);
        match kind {
            Kind::Public | Kind::Loopback | Kind::Private | Kind::Shared if name_listed => Ok(()),
            Kind::Public if self.allow.is_none() => Ok(()),
            Kind::Public => Err(unlisted(&shown, port)),
            Kind::Loopback
            | Kind::Private
            | Kind::Shared
            | Kind::LinkLocal
            | Kind::Metadata
            | Kind::Unspecified
            | Kind::Multicast
            | Kind::Reserved => Err(refused(&shown, port, &format!("it is {}", kind.words()))),
        }
    }

    fn is_own(&self, address: IpAddr, port: u16) -> bool {
        self.own.iter().any(|own| {
            let listens = plain(own.ip());
            own.port() == port
                && (listens == address
                    || listens.is_unspecified() && kind(address) != Kind::Public
                    // All of 127.0.0.0/8 is this machine.
                    || kind(listens) == Kind::Loopback && kind(address) == Kind::Loopback)
        })
    }
}

impl CheckedEndpoint<'_> {
    /// Checks an address that the endpoint's name resolves to, before a connection is made to it.
    ///
    /// # Errors
    /// [`ErrorKind::PermissionDenied`], naming address and setting.
    pub fn check_address(&self, address: IpAddr) -> Result<()> {
        self.policy.check_resolved(address, self.port, self.listed)
    }

    /// The host in its one spelling: a name in lower case, or an address, IPv6 in brackets.
    #[must_use]
    pub fn host(&self) -> String {
        self.host.to_string()
    }
}

fn refused(host: impl std::fmt::Display, port: u16, why: &str) -> Error {
    Error::new(
        ErrorKind::PermissionDenied,
        format!(
            "endpoint '{host}:{port}' is not permitted: {why}, and the setting endpoints.allow does not list it"
        ),
    )
}

fn unlisted(host: impl std::fmt::Display, port: u16) -> Error {
    Error::new(
        ErrorKind::PermissionDenied,
        format!(
            "endpoint '{host}:{port}' is not permitted: the setting endpoints.allow does not list it"
        ),
    )
}
