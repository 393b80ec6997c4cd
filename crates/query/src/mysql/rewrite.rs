//! The walk over a query's tree: names to lower case, columns aliased by their text,
//! conditions made truth values, long AND and OR chains balanced; refuses what is not supported.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, GroupByWithModifier, Ident, ObjectName, ObjectNamePart,
    Query, Select, SelectItem, SetExpr, TableAlias, TableFactor, VisitMut, VisitorMut,
};

use super::session::SessionValues;
use super::{calls, expressions, items::name_items, values as subqueries};
use crate::error::Error;

/// Tables joined by commas in one FROM.
const TABLES_MAX: usize = 256;

/// Folds every name of the query to lower case.
pub(super) fn fold_names(query: &mut Query) -> Result<(), Error> {
    finish(query.visit(&mut Walk { values: None }))
}

/// Makes long chains of one operator shallow.
pub(super) fn flatten(query: &mut Query) -> Result<(), Error> {
    struct Chains;
    impl VisitorMut for Chains {
        type Break = Error;

        fn pre_visit_expr(&mut self, expr: &mut Expr) -> Flow {
            match super::balance::flatten(expr) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => ControlFlow::Break(error),
            }
        }
    }
    finish(query.visit(&mut Chains))
}

/// Folds names, rewrites MySQL's constructs.
pub(super) fn rewrite(query: &mut Query, values: &SessionValues) -> Result<(), Error> {
    finish(query.visit(&mut Walk {
        values: Some(values),
    }))
}

/// Names in FROM that are called with arguments.
pub(super) fn table_functions(query: &Query) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut copy = query.clone();
    let _ = copy.visit(&mut Functions(&mut names));
    names
}

fn finish(flow: ControlFlow<Error>) -> Result<(), Error> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Functions<'a>(&'a mut BTreeSet<String>);

impl VisitorMut for Functions<'_> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table {
            name,
            args: Some(_),
            ..
        } = factor
        {
            self.0.insert(name.to_string().to_lowercase());
        }
        ControlFlow::Continue(())
    }
}

/// With no session values, only names are folded.
struct Walk<'a> {
    values: Option<&'a SessionValues>,
}

type Flow = ControlFlow<Error>;

fn refuse(what: &str) -> Flow {
    ControlFlow::Break(Error::unsupported(format!("{what} is not supported")))
}

