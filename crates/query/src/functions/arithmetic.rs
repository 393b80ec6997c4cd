//! `+ - * / DIV %` and what numbers they work on: division by zero is NULL, an integer overflow is an error.
//! Division of exact numbers keeps more digits than its column shows, as in MySQL, so that what is
//! computed with it further on is not rounded twice; [`RoundTo`] rounds at the column
//! (MySQL 8.4 manual, "Arithmetic Operators", "Precision Math").

mod checked;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, Decimal128Array, Decimal256Array, Float64Array,
    PrimitiveArray,
};
use arrow::compute::{cast, kernels::numeric};
use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType, Decimal128Type, Decimal256Type,
    Float64Type, Int64Type, UInt64Type, i256,
};
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    ColumnarValue, Operator, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use self::checked::{beyond, computed, doubles_fit, native, total, total_type};
use super::{Function, convert, is_text, plain_type};

/// MySQL's `div_precision_increment`: digits that a quotient shows more than its dividend.
pub(crate) const DIVISION_DIGITS: i8 = 4;
/// The largest scale of a decimal.
pub(crate) const SCALE_MAX: i8 = 30;
/// Digits that MySQL keeps together: a quotient is computed to a whole number of such words.
const WORD_DIGITS: i8 = 9;
/// Digits before the point that a product must have room for.
const WHOLE_DIGITS: i16 = 20;

/// Digits that the rows of a SUM add to those of their values.
const ROWS_DIGITS: u8 = 10;
/// Digits of values that add up in 128 bits, whatever their number.
const SUMMED_DIGITS: u8 = DECIMAL128_MAX_PRECISION - ROWS_DIGITS;

/// Whether a function's name is that of exact division.
pub(crate) fn is_division(name: &str) -> bool {
    name == "mysql_divide"
}

pub(super) fn functions() -> Vec<Function> {
    vec![
        Function::new(
            "mysql_add",
            |t| coerce(t, Operator::Plus),
            |t| result(t, Operator::Plus),
            |a, _| computed(a, Operator::Plus),
        )
        .simplified(|a, t| native(a, t, Operator::Plus)),
        Function::new(
            "mysql_subtract",
            |t| coerce(t, Operator::Minus),
            |t| result(t, Operator::Minus),
            |a, _| computed(a, Operator::Minus),
        )
        .simplified(|a, t| native(a, t, Operator::Minus)),
        Function::new(
            "mysql_multiply",
            |t| coerce(t, Operator::Multiply),
            |t| result(t, Operator::Multiply),
            |a, _| computed(a, Operator::Multiply),
        )
        .simplified(|a, t| native(a, t, Operator::Multiply)),
        Function::new(
            "mysql_modulo",
            |t| coerce(t, Operator::Modulo),
            |t| result(t, Operator::Modulo),
            |a, _| {
                let divisor = zero_to_null(&a[1])?;
                Ok(numeric::rem(&a[0], &divisor)?)
            },
        ),
        Function::new("mysql_divide", coerce_division, division_type, |a, to| {
            divide(&a[0], &a[1], to)
        }),
        Function::new(
            "mysql_div",
            coerce_whole_division,
            |_| Ok(DataType::Int64),
            |a, _| divide_whole(&a[0], &a[1]),
        ),
        Function::new(
            "mysql_negate",
            |t| Ok(vec![widen(number(&t[0]))]),
            |t| {
                Ok(match &t[0] {
                    DataType::UInt64 | DataType::Null => DataType::Int64,
                    other => other.clone(),
                })
            },
            |a, _| negate(&a[0]),
        ),
        Function::new(
            "mysql_total",
            |t| Ok(t.to_vec()),
            |t| Ok(total_type(&t[0])),
            |a, to| total(&a[0], to),
        )
        .simplified(|a, t| {
            let same = total_type(t.first()?) == *t.first()?;
            same.then(|| a.first().cloned())?
        }),
        Function::new(
            "mysql_number",
            |t| {
                super::arguments("the function", t, 1, 1)?;
                let counts = number(&t[0]);
                if !counts.is_numeric() && !counts.is_null() {
                    return plan_err!(
                        "a number is wanted, not {}",
                        crate::types::sql_type(&counts)
                    );
                }
                Ok(vec![convert::plainest(&t[0])])
            },
            |t| Ok(number(&t[0])),
            |a, to| to_number(&a[0], to),
        )
        .simplified(|a, t| t.first()?.is_numeric().then(|| a.first().cloned())?),
    ]
}

