//! Every type name, there and back, and the bounds.

use super::*;

#[test]
fn names_become_types() {
    for (text, canonical, arrow) in [
        ("INT(11)", "int", "Int32"),
        ("int(10) unsigned", "int unsigned", "UInt32"),
        ("tinyint(1)", "tinyint", "Int8"),
        ("mediumint", "mediumint", "Int32"),
        ("BIGINT UNSIGNED ZEROFILL", "bigint unsigned", "UInt64"),
        ("bool", "boolean", "Boolean"),
        ("float", "float", "Float32"),
        ("double precision", "double", "Float64"),
        ("FLOAT(7,3)", "float(7,3)", "Float32"),
        ("double(10, 2)", "double(10,2)", "Float64"),
        ("float(30)", "double", "Float64"),
        ("decimal", "decimal(10,0)", "Decimal128(10, 0)"),
        ("decimal(65, 30)", "decimal(65,30)", "Decimal256(65, 30)"),
        ("datetime", "datetime", "Timestamp(s)"),
        ("datetime(3)", "datetime(3)", "Timestamp(ms)"),
        ("timestamp(6)", "timestamp(6)", "Timestamp(µs, \"+00:00\")"),
        ("varchar(255)", "varchar(255)", "Utf8"),
        ("enum('A','b(c)')", "enum('A','b(c)')", "Utf8"),
        ("blob", "blob", "Binary"),
        ("bit(3)", "bit(3)", "UInt64"),
        ("year(4)", "year", "UInt16"),
        ("json", "json", "Utf8"),
        ("uuid", "uuid", "FixedSizeBinary(16)"),
    ] {
        let field = arrow_field("c", text, true);
        let got = field.map(|field| (field_sql_type(&field), field.data_type().to_string()));
        assert_eq!(
            got.ok(),
            Some((canonical.to_owned(), arrow.to_owned())),
            "{text}"
        );
    }
}

#[test]
fn bounds_are_told() {
    for (text, part) in [
        ("decimal(66,0)", "1 to 65 digits"),
        ("decimal(5,6)", "scale"),
        ("float(5,6)", "too many digits"),
        ("double(256,2)", "too many digits"),
        ("varchar(70000)", "over 65535"),
        ("datetime(7)", "0 to 6"),
        ("bit(65)", "1 to 64"),
        ("int(x)", "not a whole number"),
        ("enum", "values in brackets"),
        ("geometry", "unknown type"),
        ("varchar(", "not closed"),
    ] {
        let error = arrow_field("c", text, true).map_err(|error| error.to_string());
        assert!(
            error.as_ref().is_err_and(
                |error| error.contains(part) && error.starts_with("column 'c' has the type")
            ),
            "{text}: {error:?}"
        );
    }
}
