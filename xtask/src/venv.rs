//! Private Python environments below the target folder, for peers and readers that we compare with and
//! servers that tests write to.
//! Nothing is installed system-wide; an environment is made once and made anew when its list changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// Makes the environment if it is not there with exactly these packages (`name==version`), and
/// gives its Python. Fails when the machine has no python3 (with venv), or no package index answers.
pub(crate) fn ready(folder: &Path, packages: &[&str]) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    let stamp = folder.join("packages.txt");
    let wanted = packages.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|have| have == wanted)
        && process::works(Command::new(&python).arg("--version"))
    {
        return Ok(python);
    }
    if !process::works(Command::new("python3").arg("--version")) {
        bail!("python3 is not on the PATH");
    }
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("failed to remove {}", folder.display()))?;
    }
    println!("venv: {} into {}", packages.join(" "), folder.display());
    process::output(Command::new("python3").args(["-m", "venv"]).arg(folder))
        .context("failed to make a Python environment (Debian: the package python3-venv)")?;
    process::output(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(packages),
    )
    .context("failed to install Python packages")?;
    fs::write(&stamp, wanted)?;
    Ok(python)
}

/// Another program of the environment that `python` is in.
pub(crate) fn program(python: &Path, name: &str) -> PathBuf {
    python.with_file_name(name)
}