/// What SUM adds up in: integers as decimals, which do not overflow; text must be numbers.
pub(crate) fn exact_argument(data_type: &DataType) -> Result<DataType> {
    Ok(match number(data_type) {
        integer if integer.is_integer() => DataType::Decimal128(20, 0),
        DataType::Float16 | DataType::Float32 | DataType::Null => DataType::Float64,
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) => DataType::Decimal128(p, s),
        // The sum of more digits does not fit beside the count of rows.
        DataType::Decimal128(p, s) if p > SUMMED_DIGITS => DataType::Decimal256(p, s),
        number @ (DataType::Float64 | DataType::Decimal128(..) | DataType::Decimal256(..)) => {
            number
        }
        other => {
            return plan_err!(
                "SUM and AVG take numbers, not {}",
                crate::types::sql_type(&other)
            );
        }
    })
}

/// An operand as a number: text counts as a float, a truth value as 0 or 1, bytes as the number that they are,
/// a date or time as the number that its digits are.
pub(crate) fn number(data_type: &DataType) -> DataType {
    match plain_type(data_type) {
        text if is_text(text) => DataType::Float64,
        DataType::Boolean => DataType::Int64,
        binary if convert::is_binary(binary) => DataType::UInt64,
        temporal @ (DataType::Date32
        | DataType::Date64
        | DataType::Timestamp(..)
        | DataType::Time32(_)
        | DataType::Time64(_)) => convert::numbers_type(temporal),
        other => other.clone(),
    }
}

fn to_number(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    match array.data_type() {
        text if is_text(text) => convert::doubles(array),
        binary if convert::is_binary(binary) => convert::to_kind(array, super::rowwise::Kind::Bits),
        temporal if temporal.is_temporal() => convert::numbers(array),
        _ => Ok(cast(array, to)?),
    }
}

fn negate(array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::UInt64 => {
            let mut values = Vec::with_capacity(array.len());
            for value in array.as_primitive::<UInt64Type>() {
                values.push(match value.map(|value| 0_i64.checked_sub_unsigned(value)) {
                    None => None,
                    Some(Some(value)) => Some(value),
                    Some(None) => {
                        return exec_err!("a negative number is out of the range of bigint");
                    }
                });
            }
            Ok(Arc::new(PrimitiveArray::<Int64Type>::from(values)))
        }
        DataType::Null => Ok(cast(array, &DataType::Int64)?),
        _ => Ok(numeric::neg(array)?),
    }
}

fn coerce(types: &[DataType], op: Operator) -> Result<Vec<DataType>> {
    super::arguments(&op.to_string(), types, 2, 2)?;
    let (left, right) = (number(&types[0]), number(&types[1]));
    if left.is_null() || right.is_null() {
        let known = if left.is_null() { right } else { left };
        let known = if known.is_null() {
            DataType::Int64
        } else {
            known
        };
        return Ok(vec![known.clone(), known]);
    }
    // MySQL works in BIGINT; the narrow types are for storage only.
    let (left, right) = (widen(left), widen(right));
    if left.is_floating() || right.is_floating() {
        return Ok(vec![DataType::Float64; 2]);
    }
    if is_mixed(&left, &right) {
        return Ok(match op {
            Operator::Modulo => vec![DataType::Decimal128(20, 0); 2],
            _ => vec![left, right],
        });
    }
    let (left, right) = BinaryTypeCoercer::new(&left, &op, &right).get_input_types()?;
    if op == Operator::Multiply
        && let (DataType::Decimal128(p1, s1), DataType::Decimal128(p2, s2)) = (&left, &right)
    {
        // The digits of quotients leave a product too few before the point.
        let scale = i16::from(*s1) + i16::from(*s2);
        let whole = i16::from(*p1) + i16::from(*p2) - scale;
        if i16::from(DECIMAL128_MAX_PRECISION) - scale < whole.min(WHOLE_DIGITS) {
            return Ok(vec![
                DataType::Decimal256(*p1, *s1),
                DataType::Decimal256(*p2, *s2),
            ]);
        }
    }
    Ok(vec![left, right])
}

