//! Statements: what one gives and how it is fetched. A statement that leaves nothing behind is described when a client
//! asks for it and run for its ticket, which says all of it. One that does leave something is run when it is asked
//! for, once, and its ticket says what it gave.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow_flight::sql::{ProstMessageExt, TicketStatementQuery};
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use catalog::ExportRecord;
use futures::TryStreamExt;
use parser::Value;
use prost::Message;

use crate::error::{Error, Reason, Result};
use crate::exports::{CancelCause, ExportHandle};
use crate::session::{Bounds, Outcome, Ready, Transfer};
use crate::sessions;
use crate::sql::{Effect, export_state};
use crate::time::proto_timestamp;

use super::Flight;
use super::connections::{Called, Entered};
use super::handle::{Handle, Use};
use super::parameters;
use super::stream::{self, FlightStream};

/// The longest result that a ticket says itself; clients send tickets back.
const OUTCOME_BYTES_MAX: usize = 16 << 20;

/// A statement and the values of its parameters.
pub(super) struct Statement {
    pub(super) text: String,
    pub(super) values: Vec<Value>,
    /// The same values as the client gave them, for handles.
    pub(super) parameters: Vec<u8>,
}

/// What a statement with an effect gave.
pub(super) struct Acted {
    /// Rows inserted, changed, removed, exported.
    pub(super) affected: u64,
    /// Of the export that it was.
    pub(super) export: Option<String>,
    /// Its rows, where it gives some.
    pub(super) rows: Option<(SchemaRef, Vec<RecordBatch>)>,
}

impl Statement {
    /// One without parameters.
    pub(super) fn plain(text: String) -> Self {
        Self {
            text,
            values: Vec::new(),
            parameters: Vec::new(),
        }
    }

    /// What a handle says.
    pub(super) fn of(handle: &Handle) -> Result<Self> {
        let values = match handle.parameters.is_empty() {
            true => Vec::new(),
            false => {
                let (_, batches) = from_ipc(&handle.parameters)?;
                let rows = batches.iter().map(parameters::rows);
                let rows: Vec<_> = rows.collect::<Result<Vec<_>>>()?.concat();
                rows.into_iter().next().unwrap_or_default()
            }
        };
        Ok(Self {
            text: handle.statement.clone(),
            values,
            parameters: handle.parameters.clone(),
        })
    }
}

