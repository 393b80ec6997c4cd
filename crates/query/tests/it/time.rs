//! A query ends with its time or with its reader: what it started stops, however long it would have run.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use stagedoor_query::{Context, ErrorKind};

use crate::support::{World, context, drained};

/// Queries that would run for hours, by what keeps them busy.
const ENDLESS: [(&str, &str); 8] = [
    (
        "a cross join",
        "SELECT COUNT(*) AS c FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b WHERE (a.value * b.value) % 7 = 3",
    ),
    (
        "a cross join without output",
        "SELECT a.value FROM generate_series(1, 100000) a JOIN generate_series(1, 100000000) b ON a.value + b.value < 0",
    ),
    (
        "a recursion",
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT MAX(n) AS m FROM t",
    ),
    (
        "a recursion that does not grow",
        "WITH RECURSIVE t AS (SELECT 'x' AS s UNION ALL SELECT CONCAT(s, '') FROM t) SELECT COUNT(*) AS c FROM t",
    ),
    (
        "a sort",
        "SELECT value FROM generate_series(1, 9000000000) ORDER BY value * 7919 % 1000003",
    ),
    (
        "an aggregation",
        "SELECT value % 1000 AS k, COUNT(*) AS c FROM generate_series(1, 9000000000000) GROUP BY value % 1000",
    ),
    (
        "a filter that nothing passes",
        "SELECT value FROM generate_series(1, 9000000000000) WHERE value < 0",
    ),
    (
        "a function of many steps",
        "SELECT COUNT(*) AS c FROM generate_series(1, 100000000) WHERE LEVENSHTEIN(REPEAT('x', 500 + value % 7), REPEAT('y', 500)) < 0",
    ),
];

/// Waits until no task of a query is left.
async fn until_idle(world: &World, what: &str) {
    let idle = async {
        while world.engine.tasks() > 0 {
            tokio::task::yield_now().await;
        }
    };
    let reached = tokio::time::timeout(Duration::from_secs(60), idle).await;
    assert!(
        reached.is_ok(),
        "{what}: still {} tasks",
        world.engine.tasks()
    );
}

fn for_ms(milliseconds: u64) -> Context {
    Context {
        time_max: Some(Duration::from_millis(milliseconds)),
        ..unbounded()
    }
}

/// A session whose recursions may go on.
fn unbounded() -> Context {
    let mut context = context();
    let most = ("cte_max_recursion_depth".into(), u32::MAX.to_string());
    context.values.variables.push(most);
    context
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_ends_with_its_time() {
    let world = World::new();
    for (what, sql) in ENDLESS {
        let query = world.engine.plan(sql, for_ms(2000)).await.unwrap();
        let mut stream = query.stream().unwrap();
        let error = loop {
            match stream.next().await.unwrap() {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::TimeLimit, "{what}: {error}");
        assert!(error.to_string().contains("(2000 ms"), "{error}");
        assert!(error.to_string().contains("max_execution_time"), "{error}");
        assert!(stream.next().await.is_none(), "{what}");
        // A join keeps its smaller side with its plan, and what was still filling it.
        drop(query);
        until_idle(&world, what).await;
        drained(&world).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_ends_with_its_reader() {
    let world = World::new();
    for (what, sql) in ENDLESS {
        let query = world.engine.plan(sql, unbounded()).await.unwrap();
        let mut stream = query.stream().unwrap();
        // It computes, and nothing comes of it.
        for _ in 0..20_000 {
            assert!(futures::poll!(stream.next()).is_pending(), "{what}");
            tokio::task::yield_now().await;
        }
        assert!(world.engine.tasks() > 0, "{what}");
        drop(stream);
        // A join keeps its smaller side with its plan, and what was still filling it.
        drop(query);
        until_idle(&world, what).await;
        drained(&world).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stalls_does_not_keep_a_query_beyond_its_time() {
    let world = World::new();
    let sql = "SELECT value FROM generate_series(1, 9000000000000)";
    let query = world.engine.plan(sql, for_ms(3000)).await.unwrap();
    let mut stream = query.stream().unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    // Nobody reads on, and yet the task ends.
    until_idle(&world, "a stalled query").await;
    let error = stream.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimeLimit, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planning_takes_of_the_same_time() {
    let world = World::new();
    let context = Context {
        time_max: Some(Duration::ZERO),
        ..context()
    };
    let error = world
        .engine
        .plan("SELECT 1", context.clone())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimeLimit, "{error}");
    let settings = World::with(|settings| settings.time_max = Some(Duration::ZERO));
    let error = settings
        .engine
        .plan("SELECT 1", self::context())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimeLimit, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stalled_readers_hold_counted_memory_and_less_of_it_when_it_is_scarce() {
    let world = World::with(|settings| settings.memory_bytes_max = 1 << 20);
    let sql = "SELECT value FROM generate_series(1, 9000000000000)";
    let mut stalled = Vec::new();
    for _ in 0..20 {
        let query = world.engine.plan(sql, context()).await.unwrap();
        let mut stream = query.stream().unwrap();
        assert!(stream.next().await.unwrap().is_ok());
        stalled.push(stream);
    }
    assert!(world.engine.memory_bytes() > 0);
    assert!(world.engine.memory_bytes() <= 1 << 20);
    // All of them go on when they are read again.
    for stream in &mut stalled {
        for _ in 0..10 {
            assert!(stream.next().await.unwrap().is_ok());
        }
    }
    stalled.clear();
    drained(&world).await;
}
