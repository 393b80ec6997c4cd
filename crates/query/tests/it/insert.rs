//! INSERT: each conversion and each violation, from VALUES and from SELECT.

use arrow::array::RecordBatch;
use futures::TryStreamExt;
use stagedoor_query::{Error, InsertColumn, InsertTarget, Violation, arrow_field};

use crate::support::{World, context, rows};

fn column(name: &str, sql_type: &str, nullable: bool) -> InsertColumn {
    InsertColumn {
        field: arrow_field(name, sql_type, nullable).unwrap(),
        default: None,
        auto_increment: None,
    }
}

fn target(columns: &[(&str, &str)], named: Option<&[&str]>) -> InsertTarget {
    InsertTarget {
        columns: columns
            .iter()
            .map(|(name, sql_type)| column(name, sql_type, true))
            .collect(),
        named: named.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
    }
}

async fn insert(source: &str, target: InsertTarget) -> Result<Vec<String>, Error> {
    let planned = World::new()
        .engine
        .plan_insert(source, target, context())
        .await?;
    let batches: Vec<RecordBatch> = planned.stream()?.try_collect().await?;
    for batch in &batches {
        assert_eq!(batch.schema(), planned.schema());
    }
    Ok(rows(&batches))
}

/// Type, literal, the stored value or the message.
type Case = (
    &'static str,
    &'static str,
    Result<&'static str, (&'static str, Violation)>,
);

