//! What the planner has no hook for, before types are coerced: BETWEEN, IN, CASE and LIKE on values of different kinds,
//! and subqueries that are compared.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{
    Between, BinaryExpr, Case, InList, InSubquery, Like, SetComparison, SetQuantifier,
};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{conjunction, merge_schema, split_conjunction_owned};
use datafusion::logical_expr::{
    Aggregate, Expr, ExprSchemable, Filter, Join, JoinType, LogicalPlan, Operator, Projection,
    Sort, binary_expr, not,
};
use datafusion::optimizer::analyzer::AnalyzerRule;

use super::classes::Class;
use super::comparison::{alike, as_doubles, comparison, double, place, truth_number, whole_year};
use super::{operators, quantified};

/// The analyzer's rule.
#[derive(Debug)]
pub(super) struct Comparisons;

impl AnalyzerRule for Comparisons {
    fn name(&self) -> &str {
        "mysql_comparisons"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let (plan, retyped) = super::unions::alike(plan)?;
        plan.transform_up_with_subqueries(|plan| node(plan, retyped))
            .map(|plan| plan.data)
    }
}

/// With `retyped`, columns may have other types than when their comparisons were planned.
fn node(plan: LogicalPlan, retyped: bool) -> Result<Transformed<LogicalPlan>> {
    let plan = match plan {
        LogicalPlan::Join(join) => LogicalPlan::Join(with_keys(join)?),
        LogicalPlan::Sort(sort) => LogicalPlan::Sort(by_place(sort)?),
        other => other,
    };
    let mut concerned = false;
    plan.apply_expressions(|expr| {
        concerned = concerned || expr.exists(|expr| Ok(is_concerned(expr, retyped)))?;
        Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
    })?;
    if !concerned {
        return if retyped {
            plan.recompute_schema().map(Transformed::yes)
        } else {
            Ok(Transformed::no(plan))
        };
    }
    let schema = merge_schema(&plan.inputs());
    let names = NamePreserver::new(&plan);
    let plan = plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let expr = expr.transform_up(|expr| rewritten(expr, &schema))?;
        Ok(expr.update_data(|expr| name.restore(expr)))
    })?;
    plan.map_data(LogicalPlan::recompute_schema)?
        .transform_data(exact_condition)?
        .transform_data(with_columns)?
        .transform_data(super::scalar::joined)
}

/// Columns of ENUM and SET sort by the places of their members, and not by their names (MySQL 8.4 manual, "The ENUM
/// Type").
fn by_place(mut sort: Sort) -> Result<Sort> {
    for term in &mut sort.expr {
        if let Some(place) = place(&term.expr, sort.input.schema().as_ref())? {
            term.expr = place;
        }
    }
    Ok(sort)
}

/// The keys of a join, as of USING and INTERSECT, compared as `=` compares.
fn with_keys(mut join: Join) -> Result<Join> {
    let schema = merge_schema(&[join.left.as_ref(), join.right.as_ref()]);
    for (left, right) in &mut join.on {
        let (left_class, right_class) = (
            Class::of_expr(left, &schema)?,
            Class::of_expr(right, &schema)?,
        );
        if !left_class.compares_with(right_class) {
            (*left, *right) = alike(left.clone(), right.clone(), &schema)?;
        }
    }
    Ok(join)
}

/// An IN of a subquery as ANY, which knows NULL.
fn any(subquery: InSubquery) -> Result<Expr> {
    let any = Expr::SetComparison(SetComparison::new(
        subquery.expr,
        quantified::renamed(subquery.subquery)?,
        Operator::Eq,
        SetQuantifier::Any,
    ));
    Ok(if subquery.negated { not(any) } else { any })
}

/// Every IN of a subquery within the expression as ANY.
fn all_any(expr: Expr) -> Result<Expr> {
    expr.transform_up(|expr| match expr {
        Expr::InSubquery(subquery) => any(subquery).map(Transformed::yes),
        other => Ok(Transformed::no(other)),
    })
    .map(|expr| expr.data)
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
        Expr::InSubquery(subquery) if subquery.negated == negated => with_exact_left(subquery)?,
        // Whatever else looks at the value sees NULL.
        other => all_any(other)?,
    })
}

fn with_exact_left(subquery: InSubquery) -> Result<Expr> {
    Ok(Expr::InSubquery(InSubquery::new(
        Box::new(all_any(*subquery.expr)?),
        subquery.subquery,
        subquery.negated,
    )))
}

/// A filter's or a join's condition with every IN as it must be.
fn exact_condition(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let has_subquery = |expr: &Expr| expr.exists(|expr| Ok(matches!(expr, Expr::InSubquery(_))));
    match plan {
        LogicalPlan::Filter(filter) if has_subquery(&filter.predicate)? => {
            let predicate = exact_terms(filter.predicate)?;
            Filter::try_new(predicate, filter.input)
                .map(|filter| Transformed::yes(LogicalPlan::Filter(filter)))
        }
        LogicalPlan::Join(join) => without_subqueries(join).map(Transformed::yes),
        other => Ok(Transformed::no(other)),
    }
}

