//! `x IN (SELECT …)`, `x > ALL (SELECT …)` and `EXISTS (SELECT …)` as values in a SELECT list, where DataFusion takes them as conditions of
//! a WHERE only: they become counts of rows, with the NULL that MySQL gives when a row may be equal.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, Ident, Query, Select, SelectItem, SetExpr, TableAlias,
    TableAliasColumnDef, TableFactor, TableWithJoins, VisitMut, VisitorMut, visit_expressions,
};

use super::build::{binary, boolean, case, null, number};
use crate::error::Error;

/// What the subquery's rows are called; a user's table cannot be found by it.
pub(crate) const ROWS: &str = "__rows";
/// What its column is called.
const VALUE: &str = "__value";

/// Rewrites the items of a SELECT.
pub(super) fn as_values(select: &mut Select) -> Result<(), Error> {
    for item in &mut select.projection {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else {
            continue;
        };
        if let ControlFlow::Break(error) = expr.visit(&mut Values { depth: 0 }) {
            return Err(error);
        }
    }
    Ok(())
}

/// Goes into no subquery: what is a condition there stays one.
struct Values {
    depth: usize,
}

impl VisitorMut for Values {
    type Break = Error;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<Error> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Error> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        let rewritten = match expr {
            Expr::Exists { subquery, negated } => {
                let count = counted(subquery, &Counted::Rows);
                count.map(|count| {
                    let op = if *negated {
                        BinaryOperator::Eq
                    } else {
                        BinaryOperator::Gt
                    };
                    binary(count, op, number(0))
                })
            }
            Expr::InSubquery {
                expr: value,
                subquery,
                negated,
            } if !matches!(value.as_ref(), Expr::Tuple(_)) => {
                decided(value, &BinaryOperator::Eq, subquery, !*negated)
            }
            Expr::AnyOp {
                left,
                compare_op,
                right,
                ..
            } => match right.as_ref() {
                Expr::Subquery(subquery) => decided(left, compare_op, subquery, true),
                _ => return ControlFlow::Continue(()),
            },
            Expr::AllOp {
                left,
                compare_op,
                right,
            } => match (right.as_ref(), opposite(compare_op)) {
                (Expr::Subquery(subquery), Some(op)) => decided(left, &op, subquery, false),
                _ => return ControlFlow::Continue(()),
            },
            _ => return ControlFlow::Continue(()),
        };
        match rewritten {
            Ok(rewritten) => {
                *expr = rewritten;
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }
    }
}

/// The comparison that is true where this one is false.
fn opposite(op: &BinaryOperator) -> Option<BinaryOperator> {
    Some(match op {
        BinaryOperator::Eq => BinaryOperator::NotEq,
        BinaryOperator::NotEq => BinaryOperator::Eq,
        BinaryOperator::Lt => BinaryOperator::GtEq,
        BinaryOperator::LtEq => BinaryOperator::Gt,
        BinaryOperator::Gt => BinaryOperator::LtEq,
        BinaryOperator::GtEq => BinaryOperator::Lt,
        _ => return None,
    })
}

/// `found` if the value compares so with one of a subquery's, NULL if it may, else the opposite.
fn decided(
    value: &Expr,
    op: &BinaryOperator,
    subquery: &Query,
    found: bool,
) -> Result<Expr, Error> {
    let some = |which: &Counted<'_>| {
        Ok::<_, Error>(binary(
            counted(subquery, which)?,
            BinaryOperator::Gt,
            number(0),
        ))
    };
    let is_found = some(&Counted::Compared(value, op))?;
    let unknown = binary(
        binary(
            Expr::IsNull(Box::new(value.clone())),
            BinaryOperator::And,
            some(&Counted::Rows)?,
        ),
        BinaryOperator::Or,
        some(&Counted::Null)?,
    );
    Ok(case(
        is_found,
        boolean(found),
        Some(case(unknown, null(), Some(boolean(!found)))),
    ))
}

/// The SELECT of a subquery whose rows are just those that its WHERE leaves.
fn plain(subquery: &Query) -> Option<&Select> {
    let SetExpr::Select(select) = subquery.body.as_ref() else {
        return None;
    };
    let mut grouped =
        !matches!(&select.group_by, GroupByExpr::Expressions(terms, _) if terms.is_empty());
    let mut items = select.projection.clone();
    for item in &mut items {
        let _ = item.visit(&mut Aggregates(&mut grouped));
    }
    let plain = !grouped
        && subquery.with.is_none()
        && subquery.limit_clause.is_none()
        && select.distinct.is_none()
        && select.having.is_none()
        && !select.from.is_empty();
    plain.then_some(select.as_ref())
}

