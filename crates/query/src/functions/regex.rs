//! REGEXP_LIKE, REGEXP_INSTR, REGEXP_SUBSTR and REGEXP_REPLACE with positions, occurrences and match types
//! (MySQL 8.4 manual, "Regular Expressions"). Patterns are those of the `regex` crate: linear in time,
//! so without look-around and back references; they see upper and lower case apart, as `utf8mb4_bin` does.

use std::cell::RefCell;
use std::rc::Rc;

use datafusion::common::{Result, exec_err};
use regex::{Regex, RegexBuilder};

use super::rowwise::{Args, Cell, Gives, Kind, RowFunction};

/// Bytes that one compiled pattern may take.
const PATTERN_BYTES_MAX: usize = 8 << 20;
/// Compiled patterns that a thread keeps.
const PATTERNS_KEPT: usize = 16;

pub(super) fn functions() -> Vec<RowFunction> {
    use Kind::{Integer, Text};
    vec![
        RowFunction::new(
            "mysql_regexp_like",
            &[Text, Text, Text],
            Gives::Truth,
            |a, r| {
                let Some(search) = Search::of(a, r, None, 2)? else {
                    return Ok(None);
                };
                Ok(Some(Cell::Truth(search.regex.is_match(search.text))))
            },
        )
        .from(2),
        RowFunction::new(
            "mysql_regexp_instr",
            &[Text, Text, Integer, Integer, Integer, Text],
            Gives::Integer,
            |a, r| {
                let Some(search) = Search::of(a, r, Some(2), 5)? else {
                    return Ok(None);
                };
                let after = a.integer(4, r).unwrap_or(0) != 0;
                let place = search.found(a.integer(3, r))?.map_or(0, |(start, end)| {
                    let at = if after { end } else { start };
                    search.text[..at].chars().count() as i64 + 1
                });
                Ok(Some(Cell::Integer(place)))
            },
        )
        .from(2),
        RowFunction::new(
            "mysql_regexp_substr",
            &[Text, Text, Integer, Integer, Text],
            Gives::Text,
            |a, r| {
                let Some(search) = Search::of(a, r, Some(2), 4)? else {
                    return Ok(None);
                };
                Ok(search
                    .found(a.integer(3, r))?
                    .map(|(start, end)| Cell::Text(search.text[start..end].to_owned())))
            },
        )
        .from(2),
        RowFunction::new(
            "mysql_regexp_replace",
            &[Text, Text, Text, Integer, Integer, Text],
            Gives::Text,
            replace,
        )
        .from(3),
    ]
}

/// A text and what is looked for in it, from where.
struct Search<'a> {
    text: &'a str,
    regex: Rc<Regex>,
    from: usize,
}

impl<'a> Search<'a> {
    /// `position` and `match_type` are the places of the arguments.
    fn of(
        args: &'a Args,
        row: usize,
        position: Option<usize>,
        match_type: usize,
    ) -> Result<Option<Self>> {
        let (Some(text), Some(pattern)) = (args.text(0, row), args.text(1, row)) else {
            return Ok(None);
        };
        let regex = compiled(pattern, args.text(match_type, row).unwrap_or(""))?;
        let from = match position.and_then(|index| args.integer(index, row)) {
            None => 0,
            Some(position) => {
                let skip = position
                    .checked_sub(1)
                    .and_then(|skip| usize::try_from(skip).ok());
                let at = skip.and_then(|skip| {
                    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
                    ends.into_iter().nth(skip)
                });
                match at {
                    Some(at) => at,
                    None => {
                        return exec_err!(
                            "the position {position} of a regular expression's search is outside the text"
                        );
                    }
                }
            }
        };
        Ok(Some(Self { text, regex, from }))
    }

    /// The bytes of an occurrence, the first one if none is given.
    fn found(&self, occurrence: Option<i64>) -> Result<Option<(usize, usize)>> {
        let skip = usize::try_from(occurrence.unwrap_or(1).max(1) - 1).unwrap_or(usize::MAX);
        let mut at = self.from;
        // From the position on, but `^` and `\b` see what is before it.
        for _ in 0..skip {
            let Some(found) = self.regex.find_at(self.text, at) else {
                return Ok(None);
            };
            match after(self.text, found.start(), found.end()) {
                Some(next) => at = next,
                None => return Ok(None),
            }
        }
        Ok(self
            .regex
            .find_at(self.text, at)
            .map(|found| (found.start(), found.end())))
    }
}

