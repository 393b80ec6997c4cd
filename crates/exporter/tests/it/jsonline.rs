//! JSON lines: every type against a golden file, values that come back, and what has no form in JSON.

use std::path::Path;

use arrow::array::*;
use arrow::datatypes::{DataType, Field, Int16Type};
use proptest::prelude::*;
use stagedoor_exporter::EncodeErrorKind;
use stagedoor_exporter::jsonline::{JsonLineEncoder, JsonLineOptions};

use crate::tables::{self, column, table};

fn encode(batch: &RecordBatch) -> String {
    let encoder = JsonLineEncoder::new(batch.schema_ref(), &JsonLineOptions::default()).unwrap();
    let mut out = Vec::new();
    encoder.encode(batch, 0, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn every_type_and_awkward_texts() {
    for (name, batch) in [
        ("types", tables::every_type()),
        ("texts", tables::awkward()),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(format!("{name}.jsonl"));
        let found = encode(&batch);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &found).unwrap();
        }
        assert_eq!(found, std::fs::read_to_string(&path).unwrap(), "{name}");
        for line in found.lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(value.as_object().unwrap().len(), batch.num_columns());
        }
    }
}

#[test]
fn declared_json_is_embedded_digit_for_digit() {
    let json = Field::new("j", DataType::Utf8, true)
        .with_metadata([("stagedoor:sql_type".to_owned(), "json".to_owned())].into());
    let texts = StringArray::from(vec![
        Some("{\"a b\": [1, 2.50], \"t\": \"x, \\\" y\"}"),
        None,
        Some("12345678901234567890.123456789012345678901"),
        Some("[\n1\t]"),
    ]);
    let batch = table(vec![(json.clone(), std::sync::Arc::new(texts) as ArrayRef)]);
    assert_eq!(
        encode(&batch),
        "{\"j\":{\"a b\":[1,2.50],\"t\":\"x, \\\" y\"}}\n{\"j\":null}\n{\"j\":12345678901234567890.123456789012345678901}\n{\"j\":[1]}\n"
    );
    let bad = StringArray::from(vec!["{}", "{oops"]);
    let batch = table(vec![(json, std::sync::Arc::new(bad) as ArrayRef)]);
    let encoder = JsonLineEncoder::new(batch.schema_ref(), &JsonLineOptions::default()).unwrap();
    let error = encoder.encode(&batch, 10, &mut Vec::new()).unwrap_err();
    assert_eq!((error.row(), error.column()), (Some(11), Some("j")));
}

#[test]
fn numbers_that_json_has_not_name_row_and_column() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let wide = Float64Array::from(vec![Some(1.0), None, Some(bad)]);
        let narrow = Float32Array::from(vec![Some(1.0), None, Some(bad as f32)]);
        for batch in [
            table(vec![column("f", wide)]),
            table(vec![column("f", narrow)]),
        ] {
            let encoder =
                JsonLineEncoder::new(batch.schema_ref(), &JsonLineOptions::default()).unwrap();
            let mut out = b"before".to_vec();
            let error = encoder.encode(&batch, 100, &mut out).unwrap_err();
            assert_eq!(error.kind(), EncodeErrorKind::Value);
            assert!(
                error.to_string().starts_with("row 103 of column 'f': ")
                    && error.to_string().ends_with("has no form in JSON"),
                "{error}"
            );
            assert_eq!(out, b"before");
        }
    }
    // Under a NULL anything may lie.
    let hidden = Float64Array::new(vec![f64::NAN].into(), Some(vec![false].into()));
    assert_eq!(encode(&table(vec![column("f", hidden)])), "{\"f\":null}\n");
}

#[test]
fn labels_are_keys_and_stand_once() {
    let one = || Int32Array::from(vec![1]);
    let batch = table(vec![
        column("b", one()),
        column("a \"q\"", one()),
        column(&"long".repeat(20), one()),
    ]);
    assert_eq!(
        encode(&batch),
        format!(
            "{{\"b\":1,\"a \\\"q\\\"\":1,\"{}\":1}}\n",
            "long".repeat(20)
        )
    );
    let twice = table(vec![column("a", one()), column("a", one())]);
    let error = JsonLineEncoder::new(twice.schema_ref(), &JsonLineOptions::default()).unwrap_err();
    assert_eq!(error.column(), Some("a"));
}

type Values = (
    Option<String>,
    Option<i64>,
    Option<u64>,
    Option<f64>,
    Option<i128>,
);

fn batch(rows: &[Values]) -> RecordBatch {
    let texts = || rows.iter().map(|row| row.0.as_deref());
    table(vec![
        column("view", texts().collect::<StringViewArray>()),
        column("text", texts().collect::<StringArray>()),
        column("dict", texts().collect::<DictionaryArray<Int16Type>>()),
        column("int", rows.iter().map(|row| row.1).collect::<Int64Array>()),
        column(
            "uint",
            rows.iter().map(|row| row.2).collect::<UInt64Array>(),
        ),
        column(
            "decimal",
            Decimal128Array::from_iter(rows.iter().map(|row| row.4))
                .with_precision_and_scale(38, 0)
                .unwrap(),
        ),
        column(
            "float",
            rows.iter().map(|row| row.3).collect::<Float64Array>(),
        ),
    ])
}

fn shown<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| value.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn values_come_back(
        rows in prop::collection::vec((
            prop::option::weighted(0.8, prop_oneof![
                4 => "[a\"\\\\\n\u{1}é\u{2028}]{0,40}",
                1 => "[a-z ]{20,100}",
                1 => "[ -~]{0,16}",
            ]),
            any::<Option<i64>>(),
            any::<Option<u64>>(),
            prop::option::of(prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::SUBNORMAL),
            prop::option::of(-10_i128.pow(38) + 1..10_i128.pow(38)),
        ), 0..30),
        skip in 0_usize..3,
    ) {
        let whole = batch(&rows);
        let skip = skip.min(rows.len());
        let found = encode(&whole.slice(skip, rows.len() - skip));
        prop_assert_eq!(found.lines().count(), rows.len() - skip);
        for (line, (text, int, uint, float, decimal)) in found.lines().zip(&rows[skip..]) {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            for key in ["view", "text", "dict"] {
                prop_assert_eq!(value[key].as_str(), text.as_deref());
            }
            let (_, numbers) = line.split_once(",\"int\":").unwrap();
            let (exact, rest) = numbers.split_once(",\"float\":").unwrap();
            let expected = format!("{},\"uint\":{},\"decimal\":{}", shown(*int), shown(*uint), shown(*decimal));
            prop_assert_eq!(exact, expected);
            let text = rest.strip_suffix('}').unwrap();
            match float {
                Some(float) => prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), float.to_bits()),
                None => prop_assert_eq!(text, "null"),
            }
        }
    }
}