impl VisitorMut for Walk<'_> {
    type Break = Error;

    fn pre_visit_relation(&mut self, name: &mut ObjectName) -> Flow {
        for part in &mut name.0 {
            if let ObjectNamePart::Identifier(ident) = part {
                fold(ident);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &mut Query) -> Flow {
        if let Some(with) = &mut query.with {
            with.cte_tables
                .iter_mut()
                .for_each(|cte| fold_alias(&mut cte.alias));
            if self.values.is_some()
                && let Err(error) = super::recursive::check(with)
            {
                return ControlFlow::Break(error);
            }
        }
        if !query.locks.is_empty() {
            return refuse("SELECT … FOR UPDATE or FOR SHARE");
        }
        if matches!(
            *query.body,
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_)
        ) {
            return refuse("a statement that writes within a query");
        }
        super::limits::clamp_limit(query);
        if self.values.is_some() {
            super::items::sort_distinct(query);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> Flow {
        match factor {
            TableFactor::Table {
                alias,
                index_hints,
                partitions,
                ..
            } => {
                if !partitions.is_empty() {
                    return refuse("PARTITION (…) after a table");
                }
                // Hints may be ignored: they change no result.
                index_hints.clear();
                alias.iter_mut().for_each(fold_alias);
            }
            TableFactor::NestedJoin {
                table_with_joins,
                alias,
            } => {
                alias.iter_mut().for_each(fold_alias);
                if self.values.is_some()
                    && table_with_joins.joins.len() > 1
                    && let Err(error) = super::joins::in_pairs(table_with_joins)
                {
                    return ControlFlow::Break(error);
                }
                super::joins::prepare(table_with_joins);
            }
            TableFactor::Derived { alias, .. }
            | TableFactor::TableFunction { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::UNNEST { alias, .. } => alias.iter_mut().for_each(fold_alias),
            TableFactor::JsonTable { .. } => return refuse("JSON_TABLE"),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> Flow {
        if let TableFactor::NestedJoin {
            table_with_joins, ..
        } = factor
            && self.values.is_some()
        {
            super::joins::finish(table_with_joins);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> Flow {
        if select.into.is_some() {
            return refuse("SELECT … INTO at this place");
        }
        if select.from.len() > TABLES_MAX {
            return refuse(&format!("a FROM of more than {TABLES_MAX} tables"));
        }
        select.select_modifiers = None;
        select.optimizer_hints.clear();
        if let [only] = select.from.as_slice()
            && only.joins.is_empty()
            && matches!(&only.relation, TableFactor::Table { name, .. } if name.to_string().eq_ignore_ascii_case("dual"))
        {
            select.from.clear();
        }
        if self.values.is_some() {
            if let Err(error) = rolled_up(select) {
                return ControlFlow::Break(error);
            }
            super::having::of_rows(select);
            name_items(select);
            super::joins::name_tables(select);
            if let Err(error) = subqueries::as_values(select) {
                return ControlFlow::Break(error);
            }
        }
        for item in &mut select.projection {
            match item {
                SelectItem::ExprWithAlias { alias, .. } => fold(alias),
                SelectItem::QualifiedWildcard(
                    datafusion::sql::sqlparser::ast::SelectItemQualifiedWildcardKind::ObjectName(
                        name,
                    ),
                    _,
                ) => {
                    self.pre_visit_relation(name)?;
                }
                _ => {}
            }
        }
        for table in &mut select.from {
            if self.values.is_some()
                && let Err(error) = super::joins::in_pairs(table)
            {
                return ControlFlow::Break(error);
            }
            super::joins::prepare(table);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> Flow {
        if self.values.is_none() {
            return ControlFlow::Continue(());
        }
        select
            .selection
            .iter_mut()
            .chain(&mut select.having)
            .for_each(expressions::make_condition);
        select.from.iter_mut().for_each(super::joins::finish);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        match expr {
            Expr::Identifier(ident) if !ident.value.starts_with('@') => fold(ident),
            Expr::CompoundIdentifier(idents)
                if !idents
                    .first()
                    .is_some_and(|first| first.value.starts_with('@')) =>
            {
                idents.iter_mut().for_each(fold);
            }
            Expr::BinaryOp {
                op: op @ BinaryOperator::StringConcat,
                ..
            } if self.values.is_some() => *op = BinaryOperator::Or,
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        let Some(values) = self.values else {
            return ControlFlow::Continue(());
        };
        let result = match expr {
            Expr::Function(_) => calls::rewrite(expr, values),
            Expr::Identifier(ident) if ident.quote_style.is_none() => {
                identifier(&ident.value.clone(), expr, values)
            }
            Expr::CompoundIdentifier(idents)
                if idents
                    .first()
                    .is_some_and(|first| first.value.starts_with('@')) =>
            {
                let written = idents
                    .iter()
                    .map(|ident| ident.value.as_str())
                    .collect::<Vec<_>>()
                    .join(".");
                values.variable(&written).map(|value| *expr = value)
            }
            _ => expressions::rewrite(expr),
        };
        match result {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

/// `GROUP BY a, b WITH ROLLUP` as the standard writes it, `GROUP BY ROLLUP (a, b)`.
fn rolled_up(select: &mut Select) -> Result<(), Error> {
    let GroupByExpr::Expressions(terms, modifiers) = &mut select.group_by else {
        return Ok(());
    };
    match modifiers.as_slice() {
        [] => Ok(()),
        [GroupByWithModifier::Rollup] => {
            // The planner would take a position within ROLLUP for a constant.
            if let Some(term) = terms.iter().find(|term| matches!(term, Expr::Value(_))) {
                return Err(Error::unsupported(format!(
                    "GROUP BY {term} WITH ROLLUP: write the expression in the place of its position"
                )));
            }
            let terms_each = terms.drain(..).map(|term| vec![term]).collect();
            terms.push(Expr::Rollup(terms_each));
            modifiers.clear();
            Ok(())
        }
        _ => Err(Error::unsupported(
            "GROUP BY takes WITH ROLLUP and no other modifier",
        )),
    }
}

fn identifier(name: &str, expr: &mut Expr, values: &SessionValues) -> Result<(), Error> {
    if name.starts_with('@') {
        *expr = values.variable(name)?;
    } else if matches!(
        name,
        "current_timestamp"
            | "current_date"
            | "current_time"
            | "current_user"
            | "localtime"
            | "localtimestamp"
            | "utc_timestamp"
            | "utc_date"
    ) && let Some(value) = values.function(name, None)
    {
        *expr = value;
    }
    Ok(())
}

/// Unquoted names are folded by the planner, quoted ones here.
pub(super) fn fold(ident: &mut Ident) {
    if ident.value.chars().any(char::is_uppercase) {
        ident.value = ident.value.to_lowercase();
    }
}

fn fold_alias(alias: &mut TableAlias) {
    fold(&mut alias.name);
    alias
        .columns
        .iter_mut()
        .for_each(|column| fold(&mut column.name));
}
