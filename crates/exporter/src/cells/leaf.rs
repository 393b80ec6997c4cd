//! Types whose text is short and made of few characters: which Arrow types they are, which bytes
//! their text may hold, and the loop that writes a column of each.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::slot::{LONG, Lane, Slot};
use super::temporal::{self, Zone};
use super::{decimal, float, integer};

/// How a leaf type is written, beyond what its Arrow type says.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Leaf {
    /// The zone of a timestamp with one.
    pub(crate) zone: Option<Zone>,
    /// Bytes at the end of a time or timestamp that its column does not declare, the point included.
    pub(crate) undeclared: usize,
}

/// The bytes a type's text may consist of; `None` if the type is no leaf type.
pub(crate) fn alphabet(data_type: &DataType, uuid: bool) -> Option<&'static [u8]> {
    Some(match data_type {
        DataType::Null => b"",
        DataType::Boolean => b"truefals",
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => b"0123456789",
        data_type if data_type.is_integer() => b"0123456789-",
        data_type if data_type.is_floating() => b"0123456789-.NaInfity",
        data_type if data_type.is_decimal() => b"0123456789-.",
        DataType::Date32 | DataType::Date64 => b"0123456789-",
        DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_) => b"0123456789-:.",
        DataType::Timestamp(..) => b"0123456789-:. +",
        DataType::Interval(_) => b"0123456789-.PMDTS",
        DataType::FixedSizeBinary(16) if uuid => b"0123456789-abcdef",
        _ => return None,
    })
}

