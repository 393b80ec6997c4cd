//! Statements as big as one likes: an answer or a clear error, never an overflow of the stack;
//! queries bigger than the memory: spilled, or refused by name.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use futures::TryStreamExt;
use stagedoor_query::{Context, ErrorKind};

use crate::support::{World, batch, context, table, values};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn big_statements_are_answered() {
    let world = World::new();
    let last = |text: String| text.lines().last().unwrap().to_owned();

    let nested = format!("SELECT {}1{} AS x", "(".repeat(64), ")".repeat(64));
    assert_eq!(world.text(&nested).await.unwrap(), "x\n1");

    let sum = format!("SELECT {} AS x", vec!["1"; 500].join("+"));
    assert_eq!(world.text(&sum).await.unwrap(), "x\n500");
    let columns = format!(
        "SELECT {} AS x FROM people WHERE id = 2",
        vec!["id"; 900].join("+")
    );
    assert_eq!(world.text(&columns).await.unwrap(), "x\n1800");
    let sum = format!("SELECT {} AS x", vec!["1"; 5000].join("+"));
    let error = world.text(&sum).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (
            ErrorKind::Unsupported,
            "an expression has more than 1000 operators in a row"
        )
    );

    let ors = (0..5000)
        .map(|n| format!("id = {} AND score <> {n}", n % 5))
        .collect::<Vec<_>>()
        .join(" OR ");
    assert_eq!(
        last(
            world
                .text(&format!("SELECT COUNT(*) FROM people WHERE {ors}"))
                .await
                .unwrap()
        ),
        "3"
    );

    let list = (3..20_003)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(",");
    assert_eq!(
        last(
            world
                .text(&format!("SELECT COUNT(*) FROM people WHERE id IN ({list})"))
                .await
                .unwrap()
        ),
        "2"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bigger_statements_are_refused() {
    let world = World::new();
    for bomb in [
        format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000)),
        format!("SELECT {}1", "NOT ".repeat(5000)),
        format!("SELECT {}1", "- ".repeat(5000)),
        format!("SELECT 1 {}", "UNION ALL SELECT 1 ".repeat(5000)),
        format!("SELECT 1 FROM people {}", "JOIN people ".repeat(5000)),
        format!("SELECT 1 FROM people{}", ", people".repeat(5000)),
        format!("SELECT 1{}", " BETWEEN 1 AND 2".repeat(5000)),
        format!(
            "SELECT {}1{}",
            "CASE WHEN 1 THEN ".repeat(5000),
            " END".repeat(5000)
        ),
        format!("SELECT {}1{}", "(SELECT ".repeat(2000), ")".repeat(2000)),
        format!("SELECT 1 WHERE {}", vec!["1"; 100_000].join(" AND ")),
    ] {
        let start = std::time::Instant::now();
        let error = world.text(&bomb).await.unwrap_err();
        println!("{:?} {}", start.elapsed(), &bomb[..40]);
        let kind = error.kind();
        assert!(
            matches!(kind, ErrorKind::Unsupported | ErrorKind::Syntax),
            "{kind:?} {error} for {}",
            &bomb[..40]
        );
    }
}

fn many(rows: i64) -> Context {
    let ids = Int64Array::from_iter_values((0..rows).map(|row| (row * 7919) % rows));
    let texts = StringArray::from_iter_values(
        (0..rows)
            .map(|row| format!("a rather long text of row number {row:012} to take some room")),
    );
    let all = batch(vec![
        ("id", Arc::new(ids) as ArrayRef),
        ("text", Arc::new(texts)),
    ]);
    let batches = (0..rows as usize)
        .step_by(8192)
        .map(|at| all.slice(at, 8192.min(rows as usize - at)))
        .collect();
    Context {
        tables: vec![table("many", batches)],
        stores: Vec::new(),
        values: values(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sort_beyond_memory_spills() {
    let world = World::with(|settings| settings.memory_bytes_max = 12 << 20);
    let query = world
        .engine
        .plan("SELECT id, text FROM many ORDER BY id", many(400_000))
        .await
        .unwrap();
    let mut stream = query.stream().unwrap();
    let (mut next, mut spilled) = (0, false);
    while let Some(batch) = stream.try_next().await.unwrap() {
        spilled |= std::fs::read_dir(world.dir.path())
            .unwrap()
            .next()
            .is_some();
        let ids = batch
            .column(0)
            .as_any()
            .downcast_ref::<Int64Array>()
            .unwrap()
            .clone();
        for id in ids.values() {
            assert_eq!(*id, next);
            next += 1;
        }
    }
    assert_eq!(next, 400_000);
    assert!(spilled, "nothing was spilled, so this test shows nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fits_neither_memory_nor_disk_is_refused_by_name() {
    let world = World::with(|settings| {
        settings.memory_bytes_max = 4 << 20;
        settings.spill_bytes_max = 1 << 20;
    });
    let error = world
        .text_in(
            "SELECT text, COUNT(*) FROM many GROUP BY text ORDER BY text",
            many(300_000),
        )
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResourcesExhausted, "{error}");
    assert!(error.to_string().contains("_bytes_max"), "{error}");
    // The engine is whole afterwards.
    assert_eq!(world.engine.memory_bytes(), 0);
    assert_eq!(
        world.text_in("SELECT 1 AS x", context()).await.unwrap(),
        "x\n1"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timing_probe() {
    let world = World::new();
    for n in [25, 50, 100, 200, 400] {
        for what in ["1", "id"] {
            let sum = format!("SELECT {} AS x FROM people", vec![what; n].join("+"));
            let start = std::time::Instant::now();
            world.text(&sum).await.unwrap();
            println!("{what} {n}: {:?}", start.elapsed());
        }
    }
}
