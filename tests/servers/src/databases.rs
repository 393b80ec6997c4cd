//! What both kinds of database servers share: where their programs are, who they run as, and their folders.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The password of every database's user here.
pub(crate) const PASSWORD: &str = "db's secret 123";

/// A program by the variable that names it or its folder, else where packages put it.
pub(crate) fn program(variable: &str, places: &[PathBuf]) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return PathBuf::from(path);
    }
    let found = places.iter().find(|place| place.exists());
    found.cloned().unwrap_or_else(|| {
        panic!("{variable} names no program: run the tests with `cargo xtask test`")
    })
}

/// A folder that the server's user owns.
pub(crate) fn folder(user: Option<&str>) -> PathBuf {
    let folder = TempDir::with_prefix("stagedoor-database-").unwrap().keep();
    if let Some(user) = user {
        done(Command::new("chown").arg(user).arg(&folder));
    }
    folder
}

/// The words before a command that has to run as another user. The process is the same one: it is ended by its id.
pub(crate) fn as_user(user: Option<&str>, program: &Path) -> (OsString, Vec<String>) {
    match user {
        None => (program.into(), Vec::new()),
        Some(user) => (
            "setpriv".into(),
            vec![
                format!("--reuid={user}"),
                format!("--regid={user}"),
                "--init-groups".to_owned(),
                program.display().to_string(),
            ],
        ),
    }
}

/// Runs a command to its end.
pub(crate) fn done(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Whether this process is root, as which PostgreSQL does not run.
pub(crate) fn is_root() -> bool {
    let output = done(Command::new("id").arg("-u"));
    String::from_utf8_lossy(&output.stdout).trim() == "0"
}
