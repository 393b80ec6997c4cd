//! The values of one column while it is filled: typed builders, each with the bounds of its declared type.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder,
    Decimal256Builder, FixedSizeBinaryBuilder, Float64Builder, Int64Builder, StringBuilder,
    Time64MicrosecondBuilder, TimestampMicrosecondBuilder, UInt64Builder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, i256};

use super::types::{Declared, Length};
use super::words::Members;
use crate::error::{Error, from_arrow};

/// Digits that an `i128` always holds.
const DIGITS_128_MAX: u8 = 38;

/// Values by what they are checked as; integers of all widths alike.
pub(super) enum Values {
    Bool(BooleanBuilder),
    Signed {
        values: Int64Builder,
        least: i64,
        most: i64,
    },
    Unsigned {
        values: UInt64Builder,
        most: u64,
    },
    Bit {
        values: UInt64Builder,
        bits: u32,
    },
    Year(UInt64Builder),
    Float {
        values: Float64Builder,
        single: bool,
        /// Of FLOAT(M,D) and DOUBLE(M,D).
        digits: Option<FloatDigits>,
    },
    Decimal {
        values: Decimal128Builder,
        scale: i8,
        /// Ten to the precision.
        beyond: i128,
    },
    WideDecimal {
        values: Decimal256Builder,
        scale: i8,
        /// Ten to the precision.
        beyond: i256,
    },
    Date(Date32Builder),
    Point {
        values: TimestampMicrosecondBuilder,
        digits: u8,
    },
    Time {
        values: Time64MicrosecondBuilder,
        digits: u8,
    },
    Text {
        values: StringBuilder,
        length_max: Option<Length>,
    },
    Members {
        values: StringBuilder,
        members: Members,
        /// `enum` or `set`.
        what: &'static str,
    },
    Json(StringBuilder),
    Bytes {
        values: BinaryBuilder,
        length_max: Option<Length>,
        /// BINARY(n): shorter values get zero bytes behind them.
        filled_to: usize,
    },
    Uuid(FixedSizeBinaryBuilder),
}

/// What FLOAT(M,D) and DOUBLE(M,D) keep of a number.
#[derive(Clone, Copy)]
pub(super) struct FloatDigits {
    /// Ten to D.
    unit: f64,
    most: f64,
}

impl FloatDigits {
    fn new((digits, scale): (i32, i32)) -> Self {
        let unit = 10_f64.powi(scale);
        Self {
            unit,
            most: 10_f64.powi(digits - scale) - unit.recip(),
        }
    }

    /// The number rounded to D digits as MySQL rounds it; `None` if there is no room for it.
    pub(super) fn rounded(self, number: f64) -> Option<f64> {
        let whole = number.floor();
        let rounded = whole + ((number - whole) * self.unit).round_ties_even() / self.unit;
        (rounded.abs() <= self.most).then_some(rounded)
    }
}

