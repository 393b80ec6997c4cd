//! Rules for the names of files and modules: a name says what is inside.
//! A drawer for everything is refused, and so is `mod.rs`.

use std::path::Path;

use super::Finding;

/// Names that say nothing.
const DRAWERS: [&str; 6] = ["utils", "util", "common", "helpers", "helper", "manager"];

/// A file's own name, and the names of its folders.
pub(super) fn check_path(file: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    if file.file_name().is_some_and(|name| name == "mod.rs") {
        let what = "mod.rs: name the file after its module, `foo.rs` beside `foo/`";
        findings.push(Finding::new(file, 1, what));
    }
    for component in file.with_extension("").components() {
        let name = component.as_os_str().to_string_lossy();
        if DRAWERS.contains(&name.as_ref()) {
            findings.push(Finding::new(file, 1, says_nothing(&name)));
        }
    }
    findings
}

/// Modules that are written inside a file.
pub(super) fn check_modules(file: &Path, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(name) = declared_module(line)
            && DRAWERS.contains(&name)
        {
            findings.push(Finding::new(file, index + 1, says_nothing(name)));
        }
    }
    findings
}

fn says_nothing(name: &str) -> String {
    format!("the name `{name}` says nothing about what is inside")
}

/// `name` of `mod name;` or `mod name {`, with or without a visibility.
fn declared_module(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    let mut word = words.next()?;
    if word.starts_with("pub") {
        word = words.next()?;
        if word.ends_with(')') {
            word = words.next()?;
        }
    }
    if word != "mod" {
        return None;
    }
    words.next().map(|name| name.trim_end_matches([';', '{']))
}
