//! Functions of several texts, and parts of one: ELT, FIELD, INSERT, QUOTE, FORMAT, LIKE's ESCAPE
//! (MySQL 8.4 manual, "String Functions and Operators").

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, exec_err};

use super::rowwise::{Args, Cell, Gives, Kind, RowFunction};
use super::{Function, convert, is_text};

/// Decimals that FORMAT gives at most.
const FORMAT_DECIMALS_MAX: i64 = 30;

pub(super) fn functions() -> Vec<RowFunction> {
    vec![
        RowFunction::new("mysql_elt", &[Kind::Integer, Kind::Text], Gives::Text, elt)
            .any_number()
            .with_nulls(),
        RowFunction::new(
            "mysql_make_set",
            &[Kind::Bits, Kind::Text],
            Gives::Text,
            make_set,
        )
        .any_number()
        .with_nulls(),
        RowFunction::new(
            "mysql_export_set",
            &[
                Kind::Bits,
                Kind::Text,
                Kind::Text,
                Kind::Text,
                Kind::Integer,
            ],
            Gives::Text,
            export_set,
        )
        .from(3),
        RowFunction::new(
            "mysql_find_in_set",
            &[Kind::Text, Kind::Text],
            Gives::Integer,
            |a, r| {
                let (Some(wanted), Some(list)) = (a.text(0, r), a.text(1, r)) else {
                    return Ok(None);
                };
                let place = (!list.is_empty())
                    .then(|| list.split(',').position(|part| part == wanted))
                    .flatten();
                Ok(Some(Cell::Integer(
                    place.map_or(0, |place| place as i64 + 1),
                )))
            },
        ),
        RowFunction::new(
            "mysql_insert",
            &[Kind::Text, Kind::Integer, Kind::Integer, Kind::Text],
            Gives::Text,
            insert,
        ),
        RowFunction::new("mysql_quote", &[Kind::Text], Gives::Text, |a, r| {
            Ok(Some(Cell::Text(a.text(0, r).map_or("NULL".into(), quote))))
        })
        .with_nulls(),
        RowFunction::new(
            "mysql_format",
            &[Kind::Text, Kind::Integer, Kind::Text],
            Gives::Text,
            format,
        )
        .from(2),
        RowFunction::new(
            "mysql_like_pattern",
            &[Kind::Text, Kind::Text],
            Gives::Text,
            |a, r| {
                let (Some(pattern), Some(escape)) = (a.text(0, r), a.text(1, r)) else {
                    return Ok(None);
                };
                like_pattern(pattern, escape).map(|pattern| Some(Cell::Text(pattern)))
            },
        ),
        RowFunction::new(
            "mysql_left",
            &[Kind::Text, Kind::Integer],
            Gives::Text,
            |a, r| {
                let (Some(text), Some(count)) = (a.text(0, r), a.integer(1, r)) else {
                    return Ok(None);
                };
                Ok(Some(Cell::Text(
                    text.chars().take(count_of(count)).collect(),
                )))
            },
        ),
        RowFunction::new(
            "mysql_right",
            &[Kind::Text, Kind::Integer],
            Gives::Text,
            |a, r| {
                let (Some(text), Some(count)) = (a.text(0, r), a.integer(1, r)) else {
                    return Ok(None);
                };
                let skip = text.chars().count().saturating_sub(count_of(count));
                Ok(Some(Cell::Text(text.chars().skip(skip).collect())))
            },
        ),
        RowFunction::new("mysql_lpad", PAD, Gives::Text, |a, r| {
            Ok(padded(a, r).map(|(text, fill)| Cell::Text(fill + text)))
        }),
        RowFunction::new("mysql_rpad", PAD, Gives::Text, |a, r| {
            Ok(padded(a, r).map(|(text, fill)| Cell::Text(text.to_owned() + &fill)))
        }),
        RowFunction::new("mysql_length", &[Kind::Bytes], Gives::Integer, |a, r| {
            Ok(a.bytes(0, r).map(|bytes| Cell::Integer(bytes.len() as i64)))
        }),
        RowFunction::new("mysql_ord", &[Kind::Bytes], Gives::Integer, |a, r| {
            // The bytes of the first character as a number.
            Ok(a.bytes(0, r).map(|bytes| {
                let first = match std::str::from_utf8(bytes) {
                    Ok(text) => text.chars().next().map_or(0, char::len_utf8),
                    Err(_) => 1,
                };
                let number = convert::number_of_bytes(&bytes[..first.min(bytes.len())]);
                Cell::Integer(number as i64)
            }))
        }),
        RowFunction::new("mysql_ascii", &[Kind::Bytes], Gives::Integer, |a, r| {
            Ok(a.bytes(0, r)
                .map(|bytes| Cell::Integer(bytes.first().map_or(0, |byte| i64::from(*byte)))))
        }),
    ]
}

