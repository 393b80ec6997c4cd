//! How a failed statement reads: `ERROR 20101 (HY000): internal error: …`, as MySQL's own client prints it.
//! Code and SQLSTATE come from the `google.rpc.ErrorInfo` that the server attaches (docs/errors.md).

use std::error::Error;
use std::fmt;

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// The domain of the server's own `ErrorInfo`.
const DOMAIN: &str = "stagedoor";

/// A failure in MySQL's terms. `Display` gives the whole line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    code: String,
    sqlstate: String,
    message: String,
}

impl Failure {
    fn new(code: &str, sqlstate: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            sqlstate: sqlstate.to_owned(),
            message: message.into(),
        }
    }

    /// The failure that a gRPC status reports; `target` is how the user named the server.
    pub(crate) fn from_status(status: &Status, target: &str) -> Self {
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
            };
        }
        match status.code() {
            Code::Unavailable => Self::unreachable(target, &detail(status)),
            Code::Unimplemented => Self::new(
                "1105",
                "HY000",
                format!("{target} does not offer stagedoor.v1: {}", detail(status)),
            ),
            code => Self::new("1105", "HY000", format!("{code:?}: {}", detail(status))),
        }
    }

    /// The server does not answer (MySQL's CR_CONN_HOST_ERROR, 2003).
    pub(crate) fn unreachable(target: &str, detail: &str) -> Self {
        Self::new("2003", "HY000", format!("cannot reach {target}: {detail}"))
    }

    /// The user stopped a statement (MySQL's ER_QUERY_INTERRUPTED, 1317).
    pub(crate) fn interrupted() -> Self {
        Self::new("1317", "70100", "Query execution was interrupted")
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
        )
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
mod tests {
    use std::collections::HashMap;

    use tonic_types::ErrorDetails;

    use super::*;

    fn with_info(domain: &str) -> Status {
        let metadata = HashMap::from([
            ("code".to_owned(), "20101".to_owned()),
            ("sqlstate".to_owned(), "HY000".to_owned()),
        ]);
        Status::with_error_details(
            Code::FailedPrecondition,
            "internal error: stage exists, please try to check and use a stage instead",
            ErrorDetails::with_error_info("STAGE_REQUIRED", domain, metadata),
        )
    }

    #[test]
    fn the_servers_error_reads_as_mysql_prints_it() {
        assert_eq!(
            Failure::from_status(&with_info("stagedoor"), "http://h:1").to_string(),
            "ERROR 20101 (HY000): internal error: stage exists, please try to check and use a stage instead"
        );
    }

    #[test]
    fn another_services_error_info_is_not_ours() {
        let text = Failure::from_status(&with_info("googleapis.com"), "http://h:1").to_string();
        assert!(
            text.starts_with("ERROR 1105 (HY000): FailedPrecondition: "),
            "{text}"
        );
    }

    #[test]
    fn an_unreachable_server_is_named() {
        let status = Status::unavailable("tcp connect error");
        assert_eq!(
            Failure::from_status(&status, "http://h:1").to_string(),
            "ERROR 2003 (HY000): cannot reach http://h:1: tcp connect error"
        );
    }
}
