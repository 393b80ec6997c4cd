//! Which stages ListStages gives, and in which order: of AIP-160 comparisons joined by AND, of AIP-132 one field.

use std::cmp::Ordering;

use catalog::StageRecord;
use chrono::DateTime;
use proto::v1;

use crate::error::{Error, Reason, Result};

/// What a filter can compare.
const FIELDS: [(&str, Field); 8] = [
    ("name", Field::Name),
    ("url", Field::Url),
    ("comment", Field::Comment),
    ("updated_by", Field::UpdatedBy),
    ("enabled", Field::Enabled),
    ("directory", Field::Directory),
    ("create_time", Field::Created),
    ("update_time", Field::Updated),
];

/// The longer one of two that begin alike first.
const COMPARISONS: [(&str, Compare); 7] = [
    ("!=", Compare::Differs),
    ("<=", Compare::AtMost),
    (">=", Compare::AtLeast),
    ("=", Compare::Equals),
    ("<", Compare::Below),
    (">", Compare::Above),
    (":", Compare::Has),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Name,
    Url,
    Comment,
    UpdatedBy,
    Enabled,
    Directory,
    Created,
    Updated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    Equals,
    Differs,
    Below,
    AtMost,
    Above,
    AtLeast,
    /// That a text has another in it.
    Has,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    /// `*` at its beginning or end stands for any text.
    Text(String),
    Truth(bool),
    /// In microseconds since 1970 UTC.
    Moment(u64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Comparison {
    field: Field,
    compare: Compare,
    value: Value,
}

/// The field by which a list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Name,
    Created,
    Updated,
}

/// What of the account's stages a list gives, and in which order.
#[derive(Debug)]
pub(super) struct Wanted {
    filter: Vec<Comparison>,
    order: Order,
    descending: bool,
    pub(super) dropped: bool,
}

impl Wanted {
    /// `None` where nothing but the page is asked for.
    ///
    /// # Errors
    /// [`Reason::OptionInvalid`], which says what is wrong, and where.
    pub(super) fn of(request: &v1::ListStagesRequest) -> Result<Option<Self>> {
        if request.filter.trim().is_empty()
            && request.order_by.trim().is_empty()
            && !request.show_deleted
        {
            return Ok(None);
        }
        let (order, descending) = order(&request.order_by)?;
        Ok(Some(Self {
            filter: filter(&request.filter)?,
            order,
            descending,
            dropped: request.show_deleted,
        }))
    }

    /// The stages that are wanted, in order.
    pub(super) fn of_all(&self, mut stages: Vec<StageRecord>) -> Vec<StageRecord> {
        stages.retain(|stage| self.filter.iter().all(|comparison| comparison.holds(stage)));
        stages.sort_by(|one, other| self.compare(&self.key(one), &self.key(other)));
        stages
    }

    /// What a page's token has of its last stage.
    pub(super) fn key(&self, stage: &StageRecord) -> String {
        let first = match self.order {
            Order::Name => String::new(),
            Order::Created => format!("{:020}", stage.created_us),
            Order::Updated => format!("{:020}", stage.changed_us),
        };
        // One name may be a live stage's and those of several that were dropped.
        format!("{first}\n{}\n{:020}", stage.name, stage.id)
    }

    /// Whether a stage with this key is behind the one with the other.
    pub(super) fn is_behind(&self, key: &str, other: &str) -> bool {
        self.compare(key, other) == Ordering::Greater
    }

    fn compare(&self, one: &str, other: &str) -> Ordering {
        match self.descending {
            true => other.cmp(one),
            false => one.cmp(other),
        }
    }
}

impl Comparison {
    fn holds(&self, stage: &StageRecord) -> bool {
        let text = |is: &str, wanted: &str| match self.compare {
            Compare::Has => is.contains(wanted),
            Compare::Differs => !fits(is, wanted),
            Compare::Equals => fits(is, wanted),
            compare => compare.of(is.cmp(wanted)),
        };
        match (self.field, &self.value) {
            (Field::Name, Value::Text(wanted)) => text(&format!("stages/{}", stage.name), wanted),
            (Field::Url, Value::Text(wanted)) => {
                text(stage.definition.url.as_deref().unwrap_or_default(), wanted)
            }
            (Field::Comment, Value::Text(wanted)) => text(&stage.definition.comment, wanted),
            (Field::UpdatedBy, Value::Text(wanted)) => text(&stage.changed_by, wanted),
            (Field::Enabled, Value::Truth(wanted)) => {
                self.compare.of(stage.definition.enabled.cmp(wanted))
            }
            (Field::Directory, Value::Truth(wanted)) => {
                self.compare.of(stage.definition.directory.cmp(wanted))
            }
            (Field::Created, Value::Moment(wanted)) => {
                self.compare.of(stage.created_us.cmp(wanted))
            }
            (Field::Updated, Value::Moment(wanted)) => {
                self.compare.of(stage.changed_us.cmp(wanted))
            }
            // What a field cannot be compared with was refused as the filter was read.
            (_, Value::Text(_) | Value::Truth(_) | Value::Moment(_)) => false,
        }
    }
}

impl Compare {
    fn of(self, order: Ordering) -> bool {
        match self {
            Self::Equals | Self::Has => order.is_eq(),
            Self::Differs => order.is_ne(),
            Self::Below => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Above => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

/// Whether a text is the wanted one, at whose ends `*` stands for any text.
fn fits(is: &str, wanted: &str) -> bool {
    let (open_start, rest) = match wanted.strip_prefix('*') {
        Some(rest) => (true, rest),
        None => (false, wanted),
    };
    let (open_end, rest) = match rest.strip_suffix('*') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    match (open_start, open_end) {
        (false, false) => is == rest,
        (true, false) => is.ends_with(rest),
        (false, true) => is.starts_with(rest),
        (true, true) => is.contains(rest),
    }
}

fn invalid(text: impl std::fmt::Display) -> Error {
    Error::invalid_input(Reason::OptionInvalid, text)
}

fn order(text: &str) -> Result<(Order, bool)> {
    let mut words = text.split_whitespace();
    let order = match words.next() {
        None | Some("name") => Order::Name,
        Some("create_time") => Order::Created,
        Some("update_time") => Order::Updated,
        Some(other) => {
            return Err(invalid(format_args!(
                "order_by '{}' is not one of name, create_time, update_time",
                other.escape_default()
            )));
        }
    };
    match (words.next(), words.next()) {
        (None, None) => Ok((order, false)),
        (Some("desc"), None) => Ok((order, true)),
        _ => Err(invalid(
            "order_by is one field, and desc behind it for the greatest first",
        )),
    }
}

fn filter(text: &str) -> Result<Vec<Comparison>> {
    let mut reader = Reader { text, at: 0 };
    let mut comparisons = Vec::new();
    reader.skip_blanks();
    if reader.is_at_end() {
        return Ok(comparisons);
    }
    loop {
        comparisons.push(comparison(&mut reader)?);
        reader.skip_blanks();
        if reader.is_at_end() {
            return Ok(comparisons);
        }
        let at = reader.at;
        if reader.word() != "AND" {
            return Err(invalid(format_args!(
                "filter: at byte {at} an AND is expected; comparisons are joined by AND, and nothing else (no OR, no NOT, no brackets)"
            )));
        }
    }
}

fn comparison(reader: &mut Reader<'_>) -> Result<Comparison> {
    reader.skip_blanks();
    let at = reader.at;
    let name = reader.word();
    let Some((_, field)) = FIELDS.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        return Err(invalid(format_args!(
            "filter: at byte {at} a field is expected, one of {}",
            known.join(", ")
        )));
    };
    reader.skip_blanks();
    let at = reader.at;
    let known = COMPARISONS
        .iter()
        .find(|(sign, _)| reader.rest().starts_with(sign));
    let Some((sign, compare)) = known else {
        return Err(invalid(format_args!(
            "filter: at byte {at} one of =, !=, <, <=, >, >=, : is expected"
        )));
    };
    reader.at += sign.len();
    reader.skip_blanks();
    let at = reader.at;
    let given = reader.value()?;
    let wrong = |what: &str| {
        invalid(format_args!(
            "filter: at byte {at} {name} is compared with {what}"
        ))
    };
    let (field, compare) = (*field, *compare);
    let value = match field {
        Field::Name if !given.starts_with("stages/") && !given.starts_with('*') => {
            return Err(wrong("a resource's name, such as \"stages/daily*\""));
        }
        Field::Name | Field::Url | Field::Comment | Field::UpdatedBy => Value::Text(given),
        Field::Enabled | Field::Directory => match (&*given, compare) {
            ("true", Compare::Equals | Compare::Differs) => Value::Truth(true),
            ("false", Compare::Equals | Compare::Differs) => Value::Truth(false),
            _ => return Err(wrong("true or false, by = or !=")),
        },
        Field::Created | Field::Updated => {
            let moment = DateTime::parse_from_rfc3339(&given).ok();
            let moment = moment.and_then(|moment| u64::try_from(moment.timestamp_micros()).ok());
            match (moment, compare) {
                (None, _) | (_, Compare::Has) => {
                    return Err(wrong(
                        "a time such as \"2026-11-30T12:00:00Z\", by =, !=, <, <=, > or >=",
                    ));
                }
                (Some(moment), _) => Value::Moment(moment),
            }
        }
    };
    Ok(Comparison {
        field,
        compare,
        value,
    })
}

/// A filter's text as it is read.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    fn skip_blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// Letters, digits and `_`.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest
            .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// A text in quotes, or up to the next blank.
    fn value(&mut self) -> Result<String> {
        let at = self.at;
        let rest = self.rest();
        let Some(quoted) = rest.strip_prefix('"') else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            self.at += end;
            return match end {
                0 => Err(invalid(format_args!(
                    "filter: at byte {at} a value is expected"
                ))),
                _ => Ok(rest[..end].to_owned()),
            };
        };
        let mut value = String::new();
        let mut letters = quoted.char_indices();
        while let Some((offset, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.at += 1 + offset + 1;
                    return Ok(value);
                }
                '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
                letter => value.push(letter),
            }
        }
        Err(invalid(format_args!(
            "filter: the text that begins at byte {at} is never closed with \""
        )))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_filter_says_what_is_wrong_and_where() {
        for (text, told) in [
            ("color = red", "at byte 0 a field is expected"),
            ("enabled", "at byte 7 one of ="),
            (
                "enabled = 1",
                "at byte 10 enabled is compared with true or false",
            ),
            ("enabled < true", "true or false, by = or !="),
            (
                "enabled = true OR directory = true",
                "at byte 15 an AND is expected",
            ),
            ("NOT enabled = true", "at byte 0 a field is expected"),
            ("url = ", "at byte 6 a value is expected"),
            ("url = \"file://", "at byte 6 is never closed"),
            ("name = daily", "a resource's name"),
            ("create_time > yesterday", "a time such as"),
            ("create_time : \"2026-11-30T12:00:00Z\"", "a time such as"),
            ("enabled = true AND", "a field is expected"),
        ] {
            let error = filter(text).unwrap_err();
            assert!(error.message().contains(told), "{text}: {error}");
            assert_eq!(error.reason(), Reason::OptionInvalid);
        }
        for (text, told) in [
            ("size", "is not one of name"),
            ("name asc", "one field, and desc"),
            ("name, url", "is not one of name"),
            ("name desc desc", "one field, and desc"),
        ] {
            let error = order(text).unwrap_err();
            assert!(error.message().contains(told), "{text}: {error}");
        }
        assert_eq!(
            order(" update_time  desc ").unwrap(),
            (Order::Updated, true)
        );
    }

    #[test]
    fn texts_are_compared_whole_or_with_stars_at_their_ends() {
        for (is, wanted, fit) in [
            ("abc", "abc", true),
            ("abc", "ab", false),
            ("abc", "ab*", true),
            ("abc", "*bc", true),
            ("abc", "*b*", true),
            ("abc", "*", true),
            ("", "*", true),
            ("a*c", "a*c", true),
            ("abc", "a*c", false),
        ] {
            assert_eq!(fits(is, wanted), fit, "{is} = {wanted}");
        }
        let read = filter(r#"comment:"say \"hi\"" AND url != file:///a*"#).unwrap();
        assert_eq!(read[0].value, Value::Text("say \"hi\"".to_owned()));
        assert_eq!(
            (read[1].field, read[1].compare),
            (Field::Url, Compare::Differs)
        );
    }
}
