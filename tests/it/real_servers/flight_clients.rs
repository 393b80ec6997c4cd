//! Arrow Flight SQL message by message, over a real connection: what the JDBC driver sends in its order, and what no
//! honest client sends.

mod streams;

use arrow::array::{AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{
    ActionBeginTransactionRequest, ActionClosePreparedStatementRequest,
    ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, Any,
    CommandGetCatalogs, CommandGetCrossReference, CommandGetExportedKeys, CommandGetImportedKeys,
    CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetXdbcTypeInfo,
    CommandPreparedStatementQuery, CommandPreparedStatementUpdate, CommandStatementQuery,
    CommandStatementUpdate, DoPutPreparedStatementResult, DoPutUpdateResult, ProstMessageExt,
};
use arrow_flight::{
    Action, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, Empty, FlightData,
    FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest, RenewFlightEndpointRequest,
    SchemaResult, Ticket,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use tempfile::TempDir;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

use crate::harness::ROOT_PASSWORD;
use crate::serve_process::ServeProcess;

/// A server, for as long as this is there.
struct Serving {
    address: String,
    _process: ServeProcess,
    _folder: TempDir,
}

impl Serving {
    fn start() -> Self {
        Self::start_with("")
    }

    fn start_with(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = ServeProcess::start(settings, folder.path(), &[]);
        Self {
            address: process.address(),
            _process: process,
            _folder: folder,
        }
    }

    async fn client(&self, authorization: &str) -> Client {
        let channel = Channel::from_shared(format!("http://{}", self.address));
        let channel = channel.unwrap().connect().await.unwrap();
        Client {
            service: FlightServiceClient::new(channel),
            authorization: authorization.to_owned(),
            cookie: None,
        }
    }

    /// As Arrow's Go clients write a password.
    async fn with_password(&self, user: &str, password: &str) -> Client {
        let basic = STANDARD_NO_PAD.encode(format!("{user}:{password}"));
        self.client(&format!("Basic {basic}")).await
    }

    async fn root(&self) -> Client {
        self.with_password("root", ROOT_PASSWORD).await
    }
}

/// A client that does nothing by itself but to say who it is.
struct Client {
    service: FlightServiceClient<Channel>,
    authorization: String,
    cookie: Option<String>,
}

impl Client {
    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.authorization.parse().unwrap());
        if let Some(cookie) = &self.cookie {
            metadata.insert("cookie", cookie.parse().unwrap());
        }
        request
    }

    /// Logs in as clients of Flight do: from then on by the token.
    async fn handshake(&mut self) -> Result<(), Status> {
        let hello = futures::stream::iter([HandshakeRequest::default()]);
        let request = self.request(hello);
        let response = self.service.handshake(request).await?;
        let bearer = header(response.metadata(), "authorization").unwrap();
        assert!(bearer.starts_with("Bearer "), "{bearer}");
        self.authorization = bearer;
        Ok(())
    }

    async fn info(&mut self, command: &impl ProstMessageExt) -> Result<FlightInfo, Status> {
        let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
        let request = self.request(descriptor);
        Ok(self.service.get_flight_info(request).await?.into_inner())
    }

    async fn get(&mut self, ticket: Ticket) -> Result<Vec<RecordBatch>, Status> {
        let request = self.request(ticket);
        let data = self.service.do_get(request).await?.into_inner();
        let batches = FlightRecordBatchStream::new_from_flight_data(
            data.map_err(|status| FlightError::Tonic(Box::new(status))),
        );
        batches.try_collect().await.map_err(Status::from)
    }

    /// What a command gives, of one endpoint.
    async fn ask(&mut self, command: &impl ProstMessageExt) -> Result<Vec<RecordBatch>, Status> {
        let info = self.info(command).await?;
        let batches = self.get(ticket(&info)).await?;
        let schema = info.try_decode_schema().unwrap();
        for batch in &batches {
            assert_eq!(batch.schema().fields(), schema.fields());
        }
        Ok(batches)
    }

    async fn has_no_rows_of(&mut self, columns: usize, command: &impl ProstMessageExt) {
        let info = self.info(command).await.unwrap();
        let schema = info.clone().try_decode_schema().unwrap();
        assert_eq!(schema.fields().len(), columns);
        let batches = self.get(ticket(&info)).await.unwrap();
        assert!(batches.iter().all(|batch| batch.num_rows() == 0));
    }

    async fn query(&mut self, query: &str) -> Result<Vec<RecordBatch>, Status> {
        self.ask(&statement(query)).await
    }

    async fn act(&mut self, name: &str, body: Vec<u8>) -> Result<Response<Vec<u8>>, Status> {
        let action = Action {
            r#type: name.to_owned(),
            body: body.into(),
        };
        let request = self.request(action);
        let response = self.service.do_action(request).await?;
        let metadata = response.metadata().clone();
        let first = response.into_inner().message().await?;
        let body = first.map_or_else(Vec::new, |result| result.body.to_vec());
        let mut response = Response::new(body);
        *response.metadata_mut() = metadata;
        Ok(response)
    }

    async fn prepare(
        &mut self,
        query: &str,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        let request = ActionCreatePreparedStatementRequest {
            query: query.to_owned(),
            transaction_id: None,
        };
        let body = request.as_any().encode_to_vec();
        let answer = self
            .act("CreatePreparedStatement", body)
            .await?
            .into_inner();
        let any = Any::decode(answer.as_slice()).unwrap();
        Ok(any.unpack().unwrap().unwrap())
    }

    /// DoPut of a command with rows; gives what the answer has with it.
    async fn put(
        &mut self,
        command: &impl ProstMessageExt,
        batch: RecordBatch,
    ) -> Result<Vec<u8>, Status> {
        let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
        let data: Vec<FlightData> = FlightDataEncoderBuilder::new()
            .with_flight_descriptor(Some(descriptor))
            .with_schema(batch.schema())
            .build(futures::stream::iter([Ok(batch)]))
            .try_collect()
            .await
            .unwrap();
        self.put_messages(data).await
    }

    async fn put_messages(&mut self, data: Vec<FlightData>) -> Result<Vec<u8>, Status> {
        let request = self.request(futures::stream::iter(data));
        let mut answers = self.service.do_put(request).await?.into_inner();
        let answer = answers.message().await?.unwrap();
        Ok(answer.app_metadata.to_vec())
    }

    async fn update(&mut self, query: &str) -> Result<i64, Status> {
        let command = CommandStatementUpdate {
            query: query.to_owned(),
            transaction_id: None,
        };
        let answer = self.put(&command, nothing()).await?;
        Ok(DoPutUpdateResult::decode(answer.as_slice())
            .unwrap()
            .record_count)
    }
}

