//! One sealed secret: a value under a data key of its own, the data key under the server key, both
//! bound to account, stage, version and field. docs/catalog-format.md describes the bytes.

#[cfg(test)]
mod tests;

use std::fmt;

use secrecy::{ExposeSecret, ExposeSecretMut};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::cipher::{self, DataKey, KEY_BYTES, MAC_BYTES, NONCE_BYTES, Random, TAG_BYTES, Wrapped};
use super::key::{KeyId, ServerKey};
use crate::error::Error;

const FORMAT: u8 = 1;
const DOMAIN: &[u8] = b"stagedoor/stage-credential/1";
const EXPORT_DOMAIN: &[u8] = b"stagedoor/export-credential/1";
const TABLE_DOMAIN: &[u8] = b"stagedoor/table-credential/1";
const FINGERPRINT_DOMAIN: &[u8] = b"stagedoor/fingerprint/1";
/// All but the ciphertext.
const HEADER_BYTES: usize =
    1 + 8 + 8 + MAC_BYTES + NONCE_BYTES + Wrapped::CIPHERTEXT_BYTES + NONCE_BYTES;

/// What shows that a secret changed, and nothing else about it: 8 bytes of an HMAC-SHA256 over field
/// name and value, under a key that only this catalog has. Compared in constant time.
#[derive(Clone, Copy, Eq)]
pub struct Fingerprint(pub(crate) [u8; MAC_BYTES]);

