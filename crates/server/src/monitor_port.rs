//! The port for who watches the server: `/metrics` for Prometheus, `/healthz` and `/readyz` for what starts and stops it. HTTP/1.1 in plain
//! text, without a login, so for this machine or a network of the operator's own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::connections::Rarely;
use crate::instance::{Instance, OpenError};
use crate::server::ServerHealth;
use crate::settings::Settings;

/// How long a client may take for the head of a request.
const HEAD_MAX: Duration = Duration::from_secs(10);
/// How long accepting rests when the system cannot give a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// Connections at once: a few watchers, and no more.
const CONNECTIONS_MAX: usize = 32;

const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT_TYPE: &str = "text/plain; charset=utf-8";

/// A port for watchers that is listened on.
#[derive(Debug)]
pub(crate) struct MonitorPort {
    listener: TcpListener,
    pub(crate) local_addr: SocketAddr,
}

/// What watchers are told of.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    pub(crate) health: ServerHealth,
    /// Once the data directory is open.
    pub(crate) instance: Arc<OnceLock<Weak<Instance>>>,
    /// Of the gRPC port: the places for connections, and how many there are in all.
    pub(crate) places: (Arc<Semaphore>, usize),
}

impl MonitorPort {
    /// Takes the address of the settings; `None` without one.
    ///
    /// # Errors
    /// The address is taken, or other machines would reach it and `insecure` is not set.
    pub(crate) async fn open(settings: &Settings) -> Result<Option<Self>, OpenError> {
        let Some(listen) = settings.metrics.listen else {
            return Ok(None);
        };
        if !listen.ip().is_loopback() && !settings.insecure {
            return Err(OpenError::new(format!(
                "refusing to serve metrics on {listen}, where any machine could read them without a login: set metrics.listen to a loopback address, or set insecure = true"
            )));
        }
        let failed = |e: std::io::Error| {
            OpenError::new(format!(
                "failed to listen on {listen} (metrics.listen): {e}"
            ))
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let local_addr = listener.local_addr().map_err(failed)?;
        Ok(Some(Self {
            listener,
            local_addr,
        }))
    }

    /// Serves until it is dropped, which closes every connection.
    pub(crate) async fn serve(self, watched: Watched) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut full = Rarely::new();
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                Some(_) = connections.join_next() => continue,
                accepted = self.listener.accept() => accepted,
            };
            let (socket, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "failed to accept a connection for metrics");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                if let Some(unsaid) = full.say() {
                    tracing::warn!(%peer, unsaid, "closed a connection for metrics: {CONNECTIONS_MAX} are open, as many as may be");
                }
                continue;
            };
            let watched = watched.clone();
            connections.spawn(async move {
                let _place = place;
                serve_connection(socket, watched).await;
            });
        }
    }
}

async fn serve_connection(socket: TcpStream, watched: Watched) {
    let service = service_fn(move |request: Request<Incoming>| {
        let watched = watched.clone();
        async move { Ok::<_, Infallible>(answer(&watched, &request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .serve_connection(TokioIo::new(socket), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection for metrics ended early");
    }
}

async fn answer(watched: &Watched, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
        let allow = HeaderValue::from_static("GET, HEAD");
        refused.headers_mut().insert(header::ALLOW, allow);
        return refused;
    }
    match request.uri().path() {
        // That it answers is all that it says.
        "/healthz" => text(StatusCode::OK, "ok"),
        "/readyz" => {
            let (is_serving, state) = watched.health.in_words();
            let status = match is_serving {
                true => StatusCode::OK,
                false => StatusCode::SERVICE_UNAVAILABLE,
            };
            text(status, state)
        }
        "/metrics" => metrics(watched).await,
        _ => text(
            StatusCode::NOT_FOUND,
            "there are /metrics, /healthz and /readyz",
        ),
    }
}

async fn metrics(watched: &Watched) -> Response<Full<Bytes>> {
    let Some(instance) = watched.instance.get().and_then(Weak::upgrade) else {
        return text(
            StatusCode::SERVICE_UNAVAILABLE,
            "the data directory is not open",
        );
    };
    let (places, all) = &watched.places;
    let connections = all.saturating_sub(places.available_permits());
    // The catalog may be writing a change.
    let written = instance
        .blocking(move |instance| instance.metrics.text(instance, connections))
        .await;
    match written {
        Ok(written) => {
            let mut response = Response::new(Full::new(Bytes::from(written)));
            let kind = HeaderValue::from_static(METRICS_TYPE);
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        Err(error) => {
            tracing::error!(error = error.message(), "failed to write the metrics");
            text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the server failed; its log has more",
            )
        }
    }
}

fn text(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{text}\n"))));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static(TEXT_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}
