//! What is refused before the first byte, and the values that are refused with their row and column.

use arrow::array::*;
use stagedoor_exporter::csv::{CsvEncoder, CsvOptions, Dialect};
use stagedoor_exporter::{EncodeError, EncodeErrorKind};

use crate::tables::{awkward, column, table};

fn refusal(batch: &RecordBatch, options: CsvOptions) -> EncodeError {
    CsvEncoder::new(batch.schema_ref(), options).unwrap_err()
}

#[test]
fn clashing_options() {
    let base = CsvOptions::default;
    let cases = [
        (
            with!(base(), fields_terminated: String::new()),
            "FIELDS TERMINATED BY must not be empty",
        ),
        (
            with!(base(), lines_terminated: String::new()),
            "LINES TERMINATED BY must not be empty",
        ),
        (with!(base(), fields_terminated: "\"".into()), "ENCLOSED BY"),
        (with!(base(), lines_terminated: ",\n".into()), "begin alike"),
        (with!(base(), fields_terminated: "\\".into()), "ESCAPED BY"),
        (with!(base(), enclosed: Some(b'x')), "neither a letter"),
        (with!(base(), escaped: Some(0xe9)), "ASCII"),
        (with!(base(), null: "a,b".into()), "NULL AS"),
        (with!(base(), null: "\\".into()), "NULL AS"),
        (with!(base(), null: "\"\"".into()), "NULL AS"),
        (
            with!(base(), enclosed: None,
                fields_terminated: "t".into()),
            "0 b n r t N Z",
        ),
        (
            with!(CsvOptions::dialect(Dialect::Excel), enclosed: None),
            "formula guard",
        ),
        (
            with!(base(), enclosed: None,
                force_quote: vec!["id".into()]),
            "FORCE_QUOTE needs",
        ),
        (with!(base(), force_quote: vec!["nope".into()]), "'nope'"),
        (
            with!(base(), time_zone: Some("Mars/Olympus".into())),
            "Mars/Olympus",
        ),
    ];
    for (options, part) in cases {
        let error = refusal(&awkward(), options);
        assert_eq!(error.kind(), EncodeErrorKind::InvalidOptions, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    let error = refusal(&awkward(), with!(base(), force_quote: vec!["nope".into()]));
    assert!(
        error
            .to_string()
            .ends_with("its columns are id, a view, a,string, =dict"),
        "{error}"
    );
}

#[test]
fn an_unsupported_type_names_its_column() {
    let union = UnionArray::try_new(
        [(
            0,
            std::sync::Arc::new(arrow::datatypes::Field::new(
                "a",
                arrow::datatypes::DataType::Int32,
                true,
            )),
        )]
        .into_iter()
        .collect(),
        vec![0_i8].into(),
        None,
        vec![std::sync::Arc::new(Int32Array::from(vec![1])) as ArrayRef],
    )
    .unwrap();
    let error = refusal(
        &table(vec![column("strange", union)]),
        CsvOptions::default(),
    );
    assert_eq!(
        (error.kind(), error.column()),
        (EncodeErrorKind::UnsupportedType, Some("strange"))
    );
    assert!(error.to_string().contains("Union"), "{error}");
}

#[test]
fn a_value_that_cannot_be_told_apart_names_row_and_column() {
    let plain = with!(CsvOptions::default(), enclosed: None,
        escaped: None,
        header: false);
    let refuse = |texts: Vec<&str>, options: &CsvOptions| {
        let batch = table(vec![column("t", StringArray::from(texts))]);
        let encoder = CsvEncoder::new(batch.schema_ref(), options.clone()).unwrap();
        encoder.encode(&batch, 40, &mut Vec::new()).unwrap_err()
    };
    let error = refuse(vec!["fine", "a,b"], &plain);
    assert_eq!(
        (error.kind(), error.row(), error.column()),
        (EncodeErrorKind::Value, Some(41), Some("t"))
    );
    assert!(
        error
            .to_string()
            .starts_with("row 42 of column 't': byte 0x2c at offset 1"),
        "{error}"
    );
    assert_eq!(refuse(vec!["\\N"], &plain).row(), Some(40));
    let empty = with!(plain, null: String::new());
    assert!(refuse(vec![""], &empty).to_string().contains("empty text"));
    let nan = table(vec![column(
        "l",
        ListArray::from_iter_primitive::<arrow::datatypes::Float64Type, _, _>([Some([Some(
            f64::NAN,
        )])]),
    )]);
    let encoder = CsvEncoder::new(nan.schema_ref(), CsvOptions::default()).unwrap();
    let error = encoder.encode(&nan, 0, &mut Vec::new()).unwrap_err();
    assert!(
        error.to_string().contains("NaN has no form in JSON"),
        "{error}"
    );
}

#[test]
fn a_batch_of_another_schema() {
    let encoder = CsvEncoder::new(awkward().schema_ref(), CsvOptions::default()).unwrap();
    let other = table(vec![column("id", Int64Array::from(vec![1]))]);
    let error = encoder.encode(&other, 0, &mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), EncodeErrorKind::SchemaMismatch);
}

#[test]
fn thousands_of_columns_and_rows_in_odd_numbers() {
    let wide = table(
        (0..3000)
            .map(|at| column(&format!("c{at}"), Int32Array::from(vec![at; 37])))
            .collect(),
    );
    let options = with!(CsvOptions::default(), header: false);
    let encoder = CsvEncoder::new(wide.schema_ref(), options).unwrap();
    let mut out = Vec::new();
    encoder.encode(&wide, 0, &mut out).unwrap();
    let line = (0..3000)
        .map(|at: i32| at.to_string())
        .collect::<Vec<_>>()
        .join(",")
        + "\n";
    assert_eq!(String::from_utf8_lossy(&out), line.repeat(37));
}
