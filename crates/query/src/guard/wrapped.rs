//! A function with its growth measured before it runs: too long is NULL, too much is an error,
//! and big results hold their reservation.

mod delegate;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, UInt64Array};
use arrow::compute::{concat, nullif, take};
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err, resources_err};
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF};

use super::growth::Growth;
use super::held::hold;
use super::row::{Argument, Row};
use super::{CONSTANT_BYTES_MAX, Guard, UNCOUNTED_BYTES, sizes, user_name};

/// Steps that a function may take for one row: about a second.
const STEPS_MAX: u64 = 1 << 27;
/// Steps between two looks at whether the query should stop.
const STEPS_AT_ONCE: u64 = 1 << 22;

/// A function of one query under that query's guard.
#[derive(Debug, Clone)]
pub(super) struct Guarded {
    inner: Arc<ScalarUDF>,
    growth: Growth,
    guard: Arc<Guard>,
}

impl Guarded {
    pub(super) fn new(inner: Arc<ScalarUDF>, growth: Growth, guard: Arc<Guard>) -> Self {
        Self {
            inner,
            growth,
            guard,
        }
    }

    /// The function itself.
    pub(super) fn inner(&self) -> &Arc<ScalarUDF> {
        &self.inner
    }

    /// Whether it is this guard that the function is under.
    pub(super) fn is_under(&self, guard: &Arc<Guard>) -> bool {
        Arc::ptr_eq(&self.guard, guard)
    }
}

impl PartialEq for Guarded {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Guarded {}

impl Hash for Guarded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

/// What a call will take, and for which rows it is not made.
struct Measure {
    bytes: u64,
    too_long: Vec<bool>,
}

impl Guarded {
    /// Runs the function within its bounds.
    fn invoke(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.guard.check()?;
        if matches!(self.growth, Growth::Waits) {
            return super::wait::wait(&self.guard, &args);
        }
        let constant = !args.args.is_empty()
            && args
                .args
                .iter()
                .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        if constant {
            self.constant(args)
        } else {
            self.rows(args)
        }
    }

    fn run(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let name = self.inner.name();
        crate::panics::caught(&format!("{}()", user_name(name)), || {
            self.inner.invoke_with_args(args)
        })
        .map_err(|error| DataFusionError::External(Box::new(error)))?
    }

    fn measure(&self, args: &ScalarFunctionArgs, rows: usize) -> Result<Measure> {
        let constants = || {
            if rows == 1 {
                return 0;
            }
            args.args
                .iter()
                .map(|arg| match arg {
                    ColumnarValue::Array(_) => 0,
                    ColumnarValue::Scalar(value) => {
                        sizes::scalar_bytes(value).saturating_mul(rows as u64)
                    }
                })
                .fold(0, u64::saturating_add)
        };
        let arrays = || {
            args.args
                .iter()
                .map(|arg| match arg {
                    ColumnarValue::Array(array) => sizes::bytes(array.as_ref(), 0, array.len()),
                    ColumnarValue::Scalar(value) if rows == 1 => sizes::scalar_bytes(value),
                    ColumnarValue::Scalar(_) => 0,
                })
                .fold(0, u64::saturating_add)
        };
        let whole = |bytes| Measure {
            bytes,
            too_long: Vec::new(),
        };
        let (bound, exact) = match self.growth {
            Growth::Untouched | Growth::Fixed | Growth::Waits | Growth::Steps(_) => {
                return Ok(whole(constants()));
            }
            Growth::Arguments(times) => {
                let constants = constants();
                let result = arrays().saturating_add(constants).saturating_mul(times);
                return Ok(whole(result.saturating_add(constants)));
            }
            Growth::AtMost(bound) => (bound, false),
            Growth::Exact(bound) => (bound, true),
        };
        let arguments = arguments(args)?;
        let mut measure = whole(
            arguments
                .iter()
                .map(|argument| argument.copies_bytes(rows))
                .fold(0, u64::saturating_add),
        );
        if rows == 1 {
            measure.bytes = 0;
        }
        for row in 0..rows {
            let bytes = bound(&Row {
                arguments: &arguments,
                row,
            });
            if exact && bytes > self.guard.value_bytes_max {
                measure.too_long.resize(rows, false);
                measure.too_long[row] = true;
            } else {
                measure.bytes = measure.bytes.saturating_add(bytes);
            }
        }
        Ok(measure)
    }

