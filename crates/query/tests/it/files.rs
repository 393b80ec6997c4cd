//! External files: CSV by MySQL's rules, Parquet with names in upper case, inferred columns, errors with places.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::Schema;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use stagedoor_query::{
    Context, CsvReadOptions, Error, ErrorKind, FileFormat, FileRef, PathColumns, Source, StoreList,
    TableDefinition, arrow_field, field_sql_type, segment,
};
use url::Url;

use crate::support::{World, batch, values};

struct Files {
    stores: StoreList,
    url: Url,
    refs: Vec<FileRef>,
}

async fn files(contents: &[(&str, Vec<u8>)]) -> Files {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let url = Url::parse("stage://s").unwrap();
    let mut refs = Vec::new();
    for (path, bytes) in contents {
        store
            .put(&(*path).into(), bytes.clone().into())
            .await
            .unwrap();
        refs.push(FileRef {
            path: (*path).to_owned(),
            bytes: bytes.len() as u64,
            rows: None,
            checksums: None,
        });
    }
    Files {
        stores: vec![(url.clone(), store)],
        url,
        refs,
    }
}

impl Files {
    fn csv(&self, options: &CsvReadOptions) -> Source {
        Source::Files {
            store: self.url.clone(),
            files: self.refs.clone(),
            format: FileFormat::Csv(options.clone()),
            paths: PathColumns::default(),
        }
    }

    async fn query(
        &self,
        sql: &str,
        source: Source,
        columns: &[(&str, &str)],
    ) -> Result<String, Error> {
        let fields: Vec<_> = columns
            .iter()
            .map(|(name, sql_type)| arrow_field(name, sql_type, true).unwrap())
            .collect();
        let table = TableDefinition {
            database: "db".into(),
            name: "t".into(),
            schema: Some(Arc::new(Schema::new(fields))),
            source,
        };
        World::new()
            .text_in(
                sql,
                Context {
                    tables: vec![table],
                    stores: self.stores.clone(),
                    values: values(),
                    time_max: None,
                    time_spent: std::time::Duration::ZERO,
                    time_setting: "max_execution_time",
                },
            )
            .await
    }
}

#[tokio::test]
async fn csv_as_our_own_export_writes_it() {
    let text = b"id,name,d,when\n1,\"we\"\"d,er\",1.50,2024-02-29 01:02:03\n2,\\N,\\N,\\N\n3,\"\\\\N\",-0.05,\"2024-01-01 00:00:00\"\n";
    let files = files(&[
        ("a.csv", text.to_vec()),
        ("b.csv", b"id,name,d,when\n4,\"\",7,\\N\n".to_vec()),
    ])
    .await;
    let options = CsvReadOptions {
        ignore_lines: 1,
        ..CsvReadOptions::default()
    };
    let columns = [
        ("id", "int"),
        ("name", "varchar(20)"),
        ("d", "decimal(10,2)"),
        ("when", "datetime"),
    ];
    let got = files
        .query(
            "SELECT *, name IS NULL AS n FROM t",
            files.csv(&options),
            &columns,
        )
        .await
        .unwrap();
    assert_eq!(
        got,
        "id|name|d|when|n\n1|we\"d,er|1.50|2024-02-29 01:02:03|false\n2|NULL|NULL|NULL|true\n3|\\N|-0.05|2024-01-01 00:00:00|false\n4||7.00|NULL|false"
    );
    assert_eq!(
        files
            .query(
                "SELECT SUM(id) AS s FROM t WHERE d > 1",
                files.csv(&options),
                &columns
            )
            .await
            .unwrap(),
        "s\n5"
    );
}

#[tokio::test]
async fn csv_errors_name_the_place() {
    let files = files(&[("dir/a.csv", b"1,x\n2,y\nthree,z\n".to_vec())]).await;
    let options = CsvReadOptions::default();
    let error = files
        .query(
            "SELECT * FROM t",
            files.csv(&options),
            &[("id", "int"), ("n", "text")],
        )
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Incorrect integer value: 'three' for column 'id' at row 3 (file 'dir/a.csv', line 3)"
    );
    let error = files
        .query("SELECT * FROM t", files.csv(&options), &[("id", "int")])
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "row 1 has 2 fields, the table has 1 columns (file 'dir/a.csv', line 1)"
    );
    let bad = CsvReadOptions {
        fields_terminated: "\"".into(),
        ..options
    };
    let error = files
        .query(
            "SELECT * FROM t",
            files.csv(&bad),
            &[("id", "int"), ("n", "text")],
        )
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (
            ErrorKind::Invalid,
            "ENCLOSED BY must not be how a terminator begins"
        )
    );
}

