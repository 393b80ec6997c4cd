//! Texts of every length around the encoder's paths (in a slot, in a window, borrowed, rewritten), with a
//! byte that needs care at every place, or with none; at the beginning, middle and end of their buffer.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryViewArray, LargeStringArray, RecordBatch, StringArray, StringViewArray,
};
use stagedoor_exporter::csv::{CsvOptions, Dialect};

use crate::golden::encode;

/// Longer than a window by more than a chunk.
const LEN_MAX: usize = 90;

/// The reference: one byte at a time.
fn field(text: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Mysql => {
            let care = text.replace('\\', "\\\\").replace('"', "\"\"");
            format!("\"{care}\"\n")
        }
        _ if text.is_empty() || text.contains(['"', ',', '\r', '\n']) => {
            format!("\"{}\"\r\n", text.replace('"', "\"\""))
        }
        _ => format!("{text}\r\n"),
    }
}

fn texts() -> Vec<String> {
    let clean =
        |len: usize| -> String { (b'a'..=b'z').cycle().take(len).map(char::from).collect() };
    let mut texts = Vec::new();
    for len in 0..=LEN_MAX {
        texts.push(clean(len));
        for at in 0..len {
            let mut text = clean(len);
            text.replace_range(at..=at, if at % 2 == 0 { "\"" } else { "," });
            texts.push(text);
        }
    }
    texts
}

#[test]
fn every_length_and_place() {
    let texts = texts();
    let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
    let arrays: [ArrayRef; 4] = [
        Arc::new(StringViewArray::from_iter_values(&borrowed)),
        Arc::new(BinaryViewArray::from_iter_values(&borrowed)),
        Arc::new(StringArray::from_iter_values(&borrowed)),
        Arc::new(LargeStringArray::from_iter_values(&borrowed)),
    ];
    for dialect in [Dialect::Mysql, Dialect::Rfc4180] {
        let expected: String = texts.iter().map(|text| field(text, dialect)).collect();
        for array in &arrays {
            let batch = RecordBatch::try_from_iter([("t", Arc::clone(array))]).unwrap();
            let options = with!(CsvOptions::dialect(dialect), header: false);
            let written = String::from_utf8(encode(&batch, options)).unwrap();
            for (line, (written, expected)) in written.lines().zip(expected.lines()).enumerate() {
                assert_eq!(
                    written,
                    expected,
                    "{dialect:?} {} {line}",
                    array.data_type()
                );
            }
            assert_eq!(written, expected, "{dialect:?} {}", array.data_type());
        }
    }
}

/// Each text alone, so that its buffer ends where it does.
#[test]
fn a_text_at_the_end_of_its_buffer() {
    for text in texts() {
        let array: ArrayRef = Arc::new(StringViewArray::from_iter_values([&text]));
        let batch = RecordBatch::try_from_iter([("t", array)]).unwrap();
        let options = with!(CsvOptions::default(), header: false);
        let written = String::from_utf8(encode(&batch, options)).unwrap();
        assert_eq!(written, field(&text, Dialect::Mysql));
    }
}
