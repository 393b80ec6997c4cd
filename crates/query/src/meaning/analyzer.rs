//! What the planner has no hook for, before types are coerced: BETWEEN, IN, CASE and LIKE on values of different kinds,
//! and subqueries that are compared.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::expr::{
    Between, BinaryExpr, Case, InList, Like, SetComparison, SetQuantifier,
};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{conjunction, merge_schema, split_conjunction_owned};
use datafusion::logical_expr::{
    Aggregate, Expr, Filter, LogicalPlan, Operator, Projection, binary_expr, not,
};
use datafusion::optimizer::analyzer::AnalyzerRule;

use super::classes::Class;
use super::comparison::{alike, comparison, truth_number};
use super::{operators, quantified};

/// The analyzer's rule.
#[derive(Debug)]
pub(super) struct Comparisons;

impl AnalyzerRule for Comparisons {
    fn name(&self) -> &str {
        "mysql_comparisons"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(node)
            .map(|plan| plan.data)
    }
}

fn node(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let mut concerned = false;
    plan.apply_expressions(|expr| {
        concerned = concerned || expr.exists(|expr| Ok(is_concerned(expr)))?;
        Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
    })?;
    if !concerned {
        return Ok(Transformed::no(plan));
    }
    let schema = merge_schema(&plan.inputs());
    let names = NamePreserver::new(&plan);
    let plan = plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let expr = expr.transform_up(|expr| rewritten(expr, &schema))?;
        Ok(expr.update_data(|expr| name.restore(expr)))
    })?;
    plan.map_data(LogicalPlan::recompute_schema)?
        .transform_data(exact_filter)?
        .transform_data(with_columns)?
        .transform_data(super::scalar::joined)
}

/// DataFusion's IN of a subquery is false where it may be true, and NOT IN true: that is right only where no NOT follows,
/// in conditions that leave rows out. Elsewhere it is asked for as ANY, which knows NULL.
fn exact(expr: Expr, negated: bool) -> Result<Expr> {
    Ok(match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if matches!(op, Operator::And | Operator::Or) =>
        {
            binary_expr(exact(*left, negated)?, op, exact(*right, negated)?)
        }
        Expr::Not(inner) => not(exact(*inner, !negated)?),
        Expr::InSubquery(subquery) if subquery.negated != negated => {
            let any = Expr::SetComparison(SetComparison::new(
                subquery.expr,
                quantified::renamed(subquery.subquery)?,
                Operator::Eq,
                SetQuantifier::Any,
            ));
            if subquery.negated { not(any) } else { any }
        }
        other => other,
    })
}

/// A filter's condition with every IN as it must be: those that are a condition by themselves are joins that know NULL.
fn exact_filter(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::Filter(filter) = plan else {
        return Ok(Transformed::no(plan));
    };
    let has_subquery = |expr: &Expr| expr.exists(|expr| Ok(matches!(expr, Expr::InSubquery(_))));
    if !has_subquery(&filter.predicate)? {
        return Ok(Transformed::no(LogicalPlan::Filter(filter)));
    }
    let mut terms = Vec::new();
    for term in split_conjunction_owned(filter.predicate) {
        let alone = match &term {
            Expr::InSubquery(_) => true,
            Expr::Not(inner) => matches!(inner.as_ref(), Expr::InSubquery(_)),
            _ => false,
        };
        terms.push(if alone { term } else { exact(term, false)? });
    }
    match conjunction(terms) {
        Some(predicate) => Ok(Transformed::yes(LogicalPlan::Filter(Filter::try_new(
            predicate,
            filter.input,
        )?))),
        None => Ok(Transformed::yes(filter.input.as_ref().clone())),
    }
}

/// Aggregates of what has a subquery in it are aggregates of a column: DataFusion takes subqueries apart in filters and
/// projections only.
fn with_columns(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::Aggregate(aggregate) = plan else {
        return Ok(Transformed::no(plan));
    };
    let asks = |expr: &Expr| {
        expr.exists(|expr| {
            Ok(matches!(
                expr,
                Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_)
            ))
        })
    };
    let mut concerned = false;
    for expr in aggregate.aggr_expr.iter().chain(&aggregate.group_expr) {
        concerned |= asks(expr)?;
    }
    if !concerned {
        return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
    }
    let names = NamePreserver::new_for_projection();
    let mut columns: Vec<Expr> = aggregate
        .input
        .schema()
        .columns()
        .into_iter()
        .map(Expr::Column)
        .collect();
    let mut column = |expr: Expr| {
        let name = format!("__argument_{}", columns.len());
        columns.push(expr.alias(name.as_str()));
        Expr::Column(Column::from_name(name))
    };
    let group_expr = aggregate
        .group_expr
        .into_iter()
        .map(|expr| {
            if !asks(&expr)? {
                return Ok(expr);
            }
            let name = names.save(&expr);
            Ok(name.restore(column(expr)))
        })
        .collect::<Result<Vec<_>>>()?;
    let aggr_expr = aggregate
        .aggr_expr
        .into_iter()
        .map(|expr| {
            let name = names.save(&expr);
            let expr = expr.transform_up(|expr| match expr {
                Expr::AggregateFunction(mut call) => {
                    for arg in &mut call.params.args {
                        if asks(arg)? {
                            *arg = column(std::mem::take(arg));
                        }
                    }
                    Ok(Transformed::yes(Expr::AggregateFunction(call)))
                }
                other => Ok(Transformed::no(other)),
            })?;
            Ok(name.restore(expr.data))
        })
        .collect::<Result<Vec<_>>>()?;
    let input = Projection::try_new(columns, aggregate.input)?;
    let input = super::scalar::joined(LogicalPlan::Projection(input))?.data;
    Aggregate::try_new(Arc::new(input), group_expr, aggr_expr)
        .map(|aggregate| Transformed::yes(LogicalPlan::Aggregate(aggregate)))
}

