//! A query whose hash joins do not fit the memory runs once more with joins that sort, and so spill to disk.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::TaskContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::HashJoinExec;

use super::rounds;
use super::session::{session_of, task_context};
use crate::error::{Error, from_datafusion};

/// Sorts of such a plan that can run side by side; each keeps its part of the memory for merging.
const SORTS_AT_ONCE: usize = 32;

/// Rows of its batches.
const BATCH_ROWS: usize = 1024;

/// How to plan a query once more.
#[derive(Debug, Clone)]
pub(crate) struct Fallback {
    logical: Arc<LogicalPlan>,
    state: Arc<SessionState>,
    runtime: Arc<RuntimeEnv>,
    rounds_max: u64,
}

impl Fallback {
    /// For a plan with hash joins; another one would be planned just the same.
    pub(super) fn of(
        plan: &Arc<dyn ExecutionPlan>,
        logical: &LogicalPlan,
        state: &SessionState,
        runtime: &Arc<RuntimeEnv>,
        rounds_max: u64,
        memory_bytes_max: usize,
    ) -> Option<Self> {
        let mut hashes = false;
        let _ = plan.apply(|node| {
            hashes |= node.is::<HashJoinExec>();
            Ok(if hashes {
                TreeNodeRecursion::Stop
            } else {
                TreeNodeRecursion::Continue
            })
        });
        if !hashes {
            return None;
        }
        // A sort holds two batches at least, and there are many sorts.
        let rows = state.config().batch_size().min(BATCH_ROWS);
        let mut config = state.config().clone().with_batch_size(rows);
        let options = config.options_mut();
        options.optimizer.prefer_hash_join = false;
        // DataFusion sorts for joins of several partitions only.
        options.execution.target_partitions = options.execution.target_partitions.max(2);
        options.execution.sort_spill_reservation_bytes =
            memory_bytes_max / SORTS_AT_ONCE / options.execution.target_partitions;
        Some(Self {
            logical: Arc::new(logical.clone()),
            state: Arc::new(session_of(state, config, Arc::clone(state.catalog_list()))),
            runtime: Arc::clone(runtime),
            rounds_max,
        })
    }

    /// The plan and what it runs in.
    pub(crate) async fn plan(&self) -> Result<(Arc<dyn ExecutionPlan>, Arc<TaskContext>), Error> {
        let plan = self
            .state
            .query_planner()
            .create_physical_plan(&self.logical, self.state.as_ref())
            .await
            .and_then(|plan| rounds::limited(plan, self.rounds_max))
            .map_err(from_datafusion)?;
        let context = task_context(&self.state, Arc::clone(&self.runtime));
        Ok((plan, context))
    }
}
