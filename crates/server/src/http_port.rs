//! The HTTP port: files of stages by download links, which a browser can follow. It speaks HTTP/1.1, answers GET and
//! HEAD of `/files/…`, and holds no rule: what a link is worth is the session's to say.

mod range;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tonic::Code;
use uuid::Uuid;

use crate::connections::Rarely;
use crate::error::{Error, Reason};
use crate::gate::CallContext;
use crate::instance::{Instance, OpenError};
use crate::session::{LinkedFile, Session, percent_encoded};
use crate::settings::Settings;
use crate::status::code;
use crate::tls::{Tls, handshake_for_http1};
use crate::traces::Trace;
use range::{Wanted, wanted};

/// How long a client may take for a handshake, and for the head of a request.
const HEAD_MAX: Duration = Duration::from_secs(10);
/// How long accepting rests when the system cannot give a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

type Body = UnsyncBoxBody<Bytes, Error>;

/// A port for links that is listened on.
#[derive(Debug)]
pub(crate) struct HttpPort {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    connections_max: usize,
    /// How links begin.
    pub(crate) links_at: String,
}

impl HttpPort {
    /// Takes the address of the settings; `None` without one.
    ///
    /// # Errors
    /// The address is taken, or would be plain text for other machines.
    pub(crate) async fn open(
        settings: &Settings,
        tls: Option<&Arc<Tls>>,
    ) -> Result<Option<Self>, OpenError> {
        let Some(listen) = settings.http.listen else {
            return Ok(None);
        };
        if tls.is_none() && !listen.ip().is_loopback() && !settings.insecure {
            return Err(OpenError::new(format!(
                "refusing to serve links on {listen} in plain text, which anyone on the way can read: set tls.cert and tls.key, set http.listen to a loopback address, or set insecure = true"
            )));
        }
        let failed = |e: std::io::Error| {
            OpenError::new(format!("failed to listen on {listen} (http.listen): {e}"))
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let links_at = match &settings.http.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None if tls.is_some() => format!("https://{address}"),
            None => format!("http://{address}"),
        };
        Ok(Some(Self {
            listener,
            tls: tls.cloned(),
            connections_max: settings.limits.connections_max,
            links_at,
        }))
    }

    /// Serves until it is dropped, which closes every connection.
    pub(crate) async fn serve(self, instance: Arc<Instance>) {
        let places = Arc::new(Semaphore::new(self.connections_max));
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
                    tracing::warn!(%error, "failed to accept a connection for a link");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                full.say_full("http", peer, self.connections_max);
                continue;
            };
            let (tls, instance) = (self.tls.clone(), Arc::clone(&instance));
            connections.spawn(async move {
                let _place = place;
                let _open = instance.metrics.connected("http");
                serve_connection(socket, peer, tls, instance).await;
            });
        }
    }
}

async fn serve_connection(
    socket: TcpStream,
    peer: SocketAddr,
    tls: Option<Arc<Tls>>,
    instance: Arc<Instance>,
) {
    // A client that goes away in the middle is nothing to tell of.
    let _ = socket.set_nodelay(true);
    match tls {
        None => serve_stream(socket, peer, instance).await,
        Some(tls) => {
            let handshake = handshake_for_http1(&tls, socket);
            if let Ok(Ok(stream)) = tokio::time::timeout(HEAD_MAX, handshake).await {
                serve_stream(stream, peer, instance).await;
            }
        }
    }
}

async fn serve_stream(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    instance: Arc<Instance>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let instance = Arc::clone(&instance);
        async move { Ok::<_, Infallible>(answer(&instance, &request, peer).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%peer, %error, "a connection for links ended early");
    }
}

/// The path is a key: it is not logged, and nothing quotes it.
async fn answer(
    instance: &Arc<Instance>,
    request: &Request<Incoming>,
    peer: SocketAddr,
) -> Response<Body> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
        let allow = HeaderValue::from_static("GET, HEAD");
        refused.headers_mut().insert(header::ALLOW, allow);
        return refused;
    }
    let link = request
        .uri()
        .path()
        .strip_prefix("/files/")
        .map(|rest| rest.split('/').next().unwrap_or(rest));
    let Some(link) = link.filter(|link| !link.is_empty()) else {
        return text(StatusCode::NOT_FOUND, "there is nothing here");
    };
    let context = CallContext {
        request_id: Uuid::now_v7().to_string(),
        client: peer.to_string(),
        statement: "a download link".to_owned(),
        until: None,
        trace: Trace::default(),
    };
    let sent = async {
        let file = Session::follow_link(instance, link.to_owned(), context).await?;
        send(request, file).await
    };
    sent.await.unwrap_or_else(|error| refused(&error))
}

async fn send(request: &Request<Incoming>, file: LinkedFile) -> Result<Response<Body>, Error> {
    let info = file.info.clone();
    let etag = info.etag.as_deref();
    let head = |status| {
        let mut head = Response::builder()
            .status(status)
            .header(header::ACCEPT_RANGES, "bytes")
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header(header::CACHE_CONTROL, "private, no-store")
            .header(header::REFERRER_POLICY, "no-referrer")
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
            .header(
                header::CONTENT_DISPOSITION,
                format!(
                    "attachment; filename*=UTF-8''{}",
                    percent_encoded(info.path.file_name())
                ),
            );
        if let Some(etag) = etag {
            head = head.header(header::ETAG, etag);
        }
        if let Some(modified) = info.modified {
            let modified = chrono::DateTime::<chrono::Utc>::from(modified);
            head = head.header(
                header::LAST_MODIFIED,
                modified.format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            );
        }
        head
    };
    let built = |e| Error::defect("failed to build an answer").with_source(e);
    let (status, range) = match wanted(request.headers(), info.bytes, etag) {
        Wanted::Whole => (StatusCode::OK, 0..info.bytes),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Nothing => {
            return head(StatusCode::RANGE_NOT_SATISFIABLE)
                .header(header::CONTENT_RANGE, format!("bytes */{}", info.bytes))
                .body(empty())
                .map_err(built);
        }
    };
    let mut head = head(status).header(header::CONTENT_LENGTH, range.end - range.start);
    if status == StatusCode::PARTIAL_CONTENT {
        let shown = format!("bytes {}-{}/{}", range.start, range.end - 1, info.bytes);
        head = head.header(header::CONTENT_RANGE, shown);
    }
    if request.method() == Method::HEAD {
        return head.body(empty()).map_err(built);
    }
    let bytes = file.read(range).await?.map_ok(Frame::data);
    head.body(BodyExt::boxed_unsync(StreamBody::new(bytes.boxed())))
        .map_err(built)
}

fn refused(error: &Error) -> Response<Body> {
    let status = match code(error.reason()) {
        Code::NotFound if error.reason() == Reason::FileNotFound => StatusCode::NOT_FOUND,
        // What else is not there is nothing to a stranger.
        Code::NotFound
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::FailedPrecondition => StatusCode::FORBIDDEN,
        Code::Aborted => StatusCode::CONFLICT,
        Code::ResourceExhausted | Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ if error.is_retryable() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    tracing::info!(
        status = status.as_u16(),
        error = error.message(),
        "a link was refused"
    );
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(error = error.message(), "failed to send a file by a link");
        return text(status, "the server failed; its log has more");
    }
    text(status, error.told().unwrap_or(error.message()))
}

fn text(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(body(format!("{text}\n")));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

fn empty() -> Body {
    body(String::new())
}

fn body(text: String) -> Body {
    Full::new(Bytes::from(text))
        .map_err(|never| match never {})
        .boxed_unsync()
}
