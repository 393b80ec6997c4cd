//! The database servers that tests start, from the system's own packages: found where they are installed, else
//! installed where that can be done without asking.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::apt;

/// Debian's and Ubuntu's names.
const PACKAGES: [&str; 3] = ["mariadb-client", "mariadb-server", "postgresql"];

/// Where the programs are, as the tests are told by environment.
pub(crate) struct Databases {
    /// The folder of PostgreSQL's programs: `STAGEDOOR_POSTGRES`.
    pub(crate) postgres: PathBuf,
    /// `mariadbd`: `STAGEDOOR_MARIADB`.
    pub(crate) mariadb: PathBuf,
}

/// The servers, installed if they have to be.
///
/// # Errors
/// They are not there, and this machine has no apt-get, or it may not be used.
pub(crate) fn ready() -> Result<Databases> {
    if let Some(found) = found() {
        return Ok(found);
    }
    apt::install(&PACKAGES).context("failed to install PostgreSQL and MariaDB")?;
    found().context("PostgreSQL and MariaDB were installed, but are not where they are looked for")
}

fn found() -> Option<Databases> {
    Some(Databases {
        postgres: postgres()?,
        mariadb: mariadb()?,
    })
}

/// The newest version's programs.
fn postgres() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, folder)| folder.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop().map(|(_, folder)| folder)
}

fn mariadb() -> Option<PathBuf> {
    ["/usr/sbin/mariadbd", "/usr/local/sbin/mariadbd"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.exists() && Path::new("/usr/bin/mariadb-install-db").exists())
}
