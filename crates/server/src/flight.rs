//! Arrow Flight SQL: what ADBC, the JDBC driver and others ask, on the port of the other gRPC services. An adapter like
//! them: it unwraps a request, calls an operation of the session, wraps what that gives, and holds no rule.

mod actions;
mod cancel;
mod connections;
mod handle;
mod metadata;
mod options;
mod parameters;
mod puts;
mod sql_info;
mod statements;
mod stream;

use std::fmt::Display;
use std::pin::Pin;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::{Any, Command};
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo,
    HandshakeRequest, HandshakeResponse, PollInfo, PutResult, SchemaResult, Ticket,
};
use bytes::Bytes;
use futures::Stream;
use prost::Message;
use tonic::{Request, Response, Status, Streaming};

use crate::error::{Error, Reason, Result};
use crate::instance::{Instance, OpenError};

use cancel::RunningTickets;
use connections::{Called, Connections, set_bearer, set_cookie};
use handle::{Key, Use};
use statements::Statement;
use stream::FlightStream;

/// `arrow.flight.protocol.FlightService`.
#[derive(Debug, Clone)]
pub(crate) struct Flight {
    instance: Arc<Instance>,
    key: Arc<Key>,
    running: Arc<RunningTickets>,
    connections: Arc<Connections>,
}

type Answer<T> = std::result::Result<Response<T>, Status>;
type Items<T> = Pin<Box<dyn Stream<Item = std::result::Result<T, Status>> + Send>>;

impl Flight {
    /// The service, whose handles no other one knows.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub(crate) fn new(instance: Arc<Instance>) -> std::result::Result<Self, OpenError> {
        let key = Key::random().map_err(|e| OpenError::new(e.message().to_owned()))?;
        Ok(Self {
            instance,
            key: Arc::new(key),
            running: Arc::default(),
            connections: Arc::default(),
        })
    }

    async fn info(&self, called: Called, descriptor: FlightDescriptor) -> Result<FlightInfo> {
        match command(&descriptor.cmd)? {
            Command::CommandStatementQuery(query) => {
                no_transaction(query.transaction_id.as_ref())?;
                let statement = Statement::plain(query.query);
                self.statement_info(&called, statement, descriptor).await
            }
            Command::CommandPreparedStatementQuery(query) => {
                let (called, statement) =
                    self.prepared(called, &query.prepared_statement_handle)?;
                self.statement_info(&called, statement, descriptor).await
            }
            other => {
                let schema = metadata::schema(&other)
                    .ok_or_else(|| unknown_command(&other, "GetFlightInfo"))??;
                // What they ask is all that has to be known to answer it.
                let ticket = Ticket::new(descriptor.cmd.clone());
                let info = FlightInfo::new()
                    .try_with_schema(&schema)
                    .map_err(|e| Error::defect("failed to encode a schema").with_source(e))?
                    .with_endpoint(FlightEndpoint::new().with_ticket(ticket))
                    .with_descriptor(descriptor);
                Ok(info)
            }
        }
    }

    async fn schema(&self, called: Called, descriptor: FlightDescriptor) -> Result<SchemaRef> {
        match command(&descriptor.cmd)? {
            Command::CommandStatementQuery(query) => {
                no_transaction(query.transaction_id.as_ref())?;
                let statement = Statement::plain(query.query);
                self.statement_schema(&called, statement).await
            }
            Command::CommandPreparedStatementQuery(query) => {
                let (called, statement) =
                    self.prepared(called, &query.prepared_statement_handle)?;
                self.statement_schema(&called, statement).await
            }
            other => {
                metadata::schema(&other).ok_or_else(|| unknown_command(&other, "GetSchema"))?
            }
        }
    }

    async fn get(&self, called: Called, ticket: Ticket) -> Result<FlightStream> {
        match command(&ticket.ticket)? {
            Command::TicketStatementQuery(ticket) => {
                self.statement_rows(called, &ticket.statement_handle).await
            }
            other => {
                let session = called.enter(&self.instance).await?;
                let name = other.type_url().to_owned();
                let batch = metadata::answer(&session, other).await.ok_or_else(|| {
                    invalid(format_args!(
                        "DoGet takes the tickets that GetFlightInfo gives, not {}",
                        name.escape_default()
                    ))
                })??;
                Ok(stream::of_batches(batch.schema(), vec![batch]))
            }
        }
    }

    /// A prepared statement, and in which session it runs.
    fn prepared(&self, called: Called, sealed: &[u8]) -> Result<(Called, Statement)> {
        let of = &called.caller.principal;
        let handle = self.key.open(sealed, Use::Prepared, of)?;
        let statement = Statement::of(&handle)?;
        Ok((called.in_session_of(&handle), statement))
    }
}

