//! CEIL and FLOOR of exact numbers stay exact, where DataFusion's go by way of a double.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array, Decimal256Array, Float64Array};
use arrow::datatypes::{DataType, Decimal128Type, Decimal256Type, Float64Type, i256};
use datafusion::common::Result;

use super::Function;
use super::arithmetic::{number, power_of_ten, widen};

pub(super) fn functions() -> Vec<Function> {
    vec![
        Function::new("mysql_ceil", whole_type, without_scale, |a, to| {
            round_whole(&a[0], to, true)
        }),
        Function::new("mysql_floor", whole_type, without_scale, |a, to| {
            round_whole(&a[0], to, false)
        }),
    ]
}

fn whole_type(types: &[DataType]) -> Result<Vec<DataType>> {
    super::arguments("CEIL and FLOOR", types, 1, 1)?;
    Ok(vec![match number(&types[0]) {
        DataType::Null => DataType::Int64,
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) => DataType::Decimal128(p, s),
        other => widen(other),
    }])
}

fn without_scale(types: &[DataType]) -> Result<DataType> {
    Ok(match &types[0] {
        DataType::Decimal128(p, _) => DataType::Decimal128(*p, 0),
        DataType::Decimal256(p, _) => DataType::Decimal256(*p, 0),
        other => other.clone(),
    })
}

fn round_whole(array: &ArrayRef, to: &DataType, up: bool) -> Result<ArrayRef> {
    fn decimals(
        values: impl Iterator<Item = Option<i256>>,
        scale: i8,
        up: bool,
    ) -> Vec<Option<i256>> {
        let power = power_of_ten(scale);
        let round = |value: i256| {
            let (whole, rest) = (value.wrapping_div(power), value.wrapping_rem(power));
            match (rest > i256::ZERO, rest < i256::ZERO) {
                (true, _) if up => whole.wrapping_add(i256::ONE),
                (_, true) if !up => whole.wrapping_sub(i256::ONE),
                _ => whole,
            }
        };
        values.map(|value| value.map(round)).collect()
    }
    Ok(match (array.data_type(), to) {
        (DataType::Decimal128(_, scale), DataType::Decimal128(p, _)) => {
            let values = array
                .as_primitive::<Decimal128Type>()
                .iter()
                .map(|value| value.map(i256::from_i128));
            let values: Decimal128Array = decimals(values, *scale, up)
                .into_iter()
                .map(|value| value.and_then(i256::to_i128))
                .collect();
            Arc::new(values.with_precision_and_scale(*p, 0)?)
        }
        (DataType::Decimal256(_, scale), DataType::Decimal256(p, _)) => {
            let values = decimals(array.as_primitive::<Decimal256Type>().iter(), *scale, up);
            Arc::new(Decimal256Array::from(values).with_precision_and_scale(*p, 0)?)
        }
        (DataType::Float64, _) => {
            let round = if up { f64::ceil } else { f64::floor };
            let values: Float64Array = array.as_primitive::<Float64Type>().unary(round);
            Arc::new(values)
        }
        _ => Arc::clone(array),
    })
}
