//! Who calls: every request passes here before its service. It turns `authorization` metadata into the gate's
//! principal, gives each call a request id, and decides nothing else.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::BodyExt;
use proto::v1::file_service_server::SERVICE_NAME as FILE_SERVICE;
use secrecy::SecretString;
use tokio::time::Instant;
use tonic::Status;
use tonic::service::AxumBody;
use tower::{Layer, Service};
use tracing::Instrument;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::connections::PeerAddress;
use crate::error::{Error, Reason, Result};
use crate::gate::{CallContext, Credential, LoginName, Logins, Principal};
use crate::instance::Instance;
use crate::session::{Caller, Login};
use crate::traces::{self, Span, Trace};

/// Metadata in which a request's id comes and goes.
const REQUEST_ID: &str = "x-request-id";
const REQUEST_ID_BYTES_MAX: usize = 128;

/// Services that a probe or a tool may ask without a login: they tell nothing of what is stored.
const OPEN_SERVICES: [&str; 3] = [
    "/grpc.health.v1.Health/",
    "/grpc.reflection.v1.ServerReflection/",
    "/grpc.reflection.v1alpha.ServerReflection/",
];

/// With its padding or without: Arrow's Go clients leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How callers of a transport are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// By a password or a token with each call.
    Logins,
    /// The transport is in this process: whoever has opened the data directory acts as `sys:root`.
    Owner,
}

/// Puts the check before every service.
#[derive(Debug, Clone)]
pub(crate) struct Authentication {
    pub(crate) instance: Arc<Instance>,
    pub(crate) trust: Trust,
}

/// A service behind the check.
#[derive(Debug, Clone)]
pub(crate) struct Authenticated<S> {
    check: Authentication,
    inner: S,
}

/// The token's id that a call came with, for Logout.
#[derive(Debug, Clone)]
pub(crate) struct TokenId(pub(crate) String);

impl<S> Layer<S> for Authentication {
    type Service = Authenticated<S>;

    fn layer(&self, inner: S) -> Authenticated<S> {
        Authenticated {
            check: self.clone(),
            inner,
        }
    }
}

impl<S> Service<Request<AxumBody>> for Authenticated<S>
where
    S: Service<Request<AxumBody>, Response = Response<AxumBody>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    type Response = Response<AxumBody>;
    type Error = Infallible;
    type Future =
        Pin<Box<dyn Future<Output = std::result::Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<std::result::Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<AxumBody>) -> Self::Future {
        // The clone takes the readiness that was just polled, as tower's contract asks.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let check = self.check.clone();
        Box::pin(async move {
            let mut context = check.context(&request);
            let mut traced = check.traced(&request, &mut context);
            let id = context.request_id.clone();
            let path = request.uri().path().to_owned();
            let until = context.until;
            let span = tracing::info_span!(
                "call",
                request_id = id,
                client = context.client,
                method = request.uri().path(),
                principal = tracing::field::Empty,
            );
            let answering = async {
                if is_open(request.uri().path()) {
                    return inner.call(request).await;
                }
                match check.caller(request.headers_mut(), context).await {
                    Ok((caller, token)) => {
                        tracing::Span::current()
                            .record("principal", tracing::field::display(&caller.principal));
                        if traced.is_seen() {
                            traced.set(traces::PRINCIPAL, caller.principal.to_string());
                        }
                        request.extensions_mut().insert(caller);
                        if let Some(token) = token {
                            request.extensions_mut().insert(token);
                        }
                        inner.call(request).await
                    }
                    Err(error) => Ok(Status::from(error).into_http()),
                }
            }
            .instrument(span.clone());
            let mut response = match until {
                None => answering.await?,
                // A watch that is open to all has no principal's statement that would tell.
                Some(until) => match tokio::time::timeout_at(until, answering).await {
                    Ok(answer) => answer?,
                    Err(_) => span.in_scope(|| Status::from(too_late()).into_http()),
                },
            };
            if is_from_tonic(&response, tonic::Code::OutOfRange) {
                let error = check.message_too_large(&path);
                response = Status::from(error).into_http();
            } else if is_from_tonic(&response, tonic::Code::Internal)
                && let Some(error) = not_decoded(&response)
            {
                response = Status::from(error).into_http();
            }
            if let Ok(id) = HeaderValue::from_str(&id) {
                response.headers_mut().insert(REQUEST_ID, id);
            }
            Ok(answered(traced, response))
        })
    }
}

/// The answer, whose span ends with its last byte and has the status that comes behind it.
fn answered(mut span: Span, response: Response<AxumBody>) -> Response<AxumBody> {
    if span.is_none() {
        return response;
    }
    tell_status(&mut span, response.headers());
    response.map(|body| {
        AxumBody::new(body.map_frame(move |frame| {
            if let Some(trailers) = frame.trailers_ref() {
                tell_status(&mut span, trailers);
            }
            frame
        }))
    })
}

