//! Ceph's gateway for S3 with what it stands on, for tests: found where it is installed, else installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{apt, process};

/// Debian's and Ubuntu's names; `ceph-common`, which they bring, has the tools.
const PACKAGES: [&str; 3] = ["ceph-mon", "ceph-osd", "radosgw"];

/// What the tests know; later ones differ in what they do with conditions.
const MAJOR: &str = "16";

const FOLDER: &str = "/usr/bin";
const PROGRAMS: [&str; 6] = [
    "ceph",
    "ceph-mon",
    "ceph-osd",
    "monmaptool",
    "radosgw",
    "radosgw-admin",
];

/// The folder of the programs, as the tests are told by `STAGEDOOR_CEPH`; installed if they have to be.
///
/// # Errors
/// They are not there, and this machine has no apt-get, or it may not be used; they are of another version.
pub(crate) fn ready() -> Result<PathBuf> {
    let folder = match found() {
        Some(found) => found,
        None => {
            apt::install(&PACKAGES).context("failed to install Ceph")?;
            found().context("Ceph was installed, but is not where it is looked for")?
        }
    };
    let told = process::output(Command::new(folder.join("radosgw")).arg("--version"))?;
    if !is_known(&told) {
        bail!(
            "the tests are for Ceph {MAJOR}, and this is another: {}",
            told.trim()
        );
    }
    Ok(folder)
}

/// Of `ceph version 16.2.15 (…) pacific (stable)`.
fn is_known(told: &str) -> bool {
    let version = told.split_whitespace().nth(2).unwrap_or_default();
    version.split('.').next() == Some(MAJOR)
}

fn found() -> Option<PathBuf> {
    let folder = Path::new(FOLDER);
    let all = PROGRAMS.iter().all(|name| folder.join(name).exists());
    all.then(|| folder.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::is_known;

    #[test]
    fn another_version_is_not_taken() {
        assert!(is_known(
            "ceph version 16.2.15 (618f440) pacific (stable)\n"
        ));
        assert!(!is_known("ceph version 19.2.1 (58a7fab) squid (stable)"));
        assert!(!is_known(""));
    }
}
