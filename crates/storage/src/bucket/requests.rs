//! One request to a bucket: its URL, its signature, its answer checked. The calls that OpenDAL has no
//! name for are made with it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};

use super::address::Address;
use super::answer;
use super::error::{BucketError, BucketErrorKind, BucketResult};
use super::retry::Retry;
use super::signing::Signing;
use super::transport::Transport;
use crate::credentials::Encryption;
use crate::presigned::PresignedRequest;

/// What every request of a bucket needs. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Requests {
    pub(super) transport: Transport,
    pub(super) signing: Signing,
    pub(super) address: Arc<Address>,
    pub(super) retry: Retry,
    pub(super) assumes_role: bool,
    pub(super) has_session_token: bool,
    pub(super) encryption: Option<Encryption>,
    pub(super) storage_class: Option<String>,
}

/// A request before it is signed.
#[derive(Debug, Clone, Default)]
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// Relative to the place; none for the bucket itself.
    pub(super) key: Option<&'a str>,
    pub(super) query: Vec<(&'a str, Option<&'a str>)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Call<'_> {
    /// Adds a header whose value may be anything.
    ///
    /// # Errors
    /// [`BucketErrorKind::Invalid`] for a value that no header can have.
    pub(super) fn header(&mut self, name: &'static str, value: &str) -> BucketResult<()> {
        let value = HeaderValue::from_str(value).map_err(|_| {
            BucketError::new(
                BucketErrorKind::Invalid,
                format!("the header {name} cannot have such a value"),
            )
        })?;
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(())
    }
}

impl Requests {
    /// Makes a request, once.
    ///
    /// # Errors
    /// Those of the connection, and what the answer tells.
    pub(super) async fn once(&self, call: &Call<'_>) -> BucketResult<Response<Bytes>> {
        let answer = self.answer(call).await?;
        let checked = answer::check(answer.status(), answer.headers(), answer.body());
        checked.inspect_err(|error| self.learn(error))?;
        Ok(answer)
    }

    /// Makes a request, once, and gives whatever is answered.
    ///
    /// # Errors
    /// Those of signing and of the connection.
    pub(super) async fn answer(&self, call: &Call<'_>) -> BucketResult<Response<Bytes>> {
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(self.address.url(call.key, &call.query))
            .body(())
            .map_err(|_| malformed())?;
        *request.headers_mut() = call.headers.clone();
        let (mut parts, ()) = request.into_parts();
        self.signing.sign(&mut parts).await?;
        self.transport
            .send(Request::from_parts(parts, call.body.clone()))
            .await
    }

    /// A region that is no longer right is found out anew at the next opening.
    pub(super) fn learn(&self, error: &BucketError) {
        if matches!(error.kind(), BucketErrorKind::WrongRegion(_)) {
            self.transport.regions().forget(&self.address.bucket);
        }
    }

    /// A request, signed in its URL, that is good for whoever has it, for so long. `method` is the call's.
    ///
    /// # Errors
    /// Those of signing.
    pub(super) async fn presigned(
        &self,
        method: &'static str,
        call: &Call<'_>,
        good_for: Duration,
    ) -> BucketResult<PresignedRequest> {
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(self.address.url(call.key, &call.query))
            .body(())
            .map_err(|_| malformed())?;
        *request.headers_mut() = call.headers.clone();
        let (mut parts, ()) = request.into_parts();
        self.signing.sign_url(&mut parts, good_for).await?;
        // What signing adds is in the URL, or what every client sends by itself.
        let headers = call.headers.iter().filter_map(|(name, value)| {
            let value = value.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        });
        Ok(PresignedRequest {
            method,
            url: parts.uri.to_string(),
            headers: headers.collect(),
        })
    }

    /// Adds how a new object is to be encrypted and stored.
    ///
    /// # Errors
    /// As [`Call::header`].
    pub(super) fn keeping(&self, call: &mut Call<'_>) -> BucketResult<()> {
        let names = super::dialect::names(self.address.provider);
        match &self.encryption {
            None => {}
            Some(Encryption::Aes256) => call.header(names.encryption, "AES256")?,
            Some(Encryption::Kms(key)) => {
                call.header(names.encryption, names.key_service)?;
                if let Some(key) = key {
                    call.header(names.encryption_key, key)?;
                }
            }
        }
        if let Some(class) = &self.storage_class {
            call.header(names.storage_class, class)?;
        }
        Ok(())
    }
}

fn malformed() -> BucketError {
    BucketError::new(
        BucketErrorKind::Invalid,
        "bucket and key do not make a URL; check the stage's URL",
    )
}
