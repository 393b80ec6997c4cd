//! SQL's LIKE over names: `%`, `_` and a backslash before what stands for itself; letters of either case are alike, for
//! names are folded.

use regex::Regex;

use crate::error::{Error, Reason, Result};

/// A pattern, made ready for many names.
#[derive(Debug)]
pub(crate) struct Like {
    matcher: Regex,
    prefix: String,
}

impl Like {
    /// # Errors
    /// [`Reason::OptionInvalid`] for a pattern too long to be made ready.
    pub(crate) fn new(pattern: &str) -> Result<Self> {
        let mut expression = String::from("(?is)^");
        let mut prefix = Some(String::new());
        let mut wholly = String::new();
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            let literal = match character {
                '%' => {
                    expression.push_str(".*");
                    None
                }
                '_' => {
                    expression.push('.');
                    None
                }
                // A last one stands for itself.
                '\\' => Some(characters.next().unwrap_or('\\')),
                other => Some(other),
            };
            match (literal, &mut prefix) {
                (Some(literal), Some(prefix)) => prefix.push(literal),
                (None, Some(_)) => wholly = prefix.take().unwrap_or_default(),
                (_, None) => {}
            }
            if let Some(literal) = literal {
                expression.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
            }
        }
        expression.push('$');
        let matcher = Regex::new(&expression).map_err(|_| {
            Error::invalid_input(
                Reason::OptionInvalid,
                format!("the pattern of LIKE is too long: {} bytes", pattern.len()),
            )
        })?;
        Ok(Self {
            matcher,
            prefix: prefix.unwrap_or(wholly).to_lowercase(),
        })
    }

    pub(crate) fn matches(&self, name: &str) -> bool {
        self.matcher.is_match(name)
    }

    /// What every folded name that matches begins with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether there is no pattern, or it matches.
    pub(super) fn allows(like: Option<&Self>, name: &str) -> bool {
        like.is_none_or(|like| like.matches(name))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn like_knows_its_wildcards() {
        for (pattern, name, matches) in [
            ("stage%", "stage1", true),
            ("STAGE_", "stage1", true),
            ("stage", "stage1", false),
            ("%e1", "stage1", true),
            ("e1", "stage1", false),
            ("s%g_1", "stage1", true),
            ("s.age1", "stage1", false),
            ("%", "", true),
            ("_", "", false),
            (r"a\_b", "a_b", true),
            (r"a\_b", "axb", false),
            (r"a\%", "a%", true),
            (r"a\", r"a\", true),
            ("é_", "ÉÄ", true),
            ("a%b", "a\nb", true),
        ] {
            let like = Like::new(pattern).unwrap();
            assert_eq!(like.matches(name), matches, "{name} LIKE {pattern}");
        }
    }

    #[test]
    fn the_prefix_is_what_stands_before_the_first_wildcard() {
        for (pattern, prefix) in [
            ("Stage%x", "stage"),
            ("_a", ""),
            ("abc", "abc"),
            (r"a\_b_c", "a_b"),
            ("", ""),
        ] {
            assert_eq!(Like::new(pattern).unwrap().prefix(), prefix, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_beyond_reason_is_refused() {
        let error = Like::new(&"é_".repeat(3_000_000)).unwrap_err();
        assert!(error.message().contains("too long"), "{error:?}");
    }
}
