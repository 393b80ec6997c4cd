//! ROUND and TRUNCATE: exact numbers half away from zero, doubles to the nearest, ties to even;
//! the scale is that asked for (MySQL 8.4 manual, "Mathematical Functions", "Rounding Behavior").

use std::any::type_name_of_val;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal256Array, Float64Array, Int64Array};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Decimal256Type, Field, FieldRef, Float64Type, Int64Type, i256};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::arithmetic::{number, power_of_ten, widen};
use super::convert;

/// Digits that a 256-bit number always holds.
const DIGITS_MAX: i64 = 76;

pub(super) struct Rounding {
    pub(super) name: &'static str,
    truncate: bool,
    signature: Signature,
}

pub(super) fn functions() -> Vec<Rounding> {
    [("mysql_round", false), ("mysql_truncate", true)]
        .map(|(name, truncate)| Rounding {
            name,
            truncate,
            signature: Signature::user_defined(Volatility::Immutable),
        })
        .into()
}

impl fmt::Debug for Rounding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", type_name_of_val(self), self.name)
    }
}

impl PartialEq for Rounding {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Rounding {}

impl Hash for Rounding {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

/// The type of a value rounded to a known count of digits, or to one that rows differ in.
fn rounded_type(data_type: &DataType, digits: Option<i64>) -> DataType {
    let scaled = |precision: u8, scale: i8| {
        let kept = match digits {
            Some(digits) => digits.clamp(0, i64::from(scale.max(0))) as i8,
            None => scale,
        };
        // Rounding up can take one digit more.
        let whole = i16::from(precision) - i16::from(scale) + 1;
        ((whole + i16::from(kept)).clamp(1, 76) as u8, kept)
    };
    match data_type {
        DataType::Decimal128(p, s) => {
            let (precision, scale) = scaled(*p, *s);
            DataType::Decimal128(precision.min(38), scale)
        }
        DataType::Decimal256(p, s) => {
            let (precision, scale) = scaled(*p, *s);
            DataType::Decimal256(precision, scale)
        }
        other => other.clone(),
    }
}

impl ScalarUDFImpl for Rounding {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let least = if self.truncate { 2 } else { 1 };
        super::arguments(&super::user_name(self.name), types, least, 2)?;
        let value = match number(&types[0]) {
            DataType::Null => DataType::Int64,
            DataType::Decimal32(p, s) | DataType::Decimal64(p, s) => DataType::Decimal128(p, s),
            other => widen(other),
        };
        if !value.is_numeric() {
            return plan_err!(
                "{}() takes a number, not {}",
                super::user_name(self.name),
                crate::types::sql_type(&value)
            );
        }
        Ok(std::iter::once(value)
            .chain(types.get(1).map(|_| DataType::Int64))
            .collect())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(rounded_type(&types[0], (types.len() == 1).then_some(0)))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let digits = match args.scalar_arguments {
            [_] => Some(0),
            // A NULL gives NULL, of whatever type.
            [_, Some(digits)] => match digits.cast_to(&DataType::Int64) {
                Ok(ScalarValue::Int64(digits)) => Some(digits.unwrap_or(0)),
                _ => None,
            },
            _ => None,
        };
        let data_type = rounded_type(args.arg_fields[0].data_type(), digits);
        Ok(Arc::new(Field::new(self.name, data_type, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let arrays = args
            .args
            .into_iter()
            .map(|arg| arg.into_array(rows))
            .collect::<Result<Vec<_>>>()?;
        let zero: ArrayRef = Arc::new(Int64Array::from(vec![0; rows]));
        let digits = cast(arrays.get(1).unwrap_or(&zero), &DataType::Int64)?;
        let result = self.rounded(
            &arrays[0],
            digits.as_primitive::<Int64Type>(),
            args.return_field.data_type(),
        )?;
        Ok(if scalar {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
        } else {
            ColumnarValue::Array(result)
        })
    }
}

impl Rounding {
    fn rounded(&self, array: &ArrayRef, digits: &Int64Array, to: &DataType) -> Result<ArrayRef> {
        if to.is_floating() {
            let values: Float64Array = convert::doubles(array)?
                .as_primitive::<Float64Type>()
                .iter()
                .zip(digits)
                .map(|pair| Some(self.double(pair.0?, pair.1?)))
                .collect();
            return Ok(Arc::new(values));
        }
        let scale = match array.data_type() {
            DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => *scale,
            _ => 0,
        };
        let kept = match to {
            DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => *scale,
            _ => 0,
        };
        let wide = cast(array, &DataType::Decimal256(76, scale))?;
        let values: Decimal256Array = wide
            .as_primitive::<Decimal256Type>()
            .iter()
            .zip(digits)
            .map(|pair| {
                let at = pair.1?.min(i64::from(scale));
                let drop = i64::from(scale).saturating_sub(at);
                Some(self.exact(pair.0?, drop, scale - kept))
            })
            .collect();
        let values: ArrayRef = Arc::new(values.with_precision_and_scale(76, kept)?);
        let safe = CastOptions {
            safe: true,
            ..CastOptions::default()
        };
        let result = cast_with_options(&values, to, &safe)?;
        if result.null_count() > values.null_count() {
            return exec_err!(
                "the result of {}() is out of the range of {}",
                super::user_name(self.name),
                crate::types::sql_type(to)
            );
        }
        Ok(result)
    }

    /// The last `drop` digits made zero, then `less` digits taken off the scale.
    fn exact(&self, value: i256, drop: i64, less: i8) -> i256 {
        if drop > DIGITS_MAX {
            return i256::ZERO;
        }
        let power = power_of_ten(drop as i8);
        let (whole, rest) = (value.wrapping_div(power), value.wrapping_rem(power));
        // Half of a power of ten is a whole number, but for the power of nothing.
        let half = power.wrapping_div(i256::from_i128(2));
        let up = !self.truncate && drop > 0 && rest.wrapping_abs() >= half;
        let whole = match (up, value < i256::ZERO) {
            (false, _) => whole,
            (true, false) => whole.wrapping_add(i256::ONE),
            (true, true) => whole.wrapping_sub(i256::ONE),
        };
        match i8::try_from(drop).unwrap_or(i8::MAX) - less {
            0 => whole,
            more if more > 0 => whole.wrapping_mul(power_of_ten(more)),
            fewer => whole.wrapping_div(power_of_ten(-fewer)),
        }
    }

    fn double(&self, value: f64, digits: i64) -> f64 {
        let round = |value: f64| {
            if self.truncate {
                value.trunc()
            } else {
                value.round_ties_even()
            }
        };
        let digits = digits.clamp(-400, 400) as i32;
        let power = 10_f64.powi(digits.abs());
        let result = if digits >= 0 {
            let scaled = value * power;
            // Too many digits to be rounded.
            if scaled.is_finite() {
                round(scaled) / power
            } else {
                value
            }
        } else if power.is_finite() {
            round(value / power) * power
        } else {
            0.0
        };
        if result.is_finite() { result } else { value }
    }
}