    /// Runs the function on constants: a small result stays one, a big one becomes rows that are counted.
    fn constant(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let measure = self.measure(&args, 1)?;
        if measure.too_long.first() == Some(&true) {
            self.guard.warn_too_long(self.inner.name());
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from(
                args.return_type(),
            )?));
        }
        if measure.bytes > CONSTANT_BYTES_MAX && self.guard.is_planning() {
            return exec_err!(
                "{}() is too long for a constant of the plan",
                user_name(self.inner.name())
            );
        }
        let reservation = self.guard.reserve(self.inner.name(), measure.bytes)?;
        args.number_rows = 1;
        let kind = args.return_type().clone();
        let array = self.finished(self.run_in_steps(args)?.into_array(1)?)?;
        let bytes = sizes::bytes(array.as_ref(), 0, 1);
        if bytes <= CONSTANT_BYTES_MAX {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &array, 0,
            )?));
        }
        if rows == 1 {
            return Ok(ColumnarValue::Array(self.hold(array, reservation)?));
        }
        let all = bytes.saturating_mul(rows as u64);
        self.check_offsets(&kind, all)?;
        let reservation = self.guard.reserve(self.inner.name(), all)?;
        let one = ScalarValue::try_from_array(&array, 0)?;
        let array = one.to_array_of_size(rows)?;
        Ok(ColumnarValue::Array(self.hold(array, reservation)?))
    }

    fn rows(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let measure = self.measure(&args, args.number_rows)?;
        if measure.too_long.is_empty() && measure.bytes <= UNCOUNTED_BYTES {
            return self.run_in_steps(args);
        }
        self.check_offsets(args.return_type(), measure.bytes)?;
        let reservation = self.guard.reserve(self.inner.name(), measure.bytes)?;
        let rows = args.number_rows;
        let result = if measure.too_long.is_empty() {
            self.run_in_steps(args)?.into_array(rows)?
        } else {
            self.guard.warn_too_long(self.inner.name());
            self.some_rows(args, &measure.too_long)?
        };
        let result = self.finished(result)?;
        Ok(ColumnarValue::Array(self.hold(result, reservation)?))
    }

    /// The results of the rows that are not too long, NULL for the others.
    fn some_rows(&self, mut args: ScalarFunctionArgs, too_long: &[bool]) -> Result<ArrayRef> {
        let mut kept = Vec::new();
        let mut places = Vec::with_capacity(too_long.len());
        for (row, too_long) in (0_u64..).zip(too_long) {
            if *too_long {
                places.push(None);
            } else {
                places.push(Some(kept.len() as u64));
                kept.push(row);
            }
        }
        let count = kept.len();
        let kept = UInt64Array::from(kept);
        for arg in &mut args.args {
            if let ColumnarValue::Array(array) = arg {
                *array = take(array.as_ref(), &kept, None)?;
            }
        }
        args.number_rows = count;
        let results = if count == 0 {
            arrow::array::new_empty_array(args.return_type())
        } else {
            self.run_in_steps(args)?.into_array(count)?
        };
        Ok(take(results.as_ref(), &UInt64Array::from(places), None)?)
    }

    /// Runs the function on all rows, on few of them at once if each takes many steps.
    fn run_in_steps(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Growth::Steps(steps) = self.growth else {
            return self.run(args);
        };
        let arguments = arguments(&args)?;
        let (mut from, mut taken, mut results) = (0, 0_u64, Vec::new());
        for row in 0..args.number_rows {
            let steps = steps(&Row {
                arguments: &arguments,
                row,
            });
            if steps > STEPS_MAX {
                return exec_err!(
                    "the arguments of {}() are too long: it would take {steps} steps, {STEPS_MAX} are allowed",
                    user_name(self.inner.name())
                );
            }
            taken = taken.saturating_add(steps);
            if taken > STEPS_AT_ONCE {
                results.push(self.slice(&args, from, row + 1)?);
                (from, taken) = (row + 1, 0);
            }
        }
        if results.is_empty() {
            return self.run(args);
        }
        if from < args.number_rows {
            results.push(self.slice(&args, from, args.number_rows)?);
        }
        let parts: Vec<&dyn Array> = results.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarValue::Array(concat(&parts)?))
    }

    fn slice(&self, args: &ScalarFunctionArgs, from: usize, to: usize) -> Result<ArrayRef> {
        self.guard.check()?;
        let mut part = args.clone();
        for arg in &mut part.args {
            if let ColumnarValue::Array(array) = arg {
                *array = array.slice(from, to - from);
            }
        }
        part.number_rows = to - from;
        self.run(part)?.into_array(to - from)
    }

    /// The results without values that turned out longer than the limit.
    fn finished(&self, result: ArrayRef) -> Result<ArrayRef> {
        let most = self.guard.value_bytes_max;
        if sizes::bytes(result.as_ref(), 0, result.len()) <= most {
            return Ok(result);
        }
        let too_long: BooleanArray = (0..result.len())
            .map(|row| Some(sizes::bytes(result.as_ref(), row, row + 1) > most))
            .collect();
        if too_long.true_count() == 0 {
            return Ok(result);
        }
        self.guard.warn_too_long(self.inner.name());
        Ok(nullif(&result, &too_long)?)
    }

    fn hold(&self, array: ArrayRef, reservation: MemoryReservation) -> Result<ArrayRef> {
        let bytes = array.get_array_memory_size();
        if bytes as u64 <= UNCOUNTED_BYTES {
            return Ok(array);
        }
        reservation.try_resize(bytes)?;
        hold(&array, reservation)
    }

    /// Arrow counts bytes and elements of most arrays in 31 bits.
    fn check_offsets(&self, kind: &DataType, bytes: u64) -> Result<()> {
        let narrow = matches!(
            kind,
            DataType::Utf8 | DataType::Binary | DataType::List(_) | DataType::Map(..)
        );
        if narrow && bytes > i32::MAX as u64 {
            return resources_err!(
                "{}() asked for {bytes} bytes for the rows of one batch, {} are possible",
                user_name(self.inner.name()),
                i32::MAX
            );
        }
        Ok(())
    }
}

fn arguments(args: &ScalarFunctionArgs) -> Result<Vec<Argument>> {
    args.args.iter().map(Argument::new).collect()
}

/// What a call is measured to take.
#[cfg(test)]
pub(super) fn measured(
    function: &Arc<ScalarUDF>,
    growth: Growth,
    guard: &Arc<Guard>,
    args: &ScalarFunctionArgs,
) -> u64 {
    let guarded = Guarded::new(Arc::clone(function), growth, Arc::clone(guard));
    guarded
        .measure(args, args.number_rows)
        .map_or(0, |measure| measure.bytes)
}
