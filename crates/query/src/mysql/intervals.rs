//! `INTERVAL n unit`, also of several units (`'1:30' HOUR_MINUTE`), and the function of the same name
//! (MySQL 8.4 manual, "Temporal Intervals", "INTERVAL()").

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DateTimeField, Expr, Ident, Interval, UnaryOperator, Value,
};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

use super::build::{binary, call, number, string};
use crate::error::Error;
use crate::temporal::SECOND_US;

/// What an interval of several units is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    Months,
    Seconds,
    Micros,
}

/// The units that are several, with what their intervals are counted in.
const SEVERAL: [(&str, Counted); 11] = [
    ("YEAR_MONTH", Counted::Months),
    ("DAY_HOUR", Counted::Seconds),
    ("DAY_MINUTE", Counted::Seconds),
    ("DAY_SECOND", Counted::Seconds),
    ("DAY_MICROSECOND", Counted::Micros),
    ("HOUR_MINUTE", Counted::Seconds),
    ("HOUR_SECOND", Counted::Seconds),
    ("HOUR_MICROSECOND", Counted::Micros),
    ("MINUTE_SECOND", Counted::Seconds),
    ("MINUTE_MICROSECOND", Counted::Micros),
    ("SECOND_MICROSECOND", Counted::Micros),
];

/// What follows the word INTERVAL: `(n, a, b, …)` of the function, or a value and a unit.
pub(super) fn parse(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
    let value = match parser.peek_token_ref().token {
        Token::LParen => match parser.parse_prefix()? {
            Expr::Tuple(args) => return Ok(call("interval", args)),
            mut value => {
                // Its value may go on behind the bracket: `INTERVAL (a) + 1 DAY`.
                loop {
                    let precedence = parser.get_next_precedence()?;
                    if precedence == 0 {
                        break value;
                    }
                    value = parser.parse_infix(value, precedence)?;
                }
            }
        },
        _ => parser.parse_expr()?,
    };
    let unit = match &parser.peek_token_ref().token {
        Token::Word(word) if word.quote_style.is_none() => word.value.to_uppercase(),
        _ => String::new(),
    };
    let leading_field = if SEVERAL.iter().any(|(name, _)| *name == unit) {
        parser.advance_token();
        DateTimeField::Custom(Ident::new(unit))
    } else if unit.is_empty() {
        return parser.expected_ref(
            "the unit of the INTERVAL, such as DAY",
            parser.peek_token_ref(),
        );
    } else {
        parser.parse_date_time_field()?
    };
    Ok(Expr::Interval(Interval {
        value: Box::new(value),
        leading_field: Some(leading_field),
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    }))
}

/// Whether the next token is the word INTERVAL.
pub(super) fn is_next(parser: &Parser<'_>) -> bool {
    matches!(
        &parser.peek_token_ref().token,
        Token::Word(word) if word.quote_style.is_none() && word.keyword == Keyword::INTERVAL
    )
}

/// `value + INTERVAL n unit`, or minus.
pub(super) fn add_interval(value: Expr, interval: Interval, negative: bool) -> Result<Expr, Error> {
    let Some(unit) = interval.leading_field else {
        return Err(Error::invalid("an INTERVAL needs a unit, such as DAY"));
    };
    let unit = unit_name(&unit);
    if let Some((name, counted)) = SEVERAL.iter().find(|(name, _)| *name == unit) {
        let adds = match counted {
            Counted::Months => "mysql_add_months",
            Counted::Seconds => "mysql_add_seconds",
            Counted::Micros => "mysql_add_micros",
        };
        let count = call("mysql_interval_count", vec![*interval.value, string(*name)]);
        return Ok(call(adds, vec![value, signed(count, negative)]));
    }
    let (name, factor) = match unit.as_str() {
        "YEAR" => ("mysql_add_months", 12),
        "QUARTER" => ("mysql_add_months", 3),
        "MONTH" => ("mysql_add_months", 1),
        "WEEK" => ("mysql_add_days", 7),
        "DAY" => ("mysql_add_days", 1),
        "HOUR" => ("mysql_add_seconds", 3600),
        "MINUTE" => ("mysql_add_seconds", 60),
        "SECOND" => ("mysql_add_seconds", 1),
        "MICROSECOND" => ("mysql_add_micros", 1),
        other => {
            return Err(Error::unsupported(format!(
                "INTERVAL … {other} is not supported"
            )));
        }
    };
    // A fraction that is written is kept where there is something finer than the unit.
    let (name, factor, value_of) = match fraction(&interval.value) {
        true if name == "mysql_add_seconds" && factor == 1 => (
            "mysql_add_micros",
            1,
            binary(*interval.value, BinaryOperator::Multiply, number(SECOND_US)),
        ),
        _ => (name, factor, *interval.value),
    };
    let mut count = call("mysql_signed", vec![value_of]);
    if factor != 1 {
        count = binary(count, BinaryOperator::Multiply, number(factor));
    }
    Ok(call(name, vec![value, signed(count, negative)]))
}

fn signed(count: Expr, negative: bool) -> Expr {
    match negative {
        true => binary(count, BinaryOperator::Multiply, number(-1)),
        false => count,
    }
}

/// Whether a count is written with a fraction.
fn fraction(count: &Expr) -> bool {
    match count {
        Expr::Value(written) => match &written.value {
            Value::SingleQuotedString(text)
            | Value::DoubleQuotedString(text)
            | Value::Number(text, _) => text.contains('.'),
            _ => false,
        },
        Expr::UnaryOp {
            expr,
            op: UnaryOperator::Minus | UnaryOperator::Plus,
        }
        | Expr::Nested(expr) => fraction(expr),
        _ => false,
    }
}

fn unit_name(unit: &DateTimeField) -> String {
    let name = unit.to_string().to_uppercase();
    name.strip_suffix('S').map_or(name.clone(), str::to_owned)
}