fn header(metadata: &MetadataMap, name: &str) -> Option<String> {
    let value = metadata.get(name)?;
    Some(value.to_str().unwrap().to_owned())
}

fn statement(query: &str) -> CommandStatementQuery {
    CommandStatementQuery {
        query: query.to_owned(),
        transaction_id: None,
    }
}

fn ticket(info: &FlightInfo) -> Ticket {
    assert_eq!(info.endpoint.len(), 1);
    assert!(info.endpoint[0].location.is_empty());
    info.endpoint[0].ticket.clone().unwrap()
}

/// A batch of no columns, as clients send where there is nothing to send.
fn nothing() -> RecordBatch {
    RecordBatch::new_empty(arrow::datatypes::Schema::empty().into())
}

fn numbers(batches: &[RecordBatch]) -> Vec<i64> {
    let of = |batch: &RecordBatch| {
        let cast = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Int64);
        cast.unwrap().as_primitive::<Int64Type>().values().to_vec()
    };
    batches.iter().flat_map(of).collect()
}

fn texts(batches: &[RecordBatch], column: usize) -> Vec<String> {
    let of = |batch: &RecordBatch| -> Vec<String> {
        let column = batch.column(column);
        let texts = arrow::compute::cast(column, &arrow::datatypes::DataType::Utf8).unwrap();
        let texts = texts.as_string::<i32>();
        texts.iter().map(|text| text.unwrap().to_owned()).collect()
    };
    batches.iter().flat_map(of).collect()
}