impl Values {
    /// For a column of [`crate::arrow_field`]'s types; `None` for a type that has no MySQL counterpart.
    pub(super) fn new(field: &Field) -> Option<Self> {
        let declared = Declared::of(field);
        let signed = |least: i64, most: i64| Self::Signed {
            values: Int64Builder::new(),
            least,
            most,
        };
        let unsigned = |most: u64| Self::Unsigned {
            values: UInt64Builder::new(),
            most,
        };
        Some(match field.data_type() {
            DataType::Boolean => Self::Bool(BooleanBuilder::new()),
            DataType::Int8 => signed(i8::MIN.into(), i8::MAX.into()),
            DataType::Int16 => signed(i16::MIN.into(), i16::MAX.into()),
            DataType::Int32 if declared.base == "mediumint" => signed(-(1 << 23), (1 << 23) - 1),
            DataType::Int32 => signed(i32::MIN.into(), i32::MAX.into()),
            DataType::Int64 => signed(i64::MIN, i64::MAX),
            DataType::UInt8 => unsigned(u8::MAX.into()),
            DataType::UInt16 if declared.base == "year" => Self::Year(UInt64Builder::new()),
            DataType::UInt16 => unsigned(u16::MAX.into()),
            DataType::UInt32 if declared.base == "mediumint unsigned" => unsigned((1 << 24) - 1),
            DataType::UInt32 => unsigned(u32::MAX.into()),
            DataType::UInt64 if declared.base == "bit" => Self::Bit {
                values: UInt64Builder::new(),
                bits: declared.argument.map_or(64, |bits| bits.min(64) as u32),
            },
            DataType::UInt64 => unsigned(u64::MAX),
            DataType::Float32 | DataType::Float64 => Self::Float {
                values: Float64Builder::new(),
                single: field.data_type() == &DataType::Float32,
                digits: declared.float_digits().map(FloatDigits::new),
            },
            DataType::Decimal128(precision, scale) if *precision <= DIGITS_128_MAX => {
                Self::Decimal {
                    values: Decimal128Builder::new()
                        .with_precision_and_scale(*precision, *scale)
                        .ok()?,
                    scale: *scale,
                    beyond: 10_i128.checked_pow((*precision).into())?,
                }
            }
            DataType::Decimal256(precision, scale) => Self::WideDecimal {
                values: Decimal256Builder::new()
                    .with_precision_and_scale(*precision, *scale)
                    .ok()?,
                scale: *scale,
                beyond: i256::from_i128(10).checked_pow((*precision).into())?,
            },
            DataType::Date32 => Self::Date(Date32Builder::new()),
            DataType::Timestamp(unit, _) => Self::Point {
                values: TimestampMicrosecondBuilder::new(),
                digits: declared.fraction_digits(*unit),
            },
            DataType::Time64(unit) => Self::Time {
                values: Time64MicrosecondBuilder::new(),
                digits: declared.fraction_digits(*unit),
            },
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                let values = StringBuilder::new();
                let members = Members::of(&declared.text);
                match (members, declared.base.as_str()) {
                    (Some(members), "set") => Self::Members {
                        values,
                        members,
                        what: "set",
                    },
                    (Some(members), _) => Self::Members {
                        values,
                        members,
                        what: "enum",
                    },
                    (None, "json") => Self::Json(values),
                    (None, _) => Self::Text {
                        values,
                        length_max: declared.length_max(),
                    },
                }
            }
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Self::Bytes {
                values: BinaryBuilder::new(),
                length_max: declared.length_max(),
                filled_to: match declared.base.as_str() {
                    "binary" => declared.argument.map_or(0, |bytes| bytes as usize),
                    _ => 0,
                },
            },
            DataType::FixedSizeBinary(16) => Self::Uuid(FixedSizeBinaryBuilder::new(16)),
            _ => return None,
        })
    }

    pub(super) fn push_null(&mut self) {
        match self {
            Self::Bool(values) => values.append_null(),
            Self::Signed { values, .. } => values.append_null(),
            Self::Unsigned { values, .. } | Self::Bit { values, .. } | Self::Year(values) => {
                values.append_null();
            }
            Self::Float { values, .. } => values.append_null(),
            Self::Decimal { values, .. } => values.append_null(),
            Self::WideDecimal { values, .. } => values.append_null(),
            Self::Date(values) => values.append_null(),
            Self::Point { values, .. } => values.append_null(),
            Self::Time { values, .. } => values.append_null(),
            Self::Text { values, .. } | Self::Members { values, .. } | Self::Json(values) => {
                values.append_null();
            }
            Self::Bytes { values, .. } => values.append_null(),
            Self::Uuid(values) => values.append_null(),
        }
    }

    /// The values so far as an array of the column's type; there are none afterwards.
    pub(super) fn finish(&mut self, to: &DataType) -> Result<ArrayRef, Error> {
        let array: ArrayRef = match self {
            Self::Bool(values) => Arc::new(values.finish()),
            Self::Signed { values, .. } => Arc::new(values.finish()),
            Self::Unsigned { values, .. } | Self::Bit { values, .. } | Self::Year(values) => {
                Arc::new(values.finish())
            }
            Self::Float { values, .. } => Arc::new(values.finish()),
            Self::Decimal { values, .. } => Arc::new(values.finish()),
            Self::WideDecimal { values, .. } => Arc::new(values.finish()),
            Self::Date(values) => Arc::new(values.finish()),
            Self::Point { values, .. } => {
                let zone = match to {
                    DataType::Timestamp(_, zone) => zone.clone(),
                    _ => None,
                };
                Arc::new(values.finish().with_timezone_opt(zone))
            }
            Self::Time { values, .. } => Arc::new(values.finish()),
            Self::Text { values, .. } | Self::Members { values, .. } | Self::Json(values) => {
                Arc::new(values.finish())
            }
            Self::Bytes { values, .. } => Arc::new(values.finish()),
            Self::Uuid(values) => Arc::new(values.finish()),
        };
        // Every value was checked against the bounds of the narrower type.
        if array.data_type() == to {
            Ok(array)
        } else {
            cast(&array, to).map_err(from_arrow)
        }
    }
}
