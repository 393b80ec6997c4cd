//! `grpc.health.v1`: one state of the whole server, which every service answers with.
//! A Watch ends when the server does, so that it holds up no shutdown.

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, stream};
use proto::v1::{
    account_service_server, admin_service_server, export_service_server, file_service_server,
    sql_service_server, stage_service_server,
};
use tokio::sync::watch;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// What may be asked for; `""` is the server as a whole.
const SERVICES: [&str; 8] = [
    "",
    sql_service_server::SERVICE_NAME,
    export_service_server::SERVICE_NAME,
    stage_service_server::SERVICE_NAME,
    file_service_server::SERVICE_NAME,
    account_service_server::SERVICE_NAME,
    admin_service_server::SERVICE_NAME,
    "arrow.flight.protocol.FlightService",
];

/// What a server is doing. It only ever goes on to a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Opening,
    Serving,
    /// The catalog takes no changes any more.
    ReadOnly,
    Stopping,
    /// Nobody is told anything any more.
    Ended,
}

impl State {
    fn status(self) -> ServingStatus {
        match self {
            Self::Serving => ServingStatus::Serving,
            Self::Opening | Self::ReadOnly | Self::Stopping | Self::Ended => {
                ServingStatus::NotServing
            }
        }
    }
}

/// The state, and the health service that tells it.
#[derive(Debug, Clone)]
pub(crate) struct ServerHealth(Arc<watch::Sender<State>>);

impl ServerHealth {
    /// Says NOT_SERVING.
    pub(crate) fn opening() -> Self {
        Self(Arc::new(watch::Sender::new(State::Opening)))
    }

    /// Says SERVING, unless the server has got further.
    pub(crate) fn serve(&self) {
        self.advance(State::Serving);
    }

    /// Says NOT_SERVING from now on: no change can be made.
    pub(crate) fn say_read_only(&self) {
        self.advance(State::ReadOnly);
    }

    /// Says NOT_SERVING from now on: the server is being stopped.
    pub(crate) fn stop(&self) {
        self.advance(State::Stopping);
    }

    /// Ends every Watch.
    pub(crate) fn end(&self) {
        self.advance(State::Ended);
    }

    /// Whether it says SERVING, and what it is doing.
    pub(crate) fn in_words(&self) -> (bool, &'static str) {
        let state = *self.0.borrow();
        let words = match state {
            State::Opening => "opening the data directory",
            State::Serving => "serving",
            State::ReadOnly => "the catalog takes no changes; the log says why",
            State::Stopping | State::Ended => "stopping",
        };
        (state.status() == ServingStatus::Serving, words)
    }

    pub(crate) fn service(&self) -> HealthServer<Self> {
        HealthServer::new(self.clone())
    }

    fn advance(&self, to: State) {
        self.0.send_if_modified(|state| {
            let is_later = to > *state;
            if is_later {
                *state = to;
            }
            is_later
        });
    }
}

fn known(service: &str) -> Result<(), Status> {
    if SERVICES.contains(&service) {
        Ok(())
    } else {
        Err(Status::not_found("service not registered"))
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

#[tonic::async_trait]
impl Health for ServerHealth {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        known(&request.get_ref().service)?;
        let state = *self.0.borrow();
        Ok(Response::new(response(state.status())))
    }

    type WatchStream =
        Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send + 'static>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        known(&request.get_ref().service)?;
        let told: Option<ServingStatus> = None;
        let states = self.0.subscribe();
        let statuses = stream::unfold((states, told), |(mut states, told)| async move {
            loop {
                let state = *states.borrow_and_update();
                // Before the end: who watches must hear NOT_SERVING, however short it was.
                if told != Some(state.status()) {
                    let status = state.status();
                    return Some((Ok(response(status)), (states, Some(status))));
                }
                if state == State::Ended {
                    return None;
                }
                states.changed().await.ok()?;
            }
        });
        Ok(Response::new(Box::pin(statuses)))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use futures::StreamExt;

    use super::*;

    fn ask(service: &str) -> Request<HealthCheckRequest> {
        Request::new(HealthCheckRequest {
            service: service.to_owned(),
        })
    }

    #[tokio::test]
    async fn who_watches_hears_not_serving_and_then_the_end() {
        let health = ServerHealth::opening();
        let mut watched = health.watch(ask("")).await.unwrap().into_inner();
        let mut next = async || {
            let message = watched.next().await?.unwrap();
            Some(message.status())
        };
        assert_eq!(next().await, Some(ServingStatus::NotServing));
        health.serve();
        assert_eq!(next().await, Some(ServingStatus::Serving));
        health.stop();
        health.end();
        assert_eq!(next().await, Some(ServingStatus::NotServing));
        assert_eq!(next().await, None);
    }

    #[tokio::test]
    async fn a_read_only_or_stopping_server_does_not_serve_again() {
        for leave in [ServerHealth::say_read_only, ServerHealth::stop] {
            let health = ServerHealth::opening();
            leave(&health);
            health.serve();
            for service in SERVICES {
                let answer = health.check(ask(service)).await.unwrap().into_inner();
                assert_eq!(answer.status(), ServingStatus::NotServing);
            }
        }
        let unknown = ServerHealth::opening().check(ask("other")).await;
        assert_eq!(unknown.unwrap_err().code(), tonic::Code::NotFound);
    }
}
