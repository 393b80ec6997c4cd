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
mod operators;
mod quantified;
mod scalar;
mod unions;

use std::sync::Arc;

use datafusion::logical_expr::AggregateUDF;
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::optimizer::analyzer::{Analyzer, AnalyzerRule};

/// What plans operators and aggregates.
pub(crate) fn planner() -> Arc<dyn ExprPlanner> {
    Arc::new(operators::Operators)
}

/// The analyzer's rules, ours before DataFusion's.
pub(crate) fn analyzer_rules() -> Vec<Arc<dyn AnalyzerRule + Send + Sync>> {
    let ours: [Arc<dyn AnalyzerRule + Send + Sync>; 2] = [
        Arc::new(analyzer::Comparisons),
        Arc::new(columns::RoundColumns),
    ];
    ours.into_iter().chain(Analyzer::new().rules).collect()
}

/// Aggregates in place of DataFusion's of the same names.
pub(crate) fn aggregates() -> Vec<Arc<AggregateUDF>> {
    vec![aggregates::sum()]
}