#[tokio::test]
async fn values_are_converted_and_refused_as_mysql_does() {
    let cases: &[Case] = &[
        ("int", "'12'", Ok("12")),
        ("int", "1.5", Ok("2")),
        ("int", "-1.5", Ok("-2")),
        ("int", "'1.4'", Ok("1")),
        ("int", "1e2", Ok("100")),
        ("int", "0x10", Ok("16")),
        ("int", "TRUE", Ok("1")),
        ("int", "1+2*3", Ok("7")),
        ("int", "5/2", Ok("3")),
        ("int", "NULL", Ok("NULL")),
        ("int", "DEFAULT", Ok("NULL")),
        ("int", "(SELECT MAX(id) FROM people)", Ok("4")),
        (
            "int",
            "'x'",
            Err((
                "Incorrect integer value: 'x' for column 'c' at row 1",
                Violation::IncorrectValue,
            )),
        ),
        (
            "int",
            "'12x'",
            Err((
                "Incorrect integer value: '12x' for column 'c' at row 1",
                Violation::IncorrectValue,
            )),
        ),
        (
            "int",
            "''",
            Err((
                "Incorrect integer value: '' for column 'c' at row 1",
                Violation::IncorrectValue,
            )),
        ),
        (
            "int",
            "2147483648",
            Err((
                "Out of range value for column 'c' at row 1",
                Violation::OutOfRange,
            )),
        ),
        (
            "int unsigned",
            "-1",
            Err((
                "Out of range value for column 'c' at row 1",
                Violation::OutOfRange,
            )),
        ),
        (
            "tinyint",
            "128",
            Err((
                "Out of range value for column 'c' at row 1",
                Violation::OutOfRange,
            )),
        ),
        (
            "mediumint",
            "8388608",
            Err((
                "Out of range value for column 'c' at row 1",
                Violation::OutOfRange,
            )),
        ),
        (
            "bit(3)",
            "9",
            Err(("Data too long for column 'c' at row 1", Violation::TooLong)),
        ),
        (
            "bigint unsigned",
            "18446744073709551615",
            Ok("18446744073709551615"),
        ),
        ("bigint", "-9223372036854775808", Ok("-9223372036854775808")),
        ("decimal(5,2)", "123.455", Ok("123.46")),
        ("decimal(5,2)", "'-0.005'", Ok("-0.01")),
        (
            "decimal(5,2)",
            "1000",
            Err((
                "Out of range value for column 'c' at row 1",
                Violation::OutOfRange,
            )),
        ),
        (
            "decimal(5,2)",
            "'abc'",
            Err((
                "Incorrect decimal value: 'abc' for column 'c' at row 1",
                Violation::IncorrectValue,
            )),
        ),
        (
            "decimal(50,2)",
            "'123456789012345678901234567890123456789012345678.25'",
            Ok("123456789012345678901234567890123456789012345678.25"),
        ),
        ("double", "'1e3'", Ok("1000.0")),
        (
            "double",
            "'inf'",
            Err((
                "Incorrect double value: 'inf' for column 'c' at row 1",
                Violation::IncorrectValue,
            )),
        ),
        (
            "double",
            "1e999",
            Err((
                "Out of range value for column 'c' at row 1",
                Violation::OutOfRange,
            )),
        ),
        (
            "float",
            "1e39",
            Err((
                "Out of range value for column 'c' at row 1",
                Violation::OutOfRange,
            )),
        ),
        ("boolean", "'true'", Ok("true")),
        ("boolean", "0", Ok("false")),
        (
            "boolean",
            "2",
            Err((
                "Incorrect boolean value: '2' for column 'c' at row 1",
                Violation::IncorrectValue,
            )),
        ),
        ("date", "'2024-2-9'", Ok("2024-02-09")),
        ("date", "20240209", Ok("2024-02-09")),
        ("date", "DATE '2024-02-09'", Ok("2024-02-09")),
        (
            "date",
            "'2024-02-30'",
            Err((
                "Incorrect date value: '2024-02-30' for column 'c' at row 1",
                Violation::IncorrectValue,
            )),
        ),
        (
            "datetime",
            "'2024-02-09 01:02:03.9'",
            Ok("2024-02-09 01:02:04"),
        ),
        (
            "datetime",
            "'9999-12-31 23:59:59.9'",
            Err((
                "Out of range value for column 'c' at row 1",
                Violation::OutOfRange,
            )),
        ),
        ("datetime", "'20-1-2 3:4:5'", Ok("2020-01-02 03:04:05")),
        (
            "datetime(2)",
            "'1969-12-31 23:59:58.995'",
            Ok("1969-12-31 23:59:59"),
        ),
        ("date", "'99-12-31'", Ok("1999-12-31")),
        ("time", "'01:02:03.5'", Ok("01:02:04")),
        ("time(1)", "'01:02:03.25'", Ok("01:02:03.300")),
        (
            "time",
            "'839:00:00'",
            Err((
                "Out of range value for column 'c' at row 1",
                Violation::OutOfRange,
            )),
        ),
        ("year", "70", Ok("1970")),
        ("year", "'0'", Ok("2000")),
        ("year", "0", Ok("0")),
        (
            "year",
            "1900",
            Err((
                "Out of range value for column 'c' at row 1",
                Violation::OutOfRange,
            )),
        ),
        ("bit(3)", "5", Ok("5")),
        ("bit(8)", "'A'", Ok("65")),
        ("bit(3)", "x'07'", Ok("7")),
        (
            "bit(3)",
            "8",
            Err(("Data too long for column 'c' at row 1", Violation::TooLong)),
        ),
        ("set('a','b')", "'b,a'", Ok("a,b")),
        ("enum('a','b')", "2", Ok("b")),
        ("enum('0','1','2')", "2", Ok("1")),
        ("enum('0','1','2')", "'2'", Ok("2")),
        ("enum('0','1','2')", "1 + 1", Ok("1")),
        ("set('1','2')", "3", Ok("1,2")),
        ("set('1','2')", "2", Ok("2")),
        (
            "enum('a','b')",
            "0",
            Err((
                "Incorrect enum value: '0' for column 'c' at row 1",
                Violation::IncorrectValue,
            )),
        ),
        ("int", "2.5", Ok("3")),
        ("int", "2.5e0", Ok("2")),
        ("int", "-3.5e0", Ok("-4")),
        ("int", "1.5e0 + 1", Ok("2")),
        ("bigint unsigned", "-0.2e0", Ok("0")),
        ("decimal(3,1)", "2.45e0", Ok("2.5")),
        ("varchar(9)", "25e-1", Ok("2.5")),
        ("char(5)", "'abcde   '", Ok("abcde")),
        ("varchar(2)", "'ä   '", Ok("ä ")),
        (
            "char(5)",
            "'abcde  f'",
            Err(("Data too long for column 'c' at row 1", Violation::TooLong)),
        ),
        ("binary(3)", "'a'", Ok("610000")),
        (
            "json",
            "'{bad'",
            Err((
                "Invalid JSON text: \"key must be a string\" at position 1 in value '{bad' for column 'c' at row 1",
                Violation::InvalidJson,
            )),
        ),
        (
            "datetime(6)",
            "'2024-02-09 01:02:03.9'",
            Ok("2024-02-09 01:02:03.900"),
        ),
        ("datetime", "NOW()", Ok("2024-02-29 20:34:56")),
        (
            "datetime",
            "'soon'",
            Err((
                "Incorrect datetime value: 'soon' for column 'c' at row 1",
                Violation::IncorrectValue,
            )),
        ),
        ("time(6)", "'12:34:56.5'", Ok("12:34:56.500")),
        ("year", "2024", Ok("2024")),
        ("varchar(3)", "'äöü'", Ok("äöü")),
        (
            "varchar(3)",
            "12.50",
            Err(("Data too long for column 'c' at row 1", Violation::TooLong)),
        ),
        ("varchar(9)", "12.50", Ok("12.50")),
        ("varchar(9)", "CONCAT('a', 'b')", Ok("ab")),
        ("varchar(9)", "x'4142'", Ok("AB")),
        (
            "varbinary(2)",
            "'abc'",
            Err(("Data too long for column 'c' at row 1", Violation::TooLong)),
        ),
        ("varbinary(2)", "0xFF01", Ok("ff01")),
        ("enum('a','b')", "'b'", Ok("b")),
        (
            "enum('a','b')",
            "'c'",
            Err((
                "Incorrect enum value: 'c' for column 'c' at row 1",
                Violation::IncorrectValue,
            )),
        ),
        ("json", "'{}'", Ok("{}")),
        (
            "uuid",
            "'00112233-4455-6677-8899-aabbccddeeff'",
            Ok("00112233445566778899aabbccddeeff"),
        ),
    ];
    for (sql_type, literal, wanted) in cases {
        let got = insert(
            &format!("VALUES ({literal})"),
            target(&[("c", sql_type)], None),
        )
        .await;
        let got = got
            .map(|rows| rows.join("\n"))
            .map_err(|error| (error.to_string(), error.violation()));
        let wanted = (*wanted)
            .map(str::to_owned)
            .map_err(|(text, violation)| (text.to_owned(), Some(violation)));
        assert_eq!(got, wanted, "{literal} into {sql_type}");
    }
}

