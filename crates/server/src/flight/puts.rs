//! DoPut: statements run for their effect, values of prepared statements, and rows for tables. What the stream's first
//! message has with it says which.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use arrow_flight::decode::{DecodedFlightData, DecodedPayload, FlightDataDecoder};
use arrow_flight::error::FlightError;
use arrow_flight::sql::{
    Command, CommandPreparedStatementQuery, CommandPreparedStatementUpdate, CommandStatementIngest,
    DoPutPreparedStatementResult, TableDefinitionOptions, TableExistsOption, TableNotExistOption,
};
use arrow_flight::{FlightData, PutResult};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt};
use parser::TableName;
use prost::Message;
use query::LiveError;
use tonic::{Status, Streaming};

use crate::error::{Error, Reason, Result};
use crate::session::{IfMissing, IfThere, Ingested};
use crate::stall::Stall;

use super::connections::Called;
use super::handle::Use;
use super::statements::{Acted, Statement, to_ipc};
use super::{Flight, invalid, parameters};

/// The values of one execution, as a handle has them.
const PARAMETER_BYTES_MAX: usize = 4 << 20;

/// Flight SQL's DoPutUpdateResult, with what Stagedoor adds to it.
#[derive(Clone, PartialEq, Message)]
struct UpdateResult {
    #[prost(int64, tag = "1")]
    record_count: i64,
    /// The id of the export that the statement was. Clients that do not know it pass over it.
    #[prost(string, optional, tag = "1000")]
    export_id: Option<String>,
}

impl Flight {
    /// Does what the stream's command says.
    pub(super) async fn put(
        &self,
        called: Called,
        stream: Streaming<FlightData>,
    ) -> Result<PutResult> {
        let stall = Stall::new(&self.instance.settings.limits);
        let stream = stall.ends(stream);
        let put = self.put_all(called, stream.boxed(), &stall).await;
        put.map_err(|error| stall.or(error))
    }

    async fn put_all(
        &self,
        called: Called,
        mut stream: BoxStream<'static, std::result::Result<FlightData, Status>>,
        stall: &Stall,
    ) -> Result<PutResult> {
        let first = stream
            .next()
            .await
            .transpose()
            .map_err(broken)?
            .ok_or_else(|| invalid("DoPut needs a command, and its stream is empty"))?;
        let descriptor = first
            .flight_descriptor
            .clone()
            .ok_or_else(|| invalid("the first message of DoPut needs a flight descriptor"))?;
        let command = super::command(&descriptor.cmd)?;
        let data = futures::stream::iter([Ok(first)]).chain(stream);
        let app_metadata = match command {
            Command::CommandStatementUpdate(command) => {
                super::no_transaction(command.transaction_id.as_ref())?;
                let statement = Statement::plain(command.query);
                let acted = self.run_update(&called, &statement).await?;
                update_result(&acted)
            }
            Command::CommandPreparedStatementQuery(command) => {
                self.bind(&called, command, data).await?
            }
            Command::CommandPreparedStatementUpdate(command) => {
                self.update_prepared(&called, command, data).await?
            }
            Command::CommandStatementIngest(command) => {
                self.ingest(&called, command, data, stall).await?
            }
            other => return Err(super::unknown_command(&other, "DoPut")),
        };
        Ok(PutResult {
            app_metadata: app_metadata.into(),
        })
    }

