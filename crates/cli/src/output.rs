//! Standard output and standard error, written with their errors seen.
//! A closed standard output ends the program quietly; a closed standard error is of no interest.

use std::borrow::Cow;
use std::io::{self, Write};

/// Bytes collected before they go to standard output, which by itself writes line by line.
const STDOUT_BUFFER_BYTES: usize = 64 * 1024;

/// Buffered standard output; to be flushed at the end of each statement.
pub(crate) type Stdout = io::BufWriter<io::Stdout>;

/// Standard output, buffered.
pub(crate) fn stdout() -> Stdout {
    io::BufWriter::with_capacity(STDOUT_BUFFER_BYTES, io::stdout())
}

/// Writes one line (or several) to standard error.
pub(crate) fn complain(text: impl std::fmt::Display) {
    // There is nowhere left to say that standard error is gone.
    let _ = writeln!(
        io::stderr().lock(),
        "{}",
        printable(&text.to_string(), &['\n', '\t'])
    );
}

/// `text` made safe for a terminal: control characters but those in `kept` become escapes, so
/// that stored data cannot move the cursor or set the window's title.
pub(crate) fn printable<'a>(text: &'a str, kept: &[char]) -> Cow<'a, str> {
    let is_unsafe = |c: char| c.is_control() && !kept.contains(&c);
    if !text.contains(is_unsafe) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe.into()
}