#[tokio::test]
async fn columns_of_csv_are_inferred() {
    let files = files(&[("a.csv", b"Id,Price,Day,At,Flag,Name,Zip\n1,1.5,2024-01-01,2024-01-01 00:00:00,true,x,007\n2,3,\\N,2024-01-02,false,,08\n".to_vec())]).await;
    let options = CsvReadOptions {
        ignore_lines: 1,
        ..CsvReadOptions::default()
    };
    let schema = World::new()
        .engine
        .infer_schema(&files.csv(&options), &files.stores)
        .await
        .unwrap();
    let types: Vec<String> = schema
        .fields()
        .iter()
        .map(|field| format!("{} {}", field.name(), field_sql_type(field)))
        .collect();
    assert_eq!(
        types,
        [
            "id bigint",
            "price decimal(38,1)",
            "day date",
            "at datetime(6)",
            "flag boolean",
            "name longtext",
            "zip longtext"
        ]
    );
    let nothing = Source::Files {
        store: files.url.clone(),
        files: vec![],
        format: FileFormat::Parquet,
        paths: PathColumns::default(),
    };
    assert_eq!(
        World::new()
            .engine
            .infer_schema(&nothing, &files.stores)
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn parquet_names_are_found_in_any_case() {
    let data = batch(vec![(
        "UserId",
        Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef,
    )]);
    let mut bytes = Vec::new();
    segment::write([Ok(data.clone())], data.schema(), &mut bytes).unwrap();
    let files = files(&[("a.parquet", bytes)]).await;
    let source = Source::Files {
        store: files.url.clone(),
        files: files.refs.clone(),
        format: FileFormat::Parquet,
        paths: PathColumns::default(),
    };
    let world = World::new();
    let schema = world
        .engine
        .infer_schema(&source, &files.stores)
        .await
        .unwrap();
    let table = TableDefinition {
        database: "db".into(),
        name: "t".into(),
        schema: Some(schema),
        source,
    };
    let context = Context {
        tables: vec![table],
        stores: files.stores.clone(),
        values: values(),
        time_max: None,
        time_spent: std::time::Duration::ZERO,
        time_setting: "max_execution_time",
    };
    let text = world
        .text_in(
            "SELECT USERID, `UserId` + 1 FROM t WHERE userid > 1",
            context.clone(),
        )
        .await
        .unwrap();
    assert_eq!(text, "USERID|`UserId` + 1\n2|3\n3|4");
    let elsewhere = Context {
        stores: vec![],
        ..context
    };
    let error = world
        .text_in("SELECT userid FROM t", elsewhere)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("no store is known for stage://s/"),
        "{error}"
    );
}

/// A small file of Parquet with numbers and texts.
fn parquet() -> Vec<u8> {
    parquet_of(300)
}

fn parquet_of(rows: i64) -> Vec<u8> {
    let rows = batch(vec![
        (
            "id",
            Arc::new(Int64Array::from_iter_values(0..rows)) as ArrayRef,
        ),
        (
            "name",
            Arc::new(StringArray::from_iter_values(
                (0..rows).map(|row| format!("name {}", row % 17)),
            )),
        ),
    ]);
    let mut bytes = Vec::new();
    segment::write([Ok(rows.clone())], rows.schema(), &mut bytes).unwrap();
    bytes
}

/// Nobody has declared how many rows the files of others have: their footers tell, so that a join keeps the shorter
/// side in memory, whichever is named first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_of_files_keeps_the_shorter_one() {
    let files = files(&[
        ("short.parquet", parquet_of(20)),
        ("long.parquet", parquet_of(50_000)),
    ])
    .await;
    let fields = vec![
        arrow_field("id", "BIGINT", true).unwrap(),
        arrow_field("name", "TEXT", true).unwrap(),
    ];
    let schema = Arc::new(Schema::new(fields));
    let table = |name: &str, file: usize| TableDefinition {
        database: "db".into(),
        name: name.into(),
        schema: Some(Arc::clone(&schema)),
        source: Source::Files {
            store: files.url.clone(),
            files: vec![files.refs[file].clone()],
            format: FileFormat::Parquet,
            paths: PathColumns::default(),
        },
    };
    let context = Context {
        tables: vec![table("short", 0), table("long", 1)],
        stores: files.stores.clone(),
        values: values(),
        time_max: None,
        time_spent: std::time::Duration::ZERO,
        time_setting: "max_execution_time",
    };
    let world = World::new();
    for from in ["long l JOIN short s", "short s JOIN long l"] {
        let sql = format!("SELECT COUNT(*), MAX(l.name) FROM {from} ON l.id = s.id");
        let query = world.engine.plan(&sql, context.clone()).await.unwrap();
        let plan = query.explain();
        let at = |file: &str| plan.find(file).unwrap();
        assert!(plan.contains("HashJoinExec"), "{plan}");
        // The side that is kept stands first.
        assert!(at("short.parquet") < at("long.parquet"), "{from}: {plan}");
        let text = world.text_in(&sql, context.clone()).await.unwrap();
        assert!(text.ends_with("\n20|name 9"), "{text}");
    }
}

