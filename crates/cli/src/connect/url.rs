//! A server's URL, checked and in one form, so that a login is found again however the URL was typed.
//! It says whether what is sent there can be read on the way.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use crate::usage::Usage;

/// A server's URL: `http://` or `https://`, a host, perhaps a port, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    /// `scheme://host[:port]`, in lower case, without the scheme's own port.
    text: String,
    is_tls: bool,
    is_loopback: bool,
}

impl ServerUrl {
    /// Reads a URL as a person types it.
    ///
    /// # Errors
    /// What a server's URL must read like. A user or password in it is not repeated.
    pub(crate) fn parse(text: &str) -> Result<Self, Usage> {
        if text.contains('@') {
            return Err(Usage::new(
                "a server's URL holds no user and no password: use --user, and --password-file, STAGEDOOR_PASSWORD or the prompt",
            ));
        }
        let wrong = || {
            Usage::new(format!(
                "`{text}` is not a server's URL; it must read like http://127.0.0.1:7550 or https://host:7550"
            ))
        };
        let lower = text.to_ascii_lowercase();
        if !lower.starts_with("http://") && !lower.starts_with("https://") {
            return Err(wrong());
        }
        let url = Url::parse(text).map_err(|_| wrong())?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let host = url.host().filter(|_| is_bare).ok_or_else(wrong)?;
        Ok(Self {
            text: url.origin().ascii_serialization(),
            is_tls: url.scheme() == "https",
            is_loopback: match host {
                Host::Domain(name) => name == "localhost",
                Host::Ipv4(address) => address.is_loopback(),
                Host::Ipv6(address) => IpAddr::from(address).to_canonical().is_loopback(),
            },
        })
    }

    /// The URL in its one form, such as `https://host:7550`.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the URL is an `https://` one.
    pub(crate) fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Whether nobody on the way can read what is sent: it is encrypted, or does not leave the machine.
    pub(crate) fn is_private(&self) -> bool {
        self.is_tls || self.is_loopback
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_url_has_one_form() {
        for (typed, one) in [
            ("http://127.0.0.1:7550", "http://127.0.0.1:7550"),
            ("HTTP://Host.Example", "http://host.example"),
            ("http://h:80/", "http://h"),
            ("https://h:443", "https://h"),
            ("https://h:80", "https://h:80"),
            ("http://[::1]:7550/", "http://[::1]:7550"),
        ] {
            assert_eq!(ServerUrl::parse(typed).unwrap().as_str(), one, "{typed}");
        }
    }

    #[test]
    fn other_texts_are_told_what_a_url_is() {
        for url in [
            "127.0.0.1:7550",
            "localhost:7550",
            "ftp://h",
            "http:h",
            "http://",
            "http://h/path",
            "http://h/?q",
            "",
        ] {
            let refusal = ServerUrl::parse(url).unwrap_err().to_string();
            assert!(refusal.contains("must read like http://127.0.0.1:7550"));
        }
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_repeated() {
        let refusal = ServerUrl::parse("http://ann:hush@h").unwrap_err();
        assert!(refusal.to_string().contains("use --user"), "{refusal}");
        assert!(!refusal.to_string().contains("hush"), "{refusal}");
    }

    #[test]
    fn plain_text_is_private_only_on_this_machine() {
        for url in [
            "http://127.0.0.1:1",
            "http://127.9.9.9",
            "http://localhost:1",
            "http://LOCALHOST",
            "http://[::1]",
            "http://[::ffff:127.0.0.1]",
            "https://h",
        ] {
            assert!(ServerUrl::parse(url).unwrap().is_private(), "{url}");
        }
        for url in [
            "http://10.0.0.1",
            "http://h",
            "http://localhost.example.com",
            "http://[2001:db8::1]",
            "http://0.0.0.0",
        ] {
            assert!(!ServerUrl::parse(url).unwrap().is_private(), "{url}");
        }
    }
}
