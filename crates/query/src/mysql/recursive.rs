//! WITH RECURSIVE (MySQL 8.4 manual, "WITH (Common Table Expressions)"): which recursions there are, and the errors of
//! those that are none; a LIMIT of the whole, which DataFusion would pass over, around it.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Cte, Distinct, Expr, GroupByExpr, Ident, JoinOperator, ObjectName, Query, Select, SelectItem,
    SetExpr, SetOperator, TableFactor, TableWithJoins, Value, Visit, Visitor, With,
};
use datafusion::sql::sqlparser::parser::Parser;

use super::build::number;
use super::dialect::Dialect;
use super::having::AGGREGATES;
use crate::error::{Error, from_parser};

/// Checks the recursive ones of a WITH RECURSIVE and makes them what DataFusion takes.
///
/// # Errors
/// MySQL's for what is no recursion; Unsupported for what cannot be had.
pub(super) fn check(with: &mut With) -> Result<(), Error> {
    if !with.recursive {
        return Ok(());
    }
    for cte in &mut with.cte_tables {
        let name = cte.alias.name.value.to_lowercase();
        if mentions(cte.query.as_ref(), &name) == 0 {
            // DataFusion would take apart any UNION here, and its LIMIT away.
            if cte.query.with.is_some() || ends(&cte.query) {
                alone(cte)?;
            }
            continue;
        }
        let names_itself = |inner: &With| {
            let mut tables = inner.cte_tables.iter();
            tables.any(|table| table.alias.name.value.eq_ignore_ascii_case(&name))
        };
        // What it names is the inner one.
        if cte.query.with.as_ref().is_some_and(names_itself) {
            alone(cte)?;
            continue;
        }
        blocks(&mut cte.query.body, &name)?;
        if cte.query.order_by.is_some() {
            return Err(Error::unsupported(format!(
                "ORDER BY over the UNION of the recursive common table expression '{name}' is not supported; sort where it is read"
            )));
        }
        if cte.query.with.is_some() || ends(&cte.query) {
            around(cte)?;
        }
    }
    Ok(())
}

/// Whether a query has what DataFusion passes over in a WITH RECURSIVE.
fn ends(query: &Query) -> bool {
    query.order_by.is_some() || query.limit_clause.is_some() || query.fetch.is_some()
}

/// How often a table of this name is read.
fn mentions<V: Visit>(of: &V, name: &str) -> usize {
    struct Names<'a>(&'a str, usize);
    impl Visitor for Names<'_> {
        type Break = ();

        fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
            self.1 += usize::from(is(relation, self.0));
            ControlFlow::Continue(())
        }
    }
    let mut names = Names(name, 0);
    let _ = of.visit(&mut names);
    names.1
}

fn is(relation: &ObjectName, name: &str) -> bool {
    match relation.0.as_slice() {
        [only] => only
            .as_ident()
            .is_some_and(|ident| ident.value.eq_ignore_ascii_case(name)),
        _ => false,
    }
}

/// The parts of the UNION: those that start it, and the one that goes on.
fn blocks(body: &mut SetExpr, name: &str) -> Result<(), Error> {
    let SetExpr::SetOperation {
        op: SetOperator::Union,
        left,
        right,
        ..
    } = body
    else {
        return Err(Error::invalid(format!(
            "Recursive Common Table Expression '{name}' should contain a UNION"
        )));
    };
    let (starts, goes_on) = (
        mentions(left.as_ref(), name),
        mentions(right.as_ref(), name),
    );
    if goes_on == 0 || is_first(left, name) {
        return Err(Error::invalid(format!(
            "Recursive Common Table Expression '{name}' should have one or more non-recursive query blocks followed by one or more recursive ones"
        )));
    }
    if starts > 0 {
        return Err(Error::unsupported(format!(
            "the common table expression '{name}' has several recursive SELECTs; one is supported: join what they read by OR, or with a UNION ALL of the other tables"
        )));
    }
    let block = unwrapped(right);
    let SetExpr::Select(select) = block else {
        return Err(Error::unsupported(format!(
            "the recursive part of the common table expression '{name}' must be one SELECT without ORDER BY and LIMIT of its own"
        )));
    };
    recursive_select(select, name)?;
    as_numbers(left);
    Ok(())
}

/// Whether already the first part of a UNION reads itself.
fn is_first(body: &SetExpr, name: &str) -> bool {
    match body {
        SetExpr::SetOperation {
            op: SetOperator::Union,
            left,
            ..
        } => is_first(left, name),
        other => mentions(other, name) > 0,
    }
}

/// What stands in brackets that change nothing.
fn unwrapped(body: &mut Box<SetExpr>) -> &mut SetExpr {
    while let SetExpr::Query(query) = body.as_mut()
        && query.with.is_none()
        && !ends(query)
    {
        let inner = std::mem::replace(&mut query.body, Box::new(SetExpr::Values(none())));
        *body = inner;
    }
    body.as_mut()
}

fn none() -> datafusion::sql::sqlparser::ast::Values {
    datafusion::sql::sqlparser::ast::Values {
        explicit_row: false,
        value_keyword: false,
        rows: Vec::new(),
    }
}

