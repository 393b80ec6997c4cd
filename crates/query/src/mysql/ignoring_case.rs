//! Conditions over names that ignore letters' case, as MySQL's collation of names does: SHOW … WHERE. Else text compares by
//! its bytes here.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Query, SetExpr, UnaryOperator, Value};

use super::build::{call, take};

/// Has a column and a text compare so in the WHERE of a query, where nothing says otherwise (COLLATE does): by `=`, `<` and
/// their like, IN, BETWEEN and LIKE. Columns are taken for texts.
pub(super) fn in_condition(query: &mut Query) {
    if let SetExpr::Select(select) = query.body.as_mut()
        && let Some(condition) = &mut select.selection
    {
        condition_of(condition);
    }
}

/// As deep as a statement may be nested.
fn condition_of(expr: &mut Expr) {
    match expr {
        Expr::Nested(inner)
        | Expr::UnaryOp {
            op: UnaryOperator::Not | UnaryOperator::BangNot,
            expr: inner,
        } => condition_of(inner),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And | BinaryOperator::Or | BinaryOperator::Xor,
            right,
        } => {
            condition_of(left);
            condition_of(right);
        }
        Expr::BinaryOp { left, op, right } if compares(op) => {
            fold_all(&mut [left.as_mut(), right.as_mut()]);
        }
        Expr::Like {
            expr: value,
            pattern,
            ..
        } => fold_all(&mut [value.as_mut(), pattern.as_mut()]),
        Expr::Between {
            expr: value,
            low,
            high,
            ..
        } => fold_all(&mut [value.as_mut(), low.as_mut(), high.as_mut()]),
        Expr::InList {
            expr: value, list, ..
        } => {
            let mut all: Vec<&mut Expr> = vec![value.as_mut()];
            all.extend(list.iter_mut());
            fold_all(&mut all);
        }
        _ => {}
    }
}

fn compares(op: &BinaryOperator) -> bool {
    matches!(
        op,
        BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq
            | BinaryOperator::Spaceship
    )
}

/// Folds what is compared, where it is a column and texts, and nothing else.
fn fold_all(compared: &mut [&mut Expr]) {
    let has_column = compared.iter().any(|expr| is_column(expr));
    let is_all_text = compared.iter().all(|expr| is_column(expr) || is_text(expr));
    let has_text = compared.iter().any(|expr| is_text(expr));
    if has_column && has_text && is_all_text {
        for expr in compared {
            **expr = call("lower", vec![take(expr)]);
        }
    }
}

fn is_column(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
}

fn is_text(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Value(value) if matches!(
            value.value,
            Value::SingleQuotedString(_) | Value::DoubleQuotedString(_)
        )
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn columns_and_texts_are_folded_and_nothing_else() {
        for (condition, expected) in [
            ("a = 'X'", "lower(a) = lower('X')"),
            ("(`A` <> 'X')", "(lower(`A`) <> lower('X'))"),
            (
                "NOT 'x' < a OR t.b >= 'y' AND c <=> 'Z'",
                "NOT lower('x') < lower(a) OR lower(t.b) >= lower('y') AND lower(c) <=> lower('Z')",
            ),
            ("a IN ('X', 'y')", "lower(a) IN (lower('X'), lower('y'))"),
            ("a LIKE 'X%'", "lower(a) LIKE lower('X%')"),
            (
                "a NOT BETWEEN 'A' AND 'b'",
                "lower(a) NOT BETWEEN lower('A') AND lower('b')",
            ),
            ("a > 1", "a > 1"),
            ("a IN ('1', 2)", "a IN ('1', 2)"),
            ("a = b", "a = b"),
            ("UPPER(a) = 'X'", "UPPER(a) = 'X'"),
            ("a COLLATE utf8mb4_bin = 'X'", "a COLLATE utf8mb4_bin = 'X'"),
            ("a IS NULL", "a IS NULL"),
        ] {
            let mut query = super::super::parse(&format!("SELECT 1 FROM t WHERE {condition}"))
                .unwrap()
                .query;
            in_condition(&mut query);
            assert_eq!(
                query.to_string(),
                format!("SELECT 1 FROM t WHERE {expected}")
            );
        }
    }
}
