//! `Transport`: HTTP to object storages, for every bucket of a server.
//! HTTP/1.1 over connections that the endpoint policy permits; no redirect is followed, no proxy taken
//! from the environment, and nothing may stand still for long.

mod body;
mod connector;
mod limits;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::Stream;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use body::{Progress, Sent};
use connector::Connector;
use limits::Limits;
pub(crate) use limits::Room;
pub use limits::TransportLimits;

use super::error::{BucketError, BucketErrorKind, BucketResult};
use super::region::Regions;
use crate::endpoints::{EndpointPolicy, Scheme};
use crate::error::{Error, ErrorKind};

/// How long a request or an answer may stand still.
const STILL_MAX: Duration = Duration::from_secs(60);
/// Connections are kept this long for the next request. Stores close theirs after some twenty seconds, and
/// what is sent at that moment is lost in doubt.
const IDLE_MAX: Duration = Duration::from_secs(10);
const IDLE_CONNECTIONS_MAX: usize = 64;
/// Answers that are read as a whole are lists and errors; the longest page of a list is below this.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// How a [`Transport`] behaves.
#[derive(Debug, Clone)]
pub struct TransportOptions {
    /// How long a request or an answer may stand still before it is given up.
    pub still_max: Duration,
    /// Addresses of names, in lower case, that the system's resolver is not asked for; port 0 is the
    /// endpoint's own. The endpoint policy holds for them as for any other.
    pub hosts: HashMap<String, Vec<SocketAddr>>,
    /// Certificates to trust beside the operating system's, as PEM.
    pub roots: Vec<String>,
    /// What all buckets together may have on their way.
    pub limits: TransportLimits,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            still_max: STILL_MAX,
            hosts: HashMap::new(),
            roots: Vec::new(),
            limits: TransportLimits::default(),
        }
    }
}

/// Requests to object storages under one endpoint policy. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Transport {
    client: Client<Connector, Sent>,
    connector: Connector,
    policy: Arc<EndpointPolicy>,
    still_max: Duration,
    limits: Arc<Limits>,
    regions: Arc<Regions>,
    requests: Arc<Requests>,
}

