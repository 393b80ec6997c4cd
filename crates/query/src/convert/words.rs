//! Text forms that are no numbers, dates or times: truth values, UUIDs, JSON, members of an ENUM or SET.

use serde::de::IgnoredAny;
use uuid::Uuid;

/// A truth value as a statement or an export writes it.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text.trim() {
        "1" => Some(true),
        "0" => Some(false),
        word if word.eq_ignore_ascii_case("true") => Some(true),
        word if word.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

pub(super) fn uuid(text: &str) -> Option<[u8; 16]> {
    Uuid::try_parse(text.trim()).ok().map(Uuid::into_bytes)
}

/// Whether a text is JSON; where not, what was wrong and after how many bytes of it.
pub(super) fn check_json(text: &str) -> Result<(), (String, usize)> {
    let Err(error) = serde_json::from_str::<IgnoredAny>(text) else {
        return Ok(());
    };
    let before = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum::<usize>();
    let whole = error.to_string();
    // The position is told apart from the reason.
    let reason = whole.split(" at line ").next().unwrap_or_default();
    let at = (before + error.column().saturating_sub(1)).min(text.len());
    Err((reason.to_owned(), at))
}

/// The declared members of an ENUM or SET.
#[derive(Debug, Clone)]
pub(crate) struct Members {
    members: Vec<String>,
    /// Whether a value is any number of them (SET) and not just one (ENUM).
    several: bool,
}

impl Members {
    /// Those of `enum('a','b''c')` or `set(…)`; `None` for another type.
    pub(crate) fn of(sql_type: &str) -> Option<Self> {
        let (base, list) = sql_type.split_once('(')?;
        let several = match base {
            "enum" => false,
            "set" => true,
            _ => return None,
        };
        Some(Self {
            members: members(list.strip_suffix(')').unwrap_or(list)),
            several,
        })
    }

    /// The value as declared: case and trailing blanks do not matter, a number is a member's place from 1 (ENUM)
    /// or the sum of its bits (SET), the members of a SET come in declared order, once. `None` for what is none.
    pub(super) fn value(&self, text: &str) -> Option<String> {
        if self.several {
            return self.set(text);
        }
        if let Some(member) = self.find(text) {
            return Some(self.members[member].clone());
        }
        let place: usize = text.trim().parse().ok()?;
        self.members.get(place.checked_sub(1)?).cloned()
    }

    /// The value of a number: a place (ENUM), a sum of bits (SET). `None` for what is none.
    pub(super) fn at(&self, number: u64) -> Option<String> {
        if self.several {
            return self.of_bits(number);
        }
        let place = usize::try_from(number).ok()?;
        self.members.get(place.checked_sub(1)?).cloned()
    }

    /// The number of a value; 0 for no member.
    pub(crate) fn place(&self, value: &str) -> Option<i64> {
        let place = |name: &str| self.find(name);
        if !self.several {
            return Some(place(value).map_or(0, |at| at as i64 + 1));
        }
        let bits = value.split(',').filter_map(place);
        Some(bits.fold(0_u64, |bits, at| {
            bits | 1_u64.checked_shl(at as u32).unwrap_or(0)
        }) as i64)
    }

    fn set(&self, text: &str) -> Option<String> {
        if text.is_empty() {
            return self.of_bits(0);
        }
        let found = text
            .split(',')
            .map(|part| self.find(part))
            .collect::<Option<Vec<_>>>();
        match found {
            Some(found) => {
                let mut chosen = vec![false; self.members.len()];
                found.into_iter().for_each(|at| chosen[at] = true);
                Some(self.names(&chosen))
            }
            None => self.of_bits(text.trim().parse().ok()?),
        }
    }

    /// The members whose bits are set, in declared order.
    fn of_bits(&self, bits: u64) -> Option<String> {
        if self.members.len() < 64 && bits >> self.members.len() != 0 {
            return None;
        }
        let chosen: Vec<bool> = (0..self.members.len())
            .map(|at| at < 64 && bits >> at & 1 == 1)
            .collect();
        Some(self.names(&chosen))
    }

    fn names(&self, chosen: &[bool]) -> String {
        let names = self.members.iter().zip(chosen);
        let names: Vec<&str> = names
            .filter_map(|(name, chosen)| chosen.then_some(name.as_str()))
            .collect();
        names.join(",")
    }

    fn find(&self, text: &str) -> Option<usize> {
        let text = text.trim_end_matches(' ');
        let exact = self.members.iter().position(|member| member == text);
        exact.or_else(|| {
            let lower = text.to_lowercase();
            self.members
                .iter()
                .position(|member| member.to_lowercase() == lower)
        })
    }
}

fn members(list: &str) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn members_of_an_enum_and_a_set() {
        let one = Members::of("enum('a','b''c','X y')").unwrap();
        for (text, value) in [
            ("a", Some("a")),
            ("A", Some("a")),
            ("b'c", Some("b'c")),
            ("x Y ", Some("X y")),
            ("2", Some("b'c")),
            ("0", None),
            ("4", None),
            ("", None),
        ] {
            assert_eq!(one.value(text).as_deref(), value, "{text}");
        }
        let several = Members::of("set('a','b','c')").unwrap();
        for (text, value) in [
            ("", Some("")),
            ("c,A", Some("a,c")),
            ("b,b", Some("b")),
            ("5", Some("a,c")),
            ("8", None),
            ("a,d", None),
        ] {
            assert_eq!(several.value(text).as_deref(), value, "{text}");
        }
        assert!(Members::of("varchar(3)").is_none());
    }

    #[test]
    fn json_is_checked() {
        for text in ["{}", "[1, 2.5e3]", "null", "\"x\"", " {\"a\": [true]} "] {
            assert_eq!(check_json(text), Ok(()), "{text}");
        }
        for (text, at) in [("{bad", 1), ("", 0), ("[1,]", 3), ("{}\n x", 4)] {
            assert_eq!(check_json(text).unwrap_err().1, at, "{text}");
        }
    }
}
