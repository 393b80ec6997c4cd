//! Tables of PostgreSQL and MySQL servers as streams of Arrow record batches.
//!
#![doc = include_str!("../README.md")]

mod batch;
mod condition;
mod error;
mod flow;
mod mysql;
mod place;
mod postgres;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;

pub use condition::{Condition, Operator, Value};
pub use error::{Error, ErrorKind};
pub use flow::BatchStream;
pub use place::{Kind, Place, Tls};

/// A column as the server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, in the server's case.
    pub name: String,
    /// The column type, in MySQL's words, that takes every value of it.
    pub sql_type: String,
    /// Whether it may be NULL.
    pub nullable: bool,
}

/// A column that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedColumn {
    /// Its name, in any case.
    pub name: String,
    /// Whether its values are to come as the text that the server makes of them.
    pub as_text: bool,
}

/// What is wanted of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// The columns, in this order; none where only the rows count.
    pub columns: Vec<WantedColumn>,
    /// What the rows must fulfil. The server looks at those that mean the same to it; rows that do not fulfil
    /// the others come, too.
    pub conditions: Vec<Condition>,
    /// So many rows are enough.
    pub rows_max: Option<usize>,
}

/// The columns of a table, in their order. `addresses` is where the place's host is: it is not looked up here.
///
/// # Errors
/// Those of the connection; [`ErrorKind::NotFound`] for a table that is not there, or not for this user.
pub async fn describe(place: &Place, addresses: &[SocketAddr]) -> Result<Vec<Column>, Error> {
    match place.kind {
        Kind::Postgres => postgres::describe(place, addresses).await,
        Kind::Mysql => mysql::describe(place, addresses).await,
    }
}

/// The rows of a table, in one statement and so of one moment, as batches of some thousand rows or some megabytes,
/// no more than two of them at a time. Columns come in the Arrow type that the server's type is, or as text.
/// Nothing happens before the stream is read; dropping it ends the server's work.
///
/// The stream's errors are those of the connection, of columns that are not there, and
/// [`ErrorKind::Invalid`] for a value that its column's type cannot hold. After an error it ends.
pub fn read(place: Arc<Place>, addresses: Vec<SocketAddr>, wanted: Wanted) -> BatchStream {
    match place.kind {
        Kind::Postgres => flow::on_task(|sink| postgres::read(place, addresses, wanted, sink)),
        Kind::Mysql => flow::on_task(|sink| mysql::read(place, addresses, wanted, sink)),
    }
}
