//! Decimals of every width, with all the digits of their scale, and in plain notation.
//! Values of up to eight digits, the usual money column, take one path without a branch on digits.

use super::integer::{leading_zeros, text8, write_i64};
use super::slot::{LONG, Slot, TEXT_MAX};

/// Cell writer for a decimal `value / 10^scale`.
#[inline(always)]
pub(crate) fn write_i128(value: i128, scale: i8, slot: &mut Slot, spill: &mut Vec<u8>) -> usize {
    match i64::try_from(value) {
        Ok(value) => write_small(value, scale, slot, spill),
        Err(_) => write_digits(
            value < 0,
            &value.unsigned_abs().to_string(),
            scale,
            slot,
            spill,
        ),
    }
}

#[inline(always)]
pub(crate) fn write_small(value: i64, scale: i8, slot: &mut Slot, spill: &mut Vec<u8>) -> usize {
    let magnitude = value.unsigned_abs();
    if magnitude < 100_000_000 && (1..=7).contains(&scale) {
        let scale = scale as u32;
        let start = usize::from(value < 0);
        slot.set_byte::<0>(b'-');
        let text = text8(magnitude as u32);
        // One digit before the point stays even if it is a zero.
        let zeros = leading_zeros(text, scale + 1);
        let point = start + (8 - scale - zeros) as usize;
        // SAFETY: `start <= 1` and `point <= 8`, both below 24.
        unsafe {
            slot.put8(start, text >> (8 * zeros));
            slot.put8(point, (text >> (8 * (8 - scale))) << 8 | u64::from(b'.'));
        }
        point + 1 + scale as usize
    } else if scale == 0 {
        write_i64(value, slot)
    } else {
        write_medium(value, scale, slot, spill)
    }
}

#[inline(never)]
fn write_medium(value: i64, scale: i8, slot: &mut Slot, spill: &mut Vec<u8>) -> usize {
    let mut digits = Slot::EMPTY;
    let len = super::integer::write_u64(value.unsigned_abs(), &mut digits);
    digits.set_len(len);
    write_bytes(value < 0, digits.text(&[]), scale, slot, spill)
}

/// Cell writer for a magnitude given as decimal digits.
#[cold]
pub(crate) fn write_digits(
    negative: bool,
    digits: &str,
    scale: i8,
    slot: &mut Slot,
    spill: &mut Vec<u8>,
) -> usize {
    write_bytes(negative, digits.as_bytes(), scale, slot, spill)
}

fn write_bytes(
    negative: bool,
    digits: &[u8],
    scale: i8,
    slot: &mut Slot,
    spill: &mut Vec<u8>,
) -> usize {
    const ZEROS: [u8; 128] = [b'0'; 128];
    let sign: &[u8] = if negative { b"-" } else { b"" };
    let scale_len = usize::from(scale.unsigned_abs());
    let pieces: [&[u8]; 4] = if scale <= 0 {
        let zeros = if digits == b"0" { 0 } else { scale_len };
        [sign, digits, &ZEROS[..zeros], b""]
    } else if digits.len() > scale_len {
        let (whole, fraction) = digits.split_at(digits.len() - scale_len);
        [sign, whole, b".", fraction]
    } else {
        [sign, b"0.", &ZEROS[..scale_len - digits.len()], digits]
    };
    let len: usize = pieces.iter().map(|piece| piece.len()).sum();
    if len > TEXT_MAX {
        spill.extend(pieces.iter().flat_map(|piece| piece.iter()));
        return LONG;
    }
    let mut text = [0; TEXT_MAX];
    let mut at = 0;
    for piece in pieces {
        text[at..at + piece.len()].copy_from_slice(piece);
        at += piece.len();
    }
    slot.put_text(&text[..len])
}
