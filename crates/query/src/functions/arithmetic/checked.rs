//! Results of `+`, `-`, `*` and SUM held against their types: what does not fit is an error, as MySQL's 1690
//! (MySQL 8.4 manual, "Out-of-Range and Overflow Handling").

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::compute::{CastOptions, cast_with_options, kernels::numeric};
use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType, Decimal128Type, Decimal256Type,
    Float64Type, Int64Type, UInt64Type,
};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{Expr, Operator, binary_expr};

use super::{ROWS_DIGITS, is_mixed};

/// Digits after the point of a wide sum that becomes one of 38 digits.
const SCALE_MAX: i8 = 10;

/// Exact numbers whose result fits whatever they are mean the same in DataFusion, which optimises its own operators
/// better; it checks no digits.
pub(super) fn native(args: &[Expr], types: &[DataType], op: Operator) -> Option<Expr> {
    let (digits, most) = match types {
        [DataType::Decimal128(p1, s1), DataType::Decimal128(p2, s2)] => {
            ((*p1, *s1, *p2, *s2), DECIMAL128_MAX_PRECISION)
        }
        [DataType::Decimal256(p1, s1), DataType::Decimal256(p2, s2)] => {
            ((*p1, *s1, *p2, *s2), DECIMAL256_MAX_PRECISION)
        }
        _ => return None,
    };
    let (p1, s1, p2, s2) = digits;
    let (p1, s1, p2, s2) = (i16::from(p1), i16::from(s1), i16::from(p2), i16::from(s2));
    let needed = match op {
        Operator::Multiply => p1 + p2 + 1,
        _ => (p1 - s1).max(p2 - s2) + s1.max(s2) + 1,
    };
    (needed <= i16::from(most) && args.len() == 2)
        .then(|| binary_expr(args[0].clone(), op, args[1].clone()))
}

/// `+`, `-` or `*`; an error where the result does not fit its type (MySQL's 1690).
pub(super) fn computed(args: &[ArrayRef], op: Operator) -> Result<ArrayRef> {
    let (left, right) = (&args[0], &args[1]);
    if is_mixed(left.data_type(), right.data_type()) {
        return unsigned(left, right, op);
    }
    let result = match op {
        Operator::Plus => numeric::add(left, right)?,
        Operator::Minus => numeric::sub(left, right)?,
        _ => numeric::mul(left, right)?,
    };
    let fits = match result.data_type() {
        DataType::Decimal128(p, _) => result
            .as_primitive::<Decimal128Type>()
            .validate_decimal_precision(*p)
            .is_ok(),
        DataType::Decimal256(p, _) => result
            .as_primitive::<Decimal256Type>()
            .validate_decimal_precision(*p)
            .is_ok(),
        DataType::Float64 => doubles_fit(&result, args),
        // Arrow checks whole numbers.
        _ => true,
    };
    if fits {
        Ok(result)
    } else {
        beyond(op, result.data_type())
    }
}

pub(super) fn beyond<T>(op: Operator, data_type: &DataType) -> Result<T> {
    exec_err!(
        "arithmetic result is out of range: the result of '{op}' does not fit {}",
        crate::types::sql_type(data_type)
    )
}

/// Whether no result is infinite but where an argument is.
pub(super) fn doubles_fit(result: &ArrayRef, args: &[ArrayRef]) -> bool {
    let result = result.as_primitive::<Float64Type>();
    if result.values().iter().all(|value| value.is_finite()) {
        return true;
    }
    let finite = |array: &ArrayRef, row: usize| {
        let values = array.as_primitive::<Float64Type>();
        values.value(row).is_finite()
    };
    (0..result.len()).all(|row| {
        result.is_null(row)
            || result.value(row).is_finite()
            || !args.iter().all(|arg| finite(arg, row))
    })
}

/// Whole numbers of which one has no sign; the result has none.
fn unsigned(left: &ArrayRef, right: &ArrayRef, op: Operator) -> Result<ArrayRef> {
    fn wide(array: &ArrayRef) -> Vec<Option<i128>> {
        match array.data_type() {
            DataType::UInt64 => array
                .as_primitive::<UInt64Type>()
                .iter()
                .map(|value| value.map(i128::from))
                .collect(),
            _ => array
                .as_primitive::<Int64Type>()
                .iter()
                .map(|value| value.map(i128::from))
                .collect(),
        }
    }
    let mut values = Vec::with_capacity(left.len());
    for pair in wide(left).into_iter().zip(wide(right)) {
        let (Some(left), Some(right)) = pair else {
            values.push(None);
            continue;
        };
        // Of two 64-bit numbers nothing is beyond 128 bits.
        let result = match op {
            Operator::Plus => left + right,
            Operator::Minus => left - right,
            _ => left * right,
        };
        match u64::try_from(result) {
            Ok(result) => values.push(Some(result)),
            Err(_) => return beyond(op, &DataType::UInt64),
        }
    }
    Ok(Arc::new(PrimitiveArray::<UInt64Type>::from(values)))
}

/// The type of a SUM: wide sums of values that were not wide have the most digits of those. One of many digits after the
/// point stays wide: too few would be left before it.
pub(super) fn total_type(sum: &DataType) -> DataType {
    match sum {
        DataType::Decimal256(p, s)
            if *p <= DECIMAL128_MAX_PRECISION + ROWS_DIGITS && *s <= SCALE_MAX =>
        {
            DataType::Decimal128(DECIMAL128_MAX_PRECISION, *s)
        }
        other => other.clone(),
    }
}

pub(super) fn total(sums: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let safe = CastOptions {
        safe: true,
        ..CastOptions::default()
    };
    let total = cast_with_options(sums, to, &safe)?;
    if total.null_count() > sums.null_count() {
        return exec_err!(
            "arithmetic result is out of range: a sum does not fit {}",
            crate::types::sql_type(to)
        );
    }
    Ok(total)
}
