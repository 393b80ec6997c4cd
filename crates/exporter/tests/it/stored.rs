//! Parquet and Arrow files, read back by their own readers: real types, the same values, every file within its limit.

use std::io::Cursor;

use arrow::array::*;
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Int16Type, Schema, TimeUnit};
use arrow_ipc::reader::FileReader;
use futures::executor::block_on;
use futures::stream;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use proptest::prelude::*;
use stagedoor_exporter::{
    ArrowCompression, EncodeErrorKind, ExportOptions, MemorySink, ParquetCompression, export,
};

use crate::files::written;
use crate::tables::{column, every_type, table};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Parquet(ParquetCompression),
    Arrow(ArrowCompression),
}

const KINDS: [Kind; 6] = [
    Kind::Parquet(ParquetCompression::None),
    Kind::Parquet(ParquetCompression::Snappy),
    Kind::Parquet(ParquetCompression::Zstd { level: 1 }),
    Kind::Arrow(ArrowCompression::None),
    Kind::Arrow(ArrowCompression::Lz4),
    Kind::Arrow(ArrowCompression::Zstd { level: 1 }),
];

impl Kind {
    fn options(self, schema: &arrow::datatypes::SchemaRef) -> ExportOptions {
        match self {
            Self::Parquet(compression) => ExportOptions::parquet(schema, compression),
            Self::Arrow(compression) => ExportOptions::arrow(schema, compression),
        }
        .unwrap()
    }

    fn read(self, file: &[u8]) -> RecordBatch {
        match self {
            Self::Parquet(_) => {
                let bytes = bytes::Bytes::copy_from_slice(file);
                let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
                let schema = builder.schema().clone();
                let batches: Vec<RecordBatch> =
                    builder.build().unwrap().map(Result::unwrap).collect();
                concat_batches(&schema, &batches).unwrap()
            }
            Self::Arrow(_) => {
                let reader = FileReader::try_new(Cursor::new(file), None).unwrap();
                let schema = reader.schema();
                let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
                concat_batches(&schema, &batches).unwrap()
            }
        }
    }
}

/// The type in which a column comes back.
fn stored_type(kind: Kind, data_type: &DataType) -> DataType {
    let is_parquet = matches!(kind, Kind::Parquet(_));
    match data_type {
        DataType::Dictionary(_, value) => stored_type(kind, value),
        DataType::RunEndEncoded(_, values) => stored_type(kind, values.data_type()),
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Timestamp(TimeUnit::Second, zone) if is_parquet => {
            DataType::Timestamp(TimeUnit::Millisecond, zone.clone())
        }
        DataType::Time32(TimeUnit::Second) if is_parquet => DataType::Time32(TimeUnit::Millisecond),
        DataType::Date64 if is_parquet => DataType::Date32,
        other => other.clone(),
    }
}

#[test]
fn every_type_comes_back() {
    let whole = every_type();
    // What Parquet has no type for is refused by name, below.
    let kept: Vec<usize> = (0..whole.num_columns())
        .filter(|at| whole.schema().field(*at).name() != "interval")
        .collect();
    for kind in KINDS {
        let batch = match kind {
            Kind::Parquet(_) => whole.project(&kept).unwrap(),
            Kind::Arrow(_) => whole.clone(),
        };
        let (report, files) = written(kind.options(batch.schema_ref()), vec![batch.clone()]);
        assert_eq!((report.rows, files.len()), (3, 1), "{kind:?}");
        let read = kind.read(&files[0]);
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let found = read.column_by_name(field.name()).unwrap();
            let stored = stored_type(kind, field.data_type());
            let expected = match field.data_type() {
                DataType::RunEndEncoded(..) => {
                    std::sync::Arc::new(StringArray::from(vec![Some("run"), Some("run"), None]))
                }
                _ => cast(column, &stored).unwrap(),
            };
            assert_eq!(found, &expected, "{kind:?}, column {}", field.name());
        }
    }
}

#[test]
fn a_type_that_parquet_has_not_is_named() {
    let whole = every_type();
    let at = whole.schema().index_of("interval").unwrap();
    let batch = whole.project(&[at]).unwrap();
    let error =
        ExportOptions::parquet(batch.schema_ref(), ParquetCompression::default()).unwrap_err();
    assert_eq!(error.kind(), EncodeErrorKind::UnsupportedType);
    assert_eq!(error.column(), Some("interval"));
}

