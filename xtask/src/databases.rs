//! The database servers that tests start, from the system's own packages: found where they are installed, else
//! installed where that can be done without asking.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

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
    install().context("failed to install PostgreSQL and MariaDB")?;
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

fn install() -> Result<()> {
    let is_root = process::output(Command::new("id").arg("-u"))?.trim() == "0";
    let apt = |arguments: &[&str]| {
        let mut command = match is_root {
            true => Command::new("apt-get"),
            false => {
                let mut command = Command::new("sudo");
                command.args([
                    "-n",
                    "env",
                    "DEBIAN_FRONTEND=noninteractive",
                    "RUNLEVEL=1",
                    "apt-get",
                ]);
                command
            }
        };
        command
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            // The packages' own servers are not to be started.
            .env("RUNLEVEL", "1");
        process::output(&mut command)
    };
    if !process::works(Command::new("apt-get").arg("--version")) {
        bail!("there is no apt-get; install PostgreSQL and MariaDB servers by hand");
    }
    println!("apt-get: {}", PACKAGES.join(" "));
    let packages = || {
        let mut arguments = vec!["install", "-y", "--no-install-recommends"];
        arguments.extend(PACKAGES);
        apt(&arguments)
    };
    if packages().is_err() {
        // The lists may be old, or none.
        apt(&["update"])?;
        packages()?;
    }
    Ok(())
}