fn failed<T>(result: Result<T, Status>, code: Code, text: &str) {
    let status = result.err().unwrap();
    assert_eq!(status.code(), code, "{status:?}");
    assert!(status.message().contains(text), "{status:?}");
}

#[derive(Clone, PartialEq, Message)]
struct OptionValue {
    #[prost(string, optional, tag = "1")]
    text: Option<String>,
}

/// Requests to set options and answers to requests for them are of one form.
#[derive(Clone, PartialEq, Message)]
struct Options {
    #[prost(map = "string, message", tag = "1")]
    options: std::collections::HashMap<String, OptionValue>,
}

#[derive(Clone, PartialEq, Message)]
struct OptionError {
    #[prost(int32, tag = "1")]
    value: i32,
}

#[derive(Clone, PartialEq, Message)]
struct OptionErrors {
    #[prost(map = "string, message", tag = "1")]
    errors: std::collections::HashMap<String, OptionError>,
}

fn options(pairs: &[(&str, &str)]) -> Vec<u8> {
    let options = pairs.iter().map(|(name, value)| {
        let text = Some((*value).to_owned());
        ((*name).to_owned(), OptionValue { text })
    });
    Options {
        options: options.collect(),
    }
    .encode_to_vec()
}

#[tokio::test]
async fn the_jdbc_drivers_sequence_works() {
    let server = Serving::start();
    let mut client = server.root().await;
    client.handshake().await.unwrap();
    // The catalog of the connection's URL.
    let set = client
        .act("SetSessionOptions", options(&[("catalog", "sys")]))
        .await;
    let errors = OptionErrors::decode(set.unwrap().into_inner().as_slice()).unwrap();
    assert!(errors.errors.is_empty(), "{errors:?}");
    let info = client
        .ask(&CommandGetSqlInfo {
            info: vec![0, 3, 504],
        })
        .await
        .unwrap();
    assert_eq!(info.iter().map(RecordBatch::num_rows).sum::<usize>(), 3);
    // JDBC's metadata takes an answer to each of these for granted.
    let info: Vec<u32> = (500..=576).collect();
    let all = info.len();
    let info = client.ask(&CommandGetSqlInfo { info }).await.unwrap();
    assert_eq!(info.iter().map(RecordBatch::num_rows).sum::<usize>(), all);

    // Even what has no rows is prepared, and that its answer has no columns says that it is an update.
    let create = client
        .prepare("CREATE TABLE t (i INT PRIMARY KEY, s VARCHAR(10))")
        .await
        .unwrap();
    assert!(create.dataset_schema.is_empty());
    let update = |handle: &ActionCreatePreparedStatementResult| CommandPreparedStatementUpdate {
        prepared_statement_handle: handle.prepared_statement_handle.clone(),
    };
    let made = client.put(&update(&create), nothing()).await.unwrap();
    assert_eq!(
        DoPutUpdateResult::decode(made.as_slice())
            .unwrap()
            .record_count,
        0
    );
    let close = |handle: &ActionCreatePreparedStatementResult| {
        ActionClosePreparedStatementRequest {
            prepared_statement_handle: handle.prepared_statement_handle.clone(),
        }
        .as_any()
        .encode_to_vec()
    };
    client
        .act("ClosePreparedStatement", close(&create))
        .await
        .unwrap();

    let insert = client.prepare("INSERT INTO t VALUES (?, ?)").await.unwrap();
    let schema = SchemaResult {
        schema: insert.parameter_schema.clone(),
    };
    let parameters = arrow::datatypes::Schema::try_from(&schema).unwrap();
    assert_eq!(parameters.fields().len(), 2);
    let rows = RecordBatch::try_from_iter([
        ("1", std::sync::Arc::new(Int64Array::from(vec![1, 2])) as _),
        (
            "2",
            std::sync::Arc::new(StringArray::from(vec!["a", "b"])) as _,
        ),
    ]);
    let done = client.put(&update(&insert), rows.unwrap()).await.unwrap();
    assert_eq!(
        DoPutUpdateResult::decode(done.as_slice())
            .unwrap()
            .record_count,
        2
    );

    let select = client
        .prepare("SELECT i, s FROM t WHERE s = ?")
        .await
        .unwrap();
    let schema = SchemaResult {
        schema: select.dataset_schema.clone(),
    };
    let columns = arrow::datatypes::Schema::try_from(&schema).unwrap();
    assert_eq!(columns.field(1).name(), "s");
    let bind = CommandPreparedStatementQuery {
        prepared_statement_handle: select.prepared_statement_handle.clone(),
    };
    let value =
        RecordBatch::try_from_iter([("1", std::sync::Arc::new(StringArray::from(vec!["b"])) as _)]);
    let bound = client.put(&bind, value.unwrap()).await.unwrap();
    let bound = DoPutPreparedStatementResult::decode(bound.as_slice()).unwrap();
    let run = CommandPreparedStatementQuery {
        prepared_statement_handle: bound.prepared_statement_handle.unwrap(),
    };
    assert_eq!(numbers(&client.ask(&run).await.unwrap()), [2]);
    // The values are in the handle that came back: the first one has none.
    failed(
        client.info(&bind).await,
        Code::InvalidArgument,
        "1 parameters",
    );

    // SHOW has columns, so it is a query.
    let show = client.prepare("SHOW TABLES").await.unwrap();
    assert!(!show.dataset_schema.is_empty());

    // What its tree of a database asks.
    // Names fold as they do in statements.
    let keys = CommandGetPrimaryKeys {
        catalog: Some("SYS".to_owned()),
        db_schema: Some("Main".to_owned()),
        table: "T".to_owned(),
    };
    let keys = client.ask(&keys).await.unwrap();
    assert_eq!(
        (texts(&keys, 3), texts(&keys, 5)),
        (vec!["i".to_owned()], vec!["PRIMARY".to_owned()])
    );
    assert_eq!(
        texts(&client.ask(&CommandGetCatalogs {}).await.unwrap(), 0),
        ["sys"]
    );
    let types = client
        .ask(&CommandGetXdbcTypeInfo::default())
        .await
        .unwrap();
    assert!(texts(&types, 0).contains(&"varchar".to_owned()));
    let exported = CommandGetExportedKeys {
        table: "t".to_owned(),
        ..Default::default()
    };
    let imported = CommandGetImportedKeys {
        table: "t".to_owned(),
        ..Default::default()
    };
    client.has_no_rows_of(13, &exported).await;
    client.has_no_rows_of(13, &imported).await;
    client
        .has_no_rows_of(13, &CommandGetCrossReference::default())
        .await;

    let closed = client
        .act("CloseSession", Vec::new())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        OptionError::decode(closed.as_slice()).unwrap().value,
        1,
        "CLOSED"
    );
    failed(
        client.query("SELECT 1").await,
        Code::Unauthenticated,
        "Access denied",
    );
}

