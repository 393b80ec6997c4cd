//! `SqlService`: sessions and statements. Results stream as Arrow IPC, exports as progress and a report.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use proto::v1;
use proto::v1::execute_response::Part;
use proto::v1::sql_service_server::SqlService;
use tonic::{Request, Response, Status};

use crate::error::Result;
use crate::exports::{CancelCause, ExportHandle};
use crate::grpc::authentication::caller;
use crate::grpc::convert;
use crate::grpc::ipc::IpcChunks;
use crate::instance::Instance;
use crate::parts::{ClientLeft, parts};
use crate::session::{Bounds, Diagnostics, Done, FileTransfer, Outcome, Rows, Session, Transfer};
use crate::sessions::{Sessions, killed};

const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Messages waiting for a slow client; the query waits behind them.
const PARTS_QUEUED_MAX: usize = 4;

type Parts = crate::parts::Parts<v1::ExecuteResponse>;

/// `stagedoor.v1.SqlService`.
#[derive(Debug, Clone)]
pub(crate) struct Sql {
    pub(crate) instance: Arc<Instance>,
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
        let session_id = self.instance.sessions.insert(&session)?;
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
        self.instance
            .sessions
            .close(&request.into_inner().session_id, &caller.principal);
        // What went with it is gone when this answers, also of a server that does nothing by itself.
        self.instance.internal.stages.remove_ended().await;
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
            carries_files,
        } = request.into_inner();
        let secrets = convert::secrets(secrets);
        // The statement runs here, so that what refuses it is the call's own status. If the client
        // leaves meanwhile, a change is made whole (it runs in a blocking task that nothing cancels) or,
        // for an INSERT that is still reading its query, not at all.
        let (outcome, bounds, database, kept) = if session_id.is_empty() {
            let mut session = Session::for_statements(Arc::clone(&self.instance), caller);
            let (outcome, bounds) = session.execute_with(&statement, secrets).await?;
            (outcome, bounds, session.database().to_owned(), None)
        } else {
            let mut session = Sessions::enter(&self.instance, &session_id, caller).await?;
            let (outcome, bounds) = session.execute_with(&statement, secrets).await?;
            let database = session.database().to_owned();
            let diagnostics = session.diagnostics();
            let kept = (diagnostics, session.release());
            (outcome, bounds, database, Some(kept))
        };
        if let Outcome::Transfer(transfer) = &outcome
            && !carries_files
        {
            return Err(transfer.direction.not_carried().into());
        }
        let (parts, stream) = parts(PARTS_QUEUED_MAX);
        tokio::spawn(async move {
            let (diagnostics, _in_use) = kept.unzip();
            match answer(&parts, outcome, bounds, database, diagnostics.as_deref()).await {
                Ok(Ok(()) | Err(ClientLeft)) => {}
                // Whoever reads no more must not keep what was made for it.
                Err(error) => parts.fail(error),
            }
        });
        Ok(Response::new(Box::pin(stream)))
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

fn wire_transfer(transfer: FileTransfer) -> v1::FileTransfer {
    let direction = match transfer.direction {
        Transfer::Get => v1::FileTransferDirection::Get,
        Transfer::Put => v1::FileTransferDirection::Put,
    };
    v1::FileTransfer {
        direction: direction.into(),
        parent: format!("stages/{}", transfer.stage),
        path: transfer.path,
        local_path: transfer.local_path,
        overwrite: transfer.overwrite,
    }
}

/// Sends all of an answer, within the bounds of its statement.
async fn answer(
    parts: &Parts,
    outcome: Outcome,
    mut bounds: Bounds,
    database: String,
    diagnostics: Option<&Diagnostics>,
) -> Result<std::result::Result<(), ClientLeft>> {
    let last = |mut result: v1::StatementResult| {
        result.database = database;
        part(Part::Result(result))
    };
    // What has been done is said, however late it is; for that there is room.
    match outcome {
        Outcome::Done(done) => Ok(parts.send(last(result_of(done))).await),
        Outcome::Transfer(transfer) => {
            let result = v1::StatementResult {
                verb: transfer.direction.verb().to_owned(),
                transfer: Some(wire_transfer(transfer)),
                ..Default::default()
            };
            Ok(parts.send(last(result)).await)
        }
        Outcome::Rows(rows) => match send_rows(parts, rows, &mut bounds).await? {
            Ok(result) => bounds.within(parts.send(last(result))).await,
            Err(left) => Ok(Err(left)),
        },
        Outcome::Export(handle) => match follow_export(parts, handle, &mut bounds).await? {
            Ok(result) => {
                if let Some(diagnostics) = diagnostics {
                    diagnostics.warned(&result.warnings);
                }
                Ok(parts.send(last(result)).await)
            }
            Err(left) => Ok(Err(left)),
        },
    }
}

