//! Secrets: credentials of stages, sealed when a version of a stage is stored and opened on demand,
//! with the server keys that the catalog was opened with. docs/decisions/0006 says why it is so.

mod cipher;
mod comparing;
mod credential;
mod key;
mod rotation;
mod seal;
mod shred;
mod state;

pub use credential::{
    CREDENTIAL_NAME_BYTES_MAX, CREDENTIAL_VALUE_BYTES_MAX, CREDENTIALS_MAX, Credential,
    CredentialKind, CredentialValue, Credentials,
};
pub use key::{KeyId, KeyRing, ServerKey};
pub use rotation::{RotationReport, RotationState};
pub use seal::{Fingerprint, SealedSecret};

pub(crate) use cipher::Wrapped;
pub(crate) use comparing::Comparable;
pub(crate) use seal::Owner;
pub(crate) use state::KeyState;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretBox, SecretString};

use self::cipher::DataKey;
use crate::error::{Error, ErrorKind};
use crate::exports::ExportRecord;
use crate::stages::StageRecord;
use crate::store::{Draft, Store, View};
use crate::{Catalog, keys};

/// The value of a credential, ready for use.
#[derive(Clone, Debug)]
pub enum OpenValue {
    /// Not secret.
    Plain(String),
    /// `env:NAME` or `file:/path`, which the caller resolves.
    Reference(String),
    /// The secret itself; its `Debug` does not show it.
    Secret(SecretString),
}

impl Catalog {
    /// The credentials of one version of a stage of `account`, opened, in their order.
    ///
    /// Errors: `KeyMissing` when the catalog was opened without the server key that they are sealed by;
    /// `NotFound` when one of them was shredded; `Corrupt` when one does not open, be it damaged or that
    /// of another stage, version or account.
    pub fn credentials(
        &self,
        account: &str,
        stage: &StageRecord,
    ) -> Result<Vec<(String, OpenValue)>, Error> {
        let owner = Owner::Stage {
            account,
            id: stage.id,
        };
        let whose = format!("the stage {} at version {}", stage.name, stage.version);
        self.opened(owner, &whose, &stage.definition.credentials)
    }

    /// The credentials of an unfinished export that goes to no stage, opened, in their order; none once it has
    /// ended.
    ///
    /// Errors: as [`Catalog::credentials`].
    pub fn export_credentials(
        &self,
        export: &ExportRecord,
    ) -> Result<Vec<(String, OpenValue)>, Error> {
        let owner = Owner::Export {
            account: &export.account,
            id: &export.id,
        };
        let whose = format!("the export {}", export.id);
        self.opened(owner, &whose, &export.credentials)
    }

    pub(crate) fn opened(
        &self,
        owner: Owner<'_>,
        whose: &str,
        credentials: &Credentials,
    ) -> Result<Vec<(String, OpenValue)>, Error> {
        let place = |name: &str| format!("the credential {name} of {whose}");
        let open = |credential: &Credential| {
            let name = &credential.name;
            match &credential.value {
                CredentialValue::Plain(text) => Ok(OpenValue::Plain(text.clone())),
                CredentialValue::Reference(text) => Ok(OpenValue::Reference(text.clone())),
                CredentialValue::Secret(text) => Ok(OpenValue::Secret(text.clone())),
                CredentialValue::Sealed(sealed) => {
                    let key = self.secrets.key(sealed.key_id())?;
                    let text = sealed.open(&key, owner, name).ok_or_else(|| {
                        Error::corrupt(format!(
                            "{} does not open: it is damaged, or of another place; give new credentials",
                            place(name)
                        ))
                    })?;
                    let text = std::str::from_utf8(&text)
                        .map_err(|_| Error::corrupt(format!("{} is not UTF-8", place(name))))?;
                    // Copied at its length, so that no longer buffer is left behind.
                    Ok(OpenValue::Secret(SecretString::from(text)))
                }
                CredentialValue::Shredded(_) => Err(Error::not_found(format!(
                    "{} was shredded; give new credentials",
                    place(name)
                ))),
            }
        };
        credentials
            .iter()
            .map(|credential| Ok((credential.name.clone(), open(credential)?)))
            .collect()
    }
}

