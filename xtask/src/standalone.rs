//! `cargo xtask standalone`: each inner crate builds by itself, with just its own dependencies.
//! In the workspace a missing feature is lent by a neighbour; here it is found out.

use std::path::Path;

use anyhow::{Context, Result};

use crate::process::{self, cargo};

/// Package, and further arguments.
const BUILDS: [(&str, &[&str]); 7] = [
    ("stagedoor-parser", &[]),
    ("stagedoor-catalog", &[]),
    ("stagedoor-storage", &[]),
    ("stagedoor-storage", &["--features", "object-store"]),
    ("stagedoor-exporter", &[]),
    ("stagedoor-mysql", &[]),
    ("stagedoor-proto", &[]),
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// `stagedoor-query` too, which builds DataFusion once more
    #[arg(long)]
    heavy: bool,
}

/// Checks each in `target/standalone`, apart from the workspace's own build.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let target = process::target_directory(root)?.join("standalone");
    let heavy: &[(&str, &[&str])] = if arguments.heavy {
        &[("stagedoor-query", &[])]
    } else {
        &[]
    };
    for (package, further) in BUILDS.iter().chain(heavy) {
        println!("standalone: {package} {}", further.join(" "));
        process::run(
            cargo(root)
                .env("CARGO_TARGET_DIR", &target)
                .args(["check", "--quiet", "--locked", "-p", package])
                .args(*further),
        )
        .with_context(|| format!("{package} does not build alone"))?;
    }
    Ok(())
}
