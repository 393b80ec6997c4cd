//! The digests of an export's files as `sha256sum -c` reads them.

use storage::ObjectPath;

use crate::error::Result;

/// `user.csv` → `user.csv.sha256`, beside it.
pub(crate) fn checksums_path(path: &ObjectPath) -> Result<ObjectPath> {
    Ok(ObjectPath::parse(&format!("{path}.sha256"))?)
}

/// `2026/user.csv` → `2026/SHA256SUMS`.
pub(crate) fn checksums_of_folder(path: &ObjectPath) -> Result<ObjectPath> {
    Ok(match path.as_str().rsplit_once('/') {
        Some((folder, _)) => ObjectPath::parse(&format!("{folder}/SHA256SUMS"))?,
        None => ObjectPath::parse("SHA256SUMS")?,
    })
}

/// A line for each file, given by path and SHA-256: its name is as seen from the folder of `at`.
pub(crate) fn checksums_text<'a>(
    at: &ObjectPath,
    files: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let seen = files
        .into_iter()
        .map(|(path, sha256)| (seen_from(at.as_str(), path), sha256));
    lines(seen)
}

/// The same of names as seen from there.
pub(crate) fn lines<'a>(files: impl IntoIterator<Item = (String, &'a str)>) -> String {
    let mut text = String::new();
    for (name, sha256) in files {
        // As coreutils mark a name whose special characters are escaped.
        let escaped = name
            .replace('\\', "\\\\")
            .replace('\n', "\\n")
            .replace('\r', "\\r");
        if escaped != name {
            text.push('\\');
        }
        text.push_str(sha256);
        text.push_str("  ");
        text.push_str(&escaped);
        text.push('\n');
    }
    text
}

/// The path from the folder of one file to another file.
pub(crate) fn seen_from(at: &str, target: &str) -> String {
    let folders: Vec<&str> = at.split('/').collect();
    let folders = &folders[..folders.len().saturating_sub(1)];
    let parts: Vec<&str> = target.split('/').collect();
    let common = folders
        .iter()
        .zip(&parts[..parts.len().saturating_sub(1)])
        .take_while(|(one, other)| one == other)
        .count();
    let mut path = "../".repeat(folders.len() - common);
    path.push_str(&parts[common..].join("/"));
    path
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn names_are_as_seen_from_the_folder() {
        let at = checksums_of_folder(&ObjectPath::parse("a/0/x.csv").unwrap()).unwrap();
        assert_eq!(at.as_str(), "a/0/SHA256SUMS");
        let files = [
            "a/0/x.csv",
            "a/1/x.csv",
            "a/0/day=1/x.csv",
            "x.csv",
            "a/0/b\\c",
        ];
        let files = files.map(|path| (path, "ab"));
        assert_eq!(
            checksums_text(&at, files),
            "ab  x.csv\nab  ../1/x.csv\nab  day=1/x.csv\nab  ../../x.csv\n\\ab  b\\\\c\n"
        );
    }
}