/// What LPAD and RPAD take: a text, a count of characters, what fills it up.
const PAD: &[Kind] = &[Kind::Text, Kind::Integer, Kind::Text];

/// A text cut to a length, and what fills it up to that; nothing can if there is nothing to fill with.
fn padded(args: &Args, row: usize) -> Option<(&str, String)> {
    let (text, count, fill) = (
        args.text(0, row)?,
        args.integer(1, row)?,
        args.text(2, row)?,
    );
    let count = usize::try_from(count).ok()?;
    let length = text.chars().count();
    if let Some((end, _)) = text.char_indices().nth(count) {
        return Some((&text[..end], String::new()));
    }
    if fill.is_empty() && length < count {
        return Some(("", String::new()));
    }
    let fill = fill.chars().cycle().take(count - length).collect();
    Some((text, fill))
}

fn count_of(count: i64) -> usize {
    usize::try_from(count.max(0)).unwrap_or(usize::MAX)
}

fn elt(args: &Args, row: usize) -> Result<Option<Cell>> {
    let text = args
        .integer(0, row)
        .and_then(|number| usize::try_from(number).ok())
        .filter(|number| *number > 0)
        .and_then(|number| args.text(number, row));
    Ok(text.map(|text| Cell::Text(text.to_owned())))
}

/// FIELD: the place of a value among others, texts as texts, anything else as numbers;
/// 0 if it is none of them or NULL.
pub(super) fn field_function() -> Function {
    Function::new(
        "mysql_field",
        |t| {
            super::arguments("FIELD", t, 2, usize::MAX)?;
            let plain: Vec<DataType> = t.iter().map(convert::plainest).collect();
            Ok(plain)
        },
        |_| Ok(DataType::Int64),
        |a, _| {
            let rows = a[0].len();
            let places: Int64Array = if a.iter().all(|arg| is_text(arg.data_type())) {
                let texts = converted(a, Kind::Text)?;
                let texts: Vec<_> = texts.iter().map(|arg| arg.as_string::<i32>()).collect();
                place_of(rows, texts.len(), |arg, row| {
                    (!texts[arg].is_null(row)).then(|| texts[arg].value(row))
                })
            } else {
                let numbers = converted(a, Kind::Double)?;
                let numbers: Vec<_> = numbers
                    .iter()
                    .map(|arg| arg.as_primitive::<Float64Type>())
                    .collect();
                place_of(rows, numbers.len(), |arg, row| {
                    (!numbers[arg].is_null(row)).then(|| numbers[arg].value(row))
                })
            };
            Ok(Arc::new(places))
        },
    )
}

/// The place of a member of ENUM, or the sum of the bits of a SET's: of a value and its declared type.
pub(super) fn place_function() -> Function {
    Function::new(
        "mysql_place",
        |t| {
            super::arguments("the function", t, 2, 2)?;
            Ok(vec![DataType::Utf8; 2])
        },
        |_| Ok(DataType::Int64),
        |a, _| {
            let declared = a[1].as_string::<i32>();
            let members = (!declared.is_empty())
                .then(|| crate::convert::Members::of(declared.value(0)))
                .flatten();
            let places: Int64Array = a[0]
                .as_string::<i32>()
                .iter()
                .map(|value| members.as_ref()?.place(value?))
                .collect();
            Ok(Arc::new(places))
        },
    )
}

fn converted(args: &[ArrayRef], kind: Kind) -> Result<Vec<ArrayRef>> {
    args.iter().map(|arg| convert::to_kind(arg, kind)).collect()
}

