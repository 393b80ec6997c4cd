//! Digests and other spellings of bytes and numbers: HEX, BASE64, CONV, CRC32, SHA2
//! (MySQL 8.4 manual, "String Functions", "Encryption and Compression Functions").

use std::sync::Arc;

use arrow::array::{AsArray, StringArray};
use arrow::datatypes::{DataType, UInt64Type};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datafusion::common::{Result, exec_err};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::rowwise::{Args, Cell, Gives, Kind, RowFunction};
use super::{Function, convert};

/// Characters of a line of TO_BASE64.
const BASE64_LINE: usize = 76;

pub(super) fn functions() -> Vec<RowFunction> {
    const BYTES: &[Kind] = &[Kind::Bytes];
    const BITS: &[Kind] = &[Kind::Bits];
    vec![
        RowFunction::new("mysql_unhex", BYTES, Gives::Bytes, |a, r| {
            Ok(a.bytes(0, r).and_then(unhex).map(Cell::Bytes))
        }),
        RowFunction::new("mysql_char", BITS, Gives::Text, char)
            .any_number()
            .with_nulls(),
        RowFunction::new("mysql_bin", BITS, Gives::Text, |a, r| {
            Ok(a.bits(0, r).map(|bits| Cell::Text(format!("{bits:b}"))))
        }),
        RowFunction::new("mysql_oct", BITS, Gives::Text, |a, r| {
            Ok(a.bits(0, r).map(|bits| Cell::Text(format!("{bits:o}"))))
        }),
        RowFunction::new(
            "mysql_conv",
            &[Kind::Text, Kind::Integer, Kind::Integer],
            Gives::Text,
            conv,
        ),
        RowFunction::new("mysql_crc32", BYTES, Gives::Bits, |a, r| {
            Ok(a.bytes(0, r)
                .map(|bytes| Cell::Bits(u64::from(crc32fast::hash(bytes)))))
        }),
        RowFunction::new("mysql_soundex", &[Kind::Text], Gives::Text, |a, r| {
            Ok(a.text(0, r).map(|text| Cell::Text(soundex(text))))
        }),
        RowFunction::new("mysql_to_base64", BYTES, Gives::Text, |a, r| {
            Ok(a.bytes(0, r).map(|bytes| Cell::Text(to_base64(bytes))))
        }),
        RowFunction::new("mysql_from_base64", BYTES, Gives::Bytes, |a, r| {
            Ok(a.bytes(0, r).and_then(from_base64).map(Cell::Bytes))
        }),
        RowFunction::new("mysql_md5", BYTES, Gives::Text, |a, r| {
            Ok(a.bytes(0, r)
                .map(|bytes| Cell::Text(hex(&md5::Md5::digest(bytes), false))))
        }),
        RowFunction::new("mysql_sha1", BYTES, Gives::Text, |a, r| {
            Ok(a.bytes(0, r)
                .map(|bytes| Cell::Text(hex(&Sha1::digest(bytes), false))))
        }),
        RowFunction::new(
            "mysql_sha2",
            &[Kind::Bytes, Kind::Integer],
            Gives::Text,
            |a, r| {
                let (Some(bytes), Some(bits)) = (a.bytes(0, r), a.integer(1, r)) else {
                    return Ok(None);
                };
                // Any other length is NULL.
                Ok(match bits {
                    224 => Some(hex(&Sha224::digest(bytes), false)),
                    0 | 256 => Some(hex(&Sha256::digest(bytes), false)),
                    384 => Some(hex(&Sha384::digest(bytes), false)),
                    512 => Some(hex(&Sha512::digest(bytes), false)),
                    _ => None,
                }
                .map(Cell::Text))
            },
        ),
    ]
}

/// HEX, which is another thing for a number than for a text.
pub(super) fn hex_function() -> Function {
    Function::new(
        "mysql_hex",
        |t| {
            super::arguments("HEX", t, 1, 1)?;
            Ok(vec![convert::plainest(&t[0])])
        },
        |_| Ok(DataType::Utf8),
        |a, _| {
            let is_number = a[0].data_type().is_numeric() || a[0].data_type() == &DataType::Boolean;
            let texts: StringArray = if is_number {
                convert::to_kind(&a[0], Kind::Bits)?
                    .as_primitive::<UInt64Type>()
                    .iter()
                    .map(|bits| bits.map(|bits| format!("{bits:X}")))
                    .collect()
            } else {
                convert::to_kind(&a[0], Kind::Bytes)?
                    .as_binary::<i32>()
                    .iter()
                    .map(|bytes| bytes.map(|bytes| hex(bytes, true)))
                    .collect()
            };
            Ok(Arc::new(texts))
        },
    )
}

