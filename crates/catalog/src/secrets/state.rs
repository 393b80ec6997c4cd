//! What the catalog itself keeps about server keys: which one is in force, which one a rotation goes
//! to, values that show whether a given key is the right one, and the fingerprint key.

use secrecy::{ExposeSecret, ExposeSecretMut};

use super::cipher::{self, DataKey, KEY_BYTES, Random, Wrapped};
use super::key::{KeyId, ServerKey};
use crate::error::Error;

const CHECK_DOMAIN: &[u8] = b"stagedoor/server-key-check/1";
const FINGERPRINT_KEY_DOMAIN: &[u8] = b"stagedoor/fingerprint-key/1";
/// What is sealed to show that a key is the right one.
const CHECK: [u8; KEY_BYTES] = *b"the server key of this catalog.\n";

/// The one record of the catalog's server keys; there is none until the first secret is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct KeyState {
    /// Shows the key in force.
    pub(crate) current: Wrapped,
    /// Shows the key that a rotation goes to, while one is under way. It seals what is new.
    pub(crate) next: Option<Wrapped>,
    /// The key of all fingerprints; it never changes.
    pub(crate) fingerprint_key: Wrapped,
}

impl KeyState {
    /// For a catalog without secrets.
    pub(crate) fn new(random: Random<'_>, key: &ServerKey) -> Result<KeyState, Error> {
        let mut fingerprint_key = DataKey::default();
        random(fingerprint_key.expose_secret_mut())?;
        Ok(KeyState {
            current: check_value(random, key)?,
            next: None,
            fingerprint_key: Wrapped::wrap(
                random,
                key,
                &cipher::place(&[FINGERPRINT_KEY_DOMAIN]),
                fingerprint_key.expose_secret(),
            )?,
        })
    }

    /// The key that seals what is new.
    pub(super) fn active(&self) -> KeyId {
        self.next.unwrap_or(self.current).key_id
    }

    pub(super) fn fingerprint_key(&self, key: &ServerKey) -> Result<DataKey, Error> {
        self.fingerprint_key
            .unwrap(key, &cipher::place(&[FINGERPRINT_KEY_DOMAIN]))
            .ok_or_else(|| {
                Error::corrupt(
                    "the stored fingerprint key does not open; restore the catalog from a backup",
                )
            })
    }

    /// With a rotation to `to` under way.
    pub(crate) fn rotating(self, random: Random<'_>, to: &ServerKey) -> Result<KeyState, Error> {
        Ok(KeyState {
            next: Some(check_value(random, to)?),
            ..self
        })
    }

    /// With the rotation from `from` to `to` at its end: nothing more needs `from`.
    pub(super) fn rotated(
        &self,
        random: Random<'_>,
        from: &ServerKey,
        to: &ServerKey,
    ) -> Result<KeyState, Error> {
        let fingerprint_key = self.fingerprint_key(from)?;
        Ok(KeyState {
            current: check_value(random, to)?,
            next: None,
            fingerprint_key: Wrapped::wrap(
                random,
                to,
                &cipher::place(&[FINGERPRINT_KEY_DOMAIN]),
                fingerprint_key.expose_secret(),
            )?,
        })
    }
}

fn check_value(random: Random<'_>, key: &ServerKey) -> Result<Wrapped, Error> {
    Wrapped::wrap(random, key, &cipher::place(&[CHECK_DOMAIN]), &CHECK)
}

/// Checks that a key with the right name is the right key.
pub(super) fn check(value: &Wrapped, key: &ServerKey) -> Result<(), Error> {
    let opened = value.unwrap(key, &cipher::place(&[CHECK_DOMAIN]));
    if opened.is_some_and(|opened| *opened.expose_secret() == CHECK) {
        return Ok(());
    }
    Err(Error::corrupt(format!(
        "the check value of the server key {} does not open with the key of that name; restore the catalog from a backup",
        value.key_id
    )))
}
