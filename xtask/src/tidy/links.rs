//! What Markdown says about the tree is true: its links and the paths it names exist.
//! Fenced blocks are examples, and are not asked.

use std::path::Path;

use super::Finding;

/// Beginnings of a path from the root, as documents write them in backquotes.
const FROM_THE_ROOT: [&str; 8] = [
    "crates/",
    "docs/",
    "proto/",
    "tests/",
    "xtask/",
    "examples/",
    ".ci/",
    ".cargo/",
];

/// Links `[text](target)` and definitions `[name]: target` to files of the repository.
pub(super) fn check_links(root: &Path, file: &Path, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line_number, line) in prose(text) {
        for target in link_targets(line) {
            if !is_of_repository(target) {
                continue;
            }
            let path = target.split(['#', '?']).next().unwrap_or(target);
            let folder = file.parent().unwrap_or(Path::new(""));
            let exists = match path.strip_prefix('/') {
                Some(path) => root.join(path).exists(),
                None => root.join(folder).join(path).exists(),
            };
            if !exists {
                let what = format!("the link's target does not exist: {target}");
                findings.push(Finding::new(file, line_number, what));
            }
        }
    }
    findings
}

/// Paths in backquotes, from the root or from the document's own folder.
pub(super) fn check_backquoted(root: &Path, file: &Path, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line_number, line) in prose(text) {
        // Every second piece between backquotes is inside of them.
        for quoted in line.split('`').skip(1).step_by(2) {
            let Some(path) = named_path(quoted) else {
                continue;
            };
            let folder = file.parent().unwrap_or(Path::new(""));
            if !root.join(path).exists() && !root.join(folder).join(path).exists() {
                let what = format!("no such path in the repository: {path}");
                findings.push(Finding::new(file, line_number, what));
            }
        }
    }
    findings
}

/// Lines outside fenced blocks, numbered from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let start = line.trim_start();
        if start.starts_with("```") || start.starts_with("~~~") {
            is_fenced = !is_fenced;
            return None;
        }
        (!is_fenced).then_some((index + 1, line))
    })
}

fn link_targets(line: &str) -> Vec<&str> {
    let mut targets: Vec<&str> = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter_map(|target| target.split_whitespace().next())
        .collect();
    if let Some((name, target)) = line.split_once("]: ")
        && name.starts_with('[')
        && let Some(target) = target.split_whitespace().next()
    {
        targets.push(target);
    }
    targets
}

/// Not another site, not a place in the same document, not an item of Rust.
fn is_of_repository(target: &str) -> bool {
    let is_rust_item = target.contains("::")
        || target.contains(['(', '!'])
        || !target.contains(['/', '.']) && target != "LICENSE";
    !target.contains("://")
        && !target.starts_with('#')
        && !target.starts_with("mailto:")
        && !is_rust_item
}

/// The path that a quoted text names, without a line number, cut before the first placeholder;
/// none if the text is not a path from the root.
fn named_path(quoted: &str) -> Option<&str> {
    let is_from_root = FROM_THE_ROOT.iter().any(|start| quoted.starts_with(start));
    if !is_from_root || quoted.contains(' ') {
        return None;
    }
    let placeholder = quoted
        .find(['*', '{', '<', '…', '$', '[', '%'])
        .or_else(|| {
            // `docs/decisions/NNNN-title.md` is a pattern too.
            quoted.find("NNNN")
        });
    let path = match placeholder {
        Some(end) => &quoted[..quoted[..end].rfind('/').map_or(0, |slash| slash + 1)],
        None => quoted,
    };
    let path = path.split(['#', ':']).next().unwrap_or(path);
    Some(path.trim_end_matches(['.', ',']))
}
