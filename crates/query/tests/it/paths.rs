//! Hive partitions and `__mo_filepath` of files in a store of the query's own: which files are opened, and how columns
//! are arranged.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::Schema;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use stagedoor_query::{
    Context, CsvReadOptions, Error, FileFormat, FileRef, PathColumns, Source, StoreList,
    TableDefinition, arrow_field, field_sql_type, segment,
};
use url::Url;

use crate::support::{World, batch, values};

struct Files {
    stores: StoreList,
    source: Source,
}

/// Files of which those without bytes are listed and not there: whoever opens one fails.
async fn files(
    contents: &[(&str, Option<Vec<u8>>)],
    format: FileFormat,
    undeclared: bool,
) -> Files {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let url = Url::parse("stage://s").unwrap();
    let mut refs = Vec::new();
    for (path, bytes) in contents {
        if let Some(bytes) = bytes {
            let bytes = bytes.clone().into();
            store.put(&(*path).into(), bytes).await.unwrap();
        }
        let length = bytes.as_ref().map_or(100, Vec::len);
        refs.push(FileRef::new(*path, length as u64));
    }
    Files {
        stores: vec![(url.clone(), store)],
        source: Source::Files {
            store: url,
            files: refs,
            format,
            paths: PathColumns {
                hive: true,
                undeclared,
                place: Some("stage://s/".to_owned()),
            },
        },
    }
}

impl Files {
    async fn query(&self, sql: &str, columns: &[(&str, &str)]) -> Result<String, Error> {
        let world = World::new();
        let schema = match columns {
            [] => {
                world
                    .engine
                    .infer_schema(&self.source, &self.stores)
                    .await?
            }
            columns => {
                let fields = columns
                    .iter()
                    .map(|(name, sql_type)| arrow_field(name, sql_type, true).unwrap());
                Arc::new(Schema::new(fields.collect::<Vec<_>>()))
            }
        };
        let table = TableDefinition {
            database: "db".into(),
            name: "t".into(),
            schema: Some(schema),
            source: self.source.clone(),
        };
        let context = Context {
            tables: vec![table],
            stores: self.stores.clone(),
            values: values(),
            time_max: None,
            time_spent: std::time::Duration::ZERO,
            time_setting: "max_execution_time",
        };
        world.text_in(sql, context).await
    }
}

fn csv() -> FileFormat {
    FileFormat::Csv(CsvReadOptions::default())
}

#[tokio::test]
async fn only_chosen_files_are_opened() {
    let parquet = |ids: Vec<i64>| {
        let rows = batch(vec![("id", Arc::new(Int64Array::from(ids)) as ArrayRef)]);
        let mut bytes = Vec::new();
        segment::write([Ok(rows.clone())], rows.schema(), &mut bytes).unwrap();
        Some(bytes)
    };
    let columns = [("id", "bigint"), ("k", "int")];
    let of_text = [
        ("k=1/a", Some(b"1\n2\n".to_vec())),
        ("k=2/a", None),
        ("k=__HIVE_DEFAULT_PARTITION__/a", Some(b"3\n".to_vec())),
    ];
    let of_parquet = [
        ("k=1/a", parquet(vec![1, 2])),
        ("k=2/a", None),
        ("k=__HIVE_DEFAULT_PARTITION__/a", parquet(vec![3])),
    ];
    for files in [
        files(&of_text, csv(), false).await,
        files(&of_parquet, FileFormat::Parquet, false).await,
    ] {
        for (sql, rows) in [
            ("SELECT id, k FROM t WHERE k = 1 AND id > 1", "id|k\n2|1"),
            ("SELECT k, id FROM t WHERE k IS NULL", "k|id\nNULL|3"),
            (
                "SELECT COUNT(*) AS n FROM t WHERE k < 2 OR k IS NULL",
                "n\n3",
            ),
            ("SELECT MAX(k) AS k FROM t WHERE ABS(k - 2) = 1", "k\n1"),
            ("SELECT id FROM t WHERE k = 7", "id"),
            ("SELECT k FROM t WHERE k <=> NULL", "k\nNULL"),
        ] {
            assert_eq!(files.query(sql, &columns).await.unwrap(), rows, "{sql}");
        }
        // Nothing says before it runs which files these are.
        for sql in [
            "SELECT COUNT(*) FROM t WHERE id = 1",
            "SELECT COUNT(id) FROM t WHERE k + id = 2",
        ] {
            assert!(files.query(sql, &columns).await.is_err(), "{sql}");
        }
    }
}

#[tokio::test]
async fn columns_stand_where_the_table_has_them() {
    let files = files(
        &[("z=9/y=b%20c/f.csv", Some(b"1,2\n3,4\n".to_vec()))],
        csv(),
        false,
    )
    .await;
    let columns = [
        ("Y", "varchar(9)"),
        ("a", "int"),
        ("z", "int"),
        ("b", "int"),
    ];
    let all = files.query("SELECT * FROM t ORDER BY a", &columns).await;
    assert_eq!(all.unwrap(), "y|a|z|b\nb c|1|9|2\nb c|3|9|4");
    let some = files
        .query("SELECT z, b, y FROM t WHERE a > 1", &columns)
        .await;
    assert_eq!(some.unwrap(), "z|b|y\n9|4|b c");
    let path = files
        .query("SELECT *, __MO_FilePath AS f FROM t WHERE a = 1", &columns)
        .await;
    assert_eq!(
        path.unwrap(),
        "y|a|z|b|f\nb c|1|9|2|stage://s/z=9/y=b%20c/f.csv"
    );
    let none = files
        .query(
            "SELECT 1 FROM t WHERE z = 9",
            &[("z", "int"), ("y", "text")],
        )
        .await;
    assert!(
        none.unwrap_err()
            .to_string()
            .contains("every column of the table"),
    );
}

#[tokio::test]
async fn types_of_folders_are_the_narrowest() {
    let text = b"x\n1\n".to_vec();
    let options = CsvReadOptions {
        ignore_lines: 1,
        header: true,
        undeclared: true,
        ..CsvReadOptions::default()
    };
    let of = |paths: [&'static str; 2]| paths.map(|path| (path, Some(text.clone())));
    for (paths, expected) in [
        (["n=1/a", "n=-2/a"], "bigint"),
        (["n=1/a", "n=2.50/a"], "decimal(38,2)"),
        (["n=2026-01-01/a", "n=__HIVE_DEFAULT_PARTITION__/a"], "date"),
        (["n=007/a", "n=1/a"], "longtext"),
    ] {
        let files = files(&of(paths), FileFormat::Csv(options.clone()), true).await;
        let world = World::new();
        let found = world
            .engine
            .infer_schema(&files.source, &files.stores)
            .await;
        let found = found.unwrap();
        assert_eq!(found.field(0).name(), "x");
        assert_eq!(field_sql_type(found.field(1)), expected, "{paths:?}");
        let rows = files.query("SELECT COUNT(n) FROM t", &[]).await;
        assert!(rows.is_ok(), "{rows:?}");
    }
    // A value that came later.
    let later = files(&of(["n=1/a", "n=1.5/a"]), FileFormat::Csv(options), true).await;
    let error = later
        .query("SELECT n FROM t", &[("x", "bigint"), ("n", "bigint")])
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("'1.5' for column 'n' is not exactly a bigint"),
        "{error}"
    );
}
