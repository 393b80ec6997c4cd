//! Clients of Flight SQL that are gone in the middle: nothing of what they have asked for goes on for nobody, but for an
//! export, which is whole or not there.

use std::time::Duration;

use arrow_flight::FlightDescriptor;
use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt};
use prost::Message;
use tokio::time::timeout;
use tonic::Request;

use crate::harness::ROOT_PASSWORD;
use crate::serve_process::LONG;
use crate::wires::{Client, Told, Wires};

fn asked<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    let metadata = request.metadata_mut();
    metadata.insert("authorization", token.parse().unwrap());
    request
}

fn descriptor(statement: &str) -> FlightDescriptor {
    let command = CommandStatementQuery {
        query: statement.to_owned(),
        transaction_id: None,
    };
    FlightDescriptor::new_cmd(command.as_any().encode_to_vec())
}

/// Waits until a query of the server's tables gives this one cell.
async fn until(client: &mut Client, query: &str, wanted: &[&str]) -> String {
    let come = async {
        loop {
            let Told::Rows(table) = client.ok(query).await else {
                panic!("no rows");
            };
            if let [row] = table.rows.as_slice() {
                let cell = row[0].trim_matches('\'');
                if wanted.contains(&cell) {
                    return cell.to_owned();
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, come).await.expect("it comes to that")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_vanishes_in_the_middle_leaves_nothing() {
    let wires = Wires::open(|settings| settings.limits.concurrent_statements_max = 2).await;
    let folder = wires.folder.path().join("stage");
    std::fs::create_dir(&folder).unwrap();
    let mut client = wires.grpc().await;
    client
        .ok(&format!("CREATE STAGE s URL = '{}'", folder.display()))
        .await;
    let endless = "SELECT a.value AS a, b.value AS b FROM generate_series(1, 100000) AS a, generate_series(1, 100000) AS b";
    // More of them than turns.
    for _ in 0..4 {
        let Ok(Client::Flight(mut service, token)) = wires.flight("root", ROOT_PASSWORD).await
        else {
            panic!("no client of Flight");
        };
        let info = service.get_flight_info(asked(descriptor(endless), &token));
        let info = info.await.unwrap().into_inner();
        let ticket = info.endpoint[0].ticket.clone().unwrap();
        let mut data = service
            .do_get(asked(ticket, &token))
            .await
            .unwrap()
            .into_inner();
        // The schema, and the first rows.
        for _ in 0..2 {
            data.message().await.unwrap().expect("a message");
        }
    }
    // Each of these needs a turn, and is served.
    for _ in 0..4 {
        timeout(LONG, client.ok("SELECT 1")).await.unwrap();
    }

    let Ok(Client::Flight(mut service, token)) = wires.flight("root", ROOT_PASSWORD).await else {
        panic!("no client of Flight");
    };
    let export =
        "SELECT value FROM generate_series(1, 5000000) AS g INTO OUTFILE 'stage://s/x.csv'";
    let running = tokio::spawn(async move {
        let info = service.get_flight_info(asked(descriptor(export), &token));
        let _ = info.await;
    });
    let is_there = "SELECT count(*) FROM stagedoor.exports";
    until(&mut client, is_there, &["1"]).await;
    running.abort();
    let ended = ["COMMITTED", "CANCELLED", "FAILED"];
    let state = until(&mut client, "SELECT state FROM stagedoor.exports", &ended).await;
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    match state.as_str() {
        "COMMITTED" => {
            let text = std::fs::read_to_string(folder.join("x.csv")).unwrap();
            assert_eq!((files.len(), text.lines().count()), (1, 5_000_001));
        }
        _ => assert!(files.is_empty(), "{state}: {files:?}"),
    }
    drop(client);
    wires.close().await;
}
