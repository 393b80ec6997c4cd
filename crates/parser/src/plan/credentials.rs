//! `CREDENTIALS = { 'key' = 'value', … }`, and values of it and of IDENTIFIED BY.
//! Keys are a closed set with aliases; values are [`Secret`]s, or parameters that stand for one.

use crate::plan::parameter::ParameterRef;
use crate::secret::Secret;
use crate::span::Spanned;

/// What a credential's key means, whichever of its spellings was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialKey {
    /// `access_key_id`, `AWS_KEY_ID`.
    AccessKeyId,
    /// `secret_access_key`, `AWS_SECRET_KEY`.
    SecretAccessKey,
    /// `AWS_TOKEN`, `session_token`.
    Token,
    /// `AWS_ROLE`, `role_arn`.
    Role,
    /// `external_id`, which goes with a role.
    ExternalId,
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
    /// `sse`: how the store encrypts.
    Sse,
    /// `kms_key_id`: the store's key, when it encrypts with one of its own.
    KmsKeyId,
    /// `storage_class`.
    StorageClass,
    /// `addressing_style`: whether the bucket is in the host's name or in the path.
    AddressingStyle,
    /// `signature_version`.
    SignatureVersion,
}

impl CredentialKey {
    /// Every spelling, in the order in which messages list them.
    pub const NAMES: &[(&str, CredentialKey)] = &[
        ("access_key_id", CredentialKey::AccessKeyId),
        ("aws_key_id", CredentialKey::AccessKeyId),
        ("secret_access_key", CredentialKey::SecretAccessKey),
        ("aws_secret_key", CredentialKey::SecretAccessKey),
        ("aws_token", CredentialKey::Token),
        ("session_token", CredentialKey::Token),
        ("aws_role", CredentialKey::Role),
        ("role_arn", CredentialKey::Role),
        ("external_id", CredentialKey::ExternalId),
        ("region", CredentialKey::Region),
        ("aws_region", CredentialKey::Region),
        ("endpoint", CredentialKey::Endpoint),
        ("bucket", CredentialKey::Bucket),
        ("provider", CredentialKey::Provider),
        ("compression", CredentialKey::Compression),
        ("sse", CredentialKey::Sse),
        ("kms_key_id", CredentialKey::KmsKeyId),
        ("storage_class", CredentialKey::StorageClass),
        ("addressing_style", CredentialKey::AddressingStyle),
        ("signature_version", CredentialKey::SignatureVersion),
    ];

    /// The key spelled `name`, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let known = Self::NAMES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, key)| *key)
    }

    /// The first of the key's spellings, in lower case: the one to store it under.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessKeyId => "access_key_id",
            Self::SecretAccessKey => "secret_access_key",
            Self::Token => "aws_token",
            Self::Role => "aws_role",
            Self::ExternalId => "external_id",
            Self::Region => "region",
            Self::Endpoint => "endpoint",
            Self::Bucket => "bucket",
            Self::Provider => "provider",
            Self::Compression => "compression",
            Self::Sse => "sse",
            Self::KmsKeyId => "kms_key_id",
            Self::StorageClass => "storage_class",
            Self::AddressingStyle => "addressing_style",
            Self::SignatureVersion => "signature_version",
        }
    }

    /// Whether its value gives access and must never be shown.
    pub fn is_secret(self) -> bool {
        match self {
            Self::AccessKeyId
            | Self::SecretAccessKey
            | Self::Token
            | Self::Role
            | Self::ExternalId => true,
            Self::Region
            | Self::Endpoint
            | Self::Bucket
            | Self::Provider
            | Self::Compression
            | Self::Sse
            | Self::KmsKeyId
            | Self::StorageClass
            | Self::AddressingStyle
            | Self::SignatureVersion => false,
        }
    }
}

/// A value of CREDENTIALS or of IDENTIFIED BY. Printed, a literal is masked and a parameter is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialValue {
    /// A literal. References such as `'env:NAME'` and `'file:/path'` are literals, too: who
    /// executes the statement decides about them.
    Secret(Secret),
    /// A place for one, which [`Plan::bind`](crate::Plan::bind) fills.
    Parameter(Spanned<ParameterRef>),
}

impl CredentialValue {
    /// The literal; `None` for a parameter that is not filled.
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Secret(secret) => Some(secret),
            Self::Parameter(_) => None,
        }
    }
}

impl From<Secret> for CredentialValue {
    fn from(secret: Secret) -> Self {
        Self::Secret(secret)
    }
}

/// One `'key' = 'value'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The key as typed; always one that [`CredentialKey::from_name`] knows.
    pub key: Spanned<String>,
    /// The value.
    pub value: CredentialValue,
}

/// All of them, in the order given; each meaning at most once. May be empty (`{}`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The entries as typed.
    pub entries: Vec<Credential>,
}

impl Credentials {
    /// The value of `key`, under any of its spellings.
    pub fn get(&self, key: CredentialKey) -> Option<&CredentialValue> {
        let named = |entry: &&Credential| CredentialKey::from_name(&entry.key) == Some(key);
        self.entries.iter().find(named).map(|entry| &entry.value)
    }
}
