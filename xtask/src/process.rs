//! Starts other programs: cargo as this workspace wants it, and any command whose failure is ours.
//! The target folder is asked from cargo, because users move it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::tally::Tally;

/// Variables that `cargo run` sets for us and that a nested cargo must not inherit: build scripts
/// that watch them (ring's does) would run again, and half the tree would be rebuilt.
const OF_THE_OUTER_CARGO: [&str; 5] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_",
    "CARGO_PRIMARY_",
];

/// Cargo in the workspace's root.
pub(crate) fn cargo(root: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root);
    for (name, _) in std::env::vars_os() {
        if is_of_the_outer_cargo(&name) {
            command.env_remove(name);
        }
    }
    command
}

fn is_of_the_outer_cargo(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    OF_THE_OUTER_CARGO
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// The folder of build output, and of everything that xtask brings.
pub(crate) fn target_directory(root: &Path) -> Result<PathBuf> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(root)
        .no_deps()
        .other_options(["--locked".to_owned()])
        .exec()
        .context("failed to read the workspace's metadata")?;
    Ok(metadata.target_directory.into_std_path_buf())
}

/// Runs to the end with our own input and output; an exit code but 0 is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("failed to start {}", shown(command)))?;
    if !status.success() {
        bail!("{} failed ({status})", shown(command));
    }
    Ok(())
}

/// Runs to the end and gives standard output; an exit code but 0 is an error that quotes both streams.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("failed to start {}", shown(command)))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{} failed ({})\n{}{}",
            shown(command),
            output.status,
            text,
            errors.trim_end()
        );
    }
    Ok(text)
}

/// Whether a program can be started and ends well; for looking what a machine has.
pub(crate) fn works(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs a test command, passes every line of its standard output on, and counts the results.
/// Gives whether it ended well, beside the counts.
pub(crate) fn run_tests(command: &mut Command) -> Result<(bool, Tally)> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to start {}", shown(command)))?;
    let mut tally = Tally::default();
    if let Some(stdout) = child.stdout.take() {
        let mut ours = std::io::stdout();
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line?;
            tally.add_line(&String::from_utf8_lossy(&line));
            ours.write_all(&line)?;
            ours.write_all(b"\n")?;
        }
    }
    let status = child.wait()?;
    Ok((status.success(), tally))
}

/// A command as a user would type it, without the environment.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = vec![
        Path::new(command.get_program())
            .file_name()
            .unwrap_or(command.get_program())
            .to_string_lossy(),
    ];
    words.extend(command.get_args().map(OsStr::to_string_lossy));
    format!("`{}`", words.join(" "))
}