fn is_concerned(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Between(_)
            | Expr::InList(_)
            | Expr::InSubquery(_)
            | Expr::SetComparison(_)
            | Expr::Case(_)
            | Expr::Like(_)
            | Expr::ScalarSubquery(_)
    )
}

fn rewritten(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::Between(between) => Transformed::yes(self::between(between, schema)?),
        Expr::InList(list) => Transformed::yes(in_list(list, schema)?),
        Expr::InSubquery(subquery) => Transformed::yes(quantified::in_subquery(subquery, schema)?),
        Expr::SetComparison(comparison) => {
            Transformed::yes(quantified::quantified(comparison, schema)?)
        }
        Expr::ScalarSubquery(subquery) => Transformed::yes(super::scalar::aggregated(subquery)?),
        Expr::Case(case) => Transformed::yes(self::case(case, schema)?),
        Expr::Like(like) => Transformed::yes(Expr::Like(Like {
            expr: Box::new(operators::text(*like.expr, schema)?),
            pattern: Box::new(operators::text(*like.pattern, schema)?),
            ..like
        })),
        other => Transformed::no(other),
    })
}

fn between(between: Between, schema: &DFSchema) -> Result<Expr> {
    let class = Class::of_expr(&between.expr, schema)?;
    let alone = class.compares_with(Class::of_expr(&between.low, schema)?)
        && class.compares_with(Class::of_expr(&between.high, schema)?);
    if alone {
        return Ok(Expr::Between(between));
    }
    let low = comparison(
        between.expr.as_ref().clone(),
        Operator::GtEq,
        *between.low,
        schema,
    )?;
    let high = comparison(*between.expr, Operator::LtEq, *between.high, schema)?;
    let both = binary_expr(low, Operator::And, high);
    Ok(if between.negated { not(both) } else { both })
}

/// A list whose values compare with the expression as they are stays one; others are compared one by one.
fn in_list(list: InList, schema: &DFSchema) -> Result<Expr> {
    let class = Class::of_expr(&list.expr, schema)?;
    let mut alike_all = true;
    let mut values = Vec::with_capacity(list.list.len());
    for value in list.list {
        if class.compares_with(Class::of_expr(&value, schema)?) {
            values.push(value);
            continue;
        }
        // Constants are converted as in a comparison, as long as the expression stays what it is.
        let (expr, converted) = alike(list.expr.as_ref().clone(), value.clone(), schema)?;
        if expr == *list.expr {
            values.push(converted);
        } else {
            alike_all = false;
            values.push(value);
        }
    }
    if alike_all {
        return Ok(Expr::InList(InList::new(list.expr, values, list.negated)));
    }
    let mut equal = Vec::with_capacity(values.len());
    for value in values {
        equal.push(comparison(
            list.expr.as_ref().clone(),
            Operator::Eq,
            value,
            schema,
        )?);
    }
    let any = any_of(equal);
    Ok(if list.negated { not(any) } else { any })
}

/// A tree of ORs as flat as can be.
fn any_of(mut terms: Vec<Expr>) -> Expr {
    match terms.len() {
        0 => datafusion::logical_expr::lit(false),
        1 => terms.swap_remove(0),
        count => {
            let rest = terms.split_off(count / 2);
            binary_expr(any_of(terms), Operator::Or, any_of(rest))
        }
    }
}

/// A CASE that compares with values of another kind compares each by MySQL's rules; results that are texts and others
/// are all texts, as MySQL prints them, truth values among numbers are numbers.
fn case(case: Case, schema: &DFSchema) -> Result<Expr> {
    let Case {
        expr: operand,
        when_then_expr,
        else_expr,
    } = case;
    let mut results = Vec::new();
    for (_, result) in &when_then_expr {
        results.push(Class::of_expr(result, schema)?);
    }
    if let Some(result) = &else_expr {
        results.push(Class::of_expr(result, schema)?);
    }
    let any = |class| results.contains(&class);
    let (texts, numbers) = (any(Class::Text), any(Class::Number));
    let result = |expr: Box<Expr>| -> Result<Box<Expr>> {
        Ok(Box::new(match Class::of_expr(&expr, schema)? {
            Class::Text | Class::Null | Class::Other | Class::Bytes => *expr,
            Class::Truth | Class::Number | Class::Date | Class::Moment | Class::Clock if texts => {
                operators::text(*expr, schema)?
            }
            Class::Truth if numbers => truth_number(*expr)?,
            Class::Truth | Class::Number | Class::Date | Class::Moment | Class::Clock => *expr,
        }))
    };
    let mut apart = false;
    if let Some(operand) = &operand {
        let class = Class::of_expr(operand, schema)?;
        for (when, _) in &when_then_expr {
            apart |= !class.compares_with(Class::of_expr(when, schema)?);
        }
    }
    let mut branches = Vec::with_capacity(when_then_expr.len());
    for (when, then) in when_then_expr {
        let when = match &operand {
            Some(operand) if apart => Box::new(comparison(
                operand.as_ref().clone(),
                Operator::Eq,
                *when,
                schema,
            )?),
            _ => when,
        };
        branches.push((when, result(then)?));
    }
    Ok(Expr::Case(Case::new(
        operand.filter(|_| !apart),
        branches,
        else_expr.map(result).transpose()?,
    )))
}
