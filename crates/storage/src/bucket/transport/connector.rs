//! `Connector`: from a URL to a connection, and only to an address that the endpoint policy permits.
//! Every address a name resolves to is checked at every connection, and just those are connected to.

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::bucket::error::{BucketError, BucketErrorKind};
use crate::endpoints::{EndpointPolicy, Scheme};

/// For the name, the connection and the handshake together.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes connections. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connector {
    policy: Arc<EndpointPolicy>,
    tls: Arc<ClientConfig>,
    hosts: Arc<HashMap<String, Vec<SocketAddr>>>,
}

impl Connector {
    pub(super) fn new(
        policy: Arc<EndpointPolicy>,
        tls: Arc<ClientConfig>,
        hosts: HashMap<String, Vec<SocketAddr>>,
    ) -> Self {
        Self {
            policy,
            tls,
            hosts: Arc::new(hosts),
        }
    }

    async fn connect(self, uri: Uri) -> Result<Stream, BucketError> {
        let (host, port, scheme) = target(&uri)?;
        let addresses = self.addresses(&host, port, scheme).await?;
        let tcp = reach(&host, port, &addresses).await?;
        // Requests are written whole; waiting to fill a packet only delays their end.
        let _ = tcp.set_nodelay(true);
        match scheme {
            Scheme::Http => Ok(Stream::Plain(TokioIo::new(tcp))),
            Scheme::Https => {
                let name = match host.parse::<IpAddr>() {
                    Ok(address) => ServerName::from(address),
                    Err(_) => ServerName::try_from(host.clone()).map_err(|_| {
                        BucketError::new(
                            BucketErrorKind::Invalid,
                            format!("'{host}' is no name that a certificate can have"),
                        )
                    })?,
                };
                let tls = TlsConnector::from(Arc::clone(&self.tls));
                let stream = tls.connect(name, tcp).await.map_err(|error| {
                    BucketError::new(
                        BucketErrorKind::Tls,
                        format!(
                            "no trusted connection to '{host}:{port}': {}; check that the endpoint speaks TLS and that the server trusts its certificate's issuer",
                            reason(&error)
                        ),
                    )
                })?;
                Ok(Stream::Tls(Box::new(TokioIo::new(stream))))
            }
        }
    }

    /// What the host stands for, all of it permitted.
    pub(super) async fn addresses(
        &self,
        host: &str,
        port: u16,
        scheme: Scheme,
    ) -> Result<Vec<SocketAddr>, BucketError> {
        let endpoint = self.policy.check(host, port, scheme)?;
        if let Ok(address) = host.parse::<IpAddr>() {
            endpoint.check_address(address)?;
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let unresolved = || {
            BucketError::new(
                BucketErrorKind::Dns,
                format!(
                    "the name '{host}' does not resolve to an address; check the endpoint, the region and the bucket's name"
                ),
            )
        };
        let addresses: Vec<SocketAddr> = match self.hosts.get(&endpoint.host()) {
            Some(known) => known
                .iter()
                .map(|known| match known.port() {
                    0 => SocketAddr::new(known.ip(), port),
                    _ => *known,
                })
                .collect(),
            None => lookup_host((host, port))
                .await
                .map_err(|_| unresolved())?
                .collect(),
        };
        if addresses.is_empty() {
            return Err(unresolved());
        }
        // A name that stands for one address not permitted is not trusted with the others either.
        for address in &addresses {
            endpoint.check_address(address.ip())?;
        }
        Ok(addresses)
    }
}

/// Host without brackets, port and scheme of a request.
pub(super) fn target(uri: &Uri) -> Result<(String, u16, Scheme), BucketError> {
    let scheme: Scheme = uri.scheme_str().unwrap_or_default().parse()?;
    let host = uri
        .host()
        .unwrap_or_default()
        .trim_matches(['[', ']'])
        .to_owned();
    let port = uri.port_u16().unwrap_or(match scheme {
        Scheme::Https => 443,
        Scheme::Http => 80,
    });
    Ok((host, port, scheme))
}

/// The first of the addresses that takes a connection.
async fn reach(host: &str, port: u16, addresses: &[SocketAddr]) -> Result<TcpStream, BucketError> {
    let mut last = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    let why = last.map_or_else(|| "it has no address".to_owned(), |error| reason(&error));
    Err(BucketError::new(
        BucketErrorKind::Connect,
        format!(
            "no connection to '{host}:{port}': {why}; check the endpoint, its port and the network between"
        ),
    ))
}

/// The error's words in lower case, without Rust's ` (os error 2)`.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}

impl tower_service::Service<Uri> for Connector {
    type Response = Stream;
    type Error = BucketError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BucketError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BucketError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let shown = uri.authority().map(ToString::to_string).unwrap_or_default();
            match tokio::time::timeout(CONNECT_TIMEOUT, connector.connect(uri)).await {
                Ok(done) => done,
                Err(_) => Err(BucketError::new(
                    BucketErrorKind::Connect,
                    format!(
                        "no connection to '{shown}' within {} s; check the endpoint, its port and the network between",
                        CONNECT_TIMEOUT.as_secs()
                    ),
                )),
            }
        })
    }
}

/// A connection, with transport security or without.
pub(super) enum Stream {
    Plain(TokioIo<TcpStream>),
    Tls(Box<TokioIo<TlsStream<TcpStream>>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, buffer),
        }
    }
}

impl Write for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
        }
    }
}
