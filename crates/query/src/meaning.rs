//! MySQL's meaning of operators, comparisons and aggregates, where DataFusion knows the types:
//! as it plans an operator, and in rules of its analyzer before it coerces types by its own rules.
//!
//! The rewriter in `mysql` is for syntax; what depends on types stands here.

mod aggregates;
mod analyzer;
mod classes;
mod columns;
mod comparison;
mod constants;
mod depth;
mod operators;
mod quantified;
mod recursive;
mod scalar;
mod unions;
mod using;

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::logical_expr::planner::{ExprPlanner, RelationPlanner};
use datafusion::logical_expr::{AggregateUDF, LogicalPlan};
use datafusion::optimizer::analyzer::{Analyzer, AnalyzerRule};

/// What plans operators and aggregates.
pub(crate) fn planner() -> Arc<dyn ExprPlanner> {
    Arc::new(operators::Operators)
}

/// What plans joins by columns in common.
pub(crate) fn relation_planner() -> Arc<dyn RelationPlanner> {
    Arc::new(using::CommonColumns)
}

/// A plan as DataFusion's planner gives it, without what was for the planner only.
///
/// # Errors
/// Not implemented for a subquery that names columns of a query two levels out.
pub(crate) fn planned(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = using::without_marks(plan)?;
    depth::check(&plan)?;
    Ok(plan)
}

/// The analyzer's rules, ours before DataFusion's.
pub(crate) fn analyzer_rules() -> Vec<Arc<dyn AnalyzerRule + Send + Sync>> {
    let ours: [Arc<dyn AnalyzerRule + Send + Sync>; 3] = [
        Arc::new(recursive::RecursiveTypes),
        Arc::new(analyzer::Comparisons),
        Arc::new(columns::RoundColumns),
    ];
    ours.into_iter().chain(Analyzer::new().rules).collect()
}

/// Aggregates in place of DataFusion's of the same names.
pub(crate) fn aggregates() -> Vec<Arc<AggregateUDF>> {
    vec![aggregates::sum()]
}
