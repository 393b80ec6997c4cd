//! The file in which `stagedoor login` keeps tokens, by server: the owner's alone, written as a whole.
//! A file that others can read is refused, for what is in it may no longer be a secret.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::connect::ServerUrl;
use crate::credentials::open_to_others;
use crate::dirs;
use crate::options::Environment;

/// The version of the file that this program reads and writes.
const VERSION: u32 = 1;

/// The file. It need not exist.
#[derive(Debug)]
pub(crate) struct TokenFile {
    path: PathBuf,
}

/// What a login left. No `Debug`: it holds a token.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptLogin {
    #[serde(serialize_with = "exposed", deserialize_with = "concealed")]
    pub(crate) token: SecretString,
    /// The token's resource name, `tokens/{token_id}`; no secret.
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) user: String,
    pub(crate) role: String,
    /// When the token expires, in seconds since the Unix epoch.
    pub(crate) expires_s: i64,
}

/// What the file holds, by the URLs of the servers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    version: u32,
    logins: BTreeMap<String, KeptLogin>,
}

/// What every version of the file begins with.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl TokenFile {
    /// The user's file: `$XDG_CONFIG_HOME/stagedoor/tokens.json`, or below `~/.config`; `None` without a home.
    pub(crate) fn of_user(env: Environment<'_>) -> Option<Self> {
        dirs::tokens_file(|name| env.get(name)).map(|path| Self { path })
    }

    /// The login that is kept for a server.
    ///
    /// # Errors
    /// Others can read the file, or it cannot be read.
    pub(crate) fn find(&self, url: &ServerUrl) -> anyhow::Result<Option<KeptLogin>> {
        Ok(self.read()?.logins.remove(url.as_str()))
    }

    /// Keeps a login for a server; gives back the one that it replaces.
    ///
    /// # Errors
    /// As [`TokenFile::find`]; or the file cannot be written, and is as it was.
    pub(crate) fn keep(
        &self,
        url: &ServerUrl,
        login: KeptLogin,
    ) -> anyhow::Result<Option<KeptLogin>> {
        self.change(|logins| logins.insert(url.as_str().to_owned(), login))
    }

    /// Forgets the login for a server, and gives it back.
    ///
    /// # Errors
    /// As [`TokenFile::keep`].
    pub(crate) fn forget(&self, url: &ServerUrl) -> anyhow::Result<Option<KeptLogin>> {
        if self.find(url)?.is_none() {
            return Ok(None);
        }
        self.change(|logins| logins.remove(url.as_str()))
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, KeptLogin>) -> T,
    ) -> anyhow::Result<T> {
        let cannot = || format!("cannot keep logins in {}", self.path.display());
        let dir = self.path.parent().unwrap_or(Path::new("/"));
        make_private(dir).with_context(cannot)?;
        // Two logins at once would each write the file without the other's; the lock ends with the handle.
        let lock = File::open(dir).with_context(cannot)?;
        lock.lock().with_context(cannot)?;
        let mut contents = self.read()?;
        let answer = change(&mut contents.logins);
        self.write(dir, &contents).with_context(cannot)?;
        Ok(answer)
    }

    fn read(&self) -> anyhow::Result<Contents> {
        let path = self.path.display();
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Contents {
                    version: VERSION,
                    logins: BTreeMap::new(),
                });
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {path}")),
        };
        if let Some(mode) = open_to_others(&file) {
            anyhow::bail!(
                "{path} holds logins, and others can read it (mode {mode:04o}): run `chmod 600 {path}`, and log in again if somebody may have done so"
            );
        }
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text)
            .with_context(|| format!("cannot read {path}"))?;
        parse(&text).with_context(|| {
            format!("cannot read {path}; without the file, `stagedoor login` makes a new one")
        })
    }

    /// Replaces the file as a whole. A temporary file has mode 0600 from the start.
    fn write(&self, dir: &Path, contents: &Contents) -> anyhow::Result<()> {
        let mut text = Zeroizing::new(serde_json::to_vec_pretty(contents)?);
        text.push(b'\n');
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(&text)?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        File::open(dir)?.sync_all()?;
        Ok(())
    }
}

/// Makes the directory, mode 0700, and takes away what others were allowed in it.
fn make_private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
}

/// Errors say where the text is wrong, never what it holds.
fn parse(text: &str) -> anyhow::Result<Contents> {
    let wrong = |error: serde_json::Error| {
        anyhow::anyhow!("line {} is not what a login writes", error.line())
    };
    let Versioned { version } = serde_json::from_str(text).map_err(wrong)?;
    anyhow::ensure!(
        version == VERSION,
        "it is of version {version}, and this program knows version {VERSION}"
    );
    serde_json::from_str(text).map_err(wrong)
}

fn exposed<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

fn concealed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

#[cfg(test)]
mod tests;
