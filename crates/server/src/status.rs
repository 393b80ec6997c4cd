//! The one table from an [`Error`]'s reason to a gRPC status with `google.rpc` details, for `stagedoor.v1` and Flight SQL.
//! MySQL code, SQLSTATE and reason travel in `ErrorInfo`; retryable errors carry `RetryInfo`.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::error::{Error, Reason};

/// The domain of every `ErrorInfo`.
pub const ERROR_DOMAIN: &str = "stagedoor";

const RETRY_AFTER: Duration = Duration::from_millis(500);

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let metadata = HashMap::from([
            ("code".to_owned(), error.code().to_string()),
            ("sqlstate".to_owned(), error.sqlstate().to_owned()),
        ]);
        let mut details =
            ErrorDetails::with_error_info(name(error.reason()), ERROR_DOMAIN, metadata);
        if error.is_retryable() {
            details.set_retry_info(Some(error.retry_after_hint().unwrap_or(RETRY_AFTER)));
        }
        let text = match error.told() {
            Some(told) => {
                // The call's span has the request's id, which the client has, too.
                tracing::error!(
                    error = error.message(),
                    "failed for a cause that is the server's own"
                );
                told.to_owned()
            }
            None => shortened(error.message()),
        };
        Status::with_error_details(code(error.reason()), text, details)
    }
}

/// A text that fits into a header: clients take 8 KiB of all headers together, and text that is not ASCII triples.
const MESSAGE_BYTES_MAX: usize = 1536;

fn shortened(message: &str) -> String {
    if message.len() <= MESSAGE_BYTES_MAX {
        return message.to_owned();
    }
    let end = message.floor_char_boundary(MESSAGE_BYTES_MAX);
    format!("{}… ({} bytes in all)", &message[..end], message.len())
}

/// Makes the table: every reason once, or it does not compile.
macro_rules! reasons {
    ($($reason:ident $name:literal $code:ident,)*) => {
        /// All reasons.
        pub const REASONS: [Reason; [$(Reason::$reason),*].len()] = [$(Reason::$reason),*];

        /// The gRPC code that a reason travels under.
        pub fn code(reason: Reason) -> Code {
            match reason {
                $(Reason::$reason => Code::$code,)*
            }
        }

        /// The reason as it travels, in the upper snake case of AIP-193.
        pub fn name(reason: Reason) -> &'static str {
            match reason {
                $(Reason::$reason => $name,)*
            }
        }
    };
}

