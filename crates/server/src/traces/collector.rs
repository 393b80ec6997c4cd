//! The way to the collector: OTLP over gRPC, by a channel of our own, in batches that a thread sends. What it cannot send is
//! dropped and said in the log, now and then.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry_otlp::WithTonicConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};

use crate::instance::OpenError;

/// How long a connection to the collector may take, and then a batch on it.
const CONNECT_MAX: Duration = Duration::from_secs(5);
const SEND_MAX: Duration = Duration::from_secs(10);

/// How often the log says that spans are lost, at most.
const SAY_PAUSE: Duration = Duration::from_secs(60);

/// What the server is called in traces, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` says otherwise.
const SERVICE_NAME: &str = "stagedoor";

/// Takes spans, as many as its queue holds, and sends them. Inside a Tokio runtime; it connects when there is something
/// to send.
pub(super) fn provider(endpoint: &str) -> Result<SdkTracerProvider, OpenError> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_channel(channel(endpoint)?)
        .build()
        .map_err(|e| OpenError::new(format!("traces.otlp_endpoint: {e}")))?;
    let telling = Telling {
        inner: exporter,
        lost: Mutex::default(),
    };
    Ok(SdkTracerProvider::builder()
        .with_resource(resource())
        .with_batch_exporter(telling)
        .build())
}

fn channel(endpoint: &str) -> Result<Channel, OpenError> {
    let failed = |e: tonic::transport::Error| {
        OpenError::new(format!(
            "traces.otlp_endpoint '{endpoint}' cannot be used: {e}"
        ))
    };
    let mut to = Endpoint::from_shared(endpoint.to_owned())
        .map_err(failed)?
        .connect_timeout(CONNECT_MAX)
        .timeout(SEND_MAX);
    if endpoint.starts_with("https://") {
        to = to
            .tls_config(ClientTlsConfig::new().with_native_roots())
            .map_err(failed)?;
    }
    Ok(to.connect_lazy())
}

/// Who sends them: by the variables of OpenTelemetry, where they are set.
fn resource() -> Resource {
    let builder = || {
        Resource::builder().with_attribute(opentelemetry::KeyValue::new(
            "service.version",
            env!("CARGO_PKG_VERSION"),
        ))
    };
    let found = builder().build();
    let name = found.get(&opentelemetry::Key::from_static_str("service.name"));
    match name {
        Some(name) if !name.as_str().starts_with("unknown_service") => found,
        Some(_) | None => builder().with_service_name(SERVICE_NAME).build(),
    }
}

/// Says in the log what could not be sent.
#[derive(Debug)]
struct Telling {
    inner: opentelemetry_otlp::SpanExporter,
    lost: Mutex<Lost>,
}

#[derive(Debug, Default)]
struct Lost {
    said: Option<Instant>,
    spans: usize,
}

impl Lost {
    /// How many spans are lost since it was last said, where it is time to say it.
    fn count(&mut self, spans: usize, now: Instant) -> Option<usize> {
        self.spans += spans;
        if let Some(said) = self.said
            && now.duration_since(said) < SAY_PAUSE
        {
            return None;
        }
        self.said = Some(now);
        Some(std::mem::take(&mut self.spans))
    }
}

impl SpanExporter for Telling {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let sent = self.inner.export(batch).await;
        if let Err(error) = &sent {
            let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(spans) = lost.count(spans, Instant::now()) {
                tracing::warn!(
                    spans,
                    %error,
                    "failed to send spans to the collector of traces.otlp_endpoint; they are lost"
                );
            }
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_that_is_gone_is_told_of_once_a_minute() {
        let mut lost = Lost::default();
        let began = Instant::now();
        assert_eq!(lost.count(3, began), Some(3));
        assert_eq!(lost.count(2, began + SAY_PAUSE / 2), None);
        assert_eq!(lost.count(1, began + SAY_PAUSE), Some(3));
    }
}
