//! PostgreSQL: a table's columns from its catalog, its rows by COPY in the binary format.

mod columns;
mod decode;
mod session;
mod text;

use std::net::SocketAddr;
use std::sync::Arc;

use futures::StreamExt;

use crate::Wanted;
use crate::batch::{Batch, place_of};
use crate::error::{Error, ErrorKind};
use crate::flow::Sink;
use crate::place::Place;

use self::columns::ServerColumn;
use self::decode::Decoder;
use self::session::Session;

pub(crate) async fn describe(
    place: &Place,
    addresses: &[SocketAddr],
) -> Result<Vec<crate::Column>, Error> {
    let session = Session::open(place, addresses).await?;
    let columns = columns::of_table(&session, place).await?;
    Ok(columns.iter().map(ServerColumn::declared).collect())
}

pub(crate) async fn read(
    place: Arc<Place>,
    addresses: Vec<SocketAddr>,
    wanted: Wanted,
    sink: Sink,
) -> Result<(), Error> {
    let session = Session::open(&place, &addresses).await?;
    let all = columns::of_table(&session, &place).await?;
    let names: Vec<&str> = all.iter().map(|column| column.name.as_str()).collect();
    let mut chosen = Vec::with_capacity(wanted.columns.len());
    for column in &wanted.columns {
        let found = &all[place_of(&column.name, &names, &place.shown())?];
        chosen.push(found.wanted(column.as_text));
    }
    let statement = text::copy(&place, &all, &chosen, &wanted);
    let slots: Result<Vec<_>, _> = chosen.iter().map(|column| column.wire.slot()).collect();
    let shown: Vec<String> = chosen.iter().map(|column| column.name.clone()).collect();
    let mut batch = Batch::new(shown, slots?);
    let mut decoder = Decoder::default();
    let rows = session
        .copy(&statement)
        .await
        .map_err(|error| session.error(&error))?;
    let mut rows = std::pin::pin!(rows);
    loop {
        let chunk = tokio::select! {
            chunk = rows.next() => chunk,
            () = sink.closed() => {
                session.cancel(&addresses).await;
                return Ok(());
            }
        };
        let Some(chunk) = chunk else { break };
        let chunk = chunk.map_err(|error| session.error(&error))?;
        decoder.push(&chunk);
        while decoder.row(&chosen, &mut batch)? {
            if !batch.is_full() {
                continue;
            }
            if let Some(full) = batch.take()?
                && sink.send(full).await.is_err()
            {
                session.cancel(&addresses).await;
                return Ok(());
            }
        }
    }
    if !decoder.is_at_end() {
        return Err(Error::new(
            ErrorKind::Lost,
            format!("the rows of {} ended early", place.shown()),
        ));
    }
    if let Some(last) = batch.take()? {
        let _ = sink.send(last).await;
    }
    Ok(())
}
