//! Servers that tests start and that come from the system's own packages: installed where that can be done without asking.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process;

/// Installs packages by Debian's and Ubuntu's names; none of their own services is started.
///
/// # Errors
/// This machine has no apt-get, or it may not be used, or does not know the packages.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
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
        bail!(
            "there is no apt-get; install by hand what these packages have: {}",
            packages.join(" ")
        );
    }
    println!("apt-get: {}", packages.join(" "));
    let install = || {
        let mut arguments = vec!["install", "-y", "--no-install-recommends"];
        arguments.extend(packages);
        apt(&arguments)
    };
    if install().is_err() {
        // The lists may be old, or none.
        apt(&["update"])?;
        install()?;
    }
    Ok(())
}
