//! Digests of files, by which a file is told to be the planned one. A digest as text is 64 lower-case hexadecimal
//! digits of SHA-256, or `blake3:` and its 64.

use sha2::{Digest as _, Sha256};

use crate::error::{Error, ErrorKind, Result};

/// A running digest.
pub(crate) enum Digest {
    Sha256(Sha256),
    Blake3(Box<blake3::Hasher>),
}

impl Digest {
    /// A digest by the algorithm of another one.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for an algorithm that is not known here.
    pub(crate) fn like(digest: &str) -> Result<Self> {
        match digest.split_once(':') {
            None => Ok(Self::Sha256(Sha256::new())),
            Some(("blake3", _)) => Ok(Self::Blake3(Box::default())),
            Some((algorithm, _)) => Err(Error::new(
                ErrorKind::Unsupported,
                format!("files are not digested by '{algorithm}', but by SHA-256 and blake3"),
            )),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Blake3(hasher) => {
                hasher.update(bytes);
            }
        }
    }

    /// As text.
    pub(crate) fn finish(self) -> String {
        match self {
            Self::Sha256(hasher) => crate::store::hex(&hasher.finalize()),
            Self::Blake3(hasher) => format!("blake3:{}", hasher.finalize().to_hex()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// The vectors for "abc" of FIPS 180-4 and of b3sum.
    #[test]
    fn a_digest_is_made_as_the_one_it_is_compared_with() {
        for expected in [
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
        ] {
            let mut digest = Digest::like(expected).unwrap();
            digest.update(b"a");
            digest.update(b"bc");
            assert_eq!(digest.finish(), expected);
        }
        let unknown = Digest::like("md5:0").map(|_| ()).unwrap_err();
        assert_eq!(unknown.kind(), ErrorKind::Unsupported);
    }
}
