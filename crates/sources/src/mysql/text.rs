//! The statement that reads: just the columns, rows and number of rows that are wanted.

use std::fmt::Write as _;

use mysql_async::Value as Parameter;

use super::columns::{ServerColumn, Wire};
use crate::Wanted;
use crate::batch::place_of;
use crate::condition::{Condition, Operator, Value, date_text, render, stamp_text};
use crate::place::Place;

/// The text, and the values of its parameters.
pub(super) fn select(
    place: &Place,
    all: &[ServerColumn],
    chosen: &[ServerColumn],
    wanted: &Wanted,
) -> (String, Vec<Parameter>) {
    let mut columns: Vec<String> = chosen
        .iter()
        .map(|column| match column.wire {
            Wire::AsText => format!("CAST({} AS CHAR)", name(&column.name)),
            _ => name(&column.name),
        })
        .collect();
    if columns.is_empty() {
        // Only the rows count.
        columns.push("1".to_owned());
    }
    let mut text = format!(
        "SELECT {} FROM {}.{}",
        columns.join(", "),
        name(&place.database),
        name(&place.table)
    );
    let conditions = Condition::All(wanted.conditions.clone());
    let mut values = Vec::new();
    if let Some(conditions) = sayable(&conditions, all) {
        let mut atom = |condition: &Condition| atom(condition, all, &mut values);
        if let Some(conditions) = render(&conditions, &mut atom) {
            let _ = write!(text, " WHERE {conditions}");
        }
    }
    if let Some(rows) = wanted.rows_max {
        let _ = write!(text, " LIMIT {rows}");
    }
    (text, values)
}

/// The part of a condition that can be said, so that no value of the rest becomes a parameter.
fn sayable(condition: &Condition, all: &[ServerColumn]) -> Option<Condition> {
    match condition {
        Condition::Compare { .. } | Condition::In { .. } | Condition::Null { .. } => {
            atom(condition, all, &mut Vec::new()).map(|_| condition.clone())
        }
        Condition::All(parts) => {
            let parts: Vec<Condition> =
                parts.iter().filter_map(|part| sayable(part, all)).collect();
            (!parts.is_empty()).then_some(Condition::All(parts))
        }
        Condition::Any(parts) => {
            let parts: Option<Vec<Condition>> =
                parts.iter().map(|part| sayable(part, all)).collect();
            parts.map(Condition::Any)
        }
    }
}

/// One comparison, where MySQL means the same by it, or takes more rows.
fn atom(
    condition: &Condition,
    all: &[ServerColumn],
    values: &mut Vec<Parameter>,
) -> Option<String> {
    let column = |wanted: &str| {
        let names: Vec<&str> = all.iter().map(|column| column.name.as_str()).collect();
        place_of(wanted, &names, "").ok().map(|at| &all[at])
    };
    match condition {
        Condition::Null {
            column: of,
            is_null,
        } => {
            let column = column(of)?;
            // A date that is zero IS NULL to MySQL in some modes.
            if matches!(column.wire, Wire::Date | Wire::Stamp | Wire::Moment) {
                return None;
            }
            let verb = if *is_null { "IS NULL" } else { "IS NOT NULL" };
            Some(format!("{} {verb}", name(&column.name)))
        }
        Condition::Compare {
            column: of,
            operator,
            value,
        } => {
            let column = column(of)?;
            // By its collation MySQL finds more texts equal than there are here; less and greater mean another order.
            if column.wire == Wire::Text && *operator != Operator::Equal {
                return None;
            }
            let value = literal(column.wire, value, values)?;
            Some(format!("{} {} {value}", name(&column.name), operator.sql()))
        }
        Condition::In {
            column: of,
            values: list,
        } => {
            let column = column(of)?;
            let mut own = Vec::new();
            let list: Option<Vec<String>> = list
                .iter()
                .map(|value| literal(column.wire, value, &mut own))
                .collect();
            let list = list?;
            values.append(&mut own);
            Some(format!("{} IN ({})", name(&column.name), list.join(", ")))
        }
        Condition::All(_) | Condition::Any(_) => None,
    }
}

/// A value as a column of this type compares with it; `None` where they do not compare.
fn literal(wire: Wire, value: &Value, values: &mut Vec<Parameter>) -> Option<String> {
    Some(match (wire, value) {
        (
            Wire::Tiny { .. }
            | Wire::Small { .. }
            | Wire::Int { .. }
            | Wire::Big { .. }
            | Wire::Decimal { .. },
            Value::Integer(number),
        ) => format!("({number})"),
        (
            Wire::Tiny { .. }
            | Wire::Small { .. }
            | Wire::Int { .. }
            | Wire::Big { .. }
            | Wire::Decimal { .. },
            Value::Decimal(digits),
        ) => format!("({digits})"),
        (Wire::Float | Wire::Double, Value::Float(number)) if number.is_finite() => {
            format!("({number:e})")
        }
        // Letters that every character set has.
        (Wire::Text, Value::Text(text)) if text.is_ascii() => {
            values.push(Parameter::Bytes(text.clone().into_bytes()));
            "?".to_owned()
        }
        (Wire::Date, Value::Date(days)) => format!("DATE'{}'", date_text(*days)?),
        (Wire::Stamp, Value::Stamp(micros)) | (Wire::Moment, Value::Moment(micros)) => {
            format!("TIMESTAMP'{}'", stamp_text(*micros)?)
        }
        _ => return None,
    })
}

/// A quoted name.
fn name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::{Kind, Tls};

    fn text_of(column: &str, operator: Operator, text: &str) -> Condition {
        Condition::Compare {
            column: column.to_owned(),
            operator,
            value: Value::Text(text.to_owned()),
        }
    }

    #[test]
    fn only_what_is_said_has_parameters() {
        let place = Place {
            kind: Kind::Mysql,
            host: String::new(),
            port: 1,
            user: String::new(),
            password: None,
            database: "d`b".to_owned(),
            schema: String::new(),
            table: "t".to_owned(),
            tls: Tls::Off,
        };
        let all = [
            ServerColumn::new("a".to_owned(), "varchar(5)", true),
            ServerColumn::new("n".to_owned(), "int(11)", true),
        ];
        let wanted = Wanted {
            columns: Vec::new(),
            conditions: vec![
                Condition::Any(vec![
                    text_of("a", Operator::Equal, "x"),
                    text_of("a", Operator::Less, "y"),
                ]),
                text_of("a", Operator::Equal, "z"),
                text_of("a", Operator::Equal, "ß"),
                Condition::In {
                    column: "N".to_owned(),
                    values: vec![Value::Integer(1), Value::Integer(-2)],
                },
            ],
            rows_max: Some(3),
        };
        let (text, values) = select(&place, &all, &[], &wanted);
        assert_eq!(
            text,
            "SELECT 1 FROM `d``b`.`t` WHERE (`a` = ? AND `n` IN ((1), (-2))) LIMIT 3"
        );
        assert_eq!(values, [Parameter::Bytes(b"z".to_vec())]);
    }
}
