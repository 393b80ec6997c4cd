//! Which names the catalog takes: they become parts of keys, so they hold nothing that could end a
//! part or could not be shown.

use crate::error::Error;
use crate::keys;

/// The longest name, in characters.
pub const NAME_CHARS_MAX: usize = 64;

/// Checks a name of an account, stage, database or table (already folded by the caller).
///
/// 1 to 64 characters; no control characters, no blanks, no `/`, `\`, `'`, `"` or `` ` ``; not `#` as
/// the first one, with which the keys of the cluster itself begin.
/// `what` names the kind of thing in the message.
pub(crate) fn check(what: &str, name: &str) -> Result<(), Error> {
    let chars = name.chars().count();
    if chars == 0 || chars > NAME_CHARS_MAX {
        return Err(Error::invalid(format!(
            "the name of {what} has {chars} characters, it must have 1 to {NAME_CHARS_MAX}"
        )));
    }
    if name.starts_with(keys::OWN) {
        return Err(Error::invalid(format!(
            "the name of {what} {name:?} begins with {:?}, which is kept for the cluster itself",
            keys::OWN
        )));
    }
    match name.chars().find(|&c| is_refused(c)) {
        None => Ok(()),
        Some(c) => Err(Error::invalid(format!(
            "the name of {what} {name:?} holds {c:?}; a name holds no control characters, blanks, slashes or quotes"
        ))),
    }
}

/// Checks a name for a stage (already folded by the caller): one of 1 to 64 characters, none of them a control
/// character, a blank, a slash or a quote, that can stand in `stage://name/path` as it is. Stages of older versions may
/// have other names, and keep them.
///
/// # Errors
/// `Invalid`, saying what is wrong with it.
pub fn check_stage_name(name: &str) -> Result<(), Error> {
    check("a stage", name)?;
    if matches!(name, "." | "..") {
        return Err(Error::invalid(format!(
            "the name of a stage {name:?} means a folder in paths and URLs; take another one"
        )));
    }
    match name.chars().find(|c| NOT_IN_A_URL.contains(c)) {
        None => Ok(()),
        Some(c) => Err(Error::invalid(format!(
            "the name of a stage {name:?} holds {c:?}, which cannot stand in stage://name/path; letters, digits, '_', '-' and '.' can"
        ))),
    }
}

/// What ends, parts or encodes something in a URL, or is not allowed there.
const NOT_IN_A_URL: [char; 13] = [
    '?', '#', '%', ':', '@', '[', ']', '{', '}', '<', '>', '|', '^',
];

/// Checks a name that may be part of a login, `account:user:role` or `account#user#role`: one of
/// [`check`] that holds no `:` and no `#` either.
pub(crate) fn check_login(what: &str, name: &str) -> Result<(), Error> {
    check(what, name)?;
    match name.chars().find(|c| matches!(c, ':' | '#')) {
        None => Ok(()),
        Some(c) => Err(Error::invalid(format!(
            "the name of {what} {name:?} holds {c:?}, which parts account, user and role in a login"
        ))),
    }
}

fn is_refused(c: char) -> bool {
    c.is_control() || c.is_whitespace() || matches!(c, '/' | '\\' | '\'' | '"' | '`')
}

#[cfg(test)]
mod tests {
    use super::{check, check_login, check_stage_name};

    #[test]
    fn names() {
        for name in [
            "a",
            "stage_1",
            "größe",
            "数据",
            "a.b-c%d",
            &"x".repeat(64),
            &"ü".repeat(64),
        ] {
            assert!(check("a stage", name).is_ok(), "{name}");
            assert!(check_login("a user", name).is_ok(), "{name}");
        }
        for name in [
            "",
            "#a",
            "a/b",
            "a b",
            "a\u{a0}b",
            "a\0",
            "a\n",
            "a'b",
            "a\"",
            "`",
            "\\",
            "#a",
            &"x".repeat(65),
        ] {
            assert!(check("a stage", name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn names_of_stages_can_stand_in_a_url() {
        for name in [
            "a", "stage_1", "a.b-c", "...", "größe", "数据", "a*b", "a+b",
        ] {
            assert!(check_stage_name(name).is_ok(), "{name}");
        }
        for name in [
            ".", "..", "a?b", "#", "100%", "a:b", "a@b", "[a]", "{a}", "a<", ">a", "a|b", "^", "",
            "a/b", "a b",
        ] {
            let error = check_stage_name(name).err().map(|e| e.to_string());
            let error = error.unwrap_or_default();
            assert!(error.starts_with("the name of a stage"), "{name}: {error}");
        }
    }

    #[test]
    fn names_of_logins() {
        assert!(check("a stage", "a:b#c").is_ok());
        for name in ["a:b", ":", "a#b", "a#", "a b", ""] {
            assert!(check_login("a user", name).is_err(), "{name:?}");
        }
    }
}