#[tokio::test]
async fn columns_are_counted_named_and_defaulted() {
    let two = [("a", "int"), ("b", "varchar(5)")];
    let refused = |source: &'static str, target: InsertTarget| async move {
        let error = insert(source, target).await.unwrap_err();
        (error.to_string(), error.violation())
    };
    assert_eq!(
        insert("VALUES (1, 'x'), (2, 'y')", target(&two, None))
            .await
            .unwrap(),
        ["1|x", "2|y"]
    );
    assert_eq!(
        insert("VALUES ('x', 1)", target(&two, Some(&["B", "a"])))
            .await
            .unwrap(),
        ["1|x"]
    );
    assert_eq!(
        insert("VALUES (7)", target(&two, Some(&["a"])))
            .await
            .unwrap(),
        ["7|NULL"]
    );
    assert_eq!(
        refused("VALUES (1, 'x'), (2)", target(&two, None)).await,
        (
            "Column count doesn't match value count at row 2".into(),
            Some(Violation::ColumnCount)
        )
    );
    assert_eq!(
        refused("SELECT 1", target(&two, None)).await,
        (
            "Column count doesn't match value count at row 1".into(),
            Some(Violation::ColumnCount)
        )
    );
    assert_eq!(
        refused("VALUES (1)", target(&two, Some(&["z"]))).await,
        (
            "Unknown column 'z' in 'field list'".into(),
            Some(Violation::UnknownColumn)
        )
    );
    assert_eq!(
        refused("VALUES (1, 2)", target(&two, Some(&["a", "A"]))).await,
        (
            "Column 'A' specified twice".into(),
            Some(Violation::ColumnTwice)
        )
    );
    let mut strict = target(&two, Some(&["b"]));
    strict.columns[0] = column("a", "int", false);
    assert_eq!(
        refused("VALUES ('x')", strict.clone()).await,
        (
            "Field 'a' doesn't have a default value".into(),
            Some(Violation::NoDefault)
        )
    );
    assert_eq!(
        refused("SELECT name FROM people", strict.clone()).await,
        (
            "Field 'a' doesn't have a default value".into(),
            Some(Violation::NoDefault)
        )
    );
    strict.named = None;
    assert_eq!(
        refused("VALUES (1, 'x'), (NULL, 'y')", strict.clone()).await,
        (
            "Column 'a' cannot be null".into(),
            Some(Violation::NullValue)
        )
    );
    strict.columns[0].default = Some("40 + 2".into());
    strict.named = Some(vec!["b".into()]);
    assert_eq!(
        insert("VALUES ('x')", strict.clone()).await.unwrap(),
        ["42|x"]
    );
    assert_eq!(
        insert("SELECT 'y'", strict.clone()).await.unwrap(),
        ["42|y"]
    );
    strict.named = None;
    assert_eq!(
        insert("VALUES (DEFAULT, 'x'), (1, DEFAULT)", strict)
            .await
            .unwrap(),
        ["42|x", "1|NULL"]
    );
}

