//! Rows on their way to a client, as FlightData: in messages that every client takes, no more of them waiting than a
//! slow client needs, and until the statement's end, KILL, or a cancellation.

use std::pin::Pin;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::FlightData;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use futures::{Stream, StreamExt};
use tonic::Status;

use crate::error::Error;
use crate::parts::{ClientLeft, Parts, parts};
use crate::session::{Bounds, Rows};
use crate::sessions::InUse;

use super::cancel::Running;

/// Clients take 4 MiB a message by default, some less with their headers; rows are not all of one size.
const MESSAGE_BYTES_TARGET: usize = 1 << 20;

/// Messages waiting for a slow client; the query waits behind them.
const MESSAGES_QUEUED_MAX: usize = 4;

/// What DoGet answers with.
pub(super) type FlightStream =
    Pin<Box<dyn Stream<Item = std::result::Result<FlightData, Status>> + Send>>;

/// A result set that is made while it is read.
pub(super) fn of_rows(
    rows: Rows,
    bounds: Bounds,
    running: Running,
    in_use: Option<InUse>,
) -> FlightStream {
    let (parts, stream) = parts(MESSAGES_QUEUED_MAX);
    tokio::spawn(async move {
        let _in_use = in_use;
        match send(&parts, rows, bounds, running).await {
            Ok(Ok(()) | Err(ClientLeft)) => {}
            // Whoever reads no more must not keep what was made for it.
            Err(status) => parts.fail(status),
        }
    });
    Box::pin(stream)
}

async fn send(
    parts: &Parts<FlightData>,
    rows: Rows,
    mut bounds: Bounds,
    mut running: Running,
) -> std::result::Result<std::result::Result<(), ClientLeft>, Status> {
    let batches = rows
        .batches
        .map(|batch| batch.map_err(|error| FlightError::Tonic(Box::new(Status::from(error)))));
    let mut messages = encoder(rows.schema).build(batches);
    loop {
        // A client that leaves ends its query at once, not only when the next rows are there.
        let next = tokio::select! {
            biased;
            () = parts.left() => return Ok(Err(ClientLeft)),
            () = running.cancelled() => return Err(super::cancel::cancelled().into()),
            next = messages.next() => next,
        };
        let Some(message) = next else {
            return Ok(Ok(()));
        };
        let message = message.map_err(status)?;
        let sent = async {
            tokio::select! {
                biased;
                () = running.cancelled() => Err(super::cancel::cancelled()),
                sent = bounds.within(parts.send(message)) => sent,
            }
        };
        if let Err(left) = sent.await? {
            return Ok(Err(left));
        }
    }
}

/// A result that is there already.
pub(super) fn of_batches(schema: SchemaRef, batches: Vec<RecordBatch>) -> FlightStream {
    let batches = futures::stream::iter(batches.into_iter().map(Ok));
    Box::pin(
        encoder(schema)
            .build(batches)
            .map(|message| message.map_err(status)),
    )
}

fn encoder(schema: SchemaRef) -> FlightDataEncoderBuilder {
    FlightDataEncoderBuilder::new()
        .with_schema(schema)
        .with_max_flight_data_size(MESSAGE_BYTES_TARGET)
}

fn status(error: FlightError) -> Status {
    match error {
        FlightError::Tonic(status) => *status,
        error @ (FlightError::Arrow(_)
        | FlightError::NotYetImplemented(_)
        | FlightError::ProtocolError(_)
        | FlightError::DecodeError(_)
        | FlightError::ExternalError(_)) => Error::defect("failed to encode a result")
            .with_source(error)
            .into(),
    }
}
