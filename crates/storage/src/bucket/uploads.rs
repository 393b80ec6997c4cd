//! `Uploads`: multipart uploads by their ids, which OpenDAL does not give away, and the small requests
//! around them. Nothing is visible in a bucket before [`Uploads::complete`].

mod complete;
mod head;
mod list;
mod part;
mod put;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Method;
use serde::Deserialize;

pub use complete::Completed;
pub use head::Head;
pub use list::OpenUpload;
pub use part::{PARTS_MAX, PartTag, part_bytes};

use super::address::Address;
use super::dialect::{names, text};
use super::error::{BucketError, BucketErrorKind, BucketResult};
use super::requests::{Call, Requests};
use super::retry::{Again, Retry};
use super::transport::Room;
use crate::location::Provider;
use crate::presigned::PresignedRequest;

/// The name that the store gave an upload.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UploadId(String);

impl UploadId {
    /// An id known from a record.
    pub fn recorded(id: &str) -> Self {
        Self(id.to_owned())
    }

    /// The store's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an object is told about itself when it is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectOptions {
    /// Such as `text/csv`; without one the store's own guess.
    pub content_type: Option<String>,
}

/// The uploads of a bucket's place. Keys are relative to the place. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Uploads {
    requests: Requests,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Initiated {
    upload_id: String,
}

#[derive(Deserialize)]
struct Versioning {
    #[serde(rename = "Status")]
    status: Option<String>,
}

impl Uploads {
    pub(super) fn new(requests: Requests) -> Self {
        Self { requests }
    }

    /// The same place, tried as often as this says.
    pub(super) fn with_retry(&self, retry: Retry) -> Self {
        Self {
            requests: Requests {
                retry,
                ..self.requests.clone()
            },
        }
    }

    pub(super) fn requests(&self) -> &Requests {
        &self.requests
    }

    pub(super) fn address(&self) -> &Address {
        &self.requests.address
    }

    fn provider(&self) -> Provider {
        self.address().provider
    }

    /// Begins an upload of the object `key`. An answer that is lost leaves an upload that only
    /// [`Self::list`] finds.
    ///
    /// # Errors
    /// The store's.
    pub async fn create(&self, key: &str, options: &ObjectOptions) -> BucketResult<UploadId> {
        Ok(self.begin(key, options).await?.0)
    }

    /// The same; also gives whether an answer was lost, so that there may be another upload that nobody knows.
    pub(super) async fn begin(
        &self,
        key: &str,
        options: &ObjectOptions,
    ) -> BucketResult<(UploadId, bool)> {
        let mut call = Call {
            method: Method::POST,
            key: Some(key),
            query: vec![("uploads", None)],
            ..Call::default()
        };
        options.put_on(&mut call)?;
        self.requests.keeping(&mut call)?;
        match self.provider() {
            Provider::S3 => {
                call.header("x-amz-checksum-algorithm", "CRC64NVME")?;
                call.header("x-amz-checksum-type", "FULL_OBJECT")?;
            }
            Provider::Oss => {}
        }
        let lost = AtomicBool::new(false);
        let begin = || async {
            let answer = self.requests.once(&call).await;
            if matches!(&answer, Err(error) if error.may_be_done()) {
                lost.store(true, Ordering::Relaxed);
            }
            answer
        };
        let answer = self
            .requests
            .retry
            .run(Again::Whatever, begin)
            .await
            .map_err(|error| error.during(&format!("begin the upload of '{key}'")))?;
        let initiated: Initiated = document(answer.body())?;
        if initiated.upload_id.is_empty() {
            return Err(no_document());
        }
        Ok((UploadId(initiated.upload_id), lost.into_inner()))
    }

    /// Gives an upload up; its parts are gone. Done when there is no such upload any more. A part that is
    /// on its way meanwhile may outlive it: abort again when none is.
    ///
    /// # Errors
    /// The store's.
    pub async fn abort(&self, key: &str, id: &UploadId) -> BucketResult<()> {
        let call = Call {
            method: Method::DELETE,
            key: Some(key),
            query: vec![("uploadId", Some(id.as_str()))],
            ..Call::default()
        };
        let aborted = self
            .requests
            .retry
            .run(Again::Whatever, || self.requests.once(&call))
            .await;
        match aborted {
            Ok(_) => Ok(()),
            Err(error) => match error.kind() {
                BucketErrorKind::NoSuchUpload | BucketErrorKind::NotFound => Ok(()),
                _ => Err(error.during(&format!("abort the upload of '{key}'"))),
            },
        }
    }

    /// Room for a part of so many bytes among all that the server has on their way; kept until it has been sent.
    pub(super) async fn room(&self, bytes: u64) -> BucketResult<Room> {
        self.requests.transport.upload_room(bytes).await
    }

    /// Whether the bucket keeps versions. OSS then lets a write replace what it must not.
    ///
    /// # Errors
    /// The store's; reading this needs a right that writers often lack.
    pub async fn is_versioned(&self) -> BucketResult<bool> {
        let call = Call {
            query: vec![("versioning", None)],
            ..Call::default()
        };
        let answer = self
            .requests
            .retry
            .run(Again::Whatever, || self.requests.once(&call))
            .await
            .map_err(|error| error.during("read whether the bucket keeps versions"))?;
        let versioning: Versioning = document(answer.body())?;
        Ok(versioning.status.is_some())
    }

    /// A request with which anyone may read the object for so long.
    ///
    /// # Errors
    /// Those of signing.
    pub async fn presign_read(
        &self,
        key: &str,
        good_for: Duration,
    ) -> BucketResult<PresignedRequest> {
        let call = Call {
            key: Some(key),
            ..Call::default()
        };
        self.requests.presigned("GET", &call, good_for).await
    }

    /// A request with which anyone may write the object for so long, over one that is there. How the place's
    /// objects are encrypted and stored is a part of it.
    ///
    /// # Errors
    /// Those of signing.
    pub async fn presign_write(
        &self,
        key: &str,
        good_for: Duration,
    ) -> BucketResult<PresignedRequest> {
        let mut call = Call {
            method: Method::PUT,
            key: Some(key),
            ..Call::default()
        };
        self.requests.keeping(&mut call)?;
        self.requests.presigned("PUT", &call, good_for).await
    }
}

impl ObjectOptions {
    fn put_on(&self, call: &mut Call<'_>) -> BucketResult<()> {
        match &self.content_type {
            Some(content_type) => call.header("content-type", content_type),
            None => Ok(()),
        }
    }
}

/// An answer's document.
fn document<'a, T: Deserialize<'a>>(body: &'a [u8]) -> BucketResult<T> {
    let text = std::str::from_utf8(body).map_err(|_| no_document())?;
    quick_xml::de::from_str(text.trim_start()).map_err(|_| no_document())
}

fn no_document() -> BucketError {
    BucketError::new(
        BucketErrorKind::Invalid,
        "the store's answer is not the document that was due; check that the endpoint is an object storage of the stage's provider",
    )
}

/// The version that an answer's headers tell.
fn version(provider: Provider, headers: &http::HeaderMap) -> Option<String> {
    text(headers, names(provider).version)
        .filter(|version| *version != "null")
        .map(str::to_owned)
}
