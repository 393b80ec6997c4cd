//! HAVING of a SELECT that groups nothing: a condition on its rows that may use the names of its items
//! (MySQL 8.4 manual, "SELECT Statement").

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, Query, Select, SelectItem, VisitMut, VisitorMut,
};

use super::build::{binary, nested};

/// What makes one row of many.
pub(super) const AGGREGATES: [&str; 20] = [
    "any_value",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "count",
    "group_concat",
    "json_arrayagg",
    "json_objectagg",
    "max",
    "min",
    "std",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
    "first_value",
];

/// Makes such a HAVING a part of the WHERE.
pub(super) fn of_rows(select: &mut Select) {
    let groups =
        !matches!(&select.group_by, GroupByExpr::Expressions(terms, _) if terms.is_empty());
    if groups || select.having.is_none() || aggregates(select) {
        return;
    }
    let Some(mut having) = select.having.take() else {
        return;
    };
    let names: HashMap<String, Expr> = select
        .projection
        .iter()
        .filter_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } => {
                Some((alias.value.to_lowercase(), expr.clone()))
            }
            _ => None,
        })
        .collect();
    let _ = having.visit(&mut Names {
        names: &names,
        depth: 0,
    });
    let having = nested(having);
    select.selection = Some(match select.selection.take() {
        Some(condition) => binary(nested(condition), BinaryOperator::And, having),
        None => having,
    });
}

/// Whether an item or the HAVING has an aggregate, outside of subqueries.
fn aggregates(select: &mut Select) -> bool {
    let mut seen = Aggregates {
        found: false,
        depth: 0,
    };
    for item in &mut select.projection {
        let _ = item.visit(&mut seen);
    }
    let _ = select.having.visit(&mut seen);
    seen.found
}

struct Aggregates {
    found: bool,
    depth: usize,
}

impl VisitorMut for Aggregates {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.depth == 0
            && let Expr::Function(function) = expr
            && function.over.is_none()
        {
            let name = function.name.to_string().to_lowercase();
            self.found |= AGGREGATES.contains(&name.as_str());
        }
        ControlFlow::Continue(())
    }
}

/// Puts items in place of their names; a subquery has names of its own.
struct Names<'a> {
    names: &'a HashMap<String, Expr>,
    depth: usize,
}

impl VisitorMut for Names<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.depth == 0
            && let Expr::Identifier(ident) = expr
            && let Some(item) = self.names.get(&ident.value.to_lowercase())
        {
            *expr = nested(item.clone());
        }
        ControlFlow::Continue(())
    }
}