/// Sees calls that may be aggregates: without knowing all of them, any call is one.
struct Aggregates<'a>(&'a mut bool);

impl VisitorMut for Aggregates<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        *self.0 |= matches!(expr, Expr::Function(_));
        ControlFlow::Continue(())
    }
}

/// Whether no name of `value` could be one of the subquery's: all are qualified, by tables that it has not.
fn is_outside(value: &Expr, select: &Select) -> bool {
    let mut inner = BTreeSet::new();
    for table in &select.from {
        let joined = table.joins.iter().map(|join| &join.relation);
        for relation in std::iter::once(&table.relation).chain(joined) {
            match relation {
                TableFactor::Table {
                    alias: Some(alias), ..
                }
                | TableFactor::Derived {
                    alias: Some(alias), ..
                } => {
                    inner.insert(alias.name.value.to_lowercase());
                }
                TableFactor::Table { name, .. } => {
                    let name = name.0.last().map(ToString::to_string).unwrap_or_default();
                    inner.insert(name.replace('`', "").to_lowercase());
                }
                _ => return false,
            }
        }
    }
    let mut outside = true;
    let _ = visit_expressions(value, |expr| {
        outside &= match expr {
            Expr::Identifier(_) => false,
            Expr::CompoundIdentifier(idents) => idents
                .iter()
                .rev()
                .nth(1)
                .is_some_and(|table| !inner.contains(&table.value.to_lowercase())),
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => false,
            _ => true,
        };
        ControlFlow::<()>::Continue(())
    });
    outside
}

/// What a count is of.
enum Counted<'a> {
    /// All rows.
    Rows,
    /// Those with whose value this compares so.
    Compared(&'a Expr, &'a BinaryOperator),
    /// Those whose value is NULL.
    Null,
}

/// A scalar subquery that counts rows of another.
fn counted(subquery: &Query, which: &Counted<'_>) -> Result<Expr, Error> {
    let condition = |column: Expr| match which {
        Counted::Rows => None,
        Counted::Compared(value, op) => Some(binary((*value).clone(), (*op).clone(), column)),
        Counted::Null => Some(Expr::IsNull(Box::new(column))),
    };
    let mut template = super::parse(&format!("SELECT COUNT(*) FROM (SELECT 1) AS {ROWS}"))?.query;
    let SetExpr::Select(counting) = template.body.as_mut() else {
        return Err(Error::internal("the template of a count is no SELECT"));
    };
    // Its own rows are counted when that means the same: DataFusion can take such a subquery apart even if it
    // asks for columns of the outer query.
    if let Some(select) = plain(subquery) {
        let column = match select.projection.as_slice() {
            [SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }] => Some(expr),
            _ => None,
        };
        let extra = match (which, column) {
            (Counted::Rows, _) => Some(None),
            (Counted::Null, Some(column)) => Some(condition(column.clone())),
            (Counted::Compared(value, _), Some(column)) if is_outside(value, select) => {
                Some(condition(column.clone()))
            }
            _ => None,
        };
        if let Some(extra) = extra {
            counting.from.clone_from(&select.from);
            counting.selection = match (select.selection.clone(), extra) {
                (Some(own), Some(extra)) => Some(binary(
                    super::build::nested(own),
                    BinaryOperator::And,
                    extra,
                )),
                (own, extra) => own.or(extra),
            };
            return Ok(Expr::Subquery(template));
        }
    }
    let column = Expr::CompoundIdentifier(vec![Ident::new(ROWS), Ident::new(VALUE)]);
    let columns = match which {
        Counted::Rows => Vec::new(),
        Counted::Compared(..) | Counted::Null => vec![TableAliasColumnDef {
            name: Ident::new(VALUE),
            data_type: None,
        }],
    };
    counting.from = vec![TableWithJoins {
        relation: TableFactor::Derived {
            lateral: false,
            subquery: Box::new(subquery.clone()),
            alias: Some(TableAlias {
                explicit: true,
                name: Ident::new(ROWS),
                columns,
                at: None,
            }),
            sample: None,
        },
        joins: Vec::new(),
    }];
    counting.selection = condition(column);
    Ok(Expr::Subquery(template))
}
