//! Names of the items of a SELECT, for the planner: unique, and findable from an outer query
//! by the text that MySQL would label them with.

use std::collections::HashSet;

use datafusion::sql::sqlparser::ast::{Expr, Ident, Select, SelectItem};

use super::build::take;
use super::rewrite::fold;

/// Gives every expression without an alias its own text as one, as MySQL does, and makes names unique:
/// DataFusion refuses `SELECT a, a`.
pub(super) fn name_items(select: &mut Select) {
    let mut seen = HashSet::new();
    for item in &mut select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let (name, column) = match &*expr {
                    Expr::Identifier(ident) if !ident.value.starts_with('@') => {
                        (ident.value.to_lowercase(), true)
                    }
                    Expr::CompoundIdentifier(idents) => (
                        idents
                            .last()
                            .map(|ident| ident.value.to_lowercase())
                            .unwrap_or_default(),
                        true,
                    ),
                    other => (other.to_string().to_lowercase(), false),
                };
                let fresh = seen.insert(name.clone());
                if column && fresh {
                    continue;
                }
                let alias = unique(name, fresh, &mut seen);
                let expr = take(expr);
                *item = SelectItem::ExprWithAlias {
                    expr,
                    alias: Ident::with_quote('`', alias),
                };
            }
            SelectItem::ExprWithAlias { alias, .. } => {
                fold(alias);
                let fresh = seen.insert(alias.value.clone());
                *alias = Ident::with_quote('`', unique(alias.value.clone(), fresh, &mut seen));
            }
            _ => {}
        }
    }
}

fn unique(name: String, fresh: bool, seen: &mut HashSet<String>) -> String {
    if fresh {
        return name;
    }
    let mut count = 2;
    while !seen.insert(format!("{name}#{count}")) {
        count += 1;
    }
    format!("{name}#{count}")
}
