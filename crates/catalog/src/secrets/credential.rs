//! The credentials of a stage as callers see them: a checked, ordered list of named values, each of
//! them plain, a reference, a secret to be sealed, or a sealed one.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::seal::{Fingerprint, SealedSecret};
use crate::error::Error;

/// The most credentials of one stage.
pub const CREDENTIALS_MAX: usize = 64;
/// The longest name of a credential, in bytes.
pub const CREDENTIAL_NAME_BYTES_MAX: usize = 64;
/// The longest value of a credential, in bytes.
pub const CREDENTIAL_VALUE_BYTES_MAX: usize = 16 << 10;

const REFERENCE_SCHEMES: [&str; 2] = ["env:", "file:"];

/// What a credential's value is. It has no `Display`, and its `Debug` shows no secret.
#[derive(Clone)]
pub enum CredentialValue {
    /// Not secret, and stored as it is: a region, an endpoint, a bucket.
    Plain(String),
    /// Where the secret is to be found when it is used: `env:NAME` or `file:/path`. Stored as it is;
    /// the caller resolves it.
    Reference(String),
    /// A secret to be stored. Only input holds it, never a record.
    Secret(SecretString),
    /// A secret as it is stored; [`Catalog::credentials`](crate::Catalog::credentials) opens it.
    Sealed(SealedSecret),
    /// A secret that can never be opened again, for its key was thrown away.
    Shredded(Fingerprint),
}

/// What a credential's value is, without the value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CredentialKind {
    /// See [`CredentialValue::Plain`].
    Plain,
    /// See [`CredentialValue::Reference`].
    Reference,
    /// See [`CredentialValue::Secret`].
    Secret,
    /// See [`CredentialValue::Sealed`].
    Sealed,
    /// See [`CredentialValue::Shredded`].
    Shredded,
}

impl fmt::Debug for CredentialValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CredentialValue::Plain(text) => f.debug_tuple("Plain").field(text).finish(),
            CredentialValue::Reference(text) => f.debug_tuple("Reference").field(text).finish(),
            CredentialValue::Secret(_) => f.write_str("Secret(***)"),
            CredentialValue::Sealed(sealed) => sealed.fmt(f),
            CredentialValue::Shredded(fingerprint) => {
                f.debug_tuple("Shredded").field(fingerprint).finish()
            }
        }
    }
}

impl Eq for CredentialValue {}

/// Secrets are compared in constant time; a secret and a sealed one are never equal here, for that
/// takes the catalog's fingerprint key.
impl PartialEq for CredentialValue {
    fn eq(&self, other: &CredentialValue) -> bool {
        use CredentialValue::{Plain, Reference, Sealed, Secret, Shredded};
        match (self, other) {
            (Plain(a), Plain(b)) | (Reference(a), Reference(b)) => a == b,
            (Secret(a), Secret(b)) => {
                let (a, b) = (a.expose_secret().as_bytes(), b.expose_secret().as_bytes());
                a.ct_eq(b).into()
            }
            (Sealed(a), Sealed(b)) => a == b,
            (Shredded(a), Shredded(b)) => a == b,
            (Plain(_) | Reference(_) | Secret(_) | Sealed(_) | Shredded(_), _) => false,
        }
    }
}

/// One named value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credential {
    /// In lower case, as `access_key_id`; given by the caller, who knows the aliases.
    pub name: String,
    /// The value.
    pub value: CredentialValue,
}

impl Credential {
    /// A value that is not secret.
    pub fn plain(name: impl Into<String>, value: impl Into<String>) -> Credential {
        Credential {
            name: name.into(),
            value: CredentialValue::Plain(value.into()),
        }
    }

    /// A value that is found elsewhere when it is used: `env:NAME` or `file:/path`.
    pub fn reference(name: impl Into<String>, reference: impl Into<String>) -> Credential {
        Credential {
            name: name.into(),
            value: CredentialValue::Reference(reference.into()),
        }
    }

    /// A secret to be sealed.
    pub fn secret(name: impl Into<String>, value: impl Into<SecretString>) -> Credential {
        Credential {
            name: name.into(),
            value: CredentialValue::Secret(value.into()),
        }
    }

    /// What the value is.
    pub fn kind(&self) -> CredentialKind {
        match self.value {
            CredentialValue::Plain(_) => CredentialKind::Plain,
            CredentialValue::Reference(_) => CredentialKind::Reference,
            CredentialValue::Secret(_) => CredentialKind::Secret,
            CredentialValue::Sealed(_) => CredentialKind::Sealed,
            CredentialValue::Shredded(_) => CredentialKind::Shredded,
        }
    }

