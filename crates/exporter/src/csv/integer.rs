//! Integers: eight decimal digits at a time inside one 64-bit word, leading zeros shifted away.
//! The other families (decimals, dates, times) are built on `digits8`.

use super::slot::Slot;

/// Adds `'0'` to eight digit values.
pub(crate) const ASCII: u64 = 0x3030_3030_3030_3030;

/// The eight decimal digits of `value < 10^8`, most significant in the lowest byte.
#[inline(always)]
pub(crate) fn digits8(value: u32) -> u64 {
    debug_assert!(value < 100_000_000);
    let (high, low) = (value / 10_000, value % 10_000);
    let quads = u64::from(high) | u64::from(low) << 32;
    // Divides both lanes by 100, then all four by 10: exact for these ranges (tested exhaustively).
    let hundreds = ((quads * 10_486) >> 20) & 0x7f_0000_007f;
    let pairs = hundreds + ((quads - 100 * hundreds) << 16);
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    tens + ((pairs - 10 * tens) << 8)
}

/// Writes an unsigned integer at `at`, and returns where it ends.
///
/// # Safety
/// `at` is at most 4.
#[inline(always)]
pub(crate) unsafe fn put_u64(slot: &mut Slot, at: usize, value: u64) -> usize {
    debug_assert!(at <= 4);
    const E8: u64 = 100_000_000;
    // SAFETY: `at <= 4`; the first group ends at most 8 later, the next ones at most 16 and 20 later
    // (the first group of a 64-bit integer above 10^16 has at most 4 digits), so each eight-byte
    // write begins at `4 + 4 + 8 = 16` or `4 + 8 = 12` at most, below 24.
    unsafe {
        if value < E8 {
            put_group(slot, at, value as u32)
        } else if value < E8 * E8 {
            let at = put_group(slot, at, (value / E8) as u32);
            slot.put8(at, digits8((value % E8) as u32) | ASCII);
            at + 8
        } else {
            let at = put_group(slot, at, (value / (E8 * E8)) as u32);
            let low = value % (E8 * E8);
            slot.put8(at, digits8((low / E8) as u32) | ASCII);
            slot.put8(at + 8, digits8((low % E8) as u32) | ASCII);
            at + 16
        }
    }
}

/// Writes `value < 10^8` without leading zeros.
///
/// # Safety
/// `at` is at most 24.
#[inline(always)]
unsafe fn put_group(slot: &mut Slot, at: usize, value: u32) -> usize {
    let digits = digits8(value);
    // The last digit stays even if it is a zero.
    let zeros = (digits | 1 << 56).trailing_zeros() as usize / 8;
    // SAFETY: `at <= 24` by the caller's promise.
    unsafe { slot.put8(at, (digits | ASCII) >> (8 * zeros)) };
    at + 8 - zeros
}

/// Cell writer for signed integers.
#[inline(always)]
pub(crate) fn write_i64(value: i64, slot: &mut Slot) -> usize {
    slot.set_byte::<0>(b'-');
    // SAFETY: the start is 0 or 1.
    unsafe { put_u64(slot, usize::from(value < 0), value.unsigned_abs()) }
}

/// Cell writer for unsigned integers.
#[inline(always)]
pub(crate) fn write_u64(value: u64, slot: &mut Slot) -> usize {
    // SAFETY: the start is 0.
    unsafe { put_u64(slot, 0, value) }
}
