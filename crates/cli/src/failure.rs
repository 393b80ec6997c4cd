//! How a failed statement reads: `ERROR 20101 (HY000): internal error: …`, as MySQL's own client prints it.
//! Code and SQLSTATE come from the `google.rpc.ErrorInfo` that the server attaches (docs/errors.md).

mod tls;

use std::error::Error;
use std::fmt;

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// The domain of the server's own `ErrorInfo`.
const DOMAIN: &str = "stagedoor";

/// A server, as errors name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    name: String,
    asker: Asker,
}

/// How a server was told who asks, which decides what helps after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// The owner of the data directory, who need not say so.
    #[cfg(feature = "embedded")]
    Owner,
    /// It was not told.
    Nobody,
    /// By name and password.
    Password,
    /// By the token that `stagedoor login` keeps.
    Token,
}

impl Target {
    /// `name` is the server's URL or data directory.
    pub(crate) fn new(name: &str, asker: Asker) -> Self {
        Self {
            name: name.to_owned(),
            asker,
        }
    }

    /// The server's URL or data directory.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What helps when the server does not know who asks.
    fn login_advice(&self) -> Option<String> {
        let login = format!("stagedoor login --url {} --user 'account:user'", self.name);
        match self.asker {
            #[cfg(feature = "embedded")]
            Asker::Owner => None,
            Asker::Nobody => Some(format!(
                "give --user 'account:user', or log in once: {login}"
            )),
            Asker::Password => None,
            Asker::Token => Some(format!(
                "the login kept for this server has expired or was revoked; log in again: {login}"
            )),
        }
    }
}

/// A failure in MySQL's terms. `Display` gives the whole line, and another one with what helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    code: String,
    sqlstate: String,
    message: String,
    advice: Option<String>,
    is_unknown_caller: bool,
}

impl Failure {
    fn new(code: &str, sqlstate: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            sqlstate: sqlstate.to_owned(),
            message: message.into(),
            advice: None,
            is_unknown_caller: false,
        }
    }

    /// The failure that a gRPC status reports.
    pub(crate) fn from_status(status: &Status, target: &Target) -> Self {
        let failure = Self::without_advice(status, target.name());
        match status.code() {
            Code::Unauthenticated => Self {
                advice: target.login_advice(),
                is_unknown_caller: true,
                ..failure
            },
            _ => failure,
        }
    }

    fn without_advice(status: &Status, target: &str) -> Self {
        let info = status
            .get_details_error_info()
            .filter(|info| info.domain == DOMAIN);
        if let Some(info) = info {
            let value = |key: &str, default: &str| {
                info.metadata
                    .get(key)
                    .map_or(default, String::as_str)
                    .to_owned()
            };
            return Self {
                code: value("code", "1105"),
                sqlstate: value("sqlstate", "HY000"),
                message: status.message().to_owned(),
                advice: None,
                is_unknown_caller: false,
            };
        }
        if let Some(reason) = status.source().and_then(tls::trouble) {
            return Self::no_tls(target, &reason);
        }
        match status.code() {
            Code::Unavailable => Self::unreachable(target, &detail(status)),
            Code::Unimplemented => {
                let detail = detail(status);
                let detail = if detail.is_empty() {
                    "it knows no such call"
                } else {
                    &detail
                };
                let message =
                    format!("{target} does not offer this part of stagedoor.v1: {detail}");
                Self::new("1105", "HY000", message)
            }
            // MySQL's ER_ACCESS_DENIED_ERROR and ER_SPECIFIC_ACCESS_DENIED_ERROR.
            Code::Unauthenticated => Self::new("1045", "28000", detail(status)),
            Code::PermissionDenied => Self::new("1227", "42000", detail(status)),
            // The transport's own refusal (MySQL's ER_NET_PACKET_TOO_LARGE).
            Code::OutOfRange => Self::new(
                "1153",
                "08S01",
                format!(
                    "{} (on the server's side its setting is limits.message_bytes_max)",
                    detail(status)
                ),
            ),
            // Made up on this side, for the connection is gone.
            _ if status.source().is_some() => Self::broken(target, &detail(status)),
            code => Self::new("1105", "HY000", format!("{code:?}: {}", detail(status))),
        }
    }

    /// The server does not answer (MySQL's CR_CONN_HOST_ERROR, 2003).
    fn unreachable(target: &str, detail: &str) -> Self {
        Self::new("2003", "HY000", format!("cannot reach {target}: {detail}"))
    }

    /// Whether the server does not know who asks: a wrong password, or a token that is no longer good.
    pub(crate) fn is_unknown_caller(&self) -> bool {
        self.is_unknown_caller
    }

    /// A connection to `target` did not come about, by the transport's error.
    pub(crate) fn from_transport(error: &(dyn Error + 'static), target: &str) -> Self {
        match tls::trouble(error) {
            Some(reason) => Self::no_tls(target, &reason),
            None => Self::unreachable(target, &innermost(error)),
        }
    }

    /// The connection ended before the answer (MySQL's CR_SERVER_LOST, 2013).
    fn broken(target: &str, detail: &str) -> Self {
        let advice = if target.starts_with("https://") {
            "if it never answers: a server that asks for client certificates closes connections without one that it trusts; give --client-cert FILE and --client-key FILE"
        } else {
            "if it never answers: a server that speaks TLS has a URL that begins with https://"
        };
        Self {
            advice: Some(advice.to_owned()),
            ..Self::new(
                "2013",
                "HY000",
                format!("lost the connection to {target}: {detail}"),
            )
        }
    }

    /// No TLS connection came about (MySQL's CR_SSL_CONNECTION_ERROR, 2026).
    fn no_tls(target: &str, reason: &str) -> Self {
        let message = format!("no TLS connection to {target}: {reason}");
        Self::new("2026", "HY000", message)
    }

    /// The user stopped a statement (MySQL's ER_QUERY_INTERRUPTED, 1317).
    pub(crate) fn interrupted() -> Self {
        Self::new("1317", "70100", "Query execution was interrupted")
    }

    /// Something on this machine is in the way of a transfer (MySQL's CR_UNKNOWN_ERROR, 2000).
    pub(crate) fn local(message: impl Into<String>) -> Self {
        Self::new("2000", "HY000", message)
    }

    /// The answer makes no sense (MySQL's CR_MALFORMED_PACKET, 2027).
    pub(crate) fn malformed(detail: impl fmt::Display) -> Self {
        Self::new(
            "2027",
            "HY000",
            format!("malformed answer of the server: {detail}"),
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ERROR {} ({}): {}",
            self.code, self.sqlstate, self.message
        )?;
        self.advice
            .iter()
            .try_for_each(|advice| write!(f, "\n  {advice}"))
    }
}

impl Error for Failure {}

/// A status in words: its message, and the innermost cause where that says more.
fn detail(status: &Status) -> String {
    let cause = status.source().map(innermost);
    match cause {
        Some(cause) if cause != status.message() => {
            if status.message().is_empty() {
                cause
            } else {
                format!("{} ({cause})", status.message())
            }
        }
        _ => status.message().to_owned(),
    }
}

/// The text of the last error in a chain of sources.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests;
