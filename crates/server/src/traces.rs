//! Traces for OpenTelemetry, where an operator has named a collector: where a call stands in its trace, and the spans
//! that are made there. A span has what the line that makes it gives it and nothing else: no error's text, no header,
//! a statement only as the audit has it. Where no traces are taken, all of it is nothing, and costs nothing.

mod collector;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanKind, Status, TraceContextExt, TracerProvider,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::error::{Error, Result};
use crate::instance::OpenError;
use crate::settings::TraceSettings;
use crate::status;

/// How long spans that are not with the collector yet may take to get there when the server stops.
const FLUSH_MAX: Duration = Duration::from_secs(5);

/// How much longer it is waited for that.
const FLUSH_MARGIN: Duration = Duration::from_secs(1);

/// The longest text of an attribute, in bytes; what is longer is cut.
const TEXT_BYTES_MAX: usize = 4096;

/// The longest name of a span, which a client may have made up.
const NAME_BYTES_MAX: usize = 256;

/// The names of attributes that more than one kind of span has.
pub(crate) const REQUEST_ID: &str = "stagedoor.request_id";
pub(crate) const CLIENT: &str = "client.address";
pub(crate) const PRINCIPAL: &str = "enduser.id";
pub(crate) const EXPORT_ID: &str = "stagedoor.export_id";

/// Takes traces, and has a thread that sends them.
#[derive(Clone)]
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    tracer: Arc<SdkTracer>,
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traces")
    }
}

impl Traces {
    /// For the collector of the settings; `None` where there is none. Inside a Tokio runtime.
    ///
    /// # Errors
    /// An address that is none, or TLS that cannot be set up. Whether the collector is there is not asked.
    pub(crate) fn open(settings: &TraceSettings) -> std::result::Result<Option<Self>, OpenError> {
        let Some(endpoint) = &settings.otlp_endpoint else {
            return Ok(None);
        };
        let provider = collector::provider(endpoint)?;
        let tracer = Arc::new(provider.tracer("stagedoor"));
        Ok(Some(Self { provider, tracer }))
    }

    /// A trace that begins here.
    pub(crate) fn new_trace(&self) -> Trace {
        self.below(Context::new())
    }

    /// The trace that a caller is in, by W3C's `traceparent` and `tracestate`; a new one where it says none.
    pub(crate) fn of_caller(&self, headers: &HeaderMap) -> Trace {
        let propagator = TraceContextPropagator::new();
        self.below(propagator.extract_with_context(&Context::new(), &Headers(headers)))
    }

    fn below(&self, parent: Context) -> Trace {
        Trace(Some(Below {
            tracer: Arc::clone(&self.tracer),
            parent,
        }))
    }

    /// Sends what has not been sent, for a bounded time, and takes no more.
    pub(crate) async fn close(&self) {
        let provider = self.provider.clone();
        let closing =
            tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH_MAX));
        // It keeps to the time by itself, but for what the thread is just at.
        let closed = tokio::time::timeout(FLUSH_MAX + FLUSH_MARGIN, closing).await;
        if !matches!(closed, Ok(Ok(Ok(())))) {
            tracing::warn!("the last spans did not get to the traces' collector in time");
        }
    }
}

/// What of a call's metadata says where it comes from.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

/// Where a call, a statement or a part of one stands in its trace; nowhere, where no traces are taken.
#[derive(Clone, Default)]
pub(crate) struct Trace(Option<Below>);

#[derive(Clone)]
struct Below {
    tracer: Arc<SdkTracer>,
    /// Has the span that is above; none at a trace's beginning.
    parent: Context,
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("Trace(none)"),
            Some(below) => {
                let above = below.parent.span();
                write!(f, "Trace({})", above.span_context().trace_id())
            }
        }
    }
}

impl Trace {
    /// Something that somebody else waits for: a call.
    pub(crate) fn call(&self, name: &str) -> Span {
        self.begin(cut(name, NAME_BYTES_MAX).to_owned(), SpanKind::Server)
    }

    /// A statement: within a call, or, where the protocol has none, what somebody else waits for.
    pub(crate) fn statement(&self, verb: &'static str) -> Span {
        let is_within = |below: &Below| below.parent.span().span_context().is_valid();
        let kind = match self.0.as_ref().is_some_and(is_within) {
            true => SpanKind::Internal,
            false => SpanKind::Server,
        };
        self.begin(verb, kind)
    }

