//! One server in this process and a client of each of its wires: `stagedoor.v1`, Arrow Flight SQL and MySQL. What they
//! say of a statement comes in one form, so that it can be compared.

use std::net::SocketAddr;
use std::str::FromStr;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt};
use arrow_flight::{FlightDescriptor, HandshakeRequest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::TryStreamExt;
use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::prelude::Queryable;
use mysql_async::{OptsBuilder, Row, Value};
use prost::Message;
use proto::v1;
use proto::v1::sql_service_client::SqlServiceClient;
use server::{Port, Settings};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::harness::{self, ROOT_PASSWORD, Wire};
use crate::serve_process::{as_root, connect};

/// A server whose ports are of this machine.
pub(crate) struct Wires {
    pub(crate) folder: TempDir,
    pub(crate) address: SocketAddr,
    pub(crate) mysql: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Wires {
    pub(crate) async fn open(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let password = folder.path().join("password");
        std::fs::write(&password, ROOT_PASSWORD).unwrap();
        let mut settings = Settings::embedded(&folder.path().join("data"));
        settings.listen = ([127, 0, 0, 1], 0).into();
        settings.mysql.listen = Some(settings.listen);
        settings.auth.root_password_file = Some(password);
        change(&mut settings);
        let port = Port::open(settings).await.unwrap();
        let (address, mysql) = (port.local_addr(), port.mysql_addr().unwrap());
        let (opened, is_open) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let serving = |_| opened.send(()).unwrap();
            let stopped = async {
                let _ = stopped.await;
            };
            port.serve(serving, stopped).await.unwrap();
        });
        is_open.await.unwrap();
        Self {
            folder,
            address,
            mysql,
            stop,
            task,
        }
    }

    /// A client of each wire, logged in as root, in a session that stays.
    pub(crate) async fn clients(&self) -> [Client; 3] {
        [
            self.grpc().await,
            self.flight("root", ROOT_PASSWORD).await.unwrap(),
            self.mysql("root", ROOT_PASSWORD).await.unwrap(),
        ]
    }

    pub(crate) async fn grpc(&self) -> Client {
        let channel = as_root(connect(&self.address.to_string()).await);
        let mut service = SqlServiceClient::new(channel);
        let opened = service.open_session(v1::OpenSessionRequest::default());
        let session = opened.await.unwrap().into_inner().session_id;
        Client::Grpc(service, session)
    }

    pub(crate) async fn flight(&self, user: &str, password: &str) -> Result<Client, Failure> {
        let channel = connect(&self.address.to_string()).await;
        let mut service = FlightServiceClient::new(channel);
        let basic = STANDARD.encode(format!("{user}:{password}"));
        let hello = futures::stream::iter([HandshakeRequest::default()]);
        let request = authorized(hello, &format!("Basic {basic}"));
        let answer = service.handshake(request).await.map_err(Failure::of)?;
        let token = header(answer.metadata(), "authorization");
        Ok(Client::Flight(service, token))
    }

    pub(crate) async fn mysql(&self, user: &str, password: &str) -> Result<Client, Failure> {
        let options = OptsBuilder::default()
            .ip_or_hostname(self.mysql.ip().to_string())
            .tcp_port(self.mysql.port())
            .user(Some(user))
            .pass(Some(password))
            .prefer_socket(false);
        let connection = mysql_async::Conn::new(options).await;
        Ok(Client::Mysql(Box::new(
            connection.map_err(Failure::of_mysql)?,
        )))
    }

    pub(crate) async fn close(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

fn authorized<T>(message: T, authorization: &str) -> Request<T> {
    let mut request = Request::new(message);
    let value = authorization.parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    request
}

fn header(metadata: &MetadataMap, name: &str) -> String {
    metadata.get(name).unwrap().to_str().unwrap().to_owned()
}

/// A client of one wire, in its session.
pub(crate) enum Client {
    Grpc(SqlServiceClient<Wire>, String),
    /// With its token.
    Flight(FlightServiceClient<Channel>, String),
    Mysql(Box<mysql_async::Conn>),
}

/// What a statement gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Done { affected_rows: u64 },
    Rows(Table),
}

/// Rows, in the form that all wires' are brought into.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) names: Vec<String>,
    /// What the wire calls the types of the columns.
    pub(crate) types: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// What a client is told of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// For programs; MySQL's protocol has none.
    pub(crate) reason: Option<String>,
    pub(crate) status: Option<Code>,
    pub(crate) code: u16,
    pub(crate) sqlstate: String,
    pub(crate) text: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ERROR {} ({}): {}", self.code, self.sqlstate, self.text)
    }
}

impl std::error::Error for Failure {}

