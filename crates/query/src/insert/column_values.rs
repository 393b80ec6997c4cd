//! The values of one column while it is filled, and the array that they become.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Array, Decimal128Array, Decimal256Array,
    FixedSizeBinaryBuilder, Float32Array, Float64Array, PrimitiveArray, StringBuilder,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type, i256,
};

use crate::error::{Error, from_arrow};

/// Values by what they are checked as; integers of all widths alike.
pub(super) enum Values {
    Bool(BooleanBuilder),
    Integer {
        values: Vec<Option<i128>>,
        least: i128,
        most: i128,
    },
    Float(Vec<Option<f64>>),
    Decimal {
        values: Vec<Option<i256>>,
        precision: u8,
        scale: i8,
    },
    Date(Vec<Option<i32>>),
    Timestamp(Vec<Option<i64>>),
    Time(Vec<Option<i64>>),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Uuid(FixedSizeBinaryBuilder),
}

impl Values {
    pub(super) fn push_null(&mut self) {
        match self {
            Values::Bool(values) => values.append_null(),
            Values::Integer { values, .. } => values.push(None),
            Values::Float(values) => values.push(None),
            Values::Decimal { values, .. } => values.push(None),
            Values::Date(values) => values.push(None),
            Values::Timestamp(values) | Values::Time(values) => values.push(None),
            Values::Text(values) => values.append_null(),
            Values::Bytes(values) => values.append_null(),
            Values::Uuid(values) => values.append_null(),
        }
    }

    /// The values so far as an array of the column's type; the writer is empty afterwards.
    pub(super) fn finish(&mut self, to: &DataType) -> Result<ArrayRef, Error> {
        fn integers<T: ArrowPrimitiveType>(
            values: Vec<Option<i128>>,
            narrow: impl Fn(i128) -> T::Native,
        ) -> ArrayRef {
            Arc::new(
                values
                    .into_iter()
                    .map(|value| value.map(&narrow))
                    .collect::<PrimitiveArray<T>>(),
            )
        }
        let array: ArrayRef = match self {
            Values::Bool(values) => Arc::new(values.finish()),
            Values::Integer { values, .. } => {
                let values = std::mem::take(values);
                // Every value was checked against the type's range.
                match to {
                    DataType::Int8 => integers::<Int8Type>(values, |value| value as i8),
                    DataType::Int16 => integers::<Int16Type>(values, |value| value as i16),
                    DataType::Int32 => integers::<Int32Type>(values, |value| value as i32),
                    DataType::UInt8 => integers::<UInt8Type>(values, |value| value as u8),
                    DataType::UInt16 => integers::<UInt16Type>(values, |value| value as u16),
                    DataType::UInt32 => integers::<UInt32Type>(values, |value| value as u32),
                    DataType::UInt64 => integers::<UInt64Type>(values, |value| value as u64),
                    _ => integers::<Int64Type>(values, |value| value as i64),
                }
            }
            Values::Float(values) if *to == DataType::Float32 => Arc::new(
                std::mem::take(values)
                    .into_iter()
                    .map(|value| value.map(|value| value as f32))
                    .collect::<Float32Array>(),
            ),
            Values::Float(values) => Arc::new(Float64Array::from(std::mem::take(values))),
            Values::Decimal {
                values,
                precision,
                scale,
            } => {
                let (precision, scale, values) = (*precision, *scale, std::mem::take(values));
                if precision <= 38 {
                    let values: Decimal128Array = values
                        .into_iter()
                        .map(|value| value.and_then(i256::to_i128))
                        .collect();
                    Arc::new(
                        values
                            .with_precision_and_scale(precision, scale)
                            .map_err(from_arrow)?,
                    )
                } else {
                    Arc::new(
                        Decimal256Array::from(values)
                            .with_precision_and_scale(precision, scale)
                            .map_err(from_arrow)?,
                    )
                }
            }
            Values::Date(values) => Arc::new(Date32Array::from(std::mem::take(values))),
            Values::Timestamp(values) => {
                let array = TimestampMicrosecondArray::from(std::mem::take(values));
                match to {
                    DataType::Timestamp(_, zone) => Arc::new(array.with_timezone_opt(zone.clone())),
                    _ => Arc::new(array),
                }
            }
            Values::Time(values) => Arc::new(Time64MicrosecondArray::from(std::mem::take(values))),
            Values::Text(values) => Arc::new(values.finish()),
            Values::Bytes(values) => Arc::new(values.finish()),
            Values::Uuid(values) => Arc::new(values.finish()),
        };
        if array.data_type() == to {
            Ok(array)
        } else {
            cast(&array, to).map_err(from_arrow)
        }
    }
}