fn tell_status(span: &mut Span, headers: &HeaderMap) {
    let Some(status) = Status::from_header_map(headers) else {
        return;
    };
    let code = status.code();
    span.set("rpc.grpc.status_code", i64::from(i32::from(code)));
    if code != tonic::Code::Ok {
        // Its text may quote values.
        span.failed_as(code.description());
    }
}

/// Whether it is an error with which tonic itself has refused a request: ours have details, its own have none.
fn is_from_tonic(response: &Response<AxumBody>, code: tonic::Code) -> bool {
    let headers = response.headers();
    let has_details = headers.contains_key("grpc-status-details-bin");
    !has_details && Status::from_header_map(headers).is_some_and(|status| status.code() == code)
}

/// How long before the client's deadline it is answered at the most, so that it hears the answer and is not alone in
/// knowing that it is late.
const AHEAD_MAX: Duration = Duration::from_millis(20);

/// When the client waits no longer, by `grpc-timeout`; what is none of the protocol's is none.
fn deadline(headers: &HeaderMap) -> Option<Instant> {
    let timeout = timeout(headers.get("grpc-timeout")?.to_str().ok()?)?;
    let timeout = timeout.saturating_sub(AHEAD_MAX.min(timeout / 10));
    Instant::now().checked_add(timeout)
}

/// At most eight digits and a unit.
fn timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

fn too_late() -> Error {
    Error::new(
        Reason::StatementTimeout,
        3024,
        "HY000",
        "Query execution was interrupted: the client's deadline (grpc-timeout) has passed",
    )
}

/// tonic calls a message that is not of its type an error of the server's own.
fn not_decoded(response: &Response<AxumBody>) -> Option<Error> {
    let status = Status::from_header_map(response.headers())?;
    let why = status
        .message()
        .strip_prefix("failed to decode Protobuf message: ")?;
    Some(Error::invalid_input(
        Reason::OptionInvalid,
        format_args!("the request's message is not of the type that this call takes: {why}"),
    ))
}

impl Authentication {
    /// tonic says so by OUT_OF_RANGE, for nothing else, and knows no setting.
    fn message_too_large(&self, path: &str) -> Error {
        let text = if path.starts_with(&format!("/{FILE_SERVICE}/")) {
            "a message of FileService has at most 4194304 bytes: send a file in smaller chunks"
                .to_owned()
        } else {
            format!(
                "a message has at most {} bytes: limits.message_bytes_max",
                self.instance.settings.limits.message_bytes_max
            )
        };
        Error::new(Reason::LimitExceeded, 1153, "08S01", text)
    }

    fn context(&self, request: &Request<AxumBody>) -> CallContext {
        let asked = request
            .headers()
            .get(REQUEST_ID)
            .and_then(|id| id.to_str().ok())
            .filter(|id| !id.is_empty() && id.len() <= REQUEST_ID_BYTES_MAX);
        let client = match self.trust {
            Trust::Owner => "embedded".to_owned(),
            Trust::Logins => {
                peer(request).map_or_else(|| "unknown".to_owned(), |at| at.to_string())
            }
        };
        CallContext {
            request_id: asked.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned),
            client,
            statement: request.uri().path().trim_start_matches('/').to_owned(),
            until: deadline(request.headers()),
            trace: Trace::default(),
        }
    }

    /// The call's span, below which its statements will be.
    fn traced(&self, request: &Request<AxumBody>, context: &mut CallContext) -> Span {
        let Some(traces) = &self.instance.traces else {
            return Span::default();
        };
        let path = request.uri().path();
        // Probes ask every few seconds, and are nobody's work.
        if is_open(path) {
            return Span::default();
        }
        let name = path.trim_start_matches('/');
        let mut span = traces.of_caller(request.headers()).call(name);
        span.set("rpc.system", "grpc");
        if let Some((service, method)) = name.split_once('/') {
            span.set_text("rpc.service", service);
            span.set_text("rpc.method", method);
        }
        span.set_text(traces::REQUEST_ID, &context.request_id);
        span.set_text(traces::CLIENT, &context.client);
        context.trace = span.below();
        span
    }

    async fn caller(
        &self,
        headers: &mut HeaderMap,
        context: CallContext,
    ) -> Result<(Caller, Option<TokenId>)> {
        if self.trust == Trust::Owner {
            let principal = self
                .instance
                .blocking(|instance| Principal::owner(&instance.catalog))
                .await?;
            let login = Login::Itself;
            return Ok((
                Caller {
                    principal,
                    context,
                    login,
                },
                None,
            ));
        }
        // No service has any use for it.
        let header = headers.remove(http::header::AUTHORIZATION);
        let credential = match credential(header.as_ref()) {
            Ok(credential) => credential,
            Err(error) => return Err(self.stranger(context, error).await),
        };
        let (principal, token) = Logins::authenticate(&self.instance, credential, &context).await?;
        let login = match &token {
            Some(record) => Login::Token(record.hash),
            None => Login::Itself,
        };
        let caller = Caller {
            principal,
            context,
            login,
        };
        Ok((caller, token.map(|token| TokenId(token.id))))
    }

    /// Audits a call that came without a login, or with one that cannot be read.
    async fn stranger(&self, context: CallContext, error: Error) -> Error {
        let recorded = self
            .instance
            .blocking(move |instance| {
                let logins = &instance.logins;
                logins.record_stranger(instance, "a call without a login", &context, &error);
                Ok(error.audited())
            })
            .await;
        recorded.unwrap_or_else(|defect| defect)
    }
}