impl Catalog {
    /// A key for one purpose of the server's own, derived from the server key that seals its secrets. Nothing of it is
    /// stored; after a rotation of the server key it is another one.
    ///
    /// Errors: `KeyMissing` when the catalog was opened without a server key.
    pub fn derived_key(&self, purpose: &str) -> Result<SecretBox<[u8; 32]>, Error> {
        let state = self.store.read(stored)?;
        let key = match state {
            Some(state) => self.secrets.key(state.active())?,
            None => self.secrets.current()?,
        };
        Ok(cipher::derive(
            key.bytes(),
            &[DERIVED_DOMAIN, purpose.as_bytes()],
        ))
    }
}

const DERIVED_DOMAIN: &[u8] = b"stagedoor/derived-key/1";

/// The server keys that the catalog was opened with.
pub(crate) struct Secrets {
    ring: RwLock<Option<KeyRing>>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// Checks that the keys given are those that the catalog's secrets are sealed by. Without any, all
    /// but its secrets can be used.
    pub(crate) fn open(store: &Store, ring: Option<KeyRing>) -> Result<Secrets, Error> {
        if let Some(ring) = &ring {
            store.read(|view| match stored(view)? {
                Some(state) => check_ring(view, ring, &state),
                None => Ok(()),
            })?;
        }
        Ok(Secrets {
            ring: RwLock::new(ring),
        })
    }

    /// What a version of a stage stores for the credentials that a caller gives: the secrets among them
    /// sealed, or all as they were `before` when none has another value.
    ///
    /// A sealed or shredded credential may be given back as it was; that of another stage, or under
    /// another name, is `Invalid`.
    pub(crate) fn settle(
        &self,
        draft: &mut Draft<'_>,
        owner: Owner<'_>,
        version: u64,
        before: &Credentials,
        given: &Credentials,
    ) -> Result<Credentials, Error> {
        let has_secret = given.iter().any(|c| c.kind() == CredentialKind::Secret);
        let sealer = if has_secret {
            Some(self.sealer(draft)?)
        } else {
            None
        };
        let is_as_before = |credential: &Credential| {
            let before = before.get(&credential.name).map(|before| &before.value);
            match (&credential.value, before, &sealer) {
                (
                    CredentialValue::Secret(text),
                    Some(CredentialValue::Sealed(before)),
                    Some(sealer),
                ) => sealer.fingerprint(&credential.name, text) == before.fingerprint(),
                (value, before, _) => Some(value) == before,
            }
        };
        if given.len() == before.len() && given.iter().all(is_as_before) {
            return Ok(before.clone());
        }
        given.try_map(|credential| {
            let name = &credential.name;
            match (&credential.value, &sealer) {
                (value @ (CredentialValue::Plain(_) | CredentialValue::Reference(_)), _) => {
                    Ok(value.clone())
                }
                (CredentialValue::Secret(text), Some(sealer)) => {
                    let value = (text.expose_secret(), sealer.fingerprint(name, text));
                    SealedSecret::seal(&cipher::random, &sealer.key, owner, version, name, value)
                        .map(CredentialValue::Sealed)
                }
                (CredentialValue::Secret(_), None) => Err(unsealed(name)),
                (value @ (CredentialValue::Sealed(_) | CredentialValue::Shredded(_)), _) => {
                    match before.get(name) {
                        Some(before) if before.value == *value => Ok(before.value.clone()),
                        Some(_) | None => Err(Error::invalid(format!(
                            "the credential {name} is sealed for another place; give its value anew"
                        ))),
                    }
                }
            }
        })
    }

