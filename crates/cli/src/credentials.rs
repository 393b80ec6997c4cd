//! Who asks, and how it is proven: a login name with a password, or a token that an earlier login left.
//! Passwords come from a file, the environment or a prompt, never from the command line, which others can read.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::args::LoginOptions;
use crate::options::Environment;
use crate::output::complain;
use crate::usage::Usage;

/// No password is longer than this; a longer file is another file.
const PASSWORD_BYTES_MAX: u64 = 4096;

/// How a client proves who asks. No `Debug`: it holds secrets.
pub(crate) enum Credential {
    /// Nobody is named: an embedded server, or one that is asked without a login.
    Nobody,
    /// A login name and its password.
    Password {
        login: LoginName,
        password: SecretString,
    },
    /// A token, and whose it is, as in `sys:root`.
    Token { login: String, token: SecretString },
}

/// `account:user[:role]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoginName {
    account: String,
    user: String,
    role: Option<String>,
}

impl LoginName {
    /// Reads `user` (of account `sys`), `account:user` or `account:user:role`.
    ///
    /// # Errors
    /// The three forms. The text is not repeated: it may hold a password.
    pub(crate) fn parse(text: &str) -> Result<Self, Usage> {
        let parts: Vec<_> = text.split(':').collect();
        let (account, user, role) = match parts.as_slice() {
            [user] => ("sys", *user, None),
            [account, user] => (*account, *user, None),
            [account, user, role] => (*account, *user, Some(*role)),
            _ => ("", "", None),
        };
        if account.is_empty() || user.is_empty() || role == Some("") {
            return Err(Usage::new(
                "a login name must read like `user`, `account:user` or `account:user:role`, without a password: use --password-file, STAGEDOOR_PASSWORD or the prompt",
            ));
        }
        Ok(Self {
            account: account.to_owned(),
            user: user.to_owned(),
            role: role.map(str::to_owned),
        })
    }

    pub(crate) fn account(&self) -> &str {
        &self.account
    }

    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    pub(crate) fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }
}

impl std::fmt::Display for LoginName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.account, self.user)?;
        self.role.iter().try_for_each(|role| write!(f, ":{role}"))
    }
}

/// The login name of `--user` or STAGEDOOR_USER.
///
/// # Errors
/// A name of another form; a password, or a file with one, but nobody to log in.
pub(crate) fn login_name(
    args: &LoginOptions,
    env: Environment<'_>,
) -> Result<Option<LoginName>, Usage> {
    if args.password.is_some() {
        return Err(Usage::new(
            "passwords are not taken from the command line, which other users of the machine can read: use --password-file, STAGEDOOR_PASSWORD, or the prompt",
        ));
    }
    let text = match &args.user {
        Some(text) => Some(text.clone()),
        None => env.text("STAGEDOOR_USER")?,
    };
    match text {
        Some(text) => LoginName::parse(&text).map(Some),
        None if args.password_file.is_some() => Err(Usage::new(
            "--password-file needs --user 'account:user' (or STAGEDOOR_USER)",
        )),
        None => Ok(None),
    }
}

/// The password of `login`: from `--password-file`, else STAGEDOOR_PASSWORD, else whatever `ask` gets.
///
/// # Errors
/// The file cannot be read or holds no password; or `ask`'s.
pub(crate) fn password(
    login: &LoginName,
    file: Option<&Path>,
    env: Environment<'_>,
    ask: impl FnOnce(&LoginName) -> anyhow::Result<SecretString>,
) -> anyhow::Result<SecretString> {
    if let Some(path) = file {
        return read_password(path);
    }
    match env.text("STAGEDOOR_PASSWORD")? {
        Some(text) => Ok(text.into()),
        None => ask(login),
    }
}

/// Asks on the terminal, without echo.
///
/// # Errors
/// There is no terminal.
pub(crate) fn prompt(login: &LoginName) -> anyhow::Result<SecretString> {
    if File::open("/dev/tty").is_err() {
        anyhow::bail!(
            "no password for {login}, and no terminal to ask on: give --password-file FILE, or set STAGEDOOR_PASSWORD"
        );
    }
    let text = rpassword::prompt_password(format!("Password of {login}: "))
        .context("cannot ask for the password")?;
    Ok(text.into())
}

fn read_password(path: &Path) -> anyhow::Result<SecretString> {
    let cannot = || format!("cannot read the password file {}", path.display());
    let file = File::open(path).with_context(cannot)?;
    warn_if_others_can_read(&file, path, "password file");
    let mut text = Zeroizing::new(String::with_capacity(PASSWORD_BYTES_MAX as usize + 1));
    file.take(PASSWORD_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .with_context(cannot)?;
    anyhow::ensure!(
        text.len() as u64 <= PASSWORD_BYTES_MAX,
        "the password file {} is longer than a password can be ({PASSWORD_BYTES_MAX} bytes)",
        path.display()
    );
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    anyhow::ensure!(
        !password.is_empty(),
        "the password file {} is empty",
        path.display()
    );
    Ok(password.into())
}

/// Says so when other users of the machine can read the file. Pipes and devices are their maker's business.
pub(crate) fn warn_if_others_can_read(file: &File, path: &Path, what: &str) {
    if let Some(mode) = open_to_others(file) {
        complain(format_args!(
            "WARNING: the {what} {path} can be read by others (mode {mode:04o}): run `chmod 600 {path}`",
            path = path.display()
        ));
    }
}

/// The mode of a regular file that others than its owner may read or write.
pub(crate) fn open_to_others(file: &File) -> Option<u32> {
    let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let mode = metadata.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(test)]
mod tests;
