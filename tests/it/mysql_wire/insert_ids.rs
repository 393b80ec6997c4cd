//! The numbers that AUTO_INCREMENT gives, as clients are told them: with the answer, and by LAST_INSERT_ID().

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use super::connect;
use crate::wires::{Told, Wires};

async fn remembered(client: &mut Conn) -> u64 {
    let all = "SELECT LAST_INSERT_ID(), @@last_insert_id, @@identity";
    let (of_function, of_variable, identity): (u64, u64, u64) =
        client.query_first(all).await.unwrap().unwrap();
    assert_eq!((of_variable, identity), (of_function, of_function));
    of_function
}

#[tokio::test]
async fn the_first_number_that_a_statement_gave_is_told_and_kept() {
    let wires = Wires::open(|_| {}).await;
    let mut client = connect(&wires).await;
    assert_eq!(remembered(&mut client).await, 0);
    client
        .query_drop("CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, k INT UNIQUE, v INT)")
        .await
        .unwrap();
    client
        .query_drop("CREATE TABLE plain (a INT)")
        .await
        .unwrap();
    // The statement, the number in its answer, and the one that the session keeps.
    for (statement, told, kept) in [
        ("INSERT INTO t (k) VALUES (10)", Some(1), 1),
        ("INSERT INTO t (k) VALUES (20), (30), (40)", Some(2), 2),
        // None was given.
        ("INSERT INTO plain VALUES (1)", None, 2),
        ("UPDATE t SET v = 1 WHERE k = 10", None, 2),
        ("SELECT 1", None, 2),
        // It was given by the client: told, as mysql_insert_id() does, and not kept.
        (
            "INSERT INTO t (id, k) VALUES (90, 90), (100, 100)",
            Some(100),
            2,
        ),
        (
            "INSERT INTO t (id, k) VALUES (7, 7), (NULL, 8), (0, 9)",
            Some(101),
            101,
        ),
        (
            "INSERT INTO t (k) SELECT 1000 + a FROM plain",
            Some(103),
            103,
        ),
        (
            "INSERT INTO t (k) SELECT a FROM plain WHERE a > 5",
            None,
            103,
        ),
        // Of the rows that were added.
        (
            "INSERT IGNORE INTO t (k) VALUES (10), (2000)",
            Some(105),
            105,
        ),
        ("INSERT IGNORE INTO t (k) VALUES (10)", None, 105),
        ("REPLACE INTO t (k) VALUES (10), (3000)", Some(106), 106),
        (
            "INSERT INTO t (k) VALUES (20), (4000) ON DUPLICATE KEY UPDATE v = 5",
            Some(109),
            109,
        ),
        (
            "INSERT INTO t (k) VALUES (20) ON DUPLICATE KEY UPDATE v = 6",
            None,
            109,
        ),
    ] {
        let result = client.query_iter(statement).await.unwrap();
        assert_eq!(result.last_insert_id(), told, "{statement}");
        result.drop_result().await.unwrap();
        assert_eq!(remembered(&mut client).await, kept, "{statement}");
    }
    // One that fails gives none.
    client
        .query_drop("INSERT INTO t (k) VALUES (10)")
        .await
        .unwrap_err();
    assert_eq!(remembered(&mut client).await, 109);
    // By prepared statements, and within a statement.
    client
        .exec_drop("INSERT INTO t (k) VALUES (?)", (5000,))
        .await
        .unwrap();
    let id = client.last_insert_id().unwrap();
    client
        .query_drop("INSERT INTO plain VALUES (LAST_INSERT_ID())")
        .await
        .unwrap();
    let parent: Option<u64> = client
        .query_first("SELECT MAX(a) FROM plain")
        .await
        .unwrap();
    assert_eq!(parent, Some(id));
    let error = client
        .query_drop("SELECT LAST_INSERT_ID(5)")
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("LAST_INSERT_ID() with an argument"),
        "{error}"
    );
    // Another session's is its own, and a pool's next user hears nothing of it.
    let mut other = connect(&wires).await;
    assert_eq!(remembered(&mut other).await, 0);
    client.reset().await.unwrap();
    assert_eq!(remembered(&mut client).await, 0);
    for client in [client, other] {
        client.disconnect().await.unwrap();
    }
    // As over gRPC.
    let mut grpc = wires.grpc().await;
    grpc.ok("USE main").await;
    grpc.ok("INSERT INTO t (k) VALUES (6000)").await;
    let Told::Rows(rows) = grpc.ok("SELECT LAST_INSERT_ID()").await else {
        panic!("no rows");
    };
    assert!(rows.rows[0][0].parse::<u64>().unwrap() > id, "{rows:?}");
    drop(grpc);
    wires.close().await;
}
