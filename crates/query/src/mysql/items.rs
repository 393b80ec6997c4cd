//! Names of the items of a SELECT, for the planner: unique, and findable from an outer query
//! by the text that MySQL would label them with.

use std::collections::HashSet;

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, Ident, OrderByKind, Query, Select, SelectItem, SelectItemQualifiedWildcardKind,
    SetExpr, TableAlias, TableFactor, TableWithJoins, Value, WildcardAdditionalOptions,
};

use super::build::{number, take};
use super::rewrite::fold;

/// What the rows of a SELECT DISTINCT are called while they are sorted.
const DISTINCT_ROWS: &str = "__distinct";

/// Gives every expression without an alias its own text as one, as MySQL does, and makes names unique:
/// DataFusion refuses `SELECT a, a`.
pub(super) fn name_items(select: &mut Select) {
    let mut seen = HashSet::new();
    let mut qualified: HashSet<String> = HashSet::new();
    // The columns of a `*` are not known yet: what stands beside it takes another name.
    let starred = select
        .projection
        .iter()
        .any(|item| matches!(item, SelectItem::Wildcard(_)));
    let stars: HashSet<String> = select
        .projection
        .iter()
        .filter_map(|item| match item {
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                Some(name.to_string().replace('`', "").to_lowercase())
            }
            _ => None,
        })
        .collect();
    for item in &mut select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let (name, fresh) = match &*expr {
                    Expr::Identifier(ident) if !ident.value.starts_with('@') => {
                        let name = ident.value.to_lowercase();
                        let fresh = !qualified.contains(&name) && seen.insert(name.clone());
                        (name, fresh && !starred)
                    }
                    // `p.id, q.id` are two columns, `id, p.id` may be one.
                    Expr::CompoundIdentifier(idents) => {
                        let parts: Vec<String> = idents
                            .iter()
                            .map(|ident| ident.value.to_lowercase())
                            .collect();
                        let last = parts.last().cloned().unwrap_or_default();
                        let table = parts[..parts.len() - 1].join(".");
                        let starred = starred || stars.contains(&table);
                        let fresh = !seen.contains(&last) && seen.insert(parts.join("."));
                        qualified.insert(last.clone());
                        (last, fresh && !starred)
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

/// How a term of ORDER BY sorts DISTINCT rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sorts {
    /// By a name or a place.
    Plainly,
    /// By the expression of this item.
    ByItem(usize),
    /// By another expression.
    Otherwise,
}

/// `SELECT DISTINCT a … ORDER BY f(a)`: DataFusion sorts DISTINCT rows by what is selected only, so the rows become
/// a derived table, which is sorted by anything of its columns.
pub(super) fn sort_distinct(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return;
    };
    if !matches!(select.distinct, Some(Distinct::Distinct)) || query.with.is_some() {
        return;
    }
    let Some(order_by) = &query.order_by else {
        return;
    };
    let OrderByKind::Expressions(terms) = &order_by.kind else {
        return;
    };
    // The place of an item, as far as places are known before a `*` is.
    let selected = |wanted: &Expr| {
        let items = select.projection.iter().map(|item| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
            _ => None,
        });
        let mut known = items.map_while(|expr| expr);
        known.position(|expr| expr == wanted)
    };
    let sorts: Vec<Sorts> = terms
        .iter()
        .map(|term| match &term.expr {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => Sorts::Plainly,
            Expr::Value(value) if matches!(value.value, Value::Number(..)) => Sorts::Plainly,
            other => selected(other).map_or(Sorts::Otherwise, Sorts::ByItem),
        })
        .collect();
    if !sorts.contains(&Sorts::Otherwise) {
        if let Some(order_by) = &mut query.order_by
            && let OrderByKind::Expressions(terms) = &mut order_by.kind
        {
            for (term, sorts) in terms.iter_mut().zip(sorts) {
                if let Sorts::ByItem(place) = sorts {
                    term.expr = number(place + 1);
                }
            }
        }
        return;
    }
    let mut outer = query.clone();
    let mut inner = query.clone();
    inner.order_by = None;
    inner.limit_clause = None;
    let SetExpr::Select(select) = outer.body.as_mut() else {
        return;
    };
    select.distinct = None;
    select.projection = vec![SelectItem::Wildcard(WildcardAdditionalOptions {
        wildcard_token: AttachedToken::empty(),
        ..WildcardAdditionalOptions::default()
    })];
    select.from = vec![TableWithJoins {
        relation: TableFactor::Derived {
            lateral: false,
            subquery: Box::new(inner),
            alias: Some(TableAlias {
                explicit: true,
                name: Ident::new(DISTINCT_ROWS),
                columns: Vec::new(),
                at: None,
            }),
            sample: None,
        },
        joins: Vec::new(),
    }];
    select.selection = None;
    select.having = None;
    select.group_by =
        datafusion::sql::sqlparser::ast::GroupByExpr::Expressions(Vec::new(), Vec::new());
    if let Some(order_by) = &mut outer.order_by
        && let OrderByKind::Expressions(terms) = &mut order_by.kind
    {
        for term in terms {
            unqualify(&mut term.expr);
        }
    }
    *query = outer;
}

/// Columns by their own names: the tables are inside.
fn unqualify(expr: &mut Expr) {
    let _ = datafusion::sql::sqlparser::ast::visit_expressions_mut(expr, |expr| {
        if let Expr::CompoundIdentifier(idents) = expr
            && let Some(last) = idents.last()
        {
            *expr = Expr::Identifier(last.clone());
        }
        std::ops::ControlFlow::<()>::Continue(())
    });
}
