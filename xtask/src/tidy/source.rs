//! Rules for each Rust file: it says what it is for, has no stray blanks, and is not too long.
//! Generated files are not asked.

use std::path::Path;

use super::Finding;

/// Lines of a file, of a file of tests. The aim is half of it; beyond it, split.
const LINES_MAX: usize = 600;
const TEST_LINES_MAX: usize = 900;

/// The first line is module documentation.
pub(super) fn check_first_line(file: &Path, text: &str) -> Vec<Finding> {
    if text.starts_with("//! ") {
        return Vec::new();
    }
    vec![Finding::new(
        file,
        1,
        "the file does not begin with `//!`, what it is for",
    )]
}

/// No tabs, no blanks at a line's end, no empty lines at the end.
pub(super) fn check_blanks(file: &Path, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        if line.contains('\t') {
            findings.push(Finding::new(file, index + 1, "a tab"));
        }
        if line.ends_with([' ', '\t', '\r']) {
            findings.push(Finding::new(file, index + 1, "a blank at the line's end"));
        }
    }
    if text.ends_with("\n\n") {
        let lines = text.lines().count();
        findings.push(Finding::new(file, lines, "an empty line at the end"));
    }
    findings
}

/// Not longer than its kind may be.
pub(super) fn check_length(file: &Path, text: &str) -> Vec<Finding> {
    let lines = text.lines().count();
    let lines_max = if is_of_tests(file) {
        TEST_LINES_MAX
    } else {
        LINES_MAX
    };
    if lines <= lines_max {
        return Vec::new();
    }
    let what = format!("{lines} lines, more than {lines_max}: split the file");
    vec![Finding::new(file, lines_max + 1, what)]
}

fn is_of_tests(file: &Path) -> bool {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy());
    stem.is_some_and(|stem| stem == "tests" || stem.ends_with("_tests"))
        || file
            .components()
            .any(|component| component.as_os_str() == "tests")
}
