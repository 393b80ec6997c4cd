//! Connections: accepted within the limits, through TLS and HTTP/2's first bytes in time, and cut off
//! when the server has to end. Services learn from a request's extensions who is at the other end.

mod accept;
mod calls;
mod keep_alive;
mod preface;
mod rarely;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::Shared;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::server::TlsStream;
use tonic::codegen::http;
use tonic::transport::server::Connected;

use crate::settings::LimitSettings;

pub(crate) use accept::{Entry, OPENING_MAX, accept};
pub(crate) use calls::{Call, Calls};
pub(crate) use keep_alive::keep_alive;
pub(crate) use rarely::Rarely;

/// Calls of one connection at once; further ones wait at the client.
const STREAMS_MAX: u32 = 256;

/// All metadata of a call together.
const HEADER_BYTES_MAX: u32 = 16 << 10;

/// A connection that is silent for this long is asked whether it is there,
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// and closed when it does not say so within this time.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// The address a request comes from; an extension of every request but those through memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

/// The verified client certificate of the connection; an extension of every request where
/// `tls.client_ca` is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The distinguished name by RFC 4514, as in `CN=loader,O=Example`. Empty in a certificate that has
    /// alternative names alone.
    pub subject: String,
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConnectionInfo {
    address: Option<SocketAddr>,
    certificate: Option<ClientCertificate>,
    calls: Calls,
}

impl ConnectionInfo {
    /// A call of this connection runs until what this gives is dropped.
    pub(crate) fn begin_call(&self) -> Call {
        self.calls.begin()
    }

    /// Puts what is known into a request's extensions.
    pub(crate) fn tell(self, extensions: &mut http::Extensions) {
        if let Some(address) = self.address {
            extensions.insert(PeerAddress(address));
        }
        if let Some(certificate) = self.certificate {
            extensions.insert(certificate);
        }
    }
}

/// Resolves when connections are to be cut off: at the latest when its sender is dropped.
pub(crate) type Cut = Shared<oneshot::Receiver<()>>;

/// A way to cut connections off (by dropping it), and what they watch.
pub(crate) fn cut() -> (oneshot::Sender<()>, Cut) {
    let (cut, is_cut) = oneshot::channel();
    (cut, is_cut.shared())
}

/// HTTP/2 as this server speaks it.
pub(crate) fn http2() -> tonic::transport::Server {
    tonic::transport::Server::builder()
        .max_concurrent_streams(STREAMS_MAX)
        .http2_max_header_list_size(HEADER_BYTES_MAX)
}

/// The same over a network, where the other end can be gone without a word.
pub(crate) fn http2_over_network(limits: &LimitSettings) -> tonic::transport::Server {
    let server = http2()
        .http2_keepalive_interval(Some(KEEP_ALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEP_ALIVE_TIMEOUT));
    match limits.connection_age_s {
        0 => server,
        age_s => server.max_connection_age(Duration::from_secs(age_s)),
    }
}

#[derive(Debug)]
enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Memory(DuplexStream),
}

/// A connection that is ready for HTTP/2.
#[derive(Debug)]
pub(crate) struct Connection {
    io: Io,
    /// What was read of it already, to be read again.
    read_ahead: &'static [u8],
    info: ConnectionInfo,
    cut: Option<Cut>,
    is_cut: bool,
    /// Its place among `limits.connections_max`, until it is dropped.
    _place: Option<OwnedSemaphorePermit>,
    /// Tells that it was.
    ended: Option<tokio::sync::oneshot::Sender<()>>,
}

impl Connection {
    /// A connection within this process; nobody is told an address.
    pub(crate) fn memory(io: DuplexStream) -> Self {
        Self {
            io: Io::Memory(io),
            read_ahead: &[],
            info: ConnectionInfo::default(),
            cut: None,
            is_cut: false,
            _place: None,
            ended: None,
        }
    }

    /// The calls that run in it.
    pub(crate) fn calls(&self) -> Calls {
        self.info.calls.clone()
    }

    /// Resolves once it has ended.
    pub(crate) fn ended(&mut self) -> impl Future<Output = ()> + use<> {
        let (ended, has_ended) = tokio::sync::oneshot::channel();
        self.ended = Some(ended);
        // It is dropped, and says nothing else.
        async move {
            let _ = has_ended.await;
        }
    }

    /// Fails once the connection is cut off, and watches for that.
    fn check_cut(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if let Some(cut) = &mut self.cut
            && cut.poll_unpin(context).is_ready()
        {
            // It must not be asked again.
            self.cut = None;
            self.is_cut = true;
        }
        if self.is_cut {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

impl Connected for Connection {
    type ConnectInfo = ConnectionInfo;

    fn connect_info(&self) -> ConnectionInfo {
        self.info.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_cut(context)?;
        if !self.read_ahead.is_empty() {
            let (now, later) = self
                .read_ahead
                .split_at(self.read_ahead.len().min(buffer.remaining()));
            buffer.put_slice(now);
            self.read_ahead = later;
            return Poll::Ready(Ok(()));
        }
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_read(context, buffer),
            Io::Tls(io) => Pin::new(io).poll_read(context, buffer),
            Io::Memory(io) => Pin::new(io).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_cut(context)?;
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_write(context, bytes),
            Io::Tls(io) => Pin::new(io).poll_write(context, bytes),
            Io::Memory(io) => Pin::new(io).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_cut(context)?;
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_write_vectored(context, slices),
            Io::Tls(io) => Pin::new(io).poll_write_vectored(context, slices),
            Io::Memory(io) => Pin::new(io).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(io) => io.is_write_vectored(),
            Io::Tls(io) => io.is_write_vectored(),
            Io::Memory(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_cut(context)?;
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_flush(context),
            Io::Tls(io) => Pin::new(io).poll_flush(context),
            Io::Memory(io) => Pin::new(io).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_cut(context)?;
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_shutdown(context),
            Io::Tls(io) => Pin::new(io).poll_shutdown(context),
            Io::Memory(io) => Pin::new(io).poll_shutdown(context),
        }
    }
}