impl Failure {
    pub(crate) fn of(status: Status) -> Self {
        let info = status.get_details_error_info();
        let info = info.unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
        Self {
            reason: Some(info.reason),
            status: Some(status.code()),
            code: info.metadata["code"].parse().unwrap(),
            sqlstate: info.metadata["sqlstate"].clone(),
            text: status.message().to_owned(),
        }
    }

    fn of_mysql(error: mysql_async::Error) -> Self {
        let mysql_async::Error::Server(error) = error else {
            panic!("no error of the server: {error:?}");
        };
        Self {
            reason: None,
            status: None,
            code: error.code,
            sqlstate: error.state,
            text: error.message,
        }
    }
}

impl Client {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Grpc(..) => "grpc",
            Self::Flight(..) => "flight",
            Self::Mysql(_) => "mysql",
        }
    }

    /// Runs a statement.
    pub(crate) async fn run(&mut self, statement: &str) -> Result<Told, Failure> {
        match self {
            Self::Grpc(service, session) => {
                let request = v1::ExecuteRequest {
                    session_id: session.clone(),
                    statement: statement.to_owned(),
                    ..Default::default()
                };
                let answer = harness::execute(service, request).await;
                let answer = answer.map_err(Failure::of)?;
                Ok(match &answer.schema {
                    Some(schema) => Told::Rows(table(schema, &answer.batches)),
                    None => Told::Done {
                        affected_rows: answer.result.affected_rows,
                    },
                })
            }
            Self::Flight(service, token) => flight(service, token, statement).await,
            Self::Mysql(connection) => mysql(connection, statement).await,
        }
    }

    /// Runs a statement that must not fail.
    pub(crate) async fn ok(&mut self, statement: &str) -> Told {
        match self.run(statement).await {
            Ok(told) => told,
            Err(failure) => panic!("{} over {}: {failure}", statement, self.name()),
        }
    }
}

async fn flight(
    service: &mut FlightServiceClient<Channel>,
    token: &str,
    statement: &str,
) -> Result<Told, Failure> {
    let command = CommandStatementQuery {
        query: statement.to_owned(),
        transaction_id: None,
    };
    let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
    let info = service
        .get_flight_info(authorized(descriptor, token))
        .await
        .map_err(Failure::of)?
        .into_inner();
    let schema = info.clone().try_decode_schema().unwrap();
    let affected_rows = u64::try_from(info.total_records).unwrap_or(0);
    let mut batches: Vec<RecordBatch> = Vec::new();
    for endpoint in info.endpoint {
        let ticket = endpoint.ticket.unwrap();
        let data = service.do_get(authorized(ticket, token)).await;
        let data = data.map_err(Failure::of)?.into_inner();
        let data = data.map_err(|status| FlightError::Tonic(Box::new(status)));
        let stream = FlightRecordBatchStream::new_from_flight_data(data);
        let read = stream.try_collect::<Vec<_>>().await;
        batches.extend(read.map_err(|error| Failure::of(error.into()))?);
    }
    Ok(match schema.fields().is_empty() {
        true => Told::Done { affected_rows },
        false => Told::Rows(table(&schema.into(), &batches)),
    })
}

async fn mysql(connection: &mut mysql_async::Conn, statement: &str) -> Result<Told, Failure> {
    let mut result = connection
        .query_iter(statement)
        .await
        .map_err(Failure::of_mysql)?;
    let columns = result.columns();
    let columns = columns.as_deref().unwrap_or_default();
    if columns.is_empty() {
        let affected_rows = result.affected_rows();
        return Ok(Told::Done { affected_rows });
    }
    let names = columns.iter().map(|column| column.name_str().into_owned());
    let (names, types) = (names.collect(), columns.iter().map(mysql_type).collect());
    let kinds: Vec<(ColumnType, bool)> = columns
        .iter()
        .map(|column| (column.column_type(), column.character_set() == BINARY))
        .collect();
    let rows: Vec<Row> = result.collect().await.map_err(Failure::of_mysql)?;
    let cells = |row: Row| {
        let cells = row.unwrap().into_iter().zip(&kinds);
        cells
            .map(|(value, (kind, is_binary))| mysql_cell(value, *kind, *is_binary))
            .collect()
    };
    Ok(Told::Rows(Table {
        names,
        types,
        rows: rows.into_iter().map(cells).collect(),
    }))
}

/// The character set of what is no text.
const BINARY: u16 = 63;

/// A column's type as the protocol tells it.
fn mysql_type(column: &mysql_async::Column) -> String {
    let name = format!("{:?}", column.column_type());
    let name = name.trim_start_matches("MYSQL_TYPE_").to_lowercase();
    let flags = column.flags();
    let mut told = format!("{name}({})", column.column_length());
    for (flag, word) in [
        (ColumnFlags::UNSIGNED_FLAG, " unsigned"),
        (ColumnFlags::BLOB_FLAG, " blob"),
        (ColumnFlags::ENUM_FLAG, " enum"),
        (ColumnFlags::SET_FLAG, " set"),
    ] {
        if flags.contains(flag) {
            told.push_str(word);
        }
    }
    if column.character_set() == BINARY {
        told.push_str(" binary");
    }
    if column.decimals() > 0 {
        told.push_str(&format!(" decimals {}", column.decimals()));
    }
    told
}