fn place_of<T: PartialEq>(
    rows: usize,
    count: usize,
    value: impl Fn(usize, usize) -> Option<T>,
) -> Int64Array {
    (0..rows)
        .map(|row| {
            let place = value(0, row).and_then(|wanted| {
                (1..count).find(|arg| value(*arg, row).is_some_and(|v| v == wanted))
            });
            Some(place.map_or(0, |place| place as i64))
        })
        .collect()
}

/// UPPER and LOWER: bytes have no case.
pub(super) fn case_functions() -> Vec<Function> {
    fn coerce(t: &[DataType]) -> Result<Vec<DataType>> {
        super::arguments("UPPER and LOWER", t, 1, 1)?;
        Ok(vec![convert::plainest(&t[0])])
    }
    fn returns(t: &[DataType]) -> Result<DataType> {
        Ok(if convert::is_binary(&t[0]) {
            DataType::Binary
        } else {
            DataType::Utf8
        })
    }
    fn run(array: &ArrayRef, change: fn(&str) -> String) -> Result<ArrayRef> {
        if convert::is_binary(array.data_type()) {
            return Ok(Arc::clone(array));
        }
        let texts = convert::to_kind(array, Kind::Text)?;
        let changed: StringArray = texts
            .as_string::<i32>()
            .iter()
            .map(|text| text.map(change))
            .collect();
        Ok(Arc::new(changed))
    }
    vec![
        Function::new("mysql_upper", coerce, returns, |a, _| {
            run(&a[0], |text| by_letter(text, char::to_uppercase))
        }),
        Function::new("mysql_lower", coerce, returns, |a, _| {
            run(&a[0], |text| by_letter(text, char::to_lowercase))
        }),
    ]
}

/// Letter for letter, as MySQL has it: one whose other case is several letters stays as it is.
fn by_letter<I: Iterator<Item = char>>(text: &str, other: fn(char) -> I) -> String {
    text.chars()
        .map(|letter| {
            let mut others = other(letter);
            match (others.next(), others.next()) {
                (Some(other), None) => other,
                _ => letter,
            }
        })
        .collect()
}

/// EXPORT_SET: a text for each bit, from the lowest.
fn export_set(args: &Args, row: usize) -> Result<Option<Cell>> {
    let (Some(bits), Some(on), Some(off)) =
        (args.bits(0, row), args.text(1, row), args.text(2, row))
    else {
        return Ok(None);
    };
    let separator = args.text(3, row).unwrap_or(",");
    let count = args.integer(4, row).unwrap_or(64);
    let count = if (0..=64).contains(&count) { count } else { 64 };
    let parts: Vec<&str> = (0..count)
        .map(|bit| if bits >> bit & 1 == 1 { on } else { off })
        .collect();
    Ok(Some(Cell::Text(parts.join(separator))))
}

/// MAKE_SET: the texts whose bits are set, with commas between; NULLs are left out.
fn make_set(args: &Args, row: usize) -> Result<Option<Cell>> {
    let Some(bits) = args.bits(0, row) else {
        return Ok(None);
    };
    let texts: Vec<&str> = (1..args.count().min(65))
        .filter(|index| bits >> (index - 1) & 1 == 1)
        .filter_map(|index| args.text(index, row))
        .collect();
    Ok(Some(Cell::Text(texts.join(","))))
}

/// INSERT: a part of a text replaced; a position outside leaves the text, a length past the end takes all.
fn insert(args: &Args, row: usize) -> Result<Option<Cell>> {
    let (Some(text), Some(position), Some(length), Some(new)) = (
        args.text(0, row),
        args.integer(1, row),
        args.integer(2, row),
        args.text(3, row),
    ) else {
        return Ok(None);
    };
    let chars = text.chars().count();
    let start = match usize::try_from(position) {
        Ok(position) if (1..=chars).contains(&position) => position - 1,
        _ => return Ok(Some(Cell::Text(text.to_owned()))),
    };
    let rest = chars - start;
    let length = usize::try_from(length).unwrap_or(rest).min(rest);
    let mut whole: String = text.chars().take(start).collect();
    whole.push_str(new);
    whole.extend(text.chars().skip(start + length));
    Ok(Some(Cell::Text(whole)))
}

