//! What a store says of an object without giving its bytes; it decides what became of a lost answer.

use http::Method;

use super::{Uploads, version};
use crate::bucket::dialect::{crc_of_answer, names, text};
use crate::bucket::error::{BucketError, BucketErrorKind, BucketResult};
use crate::bucket::requests::Call;
use crate::bucket::retry::Again;
use crate::location::Provider;

/// An object as the store describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// How long it is.
    pub bytes: u64,
    /// The store's name of its bytes.
    pub etag: Option<String>,
    /// The provider's CRC-64 of the whole object (CRC-64/NVME for S3, CRC-64/XZ for OSS), if the store
    /// keeps one.
    pub crc: Option<u64>,
    /// The version, in a bucket that keeps them.
    pub version: Option<String>,
    /// The storage class, if it is not the usual one.
    pub storage_class: Option<String>,
}

impl Uploads {
    /// Describes an object.
    ///
    /// # Errors
    /// [`BucketErrorKind::NotFound`] when there is none; the store's other ones.
    pub async fn head(&self, key: &str) -> BucketResult<Head> {
        let provider = self.provider();
        let mut call = Call {
            method: Method::HEAD,
            key: Some(key),
            ..Call::default()
        };
        match provider {
            Provider::S3 => call.header("x-amz-checksum-mode", "ENABLED")?,
            Provider::Oss => {}
        }
        let answer = self
            .requests
            .retry
            .run(Again::Whatever, || self.requests.once(&call))
            .await
            .map_err(|error| error.during(&format!("look at '{key}'")))?;
        let headers = answer.headers();
        let bytes = text(headers, "content-length")
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| {
                BucketError::new(
                    BucketErrorKind::Server,
                    format!("the store does not say how long '{key}' is"),
                )
            })?;
        // A checksum of checksums, which is what S3 keeps of objects that others uploaded, is none of the
        // whole object.
        let whole = text(headers, "x-amz-checksum-type").is_none_or(|kind| kind == "FULL_OBJECT");
        Ok(Head {
            bytes,
            etag: text(headers, "etag").map(str::to_owned),
            crc: crc_of_answer(provider, headers).filter(|_| whole),
            version: version(provider, headers),
            storage_class: text(headers, names(provider).storage_class).map(str::to_owned),
        })
    }
}