#[tokio::test]
async fn a_session_is_the_tokens_or_the_cookies() {
    let server = Serving::start();
    // With a password in every call there is nothing in which USE could stay, and it says so.
    let mut alone = server.root().await;
    alone.update("CREATE DATABASE d").await.unwrap();
    failed(
        alone.update("USE d").await,
        Code::Unimplemented,
        "Handshake",
    );
    failed(
        alone.query("SET max_execution_time = 1").await,
        Code::Unimplemented,
        "cookie",
    );
    assert_eq!(numbers(&alone.query("SELECT 1").await.unwrap()), [1]);

    // Options make a session, whose cookie comes back.
    let set = alone
        .act(
            "SetSessionOptions",
            options(&[("schema", "d"), ("color", "red")]),
        )
        .await
        .unwrap();
    let cookie = header(set.metadata(), "set-cookie").unwrap();
    let errors = OptionErrors::decode(set.into_inner().as_slice())
        .unwrap()
        .errors;
    assert_eq!(
        errors
            .iter()
            .map(|(name, error)| (name.as_str(), error.value))
            .collect::<Vec<_>>(),
        [("color", 1)]
    );
    alone.cookie = Some(cookie.split(';').next().unwrap().to_owned());
    assert_eq!(
        texts(&alone.query("SELECT DATABASE()").await.unwrap(), 0),
        ["d"]
    );
    alone.update("USE main").await.unwrap();
    let got = alone
        .act("GetSessionOptions", Vec::new())
        .await
        .unwrap()
        .into_inner();
    let got = Options::decode(got.as_slice()).unwrap().options;
    assert_eq!(got["schema"].text.as_deref(), Some("main"));
    assert_eq!(got["catalog"].text.as_deref(), Some("sys"));

    // Another user with that cookie is not in that session.
    alone
        .update("CREATE USER u IDENTIFIED BY 'a long password'")
        .await
        .unwrap();
    let mut other = server.with_password("u", "a long password").await;
    other.cookie.clone_from(&alone.cookie);
    failed(other.query("SELECT 1").await, Code::NotFound, "session");

    // Two Handshakes are two sessions.
    let (mut one, mut two) = (server.root().await, server.root().await);
    one.handshake().await.unwrap();
    two.handshake().await.unwrap();
    one.update("USE d").await.unwrap();
    assert_eq!(
        texts(&one.query("SELECT DATABASE()").await.unwrap(), 0),
        ["d"]
    );
    assert_eq!(
        texts(&two.query("SELECT DATABASE()").await.unwrap(), 0),
        ["main"]
    );
}