pub(super) fn widen(data_type: DataType) -> DataType {
    match data_type {
        DataType::Int8 | DataType::Int16 | DataType::Int32 => DataType::Int64,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            DataType::UInt64
        }
        DataType::Float16 | DataType::Float32 => DataType::Float64,
        other => other,
    }
}

/// Whether just one of two whole numbers has a sign.
fn is_mixed(left: &DataType, right: &DataType) -> bool {
    matches!(
        (left, right),
        (DataType::Int64, DataType::UInt64) | (DataType::UInt64, DataType::Int64)
    )
}

fn result(types: &[DataType], op: Operator) -> Result<DataType> {
    // MySQL: "if any of the operands is unsigned, the result is unsigned".
    if is_mixed(&types[0], &types[1]) {
        return Ok(DataType::UInt64);
    }
    BinaryTypeCoercer::new(&types[0], &op, &types[1]).get_result_type()
}

fn coerce_division(types: &[DataType]) -> Result<Vec<DataType>> {
    super::arguments("/", types, 2, 2)?;
    let operands = [number(&types[0]), number(&types[1])];
    if operands.iter().any(DataType::is_floating) {
        return Ok(vec![DataType::Float64; 2]);
    }
    let exact = operands
        .iter()
        .map(|operand| match operand {
            integer if integer.is_integer() => Ok(DataType::Decimal128(20, 0)),
            DataType::Null => Ok(DataType::Decimal128(1, 0)),
            DataType::Decimal32(p, s) | DataType::Decimal64(p, s) => {
                Ok(DataType::Decimal128(*p, *s))
            }
            decimal @ (DataType::Decimal128(..) | DataType::Decimal256(..)) => Ok(decimal.clone()),
            other => plan_err!("'/' takes numbers, not {}", crate::types::sql_type(other)),
        })
        .collect::<Result<Vec<_>>>()?;
    let wide = match (&exact[0], &exact[1]) {
        (DataType::Decimal128(p, s), DataType::Decimal128(_, divisor_scale)) => {
            let scale = working_scale(*s, *divisor_scale);
            digits(*p, *s, scale, *divisor_scale) > DECIMAL128_MAX_PRECISION
        }
        _ => true,
    };
    if !wide {
        return Ok(exact);
    }
    Ok(exact
        .into_iter()
        .map(|operand| match operand {
            DataType::Decimal128(p, s) => DataType::Decimal256(p, s),
            other => other,
        })
        .collect())
}

/// DIV of whole numbers needs no decimals.
fn coerce_whole_division(types: &[DataType]) -> Result<Vec<DataType>> {
    super::arguments("DIV", types, 2, 2)?;
    let signed = |data_type: &DataType| widen(number(data_type)) == DataType::Int64;
    if types.iter().all(signed) {
        return Ok(vec![DataType::Int64; 2]);
    }
    coerce_division(types)
}

/// The digits after the point that a quotient is computed to, as MySQL does: both scales and four more,
/// in words of nine digits.
fn working_scale(dividend: i8, divisor: i8) -> i8 {
    let words = |scale: i8| (scale.max(0) + WORD_DIGITS - 1) / WORD_DIGITS * WORD_DIGITS;
    let (left, right) = (words(dividend), words(divisor));
    let spare = left - dividend + right - divisor;
    let scale = words(left + right + (DIVISION_DIGITS - spare).max(0));
    scale.max(dividend + DIVISION_DIGITS).min(SCALE_MAX)
}

fn division_type(types: &[DataType]) -> Result<DataType> {
    Ok(match (&types[0], &types[1]) {
        (DataType::Decimal128(p, s), DataType::Decimal128(_, divisor_scale)) => {
            let scale = working_scale(*s, *divisor_scale);
            DataType::Decimal128(
                digits(*p, *s, scale, *divisor_scale).min(DECIMAL128_MAX_PRECISION),
                scale,
            )
        }
        (DataType::Decimal256(p, s), DataType::Decimal256(_, divisor_scale)) => {
            let scale = working_scale(*s, *divisor_scale);
            DataType::Decimal256(
                digits(*p, *s, scale, *divisor_scale).min(DECIMAL256_MAX_PRECISION),
                scale,
            )
        }
        _ => DataType::Float64,
    })
}