/// Where the next search begins: behind a match, a character further behind an empty one.
fn after(text: &str, start: usize, end: usize) -> Option<usize> {
    if end > start {
        return Some(end);
    }
    text[end..].chars().next().map(|char| end + char.len_utf8())
}

fn replace(args: &Args, row: usize) -> Result<Option<Cell>> {
    let (Some(search), Some(new)) = (Search::of(args, row, Some(3), 5)?, args.text(2, row)) else {
        return Ok(None);
    };
    let template = template(new);
    let only = args.integer(4, row).filter(|occurrence| *occurrence > 0);
    let mut written = search.text[..search.from].to_owned();
    let (mut at, mut copied, mut number) = (search.from, search.from, 0);
    while let Some(captures) = search.regex.captures_at(search.text, at) {
        let Some(whole) = captures.get(0) else { break };
        number += 1;
        if only.is_none_or(|only| only == number) {
            written.push_str(&search.text[copied..whole.start()]);
            for part in &template {
                match part {
                    Part::Text(text) => written.push_str(text),
                    Part::Group(group) => match captures.get(*group) {
                        Some(found) => written.push_str(found.as_str()),
                        None if *group < captures.len() => {}
                        None => {
                            return exec_err!(
                                "the replacement of REGEXP_REPLACE() names group {group}, the pattern has {}",
                                captures.len() - 1
                            );
                        }
                    },
                }
            }
            copied = whole.end();
        }
        if only == Some(number) {
            break;
        }
        match after(search.text, whole.start(), whole.end()) {
            Some(next) => at = next,
            None => break,
        }
    }
    written.push_str(&search.text[copied..]);
    Ok(Some(Cell::Text(written)))
}

/// A part of a replacement.
enum Part {
    Text(String),
    Group(usize),
}

/// `$1` is a group, a backslash takes the meaning from the character behind it.
fn template(new: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut chars = new.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' => text.extend(chars.next()),
            '$' if chars.peek().is_some_and(char::is_ascii_digit) => {
                parts.push(Part::Text(std::mem::take(&mut text)));
                let digit = chars.next().and_then(|digit| digit.to_digit(10));
                parts.push(Part::Group(digit.unwrap_or(0) as usize));
            }
            other => text.push(other),
        }
    }
    parts.push(Part::Text(text));
    parts
}

/// Patterns with their match types, those used last at the end.
type Kept = Vec<((String, String), Rc<Regex>)>;

fn compiled(pattern: &str, match_type: &str) -> Result<Rc<Regex>> {
    thread_local! {
        static KEPT: RefCell<Kept> = const { RefCell::new(Vec::new()) };
    }
    let found = KEPT.with_borrow_mut(|kept| {
        let at = kept
            .iter()
            .rposition(|((known, flags), _)| known == pattern && flags == match_type)?;
        Some(Rc::clone(&kept[at].1))
    });
    if let Some(regex) = found {
        return Ok(regex);
    }
    let mut builder = RegexBuilder::new(pattern);
    builder.size_limit(PATTERN_BYTES_MAX);
    for flag in match_type.chars() {
        match flag {
            'c' => builder.case_insensitive(false),
            'i' => builder.case_insensitive(true),
            'm' => builder.multi_line(true),
            'n' => builder.dot_matches_new_line(true),
            'u' => builder.crlf(false),
            other => {
                return exec_err!(
                    "'{other}' is no match type of a regular expression; they are c, i, m, n and u"
                );
            }
        };
    }
    let regex = match builder.build() {
        Ok(regex) => Rc::new(regex),
        Err(regex::Error::CompiledTooBig(_)) => {
            return exec_err!("the regular expression is too large");
        }
        Err(error) => {
            let reason = error.to_string();
            let last = reason.lines().last().unwrap_or_default();
            return exec_err!(
                "'{pattern}' is no regular expression: {}",
                last.strip_prefix("error: ").unwrap_or(last)
            );
        }
    };
    KEPT.with_borrow_mut(|kept| {
        if kept.len() >= PATTERNS_KEPT {
            kept.remove(0);
        }
        kept.push((
            (pattern.to_owned(), match_type.to_owned()),
            Rc::clone(&regex),
        ));
    });
    Ok(regex)
}
