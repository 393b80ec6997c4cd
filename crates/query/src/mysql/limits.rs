//! Bounds on a statement's shape, checked on its tokens before anything recurses:
//! a chain of operators becomes a tree as deep as the chain is long.

use datafusion::sql::sqlparser::ast::{Expr, LimitClause, Query, Value};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::Error;

/// sqlparser's recursion limit; a bracket takes about three steps.
pub(super) const DEPTH_MAX: usize = 600;
/// Brackets and CASEs within each other.
const NESTING_MAX: usize = 150;
/// Operators in one expression that do not associate, between commas, brackets, AND and OR.
pub(super) const OPERATORS_MAX: usize = 1_000;
/// ANDs and ORs in one expression; they are balanced later, so more of them do no harm.
const CONDITIONS_MAX: usize = 50_000;
/// Joins, set operations and XORs side by side.
const STRUCTURES_MAX: usize = 500;

#[derive(Default, Clone, Copy)]
struct Counts {
    operators: usize,
    conditions: usize,
    structures: usize,
    betweens: usize,
}

/// Refuses a statement whose tree would be too deep.
pub(super) fn check(tokens: &[TokenWithSpan]) -> Result<(), Error> {
    let mut stack = vec![Counts::default()];
    for token in tokens {
        let Some(counts) = stack.last_mut() else {
            break;
        };
        let too_many = |what: &str, most: usize| {
            Err(Error::unsupported(format!(
                "an expression has more than {most} {what} in a row"
            ))
            .at(token.span.start.line, token.span.start.column))
        };
        match &token.token {
            Token::LParen => stack.push(Counts::default()),
            Token::RParen => close(&mut stack),
            Token::Comma => counts.operators = 0,
            Token::StringConcat | Token::Overlap => condition(counts),
            Token::Word(word) if word.quote_style.is_none() => {
                match word.value.to_ascii_uppercase().as_str() {
                    "CASE" => stack.push(Counts::default()),
                    "END" => close(&mut stack),
                    "AND" | "OR" => condition(counts),
                    "BETWEEN" => {
                        counts.betweens += 1;
                        counts.operators += 1;
                    }
                    "WHEN" | "THEN" | "ELSE" | "SELECT" | "FROM" | "WHERE" | "GROUP" | "HAVING"
                    | "ORDER" | "LIMIT" | "ON" => {
                        counts.operators = 0;
                        counts.betweens = 0;
                    }
                    "JOIN" | "UNION" | "EXCEPT" | "INTERSECT" | "XOR" => counts.structures += 1,
                    "IS" | "LIKE" | "IN" | "NOT" | "COLLATE" | "RLIKE" | "REGEXP" | "DIV"
                    | "MOD" => counts.operators += 1,
                    _ => {}
                }
            }
            Token::Plus
            | Token::Minus
            | Token::Mul
            | Token::Div
            | Token::Mod
            | Token::Eq
            | Token::Neq
            | Token::Lt
            | Token::Gt
            | Token::LtEq
            | Token::GtEq
            | Token::Spaceship
            | Token::Ampersand
            | Token::Pipe
            | Token::Caret
            | Token::ShiftLeft
            | Token::ShiftRight
            | Token::Tilde
            | Token::ExclamationMark => counts.operators += 1,
            _ => {}
        }
        if stack.len() > NESTING_MAX {
            return Err(Error::unsupported(format!(
                "brackets and CASEs are nested more than {NESTING_MAX} deep"
            ))
            .at(token.span.start.line, token.span.start.column));
        }
        if let Some(counts) = stack.last() {
            if counts.operators > OPERATORS_MAX {
                return too_many("operators", OPERATORS_MAX);
            }
            if counts.conditions > CONDITIONS_MAX {
                return too_many("ANDs and ORs", CONDITIONS_MAX);
            }
            if counts.structures > STRUCTURES_MAX {
                return too_many("joins, set operations or XORs", STRUCTURES_MAX);
            }
        }
    }
    Ok(())
}

/// MySQL's way to say "all rows from here on" is `LIMIT 10, 18446744073709551615`: a limit over what a bigint holds is one
/// of as many rows as that.
pub(super) fn clamp_limit(query: &mut Query) {
    let clamp = |expr: &mut Expr| {
        if let Expr::Value(value) = expr
            && let Value::Number(digits, _) = &value.value
            && digits.parse::<i64>().is_err()
            && digits.parse::<u64>().is_ok()
        {
            *expr = super::build::number(i64::MAX);
        }
    };
    match &mut query.limit_clause {
        Some(LimitClause::LimitOffset { limit, offset, .. }) => {
            limit.iter_mut().for_each(clamp);
            if let Some(offset) = offset {
                clamp(&mut offset.value);
            }
        }
        Some(LimitClause::OffsetCommaLimit { offset, limit }) => {
            clamp(offset);
            clamp(limit);
        }
        None => {}
    }
}

/// Bytes of the string literals; a binary literal counts as its digits.
pub(super) fn text_bytes(tokens: &[TokenWithSpan]) -> usize {
    tokens
        .iter()
        .map(|token| match &token.token {
            Token::SingleQuotedString(text)
            | Token::DoubleQuotedString(text)
            | Token::NationalStringLiteral(text)
            | Token::HexStringLiteral(text) => text.len(),
            _ => 0,
        })
        .sum()
}

/// An AND that belongs to a BETWEEN is no condition.
fn condition(counts: &mut Counts) {
    if counts.betweens > 0 {
        counts.betweens -= 1;
        return;
    }
    counts.conditions += 1;
    counts.operators = 0;
}

fn close(stack: &mut Vec<Counts>) {
    if stack.len() > 1 {
        stack.pop();
    }
}
