//! `cargo xtask fuzz`: cargo-fuzz over the targets of `crates/parser/fuzz`, for so many seconds each.
//! It needs the nightly toolchain and cargo-fuzz, and fails clearly without them.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;

const FOLDER: &str = "crates/parser/fuzz";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One target; all by default
    target: Option<String>,
    /// Seconds for each target
    #[arg(default_value_t = 60)]
    seconds: u64,
}

/// Fuzzes; a crash, or a missing tool, is an error.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    if !root.join(FOLDER).join("Cargo.toml").exists() {
        bail!("there is no fuzz package in {FOLDER}");
    }
    if !process::works(Command::new("rustup").args(["run", "nightly", "rustc", "--version"])) {
        bail!(
            "fuzzing needs the nightly toolchain: `rustup toolchain install nightly --profile minimal`"
        );
    }
    if !process::works(cargo_fuzz(root).arg("--version")) {
        bail!("fuzzing needs cargo-fuzz: `cargo install cargo-fuzz --locked`");
    }
    let targets = match &arguments.target {
        Some(target) => vec![target.clone()],
        None => process::output(cargo_fuzz(root).args(["list", "--fuzz-dir", FOLDER]))?
            .lines()
            .map(str::to_owned)
            .collect(),
    };
    if targets.is_empty() {
        bail!("{FOLDER} has no targets");
    }
    for target in targets {
        println!("fuzz: {target} for {} s", arguments.seconds);
        process::run(
            cargo_fuzz(root)
                .args(["run", "--fuzz-dir", FOLDER, &target, "--"])
                .arg(format!("-max_total_time={}", arguments.seconds)),
        )?;
    }
    Ok(())
}

/// By way of rustup, because the cargo that runs us is the workspace's pinned one.
fn cargo_fuzz(root: &Path) -> Command {
    let mut command = Command::new("rustup");
    command
        .args(["run", "nightly", "cargo", "fuzz"])
        .current_dir(root);
    command
}