fn hex(bytes: &[u8], upper: bool) -> String {
    let digits: &[u8; 16] = if upper {
        b"0123456789ABCDEF"
    } else {
        b"0123456789abcdef"
    };
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(digits[usize::from(digit)]))
        .collect()
}

/// NULL if anything is no hexadecimal digit; an odd count has a zero before it.
fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let (first, rest) = if digits.len() % 2 == 1 {
        (Some(value(digits[0])?), &digits[1..])
    } else {
        (None, digits)
    };
    let pairs = rest
        .chunks_exact(2)
        .map(|pair| Some(value(pair[0])? << 4 | value(pair[1])?));
    first.map(Some).into_iter().chain(pairs).collect()
}

/// CHAR: each number's bytes, the highest first, without leading zeros; NULLs are left out.
fn char(args: &Args, row: usize) -> Result<Option<Cell>> {
    let mut bytes = Vec::new();
    for index in 0..args.count() {
        let Some(number) = args.bits(index, row) else {
            continue;
        };
        // MySQL takes 32 bits.
        let number = (number as u32).to_be_bytes();
        let skip = number.iter().take(3).take_while(|byte| **byte == 0).count();
        bytes.extend_from_slice(&number[skip..]);
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(Cell::Text(text))),
        Err(error) => exec_err!(
            "the bytes {} of CHAR() are no UTF-8 text",
            hex(error.as_bytes(), true)
        ),
    }
}

/// CONV: a number of one base in another; a negative target base takes and gives signs.
fn conv(args: &Args, row: usize) -> Result<Option<Cell>> {
    let (Some(text), Some(from), Some(to)) = (
        args.text(0, row),
        args.integer(1, row),
        args.integer(2, row),
    ) else {
        return Ok(None);
    };
    let base = |base: i64| {
        u32::try_from(base.unsigned_abs())
            .ok()
            .filter(|base| (2..=36).contains(base))
    };
    let (Some(from_base), Some(to_base)) = (base(from), base(to)) else {
        return Ok(None);
    };
    let text = text.trim_start();
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    // What follows the digits is left out, an overflow stays at the largest number.
    let mut number = 0_u64;
    for digit in digits.chars().map_while(|char| char.to_digit(from_base)) {
        number = match number
            .checked_mul(u64::from(from_base))
            .and_then(|number| number.checked_add(u64::from(digit)))
        {
            Some(number) => number,
            None => {
                number = u64::MAX;
                break;
            }
        };
    }
    if negative {
        number = number.wrapping_neg();
    }
    let signed = to < 0 && (number as i64) < 0;
    let mut rest = if signed {
        (number as i64).unsigned_abs()
    } else {
        number
    };
    let mut written = Vec::new();
    loop {
        let digit = char::from_digit((rest % u64::from(to_base)) as u32, to_base).unwrap_or('0');
        written.push(digit.to_ascii_uppercase());
        rest /= u64::from(to_base);
        if rest == 0 {
            break;
        }
    }
    if signed {
        written.push('-');
    }
    Ok(Some(Cell::Text(written.into_iter().rev().collect())))
}

fn to_base64(bytes: &[u8]) -> String {
    let encoded = STANDARD.encode(bytes);
    let mut text = String::with_capacity(encoded.len() + encoded.len() / BASE64_LINE);
    let mut rest = encoded.as_str();
    while rest.len() > BASE64_LINE {
        let (line, after) = rest.split_at(BASE64_LINE);
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(rest);
    text
}

/// NULL for what is no base 64; line ends and blanks are left out.
fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    STANDARD.decode(text).ok()
}

/// SOUNDEX as MySQL has it: of any length, at least four characters; what is no letter does not count.
fn soundex(text: &str) -> String {
    /// Codes of A to Z.
    const CODES: &[u8; 26] = b"01230120022455012623010202";
    let code = |letter: char| match letter.to_ascii_uppercase() {
        letter @ 'A'..='Z' => char::from(CODES[letter as usize - 'A' as usize]),
        _ => '0',
    };
    let mut letters = text
        .chars()
        .filter(|char| char.is_ascii_alphabetic() || !char.is_ascii());
    let Some(first) = letters.next() else {
        return String::new();
    };
    let mut result: String = first.to_uppercase().collect();
    let mut length = 1;
    let mut last = code(first);
    for code in letters.map(code) {
        if code != '0' && code != last {
            result.push(code);
            length += 1;
            last = code;
        }
    }
    for _ in length..4 {
        result.push('0');
    }
    result
}
