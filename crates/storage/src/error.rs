//! The crate's one error: a kind that tells the caller what to do, a message for people, the source.
//! Whether trying again may help is kept beside the kind, as OpenDAL does.

use std::io;

use crate::bucket::BucketError;
use crate::path::ObjectPath;

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What the caller can do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The path or location is malformed or not permitted: ask for another one.
    Invalid,
    /// There is no such file or folder.
    NotFound,
    /// The target exists and was not to be replaced.
    AlreadyExists,
    /// The operating system, or the server's policy, does not permit it.
    PermissionDenied,
    /// The store refused the keys, or what they may do: change the place's credentials or their rights.
    Refused,
    /// The file is no longer the one that was asked for: ask for the new one.
    Changed,
    /// The device or quota is full: make room.
    NoSpace,
    /// This place cannot do that.
    Unsupported,
    /// The storage failed.
    Io,
}

/// Why an operation on a place failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    temporary: bool,
    may_be_done: bool,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            temporary: false,
            may_be_done: false,
            source: None,
        }
    }

    /// What was asked for may have been done although this error came back.
    pub(crate) fn ambiguous(self, may_be_done: bool) -> Self {
        Self {
            may_be_done,
            ..self
        }
    }

    pub(crate) fn temporary(self, temporary: bool) -> Self {
        Self { temporary, ..self }
    }

    /// An operating-system error while doing `what`, such as `open '/exports/a.csv'`.
    pub(crate) fn io(what: impl std::fmt::Display, source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                ErrorKind::PermissionDenied
            }
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => ErrorKind::NoSpace,
            io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::InvalidFilename => ErrorKind::Invalid,
            _ => ErrorKind::Io,
        };
        let temporary = matches!(
            source.kind(),
            io::ErrorKind::Interrupted | io::ErrorKind::TimedOut
        );
        Self {
            kind,
            message: format!("failed to {what}: {}", describe(&source)),
            temporary,
            may_be_done: false,
            source: Some(source.into()),
        }
    }

    pub(crate) fn opendal(what: impl std::fmt::Display, source: opendal::Error) -> Self {
        let cause = Self::cause_of(source);
        Self {
            message: format!("failed to {what}: {}", cause.message),
            ..cause
        }
    }

    /// The same without what was being done, which the caller says.
    pub(crate) fn cause_of(source: opendal::Error) -> Self {
        let kind = match source.kind() {
            opendal::ErrorKind::NotFound => ErrorKind::NotFound,
            opendal::ErrorKind::PermissionDenied if is_store_refusal(&source) => ErrorKind::Refused,
            opendal::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
            opendal::ErrorKind::AlreadyExists | opendal::ErrorKind::ConditionNotMatch => {
                ErrorKind::AlreadyExists
            }
            opendal::ErrorKind::IsADirectory | opendal::ErrorKind::NotADirectory => {
                ErrorKind::Invalid
            }
            opendal::ErrorKind::Unsupported => ErrorKind::Unsupported,
            _ => ErrorKind::Io,
        };
        let temporary = source.is_temporary();
        // A bare 404 has no cause of ours, and OpenDAL's text is for programmers.
        let is_bare = kind == ErrorKind::NotFound && std::error::Error::source(&source).is_none();
        let message = match is_bare {
            true => "there is no such file".to_owned(),
            false => source.message().to_owned(),
        };
        Self {
            kind,
            message,
            temporary,
            may_be_done: false,
            source: Some(source.into()),
        }
    }

    /// Puts `what: ` before the text.
    pub(crate) fn within(self, what: &str) -> Self {
        Self {
            message: format!("{what}: {}", self.message),
            ..self
        }
    }

    /// Puts `; what to do` behind the text.
    pub(crate) fn advising(self, what: &str) -> Self {
        Self {
            message: format!("{}; {what}", self.message),
            ..self
        }
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether what was asked for may have been done although the answer is this error: a store's answer was lost.
    /// Then only looking tells, and it may still happen after looking.
    pub fn may_be_done(&self) -> bool {
        self.may_be_done
    }

    /// Whether the same call may succeed a little later.
    pub fn is_temporary(&self) -> bool {
        self.temporary
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind {
            ErrorKind::NotFound => io::ErrorKind::NotFound,
            ErrorKind::AlreadyExists => io::ErrorKind::AlreadyExists,
            ErrorKind::PermissionDenied | ErrorKind::Refused => io::ErrorKind::PermissionDenied,
            ErrorKind::NoSpace => io::ErrorKind::StorageFull,
            ErrorKind::Invalid => io::ErrorKind::InvalidInput,
            ErrorKind::Unsupported => io::ErrorKind::Unsupported,
            ErrorKind::Changed | ErrorKind::Io => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

/// Whether it was the store that did not permit it, and not the operating system or the server's policy.
fn is_store_refusal(error: &opendal::Error) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<BucketError>())
        .is_some_and(|error| error.kind().is_refusal())
}

/// The error for a target that is there already; MatrixOne's text (code 20406 there).
pub(crate) fn already_exists(target: &ObjectPath) -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        format!("file {} already exists", target.file_name()),
    )
}

/// The operating system's words without Rust's ` (os error 2)`, in lower case.
fn describe(source: &io::Error) -> String {
    let text = source.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => "unknown error".to_owned(),
    }
}
