//! Integers: eight decimal digits at a time inside one 64-bit word, leading zeros shifted away.
//! The other families (decimals, dates, times) are built on `text4` and `text8`.

use super::slot::Slot;

/// Eight times `'0'`.
pub(crate) const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The text of every number below 10,000 with four digits, the first one in the lowest byte. 40 kB: the
/// part that a table's values use stays in the nearest caches. Against dividing in one word, lineitem is
/// encoded in a sixth less time.
static QUADS: [u32; 10_000] = quads();

const fn quads() -> [u32; 10_000] {
    let mut quads = [0; 10_000];
    let mut value = 0;
    while value < 10_000 {
        let digits = [
            b'0' + (value / 1000) as u8,
            b'0' + (value / 100 % 10) as u8,
            b'0' + (value / 10 % 10) as u8,
            b'0' + (value % 10) as u8,
        ];
        quads[value] = u32::from_le_bytes(digits);
        value += 1;
    }
    quads
}

/// The four decimal digits of `value < 10^4` as ASCII, the first one in the lowest byte.
#[inline(always)]
pub(crate) fn text4(value: u32) -> u32 {
    QUADS[value as usize]
}

/// The eight decimal digits of `value < 10^8` as ASCII, the first one in the lowest byte.
#[inline(always)]
pub(crate) fn text8(value: u32) -> u64 {
    u64::from(text4(value / 10_000)) | u64::from(text4(value % 10_000)) << 32
}

/// How many of the eight digits are zeros before another digit, or before the last `digits_min`.
#[inline(always)]
pub(crate) fn leading_zeros(text: u64, digits_min: u32) -> u32 {
    (text ^ ZEROS | 1 << (8 * (8 - digits_min))).trailing_zeros() / 8
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
    // write begins at `4 + 4 + 8 = 16` or `4 + 8 = 12` at most, below 24. The four-byte write is at `at`.
    unsafe {
        if value < 10_000 {
            let text = text4(value as u32);
            let zeros = (text ^ ZEROS as u32 | 1 << 24).trailing_zeros() / 8;
            slot.put4(at, text >> (8 * zeros));
            at + 4 - zeros as usize
        } else if value < E8 {
            put_group(slot, at, value as u32)
        } else if value < E8 * E8 {
            let at = put_group(slot, at, (value / E8) as u32);
            slot.put8(at, text8((value % E8) as u32));
            at + 8
        } else {
            let at = put_group(slot, at, (value / (E8 * E8)) as u32);
            let low = value % (E8 * E8);
            slot.put8(at, text8((low / E8) as u32));
            slot.put8(at + 8, text8((low % E8) as u32));
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
    let text = text8(value);
    let zeros = leading_zeros(text, 1) as usize;
    // SAFETY: `at <= 24` by the caller's promise.
    unsafe { slot.put8(at, text >> (8 * zeros)) };
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