#[tokio::test]
async fn a_ticket_is_its_users_and_says_what_was_asked() {
    let server = Serving::start();
    let mut root = server.root().await;
    root.update("CREATE TABLE t (i INT)").await.unwrap();
    // A change asked for as a query is done once, when it is asked for; its count is the answer's.
    let info = root
        .info(&statement("INSERT INTO t VALUES (1), (2)"))
        .await
        .unwrap();
    assert_eq!(info.total_records, 2);
    assert_eq!(
        numbers(&root.query("SELECT COUNT(*) FROM t").await.unwrap()),
        [2]
    );
    for _ in 0..2 {
        assert!(root.get(ticket(&info)).await.unwrap().is_empty());
    }
    assert_eq!(
        numbers(&root.query("SELECT COUNT(*) FROM t").await.unwrap()),
        [2]
    );

    // A query's ticket can be read twice, renewed, and cancelled when nothing runs for it.
    let info = root
        .info(&statement("SELECT i FROM t ORDER BY i"))
        .await
        .unwrap();
    assert!(info.endpoint[0].expiration_time.is_some());
    for _ in 0..2 {
        assert_eq!(numbers(&root.get(ticket(&info)).await.unwrap()), [1, 2]);
    }
    let renew = RenewFlightEndpointRequest {
        endpoint: Some(info.endpoint[0].clone()),
    };
    let renewed = root
        .act("RenewFlightEndpoint", renew.encode_to_vec())
        .await
        .unwrap();
    let renewed = FlightEndpoint::decode(renewed.into_inner().as_slice()).unwrap();
    assert_eq!(
        numbers(&root.get(renewed.ticket.unwrap()).await.unwrap()),
        [1, 2]
    );
    let cancel = CancelFlightInfoRequest {
        info: Some(info.clone()),
    };
    let cancelled = root
        .act("CancelFlightInfo", cancel.encode_to_vec())
        .await
        .unwrap();
    let cancelled = CancelFlightInfoResult::decode(cancelled.into_inner().as_slice()).unwrap();
    assert_eq!(cancelled.status(), CancelStatus::NotCancellable);

    // It is nobody else's, and what was changed in it is no ticket.
    root.update("CREATE USER u IDENTIFIED BY 'a long password'")
        .await
        .unwrap();
    let mut other = server.with_password("u", "a long password").await;
    failed(
        other.get(ticket(&info)).await,
        Code::InvalidArgument,
        "ticket",
    );
    let mut forged = ticket(&info).ticket.to_vec();
    *forged.last_mut().unwrap() ^= 1;
    failed(
        root.get(Ticket::new(forged)).await,
        Code::InvalidArgument,
        "ticket",
    );
    // A prepared statement's handle does not pass for a ticket, nor a ticket for it.
    let prepared = root.prepare("SELECT 1").await.unwrap();
    let swapped = arrow_flight::sql::TicketStatementQuery {
        statement_handle: prepared.prepared_statement_handle,
    };
    let swapped = Ticket::new(swapped.as_any().encode_to_vec());
    failed(root.get(swapped).await, Code::InvalidArgument, "ticket");
    // What may be read is looked at again.
    root.update("DROP TABLE t").await.unwrap();
    failed(
        root.get(ticket(&info)).await,
        Code::NotFound,
        "doesn't exist",
    );
}

