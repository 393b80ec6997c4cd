//! Floats: the shortest text that reads back to the same value, never with an exponent.
//! Not-a-number and the infinities are `NaN`, `Infinity` and `-Infinity`.

use super::slot::{LONG, Slot};

/// Cell writer for 64-bit floats.
#[inline(always)]
pub(crate) fn write_f64(value: f64, slot: &mut Slot, spill: &mut Vec<u8>) -> usize {
    if !value.is_finite() {
        return slot.put_text(special(value));
    }
    let mut buffer = zmij::Buffer::new();
    write_shortest(
        buffer.format_finite(value).as_bytes(),
        value.abs(),
        slot,
        spill,
    )
}

/// Cell writer for 32-bit floats.
#[inline(always)]
pub(crate) fn write_f32(value: f32, slot: &mut Slot, spill: &mut Vec<u8>) -> usize {
    if !value.is_finite() {
        return slot.put_text(special(f64::from(value)));
    }
    let mut buffer = zmij::Buffer::new();
    write_shortest(
        buffer.format_finite(value).as_bytes(),
        f64::from(value).abs(),
        slot,
        spill,
    )
}

fn special(value: f64) -> &'static [u8] {
    if value.is_nan() {
        b"NaN"
    } else if value > 0.0 {
        b"Infinity"
    } else {
        b"-Infinity"
    }
}

#[inline(always)]
fn write_shortest(text: &[u8], magnitude: f64, slot: &mut Slot, spill: &mut Vec<u8>) -> usize {
    // Outside this range the text may have an exponent.
    let plain = magnitude == 0.0 || (1e-3..1e7).contains(&magnitude);
    if plain || !text.contains(&b'e') {
        return slot.put_text(text.strip_suffix(b".0").unwrap_or(text));
    }
    expand(text, spill);
    LONG
}

/// Appends `d.ddde±n` without its exponent.
#[cold]
fn expand(text: &[u8], spill: &mut Vec<u8>) {
    let (sign, text) = match text.strip_prefix(b"-") {
        Some(rest) => (&b"-"[..], rest),
        None => (&b""[..], text),
    };
    let at = text
        .iter()
        .position(|byte| *byte == b'e')
        .unwrap_or(text.len());
    let (mantissa, exponent) = text.split_at(at);
    let exponent: i32 = std::str::from_utf8(exponent.get(1..).unwrap_or_default())
        .ok()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0);
    let whole_len = mantissa
        .iter()
        .position(|byte| *byte == b'.')
        .unwrap_or(mantissa.len());
    let digits: Vec<u8> = mantissa
        .iter()
        .copied()
        .filter(|byte| *byte != b'.')
        .collect();
    let point = whole_len as i32 + exponent;
    spill.extend_from_slice(sign);
    if point <= 0 {
        spill.extend_from_slice(b"0.");
        spill.resize(spill.len() + point.unsigned_abs() as usize, b'0');
        spill.extend_from_slice(&digits);
    } else if let Some((whole, fraction)) = digits.split_at_checked(point as usize) {
        spill.extend_from_slice(whole);
        if !fraction.is_empty() && fraction != b"0" {
            spill.push(b'.');
            spill.extend_from_slice(fraction);
        }
    } else {
        spill.extend_from_slice(&digits);
        spill.resize(spill.len() + point as usize - digits.len(), b'0');
    }
}
