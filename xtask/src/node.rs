//! The packages of node that tests use, below the target folder: nothing is installed system-wide, and they are made anew
//! when their list changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

const PACKAGES: [&str; 1] = ["mysql2@3.24.6"];

/// Installs the packages if they are not there, and gives the folder that node finds them in.
///
/// # Errors
/// There is no node with npm, or no registry answers.
pub(crate) fn ready(folder: &Path) -> Result<PathBuf> {
    let (modules, stamp) = (folder.join("node_modules"), folder.join("packages.txt"));
    for program in ["node", "npm"] {
        if !process::works(Command::new(program).arg("--version")) {
            bail!("{program} is not on the PATH (Debian: the packages nodejs and npm)");
        }
    }
    let wanted = PACKAGES.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(modules);
    }
    fs::create_dir_all(folder)?;
    println!("node: {} into {}", PACKAGES.join(" "), folder.display());
    let mut install = Command::new("npm");
    install
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--fetch-retries=1",
            "--loglevel=error",
            "--prefix",
        ])
        .arg(folder)
        .args(PACKAGES);
    process::output(&mut install).context("failed to install packages of node")?;
    fs::write(&stamp, wanted)?;
    Ok(modules)
}
