//! What a stage's credentials are, opened for one use: sealed secrets by the catalog, references by the server.
//! They live as long as the place that is opened with them.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;

use catalog::{OpenValue, StageRecord};
use parser::CredentialKey;
use secrecy::{ExposeSecret, SecretString};
use storage::{Bucket, BucketCredentials, Location};
use zeroize::Zeroizing;

use crate::error::{Error, Reason, Result};
use crate::gate::SYS;
use crate::instance::Instance;
use crate::settings::Settings;

/// No credential is longer: a file that is, is another one.
const REFERENCED_BYTES_MAX: u64 = 16 << 10;

/// A stage's credentials, as its bucket is opened with; `None` for a stage without any. Blocking.
///
/// # Errors
/// [`Reason::StageInvalid`] for those that make no bucket's credentials; [`Reason::PermissionDenied`] for a
/// reference that the operator does not permit (any more).
pub(super) fn open(
    instance: &Instance,
    account: &str,
    stage: &StageRecord,
) -> Result<Option<BucketCredentials>> {
    let opened = instance.catalog.credentials(account, stage)?;
    if opened.is_empty() {
        return Ok(None);
    }
    used(instance, account, opened.into_iter().map(Ok)).map(Some)
}

/// What says where a bucket is, and how its files are kept there, rather than who asks: it is the bucket's, and those
/// who use it with keys of their own are bound by it.
const OF_THE_BUCKET: [CredentialKey; 9] = [
    CredentialKey::Endpoint,
    CredentialKey::Bucket,
    CredentialKey::Region,
    CredentialKey::Provider,
    CredentialKey::AddressingStyle,
    CredentialKey::SignatureVersion,
    CredentialKey::Sse,
    CredentialKey::KmsKeyId,
    CredentialKey::StorageClass,
];

/// The credentials of `stage` for the bucket that another one has, in which it lies: its own keys, and of all that is
/// the bucket's what `bucket` says. Blocking.
///
/// # Errors
/// As [`open`]; [`Reason::StageInvalid`] for a stage that says another endpoint, say, than the bucket's.
pub(super) fn open_within(
    instance: &Instance,
    account: &str,
    stage: &StageRecord,
    bucket: &StageRecord,
) -> Result<BucketCredentials> {
    let mut values = instance.catalog.credentials(account, stage)?;
    let said = instance.catalog.credentials(account, bucket)?;
    let has_credentials = !said.is_empty();
    let otherwise = |name: &str| {
        Error::internal(
            Reason::StageInvalid,
            format_args!(
                "stage '{}' says another '{name}' than stage '{}', in whose bucket it lies; leave it out",
                stage.name, bucket.name
            ),
        )
    };
    let (mut of_the_bucket, mut is_said) = (Vec::new(), BTreeSet::new());
    for (name, theirs) in said {
        let OpenValue::Plain(theirs) = theirs else {
            continue;
        };
        if !CredentialKey::from_name(&name).is_some_and(|key| OF_THE_BUCKET.contains(&key)) {
            continue;
        }
        let own = values.iter().find(|(own, _)| *own == name);
        match own {
            None => of_the_bucket.push((name, OpenValue::Plain(theirs))),
            Some((_, OpenValue::Plain(own))) if is_same(own, &theirs) => {
                is_said.insert(name);
            }
            Some(_) => return Err(otherwise(&name)),
        }
    }
    // What the bucket's stage leaves open is the provider's own, where it has credentials at all.
    if has_credentials {
        for key in [
            CredentialKey::Endpoint,
            CredentialKey::Provider,
            CredentialKey::Bucket,
        ] {
            let says = values.iter().any(|(own, _)| own == key.as_str());
            if says && !is_said.contains(key.as_str()) {
                return Err(otherwise(key.as_str()));
            }
        }
    }
    values.extend(of_the_bucket);
    used(instance, account, values.into_iter().map(Ok))
}

/// `https://Host/` is `https://host`.
fn is_same(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.trim().trim_end_matches('/').to_ascii_lowercase();
    plain(one) == plain(other)
}

/// Credentials of an account ready for use. Blocking.
///
/// # Errors
/// As [`open`], and those of the values.
pub(super) fn used(
    instance: &Instance,
    account: &str,
    values: impl Iterator<Item = Result<(String, OpenValue)>>,
) -> Result<BucketCredentials> {
    let pairs = values
        .map(|value| {
            let (name, value) = value?;
            let value = match value {
                OpenValue::Plain(text) => SecretString::from(text),
                OpenValue::Secret(secret) => secret,
                OpenValue::Reference(reference)
                    if !CredentialKey::from_name(&name).is_some_and(CredentialKey::is_secret) =>
                {
                    // Kept by an earlier version: errors may tell the value of what is no secret.
                    return Err(Error::internal(
                        Reason::StageInvalid,
                        format_args!(
                            "credential '{name}' is the reference '{reference}', but only keys, tokens and roles may be references: write it out"
                        ),
                    ));
                }
                OpenValue::Reference(reference) => {
                    check_reference(&instance.settings, account, &reference)?;
                    resolve(&name, &reference)?
                }
            };
            Ok((name, value))
        })
        .collect::<Result<Vec<_>>>()?;
    BucketCredentials::from_pairs(pairs)
        .map_err(|e| Error::internal(Reason::StageInvalid, &e).with_source(e))
}

/// Stands for a value that is not there yet, where any value would do.
const ANY_VALUE: &str = "any";

/// Credentials that a stage is to have, as far as they are known before they are used. Keys in the catalog's spelling.
pub(crate) struct Proposed(Vec<(String, Value)>);