#[tonic::async_trait]
impl FlightService for Flight {
    type HandshakeStream = Items<HandshakeResponse>;
    type ListFlightsStream = Items<FlightInfo>;
    type DoGetStream = FlightStream;
    type DoPutStream = Items<PutResult>;
    type DoExchangeStream = Items<FlightData>;
    type DoActionStream = Items<arrow_flight::Result>;
    type ListActionsStream = Items<ActionType>;

    async fn handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Answer<Self::HandshakeStream> {
        let called = self.connections.called(&request)?;
        let token = self.connections.log_in(&self.instance, called).await?;
        let mut response = one(HandshakeResponse::default());
        if let Some(token) = token {
            set_bearer(response.metadata_mut(), &token)?;
        }
        Ok(response)
    }

    async fn list_flights(&self, request: Request<Criteria>) -> Answer<Self::ListFlightsStream> {
        self.connections.called(&request)?;
        Err(Error::not_supported("ListFlights; ask for tables with Flight SQL's GetTables").into())
    }

    async fn get_flight_info(&self, request: Request<FlightDescriptor>) -> Answer<FlightInfo> {
        let called = self.connections.called(&request)?;
        let info = self.info(called, request.into_inner()).await?;
        Ok(Response::new(info))
    }

    async fn poll_flight_info(&self, request: Request<FlightDescriptor>) -> Answer<PollInfo> {
        let called = self.connections.called(&request)?;
        let info = self.info(called, request.into_inner()).await?;
        // It has no descriptor to poll with: it is complete.
        Ok(Response::new(PollInfo {
            info: Some(info),
            progress: Some(1.0),
            ..PollInfo::default()
        }))
    }

    async fn get_schema(&self, request: Request<FlightDescriptor>) -> Answer<SchemaResult> {
        let called = self.connections.called(&request)?;
        let schema = self.schema(called, request.into_inner()).await?;
        let schema = actions::ipc(&schema)?.into();
        Ok(Response::new(SchemaResult { schema }))
    }

    async fn do_get(&self, request: Request<Ticket>) -> Answer<Self::DoGetStream> {
        let called = self.connections.called(&request)?;
        let stream = self.get(called, request.into_inner()).await?;
        Ok(Response::new(stream))
    }

    async fn do_put(&self, request: Request<Streaming<FlightData>>) -> Answer<Self::DoPutStream> {
        let called = self.connections.called(&request)?;
        let result = self.put(called, request.into_inner()).await?;
        Ok(one(result))
    }

    async fn do_exchange(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Answer<Self::DoExchangeStream> {
        self.connections.called(&request)?;
        Err(Error::not_supported("DoExchange, which Flight SQL has no use for").into())
    }

    async fn do_action(&self, request: Request<Action>) -> Answer<Self::DoActionStream> {
        let called = self.connections.called(&request)?;
        let acted = self.act(called, request.into_inner()).await?;
        let results = acted
            .body
            .map(|body| Ok(arrow_flight::Result { body: body.into() }));
        let stream: Self::DoActionStream = Box::pin(futures::stream::iter(results));
        let mut response = Response::new(stream);
        if let Some(cookie) = acted.cookie {
            set_cookie(response.metadata_mut(), cookie);
        }
        Ok(response)
    }

    async fn list_actions(&self, request: Request<Empty>) -> Answer<Self::ListActionsStream> {
        self.connections.called(&request)?;
        let types = actions::types().map(Ok);
        Ok(Response::new(Box::pin(futures::stream::iter(types))))
    }
}

/// An answer of one message.
fn one<T: Send + 'static>(message: T) -> Response<Items<T>> {
    Response::new(Box::pin(futures::stream::iter([Ok(message)])))
}

/// The command of a descriptor or a ticket.
fn command(bytes: &[u8]) -> Result<Command> {
    let any = Any::decode(bytes)
        .map_err(|_| invalid("the command is not one of Flight SQL: it is no protobuf Any"))?;
    Command::try_from(any).map_err(|error| invalid(format_args!("the command is damaged: {error}")))
}

fn unknown_command(command: &Command, of: &str) -> Error {
    Error::not_supported(format_args!(
        "{of} of {}",
        command.type_url().escape_default()
    ))
}

/// There are none, and a statement that is to be part of one must not pass for it.
fn no_transaction(id: Option<&Bytes>) -> Result<()> {
    match id.is_some_and(|id| !id.is_empty()) {
        true => Err(Error::not_supported(
            "transactions: every statement is one of its own",
        )),
        false => Ok(()),
    }
}

fn invalid(text: impl Display) -> Error {
    Error::invalid_input(Reason::OptionInvalid, text)
}
