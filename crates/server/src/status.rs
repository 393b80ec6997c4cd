//! The one table from an [`Error`]'s reason to a gRPC status with `google.rpc` details.
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

/// No wildcard: a new reason has to be given a code.
pub(crate) fn code(reason: Reason) -> Code {
    match reason {
        Reason::SyntaxError
        | Reason::StageInvalid
        | Reason::StageOptionCount
        | Reason::TargetInvalid
        | Reason::OptionInvalid
        | Reason::ValueInvalid
        | Reason::ChecksumMismatch
        | Reason::QueryInvalid => Code::InvalidArgument,
        Reason::StageExists
        | Reason::TargetExists
        | Reason::DatabaseExists
        | Reason::TableExists
        | Reason::AccountExists
        | Reason::UserExists
        | Reason::RoleExists
        | Reason::ExportIdReused => Code::AlreadyExists,
        Reason::StageNotFound
        | Reason::DatabaseNotFound
        | Reason::TableNotFound
        | Reason::ColumnNotFound
        | Reason::FileNotFound
        | Reason::ExportNotFound
        | Reason::SessionNotFound
        | Reason::AccountNotFound
        | Reason::UserNotFound
        | Reason::RoleNotFound
        | Reason::TokenNotFound => Code::NotFound,
        Reason::StageDisabled
        | Reason::StageRequired
        | Reason::PolicyDenied
        | Reason::StageInUse
        | Reason::ExportState
        | Reason::FileInvalid
        | Reason::IdentityInUse
        | Reason::SecretUnavailable
        // Of the stage's keys and not of the caller, who may do what was asked.
        | Reason::StoreRefused
        | Reason::CatalogReadOnly => Code::FailedPrecondition,
        Reason::StageVersionConflict | Reason::IdentityVersionConflict | Reason::FileChanged => {
            Code::Aborted
        }
        Reason::Unauthenticated => Code::Unauthenticated,
        Reason::PermissionDenied | Reason::RoleNotGranted => Code::PermissionDenied,
        Reason::ExportCancelled | Reason::StatementKilled => Code::Cancelled,
        Reason::StatementTimeout => Code::DeadlineExceeded,
        Reason::LimitExceeded | Reason::LoginThrottled | Reason::StorageFull => {
            Code::ResourceExhausted
        }
        Reason::StorageFailed | Reason::ShuttingDown => Code::Unavailable,
        Reason::DataLoss => Code::DataLoss,
        Reason::NotImplemented | Reason::NotSupported => Code::Unimplemented,
        Reason::Internal => Code::Internal,
    }
}

/// The reason as it travels, in the upper snake case of AIP-193.
pub fn name(reason: Reason) -> &'static str {
    match reason {
        Reason::SyntaxError => "SYNTAX_ERROR",
        Reason::StageExists => "STAGE_EXISTS",
        Reason::StageNotFound => "STAGE_NOT_FOUND",
        Reason::StageDisabled => "STAGE_DISABLED",
        Reason::StageRequired => "STAGE_REQUIRED",
        Reason::PolicyDenied => "POLICY_DENIED",
        Reason::ExportIdReused => "EXPORT_ID_REUSED",
        Reason::StageInUse => "STAGE_IN_USE",
        Reason::StageVersionConflict => "STAGE_VERSION_CONFLICT",
        Reason::StageInvalid => "STAGE_INVALID",
        Reason::StageOptionCount => "STAGE_OPTION_COUNT",
        Reason::Unauthenticated => "UNAUTHENTICATED",
        Reason::LoginThrottled => "LOGIN_THROTTLED",
        Reason::RoleNotGranted => "ROLE_NOT_GRANTED",
        Reason::PermissionDenied => "PERMISSION_DENIED",
        Reason::AccountExists => "ACCOUNT_EXISTS",
        Reason::AccountNotFound => "ACCOUNT_NOT_FOUND",
        Reason::UserExists => "USER_EXISTS",
        Reason::UserNotFound => "USER_NOT_FOUND",
        Reason::RoleExists => "ROLE_EXISTS",
        Reason::RoleNotFound => "ROLE_NOT_FOUND",
        Reason::TokenNotFound => "TOKEN_NOT_FOUND",
        Reason::IdentityInUse => "IDENTITY_IN_USE",
        Reason::IdentityVersionConflict => "IDENTITY_VERSION_CONFLICT",
        Reason::SecretUnavailable => "SECRET_UNAVAILABLE",
        Reason::TargetExists => "TARGET_EXISTS",
        Reason::TargetInvalid => "TARGET_INVALID",
        Reason::OptionInvalid => "OPTION_INVALID",
        Reason::DatabaseExists => "DATABASE_EXISTS",
        Reason::DatabaseNotFound => "DATABASE_NOT_FOUND",
        Reason::TableExists => "TABLE_EXISTS",
        Reason::TableNotFound => "TABLE_NOT_FOUND",
        Reason::ColumnNotFound => "COLUMN_NOT_FOUND",
        Reason::ValueInvalid => "VALUE_INVALID",
        Reason::QueryInvalid => "QUERY_INVALID",
        Reason::FileInvalid => "FILE_INVALID",
        Reason::FileNotFound => "FILE_NOT_FOUND",
        Reason::FileChanged => "FILE_CHANGED",
        Reason::ChecksumMismatch => "CHECKSUM_MISMATCH",
        Reason::ExportNotFound => "EXPORT_NOT_FOUND",
        Reason::ExportCancelled => "EXPORT_CANCELLED",
        Reason::ExportState => "EXPORT_STATE",
        Reason::SessionNotFound => "SESSION_NOT_FOUND",
        Reason::StatementKilled => "STATEMENT_KILLED",
        Reason::StatementTimeout => "STATEMENT_TIMEOUT",
        Reason::LimitExceeded => "LIMIT_EXCEEDED",
        Reason::StorageFull => "STORAGE_FULL",
        Reason::StorageFailed => "STORAGE_FAILED",
        Reason::StoreRefused => "STORE_REFUSED",
        Reason::ShuttingDown => "SHUTTING_DOWN",
        Reason::CatalogReadOnly => "CATALOG_READ_ONLY",
        Reason::DataLoss => "DATA_LOSS",
        Reason::NotImplemented => "NOT_IMPLEMENTED",
        Reason::NotSupported => "NOT_SUPPORTED",
        Reason::Internal => "INTERNAL",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

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
