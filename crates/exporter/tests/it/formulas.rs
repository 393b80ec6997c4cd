//! The formula guard: texts that a spreadsheet would take for formulas are told from them, and no number is touched.

use arrow::array::*;
use arrow::datatypes::Int8Type;
use stagedoor_exporter::csv::{CsvOptions, Dialect, QuotePolicy};

use crate::golden::encode;
use crate::reader;
use crate::tables::{column, table};

fn excel(formula_guard: bool) -> CsvOptions {
    with!(CsvOptions::dialect(Dialect::Excel), bom: false, header: false, formula_guard: formula_guard)
}

/// Whatever begins with a minus and is no text stays what it is.
#[test]
fn numbers_dates_and_times_are_left_alone() {
    let decimals = Decimal128Array::from(vec![-100, -1]);
    let batch = table(vec![
        column("int", Int64Array::from(vec![-5, i64::MIN])),
        column("float", Float64Array::from(vec![-0.5, f64::NEG_INFINITY])),
        column("decimal", decimals.with_precision_and_scale(10, 2).unwrap()),
        column("year", Date32Array::from(vec![-800_000, -719_529])),
        column("span", DurationSecondArray::from(vec![-3600, -1])),
    ]);
    for quote in [QuotePolicy::Needed, QuotePolicy::All] {
        let options = |guard| with!(excel(guard), quote: quote);
        let guarded = String::from_utf8(encode(&batch, options(true))).unwrap();
        let plain = String::from_utf8(encode(&batch, options(false))).unwrap();
        assert_eq!(guarded, plain);
        assert!(!guarded.contains('\''), "{guarded}");
        assert!(
            guarded.contains("-5") && guarded.contains("-0.01"),
            "{guarded}"
        );
    }
}

#[test]
fn texts_of_every_type_get_an_apostrophe() {
    let texts = [
        "=1+1", "+49", "-5", "@SUM(A1)", "\tx", "\rx", "a=b", "'=1", "5-5", "",
    ];
    let binary: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
    let columns = [
        column("t", StringArray::from_iter_values(texts)),
        column("t", StringViewArray::from_iter_values(texts)),
        column("t", LargeStringArray::from_iter_values(texts)),
        column("t", BinaryArray::from(binary)),
        column(
            "t",
            texts.into_iter().collect::<DictionaryArray<Int8Type>>(),
        ),
    ];
    for (field, array) in columns {
        let data_type = field.data_type().clone();
        let batch = table(vec![(field, array)]);
        let found = String::from_utf8(encode(&batch, excel(true))).unwrap();
        assert_eq!(
            found,
            "'=1+1\r\n'+49\r\n'-5\r\n'@SUM(A1)\r\n'\tx\r\n\"'\rx\"\r\na=b\r\n'=1\r\n5-5\r\n\"\"\r\n",
            "{data_type}"
        );
    }
}

/// The apostrophe is a character like the text's own, also where it encloses, escapes or would make the marker.
#[test]
fn an_apostrophe_that_means_something_is_told_apart() {
    let batch = table(vec![
        column("t", StringArray::from(vec![Some("=1"), Some("@\r"), None])),
        column("id", Int64Array::from(vec![1, 2, 3])),
    ]);
    let enclosing = with!(excel(true), enclosed: Some(b'\''));
    let escaping = with!(excel(true), escaped: Some(b'\''));
    let marker = with!(excel(true), null: "'=1".to_owned());
    for (options, lines) in [
        (enclosing, ["'''=1',1", "'''@\r',2", ",3"]),
        (escaping, ["\"''=1\",1", "\"''@\r\",2", ",3"]),
        (marker, ["\"'=1\",1", "\"'@\r\",2", "'=1,3"]),
    ] {
        let found = encode(&batch, options.clone());
        let wanted = lines.map(|line| format!("{line}\r\n")).concat();
        assert_eq!(String::from_utf8_lossy(&found), wanted);
        let read = reader::read(&found, &options);
        let texts = ["'=1", "'@\r"].map(|text| Some(text.as_bytes().to_vec()));
        assert_eq!([read[0][0].clone(), read[1][0].clone()], texts);
        assert_eq!(read[2][0], None);
    }
}

/// A label is text, too.
#[test]
fn labels_are_guarded() {
    let batch = table(vec![column("=cmd()", Int64Array::from(vec![-1]))]);
    let options = with!(excel(true), header: true);
    assert_eq!(
        String::from_utf8(encode(&batch, options)).unwrap(),
        "'=cmd()\r\n-1\r\n"
    );
}
