//! EXPLAIN and EXPLAIN ANALYZE: the plan as rows of text, each operator under the one that reads it.

use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::physical_plan::analyze::AnalyzeExec;
use datafusion::physical_plan::expressions::Column;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr, displayable};

use crate::error::{Error, from_arrow, from_datafusion};
use crate::mysql::Wanted;

/// The result's only column, as MySQL calls it.
const COLUMN: &str = "EXPLAIN";

/// The plan that gives what is wanted of `plan`.
pub(super) fn wanted(
    plan: Arc<dyn ExecutionPlan>,
    wanted: Wanted,
) -> Result<Arc<dyn ExecutionPlan>, Error> {
    match wanted {
        Wanted::Rows => Ok(plan),
        Wanted::Plan => {
            let text = displayable(plan.as_ref()).indent(false).to_string();
            let lines: StringArray = text.lines().map(Some).collect();
            let schema = Arc::new(Schema::new(vec![Field::new(COLUMN, DataType::Utf8, false)]));
            let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(lines)])
                .map_err(from_arrow)?;
            let source = MemorySourceConfig::try_new_exec(&[vec![batch]], schema, None)
                .map_err(from_datafusion)?;
            Ok(source)
        }
        Wanted::Run => {
            let schema = Arc::new(Schema::new(vec![
                Field::new("plan_type", DataType::Utf8, false),
                Field::new("plan", DataType::Utf8, false),
            ]));
            let analyzed: Arc<dyn ExecutionPlan> =
                Arc::new(AnalyzeExec::builder(false, false, plan, schema).build());
            let text: Arc<dyn PhysicalExpr> = Arc::new(Column::new("plan", 1));
            let projected = ProjectionExec::try_new([(text, COLUMN.to_owned())], analyzed)
                .map_err(from_datafusion)?;
            Ok(Arc::new(projected))
        }
    }
}
