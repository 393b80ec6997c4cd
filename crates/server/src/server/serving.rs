//! HTTP/2 on the port's connections, each served on its own: one that nobody uses is told to go while the others stay.

use std::io;
use std::pin::pin;
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::doorway::Doorway;
use crate::connections::{self, Calls, Connection};
use crate::settings::LimitSettings;

/// Serves the connections that come until `stop` resolves; then takes no more, and ends when no call runs in those that
/// are there. Dropped, it leaves to themselves those that are left.
pub(super) async fn serve(
    doorway: Doorway,
    limits: LimitSettings,
    mut incoming: impl Stream<Item = io::Result<Connection>> + Unpin,
    stop: impl Future<Output = ()>,
) {
    let (stopping, is_stopping) = watch::channel(false);
    let mut serving = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let connection = tokio::select! {
            () = &mut stop => break,
            Some(served) = serving.join_next() => {
                if let Err(error) = served {
                    tracing::error!(panicked = error.is_panic(), "serving a connection broke off");
                }
                continue;
            }
            connection = incoming.next() => connection,
        };
        match connection {
            Some(Ok(connection)) => {
                let server = connections::http2_over_network(&limits);
                let idle = idle(connection.calls(), limits.connection_idle_s);
                serving.spawn(serve_one(
                    server,
                    doorway.clone(),
                    connection,
                    idle,
                    is_stopping.clone(),
                ));
            }
            Some(Err(error)) => tracing::debug!(%error, "a connection did not come about"),
            None => break,
        }
    }
    // Which closes the listener.
    drop(incoming);
    stopping.send_replace(true);
    while serving.join_next().await.is_some() {}
}

async fn serve_one(
    server: tonic::transport::Server,
    doorway: Doorway,
    mut connection: Connection,
    idle: impl Future<Output = ()>,
    mut is_stopping: watch::Receiver<bool>,
) {
    let ended = connection.ended();
    let to_go = async move {
        tokio::select! {
            // An error means that the server is gone.
            _ = is_stopping.wait_for(|stopping| *stopping) => {}
            () = ended => {}
            () = idle => tracing::debug!("a connection is closed, for no call came for so long"),
        }
    };
    let this = stream::iter([Ok::<_, io::Error>(connection)]).chain(stream::pending());
    // What goes wrong with a connection ends it, and is told at level debug where it happens.
    if let Err(error) = server
        .serve_with_incoming_shutdown(doorway, this, to_go)
        .await
    {
        tracing::warn!(%error, "failed to serve a connection");
    }
}

/// Resolves when the connection is to go, for no call has come for `limits.connection_idle_s`.
async fn idle(calls: Calls, after_s: u64) {
    match after_s {
        0 => std::future::pending().await,
        after_s => calls.idle_for(Duration::from_secs(after_s)).await,
    }
}
