//! Texts as strings in JSON, and texts that are JSON already.

use serde::de::IgnoredAny;

use crate::cells::scan::JsonScan;
use crate::cells::slot::{Ends, SUFFIX_MAX};
use crate::cells::text::Rule;

/// Texts become strings: quotes, backslashes and control characters are escaped, the rest stands as it is.
pub(crate) struct JsonText;

impl Rule for JsonText {
    type Find = JsonScan;
    const PREFIXED: bool = false;

    fn find(&self) -> JsonScan {
        JsonScan
    }

    #[inline(always)]
    fn is_suspect(&self, _first: Option<u8>) -> bool {
        false
    }

    fn ends(&self) -> Option<Ends> {
        let mut suffix = [0; SUFFIX_MAX];
        suffix[0] = b'"';
        Some(Ends {
            suffix,
            suffix_len: 1,
            ..Ends::default()
        })
    }

    fn append(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        append_escaped(text, out);
        out.push(b'"');
        Ok(())
    }
}

fn append_escaped(text: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut copied = 0;
    for (at, byte) in text.iter().enumerate() {
        let letter = match byte {
            b'"' | b'\\' => *byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            0..0x20 => b'u',
            _ => continue,
        };
        out.extend_from_slice(&text[copied..at]);
        out.extend([b'\\', letter]);
        if letter == b'u' {
            let digit = |nibble: u8| HEX[usize::from(nibble)];
            out.extend([b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
        }
        copied = at + 1;
    }
    out.extend_from_slice(&text[copied..]);
}

/// Appends a text that is JSON without the space between its tokens, every number digit for digit.
///
/// # Errors
/// The reason, for one that is not JSON.
pub(crate) fn compact_json(text: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    serde_json::from_slice::<IgnoredAny>(text)
        .map_err(|error| format!("its type is json, and it is not: {error}"))?;
    let (mut in_string, mut is_escaped) = (false, false);
    for byte in text {
        let is_space = matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        if in_string || !is_space {
            out.push(*byte);
        }
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            _ => {}
        }
    }
    Ok(())
}
