//! The MySQL port: what clients of MySQL speak, joined to sessions. The protocol itself is the crate `mysql`'s; who may
//! do what is the session's to say.

mod answer;
mod client;
mod columns;
mod local_file;
mod login;
mod run;
mod statements;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OnceCell, Semaphore, watch};
use tokio::task::JoinSet;

use crate::connections::Rarely;
use crate::error::{Error, Result};
use crate::instance::{Instance, OpenError};
use crate::settings::Settings;
use crate::tls::Tls;

/// How long a client may take until it is in, its turn among logins included.
const LOGIN_MAX: Duration = Duration::from_secs(30);
/// How long accepting rests when the system cannot give a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A port for clients of MySQL that is listened on.
#[derive(Debug)]
pub(crate) struct MysqlPort {
    listener: TcpListener,
    /// With the port that was taken for port 0.
    pub(crate) address: SocketAddr,
    tls: Option<Arc<Tls>>,
}

/// What connections have in common.
#[derive(Debug)]
struct Shared {
    instance: Arc<Instance>,
    tls: Option<Arc<Tls>>,
    /// For passwords that come over plain text; made when the first is to come.
    key: OnceCell<Arc<mysql::KeyPair>>,
}

impl Shared {
    /// The key, which takes a moment to make.
    async fn key(&self) -> Result<Arc<mysql::KeyPair>> {
        let make = || async {
            let failed = |e: mysql::KeyError| Error::defect("failed to make a key").with_source(e);
            let make = move |_: &Instance| mysql::KeyPair::generate().map(Arc::new).map_err(failed);
            self.instance.blocking(make).await
        };
        self.key.get_or_try_init(make).await.cloned()
    }
}

impl MysqlPort {
    /// Takes the address of the settings; `None` without one.
    ///
    /// # Errors
    /// The address is taken, or would be plain text for other machines.
    pub(crate) async fn open(
        settings: &Settings,
        tls: Option<&Arc<Tls>>,
    ) -> std::result::Result<Option<Self>, OpenError> {
        let Some(listen) = settings.mysql.listen else {
            return Ok(None);
        };
        if tls.is_none() && !listen.ip().is_loopback() && !settings.insecure {
            return Err(OpenError::new(format!(
                "refusing to listen on {listen} for MySQL's clients in plain text, which anyone on the way can read: set tls.cert and tls.key, set mysql.listen to a loopback address, or set insecure = true"
            )));
        }
        let failed = |e: std::io::Error| {
            OpenError::new(format!("failed to listen on {listen} (mysql.listen): {e}"))
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Some(Self {
            listener,
            address,
            tls: tls.cloned(),
        }))
    }

    /// Serves until `stop` is true, and then until no statement runs; dropping it closes every connection.
    pub(crate) async fn serve(self, instance: Arc<Instance>, mut stop: watch::Receiver<bool>) {
        let connections_max = instance.settings.limits.connections_max;
        let places = Arc::new(Semaphore::new(connections_max));
        let mut full = Rarely::new();
        let shared = Arc::new(Shared {
            instance,
            tls: self.tls,
            key: OnceCell::new(),
        });
        let mut connections = JoinSet::new();
        if shared.tls.is_none() {
            // So that the first login need not wait for it. What fails here fails there, and is told.
            let shared = Arc::clone(&shared);
            connections.spawn(async move {
                let _ = shared.key().await;
            });
        }
        loop {
            let accepted = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.listener.accept() => accepted,
            };
            let (socket, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "failed to accept a connection of a MySQL client");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                full.say_full("mysql", peer, connections_max);
                connections.spawn(refuse(socket));
                continue;
            };
            let (shared, stop) = (Arc::clone(&shared), stop.clone());
            connections.spawn(async move {
                let _place = place;
                let _open = shared.instance.metrics.connected("mysql");
                client::serve(socket, peer, shared, stop).await;
            });
        }
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }
}

/// Tells a client that there are too many, as a packet in the place of the greeting.
async fn refuse(socket: TcpStream) {
    const TEXT: &[u8] = b"\xff\x10\x04#08004Too many connections: as many are open as limits.connections_max permits";
    let mut packet = vec![TEXT.len() as u8, 0, 0, 0];
    packet.extend_from_slice(TEXT);
    let mut socket = socket;
    let write = tokio::io::AsyncWriteExt::write_all(&mut socket, &packet);
    // Who does not take it has none.
    let _ = tokio::time::timeout(Duration::from_secs(1), write).await;
}

/// A random number of a connection, without zeros, which end texts.
fn nonce() -> Result<[u8; mysql::NONCE_BYTES]> {
    let mut nonce = [0; mysql::NONCE_BYTES];
    getrandom::fill(&mut nonce)
        .map_err(|e| Error::defect(format_args!("the system gives no random bytes: {e}")))?;
    for byte in &mut nonce {
        *byte = *byte % 127 + 1;
    }
    Ok(nonce)
}
