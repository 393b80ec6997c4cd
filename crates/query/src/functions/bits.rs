//! Bit operators: on 64 bits without sign, whatever the operands (MySQL 8.4 manual, "Bit Functions and Operators").

use super::rowwise::{Args, Cell, Gives, Kind, RowFunction};
use datafusion::common::Result;

pub(super) fn functions() -> Vec<RowFunction> {
    const TWO: &[Kind] = &[Kind::Bits, Kind::Bits];
    vec![
        RowFunction::new("mysql_bit_and", TWO, Gives::Bits, |a, r| {
            two(a, r, |x, y| x & y)
        }),
        RowFunction::new("mysql_bit_or", TWO, Gives::Bits, |a, r| {
            two(a, r, |x, y| x | y)
        }),
        RowFunction::new("mysql_bit_xor", TWO, Gives::Bits, |a, r| {
            two(a, r, |x, y| x ^ y)
        }),
        // A shift by 64 or more leaves nothing.
        RowFunction::new("mysql_shift_left", TWO, Gives::Bits, |a, r| {
            two(a, r, |x, y| {
                shift(y).and_then(|y| x.checked_shl(y)).unwrap_or(0)
            })
        }),
        RowFunction::new("mysql_shift_right", TWO, Gives::Bits, |a, r| {
            two(a, r, |x, y| {
                shift(y).and_then(|y| x.checked_shr(y)).unwrap_or(0)
            })
        }),
        RowFunction::new("mysql_bit_not", &[Kind::Bits], Gives::Bits, |a, r| {
            Ok(a.bits(0, r).map(|x| Cell::Bits(!x)))
        }),
        RowFunction::new("mysql_bit_count", &[Kind::Bits], Gives::Integer, |a, r| {
            Ok(a.bits(0, r)
                .map(|x| Cell::Integer(i64::from(x.count_ones()))))
        }),
    ]
}

fn shift(by: u64) -> Option<u32> {
    u32::try_from(by).ok()
}

fn two(args: &Args, row: usize, op: fn(u64, u64) -> u64) -> Result<Option<Cell>> {
    Ok(args
        .bits(0, row)
        .zip(args.bits(1, row))
        .map(|(left, right)| Cell::Bits(op(left, right))))
}
