//! `cargo xtask crash`: the crash tests of the package `stagedoor-tests`, for so many rounds.
//! Only that package's test binaries are started, from the same build as `cargo xtask test`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use cargo_metadata::{Message, PackageId};

use crate::process::{self, cargo};
use crate::tally::Tally;
use crate::test::{SELECTION, binary, servers};
use crate::{ceph, venv};

const PACKAGE: &str = "stagedoor-tests";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How often the binary is killed
    #[arg(default_value_t = 300)]
    rounds: u32,
}

/// Builds, and runs the tests whose path has `crash`; none at all is an error.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let target = process::target_directory(root)?;
    process::run(cargo(root).arg("build").args(SELECTION))?;
    let (folder, programs) = programs(root)?;
    let python = match servers(&target) {
        Ok(python) => Some(python),
        Err(error) => {
            println!("not run: those on buckets: {error:#}");
            None
        }
    };
    let ceph = match ceph::ready() {
        Ok(programs) => Some(programs),
        Err(error) => {
            println!("not run: those on Ceph: {error:#}");
            None
        }
    };
    let mut tally = Tally::default();
    let mut passed = true;
    for program in programs {
        let mut tests = Command::new(&program);
        tests
            .current_dir(&folder)
            .args(["crash", "--nocapture"])
            .env("STAGEDOOR_BIN", binary(&target))
            .env("STAGEDOOR_CRASH_ROUNDS", arguments.rounds.to_string());
        match &python {
            Some(python) => tests
                .env("STAGEDOOR_PYTHON", python)
                .env("STAGEDOOR_WEED", venv::program(python, "weed")),
            None => tests.args(["--skip", "real_servers"]),
        };
        match &ceph {
            Some(ceph) => tests.env("STAGEDOOR_CEPH", ceph),
            None => tests.args(["--skip", "real_ceph"]),
        };
        let (ok, counts) = process::run_tests(&mut tests)?;
        passed &= ok;
        tally = tally.plus(counts);
    }
    println!("crash: {} rounds; {tally}", arguments.rounds);
    if !passed {
        bail!("crash tests failed; the names are above");
    }
    if tally.passed == 0 {
        bail!("{PACKAGE} has no test with `crash` in its path");
    }
    Ok(())
}

/// The package's folder, and its test binaries.
fn programs(root: &Path) -> Result<(PathBuf, Vec<PathBuf>)> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(root)
        .no_deps()
        .other_options(["--locked".to_owned()])
        .exec()?;
    let package = metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == PACKAGE)
        .with_context(|| format!("the workspace has no package {PACKAGE}"))?;
    let folder = package
        .manifest_path
        .parent()
        .context("a manifest has no folder")?
        .as_std_path()
        .to_path_buf();
    let mut build = cargo(root);
    build
        .args(["test", "--no-run", "--message-format=json"])
        .args(SELECTION);
    let output = build
        .stderr(Stdio::inherit())
        .output()
        .context("failed to start cargo")?;
    if !output.status.success() {
        bail!("{} failed ({})", process::shown(&build), output.status);
    }
    let programs = test_programs(&output.stdout, &package.id)?;
    Ok((folder, programs))
}

fn test_programs(messages: &[u8], package: &PackageId) -> Result<Vec<PathBuf>> {
    let mut programs = Vec::new();
    for message in Message::parse_stream(messages) {
        if let Message::CompilerArtifact(artifact) = message?
            && artifact.package_id == *package
            && artifact.profile.test
            && let Some(executable) = artifact.executable
        {
            programs.push(executable.into_std_path_buf());
        }
    }
    Ok(programs)
}