    /// A server key of the ring.
    fn key(&self, id: KeyId) -> Result<Arc<ServerKey>, Error> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let ring = ring.as_ref().ok_or_else(|| {
            key_missing(format!(
                "no server key was given, and the secret is sealed by the server key {id}; open the catalog with that key"
            ))
        })?;
        ring.key(id).ok_or_else(|| lacks(ring, id))
    }

    /// The key of the ring that a catalog without secrets begins with.
    fn current(&self) -> Result<Arc<ServerKey>, Error> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let key = ring.as_ref().map(|ring| ring.current().clone());
        key.ok_or_else(|| {
            key_missing(
                "no server key was given, so no secret can be stored; open the catalog with a server key"
                    .to_owned(),
            )
        })
    }

    /// What seals in this mutation. The first one in a catalog makes the state of its keys.
    fn sealer(&self, draft: &mut Draft<'_>) -> Result<Sealer, Error> {
        let made_here = draft.own(&keys::server_keys())?;
        if let Some(state) = made_here.or(stored(draft.view())?) {
            return Ok(Sealer {
                key: self.key(state.active())?,
                fingerprint_key: state
                    .fingerprint_key(&*self.key(state.fingerprint_key.key_id)?)?,
            });
        }
        let key = self.current()?;
        let state = KeyState::new(&cipher::random, &key)?;
        let fingerprint_key = state.fingerprint_key(&key)?;
        draft.put(keys::server_keys(), &state);
        Ok(Sealer {
            key,
            fingerprint_key,
        })
    }
}

/// Seals the secrets of one mutation.
struct Sealer {
    key: Arc<ServerKey>,
    fingerprint_key: DataKey,
}

impl Sealer {
    fn fingerprint(&self, field: &str, value: &SecretString) -> Fingerprint {
        Fingerprint::of(
            self.fingerprint_key.expose_secret(),
            field,
            value.expose_secret(),
        )
    }
}

/// Checks that no secret is about to be stored as it is.
pub(crate) fn check_sealed(credentials: &Credentials) -> Result<(), Error> {
    let secret = credentials
        .iter()
        .find(|c| c.kind() == CredentialKind::Secret);
    secret.map_or(Ok(()), |secret| Err(unsealed(&secret.name)))
}

/// Checks that a version to go back to has all its secrets.
pub(crate) fn check_not_shredded(stage: &StageRecord) -> Result<(), Error> {
    let mut credentials = stage.definition.credentials.iter();
    match credentials.find(|c| c.kind() == CredentialKind::Shredded) {
        None => Ok(()),
        Some(credential) => Err(Error::invalid(format!(
            "the credential {} of the stage {} at version {} was shredded, so that version cannot come back; alter the stage instead",
            credential.name, stage.name, stage.version
        ))),
    }
}

fn unsealed(name: &str) -> Error {
    Error::invalid(format!(
        "the credential {name} is not sealed, and is not stored like this"
    ))
}

/// The server key that seals what is new; `None` before the first secret.
pub(crate) fn active_key(view: View<'_>) -> Result<Option<KeyId>, Error> {
    Ok(stored(view)?.map(|state| state.active()))
}

fn stored(view: View<'_>) -> Result<Option<KeyState>, Error> {
    view.get(&keys::server_keys())
}

fn check_ring(view: View<'_>, ring: &KeyRing, state: &KeyState) -> Result<(), Error> {
    for value in [Some(&state.current), state.next.as_ref()]
        .into_iter()
        .flatten()
    {
        match ring.key(value.key_id) {
            Some(key) => state::check(value, &key)?,
            None => {
                return Err(match &state.next {
                    None => lacks(ring, value.key_id),
                    Some(next) => key_missing(format!(
                        "{}; the rotation from the server key {} to {} is not finished ({} secrets of versions are left) and needs both",
                        lacks(ring, value.key_id),
                        state.current.key_id,
                        next.key_id,
                        rotation::left(view, next.key_id)?
                    )),
                });
            }
        }
    }
    Ok(())
}

fn lacks(ring: &KeyRing, id: KeyId) -> Error {
    let given: Vec<String> = ring.ids().iter().map(KeyId::to_string).collect();
    key_missing(format!(
        "the secrets of this catalog are sealed by the server key {id}, and the key given is {}; open it with the key {id}",
        given.join(" and ")
    ))
}

fn key_missing(message: String) -> Error {
    Error::new(ErrorKind::KeyMissing, message)
}
