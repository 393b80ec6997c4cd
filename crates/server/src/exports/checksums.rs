//! The digests of an export's files as `sha256sum -c` and `b3sum -c` read them.

use exporter::DigestAlgorithm;
use storage::ObjectPath;

use crate::error::Result;

/// Each has lists of its own.
pub(crate) const ALGORITHMS: [DigestAlgorithm; 2] =
    [DigestAlgorithm::Sha256, DigestAlgorithm::Blake3];

/// What a digest on record is of, in words, and its digits.
pub(crate) fn digest_told(digest: &str) -> (&'static str, &str) {
    match DigestAlgorithm::split(digest) {
        Some((DigestAlgorithm::Sha256, digits)) => ("SHA-256", digits),
        Some((DigestAlgorithm::Blake3, digits)) => ("BLAKE3", digits),
        None => ("digest", digest),
    }
}

/// `user.csv` → `user.csv.sha256` or `user.csv.b3`, beside it.
pub(crate) fn checksums_path(path: &ObjectPath, algorithm: DigestAlgorithm) -> Result<ObjectPath> {
    let suffix = match algorithm {
        DigestAlgorithm::Sha256 => "sha256",
        DigestAlgorithm::Blake3 => "b3",
    };
    Ok(ObjectPath::parse(&format!("{path}.{suffix}"))?)
}

/// `2026/user.csv` → `2026/SHA256SUMS` or `2026/B3SUMS`.
pub(crate) fn checksums_of_folder(
    path: &ObjectPath,
    algorithm: DigestAlgorithm,
) -> Result<ObjectPath> {
    let name = match algorithm {
        DigestAlgorithm::Sha256 => "SHA256SUMS",
        DigestAlgorithm::Blake3 => "B3SUMS",
    };
    Ok(match path.as_str().rsplit_once('/') {
        Some((folder, _)) => ObjectPath::parse(&format!("{folder}/{name}"))?,
        None => ObjectPath::parse(name)?,
    })
}

/// A line for each file, given by path and digest: its name is as seen from the folder of `at`.
pub(crate) fn checksums_text<'a>(
    at: &ObjectPath,
    files: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let seen = files
        .into_iter()
        .map(|(path, digest)| (seen_from(at.as_str(), path), digest));
    lines(seen)
}

/// The same of names as seen from there.
pub(crate) fn lines<'a>(files: impl IntoIterator<Item = (String, &'a str)>) -> String {
    let mut text = String::new();
    for (name, digest) in files {
        // As both programs mark a name whose special characters are escaped.
        let escaped = name
            .replace('\\', "\\\\")
            .replace('\n', "\\n")
            .replace('\r', "\\r");
        if escaped != name {
            text.push('\\');
        }
        text.push_str(digest_told(digest).1);
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
        let at = checksums_of_folder(
            &ObjectPath::parse("a/0/x.csv").unwrap(),
            DigestAlgorithm::Blake3,
        )
        .unwrap();
        assert_eq!(at.as_str(), "a/0/B3SUMS");
        let files = [
            "a/0/x.csv",
            "a/1/x.csv",
            "a/0/day=1/x.csv",
            "x.csv",
            "a/0/b\\c",
        ];
        let files = files.map(|path| (path, "blake3:ab"));
        assert_eq!(
            checksums_text(&at, files),
            "ab  x.csv\nab  ../1/x.csv\nab  day=1/x.csv\nab  ../../x.csv\n\\ab  b\\\\c\n"
        );
    }
}