    /// The fingerprint of a stored secret.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        match &self.value {
            CredentialValue::Sealed(sealed) => Some(sealed.fingerprint()),
            CredentialValue::Shredded(fingerprint) => Some(*fingerprint),
            CredentialValue::Plain(_)
            | CredentialValue::Reference(_)
            | CredentialValue::Secret(_) => None,
        }
    }

    /// The value where it may be shown: of a plain one, or the reference itself.
    pub fn plain_value(&self) -> Option<&str> {
        match &self.value {
            CredentialValue::Plain(text) | CredentialValue::Reference(text) => Some(text),
            CredentialValue::Secret(_)
            | CredentialValue::Sealed(_)
            | CredentialValue::Shredded(_) => None,
        }
    }
}

/// The credentials of a stage, in the order in which they were given; names occur once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Credentials(Vec<Credential>);

impl Credentials {
    /// Checks and keeps a list.
    ///
    /// Errors: `Invalid` for more than 64, a name twice, a name that is not 1 to 64 characters of
    /// `a-z0-9_.-`, a value longer than 16 KiB, a reference that is not `env:NAME` or `file:/path`. No
    /// message repeats a value, nor a name that is not one, for it could be a value in the wrong place.
    pub fn new(list: Vec<Credential>) -> Result<Credentials, Error> {
        if list.len() > CREDENTIALS_MAX {
            return Err(Error::invalid(format!(
                "there are {} credentials, a stage has at most {CREDENTIALS_MAX}",
                list.len()
            )));
        }
        for (at, credential) in list.iter().enumerate() {
            check_name(at, &credential.name)?;
            if list.iter().take(at).any(|c| c.name == credential.name) {
                return Err(Error::invalid(format!(
                    "the credential {} is given twice",
                    credential.name
                )));
            }
            check_value(credential)?;
        }
        Ok(Credentials(list))
    }

    /// In order.
    pub fn iter(&self) -> std::slice::Iter<'_, Credential> {
        self.0.iter()
    }

    /// The one of this name.
    pub fn get(&self, name: &str) -> Option<&Credential> {
        self.0.iter().find(|credential| credential.name == name)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each credential put through `map`, which keeps names.
    pub(super) fn try_map(
        &self,
        mut map: impl FnMut(&Credential) -> Result<CredentialValue, Error>,
    ) -> Result<Credentials, Error> {
        let mapped = self.0.iter().map(|credential| {
            Ok(Credential {
                name: credential.name.clone(),
                value: map(credential)?,
            })
        });
        mapped.collect::<Result<_, Error>>().map(Credentials)
    }

    /// The secrets among them, as they are stored.
    pub(super) fn sealed(&self) -> impl Iterator<Item = (&str, &SealedSecret)> {
        self.0
            .iter()
            .filter_map(|credential| match &credential.value {
                CredentialValue::Sealed(sealed) => Some((credential.name.as_str(), sealed)),
                CredentialValue::Plain(_)
                | CredentialValue::Reference(_)
                | CredentialValue::Secret(_)
                | CredentialValue::Shredded(_) => None,
            })
    }
}

impl<'a> IntoIterator for &'a Credentials {
    type Item = &'a Credential;
    type IntoIter = std::slice::Iter<'a, Credential>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn check_name(at: usize, name: &str) -> Result<(), Error> {
    let is_taken = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-');
    if !name.is_empty() && name.len() <= CREDENTIAL_NAME_BYTES_MAX && name.bytes().all(is_taken) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "credential number {} has a name of {} bytes that is none; it must be 1 to {CREDENTIAL_NAME_BYTES_MAX} characters of a-z, 0-9, _, . and -",
        at + 1,
        name.len()
    )))
}

fn check_value(credential: &Credential) -> Result<(), Error> {
    let name = &credential.name;
    let bytes = match &credential.value {
        CredentialValue::Plain(text) => text.len(),
        CredentialValue::Reference(text) => {
            check_reference(name, text)?;
            text.len()
        }
        CredentialValue::Secret(text) => text.expose_secret().len(),
        // Checked when they were sealed.
        CredentialValue::Sealed(_) | CredentialValue::Shredded(_) => 0,
    };
    if bytes > CREDENTIAL_VALUE_BYTES_MAX {
        return Err(Error::invalid(format!(
            "the credential {name} has {bytes} bytes, it may have {CREDENTIAL_VALUE_BYTES_MAX}"
        )));
    }
    Ok(())
}

fn check_reference(name: &str, text: &str) -> Result<(), Error> {
    let is_reference = REFERENCE_SCHEMES
        .iter()
        .any(|scheme| text.strip_prefix(scheme).is_some_and(|of| !of.is_empty()));
    if is_reference {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the credential {name} is to be a reference, but is neither env:NAME nor file:/path"
    )))
}
