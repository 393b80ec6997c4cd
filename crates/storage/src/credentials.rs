//! `BucketCredentials`: what a stage says of whose name its bucket is opened in, and how.
//! Only what is written there counts: the server's own identity is never lent to a stage.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, ErrorKind, Result};
use crate::location::Provider;

/// Every key, under the name that the catalog stores it by.
const KEYS: [&str; 15] = [
    "access_key_id",
    "secret_access_key",
    "aws_token",
    "aws_role",
    "external_id",
    "region",
    "endpoint",
    "bucket",
    "provider",
    "compression",
    "sse",
    "kms_key_id",
    "storage_class",
    "addressing_style",
    "signature_version",
];

/// Where the bucket's name stands in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressing {
    /// In the host's name: `https://bucket.host/key`.
    Virtual,
    /// In the path: `https://host/bucket/key`.
    Path,
}

/// How requests to Aliyun OSS are signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OssSignature {
    /// HMAC-SHA1: what the oldest servers know. New buckets refuse it.
    V1,
    /// HMAC-SHA256, bound to a region.
    #[default]
    V4,
}

/// How the store encrypts what it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// With a key of the store's own.
    Aes256,
    /// With a key of its key service: the one of this id, or the account's default.
    Kms(Option<String>),
}

/// A stage's credentials for a bucket, checked against each other. `Debug` shows no secret.
#[derive(Clone)]
pub struct BucketCredentials {
    pub(crate) access_key_id: SecretString,
    pub(crate) secret_access_key: SecretString,
    pub(crate) session_token: Option<SecretString>,
    pub(crate) role: Option<SecretString>,
    pub(crate) external_id: Option<SecretString>,
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) bucket: Option<String>,
    pub(crate) encryption: Option<Encryption>,
    pub(crate) storage_class: Option<String>,
    pub(crate) addressing: Option<Addressing>,
    pub(crate) signature: Option<OssSignature>,
    provider: Option<Provider>,
}

impl BucketCredentials {
    /// Reads key and value pairs, keys in the catalog's spelling: `access_key_id`, `secret_access_key`,
    /// `aws_token`, `aws_role`, `external_id`, `region`, `endpoint`, `bucket`, `provider`, `sse`
    /// (`AES256`, `aws:kms`), `kms_key_id`, `storage_class`, `addressing_style` (`virtual`, `path`) and
    /// `signature_version` (`v4`, `v1`; for OSS). `compression` is accepted and says nothing of a bucket.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for an unknown, doubled, empty or contradicting key, and without an access key:
    /// the text says what would be right, and quotes no value.
    pub fn from_pairs<K: AsRef<str>>(
        pairs: impl IntoIterator<Item = (K, SecretString)>,
    ) -> Result<Self> {
        let mut found = Found::default();
        for (key, value) in pairs {
            found.take(key.as_ref(), value)?;
        }
        found.checked()
    }

    /// The protocol's word, where `provider` says one: `amazon` or `aliyun`.
    pub fn provider_name(&self) -> Option<&'static str> {
        self.provider.map(|provider| match provider {
            Provider::S3 => "amazon",
            Provider::Oss => "aliyun",
        })
    }

    /// Checks that the credentials are meant for this protocol.
    pub(crate) fn check_provider(&self, provider: Provider) -> Result<()> {
        if self.provider.is_some_and(|named| named != provider) {
            return Err(invalid(
                "'provider' contradicts the stage's URL: amazon, minio and cos go with s3://, aliyun with oss://",
            ));
        }
        if provider == Provider::S3 && self.signature.is_some() {
            return Err(invalid(
                "'signature_version' is for oss:// only; S3 knows one signature",
            ));
        }
        Ok(())
    }
}

impl fmt::Debug for BucketCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketCredentials")
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .field("bucket", &self.bucket)
            .field("encryption", &self.encryption)
            .field("storage_class", &self.storage_class)
            .field("addressing", &self.addressing)
            .field("signature", &self.signature)
            .finish_non_exhaustive()
    }
}

