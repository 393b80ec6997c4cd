//! The one error type of this crate: a kind that says what the caller must do, a message that says
//! what, where and what would be right, and the source where there is one.

use std::error::Error as StdError;
use std::io;
use std::path::Path;

/// What went wrong, told as what the caller must do about it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The name or id is taken: choose another.
    AlreadyExists,
    /// The thing named does not exist: correct the name.
    NotFound,
    /// It changed since the caller looked: read it again, then decide again.
    Conflict,
    /// Something still depends on it; the message lists what: finish or remove that first.
    InUse,
    /// The request itself is wrong: correct it.
    Invalid,
    /// The actor's role may not do this to that user: let an administrator do it.
    Forbidden,
    /// There would be more of something than the caller permits: remove some.
    LimitReached,
    /// A secret needs a server key that was not given; the message names it: give that key.
    KeyMissing,
    /// Another process has the catalog directory open: stop it, or use another directory.
    Locked,
    /// The disk failed earlier and nothing more is written: repair the disk, then open again.
    ReadOnly,
    /// Stored bytes are damaged; the message names file and offset: restore from a backup.
    Corrupt,
    /// The journal lacks changes that were acknowledged, or is another one: bring back the right one,
    /// or accept the loss ([`Options::accept_cut`](crate::Options::accept_cut)).
    Behind,
    /// Stored bytes are of a newer format than this program reads: run a newer program.
    Unsupported,
    /// The operating system refused a read or a write.
    Io,
}

/// An error of the catalog.
///
/// `Display` gives the message alone; for stages it is exactly the text that clients expect
/// (`the stage X exists`, `the stage X not exists`).
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// What the caller must do.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The text that `Display` gives.
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Invalid, message)
    }

    pub(crate) fn corrupt(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Corrupt, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::NotFound, message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Conflict, message)
    }

    /// `doing` fits "failed to …", as in `write the journal`.
    pub(crate) fn io(doing: &str, path: &Path, source: io::Error) -> Error {
        let message = format!("failed to {doing} {}: {source}", path.display());
        Error {
            kind: ErrorKind::Io,
            message,
            source: Some(Box::new(source)),
        }
    }

    pub(crate) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Error {
        self.source = Some(Box::new(source));
        self
    }

    /// Puts where it happened before the message.
    pub(crate) fn at(mut self, place: impl std::fmt::Display) -> Error {
        self.message = format!("{place}: {}", self.message);
        self
    }
}
