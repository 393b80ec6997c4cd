//! Clients that send without end, and clients that stop in the middle: they hold little, and not for long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::ArrayRef;
use arrow_flight::sql::{CommandStatementIngest, TableDefinitionOptions};

use super::*;

/// The messages of a command with these rows.
async fn messages(command: &impl ProstMessageExt, batch: RecordBatch) -> Vec<FlightData> {
    let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
    FlightDataEncoderBuilder::new()
        .with_flight_descriptor(Some(descriptor))
        .with_max_flight_data_size(usize::MAX)
        .build(futures::stream::iter([Ok(batch)]))
        .try_collect()
        .await
        .unwrap()
}

fn column(name: &str, values: impl arrow::array::Array + 'static) -> RecordBatch {
    RecordBatch::try_from_iter([(name, Arc::new(values) as ArrayRef)]).unwrap()
}

impl Client {
    /// Sends these messages, then the last of them again and again or nothing more, and never says that they are all.
    async fn put_without_end(
        &mut self,
        messages: Vec<FlightData>,
        again: bool,
    ) -> Result<(), Status> {
        let last = messages.last().unwrap().clone();
        let rest = match again {
            true => futures::stream::repeat(last).boxed(),
            false => futures::stream::pending().boxed(),
        };
        let request = self.request(futures::stream::iter(messages).chain(rest));
        let put = self.service.do_put(request);
        let answered = tokio::time::timeout(crate::serve_process::LONG, put).await;
        answered
            .expect("an answer, though more could come")
            .map(|_| ())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_without_end_are_refused_as_soon_as_they_are_too_many() {
    let server = Serving::start();
    let mut client = server.root().await;
    client.handshake().await.unwrap();
    let prepared = client.prepare("SELECT ?").await.unwrap();
    let command = CommandPreparedStatementQuery {
        prepared_statement_handle: prepared.prepared_statement_handle,
    };
    let number = column("a", Int64Array::from(vec![1]));
    failed(
        client
            .put_without_end(messages(&command, number).await, true)
            .await,
        Code::InvalidArgument,
        "one row of values",
    );
    let long = column("a", StringArray::from(vec!["x".repeat(5 << 20)]));
    failed(
        client
            .put_without_end(messages(&command, long).await, false)
            .await,
        Code::ResourceExhausted,
        "a query takes 4194304",
    );
    assert_eq!(numbers(&client.query("SELECT 1").await.unwrap()), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_in_the_middle_gives_back_what_it_holds() {
    let server = Serving::start_with("[limits]\nstream_stall_s = 1\n");
    let mut client = server.root().await;
    client.handshake().await.unwrap();
    client
        .update("CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, n BIGINT)")
        .await
        .unwrap();
    let command = CommandStatementIngest {
        table: "t".to_owned(),
        table_definition_options: Some(TableDefinitionOptions {
            if_not_exist: 2,
            if_exists: 2,
        }),
        ..Default::default()
    };
    let rows = column("n", Int64Array::from(vec![7, 8]));
    let sent = messages(&command, rows).await;
    let mut other = server.root().await;
    other.handshake().await.unwrap();
    let (began, stalled) = (Instant::now(), client.put_without_end(sent, false));
    // Where the one that stalls has the lock of the table's numbers, this one waits for it, and gets it.
    let inserted = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        other.update("INSERT INTO t (n) VALUES (1)").await
    };
    let (stalled, inserted) = tokio::join!(stalled, inserted);
    failed(
        stalled,
        Code::DeadlineExceeded,
        "Got timeout reading communication packets",
    );
    assert_eq!(inserted.unwrap(), 1);
    assert!(began.elapsed() < Duration::from_secs(30));
    // None of its rows is there, and its session goes on.
    let n = "SELECT n FROM t ORDER BY n";
    assert_eq!(numbers(&client.query(n).await.unwrap()), [1]);

    // Values of a statement that changes something: the rows before are done, each by itself.
    let insert = "INSERT INTO t (n) VALUES (?)";
    let prepared = client.prepare(insert).await.unwrap();
    let command = CommandPreparedStatementUpdate {
        prepared_statement_handle: prepared.prepared_statement_handle,
    };
    let two = column("n", Int64Array::from(vec![2]));
    failed(
        client
            .put_without_end(messages(&command, two).await, false)
            .await,
        Code::DeadlineExceeded,
        "limits.stream_stall_s",
    );
    assert_eq!(numbers(&client.query(n).await.unwrap()), [1, 2]);
}