/// The caller that a request came from. A request that passed no check has none, and is refused.
pub(crate) fn caller<T>(request: &tonic::Request<T>) -> Result<Caller> {
    request
        .extensions()
        .get::<Caller>()
        .cloned()
        .ok_or_else(|| unauthenticated("this call passed no login"))
}

fn is_open(path: &str) -> bool {
    OPEN_SERVICES
        .iter()
        .any(|service| path.starts_with(service))
}

fn peer(request: &Request<AxumBody>) -> Option<SocketAddr> {
    request.extensions().get::<PeerAddress>().map(|peer| peer.0)
}

/// `Basic base64(login:password)`, where `#` separates the login's parts, or `Bearer token`.
fn credential(header: Option<&HeaderValue>) -> Result<Credential> {
    const WANTED: &str = "log in: `authorization` metadata of the form `Basic base64(account#user#role:password)` or `Bearer token`";
    let header = header.ok_or_else(|| unauthenticated(WANTED))?;
    let text = header.to_str().map_err(|_| unauthenticated(WANTED))?;
    let (scheme, value) = text
        .split_once(' ')
        .ok_or_else(|| unauthenticated(WANTED))?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Credential::Token(SecretString::from(value.trim())));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(unauthenticated(WANTED));
    }
    let decoded = Zeroizing::new(
        BASE64
            .decode(value.trim())
            .map_err(|_| unauthenticated("the Basic credentials are not base64"))?,
    );
    let decoded = std::str::from_utf8(&decoded)
        .map_err(|_| unauthenticated("the Basic credentials are not UTF-8"))?;
    let (login, password) = decoded
        .split_once(':')
        .ok_or_else(|| unauthenticated(WANTED))?;
    Ok(Credential::Password(
        LoginName::parse(login)?,
        SecretString::from(password),
    ))
}

fn unauthenticated(why: &str) -> Error {
    Error::new(
        Reason::Unauthenticated,
        1045,
        "28000",
        format!("Access denied: {why}"),
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use secrecy::ExposeSecret;

    use super::*;

    fn parse(text: &str) -> Result<Credential> {
        credential(Some(&HeaderValue::from_str(text).unwrap()))
    }

    #[test]
    fn a_password_may_hold_colons() {
        let header = format!("Basic {}", BASE64.encode("acc#u#r:pass:word"));
        let Credential::Password(login, password) = parse(&header).unwrap() else {
            panic!("no password");
        };
        assert_eq!((login.account.as_str(), login.user.as_str()), ("acc", "u"));
        assert_eq!(login.role.as_deref(), Some("r"));
        assert_eq!(password.expose_secret(), "pass:word");
    }

    #[test]
    fn padding_may_be_left_out() {
        for header in ["Basic dTpwdw==", "Basic dTpwdw"] {
            let Credential::Password(login, password) = parse(header).unwrap() else {
                panic!("no password");
            };
            assert_eq!(login.user, "u");
            assert_eq!(password.expose_secret(), "pw");
        }
    }

    #[test]
    fn what_is_no_credential_is_refused_without_being_quoted() {
        for wrong in [
            "Basic",
            "Basic ???",
            "Digest planted",
            "Basic cGxhbnRlZA==",
            "planted",
        ] {
            let error = parse(wrong).err().unwrap();
            assert_eq!(error.reason(), Reason::Unauthenticated, "{wrong}");
            assert!(!error.message().contains("planted"), "{wrong}");
        }
        assert!(credential(None).is_err());
    }

    #[test]
    fn a_timeout_is_digits_and_a_unit() {
        for (text, expected) in [
            ("1H", Some(Duration::from_secs(3600))),
            ("2M", Some(Duration::from_secs(120))),
            ("99999999S", Some(Duration::from_secs(99_999_999))),
            ("300m", Some(Duration::from_millis(300))),
            ("7u", Some(Duration::from_micros(7))),
            ("0n", Some(Duration::ZERO)),
            ("", None),
            ("m", None),
            ("100", None),
            ("100000000S", None),
            ("-1S", None),
            ("1é", None),
        ] {
            assert_eq!(timeout(text), expected, "{text}");
        }
    }

    #[test]
    fn only_health_and_reflection_are_open() {
        assert!(is_open("/grpc.health.v1.Health/Check"));
        for closed in [
            "/stagedoor.v1.SqlService/Execute",
            "/grpc.health.v1.Healthy/x",
            "//grpc.health.v1.Health/Check",
            "/",
        ] {
            assert!(!is_open(closed), "{closed}");
        }
    }
}
