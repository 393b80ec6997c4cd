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
    let mut qualified: HashSet<String> = HashSet::new();
    for item in &mut select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let (name, fresh) = match &*expr {
                    Expr::Identifier(ident) if !ident.value.starts_with('@') => {
                        let name = ident.value.to_lowercase();
                        let fresh = !qualified.contains(&name) && seen.insert(name.clone());
                        (name, fresh)
                    }
                    // `p.id, q.id` are two columns, `id, p.id` may be one.
                    Expr::CompoundIdentifier(idents) => {
                        let parts: Vec<String> = idents
                            .iter()
                            .map(|ident| ident.value.to_lowercase())
                            .collect();
                        let last = parts.last().cloned().unwrap_or_default();
                        let fresh = !seen.contains(&last) && seen.insert(parts.join("."));
                        qualified.insert(last.clone());
                        (last, fresh)
                    }
                    other => {
                        let name = other.to_string().to_lowercase();
                        let fresh = seen.insert(name.clone());
                        let alias = unique(name, fresh, &mut seen);
                        let expr = take(expr);
                        *item = SelectItem::ExprWithAlias {
                            expr,
                            alias: Ident::with_quote('`', alias),
                        };
                        continue;
                    }
                };
                if fresh {
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
