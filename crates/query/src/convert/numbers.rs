//! Number texts, exactly: digits, a point, an exponent; rounded half away from zero, as MySQL does.
//! Digits go straight into the number, without a text between.

use arrow::array::ArrowNativeTypeOp;

/// What a text is as a number of some scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scaled<T> {
    /// The value times ten to the scale.
    Value(T),
    /// A number beyond the type.
    TooBig,
    /// No number.
    Not,
}

/// A text as a whole number, rounded; `None` if it is none or does not fit.
pub(crate) fn whole(text: &str) -> Option<i128> {
    match scaled(text, 0) {
        Scaled::Value(value) => Some(value),
        Scaled::TooBig | Scaled::Not => None,
    }
}

/// A text as a whole number without its fraction; `None` if it is none or does not fit.
pub(crate) fn truncated(text: &str) -> Option<i128> {
    Digits::read(text)?.value(0, false)
}

/// A text as a decimal with `scale` digits after the point, rounded.
pub(crate) fn scaled<T: ArrowNativeTypeOp>(text: &str, scale: i8) -> Scaled<T> {
    match Digits::read(text) {
        None => Scaled::Not,
        Some(digits) => match digits.value(scale, true) {
            Some(value) => Scaled::Value(value),
            None => Scaled::TooBig,
        },
    }
}

/// Whether a text is a number that has nothing behind `scale` digits after the point, so that none is rounded away.
pub(crate) fn is_exact(text: &str, scale: i8) -> bool {
    let Some(digits) = Digits::read(text) else {
        return false;
    };
    let kept = digits.int.len() as i64 + digits.exponent + i64::from(scale);
    let kept = usize::try_from(kept.max(0)).unwrap_or(usize::MAX);
    let mut behind = digits.int.iter().chain(digits.fraction).skip(kept);
    behind.all(|byte| *byte == b'0')
}

/// A text as a float: digits, a point, an exponent, and the exporter's word for what is no number.
/// Infinite if it is beyond the type.
pub(crate) fn float(text: &str) -> Option<f64> {
    match text.trim() {
        "NaN" => Some(f64::NAN),
        text if text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) =>
        {
            text.parse().ok()
        }
        _ => None,
    }
}

/// The parts of a number's text.
struct Digits<'a> {
    negative: bool,
    int: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Digits<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let text = text.trim_ascii().as_bytes();
        let (negative, unsigned) = match text.first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (int, rest) = digits(unsigned);
        let (fraction, rest) = match rest.strip_prefix(b".") {
            Some(rest) => digits(rest),
            None => (&rest[..0], rest),
        };
        if int.is_empty() && fraction.is_empty() {
            return None;
        }
        let exponent = match rest {
            [] => 0,
            [b'e' | b'E', exponent @ ..] => i64::from(read_exponent(exponent)?),
            _ => return None,
        };
        Some(Self {
            negative,
            int,
            fraction,
            exponent,
        })
    }

    /// The digits up to `scale` places behind the point as a number, rounded or cut; `None` if it does not fit.
    fn value<T: ArrowNativeTypeOp>(&self, scale: i8, rounds: bool) -> Option<T> {
        let kept = self.int.len() as i64 + self.exponent + i64::from(scale);
        let ten = T::usize_as(10);
        let add = |value: T, digit: u8| {
            let digit = T::usize_as(usize::from(digit));
            // The least number of a type has no positive counterpart: count downwards.
            if self.negative {
                value.sub_checked(digit).ok()
            } else {
                value.add_checked(digit).ok()
            }
        };
        let mut value = T::ZERO;
        let mut all = self.int.iter().chain(self.fraction).map(|byte| byte - b'0');
        for _ in 0..kept {
            match all.next() {
                Some(digit) => value = add(value.mul_checked(ten).ok()?, digit)?,
                None if value == T::ZERO => return Some(value),
                None => value = value.mul_checked(ten).ok()?,
            }
        }
        // Before the first digit stands a zero.
        match all.next() {
            Some(digit) if rounds && kept >= 0 && digit >= 5 => add(value, 1),
            _ => Some(value),
        }
    }
}

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

fn read_exponent(text: &[u8]) -> Option<i32> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Scaled, is_exact, scaled, whole};
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
    fn what_no_rounding_changes_is_exact() {
        for (text, scale, exact) in [
            ("12", 0, true),
            ("12.00", 0, true),
            ("12.01", 0, false),
            ("12.01", 2, true),
            ("12.010", 2, true),
            ("12.011", 2, false),
            ("1e3", 0, true),
            ("15e-1", 0, false),
            ("15e-1", 1, true),
            ("1e-9", 2, false),
            ("0e-9", 2, true),
            ("-0.5", 0, false),
            ("x", 2, false),
            ("", 2, false),
        ] {
            assert_eq!(is_exact(text, scale), exact, "{text} at scale {scale}");
        }
    }

    #[test]
    fn scales() {
        let value = |value: i128| Scaled::Value(i256::from_i128(value));
        let nines = "9".repeat(60);
        assert_eq!(
            scaled(&nines, 0),
            Scaled::Value(i256::from_string(&nines).unwrap_or_default())
        );
        assert_eq!(scaled::<i128>(&nines, 0), Scaled::TooBig);
        assert_eq!(scaled("-9223372036854775808", 0), Scaled::Value(i64::MIN));
        assert_eq!(scaled::<i64>("9223372036854775808", 0), Scaled::TooBig);
        assert_eq!(scaled::<u64>("-1", 0), Scaled::TooBig);
        assert_eq!(scaled::<u64>("-0.4", 0), Scaled::Value(0));
        assert_eq!(scaled::<i64>("0e999999999", 0), Scaled::Value(0));
        assert_eq!(scaled("1.005", 2), value(101));
        assert_eq!(scaled("-1.005", 2), value(-101));
        assert_eq!(scaled("12", 3), value(12_000));
        assert_eq!(scaled("0.0049", 2), value(0));
        assert_eq!(scaled::<i256>("1e80", 0), Scaled::TooBig);
        assert_eq!(scaled::<i256>("x", 0), Scaled::Not);
    }
}
