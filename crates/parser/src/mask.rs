//! [`mask_secrets`]: any text, also one that does not parse, with its secrets replaced.
//! For logs, audit and error messages; it would rather hide too much than too little.

mod braces;
mod scan;
mod telling;

use std::ops::Range;

use crate::lexer::Lexer;
use crate::mask::scan::Scan;
use crate::mask::telling::tells;

/// What stands in place of a secret.
pub(crate) const MASK: &str = "******";

/// `sql` with every literal inside `CREDENTIALS = {…}`, every other value in braces or behind
/// `IDENTIFIED BY` and `PASSWORD =` that may be a secret, and every URL with a user or a password
/// in it, replaced by `******`. Text that has the word `CREDENTIALS` in an odd place, such as
/// inside an unbalanced literal, is hidden from there on.
pub fn mask_secrets(sql: &str) -> String {
    masked(sql, &secret_ranges(sql), 0..sql.len())
}

/// The part `window` of `sql` with what `secrets` covers replaced. A secret that begins before
/// the window is shown at its start.
pub(crate) fn masked(sql: &str, secrets: &[Range<usize>], window: Range<usize>) -> String {
    let mut out = String::new();
    let mut at = window.start;
    for secret in secrets {
        if secret.end <= at || secret.start >= window.end {
            continue;
        }
        out.push_str(sql.get(at..secret.start.max(at)).unwrap_or_default());
        out.push_str(MASK);
        at = secret.end;
    }
    out.push_str(sql.get(at..window.end.max(at)).unwrap_or_default());
    out
}

/// The ranges of `sql` that may hold secrets, in order and apart.
pub(crate) fn secret_ranges(sql: &str) -> Vec<Range<usize>> {
    let mut scan = Scan::new(sql);
    let mut lexer = Lexer::at(sql, 0);
    let mut behind = 0;
    loop {
        let Ok(next) = lexer.next_token() else {
            scan.take_open(behind);
            break;
        };
        let end = next.map_or(sql.len(), |token| token.span.start);
        if tells(sql.get(behind..end)) {
            // In a comment, which may be a statement that somebody switched off.
            scan.hide_from(behind);
            break;
        }
        let Some(token) = next else { break };
        if !scan.take(token) {
            scan.hide_from(token.span.start);
            break;
        }
        behind = token.span.end;
    }
    scan.into_ranges()
}
