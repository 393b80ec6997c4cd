//! Tables that the tests write: one of every type, one of awkward texts.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;

/// A nullable column.
pub(crate) fn column(name: &str, array: impl Array + 'static) -> (Field, ArrayRef) {
    (
        Field::new(name, array.data_type().clone(), true),
        Arc::new(array),
    )
}

pub(crate) fn table(columns: Vec<(Field, ArrayRef)>) -> RecordBatch {
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

/// Texts that a careless writer damages, with a NULL among them.
pub(crate) fn awkward() -> RecordBatch {
    let texts = [
        Some(""),
        None,
        Some("\\N"),
        Some("plain"),
        Some("a,b"),
        Some("say \"hi\""),
        Some("back\\slash"),
        Some("line\nfeed"),
        Some("carriage\r\nreturn"),
        Some(" spaces "),
        Some("=1+1"),
        Some("-5"),
        Some("@a"),
        Some("NULL"),
        Some("\\."),
        Some("Grüße, 世界"),
        Some("a long text, longer than any slot of the encoder is"),
        Some("a long clean text that is longer than any slot of the encoder is"),
        Some("'"),
        Some("\t"),
    ];
    let ids = Int32Array::from_iter_values(0..texts.len() as i32);
    let views: StringViewArray = texts.iter().copied().collect();
    let strings: StringArray = texts.iter().copied().collect();
    let keys: DictionaryArray<Int8Type> = texts.iter().copied().collect();
    table(vec![
        column("id", ids),
        column("a view", views),
        column("a,string", strings),
        column("=dict", keys),
    ])
}

/// Three rows of every type: an ordinary value, NULL, an extreme.
pub(crate) fn every_type() -> RecordBatch {
    macro_rules! primitive {
        ($name:literal, $type:ty, $a:expr, $b:expr) => {
            column(
                $name,
                PrimitiveArray::<$type>::from(vec![Some($a), None, Some($b)]),
            )
        };
    }
    let decimal = |values: [i128; 2], precision, scale| {
        Decimal128Array::from(vec![Some(values[0]), None, Some(values[1])])
            .with_precision_and_scale(precision, scale)
            .unwrap()
    };
    let second = 1_709_210_096;
    let uuid = FixedSizeBinaryArray::try_from_sparse_iter_with_size(
        [Some([0x12_u8; 16]), None, Some([0xff; 16])].into_iter(),
        16,
    )
    .unwrap();
    let (uuid_field, uuid) = column("uuid", uuid);
    let uuid_field = uuid_field
        .with_metadata([("ARROW:extension:name".to_owned(), "arrow.uuid".to_owned())].into());
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![Some(1), None, Some(-3)]),
        None,
        Some(vec![]),
    ]);
    let inner: Vec<(FieldRef, ArrayRef)> = vec![
        (
            Arc::new(Field::new("k", DataType::Int64, true)),
            Arc::new(Int64Array::from(vec![1, 2, 3])),
        ),
        (
            Arc::new(Field::new("t \"x\"", DataType::Utf8, true)),
            Arc::new(StringArray::from(vec!["a\"b", "", "\\"])),
        ),
        (
            Arc::new(Field::new("d", DataType::Date32, true)),
            Arc::new(Date32Array::from(vec![0, 1, 2])),
        ),
        (
            Arc::new(Field::new("b", DataType::Binary, true)),
            Arc::new(BinaryArray::from(vec![&b"ab"[..], b"abc", b"\xff"])),
        ),
    ];
    let runs = RunArray::<Int32Type>::try_new(
        &Int32Array::from(vec![2, 3]),
        &StringArray::from(vec![Some("run"), None]),
    )
    .unwrap();
    let mut map = MapBuilder::new(None, StringBuilder::new(), Float64Builder::new());
    map.keys().append_value("pi");
    map.values().append_value(3.5);
    map.append(true).unwrap();
    map.append(false).unwrap();
    map.append(true).unwrap();
    table(vec![
        primitive!("i8", Int8Type, 7, i8::MIN),
        primitive!("i16", Int16Type, 7, i16::MIN),
        primitive!("i32", Int32Type, 7, i32::MIN),
        primitive!("i64", Int64Type, 7, i64::MIN),
        primitive!("u8", UInt8Type, 7, u8::MAX),
        primitive!("u16", UInt16Type, 7, u16::MAX),
        primitive!("u32", UInt32Type, 7, u32::MAX),
        primitive!("u64", UInt64Type, 7, u64::MAX),
        column("f16", cast_f16()),
        primitive!("f32", Float32Type, 0.1, f32::MAX),
        primitive!("f64", Float64Type, -0.0, 1e20),
        column("d15_2", decimal([5_000_000, -1], 15, 2)),
        column("d38_10", decimal([1, i128::MAX / 2], 38, 10)),
        column(
            "d256",
            Decimal256Array::from(vec![Some(i256::MAX), None, Some(i256::from_i128(-5))])
                .with_precision_and_scale(76, 3)
                .unwrap(),
        ),
        column(
            "bool",
            BooleanArray::from(vec![Some(true), None, Some(false)]),
        ),
        primitive!("date32", Date32Type, 19_782, -719_468),
        primitive!("date64", Date64Type, 1_709_164_800_000, 0),
        primitive!("time_s", Time32SecondType, 3_661, 86_399),
        primitive!("time_ms", Time32MillisecondType, 3_661_001, 86_399_999),
        primitive!(
            "time_us",
            Time64MicrosecondType,
            3_661_000_001,
            86_399_999_999
        ),
        primitive!(
            "time_ns",
            Time64NanosecondType,
            3_661_000_000_001,
            86_399_999_999_999
        ),
        primitive!("ts_s", TimestampSecondType, second, -1),
        primitive!("ts_ms", TimestampMillisecondType, second * 1000 + 1, -1),
        primitive!(
            "ts_us",
            TimestampMicrosecondType,
            second * 1_000_000 + 1,
            -1
        ),
        primitive!(
            "ts_ns",
            TimestampNanosecondType,
            second * 1_000_000_000 + 1,
            -1
        ),
        column(
            "ts_zone",
            TimestampSecondArray::from(vec![Some(second), None, Some(1_720_000_000)])
                .with_timezone("Europe/Berlin"),
        ),
        column(
            "ts_utc",
            TimestampMicrosecondArray::from(vec![Some(second * 1_000_000), None, Some(0)])
                .with_timezone("+00:00"),
        ),
        primitive!("duration", DurationMillisecondType, -90_061_001, 0),
        primitive!("months", IntervalYearMonthType, 14, 0),
        primitive!(
            "interval",
            IntervalMonthDayNanoType,
            IntervalMonthDayNano::new(1, -2, 500_000_000),
            IntervalMonthDayNano::new(0, 0, 0)
        ),
        (uuid_field, uuid),
        column(
            "large",
            LargeStringArray::from(vec![Some("large"), None, Some("")]),
        ),
        column(
            "binary",
            BinaryArray::from(vec![Some(&b"\x00\xff\"\\"[..]), None, Some(b"x")]),
        ),
        column(
            "bview",
            BinaryViewArray::from(vec![Some(&b"\x00\xff\"\\"[..]), None, Some(b"x")]),
        ),
        column("list", lists),
        column("struct", StructArray::from(inner)),
        column("map", map.finish()),
        column("runs", runs),
        column("null", NullArray::new(3)),
    ])
}

fn cast_f16() -> ArrayRef {
    let wide = Float32Array::from(vec![Some(1.5), None, Some(-65504.0)]);
    arrow::compute::cast(&wide, &DataType::Float16).unwrap()
}
