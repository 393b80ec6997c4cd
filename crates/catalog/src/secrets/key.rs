//! The server key, under which the data keys of all secrets are wrapped, and the ring of keys that a
//! catalog is opened with. Keys come from the caller: this crate reads no key file.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString};
use zeroize::Zeroizing;

use super::cipher::{self, KEY_BYTES, random};
use crate::error::Error;

/// What the text form of a key begins with.
const TEXT_PREFIX: &str = "sdkey1:";
/// Base64 of 32 bytes, with padding.
const TEXT_BASE64_CHARS: usize = 44;
const ID_DOMAIN: &str = "stagedoor/server-key-id/1";

/// The key of a server: 32 random bytes, zeroed when dropped, never shown.
pub struct ServerKey {
    bytes: SecretBox<[u8; KEY_BYTES]>,
}

impl ServerKey {
    /// A new random key. Error: `Io` when the operating system gives no random bytes.
    pub fn generate() -> Result<ServerKey, Error> {
        let mut bytes = SecretBox::<[u8; KEY_BYTES]>::default();
        random(bytes.expose_secret_mut())?;
        Ok(ServerKey { bytes })
    }

    /// The key of these bytes; the caller zeroes its own copy.
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> ServerKey {
        ServerKey {
            bytes: SecretBox::init_with_mut(|own: &mut [u8; KEY_BYTES]| *own = *bytes),
        }
    }

    /// Reads the text form: `sdkey1:` and 44 characters of base64; blanks and line ends around it do
    /// not matter. Error: `Invalid`, which does not repeat the text.
    pub fn from_text(text: &str) -> Result<ServerKey, Error> {
        let malformed = || {
            Error::invalid(format!(
                "the text is no server key: it must be {TEXT_PREFIX} and {TEXT_BASE64_CHARS} characters of base64"
            ))
        };
        let base64 = text
            .trim()
            .strip_prefix(TEXT_PREFIX)
            .filter(|base64| base64.len() == TEXT_BASE64_CHARS)
            .ok_or_else(malformed)?;
        // The decoder asks for room for whole groups of four characters.
        let mut decoded = Zeroizing::new([0; KEY_BYTES + 1]);
        match STANDARD.decode_slice(base64, &mut *decoded) {
            Ok(KEY_BYTES) => {}
            Ok(_) | Err(_) => return Err(malformed()),
        }
        let bytes = decoded.first_chunk().ok_or_else(malformed)?;
        Ok(ServerKey::from_bytes(bytes))
    }

    /// The text form, for a key file.
    pub fn to_text(&self) -> SecretString {
        // As long as it gets, so that no growth leaves a copy behind.
        let mut text = Zeroizing::new(String::with_capacity(TEXT_PREFIX.len() + TEXT_BASE64_CHARS));
        text.push_str(TEXT_PREFIX);
        STANDARD.encode_string(self.bytes(), &mut text);
        SecretString::from(text.as_str())
    }

    /// Names the key without telling anything else about it.
    pub fn id(&self) -> KeyId {
        KeyId(cipher::mac(self.bytes(), &[ID_DOMAIN.as_bytes()]))
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        self.bytes.expose_secret()
    }
}

impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The name of a server key: the first 8 bytes of a keyed hash (HMAC-SHA256) under it.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyId(pub(crate) [u8; 8]);

/// 16 hexadecimal digits.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The server keys that a catalog is opened with: one, and during a rotation the one before as well.
///
/// Which of them seals is said by the catalog itself; `current` is used in a catalog that has no
/// secrets yet, and is the one that an operator means the catalog to be rotated to.
#[derive(Clone, Debug)]
pub struct KeyRing {
    current: Arc<ServerKey>,
    previous: Vec<Arc<ServerKey>>,
}

impl KeyRing {
    /// A ring of one key.
    pub fn new(current: Arc<ServerKey>) -> KeyRing {
        KeyRing {
            current,
            previous: Vec::new(),
        }
    }

    /// Adds an older key, from which secrets are still to be moved to the current one.
    #[must_use]
    pub fn with_previous(mut self, previous: Arc<ServerKey>) -> KeyRing {
        self.previous.push(previous);
        self
    }

    /// The newest key.
    pub fn current(&self) -> &Arc<ServerKey> {
        &self.current
    }

    /// The names of all keys, the newest first.
    pub fn ids(&self) -> Vec<KeyId> {
        self.keys().map(|key| key.id()).collect()
    }

    pub(super) fn key(&self, id: KeyId) -> Option<Arc<ServerKey>> {
        self.keys().find(|key| key.id() == id).cloned()
    }

    /// Makes `key` the newest; the others stay, for what is not moved yet.
    pub(super) fn renew(&mut self, key: Arc<ServerKey>) {
        if key.id() != self.current.id() {
            self.previous
                .push(std::mem::replace(&mut self.current, key));
        }
    }

    fn keys(&self) -> impl Iterator<Item = &Arc<ServerKey>> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_text_form_is_read_back() {
        let key = ServerKey::from_bytes(&[7; 32]);
        let text = key.to_text();
        assert_eq!(
            text.expose_secret(),
            "sdkey1:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="
        );
        let read = ServerKey::from_text(&format!(" {}\n", text.expose_secret())).unwrap();
        assert_eq!(read.bytes(), key.bytes());
        assert_eq!(read.id(), key.id());
    }

    #[test]
    fn other_texts_are_refused_without_being_repeated() {
        let good = "sdkey1:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
        for text in [
            "",
            "sdkey1:",
            &good[7..],
            &good[..50],
            &format!("{good}="),
            &format!("sdkey2:{}", &good[7..]),
            // Not canonical: bits behind the last byte.
            "sdkey1:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwd=",
            "sdkey1:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw==",
            "sdkey1:Bw HBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
            "sdkey1:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH",
        ] {
            let error = ServerKey::from_text(text).unwrap_err();
            assert_eq!(
                error.message(),
                "the text is no server key: it must be sdkey1: and 44 characters of base64"
            );
        }
    }

    #[test]
    fn keys_are_told_apart_by_id_and_never_shown() {
        let a = ServerKey::generate().unwrap();
        let b = ServerKey::generate().unwrap();
        assert_ne!(a.id(), b.id());
        assert_ne!(a.bytes(), b.bytes());
        assert_eq!(format!("{a:?}"), "***");
        let ring = KeyRing::new(Arc::new(a)).with_previous(Arc::new(b));
        assert_eq!(
            format!("{ring:?}"),
            "KeyRing { current: ***, previous: [***] }"
        );
    }
}
