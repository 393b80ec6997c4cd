//! `SqlService`: sessions and statements. Results stream as Arrow IPC, exports as progress and a report.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use proto::v1;
use proto::v1::execute_response::Part;
use proto::v1::sql_service_server::SqlService;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::error::Result;
use crate::exports::ExportHandle;
use crate::grpc::authentication::caller;
use crate::grpc::convert;
use crate::grpc::ipc::IpcChunks;
use crate::instance::Instance;
use crate::session::{Done, Outcome, Rows, Session};
use crate::sessions::Sessions;

const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Messages waiting for a slow client; the query waits behind them.
const PARTS_QUEUED_MAX: usize = 4;

type Parts = mpsc::Sender<std::result::Result<v1::ExecuteResponse, Status>>;

/// `stagedoor.v1.SqlService`.
#[derive(Debug, Clone)]
pub(crate) struct Sql {
    pub(crate) instance: Arc<Instance>,
    pub(crate) sessions: Arc<Sessions>,
}

#[tonic::async_trait]
impl SqlService for Sql {
    async fn open_session(
        &self,
        request: Request<v1::OpenSessionRequest>,
    ) -> std::result::Result<Response<v1::OpenSessionResponse>, Status> {
        let mut session = Session::new(Arc::clone(&self.instance), caller(&request)?);
        let database = request.into_inner().database;
        if !database.is_empty() {
            session.use_database(&database).await?;
        }
        let database = session.database().to_owned();
        let session_id = self.sessions.insert(session)?;
        Ok(Response::new(v1::OpenSessionResponse {
            session_id,
            server_version: env!("CARGO_PKG_VERSION").to_owned(),
            database,
        }))
    }

    async fn close_session(
        &self,
        request: Request<v1::CloseSessionRequest>,
    ) -> std::result::Result<Response<v1::CloseSessionResponse>, Status> {
        let caller = caller(&request)?;
        self.sessions
            .close(&request.into_inner().session_id, &caller.principal);
        Ok(Response::new(v1::CloseSessionResponse {}))
    }

    type ExecuteStream =
        Pin<Box<dyn Stream<Item = std::result::Result<v1::ExecuteResponse, Status>> + Send>>;

    async fn execute(
        &self,
        request: Request<v1::ExecuteRequest>,
    ) -> std::result::Result<Response<Self::ExecuteStream>, Status> {
        let caller = caller(&request)?;
        let v1::ExecuteRequest {
            session_id,
            statement,
            secrets,
        } = request.into_inner();
        let secrets = convert::secrets(secrets);
        // The statement runs here, so that what refuses it is the call's own status. If the client
        // leaves meanwhile, a change is made whole (it runs in a blocking task that nothing cancels) or,
        // for an INSERT that is still reading its query, not at all.
        let (outcome, database, in_use) = if session_id.is_empty() {
            let mut session = Session::new(Arc::clone(&self.instance), caller);
            (
                session.execute_with(&statement, secrets).await?,
                session.database().to_owned(),
                None,
            )
        } else {
            let mut session = self.sessions.lock_session(&session_id).await?;
            session.enter(caller).await?;
            let outcome = session.execute_with(&statement, secrets).await?;
            let database = session.database().to_owned();
            (outcome, database, Some(session.release()))
        };
        let (parts, receiver) = mpsc::channel(PARTS_QUEUED_MAX);
        tokio::spawn(async move {
            let _in_use = in_use;
            let result = match outcome {
                Outcome::Done(done) => Ok(Some(result_of(done))),
                Outcome::Rows(rows) => send_rows(&parts, rows).await,
                Outcome::Export(handle) => follow_export(&parts, handle).await,
            };
            let last = match result {
                Ok(Some(mut result)) => {
                    result.database = database;
                    Ok(part(Part::Result(result)))
                }
                Ok(None) => return,
                Err(error) => Err(Status::from(error)),
            };
            // A client that has left takes no answer.
            let _ = parts.send(last).await;
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn split_script(
        &self,
        request: Request<v1::SplitScriptRequest>,
    ) -> std::result::Result<Response<v1::SplitScriptResponse>, Status> {
        caller(&request)?;
        let script = request.into_inner().script;
        // A long one would hold an asynchronous thread for too long.
        let split = self.instance.blocking(move |_| Ok(split(&script))).await?;
        Ok(Response::new(split))
    }
}

fn split(script: &str) -> v1::SplitScriptResponse {
    let split = parser::split(script);
    let statements = split
        .statements
        .iter()
        .map(|statement| v1::ScriptStatement {
            statement: statement.text.to_owned(),
            line: statement.line as u32,
        })
        .collect();
    v1::SplitScriptResponse {
        statements,
        rest: split.rest.to_owned(),
        rest_line: split.rest_line as u32,
    }
}

fn part(part: Part) -> v1::ExecuteResponse {
    v1::ExecuteResponse { part: Some(part) }
}

fn result_of(done: Done) -> v1::StatementResult {
    v1::StatementResult {
        verb: done.verb.to_owned(),
        affected_rows: done.affected_rows,
        warnings: done.warnings,
        ..Default::default()
    }
}

/// Sends a result set. `None` when the client has left: the query stops with its stream.
async fn send_rows(parts: &Parts, mut rows: Rows) -> Result<Option<v1::StatementResult>> {
    let mut chunks = IpcChunks::new(&rows.schema)?;
    let mut returned_rows = 0;
    loop {
        // A client that leaves ends its query at once, not only when the next rows are there.
        let next = tokio::select! {
            biased;
            () = parts.closed() => return Ok(None),
            next = rows.batches.next() => next,
        };
        let Some(batch) = next else { break };
        let batch = batch?;
        returned_rows += batch.num_rows() as u64;
        for chunk in chunks.batch(&batch)? {
            if parts.send(Ok(part(Part::ArrowIpc(chunk)))).await.is_err() {
                return Ok(None);
            }
        }
    }
    for chunk in chunks.finish()? {
        if parts.send(Ok(part(Part::ArrowIpc(chunk)))).await.is_err() {
            return Ok(None);
        }
    }
    Ok(Some(v1::StatementResult {
        verb: rows.verb.to_owned(),
        returned_rows,
        warnings: (rows.warnings)(),
        ..Default::default()
    }))
}

/// Sends an export's beginning, its progress and its report. A client that leaves does not stop it.
async fn follow_export(parts: &Parts, handle: ExportHandle) -> Result<Option<v1::StatementResult>> {
    let started = convert::export(handle.admitted().clone());
    if parts
        .send(Ok(part(Part::ExportStarted(started))))
        .await
        .is_err()
    {
        return Ok(None);
    }
    let mut ticks = tokio::time::interval(PROGRESS_EVERY);
    let end = handle.wait();
    tokio::pin!(end);
    let record = loop {
        tokio::select! {
            biased;
            end = &mut end => break end?,
            _ = ticks.tick() => {
                let progress = convert::progress(handle.progress());
                if parts.send(Ok(part(Part::ExportProgress(progress)))).await.is_err() {
                    return Ok(None);
                }
            }
        }
    };
    let (affected_rows, warnings) = (record.rows, record.warnings.clone());
    Ok(Some(v1::StatementResult {
        verb: "EXPORT".to_owned(),
        affected_rows,
        warnings,
        export: Some(convert::export(record)),
        ..Default::default()
    }))
}