/// Subqueries are taken apart in filters only: those of a join's condition filter its rows, or the rows of the side
/// which is joined to the other.
fn without_subqueries(mut join: Join) -> Result<LogicalPlan> {
    let (mut above, mut left, mut right, mut kept) = (vec![], vec![], vec![], vec![]);
    for term in join
        .filter
        .take()
        .map_or_else(Vec::new, split_conjunction_owned)
    {
        let of = |side: &LogicalPlan| {
            let columns = term.column_refs();
            columns
                .into_iter()
                .all(|column| side.schema().has_column(column))
        };
        match join.join_type {
            _ if !asks(&term)? => kept.push(term),
            JoinType::Inner => above.push(term),
            JoinType::Left if of(&join.right) => right.push(term),
            JoinType::Right if of(&join.left) => left.push(term),
            // Refused where it is planned.
            _ => kept.push(term),
        }
    }
    let filtered = |input: Arc<LogicalPlan>, terms: Vec<Expr>| -> Result<Arc<LogicalPlan>> {
        let Some(condition) = conjunction(terms) else {
            return Ok(input);
        };
        let filter = Filter::try_new(exact_terms(condition)?, input)?;
        let plan = super::scalar::joined(LogicalPlan::Filter(filter))?;
        Ok(Arc::new(plan.data))
    };
    join.filter = conjunction(kept);
    join.left = filtered(join.left, left)?;
    join.right = filtered(join.right, right)?;
    let join = Arc::new(LogicalPlan::Join(join));
    filtered(join, above).map(Arc::unwrap_or_clone)
}

/// Whether there is a subquery in an expression.
fn asks(expr: &Expr) -> Result<bool> {
    expr.exists(|expr| {
        Ok(matches!(
            expr,
            Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::Exists(_)
                | Expr::SetComparison(_)
        ))
    })
}

/// Those that are a condition by themselves become joins that know NULL.
fn exact_terms(condition: Expr) -> Result<Expr> {
    let mut terms = Vec::new();
    for term in split_conjunction_owned(condition) {
        terms.push(match term {
            Expr::InSubquery(subquery) if joins_alone(&subquery) => with_exact_left(subquery)?,
            Expr::Not(inner) => match *inner {
                Expr::InSubquery(subquery) if joins_alone(&subquery) => {
                    not(with_exact_left(subquery)?)
                }
                other => exact(not(other), false)?,
            },
            other => exact(other, false)?,
        });
    }
    Ok(conjunction(terms).unwrap_or_else(|| datafusion::logical_expr::lit(true)))
}

/// Joins that know NULL have one key: they cannot compare with the outer query besides.
fn joins_alone(subquery: &InSubquery) -> bool {
    subquery.subquery.outer_ref_columns.is_empty()
}

/// Aggregates of what has a subquery in it are aggregates of a column: DataFusion takes subqueries apart in filters and
/// projections only.
fn with_columns(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::Aggregate(aggregate) = plan else {
        return Ok(Transformed::no(plan));
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

fn is_concerned(expr: &Expr, retyped: bool) -> bool {
    retyped && matches!(expr, Expr::BinaryExpr(_))
        || is_choice(expr)
        || matches!(expr, Expr::AggregateFunction(call) if call.params.distinct)
        || matches!(
            expr,
            Expr::Between(_)
                | Expr::WindowFunction(_)
                | Expr::InList(_)
                | Expr::InSubquery(_)
                | Expr::SetComparison(_)
                | Expr::Exists(_)
                | Expr::Case(_)
                | Expr::Like(_)
                | Expr::ScalarSubquery(_)
        )
}

/// Whether it gives one of its arguments, by DataFusion's choice of a type for all.
fn is_choice(expr: &Expr) -> bool {
    ["mysql_greatest", "mysql_least"]
        .iter()
        .any(|name| crate::functions::is_call(expr, name))
}

fn rewritten(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::Between(between) => Transformed::yes(self::between(between, schema)?),
        Expr::InList(list) => Transformed::yes(in_list(list, schema)?),
        Expr::InSubquery(subquery) => Transformed::yes(quantified::in_subquery(subquery, schema)?),
        Expr::SetComparison(comparison) => {
            Transformed::yes(quantified::quantified(comparison, schema)?)
        }
        Expr::Exists(exists) => Transformed::yes(quantified::exists(exists)),
        Expr::ScalarSubquery(subquery) => Transformed::yes(super::scalar::value(subquery)?),
        Expr::Case(case) => Transformed::yes(self::case(case, schema)?),
        // Planned alike, but of columns that are doubles since.
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if op.supports_propagation() => {
            let (left, right) = as_doubles(*left, *right, schema)?;
            Transformed::yes(binary_expr(left, op, right))
        }
        Expr::AggregateFunction(mut call) if call.params.distinct => {
            zeros(&mut call.params.args, schema)?;
            Transformed::yes(Expr::AggregateFunction(call))
        }
        Expr::WindowFunction(mut call) => {
            let params = &mut call.params;
            zeros(&mut params.partition_by, schema)?;
            for term in &mut params.order_by {
                zeros(std::slice::from_mut(&mut term.expr), schema)?;
            }
            if params.distinct {
                zeros(&mut params.args, schema)?;
            }
            Transformed::yes(Expr::WindowFunction(call))
        }
        Expr::ScalarFunction(mut call)
            if let Some(function) = crate::functions::extreme(call.func.name()) =>
        {
            call.func = function;
            let classes = classes(&call.args, schema)?;
            let is_number = |class: &Class| class.is_number() || *class == Class::Truth;
            // Numbers among texts compare as texts (MySQL 8.4 manual, "GREATEST", "LEAST").
            let as_texts = classes.contains(&Class::Text) && classes.iter().any(is_number);
            for arg in &mut call.args {
                let given = std::mem::take(arg);
                *arg = match as_texts {
                    true => operators::text(given, schema)?,
                    false => number_among(given, &classes, schema)?,
                };
            }
            Transformed::yes(Expr::ScalarFunction(call))
        }
        Expr::Like(like) => Transformed::yes(Expr::Like(Like {
            expr: Box::new(operators::text(*like.expr, schema)?),
            pattern: Box::new(operators::text(*like.pattern, schema)?),
            ..like
        })),
        other => Transformed::no(other),
    })
}