#[test]
fn a_time_beyond_its_day_names_row_and_column() {
    let time = |value: i64| {
        let values = Time64MicrosecondArray::from(vec![Some(0), None, Some(value)]);
        table(vec![column("t", values)])
    };
    for kind in KINDS {
        let day = 86_400_000_000;
        for bad in [-1, day] {
            let options = kind.options(time(0).schema_ref());
            let batches = [time(day - 1), time(bad)].map(Ok::<_, std::io::Error>);
            let error = block_on(export(
                stream::iter(batches),
                MemorySink::default(),
                options,
            ))
            .unwrap_err();
            let error = error.encode_error().unwrap();
            assert_eq!(
                (error.row(), error.column()),
                (Some(5), Some("t")),
                "{kind:?}"
            );
        }
    }
    // Under a NULL anything may lie.
    let hidden = Time64MicrosecondArray::new(vec![-1].into(), Some(vec![false].into()));
    let batch = table(vec![column("t", hidden)]);
    let (report, _) = written(KINDS[0].options(batch.schema_ref()), vec![batch]);
    assert_eq!(report.rows, 1);
}

#[test]
fn declared_types_and_statistics_are_in_the_file() {
    let declared = |name: &str, data_type, sql: &str, nullable| {
        Field::new(name, data_type, nullable)
            .with_metadata([("stagedoor:sql_type".to_owned(), sql.to_owned())].into())
    };
    let schema = std::sync::Arc::new(Schema::new(vec![
        declared("id", DataType::Int64, "bigint", false),
        declared("name", DataType::Utf8View, "varchar(20)", true),
    ]));
    let columns: Vec<ArrayRef> = vec![
        std::sync::Arc::new(Int64Array::from(vec![3, 1, 2])),
        std::sync::Arc::new(StringViewArray::from(vec![Some("b"), None, Some("a")])),
    ];
    let batch = RecordBatch::try_new(schema.clone(), columns).unwrap();
    for kind in [KINDS[2], KINDS[5]] {
        let (_, files) = written(kind.options(&schema), vec![batch.clone()]);
        let read = kind.read(&files[0]).schema();
        assert_eq!(
            read.field(1).metadata().get("stagedoor:sql_type").unwrap(),
            "varchar(20)"
        );
        assert!(!read.field(0).is_nullable() && read.field(1).is_nullable());
    }
    let (_, files) = written(KINDS[2].options(&schema), vec![batch]);
    let bytes = bytes::Bytes::from(files[0].clone());
    let reader = SerializedFileReader::new(bytes).unwrap();
    let group = reader.metadata().row_group(0);
    let statistics = group.column(0).statistics().unwrap();
    assert_eq!(statistics.min_bytes_opt().unwrap(), 1_i64.to_le_bytes());
    assert_eq!(statistics.max_bytes_opt().unwrap(), 3_i64.to_le_bytes());
    assert_eq!(
        group.column(1).statistics().unwrap().null_count_opt(),
        Some(1)
    );
}

#[test]
fn empty_results_have_the_schema() {
    let batch = every_type().project(&[0, 9, 31]).unwrap();
    for kind in KINDS {
        let (report, files) = written(kind.options(batch.schema_ref()), Vec::new());
        assert_eq!((report.rows, files.len()), (0, 1));
        let read = kind.read(&files[0]);
        assert_eq!((read.num_rows(), read.num_columns()), (0, 3), "{kind:?}");
        assert_eq!(read.schema().field(0).data_type(), &DataType::Int8);
    }
}

fn rows(values: &[(i64, Option<String>)]) -> RecordBatch {
    let texts = || values.iter().map(|row| row.1.as_deref());
    table(vec![
        column(
            "id",
            Int64Array::from_iter_values(values.iter().map(|row| row.0)),
        ),
        column("text", texts().collect::<StringViewArray>()),
        column("dict", texts().collect::<DictionaryArray<Int16Type>>()),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn rows_come_back_and_no_file_is_over_the_limit(
        values in prop::collection::vec((any::<i64>(), prop::option::weighted(0.8, "[a-z]{0,60}")), 1..400),
        limit in prop::option::of(3000_u64..20_000),
        kind in prop::sample::select(KINDS.to_vec()),
        step in 1_usize..200,
    ) {
        let batch = rows(&values);
        let batches = (0..batch.num_rows()).step_by(step);
        let batches = batches.map(|at| batch.slice(at, step.min(batch.num_rows() - at))).collect();
        let mut options = kind.options(batch.schema_ref()).threads(2).chunk_bytes(5000);
        if let Some(limit) = limit {
            options = options.file_bytes_max(limit).unwrap();
        }
        let (report, files) = written(options, batches);
        prop_assert_eq!(report.rows, values.len() as u64);
        for file in &report.files {
            prop_assert!(file.rows > 0);
            prop_assert!(limit.is_none_or(|limit| file.bytes <= limit) || file.rows == 1, "{:?} of {:?}", file, limit);
        }
        let read: Vec<RecordBatch> = files.iter().map(|file| kind.read(file)).collect();
        let read = concat_batches(&read[0].schema(), &read).unwrap();
        for (at, column) in batch.columns().iter().enumerate() {
            let expected = cast(column, &stored_type(kind, column.data_type())).unwrap();
            prop_assert_eq!(read.column(at), &expected, "column {}", at);
        }
    }
}