enum Value {
    Known(SecretString),
    /// A reference to what the server's surroundings do not hold, or not yet.
    Unknown,
}

impl Proposed {
    /// Those of a statement or call. References must have been permitted.
    pub(crate) fn given(given: &[(CredentialKey, SecretString)]) -> Self {
        let values = given.iter().map(|(key, value)| {
            let name = key.as_str();
            let text = value.expose_secret();
            let value = match text.starts_with("env:") || text.starts_with("file:") {
                true => Value::referred(name, text),
                false => Value::Known(value.clone()),
            };
            (name.to_owned(), value)
        });
        Self(values.collect())
    }

    /// Those that a stage has. Blocking.
    ///
    /// # Errors
    /// The catalog's.
    pub(crate) fn of_stage(
        instance: &Instance,
        account: &str,
        stage: &StageRecord,
    ) -> Result<Self> {
        let values = instance.catalog.credentials(account, stage)?;
        let values = values.into_iter().map(|(name, value)| {
            let value = match value {
                OpenValue::Plain(text) => Value::Known(SecretString::from(text)),
                OpenValue::Secret(secret) => Value::Known(secret),
                OpenValue::Reference(reference) => Value::referred(&name, &reference),
            };
            (name, value)
        });
        Ok(Self(values.collect()))
    }

    /// That they could open this location, as far as can be told without a connection. None at all may do: a
    /// sub-stage may have its own.
    ///
    /// # Errors
    /// [`Reason::StageInvalid`], saying what is missing or does not fit; [`Reason::PermissionDenied`] for an endpoint that
    /// the operator does not permit, be it the one that the region stands for.
    pub(crate) fn check_for(self, location: &Location, instance: &Instance) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let is_bucket = match location {
            Location::Bucket { .. } => true,
            // Which bucket, its stages say when it is used.
            Location::SubStage { .. } => false,
            Location::Folder { .. } | Location::Memory(_) => return Ok(()),
        };
        let mut pairs = Vec::with_capacity(self.0.len());
        for (name, value) in self.0 {
            match value {
                Value::Known(value) => pairs.push((name, value)),
                Value::Unknown => {
                    // Of the other keys the value decides what else is needed.
                    if !CredentialKey::from_name(&name).is_some_and(CredentialKey::is_secret) {
                        return Ok(());
                    }
                    pairs.push((name, SecretString::from(ANY_VALUE)));
                }
            }
        }
        let invalid = |e| Error::invalid_configuration(Reason::StageInvalid, &e);
        let credentials = BucketCredentials::from_pairs(pairs).map_err(invalid)?;
        match is_bucket {
            true => {
                let checked = Bucket::check(location, &credentials, &instance.transport);
                checked.map_err(|e| match storage::Error::from(e) {
                    e if e.kind() == storage::ErrorKind::PermissionDenied => {
                        Error::internal(Reason::PermissionDenied, &e).with_source(e)
                    }
                    e => invalid(e),
                })
            }
            false => Ok(()),
        }
    }
}

impl Value {
    fn referred(name: &str, reference: &str) -> Self {
        match resolve(name, reference) {
            Ok(value) => Self::Known(value),
            Err(_) => Self::Unknown,
        }
    }
}

/// That the operator permits a credential by this reference (`secrets.references`).
///
/// # Errors
/// [`Reason::PermissionDenied`].
pub(crate) fn check_reference(settings: &Settings, account: &str, reference: &str) -> Result<()> {
    let allowed = &settings.secrets.references;
    // What the operator keeps beside the server is the cluster's own; no tenant may use it.
    let is_allowed = account == SYS
        && allowed
            .iter()
            .any(|allowed| match allowed.strip_suffix('*') {
                Some(prefix) => reference.starts_with(prefix),
                // A folder stands for what is in it; `..` never gets out of it.
                None => {
                    reference == allowed
                        || (allowed.ends_with('/') && reference.starts_with(allowed.as_str()))
                }
            })
        && !reference.split('/').any(|part| part == "..");
    if is_allowed {
        return Ok(());
    }
    Err(Error::internal(
        Reason::PermissionDenied,
        "a credential by reference (env:… or file:…) that the setting secrets.references does not list, or in another account than sys",
    ))
}

/// The value that a reference stands for; a line end behind it is no part of it.
pub(crate) fn resolve(name: &str, reference: &str) -> Result<SecretString> {
    let failed = |why: String| {
        Error::internal(
            Reason::StageInvalid,
            format_args!("credential '{name}' is '{reference}', which cannot be read: {why}"),
        )
    };
    if let Some(variable) = reference.strip_prefix("env:") {
        return match std::env::var(variable) {
            Ok(value) => Ok(SecretString::from(value)),
            Err(std::env::VarError::NotPresent) => {
                Err(failed("the server has no such variable".to_owned()))
            }
            Err(std::env::VarError::NotUnicode(_)) => Err(failed("it is no text".to_owned())),
        };
    }
    let Some(path) = reference.strip_prefix("file:") else {
        return Err(failed("it begins with neither env: nor file:".to_owned()));
    };
    let mut text = Zeroizing::new(String::new());
    let read = fs::File::open(path)
        .and_then(|file| {
            file.take(REFERENCED_BYTES_MAX + 1)
                .read_to_string(&mut text)
        })
        .map_err(|e| failed(e.to_string()))?;
    if read as u64 > REFERENCED_BYTES_MAX {
        return Err(failed(format!(
            "it is longer than {REFERENCED_BYTES_MAX} bytes"
        )));
    }
    Ok(SecretString::from(
        text.trim_end_matches(['\n', '\r']).to_owned(),
    ))
}