/// The columns and the rows of one broken file, or the errors.
async fn read(world: &World, bytes: Vec<u8>) -> (Option<Error>, Option<Error>) {
    let files = files(&[("dir/broken.parquet", bytes)]).await;
    let source = Source::Files {
        store: files.url.clone(),
        files: files.refs.clone(),
        format: FileFormat::Parquet,
        paths: PathColumns::default(),
    };
    let inferred = world.engine.infer_schema(&source, &files.stores).await;
    let fields = vec![
        arrow_field("id", "BIGINT", true).unwrap(),
        arrow_field("name", "TEXT", true).unwrap(),
    ];
    let context = Context {
        tables: vec![TableDefinition {
            database: "db".into(),
            name: "t".into(),
            schema: Some(Arc::new(Schema::new(fields))),
            source,
        }],
        stores: files.stores.clone(),
        values: values(),
        time_max: None,
        time_spent: std::time::Duration::ZERO,
        time_setting: "max_execution_time",
    };
    let rows = world
        .text_in("SELECT id, name FROM t WHERE id >= 0", context)
        .await;
    (inferred.err(), rows.err())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_no_parquet_is_named() {
    let world = World::new();
    let footer = |length: u32| {
        let mut bytes = b"PAR1".to_vec();
        bytes.extend(length.to_le_bytes());
        bytes.extend(b"PAR1");
        bytes
    };
    for bytes in [
        Vec::new(),
        b"PAR1".to_vec(),
        footer(16),
        footer(0),
        footer(4),
        footer(u32::MAX),
        b"id,name\n1,ann\n2,bob\n".to_vec(),
        vec![0; 1000],
    ] {
        let (inferred, rows) = read(&world, bytes.clone()).await;
        for error in [inferred, rows] {
            let error = error.unwrap_or_else(|| unreachable!("{bytes:?} was read"));
            assert_eq!(error.kind(), ErrorKind::Io, "{error}");
            assert!(error.to_string().contains("dir/broken.parquet"), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_parquet_file_is_named_or_read_but_harms_nothing() {
    let world = World::new();
    let whole = parquet();
    assert!(matches!(read(&world, whole.clone()).await, (None, None)));
    let mut refused = 0;
    let cut = (0..whole.len())
        .step_by(13)
        .map(|length| whole[..length].to_vec());
    let flipped = (0..whole.len()).step_by(3).map(|at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        bytes
    });
    for bytes in cut.chain(flipped) {
        let (inferred, rows) = read(&world, bytes).await;
        for error in [inferred, rows].into_iter().flatten() {
            refused += 1;
            // Damaged metadata may also name other columns: an error of the query.
            if error.kind() == ErrorKind::Io || error.kind() == ErrorKind::Internal {
                assert!(error.to_string().contains("dir/broken.parquet"), "{error}");
            }
        }
    }
    assert!(refused > 100, "only {refused} were refused");
    assert!(matches!(read(&world, whole).await, (None, None)));
}

/// What is wrong with a file comes behind the rows before it, which have no more fields by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_behind_rows_is_told_as_its_own() {
    let options = CsvReadOptions::default();
    let columns = [("id", "BIGINT"), ("name", "TEXT")];
    for (text, wanted) in [
        ("1,a\n2,b\n3,\"x", "never closed (file 'f.csv', line 3)"),
        ("1,a\n2,b\n,\"x", "never closed (file 'f.csv', line 3)"),
        ("x,a\n2,b\n3,\"x", "line 1)"),
    ] {
        let files = files(&[("f.csv", text.as_bytes().to_vec())]).await;
        let read = files.query("SELECT id, name FROM t", files.csv(&options), &columns);
        let error = read.await.unwrap_err().to_string();
        assert!(error.contains(wanted), "{text:?}: {error}");
    }
}

#[tokio::test]
async fn a_damaged_csv_file_is_named() {
    let options = CsvReadOptions::default();
    for bytes in [
        b"1,\xff\xfe\n".to_vec(),
        b"9223372036854775808,x\n".to_vec(),
        b"\0\0\0,x\n".to_vec(),
        vec![b','; 70_000],
    ] {
        let files = files(&[("dir/broken.csv", bytes.clone())]).await;
        let read = files
            .query(
                "SELECT id, name FROM t",
                files.csv(&options),
                &[("id", "BIGINT"), ("name", "TEXT")],
            )
            .await;
        let error = read
            .err()
            .unwrap_or_else(|| unreachable!("{bytes:?} was read"));
        assert!(error.to_string().contains("dir/broken.csv"), "{error}");
    }
}
