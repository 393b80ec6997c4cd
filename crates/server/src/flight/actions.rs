//! DoAction: prepared statements, cancelling, renewing, and the session of a connection with its options.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field, Schema};
use arrow_flight::sql::{
    ActionCancelQueryRequest, ActionCancelQueryResult, ActionClosePreparedStatementRequest,
    ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, Any,
    ProstMessageExt, TicketStatementQuery,
};
use arrow_flight::{
    Action, ActionType, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightInfo,
    RenewFlightEndpointRequest, SchemaAsIpc, Ticket,
};
use http::HeaderValue;
use prost::Message;

use crate::error::{Error, Reason, Result};
use crate::sql::Effect;

use super::connections::Called;
use super::handle::{Handle, Use};
use super::options::{
    CloseSessionResult, CloseSessionStatus, GetSessionOptionsResult, OptionError, OptionErrorValue,
    OptionValue, SessionOptionValue, SetSessionOptionsRequest, SetSessionOptionsResult,
};
use super::{Flight, invalid};

/// What an action answers: a message, and a cookie.
#[derive(Default)]
pub(super) struct Acted {
    pub(super) body: Option<Vec<u8>>,
    pub(super) cookie: Option<HeaderValue>,
}

/// The actions, with what each is for.
const ACTIONS: [(&str, &str); 8] = [
    (
        CREATE_PREPARED,
        "Prepares a statement, whose parameters are ?",
    ),
    (CLOSE_PREPARED, "Forgets a prepared statement"),
    (CANCEL_QUERY, "Cancels what runs for a query's tickets"),
    (
        CANCEL_FLIGHT_INFO,
        "Cancels what runs for a query's tickets",
    ),
    (RENEW_ENDPOINT, "Makes a ticket good for longer"),
    (SET_OPTIONS, "Sets options of the session: catalog, schema"),
    (GET_OPTIONS, "Gives the options of the session"),
    (CLOSE_SESSION, "Closes the session"),
];

const CREATE_PREPARED: &str = "CreatePreparedStatement";
const CLOSE_PREPARED: &str = "ClosePreparedStatement";
const CANCEL_QUERY: &str = "CancelQuery";
const CANCEL_FLIGHT_INFO: &str = "CancelFlightInfo";
const RENEW_ENDPOINT: &str = "RenewFlightEndpoint";
const SET_OPTIONS: &str = "SetSessionOptions";
const GET_OPTIONS: &str = "GetSessionOptions";
const CLOSE_SESSION: &str = "CloseSession";

/// What of Flight SQL this server has not.
const REFUSED: [&str; 5] = [
    "BeginTransaction",
    "EndTransaction",
    "BeginSavepoint",
    "EndSavepoint",
    "CreatePreparedSubstraitPlan",
];

/// The option that has the account.
const CATALOG: &str = "catalog";

/// The option that has the current database.
const SCHEMA: &str = "schema";

/// The actions, for clients that ask.
pub(super) fn types() -> impl Iterator<Item = ActionType> {
    ACTIONS.into_iter().map(|(name, description)| ActionType {
        r#type: name.to_owned(),
        description: description.to_owned(),
    })
}

