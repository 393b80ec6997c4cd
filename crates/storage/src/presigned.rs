//! Requests that are signed beforehand: whoever has one may read or write one file, straight from or to its
//! object storage, until it expires.

use std::fmt;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::path::ObjectPath;
use crate::store::Store;

/// The longest time that the stores sign a request for: seven days.
pub const PRESIGNED_TIME_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What a presigned request does with its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PresignedAccess {
    /// Reads it, by GET.
    Read,
    /// Writes it whole, by PUT; a file of that name is replaced.
    Write,
}

/// A request that is signed already. Its URL is a key: nothing prints it but who hands it out.
#[derive(Clone, PartialEq, Eq)]
pub struct PresignedRequest {
    /// `GET` or `PUT`.
    pub method: &'static str,
    /// Where it is sent, with the signature.
    pub url: String,
    /// Headers that it must carry as they are, for they are signed, too.
    pub headers: Vec<(String, String)>,
}

impl fmt::Debug for PresignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresignedRequest")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Makes a request for one file that whoever has it may send, for so long and no longer than
    /// [`PRESIGNED_TIME_MAX`]. The store is not asked: the file need not be there.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for a folder and for memory, which nobody but this process reaches;
    /// [`ErrorKind::Invalid`] for a time of nothing or too much; those of signing.
    pub async fn presign(
        &self,
        access: PresignedAccess,
        path: &ObjectPath,
        good_for: Duration,
    ) -> Result<PresignedRequest> {
        if good_for < Duration::from_secs(1) || good_for > PRESIGNED_TIME_MAX {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "a presigned URL is good for 1 to {} seconds, not {}",
                    PRESIGNED_TIME_MAX.as_secs(),
                    good_for.as_secs()
                ),
            ));
        }
        self.named(self.backend().presign(access, path, good_for).await)
    }
}

/// The error of places that have no address of their own.
pub(crate) fn not_presigned(path: &ObjectPath) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("'{path}' is in no object storage, so that no URL leads to it"),
    )
}
