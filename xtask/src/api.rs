//! `cargo xtask api`: what the crates that others may use alone offer them, one line an item, in `public-api.txt` beside
//! each manifest. A change of it is a change of that file, which a review sees.
//!
//! It reads the source, for rustdoc's own description is not to be had from a stable compiler. So it tells signatures as
//! they are written, and of what a macro makes only the name.

mod items;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Folders of the crates.
const CRATES: [&str; 4] = ["parser", "catalog", "storage", "exporter"];
const FILE: &str = "public-api.txt";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only check that the committed lists are fresh
    #[arg(long)]
    pub(crate) check: bool,
}

/// Writes the lists, or compares them.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let mut stale = Vec::new();
    for name in CRATES {
        let folder = root.join("crates").join(name);
        let text = listed(&folder)?;
        let file = folder.join(FILE);
        let have = fs::read_to_string(&file).unwrap_or_default();
        if have == text {
            continue;
        }
        if arguments.check {
            difference(name, &have, &text);
            stale.push(name);
        } else {
            fs::write(&file, text)
                .with_context(|| format!("failed to write {}", file.display()))?;
            println!("api: {} written", file.display());
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    bail!(
        "the public API of {} has changed: look at it, and run cargo xtask api",
        stale.join(", ")
    )
}

/// The list of a crate.
fn listed(folder: &Path) -> Result<String> {
    let krate = source::read(&folder.join("src/lib.rs"))?;
    let lines: BTreeSet<String> = items::public(&krate)?.into_iter().collect();
    Ok(lines.into_iter().map(|line| line + "\n").collect())
}

fn difference(name: &str, have: &str, text: &str) {
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) =
        (have.lines().collect(), text.lines().collect());
    for line in old.difference(&new) {
        println!("api: {name}: - {line}");
    }
    for line in new.difference(&old) {
        println!("api: {name}: + {line}");
    }
}
