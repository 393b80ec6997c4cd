//! Columns in queries by what they were declared as: members as numbers, digits of a second, floats.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Array, Float64Array, RecordBatch, StringArray, Time64MicrosecondArray,
    TimestampMillisecondArray,
};
use arrow::datatypes::Schema;
use stagedoor_query::{Context, Error, arrow_field};

use crate::support::{World, context, table};

fn declared() -> Context {
    let columns: Vec<(&str, &str, ArrayRef)> = vec![
        (
            "size",
            "enum('x','2','1')",
            Arc::new(StringArray::from(vec![Some("x"), Some("2"), None])),
        ),
        (
            "tags",
            "set('a','b','c')",
            Arc::new(StringArray::from(vec![Some("a,c"), Some(""), None])),
        ),
        (
            "d",
            "datetime(3)",
            Arc::new(TimestampMillisecondArray::from(vec![
                Some(36_000_000),
                Some(36_000_120),
                None,
            ])),
        ),
        (
            "t",
            "time(1)",
            Arc::new(Time64MicrosecondArray::from(vec![
                Some(300_000),
                Some(-100 * 3_600_000_000),
                None,
            ])),
        ),
        (
            "f",
            "float",
            Arc::new(Float32Array::from(vec![Some(0.1), Some(0.5), None])),
        ),
        (
            "y",
            "double",
            Arc::new(Float64Array::from(vec![Some(1e15), Some(1e-20), None])),
        ),
    ];
    let fields: Vec<_> = columns
        .iter()
        .map(|(name, sql_type, _)| arrow_field(name, sql_type, true).unwrap())
        .collect();
    let arrays = columns.into_iter().map(|(_, _, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    let mut context = context();
    context.tables.push(table("declared", vec![batch]));
    context
}

async fn text(sql: &str) -> Result<String, Error> {
    World::new().text_in(sql, declared()).await
}

#[tokio::test]
async fn a_member_is_its_place_where_a_number_is_wanted() {
    for (sql, wanted) in [
        ("SELECT size + 0 AS n FROM declared", "n\n1\n2\nNULL"),
        ("SELECT size FROM declared WHERE size = 2", "size\n2"),
        ("SELECT size FROM declared WHERE size IN (1, 3)", "size\nx"),
        ("SELECT size FROM declared WHERE size = '2'", "size\n2"),
        ("SELECT size FROM declared WHERE size > 'x'", "size"),
        ("SELECT tags + 0 AS n FROM declared", "n\n5\n0\nNULL"),
        ("SELECT tags FROM declared WHERE tags = 5", "tags\na,c"),
    ] {
        assert_eq!(text(sql).await.unwrap(), wanted, "{sql}");
    }
}

#[tokio::test]
async fn a_text_of_a_time_has_its_declared_digits() {
    for (sql, wanted) in [
        (
            "SELECT CONCAT(d) AS d, CONCAT(t) AS t FROM declared",
            "d|t\n1970-01-01 10:00:00.000|00:00:00.3\n1970-01-01 10:00:00.120|-100:00:00.0\nNULL|NULL",
        ),
        (
            "SELECT RIGHT(d, 4) AS d, CAST(t AS CHAR) AS t FROM declared WHERE y > 1",
            "d|t\n.000|00:00:00.3",
        ),
        (
            "SELECT UNIX_TIMESTAMP(d) AS u FROM declared WHERE y < 1",
            "u\n7200.120",
        ),
    ] {
        assert_eq!(text(sql).await.unwrap(), wanted, "{sql}");
    }
}

#[tokio::test]
async fn floats_and_doubles_are_compared_as_doubles() {
    for (condition, rows) in [
        ("f = 0.1", 0),
        ("f = 0.5", 1),
        ("f IN (0.1, 0.5)", 1),
        ("f BETWEEN 0.1 AND 0.5", 2),
        ("y > 0.5", 1),
        ("y = 0.0", 0),
        ("0.0 < y", 2),
        ("y NOT IN (0.0, 1000000000000000)", 1),
        ("f = '0.1'", 0),
        ("y = ANY (SELECT 0.0)", 0),
        ("y >= ALL (SELECT 1000000000000000.0)", 1),
    ] {
        let sql = format!("SELECT f FROM declared WHERE {condition}");
        let text = text(&sql).await.unwrap();
        assert_eq!(text.lines().count() - 1, rows, "{condition}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recursion_goes_on_from_declared_columns() {
    let world = World::new();
    for (sql, wanted) in [
        (
            "WITH RECURSIVE c AS (SELECT f FROM declared WHERE f = 0.5 UNION ALL SELECT f + 1 FROM c WHERE f < 2) SELECT f FROM c ORDER BY f",
            "f\n0.5\n1.5\n2.5",
        ),
        (
            "WITH RECURSIVE c AS (SELECT y FROM declared WHERE y > 1 UNION ALL SELECT 3e0 FROM c WHERE y > 4) SELECT y FROM c ORDER BY y",
            "y\n3.0\n1000000000000000.0",
        ),
        (
            "WITH RECURSIVE c AS (SELECT d FROM declared WHERE d IS NOT NULL UNION ALL SELECT d + INTERVAL 1 DAY FROM c WHERE d < '1970-01-02') SELECT COUNT(*) AS n FROM c",
            "n\n4",
        ),
        (
            "WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT c.n + 1 FROM c JOIN declared t ON t.y > c.n WHERE c.n < 3) SELECT COUNT(*) AS n FROM c",
            "n\n3",
        ),
    ] {
        let got = world.text_in(sql, declared()).await;
        assert_eq!(
            got.map_err(|error| error.to_string()),
            Ok(wanted.to_owned()),
            "{sql}"
        );
    }
}