fn recursive_select(select: &Select, name: &str) -> Result<(), Error> {
    let grouped =
        !matches!(&select.group_by, GroupByExpr::Expressions(terms, _) if terms.is_empty());
    if grouped || matches!(select.distinct, Some(Distinct::Distinct | Distinct::On(_))) {
        return Err(Error::unsupported(format!(
            "GROUP BY and SELECT DISTINCT in the recursive query block of the common table expression '{name}' are not supported, as in MySQL"
        )));
    }
    let mut calls = Calls {
        found: false,
        depth: 0,
    };
    let _ = select.visit(&mut calls);
    if calls.found {
        return Err(Error::invalid(format!(
            "Recursive Common Table Expression '{name}' can contain neither aggregation nor window functions in recursive query block"
        )));
    }
    let direct: usize = select.from.iter().map(|tables| joined(tables, name)).sum();
    if direct != 1 || mentions(select, name) != 1 {
        return Err(Error::invalid(format!(
            "In recursive query block of Recursive Common Table Expression '{name}', the recursive table must be referenced only once, and not in any subquery"
        )));
    }
    if select.from.iter().any(|tables| is_optional(tables, name)) {
        return Err(Error::invalid(format!(
            "In recursive query block of Recursive Common Table Expression '{name}', the recursive table must neither be in the right argument of a LEFT JOIN, nor be forced to be non-first with join order hints"
        )));
    }
    Ok(())
}

/// Aggregates and window functions outside of subqueries.
struct Calls {
    found: bool,
    depth: usize,
}

impl Visitor for Calls {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if self.depth == 0
            && let Expr::Function(function) = expr
        {
            let called = function.name.to_string().to_lowercase();
            self.found |= function.over.is_some() || AGGREGATES.contains(&called.as_str());
        }
        ControlFlow::Continue(())
    }
}

/// How often a FROM reads the table itself, not in a subquery.
fn joined(tables: &TableWithJoins, name: &str) -> usize {
    let joins = tables.joins.iter().map(|join| &join.relation);
    std::iter::once(&tables.relation)
        .chain(joins)
        .map(|factor| match factor {
            TableFactor::Table {
                name: table,
                args: None,
                ..
            } => usize::from(is(table, name)),
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => joined(table_with_joins, name),
            _ => 0,
        })
        .sum()
}

/// Whether the table is on the side of an outer join that may have no row.
fn is_optional(tables: &TableWithJoins, name: &str) -> bool {
    let within = |factor: &TableFactor| matches!(factor, TableFactor::NestedJoin { table_with_joins, .. } if is_optional(table_with_joins, name));
    let mut before = mentions(&tables.relation, name) > 0;
    let mut optional = within(&tables.relation);
    for join in &tables.joins {
        let here = mentions(&join.relation, name) > 0;
        optional |= within(&join.relation);
        optional |= match join.join_operator {
            JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => here,
            JoinOperator::Right(_) | JoinOperator::RightOuter(_) => before,
            JoinOperator::FullOuter(_) => here || before,
            _ => false,
        };
        before |= here;
    }
    optional
}

/// TRUE and FALSE are the numbers 1 and 0, which a recursion may count on from.
fn as_numbers(body: &mut SetExpr) {
    match body {
        SetExpr::SetOperation { left, right, .. } => {
            as_numbers(left);
            as_numbers(right);
        }
        SetExpr::Query(query) => as_numbers(&mut query.body),
        SetExpr::Select(select) => {
            for item in &mut select.projection {
                let truth = |expr: &Expr| match expr {
                    Expr::Value(value) => match value.value {
                        Value::Boolean(truth) => Some(number(u8::from(truth))),
                        _ => None,
                    },
                    _ => None,
                };
                match item {
                    SelectItem::UnnamedExpr(expr) => {
                        if let Some(number) = truth(expr) {
                            let alias = Ident::with_quote('`', expr.to_string());
                            *item = SelectItem::ExprWithAlias {
                                expr: number,
                                alias,
                            };
                        }
                    }
                    SelectItem::ExprWithAlias { expr, .. } => {
                        if let Some(number) = truth(expr) {
                            *expr = number;
                        }
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// A query that reads a table of this name, which one of its own is called.
fn reading(name: &Ident) -> Result<Box<Query>, Error> {
    let name = Ident::with_quote('`', name.value.clone());
    Parser::new(&Dialect)
        .try_with_sql(&format!(
            "WITH RECURSIVE {name} AS (SELECT 1) SELECT * FROM {name}"
        ))
        .and_then(|mut parser| parser.parse_query())
        .map_err(|error| from_parser(&error))
}

/// Puts what is not of the UNION alone around it: `WITH d …, LIMIT n`.
fn around(cte: &mut Cte) -> Result<(), Error> {
    let mut outer = reading(&cte.alias.name)?;
    let with = cte.query.with.take();
    outer.limit_clause = cte.query.limit_clause.take();
    outer.fetch = cte.query.fetch.take();
    if let Some(table) = outer
        .with
        .as_mut()
        .and_then(|with| with.cte_tables.first_mut())
    {
        std::mem::swap(&mut table.query, &mut cte.query);
        table.alias.columns = std::mem::take(&mut cte.alias.columns);
    }
    if let (Some(mut given), Some(own)) = (with, outer.with.as_mut()) {
        // One WITH, in which each sees those before it.
        given.cte_tables.append(&mut own.cte_tables);
        own.cte_tables = given.cte_tables;
    }
    cte.query = outer;
    Ok(())
}

/// Makes a query that does not read itself a part of one that is no UNION.
fn alone(cte: &mut Cte) -> Result<(), Error> {
    if !matches!(*cte.query.body, SetExpr::SetOperation { .. }) {
        return Ok(());
    }
    let mut outer = reading(&cte.alias.name)?;
    if let Some(with) = outer.with.as_mut() {
        with.recursive = false;
        if let Some(table) = with.cte_tables.first_mut() {
            std::mem::swap(&mut table.query, &mut cte.query);
        }
    }
    cte.query = outer;
    Ok(())
}
