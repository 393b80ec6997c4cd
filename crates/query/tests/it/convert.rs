//! Conversions that only a column's declaration decides: defaults, and arrays at once as value by value.

use stagedoor_query::{DefaultValue, Violation, arrow_field, check_default};

#[test]
fn a_default_is_checked_when_it_is_declared() {
    use DefaultValue::{Bool, Now, Null, Number, Text};
    for (sql_type, nullable, default, wanted) in [
        ("int", true, Number("7"), Ok(())),
        ("int", true, Text("7"), Ok(())),
        ("int", true, Null, Ok(())),
        ("boolean", true, Bool(true), Ok(())),
        ("datetime", true, Now, Ok(())),
        ("varchar(3)", true, Text("abc"), Ok(())),
        (
            "int",
            true,
            Text("abc"),
            Err("Invalid default value for 'c': Incorrect integer value: 'abc' for column 'c'"),
        ),
        (
            "int",
            false,
            Null,
            Err("Invalid default value for 'c': Column 'c' cannot be null"),
        ),
        (
            "tinyint",
            true,
            Number("300"),
            Err("Invalid default value for 'c': Out of range value for column 'c'"),
        ),
        (
            "varchar(2)",
            true,
            Text("abc"),
            Err("Invalid default value for 'c': Data too long for column 'c'"),
        ),
        (
            "date",
            true,
            Now,
            Err("Invalid default value for 'c': CURRENT_TIMESTAMP is for DATETIME and TIMESTAMP"),
        ),
    ] {
        let field = arrow_field("c", sql_type, nullable).unwrap();
        let got = check_default(&field, default);
        if let Err(error) = &got {
            assert_eq!(error.violation(), Some(Violation::InvalidDefault));
        }
        assert_eq!(
            got.map_err(|error| error.to_string()),
            wanted.map_err(str::to_owned),
            "{sql_type} {default:?}"
        );
    }
}
