//! Each rule with the bytes that need it, fed whole and one byte at a time.

use super::*;

type Rows = Vec<Vec<Option<String>>>;

fn read(options: &CsvReadOptions, text: &str, chunk: usize) -> Rows {
    let mut records = Records::new(options.clone());
    let mut chunks = text.as_bytes().chunks(chunk);
    let mut record = Record::default();
    let mut rows = Vec::new();
    loop {
        match records.next(&mut record) {
            Step::Record => rows.push(
                (0..record.len())
                    .map(|index| {
                        record
                            .field(index)
                            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
                    })
                    .collect(),
            ),
            Step::More => match chunks.next() {
                Some(chunk) => records.feed(chunk),
                None => records.end(),
            },
            Step::End => return rows,
        }
    }
}

fn check(options: &CsvReadOptions, text: &str, wanted: &[&[Option<&str>]]) {
    let wanted: Rows = wanted
        .iter()
        .map(|row| row.iter().map(|field| field.map(str::to_owned)).collect())
        .collect();
    for chunk in [text.len().max(1), 1, 2, 3] {
        assert_eq!(
            read(options, text, chunk),
            wanted,
            "{text:?} in chunks of {chunk}"
        );
    }
}

#[test]
fn mysql_rules() {
    let options = CsvReadOptions::default();
    check(&options, "1,\"a\",\\N\n", &[&[Some("1"), Some("a"), None]]);
    check(
        &options,
        "\"\\\\N\",\"\\N\",NULL,\"NULL\"",
        &[&[Some("\\N"), Some("N"), None, Some("NULL")]],
    );
    check(
        &options,
        "\"a\"\"b\",\"c\nd\",\"e,f\"\n",
        &[&[Some("a\"b"), Some("c\nd"), Some("e,f")]],
    );
    check(
        &options,
        "\"a\"b\",x\"y\n",
        &[&[Some("a\"b"), Some("x\"y")]],
    );
    check(
        &options,
        "a\\,b,c\\nd,\\\\\r\n,\n",
        &[
            &[Some("a,b"), Some("c\nd"), Some("\\")],
            &[Some(""), Some("")],
        ],
    );
    check(&options, "", &[]);
}

#[test]
fn terminators_of_several_bytes() {
    let options = CsvReadOptions {
        fields_terminated: "||".into(),
        lines_terminated: "|\n|".into(),
        ignore_lines: 1,
        ..CsvReadOptions::default()
    };
    check(
        &options,
        "h||h|\n|a|b||\"c||d\"|\n|e||f",
        &[&[Some("a|b"), Some("c||d")], &[Some("e"), Some("f")]],
    );
}

#[test]
fn rfc_4180_with_an_empty_null() {
    let options = CsvReadOptions {
        escaped: None,
        null: Some(String::new()),
        lines_terminated: "\r\n".into(),
        ..CsvReadOptions::default()
    };
    check(
        &options,
        "a\\n,,\"\"\r\n\"x\"\"y\",NULL,z\r\n",
        &[
            &[Some("a\\n"), None, Some("")],
            &[Some("x\"y"), Some("NULL"), Some("z")],
        ],
    );
}

#[test]
fn lines_starting_by() {
    let options = CsvReadOptions {
        lines_starting: ">>".into(),
        ..CsvReadOptions::default()
    };
    check(
        &options,
        "x>>1,2\nnothing\n>>3,4\n",
        &[&[Some("1"), Some("2")], &[Some("3"), Some("4")]],
    );
}
