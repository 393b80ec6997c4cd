//! The statement that reads: COPY of just the columns, rows and number of rows that are wanted.

use std::fmt::Write as _;

use super::columns::{ServerColumn, Wire};
use crate::Wanted;
use crate::batch::place_of;
use crate::condition::{Condition, Operator, Value, date_text, render, stamp_text};
use crate::place::Place;

pub(super) fn copy(
    place: &Place,
    all: &[ServerColumn],
    chosen: &[ServerColumn],
    wanted: &Wanted,
) -> String {
    let columns: Vec<String> = chosen
        .iter()
        .map(|column| match column.wire {
            Wire::AsText => format!("{}::pg_catalog.text", name(&column.name)),
            _ => name(&column.name),
        })
        .collect();
    let mut text = format!(
        "COPY (SELECT {} FROM {}.{}",
        columns.join(", "),
        name(&place.schema),
        name(&place.table)
    );
    let conditions = Condition::All(wanted.conditions.clone());
    let mut atom = |condition: &Condition| atom(condition, all);
    if let Some(conditions) = render(&conditions, &mut atom) {
        let _ = write!(text, " WHERE {conditions}");
    }
    if let Some(rows) = wanted.rows_max {
        let _ = write!(text, " LIMIT {rows}");
    }
    text.push_str(") TO STDOUT (FORMAT binary)");
    text
}

/// One comparison, where PostgreSQL means the same by it, or takes more rows.
fn atom(condition: &Condition, all: &[ServerColumn]) -> Option<String> {
    let column = |wanted: &str| {
        let names: Vec<&str> = all.iter().map(|column| column.name.as_str()).collect();
        place_of(wanted, &names, "").ok().map(|at| &all[at])
    };
    match condition {
        Condition::Null {
            column: of,
            is_null,
        } => {
            let verb = if *is_null { "IS NULL" } else { "IS NOT NULL" };
            Some(format!("{} {verb}", name(&column(of)?.name)))
        }
        Condition::Compare {
            column: of,
            operator,
            value,
        } => {
            let column = column(of)?;
            let value = literal(column.wire, value)?;
            // By bytes, as it is compared here, whatever the column's collation.
            let by = match (column.wire, operator) {
                (_, Operator::Equal) => "",
                (Wire::Text, _) => " COLLATE \"C\"",
                _ => "",
            };
            Some(format!(
                "{}{by} {} {value}",
                name(&column.name),
                operator.sql()
            ))
        }
        Condition::In { column: of, values } => {
            let column = column(of)?;
            let values: Option<Vec<String>> = values
                .iter()
                .map(|value| literal(column.wire, value))
                .collect();
            Some(format!(
                "{} IN ({})",
                name(&column.name),
                values?.join(", ")
            ))
        }
        Condition::All(_) | Condition::Any(_) => None,
    }
}

/// A value as a column of this type compares with it; `None` where they do not compare.
fn literal(wire: Wire, value: &Value) -> Option<String> {
    Some(match (wire, value) {
        (Wire::Bool, Value::Bool(value)) => value.to_string(),
        (Wire::Int2 | Wire::Int4 | Wire::Int8 | Wire::Numeric { .. }, Value::Integer(number)) => {
            format!("({number})")
        }
        (Wire::Int2 | Wire::Int4 | Wire::Int8 | Wire::Numeric { .. }, Value::Decimal(digits)) => {
            format!("({digits})")
        }
        (Wire::Float4 | Wire::Float8, Value::Float(number)) if number.is_finite() => {
            format!("'{number:?}'::pg_catalog.float8")
        }
        (Wire::Text, Value::Text(text)) => string(text)?,
        (Wire::Date, Value::Date(days)) => format!("'{}'::pg_catalog.date", date_text(*days)?),
        (Wire::Stamp, Value::Stamp(micros)) => {
            format!("'{}'::pg_catalog.timestamp", stamp_text(*micros)?)
        }
        (Wire::Moment, Value::Moment(micros)) => {
            format!("'{}+00'::pg_catalog.timestamptz", stamp_text(*micros)?)
        }
        (Wire::Uuid, Value::Uuid(bytes)) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("'{digits}'::pg_catalog.uuid")
        }
        _ => return None,
    })
}

/// A quoted name.
fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string whose meaning no setting changes; `None` for one that no PostgreSQL text can be.
fn string(text: &str) -> Option<String> {
    if text.contains('\0') {
        return None;
    }
    let quoted = text.replace('\'', "''");
    Some(if quoted.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn strings_and_names_stay_what_they_are() {
        assert_eq!(string("it's").unwrap(), "'it''s'");
        assert_eq!(string(r"a\'b").unwrap(), r"E'a\\''b'");
        assert_eq!(string("a\0b"), None);
        assert_eq!(name("a\"; DROP TABLE b; --"), "\"a\"\"; DROP TABLE b; --\"");
    }

    #[test]
    fn values_of_other_kinds_are_not_compared_there() {
        assert_eq!(literal(Wire::Int4, &Value::Text("1".to_owned())), None);
        assert_eq!(literal(Wire::AsText, &Value::Text("1".to_owned())), None);
        assert_eq!(literal(Wire::Float8, &Value::Float(f64::NAN)), None);
        assert_eq!(
            literal(Wire::Int4, &Value::Integer(-5)).as_deref(),
            Some("(-5)")
        );
        assert_eq!(
            literal(Wire::Moment, &Value::Moment(0)).as_deref(),
            Some("'1970-01-01 00:00:00.000000+00'::pg_catalog.timestamptz")
        );
    }
}
