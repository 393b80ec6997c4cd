//! `cargo xtask fuzz`: cargo-fuzz over the targets of the crates that have some, for so many seconds each.
//! It needs the nightly toolchain and cargo-fuzz, and fails clearly without them.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;

/// The packages of targets; no two targets have the same name.
const FOLDERS: [&str; 3] = [
    "crates/catalog/fuzz",
    "crates/parser/fuzz",
    "crates/storage/fuzz",
];

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
    if !process::works(Command::new("rustup").args(["run", "nightly", "rustc", "--version"])) {
        bail!(
            "fuzzing needs the nightly toolchain: `rustup toolchain install nightly --profile minimal`"
        );
    }
    if !process::works(cargo_fuzz(root).arg("--version")) {
        bail!("fuzzing needs cargo-fuzz: `cargo install cargo-fuzz --locked`");
    }
    let mut targets = Vec::new();
    for folder in FOLDERS {
        let listed = process::output(cargo_fuzz(root).args(["list", "--fuzz-dir", folder]))?;
        if listed.trim().is_empty() {
            bail!("{folder} has no targets");
        }
        let all = listed.lines().map(|target| (folder, target.to_owned()));
        targets.extend(all.filter(|(_, target)| {
            let wanted = arguments.target.as_ref();
            wanted.is_none_or(|wanted| wanted == target)
        }));
    }
    if let (true, Some(wanted)) = (targets.is_empty(), &arguments.target) {
        bail!("no package of {FOLDERS:?} has a target {wanted}");
    }
    for (folder, target) in targets {
        println!("fuzz: {target} of {folder} for {} s", arguments.seconds);
        process::run(
            cargo_fuzz(root)
                .args(["run", "--fuzz-dir", folder, &target, "--"])
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
