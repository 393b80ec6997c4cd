//! External files: CSV by MySQL's rules, Parquet with names in upper case, inferred columns, errors with places.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::Schema;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use stagedoor_query::{
    Context, CsvReadOptions, Error, ErrorKind, FileFormat, FileRef, Source, StoreList,
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
            "price double",
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