impl Flight {
    /// Does one action.
    pub(super) async fn act(&self, called: Called, action: Action) -> Result<Acted> {
        let body = action.body.as_ref();
        Ok(match action.r#type.as_str() {
            CREATE_PREPARED => {
                let request: ActionCreatePreparedStatementRequest = packed(body)?;
                answer(self.create_prepared(&called, request).await?.as_any())
            }
            CLOSE_PREPARED => {
                // Nothing is kept for one.
                let _: ActionClosePreparedStatementRequest = packed(body)?;
                Acted::default()
            }
            CANCEL_QUERY => {
                let request: ActionCancelQueryRequest = packed(body)?;
                let info = FlightInfo::decode(request.info).map_err(|_| damaged())?;
                let result = self.cancel(&called, &info) as i32;
                answer(ActionCancelQueryResult { result }.as_any())
            }
            CANCEL_FLIGHT_INFO => {
                let request = CancelFlightInfoRequest::decode(body).map_err(|_| damaged())?;
                let info = request.info.unwrap_or_default();
                let status = self.cancel(&called, &info) as i32;
                answer(CancelFlightInfoResult { status })
            }
            RENEW_ENDPOINT => {
                let request = RenewFlightEndpointRequest::decode(body).map_err(|_| damaged())?;
                let ticket = request.endpoint.and_then(|endpoint| endpoint.ticket);
                let handle = self.ticket(&called, &ticket.unwrap_or_default())?;
                answer(self.endpoint(handle))
            }
            SET_OPTIONS => {
                let request = SetSessionOptionsRequest::decode(body).map_err(|_| damaged())?;
                let (called, cookie) = called.opened(&self.instance)?;
                let result = self.set_options(&called, request).await?;
                Acted {
                    cookie,
                    ..answer(result)
                }
            }
            GET_OPTIONS => answer(self.options(&called).await?),
            CLOSE_SESSION => {
                let status = match self.connections.close(&self.instance, called).await? {
                    true => CloseSessionStatus::Closed,
                    false => CloseSessionStatus::NotCloseable,
                };
                answer(CloseSessionResult {
                    status: status.into(),
                })
            }
            other if REFUSED.contains(&other) => {
                return Err(Error::not_supported(format_args!(
                    "{other}: every statement is a transaction of its own, and plans come as SQL"
                )));
            }
            other => {
                return Err(Error::not_supported(format_args!(
                    "the action '{}'; ListActions tells of those there are",
                    other.escape_default()
                )));
            }
        })
    }

    async fn create_prepared(
        &self,
        called: &Called,
        request: ActionCreatePreparedStatementRequest,
    ) -> Result<ActionCreatePreparedStatementResult> {
        super::no_transaction(request.transaction_id.as_ref())?;
        let mut session = called.enter(&self.instance).await?;
        let prepared = session.prepare(&request.query).await?;
        let columns = match prepared.columns() {
            Some(columns) => Some(columns.clone()),
            // SHOW and the like have columns, too, and without values nothing keeps them from being known.
            None if prepared.parameters() == 0 => {
                let ready = session.ready(&request.query, &[]).await?;
                match ready.effect() {
                    Effect::None => Some(session.columns_of(ready).await?),
                    Effect::OnSession | Effect::Lasting => None,
                }
            }
            None => None,
        };
        // What a value is compared with says its type, and text can be all of them.
        let parameter =
            |at: usize| Field::new(format!("parameter_{}", at + 1), DataType::Utf8, true);
        let parameters: Vec<Field> = (0..prepared.parameters()).map(parameter).collect();
        let mut handle = Handle::new(&called.caller.principal, called.session.as_deref());
        handle.statement = request.query;
        let (sealed, _) = self.key.seal(handle, Use::Prepared);
        Ok(ActionCreatePreparedStatementResult {
            prepared_statement_handle: sealed.into(),
            dataset_schema: match columns {
                Some(columns) => ipc(&columns)?,
                None => Vec::new(),
            }
            .into(),
            parameter_schema: ipc(&Schema::new(parameters))?.into(),
        })
    }

    /// Ends what runs for the tickets of an answer to this user.
    fn cancel(&self, called: &Called, info: &FlightInfo) -> CancelStatus {
        let tickets = info
            .endpoint
            .iter()
            .filter_map(|endpoint| endpoint.ticket.as_ref())
            .filter_map(|ticket| self.ticket(called, ticket).ok());
        let mut status = CancelStatus::NotCancellable;
        for handle in tickets {
            if self.running.cancel(&handle.id) {
                status = CancelStatus::Cancelled;
            }
        }
        status
    }

    /// What a statement's ticket says.
    fn ticket(&self, called: &Called, ticket: &Ticket) -> Result<Handle> {
        let ticket: TicketStatementQuery = packed(&ticket.ticket)?;
        let of = &called.caller.principal;
        self.key.open(&ticket.statement_handle, Use::Ticket, of)
    }

    async fn set_options(
        &self,
        called: &Called,
        request: SetSessionOptionsRequest,
    ) -> Result<SetSessionOptionsResult> {
        let mut session = called.enter(&self.instance).await?;
        let mut errors = HashMap::new();
        for (name, value) in request.session_options {
            let error = match (name.as_str(), value.option_value) {
                (CATALOG, Some(OptionValue::Text(value)))
                    if value.is_empty() || value == session.principal().account() =>
                {
                    None
                }
                // Unset is as it began; there is nothing to go back to in a session that stays.
                (CATALOG | SCHEMA, None) => None,
                (SCHEMA, Some(OptionValue::Text(value))) => {
                    match session.use_database(&value).await {
                        Ok(()) => None,
                        Err(error) if error.reason() == Reason::DatabaseNotFound => {
                            Some(OptionErrorValue::InvalidValue)
                        }
                        Err(error) => return Err(error),
                    }
                }
                (CATALOG | SCHEMA, Some(_)) => Some(OptionErrorValue::InvalidValue),
                _ => Some(OptionErrorValue::InvalidName),
            };
            if let Some(value) = error {
                let value = value.into();
                errors.insert(name, OptionError { value });
            }
        }
        Ok(SetSessionOptionsResult { errors })
    }

    async fn options(&self, called: &Called) -> Result<GetSessionOptionsResult> {
        let session = called.enter(&self.instance).await?;
        let text = |text: &str| SessionOptionValue {
            option_value: Some(OptionValue::Text(text.to_owned())),
        };
        let account = text(session.principal().account());
        let session_options = HashMap::from([
            (CATALOG.to_owned(), account),
            (SCHEMA.to_owned(), text(session.database())),
        ]);
        Ok(GetSessionOptionsResult { session_options })
    }
}

fn answer(message: impl Message) -> Acted {
    Acted {
        body: Some(message.encode_to_vec()),
        cookie: None,
    }
}

/// A message that is packed as Flight SQL's are.
fn packed<M: ProstMessageExt>(bytes: &[u8]) -> Result<M> {
    let any = Any::decode(bytes).map_err(|_| damaged())?;
    let unpacked = any.unpack().map_err(|_| damaged())?;
    unpacked.ok_or_else(|| {
        invalid(format_args!(
            "a message of type {} was to come, not '{}'",
            M::type_url(),
            any.type_url.escape_default()
        ))
    })
}

fn damaged() -> Error {
    invalid("the message is damaged, or not of the action's type")
}

/// A schema in a message of its own.
pub(super) fn ipc(schema: &Schema) -> Result<Vec<u8>> {
    let options = arrow::ipc::writer::IpcWriteOptions::default();
    let message = arrow_flight::IpcMessage::try_from(SchemaAsIpc::new(schema, &options))
        .map_err(|e| Error::defect("failed to encode a schema").with_source(e))?;
    Ok(message.0.to_vec())
}
