//! Order of rows, estimates, and that a dropped stream stops the work.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use futures::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use stagedoor_query::{Context, FileRef, Source, TableDefinition, segment};
use url::Url;

use crate::support::{World, batch, drained, values};

async fn segments(files: i64, rows: i64) -> Context {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let url = Url::parse("stage://tables").unwrap();
    let mut refs = Vec::new();
    let mut schema = None;
    for file in 0..files {
        let numbers = Int64Array::from_iter_values(file * rows..(file + 1) * rows);
        let data = batch(vec![("n", Arc::new(numbers) as ArrayRef)]);
        let mut bytes = Vec::new();
        let written = segment::write([Ok(data.clone())], data.schema(), &mut bytes).unwrap();
        assert_eq!(written.rows, rows as u64);
        let path = format!("t/{:02}.parquet", files - file);
        refs.push(FileRef {
            path: path.clone(),
            bytes: bytes.len() as u64,
            rows: Some(rows as u64),
            checksums: None,
        });
        store
            .put(&path.as_str().into(), bytes.into())
            .await
            .unwrap();
        schema = Some(data.schema());
    }
    let source = Source::Segments {
        store: url.clone(),
        files: refs,
    };
    let table = TableDefinition {
        database: "db".into(),
        name: "t".into(),
        schema,
        source,
    };
    Context {
        tables: vec![table],
        stores: vec![(url, store)],
        values: values(),
        time_max: None,
        time_spent: std::time::Duration::ZERO,
        time_setting: "max_execution_time",
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_come_in_the_order_of_the_files() {
    let world = World::new();
    let context = segments(5, 30_000).await;
    for (sql, count) in [
        ("SELECT n FROM t", 150_000),
        ("SELECT n FROM t WHERE n % 3 = 0", 50_000),
        (
            "SELECT n FROM (SELECT n, n+1 AS m FROM t WHERE n < 140000) x LIMIT 100000",
            100_000,
        ),
        (
            "SELECT n FROM t WHERE n < 5 UNION ALL SELECT n FROM t WHERE n >= 5 AND n < 149999",
            149_999,
        ),
    ] {
        let query = world.engine.plan(sql, context.clone()).await.unwrap();
        assert!(query.is_ordered(), "{sql}");
        let batches: Vec<_> = query.stream().unwrap().try_collect().await.unwrap();
        let numbers: Vec<i64> = batches
            .iter()
            .flat_map(|batch| {
                batch
                    .column(0)
                    .as_any()
                    .downcast_ref::<Int64Array>()
                    .unwrap()
                    .values()
                    .to_vec()
            })
            .collect();
        assert_eq!(numbers.len(), count, "{sql}");
        assert!(numbers.is_sorted(), "{sql}");
        assert!(batches.iter().all(|batch| batch.num_rows() <= 8192));
    }
    let text = world
        .text_in(
            "SELECT COUNT(*) AS c, SUM(n) AS s, MAX(n) AS m FROM t WHERE n >= 1",
            context.clone(),
        )
        .await
        .unwrap();
    assert_eq!(text, "c|s|m\n149999|11249925000|149999");
    let estimate = |sql: &'static str| {
        let (world, context) = (&world, context.clone());
        async move {
            world
                .engine
                .plan(sql, context)
                .await
                .unwrap()
                .row_estimate()
        }
    };
    assert_eq!(estimate("SELECT n FROM t").await, Some(150_000));
    assert_eq!(estimate("SELECT n FROM t LIMIT 7").await, Some(7));
}

#[tokio::test]
async fn a_table_without_segments_is_empty() {
    let mut context = segments(1, 10).await;
    if let Source::Segments { files, .. } = &mut context.tables[0].source {
        files.clear();
    }
    assert_eq!(
        World::new()
            .text_in("SELECT COUNT(*) AS c, MAX(n) AS m FROM t", context)
            .await
            .unwrap(),
        "c|m\n0|NULL"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_stream_gives_its_memory_back() {
    let world = World::new();
    let query = world
        .engine
        .plan(
            "SELECT n FROM t ORDER BY n DESC",
            segments(3, 100_000).await,
        )
        .await
        .unwrap();
    let mut stream = query.stream().unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    assert!(world.engine.memory_bytes() > 0);
    drop(stream);
    drained(&world).await;
}

#[tokio::test]
async fn a_lost_file_is_an_error_not_an_end() {
    let mut context = segments(2, 10).await;
    if let Source::Segments { files, .. } = &mut context.tables[0].source {
        files[1].path = "t/lost.parquet".into();
    }
    let error = World::new()
        .text_in("SELECT n FROM t", context)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("t/lost.parquet"), "{error}");
}
