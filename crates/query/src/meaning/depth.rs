//! Subqueries that name columns of a query two levels out: DataFusion takes a subquery apart with the query that it stands
//! in, and no other.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, not_impl_err};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan, Subquery};

/// That each subquery names columns of its own tables and of the query next to it.
///
/// # Errors
/// Not implemented, with the column.
pub(super) fn check(plan: &LogicalPlan) -> Result<()> {
    plan.apply(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Some(subquery) = subquery_of(expr) {
                    in_reach(subquery, node)?;
                    check(&subquery.subquery)?;
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })
    .map(|_| ())
}

fn subquery_of(expr: &Expr) -> Option<&Subquery> {
    match expr {
        Expr::ScalarSubquery(subquery) => Some(subquery),
        Expr::InSubquery(of) => Some(&of.subquery),
        Expr::Exists(of) => Some(&of.subquery),
        Expr::SetComparison(of) => Some(&of.subquery),
        _ => None,
    }
}

fn in_reach(subquery: &Subquery, node: &LogicalPlan) -> Result<()> {
    if subquery.outer_ref_columns.is_empty() {
        return Ok(());
    }
    let schema = merge_schema(&node.inputs());
    for expr in &subquery.outer_ref_columns {
        if let Expr::OuterReferenceColumn(_, column) = expr
            && !schema.has_column(column)
        {
            return not_impl_err!(
                "a subquery within a subquery names '{}' of the query around both, which is not supported: join that table in the subquery between them, or name a column there that equals it",
                column.flat_name()
            );
        }
    }
    Ok(())
}
