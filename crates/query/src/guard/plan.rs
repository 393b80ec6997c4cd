//! Puts every function of a query under its guard: those that the session offers,
//! and those that DataFusion's planner and optimizer put into a plan by themselves.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, LogicalPlan, ScalarUDF};

use super::Guard;
use super::growth::{self, Growth};
use super::wrapped::Guarded;

/// The functions that a session offers; those without a known growth are left out.
pub(crate) fn guard_functions(
    functions: impl IntoIterator<Item = Arc<ScalarUDF>>,
    guard: &Arc<Guard>,
) -> Vec<Arc<ScalarUDF>> {
    functions
        .into_iter()
        .filter_map(|function| guarded(&function, guard))
        .collect()
}

/// The plan whose join conditions look whether the query should stop: a join compares all of one side
/// with a batch of the other before it yields, which can take hours.
pub(crate) fn watch_joins(plan: LogicalPlan, guard: &Arc<Guard>) -> Result<LogicalPlan> {
    let watch = guarded(&crate::functions::named("mysql_watched")?, guard);
    plan.transform_down_with_subqueries(|node| {
        let (LogicalPlan::Join(join), Some(watch)) = (&node, &watch) else {
            return Ok(Transformed::no(node));
        };
        let Some(filter) = &join.filter else {
            return Ok(Transformed::no(node));
        };
        let mut join = join.clone();
        join.filter = Some(watch.call(vec![filter.clone()]));
        Ok(Transformed::yes(LogicalPlan::Join(join)))
    })
    .map(|plan| plan.data)
}

/// The plan with every function under the guard.
pub(crate) fn guard_plan(plan: LogicalPlan, guard: &Arc<Guard>) -> Result<LogicalPlan> {
    plan.transform_down_with_subqueries(|node| node.map_expressions(|expr| guard_expr(expr, guard)))
        .map(|plan| plan.data)
}

/// The expression with every function under the guard.
pub(super) fn guard_expr(expr: Expr, guard: &Arc<Guard>) -> Result<Transformed<Expr>> {
    expr.transform_up(|expr| {
        let Expr::ScalarFunction(call) = expr else {
            return Ok(Transformed::no(expr));
        };
        let func = match call.func.inner().downcast_ref::<Guarded>() {
            Some(under) if under.is_under(guard) => {
                return Ok(Transformed::no(Expr::ScalarFunction(call)));
            }
            Some(under) => under.inner(),
            None => &call.func,
        };
        match guarded(func, guard) {
            Some(func) => Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction {
                func,
                args: call.args,
            }))),
            None => plan_err!("Invalid function '{}'", call.func.name()),
        }
    })
}

/// The function under the guard; none if it is not offered.
fn guarded(function: &Arc<ScalarUDF>, guard: &Arc<Guard>) -> Option<Arc<ScalarUDF>> {
    let growth = growth::of(function.name())?;
    if matches!(growth, Growth::Untouched) {
        return Some(Arc::clone(function));
    }
    Some(Arc::new(ScalarUDF::new_from_impl(Guarded::new(
        Arc::clone(function),
        growth,
        Arc::clone(guard),
    ))))
}