/// QUOTE: a literal of SQL.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for char in text.chars() {
        match char {
            '\'' | '\\' => quoted.extend(['\\', char]),
            '\0' => quoted.push_str("\\0"),
            '\x1a' => quoted.push_str("\\Z"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

/// FORMAT: a number rounded to some decimals, with commas between thousands.
fn format(args: &Args, row: usize) -> Result<Option<Cell>> {
    let (Some(text), Some(decimals)) = (args.text(0, row), args.integer(1, row)) else {
        return Ok(None);
    };
    if let Some(locale) = args.text(2, row)
        && !locale.eq_ignore_ascii_case("en_US")
    {
        return exec_err!("FORMAT() has the locale en_US only, not '{locale}'");
    }
    let decimals = decimals.clamp(0, FORMAT_DECIMALS_MAX) as usize;
    let text = text.trim();
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text), |rest| ("-", rest));
    let plain = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let digits = if plain && digits.bytes().any(|byte| byte.is_ascii_digit()) {
        rounded(digits, decimals)
    } else {
        let number = convert::number_of_text(digits)?;
        rounded(&number.to_string(), decimals)
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits.as_str(), ""));
    let mut grouped = String::with_capacity(digits.len() * 4 / 3 + 2);
    if digits.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
        grouped.push_str(sign);
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if decimals > 0 {
        grouped.push('.');
        grouped.push_str(fraction);
    }
    Ok(Some(Cell::Text(grouped)))
}

/// Digits with a point, rounded half up to just so many decimals.
fn rounded(digits: &str, decimals: usize) -> String {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let up = fraction
        .as_bytes()
        .get(decimals)
        .is_some_and(|digit| *digit >= b'5');
    let mut all: Vec<u8> = std::iter::once(b'0')
        .chain(whole.bytes())
        .chain(
            fraction
                .bytes()
                .chain(std::iter::repeat(b'0'))
                .take(decimals),
        )
        .collect();
    if up {
        for digit in all.iter_mut().rev() {
            if *digit == b'9' {
                *digit = b'0';
            } else {
                *digit += 1;
                break;
            }
        }
    }
    let text = String::from_utf8(all).unwrap_or_default();
    let (whole, fraction) = text.split_at(text.len() - decimals);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    if decimals == 0 {
        whole.to_owned()
    } else {
        format!("{whole}.{fraction}")
    }
}

/// A pattern of `LIKE … ESCAPE 'c'` with backslashes; without an escape character a backslash is one of its own.
fn like_pattern(pattern: &str, escape: &str) -> Result<String> {
    let mut chars = escape.chars();
    let escape = chars.next();
    if chars.next().is_some() {
        return exec_err!("ESCAPE takes one character or none");
    }
    let mut written = String::with_capacity(pattern.len() + 4);
    let mut chars = pattern.chars();
    while let Some(char) = chars.next() {
        if Some(char) == escape {
            match chars.next() {
                Some(next) => written.extend(['\\', next]),
                None if char == '\\' => written.push_str("\\\\"),
                None => written.push(char),
            }
        } else if char == '\\' {
            written.push_str("\\\\");
        } else {
            written.push(char);
        }
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{like_pattern, quote, rounded};

    #[test]
    fn rounding_of_digits() {
        for (digits, decimals, wanted) in [
            ("12332.123456", 4, "12332.1235"),
            ("12332.1", 4, "12332.1000"),
            ("9.99", 1, "10.0"),
            ("0.5", 0, "1"),
            ("0.4", 0, "0"),
            ("007", 0, "7"),
            (".05", 1, "0.1"),
        ] {
            assert_eq!(rounded(digits, decimals), wanted, "{digits} {decimals}");
        }
    }

    #[test]
    fn patterns_with_other_escapes() {
        assert_eq!(like_pattern("a|_b%", "|").unwrap(), "a\\_b%");
        assert_eq!(like_pattern("a\\b", "|").unwrap(), "a\\\\b");
        assert_eq!(like_pattern("a||", "|").unwrap(), "a\\|");
        assert!(like_pattern("a", "ab").is_err());
        assert_eq!(quote("Don't!"), "'Don\\'t!'");
    }
}
