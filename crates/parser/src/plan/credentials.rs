//! `CREDENTIALS = { 'key' = 'value', … }`.
//! Keys are a closed set with aliases; values are [`Secret`]s.

use crate::secret::Secret;
use crate::span::Spanned;

/// What a credential's key means, whichever of its spellings was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialKey {
    /// `access_key_id`, `AWS_KEY_ID`.
    AccessKeyId,
    /// `secret_access_key`, `AWS_SECRET_KEY`.
    SecretAccessKey,
    /// `AWS_TOKEN`.
    Token,
    /// `AWS_ROLE`.
    Role,
    /// `region`, `AWS_REGION`.
    Region,
    /// `endpoint`.
    Endpoint,
    /// `bucket`.
    Bucket,
    /// `provider`.
    Provider,
    /// `compression`.
    Compression,
}

impl CredentialKey {
    /// Every spelling, in the order in which messages list them.
    pub const NAMES: &[(&str, CredentialKey)] = &[
        ("access_key_id", CredentialKey::AccessKeyId),
        ("aws_key_id", CredentialKey::AccessKeyId),
        ("secret_access_key", CredentialKey::SecretAccessKey),
        ("aws_secret_key", CredentialKey::SecretAccessKey),
        ("aws_token", CredentialKey::Token),
        ("aws_role", CredentialKey::Role),
        ("region", CredentialKey::Region),
        ("aws_region", CredentialKey::Region),
        ("endpoint", CredentialKey::Endpoint),
        ("bucket", CredentialKey::Bucket),
        ("provider", CredentialKey::Provider),
        ("compression", CredentialKey::Compression),
    ];

    /// The key spelled `name`, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let known = Self::NAMES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, key)| *key)
    }

    /// Whether its value gives access and must never be shown.
    pub fn is_secret(self) -> bool {
        use CredentialKey::{AccessKeyId, Role, SecretAccessKey, Token};
        matches!(self, AccessKeyId | SecretAccessKey | Token | Role)
    }
}

/// One `'key' = 'value'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The key as typed; always one that [`CredentialKey::from_name`] knows.
    pub key: Spanned<String>,
    /// The value.
    pub value: Secret,
}

/// All of them, in the order given; each meaning at most once. May be empty (`{}`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The entries as typed.
    pub entries: Vec<Credential>,
}

impl Credentials {
    /// The value of `key`, under any of its spellings.
    pub fn get(&self, key: CredentialKey) -> Option<&Secret> {
        let named = |entry: &&Credential| CredentialKey::from_name(&entry.key) == Some(key);
        self.entries.iter().find(named).map(|entry| &entry.value)
    }
}
