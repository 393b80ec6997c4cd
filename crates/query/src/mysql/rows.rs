//! Rows of several values, `(a, b) = (1, 2)` and `(a, b) IN (…)`, as comparisons of their parts
//! (MySQL 8.4 manual, "Row Subqueries", "Comparison Functions and Operators").

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, Query, SelectItem, SetExpr, TableAlias, TableAliasColumnDef,
    TableFactor, TableWithJoins,
};

use super::build::{binary, nested, not, take};
use super::values::ROWS;
use crate::error::Error;

fn parts(expr: &Expr) -> Result<&[Expr], Error> {
    match expr {
        Expr::Tuple(parts) => Ok(parts),
        Expr::Nested(inner) => parts(inner),
        other => Err(Error::invalid(format!(
            "a row such as (a, b) is compared with {other}, which is none"
        ))),
    }
}

/// Pairs of the parts of two rows.
fn pairs(left: &Expr, right: &Expr) -> Result<Vec<(Expr, Expr)>, Error> {
    let (left, right) = (parts(left)?, parts(right)?);
    if left.len() != right.len() {
        return Err(Error::invalid(format!(
            "a row of {} values is compared with one of {}",
            left.len(),
            right.len()
        )));
    }
    Ok(left.iter().cloned().zip(right.iter().cloned()).collect())
}

fn chain(terms: impl IntoIterator<Item = Expr>, op: &BinaryOperator) -> Expr {
    terms
        .into_iter()
        .reduce(|left, right| binary(left, op.clone(), right))
        .unwrap_or_else(|| super::build::boolean(true))
}

/// `(a, b) = (c, d)`, `<>` and `<=>`.
pub(super) fn compared(
    left: &mut Expr,
    op: BinaryOperator,
    right: &mut Expr,
) -> Result<Expr, Error> {
    if let Expr::Subquery(subquery) = right {
        return match op {
            BinaryOperator::Eq => in_subquery(left, subquery, false),
            BinaryOperator::NotEq => in_subquery(left, subquery, true),
            _ => Err(Error::unsupported(
                "a row can be compared with a subquery by =, <> and IN only",
            )),
        };
    }
    let pairs = pairs(left, right)?;
    let each = pairs
        .into_iter()
        .map(|(left, right)| binary(left, op.clone(), right));
    Ok(nested(match op {
        BinaryOperator::NotEq => chain(each, &BinaryOperator::Or),
        _ => chain(each, &BinaryOperator::And),
    }))
}

/// `(a, b) < (c, d)` is `a < c OR a = c AND b < d`.
pub(super) fn ordered(
    left: &mut Expr,
    op: BinaryOperator,
    right: &mut Expr,
) -> Result<Expr, Error> {
    let strict = match op {
        BinaryOperator::Lt | BinaryOperator::LtEq => BinaryOperator::Lt,
        _ => BinaryOperator::Gt,
    };
    let mut pairs = pairs(left, right)?;
    let Some((last_left, last_right)) = pairs.pop() else {
        return Err(Error::invalid("a row has no values"));
    };
    let mut result = binary(last_left, op, last_right);
    for (left, right) in pairs.into_iter().rev() {
        let equal = binary(left.clone(), BinaryOperator::Eq, right.clone());
        result = binary(
            binary(left, strict.clone(), right),
            BinaryOperator::Or,
            binary(equal, BinaryOperator::And, result),
        );
    }
    Ok(result)
}

/// `(a, b) [NOT] IN ((1, 2), (3, 4))`.
pub(super) fn in_list(row: &mut Expr, list: &mut [Expr], negated: bool) -> Result<Expr, Error> {
    let mut equal = Vec::with_capacity(list.len());
    for value in list {
        equal.push(compared(row, BinaryOperator::Eq, value)?);
    }
    let any = nested(chain(equal, &BinaryOperator::Or));
    Ok(if negated { not(any) } else { any })
}

/// `(a, b) [NOT] IN (SELECT …)` asks whether the subquery has such a row. With NOT a row whose values may be equal,
/// since some are NULL, counts as one.
pub(super) fn in_subquery(
    row: &mut Expr,
    subquery: &mut Box<Query>,
    negated: bool,
) -> Result<Expr, Error> {
    let values = match take(row) {
        Expr::Tuple(values) => values,
        other => return Err(Error::invalid(format!("{other} is no row"))),
    };
    let mut query = super::parse(&format!("SELECT 1 FROM (SELECT 1) AS {ROWS} WHERE 1 = 1"))?.query;
    let SetExpr::Select(select) = query.body.as_mut() else {
        return Err(Error::internal(
            "the template of a row subquery is no SELECT",
        ));
    };
    let columns: Vec<Ident> = (1..=values.len())
        .map(|number| Ident::with_quote('`', format!("__value_{number}")))
        .collect();
    let mut alias = TableAlias {
        explicit: true,
        name: Ident::new(ROWS),
        columns: Vec::new(),
        at: None,
    };
    alias.columns = columns
        .iter()
        .map(|name| TableAliasColumnDef {
            name: name.clone(),
            data_type: None,
        })
        .collect();
    select.from = vec![TableWithJoins {
        relation: TableFactor::Derived {
            lateral: false,
            subquery: subquery.clone(),
            alias: Some(alias),
            sample: None,
        },
        joins: Vec::new(),
    }];
    let each = values.into_iter().zip(columns).map(|(value, column)| {
        let column = Expr::CompoundIdentifier(vec![Ident::new(ROWS), column]);
        let equal = binary(value.clone(), BinaryOperator::Eq, column.clone());
        if negated {
            let nulls = binary(
                Expr::IsNull(Box::new(value)),
                BinaryOperator::Or,
                Expr::IsNull(Box::new(column)),
            );
            binary(equal, BinaryOperator::Or, nulls)
        } else {
            equal
        }
    });
    select.selection = Some(chain(each, &BinaryOperator::And));
    select.projection = vec![SelectItem::UnnamedExpr(super::build::number(1))];
    Ok(Expr::Exists {
        subquery: query,
        negated,
    })
}