fn digits(precision: u8, scale: i8, result_scale: i8, divisor_scale: i8) -> u8 {
    let whole = i16::from(precision) - i16::from(scale) + i16::from(divisor_scale);
    (whole + i16::from(result_scale)).clamp(1, 76) as u8
}

fn divide(left: &ArrayRef, right: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    match (left.data_type(), right.data_type(), to) {
        (DataType::Decimal128(_, s1), DataType::Decimal128(_, s2), DataType::Decimal128(p, s)) => {
            let (a, b) = (
                left.as_primitive::<Decimal128Type>(),
                right.as_primitive::<Decimal128Type>(),
            );
            let power = power_of_ten(s + s2 - s1);
            let mut values = Vec::with_capacity(a.len());
            for (a, b) in a.iter().zip(b) {
                values.push(match (a, b) {
                    (Some(a), Some(b)) if b != 0 => Some(quotient(
                        i256::from_i128(a),
                        i256::from_i128(b),
                        power,
                        i256::to_i128,
                    )?),
                    _ => None,
                });
            }
            let values = Decimal128Array::from(values).with_precision_and_scale(*p, *s)?;
            values
                .validate_decimal_precision(*p)
                .or_else(|_| out_of_range())?;
            Ok(Arc::new(values))
        }
        (DataType::Decimal256(_, s1), DataType::Decimal256(_, s2), DataType::Decimal256(p, s)) => {
            let (a, b) = (
                left.as_primitive::<Decimal256Type>(),
                right.as_primitive::<Decimal256Type>(),
            );
            let power = power_of_ten(s + s2 - s1);
            let mut values = Vec::with_capacity(a.len());
            for (a, b) in a.iter().zip(b) {
                values.push(match (a, b) {
                    (Some(a), Some(b)) if b != i256::ZERO => Some(quotient(a, b, power, Some)?),
                    _ => None,
                });
            }
            Ok(Arc::new(
                Decimal256Array::from(values).with_precision_and_scale(*p, *s)?,
            ))
        }
        _ => {
            let (a, b) = (
                cast(left, &DataType::Float64)?,
                cast(right, &DataType::Float64)?,
            );
            let (a, b) = (
                a.as_primitive::<Float64Type>(),
                b.as_primitive::<Float64Type>(),
            );
            let values: Float64Array = a
                .iter()
                .zip(b)
                .map(|pair| match pair {
                    (Some(a), Some(b)) if b != 0.0 => Some(a / b),
                    _ => None,
                })
                .collect();
            let result: ArrayRef = Arc::new(values);
            let args: [ArrayRef; 2] = [Arc::new(a.clone()), Arc::new(b.clone())];
            if doubles_fit(&result, &args) {
                Ok(result)
            } else {
                beyond(Operator::Divide, &DataType::Float64)
            }
        }
    }
}

/// `dividend * power / divisor`, cut, as MySQL cuts behind a quotient's last word.
fn quotient<T>(
    dividend: i256,
    divisor: i256,
    power: i256,
    narrow: impl Fn(i256) -> Option<T>,
) -> Result<T> {
    let Some(scaled) = dividend.checked_mul(power) else {
        return out_of_range();
    };
    narrow(scaled.wrapping_div(divisor)).map_or_else(out_of_range, Ok)
}

pub(super) fn power_of_ten(exponent: i8) -> i256 {
    i256::from_i128(10).wrapping_pow(u32::from(exponent.max(0).unsigned_abs()))
}

fn out_of_range<T>() -> Result<T> {
    exec_err!("the result of a division is out of range")
}

