//! The loop that accepts connections: within `limits.connections_max`, each opened in a time of its own,
//! and at rest instead of spinning while the system has no descriptors left.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;

use super::{Calls, Connection, ConnectionInfo, Cut, Io, Rarely, keep_alive, preface};
use crate::tls::{self, Tls};

/// How long a client may take for the TLS handshake and the first bytes of HTTP/2, usually.
pub(crate) const OPENING_MAX: Duration = Duration::from_secs(10);

/// How long accepting rests when the system cannot give a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Opened connections that wait to be taken.
const READY_MAX: usize = 16;

/// How connections get in.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// `None`: plain text.
    pub(crate) tls: Option<Arc<Tls>>,
    /// `limits.connections_max`.
    pub(crate) connections_max: usize,
    /// As many of them as are free.
    pub(crate) places: Arc<Semaphore>,
    /// How long a client may take until HTTP/2 begins; [`OPENING_MAX`].
    pub(crate) opening_max: Duration,
    /// Cuts off all that got in.
    pub(crate) cut: Cut,
}

/// Accepts until the stream is dropped, which closes the listener and what is not open yet.
pub(crate) fn accept(
    listener: TcpListener,
    entry: Entry,
) -> impl Stream<Item = io::Result<Connection>> + Send + Unpin + 'static {
    let (opened, stream) = mpsc::channel(READY_MAX);
    tokio::spawn(accept_until_closed(listener, entry, opened));
    ReceiverStream::new(stream).map(Ok)
}

async fn accept_until_closed(
    listener: TcpListener,
    entry: Entry,
    opened: mpsc::Sender<Connection>,
) {
    let places = Arc::clone(&entry.places);
    let mut opening = JoinSet::new();
    let (mut full, mut failed, mut refused) = (Rarely::new(), Rarely::new(), Rarely::new());
    loop {
        let accepted = tokio::select! {
            () = opened.closed() => return,
            Some(ended) = opening.join_next() => {
                if let Ok(Err(Refused { address, why })) = ended
                    && let Some(unsaid) = refused.say()
                {
                    tracing::info!(peer = %address, unsaid, "closed a connection that did not open: {why}");
                }
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, address)) => match Arc::clone(&places).try_acquire_owned() {
                Ok(place) => {
                    opening.spawn(open(socket, address, place, entry.clone(), opened.clone()));
                }
                Err(_) => {
                    drop(socket);
                    full.say_full("grpc", address, entry.connections_max);
                }
            },
            // That client is gone already; the next one is not.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if let Some(unsaid) = failed.say() {
                    tracing::error!(
                        %error,
                        unsaid,
                        "failed to accept a connection; if there are too few descriptors, raise the limit (ulimit -n) or lower limits.connections_max"
                    );
                }
                tokio::select! {
                    () = opened.closed() => return,
                    () = tokio::time::sleep(ACCEPT_PAUSE) => {}
                }
            }
        }
    }
}

/// A connection that was closed before it was one.
struct Refused {
    address: SocketAddr,
    why: String,
}

async fn open(
    socket: TcpStream,
    address: SocketAddr,
    place: OwnedSemaphorePermit,
    entry: Entry,
    opened: mpsc::Sender<Connection>,
) -> Result<(), Refused> {
    let refused = |why: String| Refused { address, why };
    // Small answers must not wait for the client's acknowledgement of the one before.
    socket
        .set_nodelay(true)
        .and_then(|()| keep_alive(&socket))
        .map_err(|e| refused(e.to_string()))?;
    let opening = async {
        let (io, certificate) = match &entry.tls {
            None => {
                let mut socket = socket;
                preface::read(&mut socket).await?;
                (Io::Plain(socket), None)
            }
            Some(tls) => {
                let (mut stream, certificate) = tls::handshake(tls, socket).await?;
                preface::read(&mut stream).await?;
                (Io::Tls(Box::new(stream)), certificate)
            }
        };
        Ok::<_, io::Error>((io, certificate))
    };
    let (io, certificate) = match tokio::time::timeout(entry.opening_max, opening).await {
        Ok(opened) => opened.map_err(|e| refused(e.to_string()))?,
        Err(_) => {
            return Err(refused(format!(
                "no HTTP/2 within {} s",
                entry.opening_max.as_secs()
            )));
        }
    };
    let connection = Connection {
        io,
        read_ahead: preface::PREFACE,
        info: ConnectionInfo {
            address: Some(address),
            certificate,
            calls: Calls::default(),
        },
        cut: Some(entry.cut),
        is_cut: false,
        _place: Some(place),
        ended: None,
    };
    // Nobody takes it when the server stops; then it is closed.
    let _ = opened.send(connection).await;
    Ok(())
}
