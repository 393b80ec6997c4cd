//! The one error of this crate: a coarse kind, and words for the user in which no secret stands.

/// What went wrong, coarsely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// No connection came about.
    Unreachable,
    /// Transport security: none is offered, or the certificate is not trusted.
    Tls,
    /// The server refuses the login, or the user may not read the table.
    Denied,
    /// No such database, table or column.
    NotFound,
    /// The connection ended midway, or the server gave up.
    Lost,
    /// A value that its column's type cannot hold, or what the server takes for no statement.
    Invalid,
}

/// An error of a live source.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// What went wrong, coarsely.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the same may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self.kind {
            ErrorKind::Unreachable | ErrorKind::Lost => true,
            ErrorKind::Tls | ErrorKind::Denied | ErrorKind::NotFound | ErrorKind::Invalid => false,
        }
    }
}
