//! Completing an upload: the one moment at which an object appears, whole.

use std::fmt::Write;

use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use serde::Deserialize;

use super::{PARTS_MAX, PartTag, UploadId, Uploads, document, version};
use crate::bucket::answer::hidden_error;
use crate::bucket::dialect::{crc_from_text, crc_of_answer, crc_of_both, crc_text, names, text};
use crate::bucket::error::{BucketError, BucketErrorKind, BucketResult};
use crate::bucket::requests::Call;
use crate::bucket::retry::Again;
use crate::draft::OnExisting;
use crate::location::Provider;

/// An object that has appeared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// The store's name of the object's bytes; some stores answer none.
    pub etag: Option<String>,
    /// The provider's CRC-64 of the whole object, from its parts'.
    pub crc: u64,
    /// Whether the store answered the same one.
    pub verified: bool,
    /// Whether it answered another one: the object has appeared, and is not what was sent.
    pub differs: bool,
    /// The version, in a bucket that keeps them.
    pub version: Option<String>,
}

#[derive(Deserialize)]
struct Result {
    #[serde(rename = "ETag")]
    etag: Option<String>,
    #[serde(rename = "ChecksumCRC64NVME")]
    crc: Option<String>,
}

impl Uploads {
    /// Makes the object appear from its parts, in the order of their numbers. It is not sent again once it
    /// may have been done, that is the caller's to decide; so is what to do with one that differs.
    ///
    /// # Errors
    /// [`BucketErrorKind::AlreadyExists`] when it was not to replace anything;
    /// [`BucketErrorKind::Conflict`] when all is to be uploaded again;
    /// [`BucketErrorKind::NoSuchUpload`], also when it had been completed before;
    /// [`BucketErrorKind::Ambiguous`] when the answer was lost: [`Uploads::head`] tells.
    pub async fn complete(
        &self,
        key: &str,
        id: &UploadId,
        parts: &[PartTag],
        on_existing: OnExisting,
    ) -> BucketResult<Completed> {
        let what = format!("complete the upload of '{key}'");
        let provider = self.provider();
        check(parts).map_err(|error| error.during(&what))?;
        let crc = parts.iter().fold(0, |crc, part| {
            crc_of_both(provider, crc, part.crc, part.bytes)
        });
        let mut call = Call {
            method: Method::POST,
            key: Some(key),
            query: vec![("uploadId", Some(id.as_str()))],
            body: Bytes::from(list(provider, parts)),
            ..Call::default()
        };
        call.header("content-type", "application/xml")?;
        put_on(provider, on_existing, &mut call)?;
        match provider {
            Provider::S3 => {
                call.header(names(provider).crc, &crc_text(provider, crc))?;
                call.header("x-amz-checksum-type", "FULL_OBJECT")?;
            }
            Provider::Oss => {}
        }
        let answer = self
            .requests
            .retry
            .run(Again::NotDone, || async {
                let answer = self.requests.once(&call).await?;
                match hidden_error(answer.headers(), answer.body()) {
                    Some(error) => Err(error),
                    None => Ok(answer),
                }
            })
            .await
            .map_err(|error| error.during(&what))?;
        Ok(completed(provider, &answer, crc))
    }
}

/// Adds that nothing is to be replaced, if so.
pub(super) fn put_on(
    provider: Provider,
    on_existing: OnExisting,
    call: &mut Call<'_>,
) -> BucketResult<()> {
    match on_existing {
        OnExisting::Refuse => {
            let (name, value) = names(provider).replace_nothing;
            call.header(name, value)
        }
        OnExisting::Replace => Ok(()),
    }
}

/// Numbers from 1, each once, in order.
fn check(parts: &[PartTag]) -> BucketResult<()> {
    let in_order = parts.windows(2).all(|pair| match pair {
        [first, second] => first.number < second.number,
        _ => false,
    });
    let known = parts
        .iter()
        .all(|part| (1..=PARTS_MAX).contains(&part.number));
    if parts.is_empty() || !in_order || !known {
        return Err(BucketError::new(
            BucketErrorKind::Invalid,
            format!("its parts are not in the order of their numbers, from 1 to {PARTS_MAX}"),
        ));
    }
    Ok(())
}

/// The document that lists the parts.
fn list(provider: Provider, parts: &[PartTag]) -> String {
    let mut text = String::from("<CompleteMultipartUpload>");
    for part in parts {
        let etag = quick_xml::escape::escape(part.etag.as_str());
        let _ = write!(
            text,
            "<Part><PartNumber>{}</PartNumber><ETag>{etag}</ETag>",
            part.number
        );
        match provider {
            Provider::S3 => {
                let crc = crc_text(provider, part.crc);
                let _ = write!(text, "<ChecksumCRC64NVME>{crc}</ChecksumCRC64NVME>");
            }
            Provider::Oss => {}
        }
        text.push_str("</Part>");
    }
    text.push_str("</CompleteMultipartUpload>");
    text
}

fn completed(provider: Provider, answer: &Response<Bytes>, crc: u64) -> Completed {
    // The object is there, whatever the answer's body is like.
    let result: Option<Result> = document(answer.body()).ok();
    let headers: &HeaderMap = answer.headers();
    let answered = crc_of_answer(provider, headers).or_else(|| {
        let text = result.as_ref()?.crc.as_deref()?;
        crc_from_text(provider, text)
    });
    let etag = result
        .and_then(|result| result.etag)
        .or_else(|| text(headers, "etag").map(str::to_owned))
        .filter(|etag| !etag.trim_matches('"').is_empty());
    Completed {
        etag,
        crc,
        verified: answered == Some(crc),
        differs: answered.is_some_and(|answered| answered != crc),
        version: version(provider, headers),
    }
}