impl Fingerprint {
    pub(crate) fn of(key: &[u8; KEY_BYTES], field: &str, value: &str) -> Fingerprint {
        Fingerprint(cipher::mac(
            key,
            &[FINGERPRINT_DOMAIN, field.as_bytes(), value.as_bytes()],
        ))
    }
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Fingerprint) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// 16 hexadecimal digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Whose secrets they are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Owner<'a> {
    /// A stage, through all of its versions.
    Stage { account: &'a str, id: u64 },
    /// An unfinished export that goes to no stage.
    Export { account: &'a str, id: &'a str },
    /// An external table.
    Table { account: &'a str, id: u64 },
}

/// A secret as it is stored. It opens only with its server key, and only as the credential of the
/// stage, version and field that it was sealed for.
#[derive(Clone, Eq)]
pub struct SealedSecret {
    /// The version of the stage at which it was set; later versions carry it on. 0 for an export's.
    version: u64,
    fingerprint: Fingerprint,
    data_key: Wrapped,
    nonce: [u8; NONCE_BYTES],
    ciphertext: Vec<u8>,
}

/// Equal are two copies of what was sealed once, whatever server key the data key is under.
impl PartialEq for SealedSecret {
    fn eq(&self, other: &SealedSecret) -> bool {
        self.version == other.version
            && self.fingerprint == other.fingerprint
            && self.nonce == other.nonce
            && self.ciphertext == other.ciphertext
    }
}

/// What the ciphertexts are bound to; the data key's is another than the value's.
fn place(
    purpose: &[u8],
    owner: Owner<'_>,
    version: u64,
    field: &str,
    fingerprint: Fingerprint,
) -> Vec<u8> {
    let number;
    let (domain, account, id) = match owner {
        Owner::Stage { account, id } => {
            number = id.to_le_bytes();
            (DOMAIN, account, number.as_slice())
        }
        Owner::Export { account, id } => (EXPORT_DOMAIN, account, id.as_bytes()),
        Owner::Table { account, id } => {
            number = id.to_le_bytes();
            (TABLE_DOMAIN, account, number.as_slice())
        }
    };
    cipher::place(&[
        domain,
        purpose,
        account.as_bytes(),
        id,
        &version.to_le_bytes(),
        field.as_bytes(),
        &fingerprint.0,
    ])
}

impl SealedSecret {
    /// What shows that the value changed.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The server key that is needed to open it.
    pub fn key_id(&self) -> KeyId {
        self.data_key.key_id
    }

    /// The version of the stage at which it was set.
    pub fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn seal(
        random: Random<'_>,
        key: &ServerKey,
        owner: Owner<'_>,
        version: u64,
        field: &str,
        (value, fingerprint): (&str, Fingerprint),
    ) -> Result<SealedSecret, Error> {
        let mut data_key = DataKey::default();
        random(data_key.expose_secret_mut())?;
        let mut nonce = [0; NONCE_BYTES];
        random(&mut nonce)?;
        let at = |purpose| place(purpose, owner, version, field, fingerprint);
        Ok(SealedSecret {
            version,
            fingerprint,
            ciphertext: cipher::encrypt(
                data_key.expose_secret(),
                &nonce,
                &at(b"value"),
                value.as_bytes(),
            )?,
            data_key: Wrapped::wrap(random, key, &at(b"data key"), data_key.expose_secret())?,
            nonce,
        })
    }

    /// The value; `None` when the key is another one, or anything is not what it was when sealed.
    pub(crate) fn open(
        &self,
        key: &ServerKey,
        owner: Owner<'_>,
        field: &str,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let at = |purpose| place(purpose, owner, self.version, field, self.fingerprint);
        let data_key = self.data_key.unwrap(key, &at(b"data key"))?;
        cipher::decrypt(
            data_key.expose_secret(),
            &self.nonce,
            &at(b"value"),
            &self.ciphertext,
        )
    }

    /// The same value with its data key under another server key; `None` as for [`SealedSecret::open`].
    pub(crate) fn rewrap(
        &self,
        random: Random<'_>,
        from: &ServerKey,
        to: &ServerKey,
        owner: Owner<'_>,
        field: &str,
    ) -> Result<Option<SealedSecret>, Error> {
        let place = place(b"data key", owner, self.version, field, self.fingerprint);
        let data_key = self.data_key.rewrap(random, from, to, &place)?;
        Ok(data_key.map(|data_key| SealedSecret {
            data_key,
            ..self.clone()
        }))
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.ciphertext.len());
        bytes.push(FORMAT);
        bytes.extend_from_slice(&self.data_key.key_id.0);
        bytes.extend_from_slice(&self.version.to_le_bytes());
        bytes.extend_from_slice(&self.fingerprint.0);
        bytes.extend_from_slice(&self.data_key.nonce);
        bytes.extend_from_slice(&self.data_key.bytes);
        bytes.extend_from_slice(&self.nonce);
        bytes.extend_from_slice(&self.ciphertext);
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<SealedSecret, Error> {
        match bytes.first() {
            Some(&FORMAT) => {}
            Some(format) => {
                return Err(Error::corrupt(format!(
                    "a sealed secret of format {format}; this program reads format {FORMAT}"
                )));
            }
            None => return Err(Error::corrupt("a sealed secret without bytes")),
        }
        parse(bytes).ok_or_else(|| {
            Error::corrupt(format!(
                "a sealed secret of {} bytes, it has at least {}",
                bytes.len(),
                HEADER_BYTES + TAG_BYTES
            ))
        })
    }
}

fn parse(bytes: &[u8]) -> Option<SealedSecret> {
    let (_, rest) = bytes.split_first()?;
    let (&key_id, rest) = rest.split_first_chunk()?;
    let (&version, rest) = rest.split_first_chunk()?;
    let (&fingerprint, rest) = rest.split_first_chunk()?;
    let (&key_nonce, rest) = rest.split_first_chunk()?;
    let (&wrapped, rest) = rest.split_first_chunk()?;
    let (&nonce, ciphertext) = rest.split_first_chunk()?;
    (ciphertext.len() >= TAG_BYTES).then(|| SealedSecret {
        version: u64::from_le_bytes(version),
        fingerprint: Fingerprint(fingerprint),
        data_key: Wrapped {
            key_id: KeyId(key_id),
            nonce: key_nonce,
            bytes: wrapped,
        },
        nonce,
        ciphertext: ciphertext.to_vec(),
    })
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedSecret")
            .field("fingerprint", &self.fingerprint)
            .field("version", &self.version)
            .field("key_id", &self.data_key.key_id)
            .finish_non_exhaustive()
    }
}
