//! `cargo xtask tidy`: the rules of the tree that no compiler checks, each a small function.
//! All findings are printed as `file:line: what`, then the command fails.

mod edges;
mod links;
mod names;
mod source;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Folders that are not the tree's own text.
const SKIPPED: [&str; 5] = [".git", "target", "artifacts", "corpus", "node_modules"];

/// One broken rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    file: PathBuf,
    line: usize,
    what: String,
}

impl Finding {
    fn new(file: &Path, line: usize, what: impl Into<String>) -> Self {
        Self {
            file: file.to_path_buf(),
            line,
            what: what.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:{}: {}",
            self.file.display(),
            self.line,
            self.what
        )
    }
}

/// Checks the whole tree.
pub(crate) fn run(root: &Path) -> Result<()> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(root)
        .no_deps()
        .other_options(["--locked".to_owned()])
        .exec()
        .context("failed to read the workspace's metadata")?;
    let mut findings = edges::check(&edges::packages(root, &metadata)?);

    let mut files = Vec::new();
    list(root, Path::new(""), &mut files)?;
    for file in &files {
        findings.extend(check_file(root, file)?);
    }

    findings.sort();
    for finding in &findings {
        eprintln!("{finding}");
    }
    if !findings.is_empty() {
        bail!("tidy: {} findings in {} files", findings.len(), files.len());
    }
    println!(
        "tidy: {} packages and {} files are in order",
        metadata.packages.len(),
        files.len()
    );
    Ok(())
}

fn check_file(root: &Path, file: &Path) -> Result<Vec<Finding>> {
    let mut findings = names::check_path(file);
    let extension = file.extension().and_then(|extension| extension.to_str());
    let is_text = match extension {
        Some("rs" | "md" | "toml" | "proto" | "py" | "sh" | "yml" | "yaml" | "pest" | "sql") => {
            true
        }
        _ => file.starts_with(".ci"),
    };
    if !is_text {
        return Ok(findings);
    }
    let text = fs::read_to_string(root.join(file))
        .with_context(|| format!("failed to read {}", file.display()))?;
    findings.extend(words::check_paths_and_hosts(file, &text));
    if !is_generated(file) && extension != Some("md") {
        findings.extend(words::check_marks(file, &text));
    }
    if extension == Some("rs") && !is_generated(file) {
        findings.extend(source::check_first_line(file, &text));
        findings.extend(source::check_blanks(file, &text));
        findings.extend(source::check_length(file, &text));
        findings.extend(names::check_modules(file, &text));
    }
    if extension == Some("md") {
        findings.extend(links::check_links(root, file, &text));
        findings.extend(links::check_backquoted(root, file, &text));
    }
    Ok(findings)
}

fn is_generated(file: &Path) -> bool {
    file.components()
        .any(|component| component.as_os_str() == "generated")
}

/// All files below `folder`, relative to `root`, in order.
fn list(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let mut entries = fs::read_dir(root.join(folder))
        .with_context(|| format!("failed to list {}", folder.display()))?
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let path = folder.join(&name);
        let kind = entry.file_type()?;
        if kind.is_dir() && !SKIPPED.iter().any(|skipped| name == *skipped) {
            list(root, &path, files)?;
        } else if kind.is_file() {
            files.push(path);
        }
    }
    Ok(())
}
