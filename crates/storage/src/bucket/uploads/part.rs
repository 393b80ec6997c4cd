//! Parts: how long each may grow, how one is sent, and how it is known that the store has its bytes.

use std::fmt::Write;

use bytes::Bytes;
use http::{HeaderMap, Method};
use md5::{Digest, Md5};

use super::{UploadId, Uploads};
use crate::bucket::dialect::{crc, crc_of_answer, crc_text, names, text};
use crate::bucket::error::{BucketError, BucketErrorKind, BucketResult};
use crate::bucket::requests::Call;
use crate::bucket::retry::Again;
use crate::location::Provider;

/// The most parts of an upload, at both providers.
pub const PARTS_MAX: u32 = 10_000;

const FIRST_BYTES: u64 = 8 << 20;
/// After so many parts they double.
const PARTS_OF_A_SIZE: u32 = 1_000;

/// How long the part of this number (from 1) is, unless it is the last: 8 MiB for the first thousand, then
/// twice as long each thousand, so that ten thousand hold 7.8 TiB. In bytes.
pub fn part_bytes(number: u32) -> u64 {
    let doublings = number.clamp(1, PARTS_MAX).saturating_sub(1) / PARTS_OF_A_SIZE;
    FIRST_BYTES << doublings
}

/// What completing an upload must know of each part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartTag {
    /// From 1.
    pub number: u32,
    /// The store's name of the part's bytes, with the quotes it came in.
    pub etag: String,
    /// How long the part is.
    pub bytes: u64,
    /// The provider's CRC-64 of the part: CRC-64/NVME for S3, CRC-64/XZ for OSS.
    pub crc: u64,
    /// Whether the store has shown that it has just these bytes.
    pub verified: bool,
}

impl Uploads {
    /// Sends a part; sending the same number again replaces it. Tried again while that may help.
    ///
    /// # Errors
    /// [`BucketErrorKind::Corrupted`] when the store has other bytes; the store's other ones.
    pub async fn put_part(
        &self,
        key: &str,
        id: &UploadId,
        number: u32,
        body: Bytes,
    ) -> BucketResult<PartTag> {
        let provider = self.provider();
        let crc = crc(provider, &body);
        let number_text = number.to_string();
        let mut call = Call {
            method: Method::PUT,
            key: Some(key),
            query: vec![
                ("partNumber", Some(&number_text)),
                ("uploadId", Some(id.as_str())),
            ],
            body: body.clone(),
            ..Call::default()
        };
        match provider {
            Provider::S3 => call.header(names(provider).crc, &crc_text(provider, crc))?,
            Provider::Oss => {}
        }
        let (call, body) = (&call, &body);
        self.requests
            .retry
            .run(Again::Whatever, || async move {
                let answer = self.requests.once(call).await?;
                let headers = answer.headers();
                let etag = text(headers, "etag").unwrap_or_default().to_owned();
                let verified = verified(provider, headers, &etag, crc, body).await?;
                Ok(PartTag {
                    number,
                    etag,
                    bytes: body.len() as u64,
                    crc,
                    verified,
                })
            })
            .await
            .map_err(|error| error.during(&format!("send part {number} of '{key}'")))
    }
}

/// Compares what the store says it took with what was sent: by CRC-64, which AWS and OSS answer; else by
/// the MD5 that older stores answer as the ETag. False when it says nothing of the kind.
pub(super) async fn verified(
    provider: Provider,
    headers: &HeaderMap,
    etag: &str,
    crc: u64,
    body: &Bytes,
) -> BucketResult<bool> {
    if let Some(answered) = crc_of_answer(provider, headers) {
        return if answered == crc {
            Ok(true)
        } else {
            Err(corrupted())
        };
    }
    let plain = etag.trim_matches('"');
    let is_md5 = plain.len() == 32 && plain.bytes().all(|b| b.is_ascii_hexdigit());
    // An object under a key of the key service has an ETag that looks like an MD5 and is none.
    if !is_md5 || text(headers, names(provider).encryption).is_some() {
        return Ok(false);
    }
    let body = body.clone();
    // As long as a part is in the worst case, no other task should wait for it.
    let digest = tokio::task::spawn_blocking(move || Md5::digest(&body)).await;
    let Ok(digest) = digest else { return Ok(false) };
    let mut hex = String::with_capacity(32);
    for byte in digest {
        let _ = write!(hex, "{byte:02x}");
    }
    if hex.eq_ignore_ascii_case(plain) {
        Ok(true)
    } else {
        Err(corrupted())
    }
}

pub(super) fn corrupted() -> BucketError {
    BucketError::new(
        BucketErrorKind::Corrupted,
        "the store's checksum is not that of the bytes sent",
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn ten_thousand_parts_hold_the_largest_object() {
        let all: u64 = (1..=PARTS_MAX).map(part_bytes).sum();
        assert!(all >= 5 << 40, "{all}");
        assert_eq!(part_bytes(1), 8 << 20);
        assert_eq!(part_bytes(1_000), 8 << 20);
        assert_eq!(part_bytes(1_001), 16 << 20);
        // S3 takes no longer part.
        assert!(part_bytes(PARTS_MAX) <= 5 << 30);
    }

    #[tokio::test]
    async fn a_part_is_verified_by_what_the_store_answers() {
        let body = Bytes::from_static(b"123456789");
        let crc = crc(Provider::Oss, &body);
        let mut headers = HeaderMap::new();
        let right = "\"25F9E794323B453885F5181F1B624D0B\"";
        let wrong = "\"25F9E794323B453885F5181F1B624D0C\"";
        let of = |headers: HeaderMap, etag: &'static str| {
            let body = body.clone();
            async move { verified(Provider::Oss, &headers, etag, crc, &body).await }
        };
        assert!(of(headers.clone(), right).await.unwrap());
        assert!(!of(headers.clone(), "\"opaque\"").await.unwrap());
        let error = of(headers.clone(), wrong).await.unwrap_err();
        assert_eq!(*error.kind(), BucketErrorKind::Corrupted);
        headers.insert("x-oss-hash-crc64ecma", crc.into());
        assert!(of(headers.clone(), wrong).await.unwrap());
        headers.insert("x-oss-hash-crc64ecma", (crc ^ 1).into());
        assert!(of(headers, right).await.is_err());
    }
}
