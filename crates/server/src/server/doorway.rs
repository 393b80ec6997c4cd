//! `Doorway`: what answers on the port. While the data directory is opened that is health alone, and
//! then the services. Every request passes here, and learns where it comes from.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::{BoxFuture, Either, ready};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use tonic::body::Body;
use tonic::codegen::http;
use tonic::service::Routes;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use tower::Service;

use crate::connections::{Call, ConnectionInfo};
use crate::server::health::ServerHealth;
use crate::status::ERROR_DOMAIN;

const HEALTH_PREFIX: &str = "/grpc.health.v1.Health/";

/// When a client that came too early may ask again.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// The services of a server that may still be opening.
#[derive(Debug, Clone)]
pub(crate) struct Doorway {
    health: Routes,
    /// Set once the data directory is open.
    services: Arc<OnceLock<Routes>>,
}

impl Doorway {
    /// Answers health; everything else is told to come again.
    pub(crate) fn new(health: &ServerHealth) -> Self {
        Self {
            health: Routes::new(health.service()),
            services: Arc::default(),
        }
    }

    /// The services are there.
    pub(crate) fn open(&self, services: Routes) {
        // A second time there is nothing to set: one server stands behind a door.
        let _ = self.services.set(services);
    }
}

impl Service<http::Request<Body>> for Doorway {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Routes are always ready; they wait for nothing but their answer.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let info = request.extensions_mut().remove::<ConnectionInfo>();
        let running = info.map(|info| {
            let running = info.begin_call();
            info.tell(request.extensions_mut());
            running
        });
        let answering = match self.services.get() {
            Some(services) => Either::Left(services.clone().call(request)),
            None if request.uri().path().starts_with(HEALTH_PREFIX) => {
                Either::Left(self.health.call(request))
            }
            None => Either::Right(ready(Ok(starting().into_http()))),
        };
        Box::pin(async move {
            let response = answering.await?;
            Ok(match running {
                Some(running) if !response.body().is_end_stream() => until_sent(running, response),
                Some(_) | None => response,
            })
        })
    }
}

/// The answer, whose call runs until its last byte is taken, or nobody takes any more.
fn until_sent(running: Call, response: http::Response<Body>) -> http::Response<Body> {
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _running = &running;
            frame
        }))
    })
}

fn starting() -> Status {
    let metadata = HashMap::from([
        ("code".to_owned(), "1105".to_owned()),
        ("sqlstate".to_owned(), "HY000".to_owned()),
    ]);
    let mut details = ErrorDetails::with_error_info("SERVER_STARTING", ERROR_DOMAIN, metadata);
    details.set_retry_info(Some(RETRY_AFTER));
    Status::with_error_details(
        Code::Unavailable,
        "the server is starting: it still opens its data directory; try again in a moment",
        details,
    )
}

#[cfg(test)]
mod tests;
