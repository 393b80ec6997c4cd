//! Root's first password: without one nobody can log in, so the first opening of a port sets it, from the
//! operator's file, or a random one that is said this once.

use std::fs;
use std::path::Path;

use catalog::{Expected, ROOT_USER, UserChange};
use secrecy::{ExposeSecret, SecretString};

use super::logins::{fill_random, hex};
use super::{SYS, passwords, system_actor};
use crate::instance::{Instance, OpenError};

/// How many random bytes a password has that nobody chose.
const RANDOM_BYTES: usize = 16;

/// Sets root's password where it has none. Gives one that was made up here, to be shown once. Blocking.
///
/// # Errors
/// Ready for an operator: the password file cannot be read or is empty; the catalog cannot be written.
pub(crate) fn ensure_root_password(instance: &Instance) -> Result<Option<SecretString>, OpenError> {
    let failed = |e: &dyn std::fmt::Display| {
        OpenError::new(format!("failed to set the first password of root: {e}"))
    };
    let root = instance
        .catalog
        .user(SYS, ROOT_USER)
        .map_err(|e| failed(&e))?;
    match root {
        Some(root) if root.password.is_none() => {}
        // It has one, or somebody has dropped the user: other administrators are there then.
        Some(_) | None => return Ok(None),
    }
    let (password, is_random) = match &instance.settings.auth.root_password_file {
        Some(file) => (read(file)?, false),
        None => {
            let mut bytes = [0; RANDOM_BYTES];
            fill_random(&mut bytes).map_err(|e| failed(&e.message()))?;
            (SecretString::from(hex(&bytes)), true)
        }
    };
    let hash = passwords::hash(&password).map_err(|e| failed(&e.message()))?;
    instance
        .catalog
        .alter_user(
            &system_actor(SYS),
            ROOT_USER,
            [UserChange::Password(hash)],
            Expected::Any,
        )
        .map_err(|e| failed(&e))?;
    Ok(is_random.then_some(password))
}

fn is_open_to_others(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    const OTHERS: u32 = 0o077;
    fs::metadata(file).is_ok_and(|found| found.permissions().mode() & OTHERS != 0)
}

fn read(file: &Path) -> Result<SecretString, OpenError> {
    let wrong = |why: &dyn std::fmt::Display| {
        OpenError::new(format!(
            "the setting auth.root_password_file, '{}': {why}",
            file.display()
        ))
    };
    let text = SecretString::from(
        fs::read_to_string(file).map_err(|e| wrong(&format_args!("failed to read it: {e}")))?,
    );
    if is_open_to_others(file) {
        tracing::warn!(
            file = %file.display(),
            "other users can read or change the file of auth.root_password_file: chmod 600, or remove it, for it is read at the first start alone"
        );
    }
    let password = text.expose_secret().trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(wrong(&"it is empty; it must hold the password"));
    }
    Ok(SecretString::from(password))
}
