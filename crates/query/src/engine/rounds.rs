//! How often the recursive part of a WITH RECURSIVE may run: `cte_max_recursion_depth` (MySQL 8.4 manual, "Limiting
//! Common Table Expression Recursion").

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::recursive_query::RecursiveQueryExec;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
    ReplaceChildrenOptions,
};

use crate::error::{Error, ErrorKind};
use crate::mysql::SessionValues;

/// The variable's name.
const RECURSION_MAX: &str = "cte_max_recursion_depth";
/// As in MySQL.
const RECURSION_MAX_DEFAULT: u64 = 1000;

/// How many rounds the session allows.
pub(super) fn most(values: &SessionValues) -> u64 {
    let set = values
        .variables
        .iter()
        .find(|(name, _)| name == RECURSION_MAX);
    set.and_then(|(_, value)| value.parse().ok())
        .unwrap_or(RECURSION_MAX_DEFAULT)
}

/// The plan whose recursions end in an error after so many rounds.
pub(super) fn limited(plan: Arc<dyn ExecutionPlan>, most: u64) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        let Some(recursion) = node.downcast_ref::<RecursiveQueryExec>() else {
            return Ok(Transformed::no(node));
        };
        let count = Arc::new(AtomicU64::new(0));
        let counted = |input: &Arc<dyn ExecutionPlan>, most| -> Arc<dyn ExecutionPlan> {
            Arc::new(Rounds {
                input: Arc::clone(input),
                count: Arc::clone(&count),
                most,
            })
        };
        let children = vec![
            counted(recursion.static_term(), None),
            counted(recursion.recursive_term(), Some(most)),
        ];
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        node.replace_children(children, options)
            .map(Transformed::yes)
    })
    .map(|plan| plan.data)
}

/// A part of a recursion: the first starts the count, the other one goes on with it.
#[derive(Debug)]
struct Rounds {
    input: Arc<dyn ExecutionPlan>,
    count: Arc<AtomicU64>,
    /// Rounds of the recursive part.
    most: Option<u64>,
}

impl DisplayAs for Rounds {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.most {
            Some(most) => write!(f, "RecursionExec: rounds_max={most}"),
            None => write!(f, "RecursionStartExec"),
        }
    }
}

impl ExecutionPlan for Rounds {
    fn name(&self) -> &str {
        match self.most {
            Some(_) => "RecursionExec",
            None => "RecursionStartExec",
        }
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([input]) = <[Arc<dyn ExecutionPlan>; 1]>::try_from(children) else {
            return Err(DataFusionError::Internal(
                "a recursion has one input".into(),
            ));
        };
        Ok(Arc::new(Self {
            input,
            count: Arc::clone(&self.count),
            most: self.most,
        }))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        self.replace_children(children, options)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        match self.most {
            None => self.count.store(0, Ordering::Relaxed),
            Some(most) => {
                let round = self.count.fetch_add(1, Ordering::Relaxed) + 1;
                if round > most {
                    return Err(DataFusionError::External(Box::new(Error::new(
                        ErrorKind::RecursionLimit,
                        format!(
                            "Recursive query aborted after {round} iterations. Try increasing @@{RECURSION_MAX} to a larger value."
                        ),
                    ))));
                }
            }
        }
        self.input.execute(partition, context)
    }
}
