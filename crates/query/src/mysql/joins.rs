//! Joins in FROM: names of USING to lower case, conditions made truth values, and joins by columns in common in pairs, as
//! `meaning` plans them.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, Query, Select,
    SelectItem, TableFactor, TableWithJoins, VisitMut, VisitorMut,
};

use super::expressions;
use super::rewrite::fold;
use crate::error::Error;

/// Each table up to the last that is joined by columns in common in brackets with what stands before it.
///
/// # Errors
/// Unsupported for a LATERAL one among them.
pub(super) fn in_pairs(tables: &mut TableWithJoins) -> Result<(), Error> {
    let by_common = |operator: &mut JoinOperator| {
        matches!(
            constraint(operator),
            Some(JoinConstraint::Using(_) | JoinConstraint::Natural)
        )
    };
    let Some(last) = tables
        .joins
        .iter_mut()
        .rposition(|join| by_common(&mut join.join_operator))
    else {
        return Ok(());
    };
    let rest = tables.joins.split_off(last + 1);
    for join in std::mem::replace(&mut tables.joins, rest) {
        if is_lateral(&join.relation) {
            return Err(Error::unsupported(
                "LATERAL before or in a JOIN with USING, or a NATURAL JOIN, is not supported; write ON and the columns",
            ));
        }
        let inner = TableWithJoins {
            relation: std::mem::replace(&mut tables.relation, join.relation.clone()),
            joins: vec![join],
        };
        tables.relation = TableFactor::NestedJoin {
            table_with_joins: Box::new(inner),
            alias: None,
        };
    }
    Ok(())
}

/// The bare names of columns in common that USING names become those of the table whose column they are: of the first
/// one, of a right join the second.
///
/// DataFusion would know them in some places only. Where the table is not told by the text, they stay as they are.
pub(super) fn name_tables(select: &mut Select) {
    let mut names = Bare::default();
    for tables in &select.from {
        names.of(tables);
    }
    if names.tables.is_empty() {
        return;
    }
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. } = item {
            let _ = item.visit(&mut names);
        }
    }
    let _ = select.selection.visit(&mut names);
    let _ = select.group_by.visit(&mut names);
    // Aliases of items are looked for in it, too.
    for item in &select.projection {
        if let SelectItem::ExprWithAlias { alias, .. } = item {
            names.tables.remove(&alias.value.to_lowercase());
        }
    }
    let _ = select.having.visit(&mut names);
}

/// The tables of bare names, if the text tells them.
#[derive(Default)]
struct Bare {
    tables: HashMap<String, Option<Vec<Ident>>>,
    depth: usize,
}

impl Bare {
    fn of(&mut self, tables: &TableWithJoins) {
        let mut here: HashMap<String, Option<Vec<Ident>>> = HashMap::new();
        for (at, join) in tables.joins.iter().enumerate() {
            let mut operator = join.join_operator.clone();
            let right = matches!(
                operator,
                JoinOperator::Right(_) | JoinOperator::RightOuter(_)
            );
            match constraint(&mut operator) {
                Some(JoinConstraint::Using(columns)) => {
                    for column in columns.iter() {
                        let name = column.to_string().replace('`', "").to_lowercase();
                        if right {
                            here.insert(name, qualifier(&join.relation));
                        } else {
                            here.entry(name).or_insert_with(|| match at {
                                0 => qualifier(&tables.relation),
                                _ => None,
                            });
                        }
                    }
                }
                // Any name may be another table's by that.
                Some(JoinConstraint::Natural) if right => {
                    here.values_mut().for_each(|table| *table = None);
                }
                Some(JoinConstraint::Natural | JoinConstraint::On(_) | JoinConstraint::None)
                | None => {}
            }
        }
        for (name, table) in here {
            let twice = self.tables.contains_key(&name);
            self.tables.insert(name, table.filter(|_| !twice));
        }
    }
}

impl VisitorMut for Bare {
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
            && let Some(Some(table)) = self.tables.get(&ident.value.to_lowercase())
        {
            let mut parts = table.clone();
            parts.push(ident.clone());
            *expr = Expr::CompoundIdentifier(parts);
        }
        ControlFlow::Continue(())
    }
}

/// What a table's columns are qualified with.
fn qualifier(factor: &TableFactor) -> Option<Vec<Ident>> {
    let of_name = |name: &ObjectName| {
        let parts = name.0.iter().map(|part| part.as_ident().cloned());
        parts.collect::<Option<Vec<Ident>>>()
    };
    match factor {
        TableFactor::Table {
            alias: Some(alias), ..
        }
        | TableFactor::Derived {
            alias: Some(alias), ..
        } => Some(vec![alias.name.clone()]),
        TableFactor::Table {
            name, args: None, ..
        } => of_name(name),
        _ => None,
    }
}

fn is_lateral(factor: &TableFactor) -> bool {
    match factor {
        TableFactor::Derived { lateral, .. } | TableFactor::Function { lateral, .. } => *lateral,
        TableFactor::UNNEST { .. } => true,
        _ => false,
    }
}

/// Names and kinds of joins, before what is in them.
pub(super) fn prepare(tables: &mut TableWithJoins) {
    for join in &mut tables.joins {
        if let JoinOperator::StraightJoin(constraint) = &mut join.join_operator {
            join.join_operator =
                JoinOperator::Inner(std::mem::replace(constraint, JoinConstraint::None));
        }
        if let Some(JoinConstraint::Using(columns)) = constraint(&mut join.join_operator) {
            for part in columns.iter_mut().flat_map(|column| &mut column.0) {
                if let ObjectNamePart::Identifier(ident) = part {
                    fold(ident);
                }
            }
        }
    }
}

/// Conditions of joins, after what is in them.
pub(super) fn finish(tables: &mut TableWithJoins) {
    for join in &mut tables.joins {
        if let Some(JoinConstraint::On(condition)) = constraint(&mut join.join_operator) {
            expressions::make_condition(condition);
        }
        // MySQL's JOIN without ON is a cross join.
        if let JoinOperator::Join(JoinConstraint::None)
        | JoinOperator::Inner(JoinConstraint::None) = join.join_operator
        {
            join.join_operator = JoinOperator::CrossJoin(JoinConstraint::None);
        }
    }
}

fn constraint(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::CrossJoin(constraint) => Some(constraint),
        _ => None,
    }
}
