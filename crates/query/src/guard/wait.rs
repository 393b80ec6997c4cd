//! SLEEP, which ends with its statement: at the statement's time limit, or when nobody reads it any more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};

use super::Guard;

/// How often a wait looks whether the statement is over.
const LOOK: Duration = Duration::from_millis(20);

/// Waits for each row as many seconds as it says, and gives 0.
pub(super) fn wait(guard: &Guard, args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let rows = args.number_rows;
    let Some(seconds) = args.args.first() else {
        return exec_err!("SLEEP takes 1 argument");
    };
    let seconds = cast(&seconds.to_array(rows)?, &DataType::Float64)?;
    let seconds = seconds.as_primitive::<Float64Type>();
    let waiting = || {
        for row in 0..rows {
            let wanted = if seconds.is_null(row) {
                -1.0
            } else {
                seconds.value(row)
            };
            if wanted.is_nan() || wanted < 0.0 {
                return exec_err!("SLEEP takes 0 seconds or more");
            }
            // Longer than any statement may take is as long as it may.
            let wanted = Duration::try_from_secs_f64(wanted).unwrap_or(Duration::MAX);
            let start = Instant::now();
            while let Some(left) = wanted
                .checked_sub(start.elapsed())
                .filter(|left| !left.is_zero())
            {
                guard.check()?;
                std::thread::sleep(left.min(LOOK));
            }
        }
        guard.check()
    };
    // A worker that waits gives its other tasks away.
    tokio::task::block_in_place(waiting)?;
    Ok(ColumnarValue::Array(Arc::new(Int64Array::from(vec![
        0;
        rows
    ]))))
}
