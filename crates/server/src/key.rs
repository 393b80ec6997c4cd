//! The server key, under which secrets are sealed: from a file that is made on first start, from an
//! environment variable, or from a program's output. It is never logged and in no error.

mod command;
mod file;
mod files;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use catalog::{KeyId, KeyRing, ServerKey};
use zeroize::Zeroizing;

pub(crate) use self::files::KeyFiles;
use crate::instance::OpenError;
use crate::settings::Settings;

/// What the text form begins with; the digit is its version.
const TEXT_PREFIX: &str = "sdkey1:";

/// Length of a key.
const KEY_BYTES: usize = 32;

/// Base64 of a key, with padding.
const TEXT_BASE64_CHARS: usize = 44;

/// No text form is longer, with all the blanks around it; more is not read.
const SOURCE_BYTES_MAX: u64 = 4096;

/// The file in the data directory, when the settings name no other place.
const FILE_NAME: &str = "server.key";

/// The 32 bytes of a server key: zeroed when dropped, never shown.
pub struct ServerKeyBytes(Zeroizing<[u8; KEY_BYTES]>);

impl ServerKeyBytes {
    /// The key itself. What copies it has to zero the copy.
    pub fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// As the catalog takes it.
    pub(crate) fn to_server_key(&self) -> Arc<ServerKey> {
        Arc::new(ServerKey::from_bytes(self.expose()))
    }

    /// Its name, which tells nothing else about it.
    pub(crate) fn id(&self) -> KeyId {
        self.to_server_key().id()
    }

    pub(crate) fn generate() -> Result<Self, String> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(&mut *bytes)
            .map_err(|e| format!("the operating system gives no random bytes: {e}"))?;
        Ok(Self(bytes))
    }

    /// Reads `sdkey1:` and base64 of 32 bytes, with blanks and line ends around it.
    fn parse(text: &str) -> Result<Self, String> {
        let malformed = |found: &str| {
            Err(format!(
                "{found}; a server key is one line: {TEXT_PREFIX} and {TEXT_BASE64_CHARS} characters of base64"
            ))
        };
        let text = text.trim();
        if text.is_empty() {
            return malformed("it is empty");
        }
        let Some(base64) = text.strip_prefix(TEXT_PREFIX) else {
            return malformed(&format!("it does not begin with {TEXT_PREFIX}"));
        };
        if base64.len() != TEXT_BASE64_CHARS {
            let found = format!("there are {} characters after {TEXT_PREFIX}", base64.len());
            return malformed(&found);
        }
        // The decoder asks for room for whole groups of four characters.
        let mut decoded = Zeroizing::new([0; KEY_BYTES + 1]);
        let bytes = match STANDARD.decode_slice(base64, &mut *decoded) {
            Ok(KEY_BYTES) => decoded.first_chunk::<KEY_BYTES>(),
            Ok(_) | Err(_) => None,
        };
        match bytes {
            Some(bytes) => Ok(Self(Zeroizing::new(*bytes))),
            None => malformed(&format!(
                "what comes after {TEXT_PREFIX} is no base64 of 32 bytes"
            )),
        }
    }

    /// The text form, as one line.
    fn to_line(&self) -> Zeroizing<String> {
        // As long as it gets, so that no growth leaves a copy behind.
        let capacity = TEXT_PREFIX.len() + TEXT_BASE64_CHARS + 1;
        let mut line = Zeroizing::new(String::with_capacity(capacity));
        line.push_str(TEXT_PREFIX);
        STANDARD.encode_string(self.expose(), &mut line);
        line.push('\n');
        line
    }
}

impl fmt::Debug for ServerKeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The server key from where the settings say. A key file is made when the data directory is new, so it
/// has to be called before the catalog is made. Blocking, for up to 30 s when a program gives the key.
///
/// # Errors
/// Ready for an operator: no key although the data directory has a catalog, a key in another form, a file
/// that others can read, a program that fails.
pub fn load_or_create(settings: &Settings) -> Result<ServerKeyBytes, OpenError> {
    let found = match Place::of(settings) {
        Place::Environment(name) => from_environment(name, std::env::var_os(name)),
        Place::Command(command) => command::output(command).and_then(|text| {
            ServerKeyBytes::parse(&text)
                .map_err(|why| format!("the output of secrets.key_command is no server key: {why}"))
        }),
        Place::File(path) => {
            let is_new = !settings.data_dir.join("catalog").exists();
            file::load_or_create(&path, is_new)
        }
    };
    found.map_err(OpenError::new)
}

/// Where the settings say that the server key is.
pub(crate) enum Place<'a> {
    File(PathBuf),
    /// The variable's name.
    Environment(&'a str),
    /// A program and its arguments.
    Command(&'a [String]),
}

impl<'a> Place<'a> {
    pub(crate) fn of(settings: &'a Settings) -> Self {
        let secrets = &settings.secrets;
        if let Some(name) = &secrets.key_env {
            Self::Environment(name)
        } else if let Some(command) = &secrets.key_command {
            Self::Command(command)
        } else {
            let own = || settings.data_dir.join(FILE_NAME);
            Self::File(secrets.key_file.clone().unwrap_or_else(own))
        }
    }
}

/// The server key, and beside it those that a rotation which is not finished still needs.
///
/// # Errors
/// Those of [`load_or_create`], for each key.
pub(crate) fn ring(settings: &Settings) -> Result<KeyRing, OpenError> {
    let ring = KeyRing::new(load_or_create(settings)?.to_server_key());
    let Place::File(path) = Place::of(settings) else {
        return Ok(ring);
    };
    let files = KeyFiles::beside(&path)?;
    if files.new.is_some() || !files.old.is_empty() {
        tracing::warn!(
            file = %path.display(),
            "a rotation of the server key is not finished, and both keys are used: stop the server, and run `stagedoor admin rotate-key` again"
        );
    }
    let others = files.new.iter().chain(files.old.iter().map(|(_, key)| key));
    Ok(others.fold(ring, |ring, key| ring.with_previous(key.to_server_key())))
}

/// The key of a file, which must be there.
///
/// # Errors
/// Ready for an operator: no such file, one that others can read, one that holds no key.
pub(crate) fn load_file(path: &Path) -> Result<ServerKeyBytes, OpenError> {
    file::load(path).map_err(OpenError::new)
}

fn from_environment(
    name: &str,
    value: Option<std::ffi::OsString>,
) -> Result<ServerKeyBytes, String> {
    let value = value.ok_or_else(|| {
        format!("secrets.key_env names {name}, but there is no such environment variable")
    })?;
    let text = value.into_string().map(Zeroizing::new).map_err(|_| {
        format!(
            "the environment variable {name} (secrets.key_env) is no server key: it is not UTF-8"
        )
    })?;
    ServerKeyBytes::parse(&text).map_err(|why| {
        format!("the environment variable {name} (secrets.key_env) is no server key: {why}")
    })
}

#[cfg(test)]
mod tests;
