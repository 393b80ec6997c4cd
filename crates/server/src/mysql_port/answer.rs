//! Outcomes as the protocol's answers: OK with its counts, rows as they come, an export once it has ended.

use std::io;

use futures::StreamExt;
use mysql::Done;
use query::InsertId;

use super::columns::{Cells, columns};
use super::wire::{OUTPUT_BYTES, Wire};
use crate::error::{Error, Result};
use crate::exports::{CancelCause, ExportHandle};
use crate::session::{Bounds, Outcome, Rows};
use crate::sessions;

/// What of an error's text a client is sent.
const TEXT_BYTES_MAX: usize = 8 << 10;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Of a query.
    Text,
    /// Of a prepared statement.
    Binary,
}

/// What stands beside an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) form: Form,
    /// Another result follows.
    pub(super) more: bool,
    /// The current database, if the statement has changed it.
    pub(super) database: Option<&'a str>,
}

/// The client has left.
#[derive(Debug)]
pub(super) struct Left;

impl From<io::Error> for Left {
    fn from(_: io::Error) -> Self {
        Self
    }
}

/// How an answer ended: with warnings, or with an error that the client is to be told.
type Answered = Result<Vec<String>>;

/// Answers with a statement's outcome.
///
/// # Errors
/// [`Left`].
pub(super) async fn answer(
    wire: &mut Wire,
    outcome: Outcome,
    bounds: &mut Bounds,
    around: Around<'_>,
) -> std::result::Result<Answered, Left> {
    match outcome {
        Outcome::Done(done) => {
            let last_insert_id = match done.insert_id {
                InsertId::None => 0,
                InsertId::Given(number) | InsertId::Written(number) => number,
            };
            let counts = (done.affected_rows, last_insert_id);
            Ok(Ok(told(wire, counts, done.warnings, around)))
        }
        Outcome::Transfer(transfer) => Ok(Err(transfer.direction.not_carried())),
        Outcome::Rows(rows) => send_rows(wire, rows, bounds, around).await,
        Outcome::Export(handle) => follow(wire, handle, bounds, around).await,
    }
}

/// Tells the error of a request.
pub(super) fn tell(wire: &mut Wire, error: &Error, request_id: &str) {
    let text = told_text(error, request_id);
    wire.connection.error(error.code(), error.sqlstate(), &text);
}

/// An error's text as a client gets it. What is not for it goes to the log, where the request's id finds it.
pub(super) fn told_text(error: &Error, request_id: &str) -> String {
    let Some(told) = error.told() else {
        let text = error.message();
        return text[..text.floor_char_boundary(TEXT_BYTES_MAX)].to_owned();
    };
    tracing::error!(
        request_id,
        error = error.message(),
        "failed for a cause that is the server's own"
    );
    match request_id.is_empty() {
        true => told.to_owned(),
        false => format!("{told} (request {request_id})"),
    }
}

fn told(
    wire: &mut Wire,
    (affected_rows, last_insert_id): (u64, u64),
    warnings: Vec<String>,
    around: Around<'_>,
) -> Vec<String> {
    wire.connection.done(Done {
        affected_rows,
        last_insert_id,
        warnings: count(&warnings),
        more: around.more,
        database: around.database,
        ..Done::default()
    });
    warnings
}

fn count(warnings: &[String]) -> u16 {
    u16::try_from(warnings.len()).unwrap_or(u16::MAX)
}

/// Sends rows as they come. The query waits for a client that reads slowly, and stops with one that leaves.
async fn send_rows(
    wire: &mut Wire,
    mut rows: Rows,
    bounds: &mut Bounds,
    around: Around<'_>,
) -> std::result::Result<Answered, Left> {
    let columns = columns(&rows.schema, &rows.origins);
    wire.connection.columns(&columns);
    loop {
        let next = tokio::select! {
            biased;
            () = wire.left() => return Err(Left),
            next = rows.batches.next() => next,
        };
        let batch = match next {
            Some(Ok(batch)) => batch,
            Some(Err(error)) => return Ok(Err(error)),
            None => break,
        };
        let fields = rows.schema.fields().iter();
        let cells = fields
            .zip(batch.columns())
            .map(|(field, array)| Cells::of(array, field));
        let cells: Vec<Cells> = match cells.collect() {
            Ok(cells) => cells,
            Err(error) => return Ok(Err(error)),
        };
        for row in 0..batch.num_rows() {
            let values = cells.iter().map(|cells| cells.get(row));
            match around.form {
                Form::Text => wire.connection.text_row(values),
                Form::Binary => {
                    if let Err(error) = wire.connection.binary_row(&columns, values) {
                        return Ok(Err(Error::defect(&error).with_source(error)));
                    }
                }
            }
            if wire.connection.output_len() >= OUTPUT_BYTES {
                match bounds.within(wire.flush()).await {
                    Ok(flushed) => flushed?,
                    // A part of a packet is with the client: nothing can follow it.
                    Err(_) => return Err(Left),
                }
            }
        }
    }
    let warnings = (rows.warnings)();
    wire.connection.end_rows(count(&warnings), around.more);
    // Within the statement, so that its time and KILL hold for a client that does not read its end.
    match bounds.within(wire.flush()).await {
        Ok(flushed) => flushed?,
        Err(_) => return Err(Left),
    }
    Ok(Ok(warnings))
}

/// Waits for an export's end. A client that leaves does not stop it, KILL does; of one that another call has started
/// KILL ends the waiting alone.
async fn follow(
    wire: &mut Wire,
    handle: ExportHandle,
    bounds: &mut Bounds,
    around: Around<'_>,
) -> std::result::Result<Answered, Left> {
    let mut is_killed = false;
    let end = handle.wait();
    let late = bounds.late();
    tokio::pin!(end, late);
    let ended = loop {
        tokio::select! {
            biased;
            ended = &mut end => break ended,
            () = bounds.killed(), if !is_killed => {
                // How it ends is its own to say: it may be past the point at which it can be stopped.
                is_killed = true;
                if handle.follows() {
                    return Ok(Err(sessions::killed()));
                }
                handle.cancel_for(CancelCause::Killed);
            }
            // Another call's goes on, whoever waits for it.
            error = &mut late, if handle.follows() => return Ok(Err(error)),
            () = wire.left() => return Err(Left),
        }
    };
    Ok(ended.map(|record| told(wire, (record.rows, 0), record.warnings.clone(), around)))
}
