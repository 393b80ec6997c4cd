//! Comparing credentials that were given with those of another request, without keeping any secret.

use super::{CredentialValue, Credentials, Secrets};
use crate::error::Error;
use crate::store::Draft;

/// What a credential is compared by.
pub(crate) struct Comparable<'a> {
    pub(crate) name: &'a str,
    /// The number of the value's kind.
    pub(crate) kind: u8,
    /// The value, or of a secret its fingerprint, which takes the catalog's own key.
    pub(crate) value: Vec<u8>,
}

impl Secrets {
    /// What each credential is compared by, in the order of their names.
    ///
    /// Errors: `KeyMissing` where there is a secret among them and no server key.
    pub(crate) fn comparable<'c>(
        &self,
        draft: &mut Draft<'_>,
        given: &'c Credentials,
    ) -> Result<Vec<Comparable<'c>>, Error> {
        let mut all = Vec::with_capacity(given.len());
        for credential in given {
            let name = credential.name.as_str();
            let (kind, value) = match &credential.value {
                CredentialValue::Plain(text) => (1, text.as_bytes().to_vec()),
                CredentialValue::Reference(text) => (2, text.as_bytes().to_vec()),
                CredentialValue::Secret(text) => {
                    let fingerprint = self.sealer(draft)?.fingerprint(name, text);
                    (3, fingerprint.0.to_vec())
                }
                CredentialValue::Sealed(sealed) => (4, sealed.fingerprint().0.to_vec()),
                CredentialValue::Shredded(fingerprint) => (5, fingerprint.0.to_vec()),
            };
            all.push(Comparable { name, kind, value });
        }
        all.sort_unstable_by_key(|one| one.name);
        Ok(all)
    }
}
