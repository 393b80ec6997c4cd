//! Each rule with the bytes that need it, fed whole and one byte at a time.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

type Rows = Vec<Vec<Option<String>>>;

fn read(options: &CsvReadOptions, text: &str, chunk: usize) -> Rows {
    let mut records = Records::new(options, options.ignore_lines);
    let mut chunks = text.as_bytes().chunks(chunk);
    let mut rows = Vec::new();
    loop {
        match records.next().unwrap() {
            Step::Record => rows.push(
                (0..records.record().unwrap().len())
                    .map(|index| {
                        records
                            .record()
                            .unwrap()
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
        &[&[Some("\\N"), None, None, Some("NULL")]],
    );
    check(
        &options,
        "\"a\"\"b\",\"c\nd\",\"e,f\"\n",
        &[&[Some("a\"b"), Some("c\nd"), Some("e,f")]],
    );
    check(
        &options,
        "\"a\"b\",x\"y\r\n",
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

/// The fault of a text, whatever the chunks.
fn fault(options: &CsvReadOptions, text: &str) -> Fault {
    let mut faults = [text.len(), 1, 3].map(|chunk| {
        let mut records = Records::new(options, options.ignore_lines);
        let mut chunks = text.as_bytes().chunks(chunk);
        loop {
            match records.next() {
                Err(fault) => return fault,
                Ok(Step::Record) => {}
                Ok(Step::More) => match chunks.next() {
                    Some(chunk) => records.feed(chunk),
                    None => records.end(),
                },
                Ok(Step::End) => unreachable!("{text:?} was read"),
            }
        }
    });
    assert_eq!(faults[0], faults[1]);
    assert_eq!(faults[0], faults[2]);
    std::mem::replace(
        &mut faults[0],
        Fault {
            reason: String::new(),
            line: 0,
        },
    )
}

#[test]
fn a_quote_that_swallows_rows_is_told_with_its_line() {
    let options = CsvReadOptions::default();
    let never = fault(&options, "1,\"a\"\n2,\"b\n3,c\n");
    assert_eq!(
        (never.line, never.reason.as_str()),
        (2, "a quote is opened here and never closed")
    );
    // The quote of the third line would end the second line's field.
    let stray = fault(&options, "1,\"a\"\n2,\"b\n3,\"c\"\n");
    assert_eq!(stray.line, 2);
    assert!(stray.reason.contains("not doubled"), "{}", stray.reason);
    let later = fault(&options, "1,\"a\"b\n2,\"c\"\n");
    assert_eq!(later.line, 1);
}

#[test]
fn line_ends_of_both_kinds() {
    for terminated in ["\n", "\r\n"] {
        let options = CsvReadOptions {
            lines_terminated: terminated.into(),
            ignore_lines: 1,
            ..CsvReadOptions::default()
        };
        check(
            &options,
            "h,h\n1,\"a\"\r\n2,b\r\n3,\\N\r\n4,\"x\r\ny\"\n5,a\\\r\n6,",
            &[
                &[Some("1"), Some("a")],
                &[Some("2"), Some("b")],
                &[Some("3"), None],
                &[Some("4"), Some("x\r\ny")],
                &[Some("5"), Some("a\r")],
                &[Some("6"), Some("")],
            ],
        );
    }
}

#[test]
fn a_preamble_may_hold_a_stray_quote() {
    let options = CsvReadOptions {
        ignore_lines: 2,
        ..CsvReadOptions::default()
    };
    check(&options, "the \"report\nid\n1\n", &[&[Some("1")]]);
}

/// Lines that are read at once, and others between them: whatever the chunks, the same as field by field.
#[test]
fn whole_lines_among_others() {
    let options = CsvReadOptions::default();
    check(
        &options,
        "1,NULL,a long field of more than eight bytes,\r\n,,,\n\"q,\",2,\\N,3\nx\n\n4,5,6,7",
        &[
            &[
                Some("1"),
                None,
                Some("a long field of more than eight bytes"),
                Some(""),
            ],
            &[Some(""), Some(""), Some(""), Some("")],
            &[Some("q,"), Some("2"), None, Some("3")],
            &[Some("x")],
            &[Some("")],
            &[Some("4"), Some("5"), Some("6"), Some("7")],
        ],
    );
    let quoted = CsvReadOptions {
        escaped: None,
        ..CsvReadOptions::default()
    };
    check(
        &quoted,
        "\"a,b\",c,\"\"\n1,\"two\",NULL,\"NULL\",\r\n\"do\"\"ubled\",1\nst\"ray,2\n\"over\nlines\",\"\",\n\"x\"y\",1\n",
        &[
            &[Some("a,b"), Some("c"), Some("")],
            &[Some("1"), Some("two"), None, Some("NULL"), Some("")],
            &[Some("do\"ubled"), Some("1")],
            &[Some("st\"ray"), Some("2")],
            &[Some("over\nlines"), Some(""), Some("")],
            &[Some("x\"y"), Some("1")],
        ],
    );
    let bare = CsvReadOptions {
        enclosed: None,
        escaped: None,
        null: Some("-".into()),
        fields_terminated: "\u{1}".into(),
        ..CsvReadOptions::default()
    };
    check(
        &bare,
        "\"a\u{1}-\u{1}--\u{1}\u{81}\n\u{1}-\n",
        &[
            &[Some("\"a"), None, Some("--"), Some("\u{81}")],
            &[Some(""), None],
        ],
    );
}

/// Every place, in texts of every length around a word's.
#[test]
fn places_of_a_byte() {
    for length in 0..40 {
        for seed in 0..200_u64 {
            let text: Vec<u8> = (0..length)
                .map(|at| {
                    let mixed = (seed * 31 + at).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 60;
                    [b',', b',' ^ 0x80, b',' + 1, 0, 0xFF, b',' - 1, b'x', b'-'][mixed as usize % 8]
                })
                .collect();
            let mut found = Vec::new();
            line::for_each_place(b',', &text, |at| found.push(at));
            let wanted: Vec<usize> = memchr_iter(b',', &text).collect();
            assert_eq!(found, wanted, "{text:?}");
        }
    }
}
