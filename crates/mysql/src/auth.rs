//! `caching_sha2_password`: what is kept of a password that was right, and how a client shows that it knows it.
//! With an RSA key a client without TLS can send the password itself, so that nobody on the way reads it.

use rsa::pkcs8::{EncodePublicKey, LineEnding};
use rsa::{Oaep, PrivateKey, PublicKey};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The plugin that this server asks for.
pub(crate) const CACHING_SHA2: &str = "caching_sha2_password";
/// The plugin that sends the password as it is; taken inside TLS only.
pub(crate) const CLEAR: &str = "mysql_clear_password";

/// Random bytes of a connection, by which what one client shows is of no use to another.
pub const NONCE_BYTES: usize = 20;

const KEY_BITS: usize = 2048;

/// SHA-256 of SHA-256 of a password: all that the server has to remember for the short way.
///
/// Who gets to know it can guess passwords against it, as fast as SHA-256 is: it is for memory alone, and for a while.
#[must_use]
pub fn digest(password: &[u8]) -> [u8; 32] {
    Sha256::digest(Sha256::digest(password)).into()
}

/// Whether `shown` is SHA256(password) XOR SHA256(digest + nonce), for the password that `digest` is of.
pub(crate) fn fits(shown: &[u8], digest: &[u8; 32], nonce: &[u8; NONCE_BYTES]) -> bool {
    let mask = Sha256::new()
        .chain_update(digest)
        .chain_update(nonce)
        .finalize();
    let mut once = Zeroizing::new([0_u8; 32]);
    if shown.len() != once.len() {
        return false;
    }
    for ((byte, shown), mask) in once.iter_mut().zip(shown).zip(mask) {
        *byte = shown ^ mask;
    }
    let twice: [u8; 32] = Sha256::digest(&once[..]).into();
    twice.ct_eq(digest).into()
}

/// A key for passwords that come over plain text. Its work is some milliseconds; making it takes seconds.
pub struct KeyPair {
    private: PrivateKey,
    public_pem: String,
}

/// The system gave no random numbers, or the key no text.
#[derive(Debug, thiserror::Error)]
#[error("failed to make an RSA key: {0}")]
pub struct KeyError(String);

impl KeyPair {
    /// Makes one. Blocking, for seconds.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn generate() -> Result<Self, KeyError> {
        let failed = |e: &dyn std::fmt::Display| KeyError(e.to_string());
        let mut random = getrandom::SysRng;
        let private = PrivateKey::new(&mut random, KEY_BITS).map_err(|e| failed(&e))?;
        let public_pem = PublicKey::from(&private)
            .to_public_key_pem(LineEnding::LF)
            .map_err(|e| failed(&e))?;
        Ok(Self {
            private,
            public_pem,
        })
    }

    /// The public half, as a client gets it.
    #[must_use]
    pub fn public_pem(&self) -> &str {
        &self.public_pem
    }

    /// The password that a client has encrypted, masked with its connection's nonce; `None` for anything else.
    /// Blocking, for milliseconds.
    #[must_use]
    pub fn password(
        &self,
        encrypted: &[u8],
        nonce: &[u8; NONCE_BYTES],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let mut random = getrandom::SysRng;
        let padding = Oaep::<Sha1>::new();
        let masked = self
            .private
            .decrypt_blinded(&mut random, padding, encrypted)
            .ok()?;
        let mut plain = Zeroizing::new(masked);
        for (byte, mask) in plain.iter_mut().zip(nonce.iter().cycle()) {
            *byte ^= mask;
        }
        // It ends with a 0, which is none of it.
        (plain.pop() == Some(0)).then_some(plain)
    }
}

/// Without the private half.
impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyPair").finish_non_exhaustive()
    }
}
