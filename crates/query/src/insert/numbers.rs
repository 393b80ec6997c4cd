//! Number texts, exactly: digits, a point, an exponent; rounded half away from zero, as MySQL does.

use arrow::datatypes::i256;

/// Digits that an `i256` always holds.
const DIGITS_MAX: usize = 76;

/// What a text is as a decimal of some scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scaled {
    /// The value times ten to the scale.
    Value(i256),
    /// A number with too many digits.
    TooBig,
    /// No number.
    Not,
}

/// A text as a whole number, rounded; `None` if it is none or does not fit.
pub(crate) fn whole(text: &str) -> Option<i128> {
    match scaled(text, 0) {
        Scaled::Value(value) => value.to_i128(),
        Scaled::TooBig | Scaled::Not => None,
    }
}

/// A text as a decimal with `scale` digits after the point, rounded.
pub(crate) fn scaled(text: &str, scale: i8) -> Scaled {
    let text = text.trim();
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        None => (unsigned, 0),
        Some(at) => match unsigned[at + 1..].parse::<i32>() {
            Ok(exponent) => (&unsigned[..at], i64::from(exponent)),
            Err(_) => return Scaled::Not,
        },
    };
    let (int, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if int.is_empty() && fraction.is_empty()
        || !int
            .bytes()
            .chain(fraction.bytes())
            .all(|byte| byte.is_ascii_digit())
    {
        return Scaled::Not;
    }
    let digits = format!("{int}{fraction}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Scaled::Value(i256::ZERO);
    }
    let shift = exponent - fraction.len() as i64 + i64::from(scale);
    let length = digits.len() as i64 + shift;
    if length > DIGITS_MAX as i64 {
        return Scaled::TooBig;
    }
    let (kept, up) = if shift >= 0 {
        (format!("{digits}{}", "0".repeat(shift as usize)), false)
    } else if length < 0 {
        (String::new(), false)
    } else {
        let (kept, dropped) = digits.split_at(length as usize);
        (
            kept.to_owned(),
            dropped
                .as_bytes()
                .first()
                .is_some_and(|digit| *digit >= b'5'),
        )
    };
    let value = if kept.is_empty() {
        i256::ZERO
    } else {
        i256::from_string(&kept).unwrap_or(i256::ZERO)
    };
    let value = if up {
        value.wrapping_add(i256::ONE)
    } else {
        value
    };
    Scaled::Value(if negative {
        value.wrapping_neg()
    } else {
        value
    })
}

#[cfg(test)]
mod tests {
    use super::{Scaled, scaled, whole};
    use arrow::datatypes::i256;

    #[test]
    fn rounding_is_half_away_from_zero() {
        for (text, value) in [
            ("0", Some(0)),
            ("1.5", Some(2)),
            ("-1.5", Some(-2)),
            ("1.49", Some(1)),
            ("0.5", Some(1)),
            ("-0.4", Some(0)),
            (".5", Some(1)),
            ("5.", Some(5)),
            ("1e3", Some(1000)),
            ("15e-1", Some(2)),
            ("4e-1", Some(0)),
            ("1e-9", Some(0)),
            (" 7 ", Some(7)),
            ("+7", Some(7)),
            ("9223372036854775808", Some(9_223_372_036_854_775_808)),
            ("", None),
            ("-", None),
            (".", None),
            ("12a", None),
            ("1e", None),
            ("0x10", None),
            ("1e999", None),
        ] {
            assert_eq!(whole(text), value, "{text}");
        }
    }

    #[test]
    fn scales() {
        let value = |value: i128| Scaled::Value(i256::from_i128(value));
        assert_eq!(scaled("1.005", 2), value(101));
        assert_eq!(scaled("-1.005", 2), value(-101));
        assert_eq!(scaled("12", 3), value(12_000));
        assert_eq!(scaled("0.0049", 2), value(0));
        assert_eq!(scaled("1e80", 0), Scaled::TooBig);
        assert_eq!(scaled("x", 0), Scaled::Not);
    }
}