impl Flight {
    /// The answer to a statement's GetFlightInfo.
    pub(super) async fn statement_info(
        &self,
        called: &Called,
        statement: Statement,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo> {
        let mut session = called.enter(&self.instance).await?;
        let ready = session.ready(&statement.text, &statement.values).await?;
        let mut handle = Handle::new(&called.caller.principal, called.session.as_deref());
        let (schema, records) = match ready.effect() {
            Effect::None => {
                handle.statement = statement.text;
                handle.parameters = statement.parameters;
                (session.columns_of(ready).await?, -1)
            }
            Effect::OnSession | Effect::Lasting => {
                let acted = act(session, ready).await?;
                let affected = i64::try_from(acted.affected).unwrap_or(i64::MAX);
                let (schema, batches, records) = match acted.rows {
                    Some((schema, batches)) => {
                        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
                        (schema, batches, i64::try_from(rows).unwrap_or(i64::MAX))
                    }
                    // For clients whose only count this is.
                    None => (Arc::new(Schema::empty()), Vec::new(), affected),
                };
                handle.outcome = to_ipc(&schema, &batches)?;
                if handle.outcome.len() > OUTCOME_BYTES_MAX {
                    return Err(Error::invalid_input(
                        Reason::LimitExceeded,
                        "the statement was run, but what it gave is too long for a ticket; use SqlService for it",
                    ));
                }
                (schema, records)
            }
        };
        let endpoint = self.endpoint(handle);
        let info = FlightInfo::new()
            .try_with_schema(&schema)
            .map_err(|e| Error::defect("failed to encode a schema").with_source(e))?
            .with_endpoint(endpoint)
            .with_total_records(records)
            .with_descriptor(descriptor);
        Ok(info)
    }

    /// The columns that a statement gives; none for one with an effect, which this does not run.
    pub(super) async fn statement_schema(
        &self,
        called: &Called,
        statement: Statement,
    ) -> Result<SchemaRef> {
        let mut session = called.enter(&self.instance).await?;
        let ready = session.ready(&statement.text, &statement.values).await?;
        match ready.effect() {
            Effect::None => session.columns_of(ready).await,
            Effect::OnSession | Effect::Lasting => Ok(Arc::new(Schema::empty())),
        }
    }

    /// A statement's rows.
    pub(super) async fn statement_rows(
        &self,
        called: Called,
        ticket: &[u8],
    ) -> Result<FlightStream> {
        let handle = self
            .key
            .open(ticket, Use::Ticket, &called.caller.principal)?;
        if !handle.outcome.is_empty() {
            let (schema, batches) = from_ipc(&handle.outcome)?;
            return Ok(stream::of_batches(schema, batches));
        }
        let called = called.in_session_of(&handle);
        let statement = Statement::of(&handle)?;
        // From here on nothing that cancels it is missed.
        let mut running = self.running.begin(&handle.id);
        let run = async {
            let mut session = called.enter(&self.instance).await?;
            let ready = session.ready(&statement.text, &statement.values).await?;
            let (outcome, bounds) = session.execute_ready(ready).await?;
            Ok::<_, Error>((outcome, bounds, session.release()))
        };
        let (outcome, bounds, in_use) = tokio::select! {
            biased;
            () = running.cancelled() => return Err(super::cancel::cancelled()),
            run = run => run?,
        };
        match outcome {
            Outcome::Rows(rows) => Ok(stream::of_rows(rows, bounds, running, in_use)),
            Outcome::Done(_) | Outcome::Export(_) | Outcome::Transfer(_) => {
                Err(Error::defect("a statement without an effect gave no rows"))
            }
        }
    }

    /// Runs a statement for its effect.
    pub(super) async fn run_update(&self, called: &Called, statement: &Statement) -> Result<Acted> {
        let mut session = called.enter(&self.instance).await?;
        let ready = session.ready(&statement.text, &statement.values).await?;
        act(session, ready).await
    }

    /// Where a ticket is read: over the connection that it came by.
    pub(super) fn endpoint(&self, handle: Handle) -> FlightEndpoint {
        let (sealed, expires_us) = self.key.seal(handle, Use::Ticket);
        let ticket = TicketStatementQuery {
            statement_handle: sealed.into(),
        };
        FlightEndpoint {
            ticket: Some(Ticket::new(ticket.as_any().encode_to_vec())),
            expiration_time: Some(proto_timestamp(expires_us)),
            ..FlightEndpoint::default()
        }
    }
}

/// Runs a statement to its end. Rows that nobody will read are not made: a query's are left where they are.
async fn act(mut session: Entered, ready: Ready) -> Result<Acted> {
    let effect = ready.effect();
    if effect == Effect::OnSession {
        session.must_stay_open()?;
    }
    let (outcome, bounds) = session.execute_ready(ready).await?;
    // What keeps the session, while another statement of it may begin.
    let _in_use = session.release();
    Ok(match outcome {
        Outcome::Done(done) => Acted {
            affected: done.affected_rows,
            export: None,
            rows: None,
        },
        Outcome::Rows(rows) => {
            let schema = Arc::clone(&rows.schema);
            let batches = match effect {
                Effect::None => Vec::new(),
                Effect::OnSession | Effect::Lasting => rows.batches.try_collect().await?,
            };
            Acted {
                affected: 0,
                export: None,
                rows: Some((schema, batches)),
            }
        }
        Outcome::Export(handle) => {
            let record = settled(handle, bounds).await?;
            Acted {
                affected: record.rows,
                export: Some(record.id.clone()),
                rows: Some(report(record)?),
            }
        }
        Outcome::Transfer(transfer) => return Err(not_carried(transfer.direction)),
    })
}

/// Waits for an export's end. A client that leaves does not stop it, KILL does; of one that another call has started
/// KILL and the statement's time end the waiting alone.
async fn settled(handle: ExportHandle, mut bounds: Bounds) -> Result<ExportRecord> {
    let (end, late) = (handle.wait(), bounds.late());
    tokio::pin!(end, late);
    tokio::select! {
        biased;
        end = &mut end => return end,
        () = bounds.killed() => {
            if handle.follows() {
                return Err(sessions::killed());
            }
            // How it ends is its own to say: it may be past the point at which it can be stopped.
            handle.cancel_for(CancelCause::Killed);
        }
        error = &mut late, if handle.follows() => return Err(error),
    }
    end.await
}

/// An export as a row.
fn report(record: ExportRecord) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let text = |text: String| Arc::new(StringArray::from(vec![text])) as ArrayRef;
    let number = |number: u64| Arc::new(UInt64Array::from(vec![number])) as ArrayRef;
    let instant = |us: Option<u64>| {
        let us = us.and_then(|us| i64::try_from(us).ok());
        Arc::new(TimestampMicrosecondArray::from(vec![us]).with_timezone("UTC")) as ArrayRef
    };
    let warnings = record.warnings.join("\n");
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("export_id", text(record.id), false),
        ("state", text(export_state(record.state).to_owned()), false),
        ("target", text(record.target), false),
        ("rows", number(record.rows), false),
        ("bytes", number(record.bytes), false),
        ("files", number(record.files.len() as u64), false),
        ("started", instant(Some(record.created_us)), false),
        ("finished", instant(record.finished_us), true),
        ("warnings", text(warnings), false),
    ])
    .map_err(|e| Error::defect("failed to build a report").with_source(e))?;
    Ok((batch.schema(), vec![batch]))
}

fn not_carried(direction: Transfer) -> Error {
    let verb = direction.verb();
    Error::not_supported(format_args!(
        "{verb} is carried out by the client, which alone reaches its own files, and this one does not: run it in `stagedoor sql`"
    ))
}

pub(super) fn to_ipc(schema: &Schema, batches: &[RecordBatch]) -> Result<Vec<u8>> {
    let written = StreamWriter::try_new(Vec::new(), schema).and_then(|mut writer| {
        for batch in batches {
            writer.write(batch)?;
        }
        writer.into_inner()
    });
    written.map_err(|e| Error::defect("failed to encode a result").with_source(e))
}

/// What this server has encoded.
fn from_ipc(bytes: &[u8]) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let read = StreamReader::try_new(bytes, None).and_then(|reader| {
        let schema = reader.schema();
        let batches = reader.collect::<std::result::Result<Vec<_>, _>>()?;
        Ok((schema, batches))
    });
    read.map_err(|e| Error::defect("failed to decode a handle").with_source(e))
}
