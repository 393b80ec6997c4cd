//! Functions whose constants tell the digits of their results: CAST to DECIMAL, DATETIME and TIME, and UNIX_TIMESTAMP.
//! What has too many digits is rounded, half away from zero; UNIX_TIMESTAMP cuts
//! (MySQL 8.4 manual, "Cast Functions and Operators", "Fractional Seconds in Time Values").

use std::any::type_name_of_val;
use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Decimal256Array, Int64Array, PrimitiveArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DataType, Field, FieldRef, Float64Type, Time64MicrosecondType,
    TimeUnit, TimestampMicrosecondType, i256,
};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::arithmetic::power_of_ten;
use super::rowwise::Kind;
use super::{convert, is_text};
use crate::convert::numbers::{Scaled, scaled};
use crate::convert::temporal::{POINT_US_MAX, SECOND_US, TIME_US_MAX, round_span_us, round_us};
use crate::types::{Declared, SQL_TYPE_KEY};

/// The last second that MySQL's UNIX times have: 3001-01-18 23:59:59.
const UNIX_SECONDS_MAX: i64 = 32_536_771_199;

/// What a function gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    /// `(value, precision, scale)`.
    Decimal,
    /// `(value, digits of a second)`.
    Moment,
    /// `(value, digits of a second)`.
    Clock,
    /// `(value, seconds of the zone east of UTC, digits of a second or -1 for those of the value)`.
    Unix,
    /// `(seconds, seconds of the zone east of UTC)`.
    OfUnix,
}

pub(super) struct OfDigits {
    pub(super) name: &'static str,
    op: Op,
    signature: Signature,
}

pub(super) fn functions() -> Vec<OfDigits> {
    [
        ("mysql_decimal", Op::Decimal),
        ("mysql_cast_datetime", Op::Moment),
        ("mysql_cast_time", Op::Clock),
        ("mysql_unix_timestamp", Op::Unix),
        ("mysql_from_unixtime", Op::OfUnix),
    ]
    .map(|(name, op)| OfDigits {
        name,
        op,
        signature: Signature::user_defined(Volatility::Immutable),
    })
    .into()
}

impl fmt::Debug for OfDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", type_name_of_val(self), self.name)
    }
}

