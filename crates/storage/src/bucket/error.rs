//! `BucketError`: why an object storage did not do what it was asked, by what the caller can do about it.
//! A text names what to change; no secret and no body of an answer is ever in it.

use std::fmt;

use crate::error::{Error, ErrorKind};

/// Shorthand for results of requests to a bucket.
pub type BucketResult<T> = std::result::Result<T, BucketError>;

/// What the caller can do about a [`BucketError`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketErrorKind {
    /// Location and credentials do not make a bucket, or the store calls the request malformed.
    Invalid,
    /// The endpoint policy does not permit the host or an address of it.
    NotPermitted,
    /// There is an object of that key, and it was not to be replaced.
    AlreadyExists,
    /// Another write of the same key was on its way: the whole upload is to be done again.
    Conflict,
    /// There is no such upload: it was completed, aborted or never made.
    NoSuchUpload,
    /// There is no such object.
    NotFound,
    /// There is no such bucket.
    NoSuchBucket,
    /// The access key may not do that.
    AccessDenied,
    /// The store does not know the access key, or it is no longer valid.
    UnknownKey,
    /// The secret does not fit the access key.
    WrongSignature,
    /// The session token is wrong or has expired.
    ExpiredToken,
    /// The server's clock and the store's are too far apart.
    ClockSkew,
    /// The bucket is in another region, which the store names if it can.
    WrongRegion(Option<String>),
    /// The store answers with another address, which is never followed.
    Redirected,
    /// The object is in an archive and must be restored before it is read.
    Archived,
    /// The store cannot use the key that objects are to be encrypted with.
    EncryptionKey,
    /// The store has no such storage class.
    StorageClass,
    /// The store is full, or the bucket's quota is used up.
    Full,
    /// The store took other bytes than were sent, or gave others than it holds.
    Corrupted,
    /// The store has no such operation.
    Unsupported,
    /// The host's name could not be resolved.
    Dns,
    /// No connection could be made.
    Connect,
    /// The other side's certificate is not trusted, or it speaks no TLS.
    Tls,
    /// Nothing moved for too long.
    TimedOut,
    /// The connection ended in the middle of a request or an answer.
    Interrupted,
    /// The store has too much to do.
    SlowDown,
    /// The store failed.
    Server,
    /// The answer to a request that must not be done twice was lost: it may have been done. Look at
    /// the object before deciding.
    Ambiguous,
}

impl BucketErrorKind {
    /// Whether the store refused the keys, or what they may do.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::AccessDenied
            | Self::UnknownKey
            | Self::WrongSignature
            | Self::ExpiredToken
            | Self::ClockSkew => true,
            Self::Invalid
            | Self::NotPermitted
            | Self::AlreadyExists
            | Self::Conflict
            | Self::NoSuchUpload
            | Self::NotFound
            | Self::NoSuchBucket
            | Self::WrongRegion(_)
            | Self::Redirected
            | Self::Archived
            | Self::EncryptionKey
            | Self::StorageClass
            | Self::Full
            | Self::Corrupted
            | Self::Unsupported
            | Self::Dns
            | Self::Connect
            | Self::Tls
            | Self::TimedOut
            | Self::Interrupted
            | Self::SlowDown
            | Self::Server
            | Self::Ambiguous => false,
        }
    }
}

/// Why a request to a bucket failed.
#[derive(Debug, Clone)]
pub struct BucketError {
    kind: BucketErrorKind,
    message: String,
    status: Option<u16>,
    sent: bool,
}

