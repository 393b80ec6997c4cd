//! `cargo xtask deny`: licences, banned crates and sources by `deny.toml`, with cargo-deny.
//! A cargo-deny on the PATH is used; else one is built, once, into `target/tools`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{self, cargo};

/// The version that is built where there is none. PyPI's wheel of the same name would be quicker to
/// get, but is 0.14.2, which cannot read the metadata of today's cargo.
const VERSION: &str = "0.20.2";

#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// Known vulnerabilities too; fetches the advisory database
    #[arg(long)]
    advisories: bool,
}

/// Runs the checks; findings are printed by cargo-deny.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let mut command = tool(root)?;
    command.current_dir(root).args([
        "--log-level",
        "error",
        "--locked",
        "check",
        "bans",
        "licenses",
        "sources",
    ]);
    if arguments.advisories {
        command.arg("advisories");
    }
    process::run(&mut command)
}

fn tool(root: &Path) -> Result<Command> {
    if process::works(Command::new("cargo-deny").arg("--version")) {
        return Ok(Command::new("cargo-deny"));
    }
    let folder = process::target_directory(root)?.join("tools");
    let program = folder.join("bin/cargo-deny");
    if !program.exists() {
        println!("deny: building cargo-deny {VERSION} into target/tools, once");
        process::run(
            cargo(root)
                .args(["install", "--quiet", "--locked", "--root"])
                .arg(&folder)
                .args(["--version", VERSION, "cargo-deny"]),
        )
        .context("failed to bring cargo-deny")?;
    }
    Ok(Command::new(program))
}