fn between(mut between: Between, schema: &DFSchema) -> Result<Expr> {
    for bound in [&mut between.low, &mut between.high] {
        **bound = whole_year(std::mem::take(bound), &between.expr, schema)?;
    }
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
fn in_list(mut list: InList, schema: &DFSchema) -> Result<Expr> {
    let class = Class::of_expr(&list.expr, schema)?;
    if class == Class::Double && classes(&list.list, schema)?.contains(&Class::Number) {
        let data_type = list.expr.get_type(schema)?;
        list.expr = Box::new(double(*list.expr, &data_type)?);
    }
    let mut alike_all = true;
    let mut values = Vec::with_capacity(list.list.len());
    for value in list.list {
        let value = whole_year(value, &list.expr, schema)?;
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
        // A set of constants would tell -0 from 0.
        let concerned = |value: &Expr| match value {
            Expr::Literal(value, _) => match value {
                ScalarValue::Float64(Some(number)) => *number == 0.0,
                ScalarValue::Float32(Some(number)) => *number == 0.0,
                _ => true,
            },
            _ => true,
        };
        if class == Class::Double && values.iter().any(concerned) {
            zeros(std::slice::from_mut(list.expr.as_mut()), schema)?;
            zeros(&mut values, schema)?;
        }
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

/// Doubles with `-0` as `0`, where values are told apart by their bits.
fn zeros(exprs: &mut [Expr], schema: &DFSchema) -> Result<()> {
    for expr in exprs {
        if Class::of_expr(expr, schema)? == Class::Double {
            *expr = crate::functions::call("mysql_plain", vec![std::mem::take(expr)])?;
        }
    }
    Ok(())
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

/// The classes of several expressions.
fn classes(exprs: &[Expr], schema: &DFSchema) -> Result<Vec<Class>> {
    exprs
        .iter()
        .map(|expr| Class::of_expr(expr, schema))
        .collect()
}

/// A number, or a truth value, as it is among results of these classes, one of which is chosen: a double among doubles.
fn number_among(expr: Expr, classes: &[Class], schema: &DFSchema) -> Result<Expr> {
    let among = |class| classes.contains(&class);
    let exact = among(Class::Number) || among(Class::Truth);
    let (truth, number) = match Class::of_expr(&expr, schema)? {
        Class::Truth => (true, true),
        Class::Number | Class::Double => (false, true),
        Class::Null
        | Class::Text
        | Class::Bytes
        | Class::Date
        | Class::Moment
        | Class::Clock
        | Class::Other => (false, false),
    };
    let numbers = among(Class::Number) || among(Class::Double);
    if !number || !numbers {
        return Ok(expr);
    }
    let expr = if truth { truth_number(expr)? } else { expr };
    if among(Class::Double) && exact {
        let data_type = expr.get_type(schema)?;
        return double(expr, &data_type);
    }
    Ok(expr)
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
    let texts = results.contains(&Class::Text);
    let result = |expr: Box<Expr>| -> Result<Box<Expr>> {
        Ok(Box::new(match Class::of_expr(&expr, schema)? {
            Class::Text | Class::Null | Class::Other | Class::Bytes => *expr,
            Class::Truth
            | Class::Number
            | Class::Double
            | Class::Date
            | Class::Moment
            | Class::Clock
                if texts =>
            {
                operators::text(*expr, schema)?
            }
            Class::Truth | Class::Number | Class::Double => number_among(*expr, &results, schema)?,
            Class::Date | Class::Moment | Class::Clock => *expr,
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
