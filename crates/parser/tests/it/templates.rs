//! Parameters: where a `?` is one, what literal its value becomes, and of what text an error speaks.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;
use stagedoor_parser::{
    self as parser, Date, DateTime, FillError, Limits, Plan, Template, Time, Value,
};

fn template(text: &str) -> Template {
    Template::new(text, &Limits::default()).unwrap()
}

fn filled(text: &str, values: &[Value]) -> String {
    template(text).fill(values).unwrap().text().to_owned()
}

#[test]
fn a_question_mark_is_a_parameter_outside_of_literals_and_comments() {
    let text = "SELECT '?', \"?\", `?`, ? -- ?\n, /* ? */ ? # ?\n FROM t WHERE a=?";
    assert_eq!(template(text).parameters(), 3);
    assert_eq!(template("SELECT 1").parameters(), 0);
    assert!(Template::new("SELECT '?", &Limits::default()).is_err());
}

#[test]
fn every_value_has_its_literal() {
    let date = Date {
        year: 2024,
        month: 2,
        day: 29,
    };
    let time = Time {
        negative: true,
        hours: 27,
        minutes: 1,
        seconds: 2,
        micros: 0,
    };
    let day_time = Time {
        negative: false,
        hours: 7,
        micros: 50,
        ..time
    };
    for (value, literal) in [
        (Value::Null, "NULL"),
        (Value::Bool(true), "TRUE"),
        (Value::Int(i64::MIN), "-9223372036854775808"),
        (Value::UInt(u64::MAX), "18446744073709551615"),
        (Value::Decimal("-.50".to_owned()), "-0.50"),
        (Value::Decimal("7.".to_owned()), "7"),
        (Value::Double(1500.0), "1.5e3"),
        (
            Value::Text("it's \\ a\nline".to_owned()),
            "'it''s \\\\ a\\nline'",
        ),
        (Value::Bytes(vec![0, 0xff]), "x'00ff'"),
        (Value::Date(date), "DATE '2024-02-29'"),
        (Value::Time(time), "TIME '-27:01:02'"),
        (
            Value::DateTime(DateTime {
                date,
                time: day_time,
            }),
            "TIMESTAMP '2024-02-29 07:01:02.000050'",
        ),
    ] {
        assert_eq!(filled("SELECT ?", &[value]), format!("SELECT {literal}"));
    }
}

#[test]
fn a_literal_does_not_grow_together_with_what_is_beside_it() {
    let values = [Value::Int(-1), Value::Text("a".to_owned())];
    assert_eq!(
        filled("SELECT 1-?,b?FROM t", &values),
        "SELECT 1- -1,b 'a' FROM t"
    );
}

#[test]
fn what_no_literal_can_say_is_refused_without_being_quoted() {
    let statement = template("SELECT ?, ?");
    for wrong in [
        Value::Decimal("1; DROP TABLE planted".to_owned()),
        Value::Decimal(String::new()),
        Value::Decimal("1e5".to_owned()),
        Value::Double(f64::NAN),
        Value::Date(Date {
            year: 2024,
            month: 13,
            day: 1,
        }),
    ] {
        let error = statement.fill(&[Value::Null, wrong]).unwrap_err();
        assert!(matches!(error, FillError::Invalid { position: 1, .. }));
        assert!(error.to_string().starts_with("the value of parameter 2 "));
        assert!(!error.to_string().contains("planted"));
    }
    assert_eq!(
        statement.fill(&[Value::Null]).unwrap_err().to_string(),
        "the statement has 2 parameters (each a ?), and 1 values were given"
    );
}

#[test]
fn a_statement_can_be_read_before_its_values_are_known() {
    for text in [
        "SELECT a FROM t WHERE b = ? LIMIT ?, ?",
        "SELECT a FROM t INTO OUTFILE ?",
        "INSERT INTO t VALUES (?, ?)",
        "UPDATE t SET a = ? WHERE b = ?",
    ] {
        template(text).sample().parse(&Limits::default()).unwrap();
        assert!(template(text).is_of_expressions());
    }
    assert!(!template("SHOW TABLES LIKE ?").is_of_expressions());
}

#[test]
fn an_error_speaks_of_the_text_as_it_was_given() {
    let text = "INSERT INTO t (a, ?\n) VALUEZ (?)";
    let statement = template(text);
    let values = [Value::Text("a long one".to_owned()), Value::Null];
    let filled = statement.fill(&values).unwrap();
    let error = filled.parse(&Limits::default()).unwrap_err();
    let plain = parser::parse(text).unwrap_err();
    assert_eq!(
        (error.line(), error.column()),
        (plain.line(), plain.column())
    );
    assert!(!error.to_string().contains("a long one"), "{error}");
}

#[test]
fn a_password_may_be_a_parameter_and_is_masked() {
    let statement = template("CREATE USER 'a' IDENTIFIED BY ?");
    let filled = statement
        .fill(&[Value::Text("planted".to_owned())])
        .unwrap();
    let plan = filled.parse(&Limits::default()).unwrap();
    assert!(matches!(plan, Plan::CreateUser(_)));
    assert!(!plan.to_string().contains("planted"), "{plan}");
    assert!(!format!("{statement:?} {filled:?}").contains("planted"));
}

proptest! {
    #[test]
    fn a_text_is_one_literal_whatever_it_holds(text in ".*", number in any::<i64>()) {
        let statement = template("SELECT ?, ? FROM t");
        let filled = statement.fill(&[Value::Text(text), Value::Int(number)]).unwrap();
        let plan = filled.parse(&Limits::default()).unwrap();
        let Plan::Query(query) = plan else { panic!("no query") };
        prop_assert_eq!(query.text.as_str(), filled.text());
        // Nothing of it is a parameter, or the end of the statement.
        prop_assert_eq!(template(filled.text()).parameters(), 0);
    }
}
