//! Length, nesting and speed: no input may cost more than it weighs.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use stagedoor_parser::{ErrorKind, Limits, Plan, mask_secrets, parse, parse_with, split};

#[test]
fn ten_thousand_parentheses_are_too_deep() {
    let error = parse(&format!("SELECT\n {}1", "(".repeat(10_000))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooDeep);
    assert_eq!((error.line(), error.column()), (2, 2 + 64));
    assert!(error.message().contains("deeper than 64 levels"), "{error}");
}

#[test]
fn nesting_up_to_the_limit_is_fine() {
    let nested = |depth: usize| format!("SELECT {}1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(64)).is_ok());
    assert_eq!(parse(&nested(65)).unwrap_err().kind(), ErrorKind::TooDeep);
    let limits = Limits {
        nesting_max: 200,
        ..Limits::default()
    };
    assert!(parse_with(&nested(200), &limits).is_ok());
}

#[test]
fn ten_megabytes_are_too_long() {
    let error = parse(&"x".repeat(10 << 20)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLong);
    assert!(
        error.message().contains("longer than the 8388608 that"),
        "{error}"
    );
    assert!(error.to_string().len() < 300, "{error}");
}

#[test]
fn eight_megabytes_of_rows_are_read_in_linear_time() {
    let row = "(12345, 'some text, with \\' and '' in it', NULL, 3.25),";
    let rows = row.repeat((8 << 20) / row.len() - 10);
    let sql = format!("INSERT INTO t VALUES {}(1)", rows);
    let started = Instant::now();
    let plan = parse(&sql).unwrap();
    let took = started.elapsed();
    let Plan::Insert(insert) = plan else {
        unreachable!("an insert")
    };
    assert_eq!(insert.source.text, sql["INSERT INTO t ".len()..]);
    // Debug builds included; a quadratic scan takes hours.
    assert!(took < Duration::from_secs(100), "{took:?}");
}

#[test]
fn errors_far_inside_a_long_statement_are_as_quick() {
    let sql = format!(
        "SELECT {} INTO OUTFILE 'a' NOSUCH",
        "'abc',\n".repeat(1 << 20)
    );
    let started = Instant::now();
    let error = parse(&sql).unwrap_err();
    assert_eq!(error.line(), (1 << 20) + 1);
    assert!(
        started.elapsed() < Duration::from_secs(100),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn long_runs_of_anything_are_linear() {
    let started = Instant::now();
    for run in [
        "-", "- ", "/", "/*", "*/", "'", "\\", "`", "#", "#\n", "(", ")", ".", "a.", "1", "é", "{",
        "=",
    ] {
        let sql = format!("SELECT {}", run.repeat((1 << 18) / run.len()));
        let _ = parse(&sql);
        let _ = mask_secrets(&sql);
        let _ = split(&sql);
    }
    // A debug build takes some seconds; hours if anything were quadratic.
    assert!(
        started.elapsed() < Duration::from_secs(200),
        "{:?}",
        started.elapsed()
    );
}