/// Sends a result set. When the client has left, the query stops with its stream. A client that reads no more is
/// waited for as long as the statement may run.
async fn send_rows(
    parts: &Parts,
    mut rows: Rows,
    bounds: &mut Bounds,
) -> Result<std::result::Result<v1::StatementResult, ClientLeft>> {
    let mut chunks = IpcChunks::new(&rows.schema)?;
    let mut returned_rows = 0;
    let mut is_last = false;
    while !is_last {
        // A client that leaves ends its query at once, not only when the next rows are there.
        let next = tokio::select! {
            biased;
            () = parts.left() => return Ok(Err(ClientLeft)),
            next = rows.batches.next() => next.transpose()?,
        };
        let made = match &next {
            Some(batch) => chunks.batch(batch)?,
            None => chunks.finish()?,
        };
        returned_rows += next.as_ref().map_or(0, |batch| batch.num_rows() as u64);
        is_last = next.is_none();
        for chunk in made {
            let sent = bounds.within(parts.send(part(Part::ArrowIpc(chunk))));
            if let Err(left) = sent.await? {
                return Ok(Err(left));
            }
        }
    }
    Ok(Ok(v1::StatementResult {
        verb: rows.verb.to_owned(),
        returned_rows,
        warnings: (rows.warnings)(),
        ..Default::default()
    }))
}

/// Sends an export's beginning, its progress and its report. A client that leaves does not stop it, KILL does.
async fn follow_export(
    parts: &Parts,
    handle: ExportHandle,
    bounds: &mut Bounds,
) -> Result<std::result::Result<v1::StatementResult, ClientLeft>> {
    let started = convert::export(handle.admitted().clone());
    if let Err(left) = parts.send(part(Part::ExportStarted(started))).await {
        return Ok(Err(left));
    }
    let mut ticks = tokio::time::interval(PROGRESS_EVERY);
    let mut is_killed = false;
    let end = handle.wait();
    let late = bounds.late();
    tokio::pin!(end, late);
    let record = loop {
        tokio::select! {
            biased;
            end = &mut end => break end?,
            () = bounds.killed(), if !is_killed => {
                // How it ends is its own to say: it may be past the point at which it can be stopped.
                is_killed = true;
                if handle.follows() {
                    return Err(killed());
                }
                handle.cancel_for(CancelCause::Killed);
            }
            // Another call's goes on, whoever waits for it.
            error = &mut late, if handle.follows() => return Err(error),
            _ = ticks.tick() => {
                let progress = convert::progress(handle.progress());
                if let Err(left) = parts.offer(part(Part::ExportProgress(progress))) {
                    return Ok(Err(left));
                }
            }
        }
    };
    let (affected_rows, warnings) = (record.rows, record.warnings.clone());
    Ok(Ok(v1::StatementResult {
        verb: "EXPORT".to_owned(),
        affected_rows,
        warnings,
        export: Some(convert::export(record)),
        ..Default::default()
    }))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

    use super::*;
    use crate::error::Reason;
    use crate::session::{Caller, Login};
    use crate::turns::Work;
    use crate::{Server, Settings};

    #[tokio::test]
    async fn a_full_queue_ends_with_its_statement_and_gives_the_turn_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::embedded(folder.path());
        settings.limits.concurrent_statements_max = 1;
        let server = Server::open(settings).await.unwrap();
        let instance = &server.instance;
        let session = server.session().unwrap();
        let id = instance.sessions.insert(&session).unwrap();
        let caller = Caller {
            principal: session.principal().clone(),
            context: Default::default(),
            login: Login::Itself,
        };
        let mut session = Sessions::enter(instance, &id, caller).await.unwrap();
        let statement = "SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3";
        let (outcome, bounds) = session
            .execute_with(statement, Default::default())
            .await
            .unwrap();
        let turns = || instance.turns.try_take("sys", Work::Statement).unwrap();
        // One message fits, and nobody takes it.
        let (parts, stream) = parts(1);
        let mut answering = Box::pin(answer(&parts, outcome, bounds, String::new(), None));
        while parts.has_room() {
            assert!(futures::poll!(&mut answering).is_pending());
            tokio::task::yield_now().await;
        }
        assert!(futures::poll!(&mut answering).is_pending());
        assert!(turns().is_none());
        instance.sessions.get(&id).unwrap().kill_statement();
        let killed = tokio::time::timeout(Duration::from_secs(60), answering).await;
        let killed = killed.expect("it ends").unwrap_err();
        assert_eq!(killed.reason(), Reason::StatementKilled);
        assert!(turns().is_some());
        drop(stream);
    }
}
