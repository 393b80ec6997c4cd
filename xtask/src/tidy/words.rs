//! Words that must not be in the tree: marks of unfinished work, paths of the machines that built
//! it, and hosts of registries. They are put together from pieces, so that this file passes itself.

use std::path::Path;

use super::Finding;

/// Marks of unfinished work.
fn marks() -> [String; 4] {
    [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["XX", "X"].concat(),
        ["dbg", "!"].concat(),
    ]
}

/// Beginnings of absolute paths that only some machines have.
fn machine_paths() -> [String; 2] {
    [["/wo", "rk/"].concat(), ["/ro", "ot/"].concat()]
}

/// Hosts that belong into Cargo.lock and nowhere else.
fn registry_hosts() -> [String; 4] {
    [
        ["index.", "crates.io"].concat(),
        ["static.", "crates.io"].concat(),
        ["pypi", ".org"].concat(),
        ["files.python", "hosted.org"].concat(),
    ]
}

/// No unfinished work; a whole word only.
pub(super) fn check_marks(file: &Path, text: &str) -> Vec<Finding> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    find(file, text, &marks(), |line, start, end| {
        let before = line.as_bytes()[..start].last();
        let after = line.as_bytes().get(end);
        !before.is_some_and(|byte| is_word(*byte)) && !after.is_some_and(|byte| is_word(*byte))
    })
}

/// No path of a build machine (at the beginning of a path), no registry host.
pub(super) fn check_paths_and_hosts(file: &Path, text: &str) -> Vec<Finding> {
    let mut findings = find(file, text, &machine_paths(), |line, start, _| {
        let before = line[..start].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || "/._-~}>*".contains(before))
    });
    findings.extend(find(file, text, &registry_hosts(), |_, _, _| true));
    findings
}

/// The places of `words` that `counts(line, start, end)` accepts.
fn find(
    file: &Path,
    text: &str,
    words: &[String],
    counts: impl Fn(&str, usize, usize) -> bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for word in words {
            let is_there = line
                .match_indices(word.as_str())
                .any(|(start, found)| counts(line, start, start + found.len()));
            if is_there {
                findings.push(Finding::new(file, index + 1, format!("banned: {word}")));
            }
        }
    }
    findings
}
