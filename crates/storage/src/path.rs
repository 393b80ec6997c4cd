//! `ObjectPath`: the name of a file within a place, which cannot say anything outside of it.
//! The refused forms follow OWASP's path traversal list and the file names S3, OSS and POSIX share.

use std::fmt;
use std::path::PathBuf;

use crate::error::{Error, ErrorKind, Result};

/// The folder in a place's root that is Stagedoor's own: drafts of running exports are kept there.
pub const RESERVED_DIRECTORY: &str = ".stagedoor";

const PATH_BYTES_MAX: usize = 1024;
const COMPONENT_BYTES_MAX: usize = 255;

/// A relative path of one or more plain components joined by `/`.
///
/// By construction it has no `..`, `.`, empty, absolute, control, backslash or NUL part, none of these
/// percent-encoded, and no part that is [`RESERVED_DIRECTORY`] in any case: a place may lie within another one,
/// so the drafts of the inner one may be at any depth of the outer one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectPath(String);

impl ObjectPath {
    /// Checks `text`, which is relative to the place's root, such as `2026/user.csv`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`], naming the path and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self> {
        let path = Self::parse_inner(text)?;
        if path.components().any(is_reserved) {
            return Err(refuse(text, &format!("'{RESERVED_DIRECTORY}' is reserved")));
        }
        Ok(path)
    }

    /// A path inside the reserved directory; `text` is checked like any other.
    pub(crate) fn reserved(text: &str) -> Result<Self> {
        Self::parse_inner(&format!("{RESERVED_DIRECTORY}/{text}"))
    }

    fn parse_inner(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(refuse(text, "it is empty"));
        }
        if text.len() > PATH_BYTES_MAX {
            return Err(refuse(
                text,
                &format!("it is longer than {PATH_BYTES_MAX} bytes"),
            ));
        }
        if text.starts_with('/') {
            return Err(refuse(text, "it is absolute"));
        }
        if let Some(bad) = text.chars().find(|c| c.is_control() || *c == '\\') {
            return Err(refuse(text, &format!("it holds {}", name_of(bad))));
        }
        for component in text.split('/') {
            check_component(text, component)?;
        }
        Ok(Self(text.to_owned()))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its components, outermost first; never empty.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The path above the last component, if there is one.
    pub fn parent(&self) -> Option<ObjectPath> {
        self.0
            .rsplit_once('/')
            .map(|(parent, _)| Self(parent.to_owned()))
    }

    /// `self/below`.
    pub fn join(&self, below: &ObjectPath) -> ObjectPath {
        Self(format!("{}/{}", self.0, below.0))
    }

    /// For [`PathBuf::join`] onto a root.
    pub(crate) fn to_relative(&self) -> PathBuf {
        PathBuf::from(&self.0)
    }
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a component of a path names the reserved directory: also in upper case, as some file systems do not
/// tell the cases apart, and percent-encoded.
pub(crate) fn is_reserved(component: &str) -> bool {
    percent_decoded(component).eq_ignore_ascii_case(RESERVED_DIRECTORY)
}

fn check_component(text: &str, component: &str) -> Result<()> {
    let decoded = percent_decoded(component);
    for form in [component, decoded.as_str()] {
        match form {
            "" => return Err(refuse(text, "it has an empty component")),
            "." | ".." => return Err(refuse(text, &format!("it has a '{form}' component"))),
            _ => {}
        }
    }
    // What looks harmless here may be decoded by a later reader (a web server, an S3 gateway).
    if let Some(bad) = decoded
        .chars()
        .find(|c| c.is_control() || matches!(c, '\\' | '/'))
    {
        return Err(refuse(
            text,
            &format!("it holds {} in percent-encoded form", name_of(bad)),
        ));
    }
    if component.len() > COMPONENT_BYTES_MAX {
        return Err(refuse(
            text,
            &format!("a component is longer than {COMPONENT_BYTES_MAX} bytes"),
        ));
    }
    Ok(())
}

/// Percent-decoding until nothing changes, so that `%252e` is seen for what it is.
fn percent_decoded(text: &str) -> String {
    let mut current = text.to_owned();
    while current.contains('%') {
        let next = percent_decode_once(&current);
        if next == current {
            break;
        }
        current = next;
    }
    current
}

fn percent_decode_once(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn name_of(bad: char) -> String {
    match bad {
        '\0' => "a NUL character".to_owned(),
        '\\' => "a backslash".to_owned(),
        '/' => "a slash".to_owned(),
        other => format!("the control character U+{:04X}", u32::from(other)),
    }
}

fn refuse(text: &str, why: &str) -> Error {
    let shown: String = text
        .chars()
        .take(120)
        .flat_map(char::escape_default)
        .collect();
    Error::new(
        ErrorKind::Invalid,
        format!("path '{shown}' is not allowed: {why}"),
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_every_way_out() {
        for bad in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../x",
            "a/../b",
            "a/..",
            ".",
            "a/./b",
            "a//b",
            "a/",
            "a\0b",
            "a\\b",
            "a\nb",
            "%2e%2e/x",
            "%2E%2e",
            "a/%2e%2e/b",
            "a%2fb",
            "a%5Cb",
            "a%00",
            "%252e%252e/x",
            ".%2e",
            ".stagedoor/x",
            ".stagedoor",
            "inner/.stagedoor/id/0",
            "inner/.STAGEDOOR/id/0",
            "inner/%2estagedoor",
            "a/b/.stagedoor",
        ] {
            let error = ObjectPath::parse(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{bad:?}");
        }
    }

    #[test]
    fn takes_what_users_write() {
        for good in [
            "user.csv",
            "2026/11/part_00001.csv",
            "a b.csv",
            "übersicht.csv",
            "100%.csv",
            "a..b",
            "...",
            "~/x",
            ".stagedoor.csv",
            "c=1/x",
        ] {
            assert_eq!(ObjectPath::parse(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let error = ObjectPath::parse("a/../b").unwrap_err();
        assert_eq!(
            error.to_string(),
            "path 'a/../b' is not allowed: it has a '..' component"
        );
    }

    proptest! {
        #[test]
        fn an_accepted_path_stays_below_any_root(text in "[a-z./%2eEfF\\\\~ -]{0,24}") {
            if let Ok(path) = ObjectPath::parse(&text) {
                let joined = std::path::Path::new("/root").join(path.to_relative());
                prop_assert!(joined.starts_with("/root"));
                prop_assert!(joined.components().all(|c| !matches!(c, std::path::Component::ParentDir)));
                prop_assert!(joined.components().count() > 2);
            }
        }
    }
}
