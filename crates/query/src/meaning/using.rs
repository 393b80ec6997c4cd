//! `JOIN … USING` and `NATURAL JOIN` (MySQL 8.4 manual, "JOIN Clause"): of each pair of columns in common one is what
//! `*` and the bare name mean, in the order of the first table and before all others; both still have their tables' names.
//!
//! DataFusion takes that one of a pair whose table's name sorts first, which is NULL if it is of the outer side.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DFSchema, JoinType, NullEquality, Result, TableReference};
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::utils::expand_wildcard;
use datafusion::logical_expr::{
    EmptyRelation, Expr, Join, JoinConstraint, LogicalPlan, LogicalPlanBuilder,
};
use datafusion::sql::sqlparser::ast::{self, JoinOperator, TableFactor};

/// How the table of a column begins that stands for several in common: its name sorts before all others.
const COMMON: &str = " common ";

/// Tells those apart.
static COMMON_COUNT: AtomicU64 = AtomicU64::new(0);

/// Plans a pair of tables in brackets that are joined by their columns in common.
#[derive(Debug)]
pub(super) struct CommonColumns;

impl RelationPlanner for CommonColumns {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let TableFactor::NestedJoin {
            mut table_with_joins,
            alias,
        } = relation
        else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let [join] = table_with_joins.joins.as_mut_slice() else {
            return original(table_with_joins, alias);
        };
        let Some((join_type, names)) = common_of(&join.join_operator) else {
            return original(table_with_joins, alias);
        };
        let names: Option<Vec<String>> = names.map(|names| {
            let name = |name: &ast::ObjectName| name.0.last()?.as_ident().cloned();
            names
                .iter()
                .filter_map(name)
                .map(|ident| context.normalize_ident(ident))
                .collect()
        });
        let Some(join) = table_with_joins.joins.pop() else {
            return original(table_with_joins, alias);
        };
        let left = context.plan(table_with_joins.relation)?;
        let right = context.plan(join.relation)?;
        let plan = joined(left, right, join_type, names)?;
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(
            plan, alias,
        ))))
    }
}

fn original(
    table_with_joins: Box<ast::TableWithJoins>,
    alias: Option<ast::TableAlias>,
) -> Result<RelationPlanning> {
    Ok(RelationPlanning::Original(Box::new(
        TableFactor::NestedJoin {
            table_with_joins,
            alias,
        },
    )))
}

/// The kind of a join by columns in common, and their names; all that both have, for a natural one.
fn common_of(operator: &JoinOperator) -> Option<(JoinType, Option<&[ast::ObjectName]>)> {
    let (join_type, constraint) = match operator {
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => {
            (JoinType::Inner, constraint)
        }
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
            (JoinType::Left, constraint)
        }
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
            (JoinType::Right, constraint)
        }
        _ => return None,
    };
    match constraint {
        ast::JoinConstraint::Using(names) => Some((join_type, Some(names))),
        ast::JoinConstraint::Natural => Some((join_type, None)),
        ast::JoinConstraint::On(_) | ast::JoinConstraint::None => None,
    }
}