    /// A handle with the values: none are kept here.
    async fn bind(
        &self,
        called: &Called,
        command: CommandPreparedStatementQuery,
        data: impl Stream<Item = std::result::Result<FlightData, Status>> + Send + 'static,
    ) -> Result<Vec<u8>> {
        let of = &called.caller.principal;
        let sealed = &command.prepared_statement_handle;
        let mut handle = self.key.open(sealed, Use::Prepared, of)?;
        // What comes is counted as it comes: who sends too much is not listened to until the end.
        let sent = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&sent);
        let data = data.try_take_while(move |data| {
            let bytes = data.data_header.len() + data.data_body.len();
            let before = counted.fetch_add(bytes, Ordering::Relaxed);
            std::future::ready(Ok(before + bytes <= PARAMETER_BYTES_MAX))
        });
        let mut batches = batches(data);
        let mut row: Option<RecordBatch> = None;
        while let Some(batch) = batches.next().await {
            let batch = batch.map_err(undecoded)?;
            if batch.num_rows() > 1 || (batch.num_rows() == 1 && row.is_some()) {
                return Err(invalid(
                    "a query runs with one row of values; several rows are for statements that change something",
                ));
            }
            if batch.num_rows() == 1 {
                row = Some(batch);
            }
        }
        too_many_bytes(sent.load(Ordering::Relaxed))?;
        if let Some(row) = &row {
            // Wrong ones are refused here, where they come from.
            parameters::rows(row)?;
            handle.parameters = to_ipc(&row.schema(), std::slice::from_ref(row))?;
        }
        too_many_bytes(handle.parameters.len())?;
        let (sealed, _) = self.key.seal(handle, Use::Prepared);
        Ok(DoPutPreparedStatementResult {
            prepared_statement_handle: Some(sealed.into()),
        }
        .encode_to_vec())
    }

    /// Runs a prepared statement once for each row of values; each is a change of its own.
    async fn update_prepared(
        &self,
        called: &Called,
        command: CommandPreparedStatementUpdate,
        data: impl Stream<Item = std::result::Result<FlightData, Status>> + Send + 'static,
    ) -> Result<Vec<u8>> {
        let of = &called.caller.principal;
        let sealed = &command.prepared_statement_handle;
        let handle = self.key.open(sealed, Use::Prepared, of)?;
        let called = called.clone().in_session_of(&handle);
        let mut statement = Statement::of(&handle)?;
        let mut all: Option<Acted> = None;
        let mut done = 0;
        let mut is_bound = false;
        let mut data = batches(data);
        while let Some(batch) = data.next().await {
            let batch = batch.map_err(undecoded)?;
            if batch.num_columns() == 0 {
                continue;
            }
            is_bound = true;
            for values in parameters::rows(&batch)? {
                statement.values = values;
                let acted = self
                    .run_update(&called, &statement)
                    .await
                    .map_err(|error| {
                        error.within(format_args!(
                            "row {} of the values ({done} before it are done)",
                            done + 1
                        ))
                    })?;
                done += 1;
                all = Some(match all {
                    Some(before) => Acted {
                        affected: before.affected.saturating_add(acted.affected),
                        ..acted
                    },
                    None => acted,
                });
            }
        }
        if !is_bound {
            all = Some(self.run_update(&called, &statement).await?);
        }
        Ok(all.as_ref().map_or_else(
            || {
                let none = UpdateResult::default();
                none.encode_to_vec()
            },
            update_result,
        ))
    }

    async fn ingest(
        &self,
        called: &Called,
        command: CommandStatementIngest,
        data: impl Stream<Item = std::result::Result<FlightData, Status>> + Send + 'static,
        stall: &Stall,
    ) -> Result<Vec<u8>> {
        super::no_transaction(command.transaction_id.as_ref())?;
        if command.temporary {
            return Err(Error::not_supported(
                "temporary tables; ingest into a table and drop it",
            ));
        }
        let account = called.caller.principal.account();
        if let Some(catalog) = command.catalog.as_ref().filter(|name| !name.is_empty())
            && catalog != account
        {
            return Err(invalid(format_args!(
                "the catalog is '{account}', the account, and there is no other"
            )));
        }
        let (if_missing, if_there) = modes(command.table_definition_options.unwrap_or_default())?;
        let mut decoded = decoded(data);
        let schema = loop {
            match decoded.next().await.transpose().map_err(undecoded)? {
                Some(DecodedFlightData {
                    payload: DecodedPayload::Schema(schema),
                    ..
                }) => break schema,
                Some(_) => {}
                None => return Err(invalid("the rows have no schema")),
            }
        };
        let rows = record_batches(decoded);
        let table = TableName {
            database: command
                .schema
                .filter(|name| !name.is_empty())
                .map(|name| name.to_lowercase().into()),
            table: command.table.to_lowercase().into(),
        };
        let ingested = Ingested {
            table,
            if_missing,
            if_there,
            schema,
            batches: rows.map_err(|error| live_error(&error)).boxed(),
            stall: stall.clone(),
        };
        let mut session = called.enter(&self.instance).await?;
        let done = session.ingest(ingested).await?;
        Ok(update_result(&Acted {
            affected: done.affected_rows,
            export: None,
            rows: None,
        }))
    }
}

