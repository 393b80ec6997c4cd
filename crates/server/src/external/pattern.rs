//! `write_file_pattern`: how the files are called that INSERT adds to an external table, as MatrixOne has it.

use chrono::{DateTime, Utc};
use parser::Target;
use uuid::Uuid;

use crate::error::{Error, Reason, Result};

/// What stands for parts of the statement's time in UTC.
const OF_TIME: &str = "YymdHIMSpjAaBb";
/// Digits of chance that make a name nobody else has, and the most there can be.
const DIGITS_LEAST: usize = 6;
const DIGITS_MOST: usize = 64;

/// A stage path in which directives stand for what makes each file's name another: `stage://s/%Y/part_%U.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WritePattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// Of the time, as `strftime` has it.
    Time(char),
    /// A random UUID.
    Uuid,
    /// So many random digits.
    Digits(usize),
}

impl WritePattern {
    /// # Errors
    /// [`Reason::OptionInvalid`] for what is no stage path, an unknown directive, and a pattern whose names could meet.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let refuse = |why: String| {
            Err(Error::invalid_configuration(
                Reason::OptionInvalid,
                format_args!(
                    "WRITE_FILE_PATTERN: {why} in pattern \"{}\"",
                    text.escape_default()
                ),
            ))
        };
        match Target::parse(text) {
            Target::Stage { path, .. } if !path.trim_matches('/').is_empty() => {}
            Target::Stage { .. } => return refuse("no file is named".to_owned()),
            Target::Url { .. } | Target::Raw(_) => {
                return refuse("only stage:// is supported".to_owned());
            }
        }
        let mut parts: Vec<Part> = Vec::new();
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                match parts.last_mut() {
                    Some(Part::Text(before)) => before.push(letter),
                    Some(Part::Time(_) | Part::Uuid | Part::Digits(_)) | None => {
                        parts.push(Part::Text(letter.to_string()));
                    }
                }
                continue;
            }
            parts.push(match letters.next() {
                Some('U') => Part::Uuid,
                Some('n') => {
                    let rest = letters.as_str();
                    let digits: String = rest
                        .chars()
                        .take_while(char::is_ascii_digit)
                        .take(3)
                        .collect();
                    letters = rest[digits.len()..].chars();
                    match digits.parse() {
                        Ok(count) if (1..=DIGITS_MOST).contains(&count) => Part::Digits(count),
                        Ok(_) | Err(_) => {
                            return refuse(format!(
                                "directive %n takes a number of digits from 1 to {DIGITS_MOST}"
                            ));
                        }
                    }
                }
                Some(known) if OF_TIME.contains(known) => Part::Time(known),
                Some(other) => return refuse(format!("unsupported directive %{other}")),
                None => return refuse("a directive is cut off".to_owned()),
            });
        }
        let is_own = |part: &Part| match part {
            Part::Uuid => true,
            Part::Digits(count) => *count >= DIGITS_LEAST,
            Part::Text(_) | Part::Time(_) => false,
        };
        if !parts.iter().any(is_own) {
            return refuse(format!(
                "%U or %nN with N of at least {DIGITS_LEAST} is missing, without which two files could have one name,"
            ));
        }
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }

    /// As it was given.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// A name for a file of a statement that began at this time, in microseconds since 1970.
    pub(crate) fn name(&self, began_us: i64) -> String {
        let began: DateTime<Utc> = DateTime::from_timestamp_micros(began_us).unwrap_or_default();
        let mut name = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::Time(directive) => {
                    name.push_str(&began.format(&format!("%{directive}")).to_string());
                }
                Part::Uuid => name.push_str(&Uuid::new_v4().to_string()),
                Part::Digits(count) => {
                    let mut digits = String::new();
                    while digits.len() < *count {
                        // Of 122 bits by chance the lowest 60.
                        let chance = Uuid::new_v4().as_u128() & ((1 << 60) - 1);
                        digits.push_str(&format!("{:016}", chance % 10_u128.pow(16)));
                    }
                    digits.truncate(*count);
                    name.push_str(&digits);
                }
            }
        }
        name
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::WritePattern;

    /// 2026-02-03 04:05:06 UTC.
    const BEGAN_US: i64 = 1_770_091_506_000_000;

    #[test]
    fn directives_stand_for_time_and_chance() {
        let pattern = WritePattern::parse("stage://s/%Y/%m-%d/%H%M%S_%j_%b_%n8.csv").unwrap();
        let (one, other) = (pattern.name(BEGAN_US), pattern.name(BEGAN_US));
        assert!(
            one.starts_with("stage://s/2026/02-03/040506_034_Feb_"),
            "{one}"
        );
        let digits = one
            .rsplit('_')
            .next()
            .unwrap()
            .strip_suffix(".csv")
            .unwrap();
        assert!(
            digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit()),
            "{one}"
        );
        assert_ne!(one, other);
        let uuids = WritePattern::parse("s:/%U.jsonl").unwrap();
        assert_ne!(uuids.name(BEGAN_US), uuids.name(BEGAN_US));
        let long = WritePattern::parse("stage://s/%n64")
            .unwrap()
            .name(BEGAN_US);
        assert_eq!(long.len(), "stage://s/".len() + 64);
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for (text, part) in [
            ("/tmp/%U.csv", "only stage:// is supported"),
            ("stage://s/", "no file is named"),
            (
                "stage://s/%Q_%U.csv",
                "unsupported directive %Q in pattern \"stage://s/%Q_%U.csv\"",
            ),
            ("stage://s/%%_%U.csv", "unsupported directive %%"),
            (
                "stage://s/%d.csv",
                "%U or %nN with N of at least 6 is missing",
            ),
            ("stage://s/%n5.csv", "is missing"),
            ("stage://s/%n65.csv", "from 1 to 64"),
            ("stage://s/%n.csv", "from 1 to 64"),
            ("stage://s/%U%", "cut off"),
        ] {
            let error = WritePattern::parse(text).unwrap_err();
            assert!(
                error.message().contains(part),
                "{text}: {}",
                error.message()
            );
        }
    }
}
