//! Properties: printing and parsing are inverse, nothing panics, queries stay verbatim.
#![expect(clippy::unwrap_used, reason = "tests")]

mod plans;

use proptest::prelude::*;
use stagedoor_parser::{DataType, Plan, Target, mask_secrets, parse, split};

/// Pieces of statements, so that nonsense gets deep into the grammar.
fn fragments() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "CREATE",
        "STAGE",
        "TABLE",
        "IF NOT EXISTS",
        "s",
        "URL",
        "=",
        "'a'",
        "\"b\"",
        "{",
        "}",
        "(",
        ")",
        ",",
        ";",
        "CREDENTIALS",
        "SELECT",
        "1",
        "FROM",
        "'stage://s/f'",
        "INTO",
        "OUTFILE",
        "FIELDS",
        "TERMINATED BY",
        "--",
        "\n",
        "/*",
        "*/",
        "#",
        "`",
        "'",
        "\\",
        "é",
        "INSERT INTO t",
        "VALUES",
        "int",
        "(10,2)",
        "EXPLAIN",
        "EXPORT",
        ".",
        "HEADER",
        "SHOW",
        "INFILE",
        "EXTERNAL",
        "\u{feff}",
        "\0",
        "JOIN",
        "NULL",
        "DEFAULT",
        "GRANT",
        "REVOKE",
        "SELECT",
        "ON",
        "TO",
        "FOR",
        "USER",
        "ROLE",
        "ACCOUNT",
        "IDENTIFIED BY",
        "SET",
        "PASSWORD",
        "@",
        "@@",
        "*",
        "?",
        ":p",
        "://",
        "KILL",
        "TOKEN",
        "LIST",
        "INFER SCHEMA",
        "PRESIGN",
        "REMOVE FILES FROM STAGE",
        "GET",
        "PUT",
        "'file:///a'",
        "stage_list",
        "load_file",
    ]);
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #[test]
    fn printed_plans_parse_to_the_same(plan in plans::plan()) {
        let sql = plan.to_sql();
        let again = parse(&sql).map_err(|error| TestCaseError::fail(format!("{sql}\n{error}")))?;
        prop_assert_eq!(&again, &plan, "{}", sql);
        prop_assert_eq!(again.to_sql(), sql);
    }

    #[test]
    fn masked_plans_parse_too_and_hold_no_secret(plan in plans::plan_with_secret("pLaNtEd")) {
        let shown = plan.to_string();
        prop_assert!(!shown.contains("pLaNtEd"), "{}", shown);
        let debugged = format!("{plan:?}");
        prop_assert!(!debugged.contains("pLaNtEd"), "{}", debugged);
        prop_assert_eq!(parse(&shown).unwrap().verb(), plan.verb());
        prop_assert!(!mask_secrets(&plan.to_sql()).contains("pLaNtEd"));
    }

    #[test]
    fn types_print_and_parse(data_type in plans::data_type()) {
        let text = data_type.to_string();
        prop_assert_eq!(DataType::parse(&text).unwrap(), data_type, "{}", text);
    }

    #[test]
    fn targets_print_and_parse(text in "[a-zA-Z0-9:/._%~-]{0,20}|(stage|s3|oss|file)://[a-z/]{0,9}") {
        let target = Target::parse(&text);
        prop_assert_eq!(Target::parse(&target.to_string()), target);
    }

    #[test]
    fn nothing_panics(sql in prop_oneof![any::<String>(), fragments()]) {
        if let Err(error) = parse(&sql) {
            prop_assert!(error.line() >= 1 && error.column() >= 1);
            prop_assert!(error.near().chars().count() <= 40);
            let report = error.report(&sql);
            prop_assert!(report.contains('^'), "{}", report);
        }
        let _ = mask_secrets(&sql);
        let _ = DataType::parse(&sql);
    }

    #[test]
    fn what_parses_prints_and_parses_again(sql in fragments()) {
        if let Ok(plan) = parse(&sql) {
            prop_assert_eq!(parse(&plan.to_sql()).unwrap(), plan);
        }
    }

    #[test]
    fn split_keeps_every_byte_in_its_place(script in prop_oneof![any::<String>(), fragments()]) {
        let split = split(&script);
        let mut at = 0;
        for statement in &split.statements {
            prop_assert!(statement.offset >= at);
            at = statement.offset + statement.text.len();
            prop_assert_eq!(&script[statement.offset..at], statement.text);
            prop_assert!(!statement.text.trim().is_empty());
        }
        prop_assert!(split.rest_offset >= at);
        prop_assert_eq!(&script[split.rest_offset..], split.rest);
    }

    #[test]
    fn a_query_stays_verbatim_before_any_tail(query in plans::query(), comment in "[a-z '(]{0,8}") {
        let tail = "INTO OUTFILE 'stage://s/f' HEADER 'true'";
        for between in [" ".to_owned(), format!(" -- {comment}\n"), format!("/*{comment}*/")] {
            let sql = format!("{between}{query}{between}{tail}{between};{between}");
            let plan = parse(&sql).map_err(|e| TestCaseError::fail(format!("{sql}\n{e}")))?;
            let Plan::Export(export) = plan else { return Err(TestCaseError::fail(sql)) };
            prop_assert_eq!(&export.query.text, &query);
            prop_assert_eq!(&sql[export.query.span.range()], query.as_str());
        }
    }
}