#[tokio::test]
async fn auto_increment_counts_on() {
    let mut table = target(&[("id", "bigint"), ("b", "int")], None);
    table.columns[0] = InsertColumn {
        auto_increment: Some(10),
        ..column("id", "bigint", false)
    };
    let world = World::new();
    let planned = world
        .engine
        .plan_insert(
            "VALUES (NULL, 1), (0, 2), (20, 3), (DEFAULT, 4), (x'1E', 5), (FALSE, 6)",
            table.clone(),
            context(),
        )
        .await
        .unwrap();
    let batches: Vec<RecordBatch> = planned.stream().unwrap().try_collect().await.unwrap();
    assert_eq!(
        rows(&batches),
        ["10|1", "11|2", "20|3", "21|4", "30|5", "31|6"]
    );
    assert_eq!(planned.next_auto_increment(), 32);
    table.named = Some(vec!["b".into()]);
    let planned = world
        .engine
        .plan_insert("SELECT id FROM people WHERE id < 3", table, context())
        .await
        .unwrap();
    let batches: Vec<RecordBatch> = planned.stream().unwrap().try_collect().await.unwrap();
    assert_eq!(rows(&batches), ["10|1", "11|2"]);
    assert_eq!(planned.next_auto_increment(), 12);
}

#[tokio::test]
async fn a_select_is_converted_with_the_same_checks() {
    let one = |sql_type: &'static str| target(&[("c", sql_type)], None);
    assert_eq!(
        insert("SELECT score FROM people", one("int"))
            .await
            .unwrap(),
        ["2", "-2", "NULL", "0"]
    );
    assert_eq!(
        insert("SELECT money FROM people", one("int"))
            .await
            .unwrap(),
        ["11", "-3", "0", "NULL"]
    );
    assert_eq!(
        insert("SELECT seen FROM people", one("varchar(30)"))
            .await
            .unwrap()[2],
        "2024-02-29 12:34:56"
    );
    assert_eq!(
        insert("SELECT seen FROM people", one("date"))
            .await
            .unwrap()[2],
        "2024-02-29"
    );
    assert_eq!(
        insert("SELECT name FROM people", one("text"))
            .await
            .unwrap(),
        ["ann", "Bob", "čeněk", "NULL"]
    );
    assert_eq!(
        insert("SELECT ok FROM people", one("int")).await.unwrap(),
        ["1", "0", "NULL", "1"]
    );
    for (source, sql_type, text) in [
        (
            "SELECT big FROM people",
            "int",
            "Out of range value for column 'c' at row 1",
        ),
        (
            "SELECT name FROM people",
            "varchar(3)",
            "Data too long for column 'c' at row 3",
        ),
        (
            "SELECT name FROM people",
            "int",
            "Incorrect integer value: 'ann' for column 'c' at row 1",
        ),
        (
            "SELECT id - 3 FROM people",
            "int unsigned",
            "Out of range value for column 'c' at row 1",
        ),
    ] {
        assert_eq!(
            insert(source, one(sql_type)).await.unwrap_err().to_string(),
            text,
            "{source}"
        );
    }
}

#[tokio::test]
async fn many_rows_of_values() {
    let list = (0..20_000)
        .map(|n| format!("({n}, 'row {n}')"))
        .collect::<Vec<_>>()
        .join(",");
    let rows = insert(
        &format!("VALUES {list}"),
        target(&[("a", "int"), ("b", "text")], None),
    )
    .await
    .unwrap();
    assert_eq!(
        (rows.len(), rows[19_999].as_str()),
        (20_000, "19999|row 19999")
    );
}
