//! Words that stand near secrets: where they turn up inside a literal or a comment, a quote was
//! forgotten or something was switched off.

/// Keys of CREDENTIALS and words of the clauses that hold secrets.
const TELLING: &[&str] = &[
    "credentials",
    "access_key_id",
    "secret_access_key",
    "aws_key_id",
    "aws_secret_key",
    "aws_token",
    "session_token",
    "aws_role",
    "role_arn",
    "external_id",
    "identified",
];

/// Telling only with a `=` behind it: the word alone is in many a column's name.
const PASSWORD: &[u8] = b"password";

/// Whether one of the words is in `text`.
pub(super) fn tells(text: Option<&str>) -> bool {
    text.is_some_and(|text| first_telling(text.as_bytes()).is_some())
}

/// Where the first of the telling words is.
pub(super) fn first_telling(bytes: &[u8]) -> Option<usize> {
    let is_first = |b: u8| {
        matches!(
            b.to_ascii_lowercase(),
            b'a' | b'c' | b'e' | b'i' | b'p' | b'r' | b's'
        )
    };
    let mut starts = bytes
        .iter()
        .enumerate()
        .filter(|(_, b)| is_first(**b))
        .map(|(at, _)| at);
    starts.find(|at| {
        let stands = |word: &[u8]| {
            let found = bytes.get(*at..*at + word.len());
            found.is_some_and(|found| found.eq_ignore_ascii_case(word))
        };
        let assigned = || {
            let mut behind = bytes.iter().skip(*at + PASSWORD.len());
            behind.find(|b| **b > b' ') == Some(&b'=')
        };
        TELLING.iter().any(|word| stands(word.as_bytes())) || stands(PASSWORD) && assigned()
    })
}