/// How many requests there were, by method and by the answer's status; without one 0.
#[derive(Debug, Default)]
struct Requests(Mutex<BTreeMap<(&'static str, u16), u64>>);

impl Requests {
    fn ended(&self, method: &Method, status: Option<StatusCode>) {
        let method = match *method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::PUT => "PUT",
            Method::POST => "POST",
            Method::DELETE => "DELETE",
            _ => "OTHER",
        };
        let key = (method, status.map_or(0, |status| status.as_u16()));
        *self.lock().entry(key).or_default() += 1;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(&'static str, u16), u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

impl Transport {
    /// A transport that trusts the certificates the operating system trusts, and those of the options.
    ///
    /// # Errors
    /// [`BucketErrorKind::Tls`] when the machine's TLS set-up cannot be used, or a certificate is none.
    pub fn new(policy: EndpointPolicy, options: TransportOptions) -> BucketResult<Self> {
        let mut roots = RootCertStore::empty();
        // What cannot be read is left out; an endpoint it vouches for then fails with its own error.
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        for pem in &options.roots {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let trusted = certificate.map_err(|_| untrusted())?;
                roots.add(trusted).map_err(|_| untrusted())?;
            }
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| {
                BucketError::new(
                    BucketErrorKind::Tls,
                    format!("transport security cannot be set up: {error}"),
                )
            })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let policy = Arc::new(policy);
        let connector = Connector::new(Arc::clone(&policy), Arc::new(tls), options.hosts);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .build(connector.clone());
        Ok(Self {
            client,
            connector,
            policy,
            still_max: options.still_max,
            limits: Arc::new(Limits::new(options.limits)),
            regions: Arc::default(),
            requests: Arc::default(),
        })
    }

    /// Checks what a user wrote, before anything is resolved or connected to.
    ///
    /// # Errors
    /// [`BucketErrorKind::NotPermitted`].
    pub(crate) fn check(&self, url: &str) -> BucketResult<()> {
        let uri = url.parse().map_err(|_| {
            BucketError::new(BucketErrorKind::Invalid, "endpoint and bucket make no URL")
        })?;
        let (host, port, scheme) = connector::target(&uri)?;
        self.policy.check(&host, port, scheme)?;
        Ok(())
    }

    /// The addresses of a host that is no bucket's, every one of them permitted: whoever connects to it connects
    /// to just these.
    ///
    /// # Errors
    /// [`ErrorKind::PermissionDenied`], naming the setting; [`ErrorKind::Invalid`] for what is no host;
    /// [`ErrorKind::Io`] for a name that stands for no address.
    pub async fn addresses(
        &self,
        host: &str,
        port: u16,
        scheme: Scheme,
    ) -> Result<Vec<SocketAddr>, Error> {
        let found = self.connector.addresses(host, port, scheme);
        match tokio::time::timeout(connector::CONNECT_TIMEOUT, found).await {
            Ok(found) => Ok(found?),
            Err(_) => Err(Error::new(
                ErrorKind::Io,
                format!("the name '{host}' was not resolved in time"),
            )),
        }
    }

    /// Sends a POST to a URL that is no bucket's, under the same policy; gives the answer's status.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for what is no URL or header; those of the policy and of the connection.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&str, String)],
        body: Bytes,
    ) -> Result<u16, Error> {
        let mut request = Request::post(url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request
            .body(body)
            .map_err(|_| Error::new(ErrorKind::Invalid, "a message with no URL or header"))?;
        Ok(self.fetch(request).await?.status().as_u16())
    }

    /// Where Amazon's buckets are, as far as it is known.
    pub(super) fn regions(&self) -> &Regions {
        &self.regions
    }

    /// Room for a part of so many bytes; to be kept until the part has been sent.
    ///
    /// # Errors
    /// [`BucketErrorKind::SlowDown`] when there was none for too long.
    pub(crate) async fn upload_room(&self, bytes: u64) -> BucketResult<Room> {
        self.limits.upload(bytes).await
    }

    /// Sends a request and gives its answer whose body is yet to be read.
    ///
    /// # Errors
    /// For what is met before the answer's head: [`BucketErrorKind::NotPermitted`], `Dns`, `Connect`,
    /// `Tls`, `TimedOut`, `Interrupted`; `SlowDown` when the server has too many requests on their way.
    pub(crate) async fn fetch(&self, request: Request<Bytes>) -> BucketResult<Response<Streamed>> {
        let _room = self.limits.request().await?;
        self.fetch_now(request).await
    }

    /// How many requests were answered so far, or failed: the method, the answer's status or `failed`, and how many.
    pub fn requests(&self) -> Vec<(&'static str, String, u64)> {
        let outcome = |status: u16| match status {
            0 => "failed".to_owned(),
            status => status.to_string(),
        };
        let requests = self.requests.lock();
        let counts = requests.iter();
        counts
            .map(|((method, status), count)| (*method, outcome(*status), *count))
            .collect()
    }

    async fn fetch_now(&self, request: Request<Bytes>) -> BucketResult<Response<Streamed>> {
        let method = request.method().clone();
        let answer = self.fetch_uncounted(request).await;
        let status = answer.as_ref().ok().map(Response::status);
        self.requests.ended(&method, status);
        answer
    }

    async fn fetch_uncounted(&self, request: Request<Bytes>) -> BucketResult<Response<Streamed>> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let (mut parts, bytes) = request.into_parts();
        parts.headers.insert(
            header::USER_AGENT,
            HeaderValue::from_static(concat!("stagedoor/", env!("CARGO_PKG_VERSION"))),
        );
        // hyper says nothing of an empty body's length, and Ceph refuses (411) what does not.
        if bytes.is_empty() && [Method::PUT, Method::POST].contains(&parts.method) {
            parts
                .headers
                .insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let (body, progress) = Sent::new(bytes);
        let answer = self.client.request(Request::from_parts(parts, body));
        let answer = moving(answer, &progress, self.still_max)
            .await
            .ok_or_else(|| timed_out(&host, self.still_max))?
            .map_err(|error| failed(&host, &error))?;
        let still_max = self.still_max;
        Ok(answer.map(|incoming| Streamed {
            incoming,
            host,
            still_max,
        }))
    }

    /// Sends a request and reads its answer as a whole.
    ///
    /// # Errors
    /// As [`Self::fetch`]; [`BucketErrorKind::Server`] for an answer beyond all measure.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> BucketResult<Response<Bytes>> {
        let _room = self.limits.request().await?;
        let (parts, mut streamed) = self.fetch_now(request).await?.into_parts();
        let mut body = BytesMut::new();
        while let Some(piece) = streamed.next().await {
            body.extend_from_slice(&piece?);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(BucketError::new(
                    BucketErrorKind::Server,
                    format!(
                        "'{}' answered with more than {} MiB where a list or an error was due; check that the endpoint is an object storage",
                        streamed.host,
                        ANSWER_BYTES_MAX >> 20
                    ),
                ));
            }
        }
        Ok(Response::from_parts(parts, body.freeze()))
    }
}

/// An answer's body, piece by piece.
pub(crate) struct Streamed {
    incoming: Incoming,
    host: String,
    still_max: Duration,
}

impl Streamed {
    /// How long the body is, if the answer says so.
    pub(crate) fn size(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// The next piece; none at the end.
    pub(crate) async fn next(&mut self) -> Option<BucketResult<Bytes>> {
        loop {
            let frame = tokio::time::timeout(self.still_max, self.incoming.frame()).await;
            match frame {
                Err(_) => return Some(Err(timed_out(&self.host, self.still_max))),
                Ok(None) => return None,
                Ok(Some(Err(error))) => return Some(Err(interrupted(&self.host, &error))),
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        return Some(Ok(data));
                    }
                }
            }
        }
    }

    /// The pieces as a stream.
    pub(crate) fn into_stream(self) -> impl Stream<Item = BucketResult<Bytes>> + Send + Sync {
        futures::stream::unfold(self, |mut body| async move {
            body.next().await.map(|piece| (piece, body))
        })
    }
}

impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streamed").finish_non_exhaustive()
    }
}

/// Waits for `work` as long as its request's body moves; none when it has stood still.
async fn moving<T>(
    work: impl Future<Output = T>,
    progress: &Progress,
    still_max: Duration,
) -> Option<T> {
    let mut work = std::pin::pin!(work);
    loop {
        let before = progress.count();
        match tokio::time::timeout(still_max, &mut work).await {
            Ok(done) => return Some(done),
            Err(_) if progress.count() != before => {}
            Err(_) => return None,
        }
    }
}

fn untrusted() -> BucketError {
    BucketError::new(
        BucketErrorKind::Tls,
        "a certificate to be trusted is none; give certificates as PEM",
    )
}

fn timed_out(host: &str, still_max: Duration) -> BucketError {
    BucketError::new(
        BucketErrorKind::TimedOut,
        format!(
            "nothing came from '{host}' for {} s",
            still_max.as_secs_f32()
        ),
    )
}

/// The connector's own error where there is one; else the connection ended too early.
fn failed(host: &str, error: &hyper_util::client::legacy::Error) -> BucketError {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(own) = cause.downcast_ref::<BucketError>() {
            return own.clone().unsent();
        }
        source = cause.source();
    }
    interrupted(host, error)
}

fn interrupted(host: &str, error: &dyn std::error::Error) -> BucketError {
    // The innermost cause says most: 'connection reset by peer' rather than 'client error'.
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    BucketError::new(
        BucketErrorKind::Interrupted,
        format!("the connection to '{host}' ended too early: {cause}"),
    )
}
