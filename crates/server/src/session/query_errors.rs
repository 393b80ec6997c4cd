//! What a query failed with, in a client's terms.

use std::io;

use crate::error::{Error, Reason};

/// Whether some cause of it is a disk without space.
fn fills_disk(error: &query::Error) -> bool {
    error.cause::<io::Error>().is_some_and(|cause| {
        use io::ErrorKind as Kind;
        matches!(
            cause.kind(),
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge
        )
    })
}

/// What a place did not do, in the words of the query, which name the file.
fn of_place(error: &query::Error, cause: &storage::Error) -> Error {
    use storage::ErrorKind as Kind;
    let message = error.to_string();
    let mapped = match cause.kind() {
        Kind::NotFound => Error::new(Reason::FileInvalid, 20405, "HY000", message),
        Kind::Changed => Error::new(Reason::FileChanged, 20405, "HY000", message),
        Kind::Refused => Error::internal(Reason::StoreRefused, message),
        Kind::PermissionDenied => Error::internal(Reason::PermissionDenied, message),
        _ => Error::new(Reason::StorageFailed, 1815, "HY000", message),
    };
    mapped.retryable(cause.is_temporary())
}

impl From<query::Error> for Error {
    fn from(error: query::Error) -> Self {
        use query::{ErrorKind as Kind, Violation as Broken};
        // Of rows that this server gave, which failed with an error of its own.
        if let Some(own) = error.cause::<Self>() {
            return own.clone();
        }
        if error.kind() == Kind::Io
            && let Some(cause) = error.cause::<storage::Error>()
        {
            return of_place(&error, cause).with_source(error);
        }
        let at = error
            .position()
            .map(|at| format!(" at line {} column {}", at.line, at.column))
            .unwrap_or_default();
        let message = error.to_string();
        if let Some(broken) = error.violation() {
            let (code, sqlstate) = match broken {
                Broken::IncorrectValue => (1366, "HY000"),
                Broken::OutOfRange => (1264, "22003"),
                Broken::NullValue => (1048, "23000"),
                Broken::TooLong => (1406, "22001"),
                Broken::ColumnCount => (1136, "21S01"),
                Broken::UnknownColumn => (1054, "42S22"),
                Broken::ColumnTwice => (1110, "42000"),
                Broken::NoDefault => (1364, "HY000"),
                Broken::InvalidJson => (3140, "22032"),
                Broken::InvalidDefault => (1067, "42000"),
            };
            return Self::new(Reason::ValueInvalid, code, sqlstate, message).with_source(error);
        }
        let mapped = match error.kind() {
            Kind::Syntax => Self::new(
                Reason::SyntaxError,
                1064,
                "HY000",
                format!("SQL parser error: {message}{at}"),
            ),
            Kind::NotFound => Self::new(Reason::ColumnNotFound, 1054, "42S22", message),
            Kind::Invalid => Self::invalid_input(Reason::QueryInvalid, &message),
            Kind::Unsupported => Self::not_supported(&message),
            Kind::TimeLimit => Self::new(
                Reason::StatementTimeout,
                3024,
                "HY000",
                format!("Query execution was interrupted, {message}"),
            ),
            Kind::RecursionLimit => Self::new(Reason::LimitExceeded, 3636, "HY000", message),
            Kind::Cancelled => Self::new(
                Reason::StatementKilled,
                1317,
                "70100",
                format!("Query execution was interrupted: {message}"),
            ),
            Kind::ResourcesExhausted => Self::new(Reason::LimitExceeded, 1038, "HY001", message),
            Kind::Io if fills_disk(&error) => Self::new(
                Reason::StorageFull,
                1021,
                "HY000",
                format!(
                    "{message}: no space is left on the server's disk, or the quota is reached"
                ),
            ),
            Kind::Io => Self::new(Reason::StorageFailed, 1815, "HY000", message),
            Kind::DataLoss => Self::new(Reason::DataLoss, 1815, "HY000", message),
            Kind::Internal => Self::defect(&message),
            _ => Self::defect(&message),
        };
        mapped.retryable(error.is_temporary()).with_source(error)
    }
}
