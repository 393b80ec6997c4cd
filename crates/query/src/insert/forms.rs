//! Text forms of values other than whole numbers and dates: floats, UUIDs, members of an enum.

use arrow::datatypes::i256;

/// A float; only digits, a point, an exponent, and the exporter's words for what is no number.
pub(super) fn float(text: &str) -> Option<f64> {
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

pub(super) fn digits(value: i256) -> usize {
    value
        .to_string()
        .trim_start_matches('-')
        .trim_start_matches('0')
        .len()
}

pub(super) fn uuid(text: &str) -> Option<[u8; 16]> {
    let hex: String = text.trim().chars().filter(|char| *char != '-').collect();
    if hex.len() != 32 || !hex.is_ascii() {
        return None;
    }
    let mut bytes = [0; 16];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// The members of `enum('a','b''c')`.
pub(super) fn members(sql_type: &str) -> Vec<String> {
    let list = sql_type
        .split_once('(')
        .map_or("", |(_, rest)| rest.strip_suffix(')').unwrap_or(rest));
    let mut members = Vec::new();
    let mut chars = list.chars().peekable();
    while let Some(quote) = chars.find(|char| matches!(char, '\'' | '"')) {
        let mut member = String::new();
        while let Some(char) = chars.next() {
            match char {
                '\\' => member.extend(chars.next()),
                char if char == quote && chars.peek() == Some(&quote) => {
                    member.push(quote);
                    chars.next();
                }
                char if char == quote => break,
                char => member.push(char),
            }
        }
        members.push(member);
    }
    members
}