/// The values as they come, one place a key.
#[derive(Default)]
struct Found {
    values: Vec<(&'static str, SecretString)>,
}

impl Found {
    fn take(&mut self, key: &str, value: SecretString) -> Result<()> {
        let Some(known) = KEYS.iter().find(|known| known.eq_ignore_ascii_case(key)) else {
            let shown: String = key
                .chars()
                .take(64)
                .flat_map(char::escape_default)
                .collect();
            return Err(invalid(&format!(
                "'{shown}' is no key of theirs; the keys are {}",
                KEYS.join(", ")
            )));
        };
        if self.values.iter().any(|(taken, _)| taken == known) {
            return Err(invalid(&format!("'{known}' is given twice; give it once")));
        }
        let text = value.expose_secret();
        if text.is_empty() || text.trim() != text || text.chars().any(char::is_control) {
            return Err(invalid(&format!(
                "the value of '{known}' is empty, or has spaces around it or control characters; give it as the provider shows it"
            )));
        }
        self.values.push((known, value));
        Ok(())
    }

    fn secret(&self, key: &str) -> Option<SecretString> {
        let found = self.values.iter().find(|(name, _)| *name == key);
        found.map(|(_, value)| value.clone())
    }

    fn plain(&self, key: &str) -> Option<String> {
        self.secret(key)
            .map(|value| value.expose_secret().to_owned())
    }

    fn parsed<T: FromStr<Err = Error>>(&self, key: &str) -> Result<Option<T>> {
        self.plain(key).map(|text| text.parse()).transpose()
    }

    fn checked(self) -> Result<BucketCredentials> {
        let keys = (
            self.secret("access_key_id"),
            self.secret("secret_access_key"),
        );
        let (access_key_id, secret_access_key) = match keys {
            (Some(id), Some(secret)) => (id, secret),
            (Some(_), None) => return Err(missing("'secret_access_key' is missing")),
            (None, Some(_)) => return Err(missing("'access_key_id' is missing")),
            (None, None) => {
                return Err(missing(
                    "'access_key_id' and 'secret_access_key' are missing",
                ));
            }
        };
        if self.secret("external_id").is_some() && self.secret("aws_role").is_none() {
            return Err(invalid(
                "'external_id' goes with 'aws_role'; give both or neither",
            ));
        }
        let kms_key_id = self.plain("kms_key_id");
        let encryption = match (self.plain("sse").as_deref(), kms_key_id) {
            (None, None) => None,
            (Some("AES256"), None) => Some(Encryption::Aes256),
            (Some("aws:kms" | "KMS"), key) => Some(Encryption::Kms(key)),
            (Some("AES256") | None, Some(_)) => {
                return Err(invalid("'kms_key_id' goes with 'sse' = 'aws:kms'"));
            }
            (Some(_), _) => return Err(invalid("'sse' is 'AES256' or 'aws:kms'")),
        };
        let storage_class = self.plain("storage_class");
        if storage_class.as_deref().is_some_and(|class| {
            !class
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_')
        }) {
            return Err(invalid(
                "'storage_class' is a word such as STANDARD_IA (S3) or IA (OSS)",
            ));
        }
        let region = self.plain("region");
        if region.as_deref().is_some_and(|region| {
            !region
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        }) {
            return Err(invalid(
                "'region' is a word such as us-west-2 or cn-hangzhou",
            ));
        }
        Ok(BucketCredentials {
            access_key_id,
            secret_access_key,
            session_token: self.secret("aws_token"),
            role: self.secret("aws_role"),
            external_id: self.secret("external_id"),
            region,
            endpoint: self.plain("endpoint"),
            bucket: self.plain("bucket"),
            encryption,
            storage_class,
            addressing: self.parsed("addressing_style")?,
            signature: self.parsed("signature_version")?,
            provider: self.parsed("provider")?,
        })
    }
}

impl FromStr for Addressing {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "virtual" => Ok(Self::Virtual),
            "path" => Ok(Self::Path),
            _ => Err(invalid("'addressing_style' is 'virtual' or 'path'")),
        }
    }
}

impl FromStr for OssSignature {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "v1" => Ok(Self::V1),
            "v4" => Ok(Self::V4),
            _ => Err(invalid("'signature_version' is 'v4' or 'v1'")),
        }
    }
}

impl FromStr for Provider {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::Invalid`] for all but `amazon`, `minio`, `cos` and `aliyun`, in any case.
    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "amazon" | "minio" | "cos" => Ok(Self::S3),
            "aliyun" => Ok(Self::Oss),
            _ => Err(invalid("'provider' is one of amazon, minio, aliyun, cos")),
        }
    }
}

fn missing(what: &str) -> Error {
    invalid(&format!(
        "{what}; both are needed, also with 'aws_role': the server's own identity is never used"
    ))
}

fn invalid(why: &str) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!("the stage's CREDENTIALS are not valid: {why}"),
    )
}