impl PartialEq for OfDigits {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for OfDigits {}

impl Hash for OfDigits {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

/// A whole number among a call's constants.
fn constant(value: Option<&ScalarValue>) -> Option<i64> {
    match value?.cast_to(&DataType::Int64).ok()? {
        ScalarValue::Int64(number) => number,
        _ => None,
    }
}

impl ScalarUDFImpl for OfDigits {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let (name, kind, constants) = match self.op {
            Op::Decimal => ("CAST", Kind::Double, 2),
            Op::Moment => ("CAST", Kind::Moment, 1),
            Op::Clock => ("CAST", Kind::Clock, 1),
            Op::Unix => ("UNIX_TIMESTAMP", Kind::Moment, 2),
            Op::OfUnix => ("FROM_UNIXTIME", Kind::Double, 1),
        };
        super::arguments(name, types, constants + 1, constants + 1)?;
        convert::accepts(name, super::plain_type(&types[0]), kind)?;
        Ok(std::iter::once(convert::plainest(&types[0]))
            .chain(std::iter::repeat_n(DataType::Int64, constants))
            .collect())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(match self.op {
            Op::Decimal => DataType::Decimal128(10, 0),
            Op::Moment => DataType::Timestamp(TimeUnit::Second, None),
            Op::Clock => convert::CLOCK,
            Op::Unix => DataType::Int64,
            Op::OfUnix => DataType::Timestamp(unit_of_seconds(&types[0]), None),
        })
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let number = |at: usize| constant(args.scalar_arguments.get(at).copied().flatten());
        let field = |data_type| Field::new(self.name, data_type, true);
        let declared = |field: Field, digits: u8, name: &str| {
            let text = match digits {
                0 => name.to_owned(),
                digits => format!("{name}({digits})"),
            };
            field.with_metadata(HashMap::from([(SQL_TYPE_KEY.to_owned(), text)]))
        };
        let digits = |at: usize| match number(at) {
            Some(digits) if (0..=6).contains(&digits) => Ok(digits as u8),
            _ => plan_err!("a time has 0 to 6 digits of a second"),
        };
        Ok(Arc::new(match self.op {
            Op::Decimal => match (number(1), number(2)) {
                (Some(p @ 1..=65), Some(s)) if (0..=p.min(30)).contains(&s) => {
                    field(if p <= i64::from(DECIMAL128_MAX_PRECISION) {
                        DataType::Decimal128(p as u8, s as i8)
                    } else {
                        DataType::Decimal256(p as u8, s as i8)
                    })
                }
                _ => {
                    return plan_err!(
                        "a decimal has 1 to 65 digits, and a scale of at most 30 and at most its digits"
                    );
                }
            },
            Op::Moment => {
                let digits = digits(1)?;
                let unit = match digits {
                    0 => TimeUnit::Second,
                    1..=3 => TimeUnit::Millisecond,
                    _ => TimeUnit::Microsecond,
                };
                declared(field(DataType::Timestamp(unit, None)), digits, "datetime")
            }
            Op::Clock => declared(field(convert::CLOCK), digits(1)?, "time"),
            Op::Unix => field(match unix_digits(&args.arg_fields[0], number(2)) {
                0 => DataType::Int64,
                digits => DataType::Decimal128(20, digits as i8),
            }),
            Op::OfUnix => field(self.return_type(&[args.arg_fields[0].data_type().clone()])?),
        }))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let number = |at: usize| match args.args.get(at) {
            Some(ColumnarValue::Scalar(value)) => constant(Some(value)).unwrap_or(0),
            _ => 0,
        };
        let (first, second) = (number(1), number(2));
        let to = args.return_field.data_type();
        let Some(value) = args.args.into_iter().next() else {
            return exec_err!("{}() has no arguments", self.name);
        };
        let value = value.into_array(rows)?;
        let result = match self.op {
            Op::Decimal => decimals(&value, to)?,
            Op::Moment => moments(&value, first as u8, to)?,
            Op::Clock => clocks(&value, first as u8)?,
            Op::Unix => {
                let digits = unix_digits(&args.arg_fields[0], Some(second));
                unix_times(&value, first, digits)?
            }
            Op::OfUnix => of_unix_times(&value, first, to)?,
        };
        Ok(if scalar {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
        } else {
            ColumnarValue::Array(result)
        })
    }
}

/// A value as a decimal of the type, rounded; what does not fit is an error.
fn decimals(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let beyond = || {
        exec_err!(
            "a number is out of the range of {}",
            crate::types::sql_type(to)
        )
    };
    let (precision, scale) = match to {
        DataType::Decimal128(p, s) | DataType::Decimal256(p, s) => (*p, *s),
        other => return exec_err!("a decimal is wanted, not {other}"),
    };
    let texts = match array.data_type() {
        text if is_text(text) => convert::to_kind(array, Kind::Text)?,
        // The digits that it prints, of which the last are rounded, as MySQL does.
        floating if floating.is_floating() => {
            let doubles = convert::doubles(array)?;
            if doubles
                .as_primitive::<Float64Type>()
                .iter()
                .flatten()
                .any(|number| !number.is_finite())
            {
                return beyond();
            }
            super::text::to_text(&doubles)?
        }
        DataType::Boolean => return decimals(&cast(array, &DataType::Int64)?, to),
        binary if convert::is_binary(binary) => {
            return decimals(&convert::to_kind(array, Kind::Bits)?, to);
        }
        temporal if temporal.is_temporal() => return decimals(&convert::numbers(array)?, to),
        _ => {
            let safe = CastOptions {
                safe: true,
                ..CastOptions::default()
            };
            let result = cast_with_options(array, to, &safe)?;
            return if result.null_count() > array.null_count() {
                beyond()
            } else {
                Ok(result)
            };
        }
    };
    let most = power_of_ten(precision as i8);
    let mut values = Vec::with_capacity(texts.len());
    for text in texts.as_string::<i32>() {
        values.push(match text.map(|text| (text, scaled::<i256>(text, scale))) {
            None => None,
            Some((_, Scaled::Value(value))) if value.wrapping_abs() < most => Some(value),
            Some((text, Scaled::Not)) => return exec_err!("the text '{text}' is no number"),
            Some((_, Scaled::Value(_) | Scaled::TooBig)) => return beyond(),
        });
    }
    Ok(match to {
        DataType::Decimal256(..) => {
            Arc::new(Decimal256Array::from(values).with_precision_and_scale(precision, scale)?)
        }
        _ => {
            let values: Decimal128Array = values
                .into_iter()
                .map(|value| value.and_then(i256::to_i128))
                .collect();
            Arc::new(values.with_precision_and_scale(precision, scale)?)
        }
    })
}

/// Dates and times rounded to so many digits of a second; NULL for what is none, or would be behind the year 9999.
fn moments(array: &ArrayRef, digits: u8, to: &DataType) -> Result<ArrayRef> {
    let micros = convert::to_kind(array, Kind::Moment)?;
    let rounded: TimestampMicrosecondArray = micros
        .as_primitive::<TimestampMicrosecondType>()
        .unary_opt(|micros| round_us(micros, digits).filter(|micros| *micros <= POINT_US_MAX));
    Ok(cast(&rounded, to)?)
}

/// Times rounded to so many digits of a second; beyond MySQL's bounds they are those.
fn clocks(array: &ArrayRef, digits: u8) -> Result<ArrayRef> {
    let micros = convert::to_kind(array, Kind::Clock)?;
    let rounded: Time64MicrosecondArray = micros
        .as_primitive::<Time64MicrosecondType>()
        .unary_opt(|micros| round_span_us(micros.clamp(-TIME_US_MAX, TIME_US_MAX), digits));
    Ok(Arc::new(rounded))
}

/// The digits of a second that a UNIX time has: those given, or those of a declared column, or of a type.
fn unix_digits(field: &Field, given: Option<i64>) -> u8 {
    if let Some(digits) = given.filter(|digits| (0..=6).contains(digits)) {
        return digits as u8;
    }
    match field.data_type() {
        DataType::Timestamp(unit, _) if field.metadata().contains_key(SQL_TYPE_KEY) => {
            Declared::of(field).fraction_digits(*unit)
        }
        DataType::Timestamp(TimeUnit::Second, _) | DataType::Date32 | DataType::Date64 => 0,
        DataType::Timestamp(TimeUnit::Millisecond, _) => 3,
        whole if whole.is_integer() => 0,
        _ => 6,
    }
}

/// Seconds since 1970 of dates and times in a zone, 0 for what is before or behind MySQL's.
fn unix_times(array: &ArrayRef, zone_seconds: i64, digits: u8) -> Result<ArrayRef> {
    let micros = convert::to_kind(array, Kind::Moment)?;
    let times: Int64Array = micros
        .as_primitive::<TimestampMicrosecondType>()
        .unary(|micros| {
            let micros = micros.saturating_sub(zone_seconds.saturating_mul(SECOND_US));
            let known = (0..=UNIX_SECONDS_MAX).contains(&micros.div_euclid(SECOND_US));
            if known { micros } else { 0 }
        });
    if digits == 0 {
        let seconds: Int64Array = times.unary(|micros| micros / SECOND_US);
        return Ok(Arc::new(seconds));
    }
    let unit = 10_i64.pow(6 - u32::from(digits.min(6)));
    let values: Decimal128Array = times.unary(|micros| i128::from(micros / unit));
    Ok(Arc::new(values.with_precision_and_scale(20, digits as i8)?))
}

/// Whole seconds are a date and time without digits of a second.
fn unit_of_seconds(data_type: &DataType) -> TimeUnit {
    match data_type {
        whole if whole.is_integer() => TimeUnit::Second,
        DataType::Decimal128(_, 0) | DataType::Decimal256(_, 0) | DataType::Boolean => {
            TimeUnit::Second
        }
        _ => TimeUnit::Microsecond,
    }
}

/// Dates and times in a zone of seconds since 1970; NULL for those before, or behind MySQL's last.
fn of_unix_times(array: &ArrayRef, zone_seconds: i64, to: &DataType) -> Result<ArrayRef> {
    let micros = decimals_or_null(array)?;
    let moments: TimestampMicrosecondArray = micros
        .iter()
        .map(|micros| {
            let micros = i64::try_from(micros?).ok()?;
            (0..=UNIX_SECONDS_MAX)
                .contains(&micros.div_euclid(SECOND_US))
                .then(|| micros.saturating_add(zone_seconds.saturating_mul(SECOND_US)))
        })
        .collect();
    Ok(cast(&moments, to)?)
}

/// Seconds as microseconds; NULL where they are too many.
fn decimals_or_null(array: &ArrayRef) -> Result<Decimal128Array> {
    if let Some(floats) = array.as_primitive_opt::<Float64Type>() {
        let micros: PrimitiveArray<arrow::datatypes::Decimal128Type> = floats
            .iter()
            .map(|seconds| Some((seconds? * SECOND_US as f64).round_ties_even() as i128))
            .collect();
        return Ok(micros);
    }
    let micros_type = DataType::Decimal128(DECIMAL128_MAX_PRECISION, 6);
    match array.data_type() {
        whole
            if whole.is_integer()
                || matches!(whole, DataType::Decimal128(..) | DataType::Decimal256(..)) =>
        {
            let safe = CastOptions {
                safe: true,
                ..CastOptions::default()
            };
            let micros = cast_with_options(array, &micros_type, &safe)?;
            Ok(micros.as_primitive().clone())
        }
        _ => Ok(decimals(array, &micros_type)?.as_primitive().clone()),
    }
}
