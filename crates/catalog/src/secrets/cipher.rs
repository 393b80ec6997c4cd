//! The cryptography of secrets, and nothing else: XChaCha20-Poly1305 with the place of a value as
//! associated data, keys wrapped by keys, HMAC-SHA256, random bytes. No catalog, no records.

use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretBox};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::key::{KeyId, ServerKey};
use crate::error::{Error, ErrorKind};

/// The length of every key.
pub(crate) const KEY_BYTES: usize = 32;
/// The length of every nonce: long enough to be random.
pub(crate) const NONCE_BYTES: usize = 24;
/// How much longer a ciphertext is than its plain text.
pub(crate) const TAG_BYTES: usize = 16;
/// The length of a truncated HMAC.
pub(crate) const MAC_BYTES: usize = 8;

const HMAC_BLOCK_BYTES: usize = 64;

/// A key that lives no longer than its use.
pub(crate) type DataKey = SecretBox<[u8; KEY_BYTES]>;
/// Where random bytes come from; tests put in their own.
pub(crate) type Random<'a> = &'a dyn Fn(&mut [u8]) -> Result<(), Error>;

/// Random bytes of the operating system.
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|source| {
        Error::new(
            ErrorKind::Io,
            "the operating system gave no random bytes for a key",
        )
        .with_source(source)
    })
}

/// A text that says what a ciphertext is and where it belongs: each part with its length before it,
/// so that no part can be taken for the end of another.
pub(crate) fn place(parts: &[&[u8]]) -> Vec<u8> {
    let mut place = Vec::new();
    for part in parts {
        place.extend_from_slice(&(part.len() as u64).to_le_bytes());
        place.extend_from_slice(part);
    }
    place
}

/// The first bytes of HMAC-SHA256 over the parts, each with its length before it.
pub(crate) fn mac(key: &[u8; KEY_BYTES], parts: &[&[u8]]) -> [u8; MAC_BYTES] {
    let full = full_mac(key, parts);
    let mut short = [0; MAC_BYTES];
    for (to, from) in short.iter_mut().zip(full.iter()) {
        *to = *from;
    }
    short
}

/// A key that says nothing of the one it is derived from: HMAC-SHA256 over the parts, each with its length before it.
pub(crate) fn derive(key: &[u8; KEY_BYTES], parts: &[&[u8]]) -> DataKey {
    let full = full_mac(key, parts);
    DataKey::init_with_mut(|derived: &mut [u8; KEY_BYTES]| *derived = *full)
}

