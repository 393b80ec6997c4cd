//! `split`: scripts into statements.

use stagedoor_parser::{Open, split};

fn texts(script: &str) -> Vec<&str> {
    split(script)
        .statements
        .into_iter()
        .map(|statement| statement.text)
        .collect()
}

#[test]
fn semicolons_in_literals_and_comments_do_not_count() {
    let script = "SELECT ';' , \"a;\\\"b\", `c;` /* ; */ -- ;\n # ;\n FROM t ; ;; SELECT 2;";
    let first = "SELECT ';' , \"a;\\\"b\", `c;` /* ; */ -- ;\n # ;\n FROM t";
    assert_eq!(texts(script), [first, "SELECT 2"]);
}

#[test]
fn places_are_known() {
    let script = "-- first\n\nSELECT 1;\n/* two\nlines */ SELECT\n2;  SELECT 3\n";
    let split = split(script);
    let places: Vec<_> = split
        .statements
        .iter()
        .map(|s| (s.offset, s.line))
        .collect();
    assert_eq!(places, [(10, 3), (36, 5)]);
    assert_eq!(
        (split.rest, split.rest_line, split.open),
        ("SELECT 3\n", 6, None)
    );
    assert_eq!(&script[split.rest_offset..], split.rest);
}

#[test]
fn what_is_unfinished_is_named() {
    for (script, rest, open) in [
        (
            "SELECT 1; SELECT 'a;",
            "SELECT 'a;",
            Some(Open::SingleQuote),
        ),
        (
            "SELECT \"a\\\";",
            "SELECT \"a\\\";",
            Some(Open::DoubleQuote),
        ),
        ("USE `a;\n", "USE `a;\n", Some(Open::Backquote)),
        ("SELECT 1; /* a;", "/* a;", Some(Open::Comment)),
        ("SELECT 1; -- done", "", None),
        ("SELECT 1--2;", "", None),
        ("", "", None),
    ] {
        let split = split(script);
        assert_eq!((split.rest, split.open), (rest, open), "{script}");
    }
}