    /// A part of the work.
    pub(crate) fn part(&self, name: &'static str) -> Span {
        self.begin(name, SpanKind::Internal)
    }

    fn begin(&self, name: impl Into<Cow<'static, str>>, kind: SpanKind) -> Span {
        Span(self.0.as_ref().map(|below| {
            let span = SpanBuilder::from_name(name)
                .with_kind(kind)
                .start_with_context(&*below.tracer, &below.parent);
            Box::new(Taken {
                tracer: Arc::clone(&below.tracer),
                span,
            })
        }))
    }
}

/// A span. It ends when it is dropped; nothing, where no traces are taken.
#[derive(Default)]
pub(crate) struct Span(Option<Box<Taken>>);

struct Taken {
    tracer: Arc<SdkTracer>,
    span: opentelemetry_sdk::trace::Span,
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            None => "Span(none)",
            Some(_) => "Span",
        })
    }
}

impl Span {
    /// Whether anybody will see what it is given. Not where the trace is one of those that are not sampled.
    pub(crate) fn is_seen(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|taken| taken.span.is_recording())
    }

    /// Whether no traces are taken.
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Gives it an attribute. No secret may be in it.
    pub(crate) fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(taken) = &mut self.0 {
            taken.span.set_attribute(KeyValue::new(key, value));
        }
    }

    /// The same of a text, which is cut where it is too long.
    pub(crate) fn set_text(&mut self, key: &'static str, text: &str) {
        if self.is_seen() {
            self.set(key, cut(text, TEXT_BYTES_MAX).to_owned());
        }
    }

    /// How it ended: of an error it has the reason alone, for texts may quote values.
    pub(crate) fn ended<T>(&mut self, result: &Result<T>) {
        if let Err(error) = result {
            self.failed(error);
        }
    }

    /// It failed.
    pub(crate) fn failed(&mut self, error: &Error) {
        self.failed_as(status::name(error.reason()));
    }

    /// The same, where only a name of the error is known.
    pub(crate) fn failed_as(&mut self, name: &'static str) {
        if let Some(taken) = &mut self.0 {
            taken.span.set_attribute(KeyValue::new("error.type", name));
            taken.span.set_status(Status::error(name));
        }
    }

    /// Where its parts stand.
    pub(crate) fn below(&self) -> Trace {
        Trace(self.0.as_ref().map(|taken| Below {
            tracer: Arc::clone(&taken.tracer),
            parent: Context::new().with_remote_span_context(taken.span.span_context().clone()),
        }))
    }
}

/// The text's beginning, as far as it fits.
fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn traces() -> Traces {
        let provider = SdkTracerProvider::builder().build();
        let tracer = Arc::new(provider.tracer("test"));
        Traces { provider, tracer }
    }

    fn ids(span: &Span) -> (String, String) {
        let taken = span.0.as_ref().map(|taken| taken.span.span_context());
        taken.map_or_else(Default::default, |context| {
            (
                context.trace_id().to_string(),
                context.span_id().to_string(),
            )
        })
    }

    #[test]
    fn without_traces_there_is_nothing() {
        let mut span = Trace::default().statement("QUERY");
        span.set("a", 1_i64);
        span.failed_as("INTERNAL");
        assert!(span.is_none() && !span.is_seen());
        assert!(span.below().part("plan").is_none());
    }

    #[test]
    fn what_is_below_is_in_the_same_trace() {
        let call = traces().new_trace().call("a call");
        let statement = call.below().statement("QUERY");
        let part = statement.below().part("plan");
        assert_eq!(ids(&call).0, ids(&statement).0);
        assert_eq!(ids(&call).0, ids(&part).0);
        assert_ne!(ids(&call).1, ids(&statement).1);
    }

    #[test]
    fn a_caller_says_which_trace_it_is() {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", http::HeaderValue::from_static(PARENT));
        let call = traces().of_caller(&headers).call("a call");
        assert_eq!(ids(&call).0, "4bf92f3577b34da6a3ce929d0e0e4736");
        for wrong in ["", "00-0-0-01", "what", "00-x-00f067aa0ba902b7-01"] {
            headers.insert("traceparent", http::HeaderValue::from_static(wrong));
            let call = traces().of_caller(&headers).call("a call");
            assert_ne!(ids(&call).0, "4bf92f3577b34da6a3ce929d0e0e4736");
            assert_eq!(ids(&call).0.len(), 32, "{wrong}");
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut("short", 256), "short");
        assert_eq!(cut("ääää", 3), "ä");
    }
}
