//! A small world for the tests: one engine, tables `people`, `pets` and `wide`, rows as text.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
    RecordBatch, StringArray, TimestampSecondArray,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::TryStreamExt;
use stagedoor_query::{
    Context, Error, QueryEngine, SessionValues, Settings, Source, TableDefinition,
};
use tempfile::TempDir;

pub(crate) struct World {
    pub(crate) engine: QueryEngine,
    pub(crate) dir: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(dir.path());
        settings.target_partitions = 2;
        change(&mut settings);
        Self {
            engine: QueryEngine::local(settings).unwrap(),
            dir,
        }
    }

    pub(crate) async fn text(&self, sql: &str) -> Result<String, Error> {
        self.text_in(sql, context()).await
    }

    pub(crate) async fn text_in(&self, sql: &str, context: Context) -> Result<String, Error> {
        let query = self.engine.plan(sql, context).await?;
        let batches: Vec<RecordBatch> = query.stream()?.try_collect().await?;
        let labels: Vec<String> = query
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        Ok(std::iter::once(labels.join("|"))
            .chain(rows(&batches))
            .collect::<Vec<_>>()
            .join("\n"))
    }
}

/// Rows as text, cells apart by `|`.
pub(crate) fn rows(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default()
        .with_null("NULL")
        .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"));
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<ArrayFormatter<'_>> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            rows.push(
                columns
                    .iter()
                    .map(|column| column.value(row).to_string())
                    .collect::<Vec<_>>()
                    .join("|"),
            );
        }
    }
    rows
}

pub(crate) fn values() -> SessionValues {
    SessionValues {
        database: Some("db".into()),
        user: "ann@localhost".into(),
        version: "8.0.30-Stagedoor".into(),
        version_comment: "Stagedoor".into(),
        connection_id: 7,
        last_insert_id: 41,
        // 2024-02-29 12:34:56.789012 UTC.
        now_us: 1_709_210_096_789_012,
        zone_offset_seconds: 8 * 3600,
        variables: vec![("max_allowed_packet".into(), "1048576".into())],
    }
}

pub(crate) fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap()
}

pub(crate) fn table(name: &str, batches: Vec<RecordBatch>) -> TableDefinition {
    TableDefinition {
        database: "db".into(),
        name: name.into(),
        schema: None,
        source: Source::Batches(batches),
    }
}

pub(crate) fn context() -> Context {
    let people = batch(vec![
        (
            "id",
            Arc::new(Int32Array::from(vec![1, 2, 3, 4])) as ArrayRef,
        ),
        (
            "name",
            Arc::new(StringArray::from(vec![
                Some("ann"),
                Some("Bob"),
                Some("čeněk"),
                None,
            ])),
        ),
        (
            "born",
            Arc::new(Date32Array::from(vec![
                Some(0),
                Some(11_016),
                Some(19_782),
                None,
            ])),
        ),
        (
            "score",
            Arc::new(Float64Array::from(vec![
                Some(1.5),
                Some(-2.0),
                None,
                Some(0.0),
            ])),
        ),
        (
            "money",
            Arc::new(
                Decimal128Array::from(vec![Some(1050), Some(-333), Some(0), None])
                    .with_precision_and_scale(15, 2)
                    .unwrap(),
            ),
        ),
        (
            "seen",
            Arc::new(TimestampSecondArray::from(vec![
                Some(0),
                Some(86_399),
                Some(1_709_210_096),
                None,
            ])),
        ),
        (
            "ok",
            Arc::new(BooleanArray::from(vec![
                Some(true),
                Some(false),
                None,
                Some(true),
            ])),
        ),
        (
            "big",
            Arc::new(Int64Array::from(vec![
                Some(i64::MAX),
                Some(1),
                Some(-7),
                Some(0),
            ])),
        ),
    ]);
    let pets = batch(vec![
        (
            "owner",
            Arc::new(Int32Array::from(vec![1, 1, 2, 9])) as ArrayRef,
        ),
        (
            "name",
            Arc::new(StringArray::from(vec!["rex", "tom", "kit", "ufo"])),
        ),
    ]);
    Context {
        tables: vec![table("people", vec![people]), table("pets", vec![pets])],
        stores: Vec::new(),
        values: values(),
        time_max: None,
        time_spent: std::time::Duration::ZERO,
        time_setting: "max_execution_time",
    }
}

/// Waits until all queries have given their memory back.
pub(crate) async fn drained(world: &World) {
    let empty = async {
        while world.engine.memory_bytes() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), empty)
        .await
        .unwrap();
}
