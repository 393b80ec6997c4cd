//! `IN (SELECT …)`, `op ANY (SELECT …)`, `op ALL (SELECT …)`: both sides compared alike, the subquery's
//! column under a name that the statement cannot have (MySQL 8.4 manual, "Comparisons Using Subqueries").

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, Result, plan_err};
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison, SetQuantifier};
use datafusion::logical_expr::logical_plan::Subquery;
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Operator, lit,
};

use super::classes::Class;
use super::comparison::{alike, comparison};

/// Numbers the names of subqueries, so that none is another's.
static NUMBER: AtomicU64 = AtomicU64::new(1);

/// `left [NOT] IN (subquery)`.
pub(super) fn in_subquery(expr: InSubquery, schema: &DFSchema) -> Result<Expr> {
    if gives_one_row(&expr.subquery) {
        let op = if expr.negated {
            Operator::NotEq
        } else {
            Operator::Eq
        };
        return comparison(*expr.expr, op, Expr::ScalarSubquery(expr.subquery), schema);
    }
    let (left, subquery) = compared(*expr.expr, expr.subquery, schema)?;
    Ok(Expr::InSubquery(InSubquery::new(
        Box::new(left),
        subquery,
        expr.negated,
    )))
}

/// `= ANY` is IN, `<> ALL` is NOT IN; for the others DataFusion asks whether there is a row. It takes the subquery's
/// column by its name, so that one of the outer query must not have the same.
pub(super) fn quantified(expr: SetComparison, schema: &DFSchema) -> Result<Expr> {
    if gives_one_row(&expr.subquery) {
        let value = Expr::ScalarSubquery(expr.subquery);
        return comparison(*expr.expr, expr.op, value, schema);
    }
    let (left, subquery) = compared(*expr.expr, expr.subquery, schema)?;
    Ok(match (expr.op, &expr.quantifier) {
        (Operator::Eq, SetQuantifier::Any) => {
            Expr::InSubquery(InSubquery::new(Box::new(left), subquery, false))
        }
        (Operator::NotEq, SetQuantifier::All) => {
            Expr::InSubquery(InSubquery::new(Box::new(left), subquery, true))
        }
        (op, _) => Expr::SetComparison(SetComparison::new(
            Box::new(left),
            renamed(subquery)?,
            op,
            expr.quantifier,
        )),
    })
}

/// `EXISTS (subquery)`: of one row always, there is one.
pub(super) fn exists(exists: Exists) -> Expr {
    if gives_one_row(&exists.subquery) {
        return lit(!exists.negated);
    }
    Expr::Exists(exists)
}

/// Whether a subquery that asks the outer query is an aggregate of all its rows, also of none: DataFusion, which groups
/// such a one by what it asks for, has no row there.
fn gives_one_row(subquery: &Subquery) -> bool {
    if subquery.outer_ref_columns.is_empty() {
        return false;
    }
    let mut plan = subquery.subquery.as_ref();
    loop {
        match plan {
            LogicalPlan::Projection(projection) => plan = &projection.input,
            LogicalPlan::SubqueryAlias(alias) => plan = &alias.input,
            LogicalPlan::Aggregate(aggregate) => return aggregate.group_expr.is_empty(),
            _ => return false,
        }
    }
}

/// Both sides as what they are compared as.
fn compared(left: Expr, subquery: Subquery, schema: &DFSchema) -> Result<(Expr, Subquery)> {
    let plan = Arc::clone(&subquery.subquery);
    if plan.schema().fields().len() != 1 {
        return plan_err!(
            "a subquery that is compared with one value gives {} columns, one is wanted",
            plan.schema().fields().len()
        );
    }
    let column = Expr::Column(Column::from(plan.schema().qualified_field(0)));
    let (outer, inner) = (
        Class::of_expr(&left, schema)?,
        Class::of_expr(&column, plan.schema())?,
    );
    if outer.compares_with(inner) {
        return Ok((left, subquery));
    }
    // The types of both, wherever a name is from: a value stands for each.
    let typed = |expr: &Expr, schema: &DFSchema| -> Result<Expr> {
        Ok(Expr::OuterReferenceColumn(
            expr.to_field(schema)?.1,
            Column::from_name("__compared"),
        ))
    };
    let (outer, inner) = (typed(&left, schema)?, typed(&column, plan.schema())?);
    let left = match &left {
        // A constant is converted once.
        Expr::Literal(..) => alike(left, inner.clone(), schema)?.0,
        _ => with(
            alike(outer.clone(), inner.clone(), schema)?.0,
            &outer,
            &left,
        )?,
    };
    let right = with(alike(outer, inner.clone(), schema)?.1, &inner, &column)?;
    let plan = LogicalPlanBuilder::from(plan.as_ref().clone())
        .project([right.alias("value")])?
        .build()?;
    Ok((
        left,
        Subquery {
            subquery: Arc::new(plan),
            ..subquery
        },
    ))
}

/// `expr` with `value` in place of what stood for it.
fn with(expr: Expr, stand_in: &Expr, value: &Expr) -> Result<Expr> {
    expr.transform_up(|expr| {
        Ok(if expr == *stand_in {
            Transformed::yes(value.clone())
        } else {
            Transformed::no(expr)
        })
    })
    .map(|expr| expr.data)
}

/// The subquery's column under a name of its own. It gets no alias for its rows: DataFusion would not find there
/// the columns by which it asks the outer query.
pub(super) fn renamed(subquery: Subquery) -> Result<Subquery> {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let column = Column::from(subquery.subquery.schema().qualified_field(0));
    let plan = LogicalPlanBuilder::from(subquery.subquery.as_ref().clone())
        .project([Expr::Column(column).alias(format!("__value_{number}"))])?
        .build()?;
    Ok(Subquery {
        subquery: Arc::new(plan),
        ..subquery
    })
}