// The table of docs/errors.md, which has it beside MySQL's numbers, is compared with this one by a test. STORE_REFUSED is
// of the stage's keys and not of the caller, who may do what was asked.
reasons! {
    SyntaxError "SYNTAX_ERROR" InvalidArgument,
    StageExists "STAGE_EXISTS" AlreadyExists,
    StageNotFound "STAGE_NOT_FOUND" NotFound,
    StageDisabled "STAGE_DISABLED" FailedPrecondition,
    StageRequired "STAGE_REQUIRED" FailedPrecondition,
    PolicyDenied "POLICY_DENIED" FailedPrecondition,
    ExportIdReused "EXPORT_ID_REUSED" AlreadyExists,
    StageInUse "STAGE_IN_USE" FailedPrecondition,
    StageVersionConflict "STAGE_VERSION_CONFLICT" Aborted,
    StageInvalid "STAGE_INVALID" InvalidArgument,
    StageOptionCount "STAGE_OPTION_COUNT" InvalidArgument,
    Unauthenticated "UNAUTHENTICATED" Unauthenticated,
    LoginThrottled "LOGIN_THROTTLED" ResourceExhausted,
    RoleNotGranted "ROLE_NOT_GRANTED" PermissionDenied,
    PermissionDenied "PERMISSION_DENIED" PermissionDenied,
    AccountExists "ACCOUNT_EXISTS" AlreadyExists,
    AccountNotFound "ACCOUNT_NOT_FOUND" NotFound,
    UserExists "USER_EXISTS" AlreadyExists,
    UserNotFound "USER_NOT_FOUND" NotFound,
    RoleExists "ROLE_EXISTS" AlreadyExists,
    RoleNotFound "ROLE_NOT_FOUND" NotFound,
    TokenNotFound "TOKEN_NOT_FOUND" NotFound,
    IdentityInUse "IDENTITY_IN_USE" FailedPrecondition,
    IdentityVersionConflict "IDENTITY_VERSION_CONFLICT" Aborted,
    SecretUnavailable "SECRET_UNAVAILABLE" FailedPrecondition,
    TargetExists "TARGET_EXISTS" AlreadyExists,
    TargetInvalid "TARGET_INVALID" InvalidArgument,
    OptionInvalid "OPTION_INVALID" InvalidArgument,
    DatabaseExists "DATABASE_EXISTS" AlreadyExists,
    DatabaseNotFound "DATABASE_NOT_FOUND" NotFound,
    TableExists "TABLE_EXISTS" AlreadyExists,
    TableNotFound "TABLE_NOT_FOUND" NotFound,
    ColumnNotFound "COLUMN_NOT_FOUND" NotFound,
    ValueInvalid "VALUE_INVALID" InvalidArgument,
    QueryInvalid "QUERY_INVALID" InvalidArgument,
    FileInvalid "FILE_INVALID" FailedPrecondition,
    FileNotFound "FILE_NOT_FOUND" NotFound,
    FileChanged "FILE_CHANGED" Aborted,
    ChecksumMismatch "CHECKSUM_MISMATCH" InvalidArgument,
    ExportNotFound "EXPORT_NOT_FOUND" NotFound,
    ExportCancelled "EXPORT_CANCELLED" Cancelled,
    ExportState "EXPORT_STATE" FailedPrecondition,
    SessionNotFound "SESSION_NOT_FOUND" NotFound,
    StatementKilled "STATEMENT_KILLED" Cancelled,
    StatementTimeout "STATEMENT_TIMEOUT" DeadlineExceeded,
    LimitExceeded "LIMIT_EXCEEDED" ResourceExhausted,
    StorageFull "STORAGE_FULL" ResourceExhausted,
    StorageFailed "STORAGE_FAILED" Unavailable,
    StoreRefused "STORE_REFUSED" FailedPrecondition,
    ShuttingDown "SHUTTING_DOWN" Unavailable,
    CatalogReadOnly "CATALOG_READ_ONLY" FailedPrecondition,
    DataLoss "DATA_LOSS" DataLoss,
    NotImplemented "NOT_IMPLEMENTED" Unimplemented,
    NotSupported "NOT_SUPPORTED" Unimplemented,
    Internal "INTERNAL" Internal,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_documents_have_the_same_table() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
        let text = std::fs::read_to_string(file).unwrap();
        let rows = text.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            let name = cells.next()?;
            let is_reason = name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
            is_reason.then(|| (name.to_owned(), cells.next().unwrap_or_default().to_owned()))
        });
        let mut documented: Vec<(String, String)> = rows.collect();
        documented.sort();
        let upper = |code: Code| {
            let mut text = String::new();
            for letter in format!("{code:?}").chars() {
                if letter.is_ascii_uppercase() && !text.is_empty() {
                    text.push('_');
                }
                text.push(letter.to_ascii_uppercase());
            }
            text
        };
        let known = REASONS.map(|reason| (name(reason).to_owned(), upper(code(reason))));
        let mut known = known.to_vec();
        known.sort();
        assert_eq!(documented, known);
    }

    #[test]
    fn a_client_learns_no_place_of_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("planted-place");
        std::fs::write(&file, "no directory").unwrap();
        let error = catalog::Catalog::open(&file, catalog::Options::default()).unwrap_err();
        let error = Error::from(error).within("table t");
        assert!(error.message().contains("planted-place"), "{error}");
        let status = Status::from(error);
        assert!(!format!("{status:?}").contains("planted"), "{status:?}");
        assert!(status.message().contains("log"), "{status:?}");
    }
}