/// Writes `lane.slots.len()` values of a leaf type, from row `at`. What it writes for a NULL has no
/// meaning: the caller overwrites it, so that the loop needs no branch for it.
pub(crate) fn fill(leaf: &Leaf, array: &dyn Array, at: usize, lane: &mut Lane<'_, '_>) {
    let rows = at..at + lane.slots.len();
    macro_rules! each {
        ($type:ty, |$value:ident, $slot:ident, $spill:ident| $write:expr) => {{
            let values = &array.as_primitive::<$type>().values()[rows];
            lane.fill(values.iter().copied(), |$value, $slot, $spill| $write)
        }};
    }
    macro_rules! timestamps {
        ($type:ty, $digits:literal) => {
            match leaf.zone {
                Some(zone) => {
                    each!($type, |v, slot, spill| {
                        let len = temporal::write_zoned::<$digits>(v, zone, slot, spill);
                        temporal::shorten(len, leaf.undeclared, slot, spill)
                    })
                }
                None => each!($type, |v, slot, spill| {
                    let len = temporal::write_timestamp::<$digits>(v, None, slot, spill);
                    temporal::shorten(len, leaf.undeclared, slot, spill)
                }),
            }
        };
    }
    macro_rules! times {
        ($type:ty, $digits:literal) => {
            each!($type, |v, slot, spill| {
                let len = temporal::write_time::<$digits>(i64::from(v), slot, spill);
                temporal::shorten(len, leaf.undeclared, slot, spill)
            })
        };
    }
    match array.data_type() {
        DataType::Int8 => each!(Int8Type, |v, slot, _spill| integer::write_i64(
            v.into(),
            slot
        )),
        DataType::Int16 => each!(Int16Type, |v, slot, _spill| integer::write_i64(
            v.into(),
            slot
        )),
        DataType::Int32 => each!(Int32Type, |v, slot, _spill| integer::write_i64(
            v.into(),
            slot
        )),
        DataType::Int64 => each!(Int64Type, |v, slot, _spill| integer::write_i64(v, slot)),
        DataType::UInt8 => each!(UInt8Type, |v, slot, _spill| integer::write_u64(
            v.into(),
            slot
        )),
        DataType::UInt16 => each!(UInt16Type, |v, slot, _spill| integer::write_u64(
            v.into(),
            slot
        )),
        DataType::UInt32 => each!(UInt32Type, |v, slot, _spill| integer::write_u64(
            v.into(),
            slot
        )),
        DataType::UInt64 => each!(UInt64Type, |v, slot, _spill| integer::write_u64(v, slot)),
        DataType::Float16 => {
            each!(Float16Type, |v, slot, spill| float::write_f32(
                v.to_f32(),
                slot,
                spill
            ))
        }
        DataType::Float32 => each!(Float32Type, |v, slot, spill| float::write_f32(
            v, slot, spill
        )),
        DataType::Float64 => each!(Float64Type, |v, slot, spill| float::write_f64(
            v, slot, spill
        )),
        &DataType::Decimal32(_, scale) => {
            each!(Decimal32Type, |v, slot, spill| decimal::write_small(
                v.into(),
                scale,
                slot,
                spill
            ))
        }
        &DataType::Decimal64(_, scale) => {
            each!(Decimal64Type, |v, slot, spill| decimal::write_small(
                v, scale, slot, spill
            ))
        }
        &DataType::Decimal128(_, scale) => {
            each!(Decimal128Type, |v, slot, spill| decimal::write_i128(
                v, scale, slot, spill
            ))
        }
        &DataType::Decimal256(_, scale) => each!(Decimal256Type, |v, slot, spill| {
            match v.to_i128() {
                Some(v) => decimal::write_i128(v, scale, slot, spill),
                None => {
                    let text = v.to_string();
                    let digits = text.trim_start_matches('-');
                    decimal::write_digits(text.starts_with('-'), digits, scale, slot, spill)
                }
            }
        }),
        DataType::Date32 => {
            each!(Date32Type, |v, slot, spill| temporal::write_date(
                v.into(),
                slot,
                spill
            ))
        }
        DataType::Date64 => each!(Date64Type, |v, slot, spill| {
            temporal::write_date(v.div_euclid(86_400_000), slot, spill)
        }),
        DataType::Timestamp(TimeUnit::Second, _) => timestamps!(TimestampSecondType, 0),
        DataType::Timestamp(TimeUnit::Millisecond, _) => timestamps!(TimestampMillisecondType, 3),
        DataType::Timestamp(TimeUnit::Microsecond, _) => timestamps!(TimestampMicrosecondType, 6),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => timestamps!(TimestampNanosecondType, 9),
        DataType::Time32(TimeUnit::Second) => times!(Time32SecondType, 0),
        DataType::Time32(_) => times!(Time32MillisecondType, 3),
        DataType::Time64(TimeUnit::Microsecond) => times!(Time64MicrosecondType, 6),
        DataType::Time64(_) => times!(Time64NanosecondType, 9),
        DataType::Duration(TimeUnit::Second) => times!(DurationSecondType, 0),
        DataType::Duration(TimeUnit::Millisecond) => times!(DurationMillisecondType, 3),
        DataType::Duration(TimeUnit::Microsecond) => times!(DurationMicrosecondType, 6),
        DataType::Duration(TimeUnit::Nanosecond) => times!(DurationNanosecondType, 9),
        DataType::Interval(IntervalUnit::YearMonth) => {
            each!(IntervalYearMonthType, |v, _slot, spill| {
                temporal::write_interval(v, 0, 0, spill)
            })
        }
        DataType::Interval(IntervalUnit::DayTime) => {
            each!(IntervalDayTimeType, |v, _slot, spill| {
                temporal::write_interval(0, v.days, i64::from(v.milliseconds) * 1_000_000, spill)
            })
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            each!(IntervalMonthDayNanoType, |v, _slot, spill| {
                temporal::write_interval(v.months, v.days, v.nanoseconds, spill)
            })
        }
        DataType::Boolean => {
            let values = array.as_boolean().values();
            lane.fill(rows.map(|row| values.value(row)), |value, slot, _spill| {
                write_bool(value, slot)
            });
        }
        DataType::FixedSizeBinary(16) => {
            let values = array.as_fixed_size_binary();
            lane.fill(rows.map(|row| values.value(row)), |value, _slot, spill| {
                write_uuid(value, spill)
            });
        }
        // `Null`, whose rows are all overwritten; nothing else has an alphabet.
        _ => lane.fill(rows, |_row, _slot, _spill| 0),
    }
}

#[inline(always)]
fn write_bool(value: bool, slot: &mut Slot) -> usize {
    let text = if value {
        *b"true\0\0\0\0"
    } else {
        *b"false\0\0\0"
    };
    // SAFETY: the place is 0.
    unsafe { slot.put8(0, u64::from_le_bytes(text)) };
    5 - usize::from(value)
}

fn write_uuid(value: &[u8], spill: &mut Vec<u8>) -> usize {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for (at, byte) in value.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            spill.push(b'-');
        }
        spill.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
    LONG
}