fn mysql_cell(value: Value, kind: ColumnType, is_binary: bool) -> String {
    let bytes = match value {
        Value::NULL => return "NULL".to_owned(),
        Value::Bytes(bytes) => bytes,
        other => panic!("text rows have texts: {other:?}"),
    };
    let text = || String::from_utf8(bytes.clone()).unwrap();
    match kind {
        ColumnType::MYSQL_TYPE_FLOAT => number::<f32>(&text()),
        ColumnType::MYSQL_TYPE_DOUBLE => number::<f64>(&text()),
        ColumnType::MYSQL_TYPE_TIME
        | ColumnType::MYSQL_TYPE_DATETIME
        | ColumnType::MYSQL_TYPE_TIMESTAMP => without_zeros(&text()),
        ColumnType::MYSQL_TYPE_STRING
        | ColumnType::MYSQL_TYPE_VAR_STRING
        | ColumnType::MYSQL_TYPE_BLOB
            if is_binary =>
        {
            hex(&bytes)
        }
        _ => quoted(text()),
    }
}

fn number<T: FromStr + std::fmt::Display>(text: &str) -> String {
    match text.parse::<T>() {
        Ok(number) => number.to_string(),
        Err(_) => panic!("'{text}' is no number"),
    }
}

/// A time without the zeros at the end of its fraction.
fn without_zeros(text: &str) -> String {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("0x{digits}")
}

/// A text as the corpus has it: one that is empty, has line breaks, or blanks at an end can be seen.
fn quoted(text: String) -> String {
    match text.is_empty() {
        true => "(empty)".to_owned(),
        false => {
            let inner = text.trim_matches(' ');
            let before = text.len() - text.trim_start_matches(' ').len();
            let after = text.len() - before - inner.len();
            format!(
                "{}{}{}",
                "·".repeat(before),
                inner.replace('\n', "\\n"),
                "·".repeat(after)
            )
        }
    }
}

fn table(schema: &SchemaRef, batches: &[RecordBatch]) -> Table {
    let fields: &Fields = schema.fields();
    Table {
        names: fields.iter().map(|field| field.name().clone()).collect(),
        types: fields.iter().map(|field| arrow_type(field)).collect(),
        rows: batches
            .iter()
            .flat_map(|batch| {
                let row = |row| {
                    batch
                        .columns()
                        .iter()
                        .map(|cells| arrow_cell(cells, row))
                        .collect()
                };
                (0..batch.num_rows()).map(row).collect::<Vec<Vec<String>>>()
            })
            .collect(),
    }
}

/// A column's Arrow type, and what it was declared as where that is told.
fn arrow_type(field: &Field) -> String {
    let told = field.data_type().to_string();
    match field.metadata().get("stagedoor:sql_type") {
        Some(declared) => format!("{told} of {declared}"),
        None => told,
    }
}

fn arrow_cell(cells: &dyn Array, row: usize) -> String {
    if cells.is_null(row) || *cells.data_type() == DataType::Null {
        return "NULL".to_owned();
    }
    let options = FormatOptions::new()
        .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.6f"))
        .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.6f"));
    let shown = || {
        let formatter = ArrayFormatter::try_new(cells, &options).unwrap();
        formatter.value(row).to_string()
    };
    match cells.data_type() {
        DataType::Boolean => u8::from(cells.as_boolean().value(row)).to_string(),
        DataType::Float32 => number::<f32>(&shown()),
        DataType::Float64 => number::<f64>(&shown()),
        DataType::Timestamp(..) => without_zeros(&shown()),
        DataType::Time64(_) => {
            let micros = cells.as_primitive::<arrow::datatypes::Time64MicrosecondType>();
            without_zeros(&clock(micros.value(row)))
        }
        DataType::Binary => hex(cells.as_binary::<i32>().value(row)),
        DataType::BinaryView => hex(cells.as_binary_view().value(row)),
        DataType::FixedSizeBinary(16) => {
            let hex: String = cells
                .as_fixed_size_binary()
                .value(row)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let parts = [
                &hex[..8],
                &hex[8..12],
                &hex[12..16],
                &hex[16..20],
                &hex[20..],
            ];
            parts.join("-")
        }
        _ => quoted(shown()),
    }
}

/// A time of MySQL's, which may be longer than a day.
fn clock(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let (seconds, fraction) = (micros.abs() / 1_000_000, micros.abs() % 1_000_000);
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!(
        "{sign}{hours:02}:{minutes:02}:{:02}.{fraction:06}",
        seconds % 60
    )
}