#[tokio::test]
async fn a_query_that_runs_for_a_ticket_is_cancelled_by_it() {
    let server = Serving::start();
    let mut reader = server.root().await;
    reader.handshake().await.unwrap();
    let info = reader.info(&statement("SELECT SUM((a.value + b.value) % 7) FROM generate_series(1, 3000000) AS a, generate_series(1, 3000000) AS b")).await.unwrap();
    let cancel = CancelFlightInfoRequest {
        info: Some(info.clone()),
    };
    let mut other = server.client(&reader.authorization).await;
    let reading = tokio::spawn(async move { reader.get(ticket(&info)).await });
    let deadline = std::time::Instant::now() + crate::serve_process::LONG;
    loop {
        let cancelled = other
            .act("CancelFlightInfo", cancel.encode_to_vec())
            .await
            .unwrap();
        let cancelled = CancelFlightInfoResult::decode(cancelled.into_inner().as_slice()).unwrap();
        if cancelled.status() == CancelStatus::Cancelled {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "it does not run");
    }
    failed(reading.await.unwrap(), Code::Cancelled, "cancelled");
}

#[tokio::test]
async fn what_is_not_of_flight_sql_is_refused_in_words() {
    let server = Serving::start();
    let mut client = server.root().await;
    let raw = |bytes: &[u8]| FlightDescriptor::new_cmd(bytes.to_vec());
    let request = client.request(raw(b"SELECT 1"));
    let refused = client.service.get_flight_info(request).await;
    failed(refused, Code::InvalidArgument, "protobuf Any");
    let foreign = Any {
        type_url: "type.googleapis.com/x.Y".to_owned(),
        value: Default::default(),
    };
    let request = client.request(raw(&foreign.encode_to_vec()));
    let refused = client.service.get_flight_info(request).await;
    failed(refused, Code::Unimplemented, "x.Y");
    failed(
        client.get(Ticket::new("nonsense")).await,
        Code::InvalidArgument,
        "protobuf Any",
    );
    failed(
        client.act("Fly", Vec::new()).await,
        Code::Unimplemented,
        "ListActions",
    );
    let begin = ActionBeginTransactionRequest {}.as_any().encode_to_vec();
    failed(
        client.act("BeginTransaction", begin).await,
        Code::Unimplemented,
        "transaction",
    );
    failed(
        client
            .act("CreatePreparedStatement", b"\xff\xff".to_vec())
            .await,
        Code::InvalidArgument,
        "damaged",
    );
    let mut within = statement("SELECT 1");
    within.transaction_id = Some("t".into());
    failed(
        client.info(&within).await,
        Code::Unimplemented,
        "transactions",
    );
    failed(
        client.put_messages(Vec::new()).await,
        Code::InvalidArgument,
        "empty",
    );
    failed(
        client.put_messages(vec![FlightData::default()]).await,
        Code::InvalidArgument,
        "descriptor",
    );
    let request = client.request(arrow_flight::Criteria::default());
    failed(
        client.service.list_flights(request).await,
        Code::Unimplemented,
        "ListFlights",
    );
    let request = client.request(Empty {});
    let actions = client
        .service
        .list_actions(request)
        .await
        .unwrap()
        .into_inner();
    let actions: Vec<_> = actions.map(|action| action.unwrap().r#type).collect().await;
    assert!(
        actions.contains(&"CancelFlightInfo".to_owned()),
        "{actions:?}"
    );

    // Rows whose bytes are not what they say they are.
    let command = arrow_flight::sql::CommandStatementIngest {
        table: "t".to_owned(),
        table_definition_options: Some(arrow_flight::sql::TableDefinitionOptions {
            if_not_exist: 1,
            if_exists: 2,
        }),
        ..Default::default()
    };
    let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
    let batch = RecordBatch::try_from_iter([(
        "s",
        std::sync::Arc::new(StringArray::from(vec!["abc", "defg"])) as _,
    )]);
    let whole: Vec<FlightData> = FlightDataEncoderBuilder::new()
        .with_flight_descriptor(Some(descriptor))
        .build(futures::stream::iter([Ok(batch.unwrap())]))
        .try_collect()
        .await
        .unwrap();
    for (message, at) in [(0, 10), (1, 4), (1, 30), (1, 60)] {
        let mut broken = whole.clone();
        let mut header = broken[message].data_header.to_vec();
        header[at..].iter_mut().for_each(|byte| *byte ^= 0x5a);
        broken[message].data_header = header.into();
        let status = client.put_messages(broken).await.err().unwrap();
        assert_eq!(
            status.code(),
            Code::InvalidArgument,
            "{message} {at}: {status:?}"
        );
    }
    let mut short = whole.clone();
    short[1].data_body = short[1].data_body.slice(..4);
    failed(
        client.put_messages(short).await,
        Code::InvalidArgument,
        "read",
    );
    let mut wild = whole.clone();
    let body: Vec<u8> = wild[1].data_body.iter().map(|byte| byte ^ 0x7f).collect();
    wild[1].data_body = body.into();
    assert!(client.put_messages(wild).await.is_err());
    // None of it made a table, and the server goes on.
    failed(
        client.query("SELECT * FROM t").await,
        Code::NotFound,
        "doesn't exist",
    );
    client.put_messages(whole).await.unwrap();

    // PollFlightInfo and GetSchema are there, and complete.
    let descriptor =
        FlightDescriptor::new_cmd(statement("SELECT s FROM t").as_any().encode_to_vec());
    let request = client.request(descriptor.clone());
    let polled = client
        .service
        .poll_flight_info(request)
        .await
        .unwrap()
        .into_inner();
    assert!(polled.flight_descriptor.is_none());
    assert_eq!(
        texts(&client.get(ticket(&polled.info.unwrap())).await.unwrap(), 0),
        ["abc", "defg"]
    );
    let request = client.request(descriptor);
    let schema = client
        .service
        .get_schema(request)
        .await
        .unwrap()
        .into_inner();
    let schema = arrow::datatypes::Schema::try_from(&schema).unwrap();
    assert_eq!(schema.field(0).name(), "s");

    // Wrong passwords, and none.
    let mut wrong = server.with_password("root", "wrong").await;
    failed(
        wrong.handshake().await,
        Code::Unauthenticated,
        "Access denied",
    );
    let mut none = server.client("Bearer nonsense").await;
    failed(none.query("SELECT 1").await, Code::Unauthenticated, "token");
}
