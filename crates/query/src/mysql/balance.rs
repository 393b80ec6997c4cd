//! Long chains of AND and OR as trees of logarithmic depth:
//! the parser makes them as deep as they are long, and everything after it recurses.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr};

use super::build::{null, take};

/// Turns a chain `a AND b AND c …`, which the parser makes as deep as it is long, into a tree of
/// logarithmic depth. AND and OR are associative, also with NULLs.
pub(super) fn balance(expr: &mut Expr, op: &BinaryOperator) {
    let same = |other: &BinaryOperator| {
        other == op || *op == BinaryOperator::Or && *other == BinaryOperator::StringConcat
    };
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
