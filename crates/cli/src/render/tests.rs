//! Every format over the values that are easy to confuse or to draw wrong.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, NullArray, RecordBatch,
    StringArray, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow::datatypes::Schema;
use proto::v1::{Export, ExportFile};

use super::*;

fn render(format: Format, batches: &[RecordBatch]) -> String {
    let mut out = Vec::new();
    let mut rows = Rows::new(format, &batches[0].schema());
    for batch in batches {
        rows.write(&mut out, batch).unwrap();
    }
    rows.finish(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn people() -> RecordBatch {
    batch(vec![
        (
            "id",
            Arc::new(Int64Array::from(vec![Some(1), None, Some(300)])),
        ),
        (
            "name",
            Arc::new(StringArray::from(vec![Some("weder"), Some(""), None])),
        ),
        (
            "note",
            Arc::new(StringArray::from(vec![
                Some("a,\"b\""),
                Some("數據"),
                Some("two\nlines"),
            ])),
        ),
    ])
}

#[test]
fn rows_stand_one_below_the_other() {
    let expected = "\
*************************** 1. row ***************************
  id: 1
name: weder
note: a,\"b\"
*************************** 2. row ***************************
  id: NULL
name:\x20
note: 數據
*************************** 3. row ***************************
  id: 300
name: NULL
note: two
lines
";
    assert_eq!(render(Format::Vertical, &[people()]), expected);
}

#[test]
fn a_time_is_a_span_in_every_format() {
    let times = batch(vec![(
        "t",
        Arc::new(Time64MicrosecondArray::from(vec![
            Some(-3_661_000_000),
            Some(3_020_399_000_000),
            Some(1_500_000),
            Some(-1),
            None,
        ])) as ArrayRef,
    )]);
    assert_eq!(
        render(Format::Csv, std::slice::from_ref(&times)),
        "t\r\n-01:01:01\r\n838:59:59\r\n00:00:01.500\r\n-00:00:00.000001\r\n\r\n"
    );
    assert_eq!(
        render(Format::Json, std::slice::from_ref(&times)),
        "{\"t\":\"-01:01:01\"}\n{\"t\":\"838:59:59\"}\n{\"t\":\"00:00:01.500\"}\n{\"t\":\"-00:00:00.000001\"}\n{\"t\":null}\n"
    );
    assert!(render(Format::Table, &[times]).contains("| 838:59:59        |"));
}

#[test]
fn a_point_in_no_calendar_is_an_error_and_no_value() {
    let points = batch(vec![(
        "p",
        Arc::new(TimestampMicrosecondArray::from(vec![i64::MAX])) as ArrayRef,
    )]);
    for format in [Format::Table, Format::Csv, Format::Json] {
        let mut rows = Rows::new(format, &points.schema());
        let error = rows.write(&mut Vec::new(), &points).unwrap_err();
        assert!(error.to_string().contains("column 'p'"), "{error}");
    }
}

#[test]
fn a_table_aligns_numbers_wide_characters_and_lines() {
    let expected = "\
+------+-------+-------+
| id   | name  | note  |
+------+-------+-------+
|    1 | weder | a,\"b\" |
| NULL |       | 數據  |
|  300 | NULL  | two   |
|      |       | lines |
+------+-------+-------+
";
    assert_eq!(render(Format::Table, &[people()]), expected);
}

#[test]
fn csv_keeps_null_and_empty_apart() {
    let expected =
        "id,name,note\r\n1,weder,\"a,\"\"b\"\"\"\r\n,\"\",數據\r\n300,,\"two\nlines\"\r\n";
    assert_eq!(render(Format::Csv, &[people()]), expected);
}

#[test]
fn json_is_one_object_per_line_in_column_order() {
    let expected = "{\"id\":1,\"name\":\"weder\",\"note\":\"a,\\\"b\\\"\"}\n{\"id\":null,\"name\":\"\",\"note\":\"數據\"}\n{\"id\":300,\"name\":null,\"note\":\"two\\nlines\"}\n";
    assert_eq!(render(Format::Json, &[people()]), expected);
}

#[test]
fn an_empty_result_has_a_header_in_csv_only() {
    let none = people().slice(0, 0);
    assert_eq!(
        render(Format::Csv, std::slice::from_ref(&none)),
        "id,name,note\r\n"
    );
    assert_eq!(render(Format::Table, std::slice::from_ref(&none)), "");
    assert_eq!(render(Format::Json, &[none]), "");
}

#[test]
fn typed_values_read_as_mysql_writes_them() {
    let typed = batch(vec![
        ("d", Arc::new(Date32Array::from(vec![9_000]))),
        (
            "t",
            Arc::new(TimestampMicrosecondArray::from(vec![1_500_000])),
        ),
        (
            "m",
            Arc::new(
                Decimal128Array::from(vec![1230])
                    .with_precision_and_scale(15, 2)
                    .unwrap(),
            ),
        ),
        ("f", Arc::new(Float64Array::from(vec![0.1]))),
        ("n", Arc::new(NullArray::new(1))),
    ]);
    assert_eq!(
        render(Format::Csv, std::slice::from_ref(&typed)),
        "d,t,m,f,n\r\n1994-08-23,1970-01-01 00:00:01.500,12.30,0.1,\r\n"
    );
    let json: serde_json::Value = serde_json::from_str(&render(Format::Json, &[typed])).unwrap();
    assert_eq!(json["n"], serde_json::Value::Null);
    assert_eq!(json["d"], "1994-08-23");
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let nasty = batch(vec![(
        "a",
        Arc::new(StringArray::from(vec!["\u{1b}[2J\t"])),
    )]);
    let text = render(Format::Table, &[nasty]);
    assert!(text.contains("\\u{1b}[2J\\t"), "{text}");
}

#[test]
fn a_long_table_draws_later_rows_by_the_first_widths() {
    let short = batch(vec![(
        "n",
        Arc::new(Int64Array::from(vec![7; table::HELD_ROWS_MAX])),
    )]);
    let wide = batch(vec![("n", Arc::new(Int64Array::from(vec![123_456])))]);
    let mut out = Vec::new();
    let mut rows = Rows::new(Format::Table, &Schema::clone(&short.schema()));
    rows.write(&mut out, &short).unwrap();
    assert!(
        out.ends_with(b"| 7 |\n"),
        "the first rows go out once the limit is reached"
    );
    rows.write(&mut out, &wide).unwrap();
    rows.finish(&mut out).unwrap();
    assert!(out.ends_with(b"| 7 |\n| 123456 |\n+---+\n"));
}

fn export() -> Export {
    Export {
        name: "exports/01J".to_owned(),
        target: "stage://stage1/user.csv".to_owned(),
        stage: "stage1".to_owned(),
        stage_version: 2,
        rows: 3,
        bytes: 66,
        files: vec![ExportFile {
            path: "user.csv".to_owned(),
            rows: 3,
            bytes: 66,
            sha256: "ab12".to_owned(),
            blake3: String::new(),
        }],
        ..Default::default()
    }
}

fn report(format: Format, export: &Export) -> String {
    let mut out = Vec::new();
    export_report(&mut out, format, export, 0.25).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn an_export_reports_itself_in_each_format() {
    assert_eq!(
        report(Format::Table, &export()),
        "exported 3 rows, 66 bytes to stage://stage1/user.csv (id 01J, sha256 ab12)\n"
    );
    assert_eq!(
        report(Format::Csv, &export()),
        "export_id,path,rows,bytes,sha256\r\n01J,user.csv,3,66,ab12\r\n"
    );
    let object: serde_json::Value = serde_json::from_str(&report(Format::Json, &export())).unwrap();
    assert_eq!(object["id"], "01J");
    assert_eq!(object["seconds"], 0.25);
    assert_eq!(object["files"][0]["sha256"], "ab12");
    let mut other = export();
    other.files[0].blake3 = std::mem::take(&mut other.files[0].sha256);
    assert!(report(Format::Table, &other).contains("(id 01J, blake3 ab12)"));
    assert!(report(Format::Csv, &other).starts_with("export_id,path,rows,bytes,blake3\r\n"));
    let object: serde_json::Value = serde_json::from_str(&report(Format::Json, &other)).unwrap();
    assert_eq!(object["files"][0]["blake3"], "ab12");
    assert_eq!(object["files"][0].get("sha256"), None);
}

#[test]
fn several_files_are_counted() {
    let mut export = export();
    export.files.push(ExportFile::default());
    export.rows = 1;
    assert_eq!(
        report(Format::Table, &export),
        "exported 1 row, 66 bytes to stage://stage1/user.csv (id 01J, 2 files)\n"
    );
}
