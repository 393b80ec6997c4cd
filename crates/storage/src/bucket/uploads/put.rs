//! Writing a small object in one request.

use bytes::Bytes;
use http::Method;

use super::complete::{Completed, put_on};
use super::part::verified;
use super::{ObjectOptions, Uploads, version};
use crate::bucket::dialect::{crc, crc_text, names, text};
use crate::bucket::error::BucketResult;
use crate::bucket::requests::Call;
use crate::bucket::retry::Again;
use crate::draft::OnExisting;
use crate::location::Provider;

impl Uploads {
    /// Writes an object whole. One that must not replace anything is not sent again once it may have been
    /// done.
    ///
    /// # Errors
    /// As [`Uploads::complete`]; [`Corrupted`](crate::BucketErrorKind::Corrupted) when the store has other
    /// bytes.
    pub async fn put(
        &self,
        key: &str,
        body: Bytes,
        options: &ObjectOptions,
        on_existing: OnExisting,
    ) -> BucketResult<Completed> {
        let provider = self.provider();
        let crc = crc(provider, &body);
        let mut call = Call {
            method: Method::PUT,
            key: Some(key),
            body: body.clone(),
            ..Call::default()
        };
        options.put_on(&mut call)?;
        self.requests.keeping(&mut call)?;
        put_on(provider, on_existing, &mut call)?;
        match provider {
            Provider::S3 => call.header(names(provider).crc, &crc_text(provider, crc))?,
            Provider::Oss => {}
        }
        let again = match on_existing {
            OnExisting::Refuse => Again::NotDone,
            OnExisting::Replace => Again::Whatever,
        };
        let what = format!("write '{key}'");
        let answer = self
            .requests
            .retry
            .run(again, || self.requests.once(&call))
            .await
            .map_err(|error| error.during(&what))?;
        let headers = answer.headers();
        let etag = text(headers, "etag").map(str::to_owned);
        let name = etag.as_deref().unwrap_or_default();
        let verified = verified(provider, headers, name, crc, &body)
            .await
            .map_err(|error| error.during(&what))?;
        Ok(Completed {
            version: version(provider, headers),
            etag,
            crc,
            verified,
            differs: false,
        })
    }
}
