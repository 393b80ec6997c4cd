//! MySQL and MariaDB: a table's columns from `information_schema`, its rows by a prepared statement, row by row.

mod columns;
mod decode;
mod session;
mod text;

use std::net::SocketAddr;
use std::sync::Arc;

use mysql_async::Params;
use mysql_async::prelude::Queryable;

use crate::Wanted;
use crate::batch::{Batch, place_of};
use crate::error::Error;
use crate::flow::Sink;
use crate::place::Place;

use self::columns::ServerColumn;
use self::session::Login;

pub(crate) async fn describe(
    place: &Place,
    addresses: &[SocketAddr],
) -> Result<Vec<crate::Column>, Error> {
    let login = Login::new(place, addresses)?;
    let mut connection = login.connect().await?;
    let columns = columns::of_table(&mut connection, place, &login).await?;
    let _ = connection.disconnect().await;
    Ok(columns.iter().map(ServerColumn::declared).collect())
}

pub(crate) async fn read(
    place: Arc<Place>,
    addresses: Vec<SocketAddr>,
    wanted: Wanted,
    sink: Sink,
) -> Result<(), Error> {
    let login = Login::new(&place, &addresses)?;
    let mut connection = login.connect().await?;
    let all = columns::of_table(&mut connection, &place, &login).await?;
    let names: Vec<&str> = all.iter().map(|column| column.name.as_str()).collect();
    let mut chosen = Vec::with_capacity(wanted.columns.len());
    for column in &wanted.columns {
        let found = &all[place_of(&column.name, &names, &place.shown())?];
        chosen.push(found.wanted(column.as_text));
    }
    let (statement, values) = text::select(&place, &all, &chosen, &wanted);
    let slots: Result<Vec<_>, _> = chosen.iter().map(|column| column.wire.slot()).collect();
    let shown: Vec<String> = chosen.iter().map(|column| column.name.clone()).collect();
    let mut batch = Batch::new(shown, slots?);
    let id = connection.id();
    let values = if values.is_empty() {
        Params::Empty
    } else {
        Params::Positional(values)
    };
    let executed = tokio::select! {
        rows = connection.exec_iter(statement, values) => Some(rows),
        () = sink.closed() => None,
    };
    let Some(executed) = executed else {
        login.kill(id).await;
        return Ok(());
    };
    let mut rows = executed.map_err(|error| login.error(&error))?;
    loop {
        let row = tokio::select! {
            row = rows.next() => row,
            () = sink.closed() => {
                // What drops a connection reads its rows to their end, unless the server ends them.
                login.kill(id).await;
                return Ok(());
            }
        };
        let Some(row) = row.map_err(|error| login.error(&error))? else {
            break;
        };
        let added = decode::row(row.unwrap(), &chosen, &mut batch);
        if let Err(error) = added {
            login.kill(id).await;
            return Err(error);
        }
        if batch.is_full()
            && let Some(full) = batch.take()?
            && sink.send(full).await.is_err()
        {
            login.kill(id).await;
            return Ok(());
        }
    }
    if let Some(last) = batch.take()? {
        let _ = sink.send(last).await;
    }
    drop(rows);
    let _ = connection.disconnect().await;
    Ok(())
}