/// DIV: the quotient without its fraction.
fn divide_whole(left: &ArrayRef, right: &ArrayRef) -> Result<ArrayRef> {
    let whole = |value: Option<i256>| match value.map(i256::to_i128) {
        None => Ok(None),
        Some(Some(value)) => i64::try_from(value)
            .map(Some)
            .or_else(|_| exec_err!("the result of DIV is out of the range of bigint")),
        Some(None) => exec_err!("the result of DIV is out of the range of bigint"),
    };
    let values: Vec<Option<i64>> = match (left.data_type(), right.data_type()) {
        (DataType::Float64, DataType::Float64) => {
            let (a, b) = (
                left.as_primitive::<Float64Type>(),
                right.as_primitive::<Float64Type>(),
            );
            a.iter()
                .zip(b)
                .map(|pair| match pair {
                    (Some(a), Some(b)) if b != 0.0 => {
                        let quotient = (a / b).trunc();
                        if quotient.abs() < 9.2e18 {
                            Ok(Some(quotient as i64))
                        } else {
                            exec_err!("the result of DIV is out of the range of bigint")
                        }
                    }
                    _ => Ok(None),
                })
                .collect::<Result<_>>()?
        }
        (DataType::Int64, DataType::Int64) => {
            let (a, b) = (
                left.as_primitive::<Int64Type>(),
                right.as_primitive::<Int64Type>(),
            );
            a.iter()
                .zip(b)
                .map(|pair| match pair {
                    (Some(a), Some(b)) if b != 0 => match a.checked_div(b) {
                        Some(quotient) => Ok(Some(quotient)),
                        None => exec_err!("the result of DIV is out of the range of bigint"),
                    },
                    _ => Ok(None),
                })
                .collect::<Result<_>>()?
        }
        (l, r) => {
            let scale = |data_type: &DataType| match data_type {
                DataType::Decimal128(_, s) | DataType::Decimal256(_, s) => *s,
                _ => 0,
            };
            let (s1, s2) = (scale(l), scale(r));
            let (a, b) = (
                cast(left, &DataType::Decimal256(76, s1))?,
                cast(right, &DataType::Decimal256(76, s2))?,
            );
            let (a, b) = (
                a.as_primitive::<Decimal256Type>(),
                b.as_primitive::<Decimal256Type>(),
            );
            let (up, down) = (power_of_ten(s2 - s1), power_of_ten(s1 - s2));
            a.iter()
                .zip(b)
                .map(|pair| match pair {
                    (Some(a), Some(b)) if b != i256::ZERO => {
                        match (a.checked_mul(up), b.checked_mul(down)) {
                            (Some(a), Some(b)) => whole(Some(a.wrapping_div(b))),
                            _ => exec_err!("the result of DIV is out of the range of bigint"),
                        }
                    }
                    _ => Ok(None),
                })
                .collect::<Result<_>>()?
        }
    };
    Ok(Arc::new(PrimitiveArray::<Int64Type>::from(values)))
}

fn zero_to_null(array: &ArrayRef) -> Result<ArrayRef> {
    fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef, zero: T::Native) -> ArrayRef {
        let array = array.as_primitive::<T>();
        let values: PrimitiveArray<T> = array
            .iter()
            .map(|value| value.filter(|value| *value != zero))
            .collect();
        Arc::new(values.with_data_type(array.data_type().clone()))
    }
    Ok(match array.data_type() {
        DataType::Int64 => primitive::<Int64Type>(array, 0),
        DataType::UInt64 => primitive::<UInt64Type>(array, 0),
        DataType::Float64 => primitive::<Float64Type>(array, 0.0),
        DataType::Decimal128(..) => primitive::<Decimal128Type>(array, 0),
        DataType::Decimal256(..) => primitive::<Decimal256Type>(array, i256::ZERO),
        other => return exec_err!("'%' takes numbers, not {other}"),
    })
}

/// Rounds exact numbers half away from zero to the scale of a column. It is no cast:
/// DataFusion takes casts off comparisons, and this one loses digits.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct RoundTo {
    to: DataType,
    signature: Signature,
}

impl RoundTo {
    /// The name of every rounding.
    pub(crate) const NAME: &'static str = "mysql_column";

    /// To this decimal type.
    pub(crate) fn new(to: DataType) -> Self {
        Self {
            to,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for RoundTo {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let options = arrow::compute::CastOptions {
            safe: false,
            ..arrow::compute::CastOptions::default()
        };
        match args
            .args
            .first()
            .map(|arg| arg.cast_to(&self.to, Some(&options)))
        {
            Some(Ok(value)) => Ok(value),
            Some(Err(_)) => exec_err!(
                "a number is out of the range of {}",
                crate::types::sql_type(&self.to)
            ),
            None => exec_err!("a number is missing"),
        }
    }
}
