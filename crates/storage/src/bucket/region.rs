//! Finding out where a bucket is: Amazon tells everyone who asks for the bucket's head, signed or not.

use bytes::Bytes;
use http::{Method, Request};

use super::address::Address;
use super::dialect::text;
use super::error::{BucketError, BucketErrorKind, BucketResult};
use super::retry::{Again, Retry};
use super::transport::Transport;

/// The region of a bucket at Amazon.
///
/// # Errors
/// [`BucketErrorKind::NoSuchBucket`]; those of the connection; [`BucketErrorKind::WrongRegion`] when the
/// answer does not tell.
pub(super) async fn find(
    address: &Address,
    transport: &Transport,
    retry: &Retry,
) -> BucketResult<String> {
    let url = address.url(None, &[]);
    let answer = retry
        .run(Again::Whatever, || async {
            let request = Request::builder()
                .method(Method::HEAD)
                .uri(&url)
                .body(Bytes::new())
                .map_err(|_| {
                    BucketError::new(BucketErrorKind::Invalid, "the bucket makes no URL")
                })?;
            transport.send(request).await
        })
        .await
        .map_err(|error| error.during("find out the bucket's region"))?;
    if let Some(region) = text(answer.headers(), "x-amz-bucket-region") {
        return Ok(region.to_owned());
    }
    if answer.status() == http::StatusCode::NOT_FOUND {
        return Err(BucketError::new(
            BucketErrorKind::NoSuchBucket,
            format!("there is no bucket '{}'; check its name", address.bucket),
        ));
    }
    Err(BucketError::new(
        BucketErrorKind::WrongRegion(None),
        "the bucket's region cannot be found out; set 'region' in the stage's CREDENTIALS",
    ))
}