fn joined(
    left: LogicalPlan,
    right: LogicalPlan,
    join_type: JoinType,
    names: Option<Vec<String>>,
) -> Result<LogicalPlan> {
    let (left_sets, right_sets) = (left.using_columns()?, right.using_columns()?);
    let names = match names {
        Some(names) => names,
        None => natural(&left, &right)?,
    };
    let column = |name: &str, plan: &LogicalPlan, sets: &[HashSet<Column>]| {
        Column::from_name(name)
            .normalize_with_schemas_and_ambiguity_check(&[&[plan.schema().as_ref()]], sets)
    };
    let (mut left_keys, mut right_keys) = (Vec::new(), Vec::new());
    for name in &names {
        left_keys.push(column(name, &left, &left_sets)?);
        right_keys.push(column(name, &right, &right_sets)?);
    }
    // Every column that the bare name stood for on either side.
    let groups: Vec<HashSet<Column>> = left_keys
        .iter()
        .zip(&right_keys)
        .map(|(left, right)| {
            let of = |key: &Column, sets: &[HashSet<Column>]| -> HashSet<Column> {
                sets.iter()
                    .filter(|set| set.contains(key))
                    .flatten()
                    .filter(|column| column.name == key.name)
                    .chain([key])
                    .cloned()
                    .collect()
            };
            &of(left, &left_sets) | &of(right, &right_sets)
        })
        .collect();
    // A right join is a left join of the two the other way round.
    let (first, second, kept) = match join_type {
        JoinType::Right => (right.schema(), left.schema(), &right_keys),
        _ => (left.schema(), right.schema(), &left_keys),
    };
    let order = |column: &Column| first.maybe_index_of_column(column);
    let mut pairs: Vec<(&Column, &HashSet<Column>)> = kept.iter().zip(&groups).collect();
    pairs.sort_by_key(|(column, _)| order(column));
    let others = |group: &HashSet<Column>, kept: &Column| {
        let mut others = group.iter().filter(|other| !is_common(other));
        is_common(kept) || others.all(|other| kept <= other)
    };
    // As they stand, if they stand first and DataFusion takes them; else each has a column before all others.
    let as_they_stand = pairs
        .iter()
        .enumerate()
        .all(|(at, (kept, group))| order(kept) == Some(at) && others(group, kept));
    let (mut exprs, mut same, mut replaced) = (Vec::new(), Vec::new(), HashSet::new());
    for (kept, group) in pairs {
        let shown = if as_they_stand {
            kept.clone()
        } else {
            let number = COMMON_COUNT.fetch_add(1, Ordering::Relaxed);
            let table = Some(TableReference::bare(format!("{COMMON}{number}")));
            let expr = Expr::Column(kept.clone());
            exprs.push(expr.alias_qualified(table.clone(), kept.name.as_str()));
            Column::new(table, kept.name.as_str())
        };
        // What stood for a part of them is not needed any more.
        let obsolete = group
            .iter()
            .filter(|other| **other != shown && is_common(other));
        replaced.extend(obsolete.cloned());
        for other in group
            .iter()
            .chain([&shown])
            .filter(|other| !replaced.contains(*other))
        {
            same.push((Expr::Column(shown.clone()), Expr::Column(other.clone())));
        }
    }
    for column in first.columns().into_iter().chain(second.columns()) {
        if !replaced.contains(&column) {
            exprs.push(Expr::Column(column));
        }
    }
    let builder = LogicalPlanBuilder::from(left.clone());
    if names.is_empty() {
        return match join_type {
            JoinType::Inner => builder.cross_join(right)?.build(),
            _ => builder
                .join_on(right, join_type, [datafusion::logical_expr::lit(true)])?
                .build(),
        };
    }
    let plan = builder
        .join(right.clone(), join_type, (left_keys, right_keys), None)?
        .project(exprs)?
        .build()?;
    Ok(marked(plan, same))
}

/// The names that both sides have, as `*` shows them, in the order of the left one.
fn natural(left: &LogicalPlan, right: &LogicalPlan) -> Result<Vec<String>> {
    let names = |plan: &LogicalPlan| -> Result<Vec<String>> {
        let shown = expand_wildcard(plan.schema(), plan, None)?;
        Ok(shown
            .into_iter()
            .filter_map(|expr| expr.try_as_col().map(|column| column.name.clone()))
            .collect())
    };
    let right = names(right)?;
    let mut seen = HashSet::new();
    Ok(names(left)?
        .into_iter()
        .filter(|name| right.contains(name) && seen.insert(name.clone()))
        .collect())
}

fn is_common(column: &Column) -> bool {
    matches!(&column.relation, Some(TableReference::Bare { table }) if table.starts_with(COMMON))
}

/// The plan, of which DataFusion's planner knows which columns are the same: it looks for joins by USING.
fn marked(plan: LogicalPlan, same: Vec<(Expr, Expr)>) -> LogicalPlan {
    LogicalPlan::Join(Join {
        schema: Arc::clone(plan.schema()),
        left: Arc::new(plan),
        right: Arc::new(LogicalPlan::EmptyRelation(EmptyRelation {
            produce_one_row: true,
            schema: Arc::new(DFSchema::empty()),
        })),
        on: same,
        filter: None,
        join_type: JoinType::Inner,
        join_constraint: JoinConstraint::Using,
        null_equality: NullEquality::NullEqualsNothing,
        null_aware: false,
    })
}

/// The plan without the marks of [`marked`], which are for its planning only.
pub(super) fn without_marks(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_down_with_subqueries(|node| {
        Ok(match node {
            LogicalPlan::Join(join)
                if join.join_constraint == JoinConstraint::Using
                    && join.right.schema().fields().is_empty() =>
            {
                Transformed::yes(Arc::unwrap_or_clone(join.left))
            }
            other => Transformed::no(other),
        })
    })
    .map(|plan| plan.data)
}