fn full_mac(key: &[u8; KEY_BYTES], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    // HMAC itself fills a shorter key up with zeros.
    let mut block = Zeroizing::new([0; HMAC_BLOCK_BYTES]);
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// The ciphertext with its tag.
pub(crate) fn encrypt(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
    place: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, Error> {
    let payload = Payload {
        msg: plain,
        aad: place,
    };
    XChaCha20Poly1305::new(key.into())
        .encrypt(nonce.into(), payload)
        .map_err(|_| Error::invalid(format!("{} bytes are too long for a secret", plain.len())))
}

/// The plain text; `None` when key, nonce, place or ciphertext is not what it was.
pub(crate) fn decrypt(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
    place: &[u8],
    ciphertext: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let payload = Payload {
        msg: ciphertext,
        aad: place,
    };
    let plain = XChaCha20Poly1305::new(key.into()).decrypt(nonce.into(), payload);
    plain.ok().map(Zeroizing::new)
}

/// 32 bytes under a server key: a data key, the fingerprint key, or a constant that shows whether a
/// key is the right one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Wrapped {
    pub(crate) key_id: KeyId,
    pub(crate) nonce: [u8; NONCE_BYTES],
    pub(crate) bytes: [u8; Wrapped::CIPHERTEXT_BYTES],
}

impl Wrapped {
    pub(crate) const CIPHERTEXT_BYTES: usize = KEY_BYTES + TAG_BYTES;

    /// Wraps `what`, which belongs at `place`.
    pub(crate) fn wrap(
        random: Random<'_>,
        key: &ServerKey,
        place: &[u8],
        what: &[u8; KEY_BYTES],
    ) -> Result<Wrapped, Error> {
        let key_id = key.id();
        let mut nonce = [0; NONCE_BYTES];
        random(&mut nonce)?;
        let sealed = encrypt(key.bytes(), &nonce, &with_key(place, key_id), what)?;
        let bytes = sealed
            .try_into()
            .map_err(|_| Error::invalid("a wrapped key of another length"))?;
        Ok(Wrapped {
            key_id,
            nonce,
            bytes,
        })
    }

    /// What was wrapped; `None` when the key is another one, or bytes or place are not what they were.
    pub(crate) fn unwrap(&self, key: &ServerKey, place: &[u8]) -> Option<DataKey> {
        let place = with_key(place, self.key_id);
        let plain = decrypt(key.bytes(), &self.nonce, &place, &self.bytes)?;
        let plain: &[u8; KEY_BYTES] = plain.as_slice().try_into().ok()?;
        Some(SecretBox::init_with_mut(|own: &mut [u8; KEY_BYTES]| {
            *own = *plain
        }))
    }

    /// The same under another key; `None` as for [`Wrapped::unwrap`].
    pub(crate) fn rewrap(
        &self,
        random: Random<'_>,
        from: &ServerKey,
        to: &ServerKey,
        place: &[u8],
    ) -> Result<Option<Wrapped>, Error> {
        match self.unwrap(from, place) {
            Some(what) => Wrapped::wrap(random, to, place, what.expose_secret()).map(Some),
            None => Ok(None),
        }
    }
}

/// The name of the key is part of the place, so that it cannot be changed to another.
fn with_key(place: &[u8], key_id: KeyId) -> Vec<u8> {
    let mut place = place.to_vec();
    place.extend_from_slice(&key_id.0);
    place
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// RFC 4231, test case 2, is of a 4-byte key; this is its case 1 with the key filled up by zeros to
    /// 32 bytes, which HMAC does itself, and so must agree with the published digest.
    #[test]
    fn the_mac_is_hmac_sha256_truncated() {
        let mut key = [0; KEY_BYTES];
        key[..20].fill(0x0b);
        let mut block = [0; HMAC_BLOCK_BYTES];
        block[..20].fill(0x0b);
        let mut published = Hmac::<Sha256>::new((&block).into());
        published.update(b"Hi There");
        let digest: [u8; 32] = published.finalize().into_bytes().into();
        assert_eq!(
            digest[..8],
            [0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53]
        );
        let mut ours = Hmac::<Sha256>::new((&block).into());
        ours.update(&8u64.to_le_bytes());
        ours.update(b"Hi There");
        let digest: [u8; 32] = ours.finalize().into_bytes().into();
        assert_eq!(mac(&key, &[b"Hi There"]), digest[..8]);
    }

    #[test]
    fn parts_cannot_be_shifted() {
        assert_ne!(place(&[b"ab", b"c"]), place(&[b"a", b"bc"]));
        assert_ne!(place(&[b"ab", b""]), place(&[b"ab"]));
        let key = [1; KEY_BYTES];
        assert_ne!(mac(&key, &[b"ab", b"c"]), mac(&key, &[b"a", b"bc"]));
        assert_ne!(mac(&key, &[b"ab"]), mac(&[2; KEY_BYTES], &[b"ab"]));
    }

    #[test]
    fn a_wrapped_key_opens_only_under_its_key_and_at_its_place() {
        let (a, b) = (
            ServerKey::from_bytes(&[1; 32]),
            ServerKey::from_bytes(&[2; 32]),
        );
        let wrapped = Wrapped::wrap(&random, &a, b"here", &[9; 32]).unwrap();
        assert_eq!(
            wrapped.unwrap(&a, b"here").unwrap().expose_secret(),
            &[9; 32]
        );
        assert!(wrapped.unwrap(&b, b"here").is_none());
        assert!(wrapped.unwrap(&a, b"there").is_none());
        let renamed = Wrapped {
            key_id: b.id(),
            ..wrapped
        };
        assert!(renamed.unwrap(&a, b"here").is_none());
        let moved = wrapped.rewrap(&random, &a, &b, b"here").unwrap().unwrap();
        assert_eq!(moved.unwrap(&b, b"here").unwrap().expose_secret(), &[9; 32]);
        assert!(moved.unwrap(&a, b"here").is_none());
        assert_eq!(wrapped.rewrap(&random, &b, &a, b"here").unwrap(), None);
    }
}
