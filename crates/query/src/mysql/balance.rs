//! Long chains of one operator as trees of logarithmic depth: the parser makes them as deep as they
//! are long, and what comes after recurses, and takes time by the cube of the depth.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr};

use super::build::{null, take};
use crate::error::Error;

/// Sums and products of more terms than this are summed and multiplied pairwise, not from left to right.
/// Only the last bits of doubles can tell.
const TERMS_MAX: usize = 64;

/// Operators in a row that cannot be balanced.
const DEPTH_MAX: usize = 128;

/// Balances the chain that begins at `expr`, if it is one.
pub(super) fn flatten(expr: &mut Expr) -> Result<(), Error> {
    let Expr::BinaryOp { op, .. } = expr else {
        return Ok(());
    };
    let op = op.clone();
    let terms = match op {
        BinaryOperator::And | BinaryOperator::Or => 0,
        BinaryOperator::Plus | BinaryOperator::Multiply => TERMS_MAX,
        _ => usize::MAX,
    };
    if depth(expr, |inner| *inner == op || is_or(inner) && is_or(&op)) > terms {
        balance(expr, &op);
    }
    if depth(expr, |_| true) > DEPTH_MAX {
        return Err(Error::unsupported(format!(
            "an expression has more than {DEPTH_MAX} operators in a row; use brackets to make it less deep"
        )));
    }
    Ok(())
}

/// How many operators that match follow each other on the left side.
fn depth(expr: &Expr, matches: impl Fn(&BinaryOperator) -> bool) -> usize {
    let mut depth = 0;
    let mut rest = expr;
    while let Expr::BinaryOp { left, op, .. } = rest
        && matches(op)
    {
        depth += 1;
        rest = left;
    }
    depth
}

fn is_or(op: &BinaryOperator) -> bool {
    matches!(op, BinaryOperator::Or | BinaryOperator::StringConcat)
}

/// Turns a chain `a AND b AND c …`, which the parser makes as deep as it is long, into a tree of
/// logarithmic depth. AND and OR are associative, also with NULLs; so are exact sums and products.
fn balance(expr: &mut Expr, op: &BinaryOperator) {
    let same = |other: &BinaryOperator| other == op || is_or(other) && is_or(op);
    let mut terms = Vec::new();
    let mut rest = take(expr);
    loop {
        match rest {
            Expr::BinaryOp {
                left,
                op: inner,
                right,
            } if same(&inner) => {
                terms.push(*right);
                rest = *left;
            }
            first => {
                terms.push(first);
                break;
            }
        }
    }
    terms.reverse();
    *expr = tree(terms, op);
}

fn tree(mut terms: Vec<Expr>, op: &BinaryOperator) -> Expr {
    while terms.len() > 1 {
        let mut pairs = Vec::with_capacity(terms.len().div_ceil(2));
        let mut rest = terms.into_iter();
        while let Some(left) = rest.next() {
            pairs.push(match rest.next() {
                Some(right) => Expr::BinaryOp {
                    left: Box::new(left),
                    op: op.clone(),
                    right: Box::new(right),
                },
                None => left,
            });
        }
        terms = pairs;
    }
    terms.pop().unwrap_or_else(null)
}
