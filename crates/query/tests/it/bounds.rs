//! What functions make is bounded: too long is NULL with a warning, too much for the memory is an error
//! that names its setting, and nothing of it is kept.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use futures::{StreamExt, TryStreamExt};
use stagedoor_query::{Context, ErrorKind, InsertColumn, InsertTarget, arrow_field};

use crate::support::{World, batch, context, drained, table, values};

/// A table `big` of so many rows, numbered from 0.
fn big(rows: i64) -> Context {
    let numbers = Int64Array::from_iter_values(0..rows);
    let rows = batch(vec![("id", Arc::new(numbers) as ArrayRef)]);
    Context {
        tables: vec![table("big", vec![rows])],
        stores: Vec::new(),
        values: values(),
        time_max: None,
        time_spent: std::time::Duration::ZERO,
        time_setting: "max_execution_time",
    }
}

fn cell(text: &str) -> &str {
    text.lines().nth(1).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_over_max_allowed_packet_is_null_with_a_warning() {
    let world = World::with(|settings| settings.value_bytes_max = 1 << 20);
    for (expression, function) in [
        ("LENGTH(REPEAT('x', 2000000000))", "repeat"),
        ("REPEAT('xy', 524289)", "repeat"),
        ("SPACE(9223372036854775807)", "repeat"),
        ("RPAD('a', 2000000000, 'b')", "rpad"),
        ("LPAD('a', 2000000000, 'b')", "lpad"),
        ("CONCAT(REPEAT('x', 600000), REPEAT('y', 600000))", "concat"),
        (
            "CONCAT_WS(',', REPEAT('x', 600000), REPEAT('y', 600000))",
            "concat_ws",
        ),
        ("REPLACE(REPEAT('x', 600000), 'x', 'yy')", "replace"),
        (
            "REGEXP_REPLACE(REPEAT('x', 600000), 'x', 'yy')",
            "regexp_replace",
        ),
        ("array_repeat(1, 2000000000)", "array_repeat"),
        (
            "array_repeat(array_repeat(1, 20000), 20000)",
            "array_repeat",
        ),
        ("range(0, 9223372036854775807, 1)", "range"),
        (
            "generate_series(-9223372036854775808, 9223372036854775807)",
            "generate_series",
        ),
        ("array_resize(make_array(1), 2000000000)", "array_resize"),
        ("encode(REPEAT('x', 600000), 'hex')", "encode"),
    ] {
        let query = world
            .engine
            .plan(&format!("SELECT {expression} AS x"), context())
            .await
            .unwrap();
        let batches: Vec<_> = query.stream().unwrap().try_collect().await.unwrap();
        assert!(batches[0].column(0).is_null(0), "{expression}");
        let warnings = query.warnings();
        assert_eq!(warnings.len(), 1, "{expression}: {warnings:?}");
        assert_eq!(warnings[0].code, 1301);
        assert_eq!(
            warnings[0].message,
            format!(
                "Result of {function}() was larger than max_allowed_packet (1048576) - truncated"
            )
        );
    }
    drained(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_of_just_max_allowed_packet_is_given() {
    let world = World::with(|settings| settings.value_bytes_max = 1 << 20);
    let length = |expression: &str| {
        let sql = format!("SELECT LENGTH({expression}) AS x");
        let world = &world;
        async move { cell(&world.text(&sql).await.unwrap()).to_owned() }
    };
    assert_eq!(length("REPEAT('xy', 524288)").await, "1048576");
    assert_eq!(length("REPEAT('x', -5)").await, "0");
    assert_eq!(length("RPAD('a', 262144, 'b')").await, "262144");
    assert_eq!(
        length("CONCAT(REPEAT('x', 524288), REPEAT('y', 524288))").await,
        "1048576"
    );
    // The bound of a replacement is what there is to replace, not what there could be.
    assert_eq!(
        length("REPLACE(REPEAT('x', 1000000), 'y', REPEAT('z', 1000))").await,
        "1000000"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_within_and_over_the_limit_stand_side_by_side() {
    let world = World::with(|settings| settings.value_bytes_max = 1 << 20);
    let query = world
        .engine
        .plan(
            "SELECT id, LENGTH(REPEAT('x', id * 400000)) AS n, LENGTH(CONCAT(id, REPEAT('x', id * 300000))) AS m FROM big",
            big(5),
        )
        .await
        .unwrap();
    let batches: Vec<_> = query.stream().unwrap().try_collect().await.unwrap();
    assert_eq!(
        crate::support::rows(&batches),
        [
            "0|0|1",
            "1|400000|300001",
            "2|800000|600001",
            "3|NULL|900001",
            "4|NULL|NULL"
        ]
    );
    assert_eq!(query.warnings().len(), 1, "one for repeat()");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_results_over_the_memory_is_refused_by_name() {
    let world = World::with(|settings| settings.memory_bytes_max = 64 << 20);
    for expression in [
        "REPEAT('x', 60000000)",
        "LENGTH(REPEAT('x', 60000000))",
        "LENGTH(REPEAT('x', 60000000 + id))",
        "LENGTH(RPAD(id, 10000000, 'b'))",
        "LENGTH(REPLACE('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'a', REPEAT('x', 1000 + id)))",
        "LENGTH(CONCAT(id, REPEAT('x', 60000)))",
        "LOCATE('y', CONCAT(id, REPEAT('x', 60000)))",
        "LENGTH(CONCAT_WS(REPEAT('x', 10000), id, id, id))",
        "LENGTH(array_to_string(array_repeat(REPEAT('x', 1000), 10 + id), ','))",
        "cardinality(range(0, 10000 + id))",
    ] {
        let sql = format!("SELECT {expression} AS x FROM big");
        let error = world.text_in(&sql, big(8192)).await.unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::ResourcesExhausted,
            "{sql}: {error}"
        );
        let text = error.to_string();
        assert!(text.contains("limits.query_memory_bytes_max"), "{text}");
        drained(&world).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_text_of_the_statement_makes_short_batches() {
    let world = World::new();
    let sql = format!("SELECT id, '{}' AS x FROM big", "x".repeat(4 << 20));
    let query = world.engine.plan(&sql, big(40)).await.unwrap();
    let mut stream = query.stream().unwrap();
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        let batch = batch.unwrap();
        assert!(batch.num_rows() <= 16, "{} rows at once", batch.num_rows());
        rows += batch.num_rows();
    }
    assert_eq!(rows, 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_count_as_long_as_they_are_held() {
    let world = World::new();
    let query = world
        .engine
        .plan("SELECT REPEAT('x', 20000000 + id) AS x FROM big", big(2))
        .await
        .unwrap();
    let mut stream = query.stream().unwrap();
    let batch = stream.next().await.unwrap().unwrap();
    assert!(stream.next().await.is_none());
    drop(stream);
    assert!(
        world.engine.memory_bytes() >= 40_000_000,
        "{} bytes are counted",
        world.engine.memory_bytes()
    );
    drop(batch);
    drained(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_insert_evaluates_are_bounded_together() {
    let world = World::with(|settings| {
        settings.memory_bytes_max = 64 << 20;
        settings.value_bytes_max = 8 << 20;
    });
    let target = || InsertTarget {
        columns: vec![InsertColumn {
            field: arrow_field("x", "LONGTEXT", true).unwrap(),
            default: None,
            auto_increment: None,
        }],
        named: None,
    };
    let rows = |count: usize, length: usize| {
        let row = format!("(REPEAT('x', {length}))");
        format!("VALUES {}", vec![row; count].join(", "))
    };
    let error = world
        .engine
        .plan_insert(&rows(100, 5_000_000), target(), context())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResourcesExhausted, "{error}");
    drained(&world).await;
    let few = world
        .engine
        .plan_insert(&rows(2, 5_000_000), target(), context())
        .await
        .unwrap();
    assert_eq!(few.row_estimate(), Some(2));
    let long = world
        .engine
        .plan_insert(&rows(1, 9_000_000), target(), context())
        .await
        .unwrap();
    assert_eq!(long.warnings()[0].code, 1301);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn extreme_numbers_are_answered_or_refused() {
    let world = World::new();
    for (expression, answer) in [
        ("SUBSTRING('abc', -9223372036854775808)", ""),
        ("SUBSTRING('abc', 9223372036854775807)", ""),
        ("SUBSTRING('abc', 1, -9223372036854775808)", ""),
        ("LOCATE('a', 'abc', -9223372036854775808)", "0"),
        ("RIGHT('abc', 9223372036854775807)", "abc"),
    ] {
        let text = world.text(&format!("SELECT {expression} AS x")).await;
        assert_eq!(cell(&(text.unwrap() + "\n")), answer, "{expression}");
    }
    for expression in [
        "DATE_ADD('2024-01-01', INTERVAL 9223372036854775807 YEAR)",
        "DATE_SUB('2024-01-01', INTERVAL -9223372036854775808 MICROSECOND)",
        "FROM_UNIXTIME(9223372036854775807)",
        "FROM_UNIXTIME(-9223372036854775808)",
        "LEFT('abc', -9223372036854775808)",
        "LPAD('abc', -9223372036854775808, 'x')",
        "ROUND(1.5, 9223372036854775807)",
        "TRUNCATE(1.5, -9223372036854775808)",
        "-9223372036854775808 DIV -1",
        "ABS(-9223372036854775808)",
        "POW(9223372036854775807, 9223372036854775807)",
        "LEVENSHTEIN(REPEAT('x', 60000000), REPEAT('y', 60000000))",
    ] {
        // An answer or an error of the query; a panic would be one of the engine.
        if let Err(error) = world.text(&format!("SELECT {expression} AS x")).await {
            assert!(!error.to_string().contains("unexpectedly"), "{error}");
        }
    }
}