impl BucketError {
    pub(crate) fn new(kind: BucketErrorKind, message: impl Into<String>) -> Self {
        let sent = match kind {
            BucketErrorKind::Dns
            | BucketErrorKind::Connect
            | BucketErrorKind::Tls
            | BucketErrorKind::NotPermitted
            | BucketErrorKind::Invalid => false,
            BucketErrorKind::AlreadyExists
            | BucketErrorKind::Conflict
            | BucketErrorKind::NoSuchUpload
            | BucketErrorKind::NotFound
            | BucketErrorKind::NoSuchBucket
            | BucketErrorKind::AccessDenied
            | BucketErrorKind::UnknownKey
            | BucketErrorKind::WrongSignature
            | BucketErrorKind::ExpiredToken
            | BucketErrorKind::ClockSkew
            | BucketErrorKind::WrongRegion(_)
            | BucketErrorKind::Redirected
            | BucketErrorKind::Archived
            | BucketErrorKind::EncryptionKey
            | BucketErrorKind::StorageClass
            | BucketErrorKind::Full
            | BucketErrorKind::Corrupted
            | BucketErrorKind::Unsupported
            | BucketErrorKind::TimedOut
            | BucketErrorKind::Interrupted
            | BucketErrorKind::SlowDown
            | BucketErrorKind::Server
            | BucketErrorKind::Ambiguous => true,
        };
        Self {
            kind,
            message: message.into(),
            status: None,
            sent,
        }
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The error was met before a byte of the request left.
    pub(crate) fn unsent(mut self) -> Self {
        self.sent = false;
        self
    }

    /// What went before the message, such as what was being done.
    pub(crate) fn during(mut self, what: &str) -> Self {
        self.message = format!("failed to {what}: {}", self.message);
        self
    }

    /// It was the last of so many tries.
    pub(crate) fn after(mut self, tries: u32) -> Self {
        self.message = format!("{}, {tries} times", self.message);
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> &BucketErrorKind {
        &self.kind
    }

    /// The status of the store's answer, if it gave one.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// Whether the same request may succeed a little later.
    pub fn is_temporary(&self) -> bool {
        match self.kind {
            BucketErrorKind::Dns
            | BucketErrorKind::Connect
            | BucketErrorKind::TimedOut
            | BucketErrorKind::Interrupted
            | BucketErrorKind::SlowDown
            | BucketErrorKind::Server
            | BucketErrorKind::Corrupted => true,
            BucketErrorKind::Invalid
            | BucketErrorKind::NotPermitted
            | BucketErrorKind::AlreadyExists
            | BucketErrorKind::Conflict
            | BucketErrorKind::NoSuchUpload
            | BucketErrorKind::NotFound
            | BucketErrorKind::NoSuchBucket
            | BucketErrorKind::AccessDenied
            | BucketErrorKind::UnknownKey
            | BucketErrorKind::WrongSignature
            | BucketErrorKind::ExpiredToken
            | BucketErrorKind::ClockSkew
            | BucketErrorKind::WrongRegion(_)
            | BucketErrorKind::Redirected
            | BucketErrorKind::Archived
            | BucketErrorKind::EncryptionKey
            | BucketErrorKind::StorageClass
            | BucketErrorKind::Full
            | BucketErrorKind::Unsupported
            | BucketErrorKind::Tls
            | BucketErrorKind::Ambiguous => false,
        }
    }

    /// Whether the store may have done what was asked although this error came back.
    pub(crate) fn may_be_done(&self) -> bool {
        self.sent
            && match self.kind {
                BucketErrorKind::TimedOut
                | BucketErrorKind::Interrupted
                | BucketErrorKind::Server
                | BucketErrorKind::Ambiguous => true,
                BucketErrorKind::Invalid
                | BucketErrorKind::NotPermitted
                | BucketErrorKind::AlreadyExists
                | BucketErrorKind::Conflict
                | BucketErrorKind::NoSuchUpload
                | BucketErrorKind::NotFound
                | BucketErrorKind::NoSuchBucket
                | BucketErrorKind::AccessDenied
                | BucketErrorKind::UnknownKey
                | BucketErrorKind::WrongSignature
                | BucketErrorKind::ExpiredToken
                | BucketErrorKind::ClockSkew
                | BucketErrorKind::WrongRegion(_)
                | BucketErrorKind::Redirected
                | BucketErrorKind::Archived
                | BucketErrorKind::EncryptionKey
                | BucketErrorKind::StorageClass
                | BucketErrorKind::Full
                | BucketErrorKind::Corrupted
                | BucketErrorKind::Unsupported
                | BucketErrorKind::Dns
                | BucketErrorKind::Connect
                | BucketErrorKind::Tls
                | BucketErrorKind::SlowDown => false,
            }
    }

    /// The same error, as one whose request may have been done.
    pub(crate) fn ambiguous(self) -> Self {
        Self {
            message: format!("{}; it may have been done nevertheless", self.message),
            kind: BucketErrorKind::Ambiguous,
            ..self
        }
    }
}

impl fmt::Display for BucketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for BucketError {}

impl From<BucketError> for Error {
    fn from(error: BucketError) -> Self {
        let kind = match error.kind {
            BucketErrorKind::Invalid | BucketErrorKind::StorageClass => ErrorKind::Invalid,
            BucketErrorKind::Full => ErrorKind::NoSpace,
            BucketErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
            BucketErrorKind::NotFound
            | BucketErrorKind::NoSuchBucket
            | BucketErrorKind::NoSuchUpload => ErrorKind::NotFound,
            BucketErrorKind::NotPermitted => ErrorKind::PermissionDenied,
            BucketErrorKind::AccessDenied
            | BucketErrorKind::UnknownKey
            | BucketErrorKind::WrongSignature
            | BucketErrorKind::ExpiredToken
            | BucketErrorKind::ClockSkew
            | BucketErrorKind::EncryptionKey => ErrorKind::Refused,
            BucketErrorKind::Unsupported => ErrorKind::Unsupported,
            BucketErrorKind::Conflict
            | BucketErrorKind::WrongRegion(_)
            | BucketErrorKind::Redirected
            | BucketErrorKind::Archived
            | BucketErrorKind::Corrupted
            | BucketErrorKind::Dns
            | BucketErrorKind::Connect
            | BucketErrorKind::Tls
            | BucketErrorKind::TimedOut
            | BucketErrorKind::Interrupted
            | BucketErrorKind::SlowDown
            | BucketErrorKind::Server
            | BucketErrorKind::Ambiguous => ErrorKind::Io,
        };
        Self::new(kind, error.to_string())
            .temporary(error.is_temporary())
            .ambiguous(error.kind == BucketErrorKind::Ambiguous)
    }
}

impl From<Error> for BucketError {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::PermissionDenied => BucketErrorKind::NotPermitted,
            ErrorKind::Refused => BucketErrorKind::AccessDenied,
            ErrorKind::NoSpace => BucketErrorKind::Full,
            ErrorKind::Invalid
            | ErrorKind::NotFound
            | ErrorKind::AlreadyExists
            | ErrorKind::Unsupported
            | ErrorKind::Changed
            | ErrorKind::Io => BucketErrorKind::Invalid,
        };
        Self::new(kind, error.to_string())
    }
}
