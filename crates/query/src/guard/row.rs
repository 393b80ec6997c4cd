//! The arguments of one row of a call, as the bounds on its result read them.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Int64Type, IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit,
    IntervalYearMonthType, TimeUnit,
};
use datafusion::common::Result;
use datafusion::logical_expr::ColumnarValue;

use super::sizes;

const DAY_NS: i128 = 86_400_000_000_000;

/// One argument: of every row, or the same for all.
pub(super) struct Argument {
    array: ArrayRef,
    constant: bool,
    integers: Option<Int64Array>,
}

impl Argument {
    pub(super) fn new(value: &ColumnarValue) -> Result<Self> {
        let (array, constant) = match value {
            ColumnarValue::Array(array) => (array.clone(), false),
            ColumnarValue::Scalar(scalar) => (scalar.to_array()?, true),
        };
        let kind = array.data_type();
        let integers = (kind.is_integer() || kind.is_temporal())
            .then(|| {
                let options = CastOptions {
                    safe: true,
                    ..CastOptions::default()
                };
                cast_with_options(&array, &DataType::Int64, &options)
            })
            .and_then(std::result::Result::ok)
            .map(|integers| integers.as_primitive::<Int64Type>().clone());
        Ok(Self {
            array,
            constant,
            integers,
        })
    }

    /// Bytes that the argument takes once a constant stands in every row.
    pub(super) fn expanded_bytes(&self, rows: usize) -> u64 {
        let bytes = sizes::bytes(self.array.as_ref(), 0, self.array.len());
        if self.constant {
            bytes.saturating_mul(rows as u64)
        } else {
            bytes
        }
    }

    /// Bytes of copies of a constant, one for each row.
    pub(super) fn copies_bytes(&self, rows: usize) -> u64 {
        if self.constant {
            self.expanded_bytes(rows)
        } else {
            0
        }
    }
}

/// An integer argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Integer {
    Null,
    Value(i64),
    /// Not given, or no integer.
    Unknown,
}

/// The arguments of one row.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) arguments: &'a [Argument],
    pub(super) row: usize,
}

impl Row<'_> {
    fn at(&self, index: usize) -> Option<(&Argument, usize)> {
        let argument = self.arguments.get(index)?;
        Some((argument, if argument.constant { 0 } else { self.row }))
    }

    pub(super) fn count(&self) -> usize {
        self.arguments.len()
    }

    /// Bytes of an argument; 0 for NULL or one that is not given.
    pub(super) fn bytes(&self, index: usize) -> u64 {
        self.at(index).map_or(0, |(argument, row)| {
            if argument.array.is_null(row) {
                0
            } else {
                sizes::bytes(argument.array.as_ref(), row, row + 1)
            }
        })
    }

    /// Bytes of all arguments.
    pub(super) fn sum(&self) -> u64 {
        (0..self.count())
            .map(|index| self.bytes(index))
            .fold(0, u64::saturating_add)
    }

    /// Elements of a list.
    pub(super) fn elements(&self, index: usize) -> u64 {
        self.at(index).map_or(0, |(argument, row)| {
            if argument.array.is_null(row) {
                0
            } else {
                sizes::elements(argument.array.as_ref(), row)
            }
        })
    }

    pub(super) fn integer(&self, index: usize) -> Integer {
        let Some((argument, row)) = self.at(index) else {
            return Integer::Unknown;
        };
        if argument.array.is_null(row) {
            return Integer::Null;
        }
        match &argument.integers {
            Some(integers) if !integers.is_null(row) => Integer::Value(integers.value(row)),
            _ => Integer::Unknown,
        }
    }

    /// How often something is repeated: a count under 0 is none, one that is not known is endless.
    pub(super) fn times(&self, index: usize) -> u64 {
        match self.integer(index) {
            Integer::Null => 0,
            Integer::Value(count) => u64::try_from(count).unwrap_or(0),
            Integer::Unknown => u64::MAX,
        }
    }

    pub(super) fn is_floating(&self, index: usize) -> bool {
        self.at(index)
            .is_some_and(|(argument, _)| argument.array.data_type().is_floating())
    }

    /// Nanoseconds of one unit of a date or time; 1 for a number.
    pub(super) fn tick(&self, index: usize) -> i128 {
        let kind = self
            .at(index)
            .map(|(argument, _)| argument.array.data_type());
        match kind {
            Some(DataType::Date32) => DAY_NS,
            Some(DataType::Date64 | DataType::Timestamp(TimeUnit::Millisecond, _)) => 1_000_000,
            Some(DataType::Timestamp(TimeUnit::Second, _)) => 1_000_000_000,
            Some(DataType::Timestamp(TimeUnit::Microsecond, _)) => 1_000,
            _ => 1,
        }
    }

    /// A step as a number or as the fewest nanoseconds that an interval can be; 0 if it is of no known kind.
    pub(super) fn step(&self, index: usize) -> Option<i128> {
        let (argument, row) = self.at(index)?;
        let array = &argument.array;
        if array.is_null(row) {
            return None;
        }
        Some(match array.data_type() {
            DataType::Interval(IntervalUnit::MonthDayNano) => {
                let step = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
                i128::from(step.months) * 28 * DAY_NS
                    + i128::from(step.days) * DAY_NS
                    + i128::from(step.nanoseconds)
            }
            DataType::Interval(IntervalUnit::YearMonth) => {
                let months = array.as_primitive::<IntervalYearMonthType>().value(row);
                i128::from(months) * 28 * DAY_NS
            }
            DataType::Interval(IntervalUnit::DayTime) => {
                let step = array.as_primitive::<IntervalDayTimeType>().value(row);
                i128::from(step.days) * DAY_NS + i128::from(step.milliseconds) * 1_000_000
            }
            _ => match self.integer(index) {
                Integer::Value(value) => i128::from(value),
                Integer::Null | Integer::Unknown => 0,
            },
        })
    }

    /// A text argument.
    pub(super) fn text(&self, index: usize) -> Option<&str> {
        let (argument, row) = self.at(index)?;
        let array = &argument.array;
        if array.is_null(row) {
            return None;
        }
        match array.data_type() {
            DataType::Utf8 => Some(array.as_string::<i32>().value(row)),
            DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row)),
            DataType::Utf8View => Some(array.as_string_view().value(row)),
            _ => None,
        }
    }
}