/// That values are not too long.
fn too_many_bytes(bytes: usize) -> Result<()> {
    match bytes > PARAMETER_BYTES_MAX {
        true => Err(Error::invalid_input(
            Reason::LimitExceeded,
            format_args!(
                "the values have {bytes} bytes or more; a query takes {PARAMETER_BYTES_MAX}"
            ),
        )),
        false => Ok(()),
    }
}

/// What becomes of the table.
fn modes(options: TableDefinitionOptions) -> Result<(IfMissing, IfThere)> {
    let if_missing = match options.if_not_exist() {
        TableNotExistOption::Create => IfMissing::Create,
        TableNotExistOption::Fail | TableNotExistOption::Unspecified => IfMissing::Fail,
    };
    let if_there = match options.if_exists() {
        TableExistsOption::Append => IfThere::Append,
        TableExistsOption::Replace => IfThere::Replace,
        TableExistsOption::Fail | TableExistsOption::Unspecified => IfThere::Fail,
    };
    if (if_missing, if_there) == (IfMissing::Fail, IfThere::Fail) {
        return Err(invalid(
            "say what becomes of the rows: the table is created, appended to, or replaced",
        ));
    }
    Ok((if_missing, if_there))
}

fn update_result(acted: &Acted) -> Vec<u8> {
    // A query's rows are not counted: nobody reads them.
    let is_query = acted.rows.is_some() && acted.export.is_none();
    UpdateResult {
        record_count: match is_query {
            true => -1,
            false => i64::try_from(acted.affected).unwrap_or(i64::MAX),
        },
        export_id: acted.export.clone(),
    }
    .encode_to_vec()
}

type Batches = BoxStream<'static, std::result::Result<RecordBatch, FlightError>>;

type Decoded = BoxStream<'static, std::result::Result<DecodedFlightData, FlightError>>;

/// A stream's messages. What the decoder was not made for ends the stream, not the server's task.
fn decoded(
    data: impl Stream<Item = std::result::Result<FlightData, Status>> + Send + 'static,
) -> Decoded {
    let data = data.map_err(|status| FlightError::Tonic(Box::new(status)));
    AssertUnwindSafe(FlightDataDecoder::new(data))
        .catch_unwind()
        .map(|next| {
            next.unwrap_or_else(|_| {
                Err(FlightError::DecodeError(
                    "a message is not as Arrow's format has it".to_owned(),
                ))
            })
        })
        .boxed()
}

/// The rows among a stream's messages, which all have its first schema.
fn record_batches(decoded: Decoded) -> Batches {
    decoded
        .try_filter_map(async |message| match message.payload {
            DecodedPayload::RecordBatch(batch) => Ok(Some(batch)),
            DecodedPayload::None => Ok(None),
            DecodedPayload::Schema(_) => Err(FlightError::ProtocolError(
                "a second schema came".to_owned(),
            )),
        })
        .boxed()
}

/// The rows of a stream of messages.
fn batches(
    data: impl Stream<Item = std::result::Result<FlightData, Status>> + Send + 'static,
) -> Batches {
    let mut is_first = true;
    let decoded = decoded(data).filter(move |message| {
        let is_schema = matches!(
            message,
            Ok(DecodedFlightData {
                payload: DecodedPayload::Schema(_),
                ..
            })
        );
        let is_kept = !(is_schema && std::mem::take(&mut is_first));
        std::future::ready(is_kept)
    });
    record_batches(decoded.boxed())
}

fn broken(status: Status) -> Error {
    invalid(format_args!("the stream broke off: {}", status.message()))
}

fn undecoded(error: FlightError) -> Error {
    match error {
        FlightError::Tonic(status) => broken(*status),
        other => invalid(format_args!("the rows cannot be read: {other}")),
    }
}

fn live_error(error: &FlightError) -> LiveError {
    let message = match error {
        FlightError::Tonic(status) => format!("the stream broke off: {}", status.message()),
        other => format!("the rows cannot be read: {other}"),
    };
    LiveError {
        message,
        is_temporary: false,
    }
}
