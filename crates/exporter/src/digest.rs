//! Digests of what is written, by the algorithm that was asked for.
//!
//! As text, which records and reports have, a digest is 64 lower-case hexadecimal digits of SHA-256, or the name of
//! another algorithm and a colon before its digits: `blake3:…`.

use std::io;

use sha2::{Digest as _, Sha256};

/// What files are digested by. Whoever keeps digests has to know each of them, so a further one is seen by the compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DigestAlgorithm {
    /// SHA-256, FIPS 180-4.
    #[default]
    Sha256,
    /// BLAKE3, 32 bytes of it.
    Blake3,
}

impl DigestAlgorithm {
    /// Its name, as manifests have it: `sha256`, `blake3`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Blake3 => "blake3",
        }
    }

    /// Which algorithm a digest's text is of, and its digits; `None` for an algorithm that is not known here.
    pub fn split(text: &str) -> Option<(Self, &str)> {
        match text.split_once(':') {
            None => Some((Self::Sha256, text)),
            Some(("blake3", digits)) => Some((Self::Blake3, digits)),
            Some(_) => None,
        }
    }

    /// A digest's text, of its digits.
    pub fn text(self, digits: &str) -> String {
        match self {
            Self::Sha256 => digits.to_owned(),
            Self::Blake3 => format!("{}:{digits}", self.name()),
        }
    }
}

/// A running digest; what is written to it is digested. The default is SHA-256's.
#[derive(Debug, Clone)]
pub struct Digest(Hasher);

#[derive(Debug, Clone)]
enum Hasher {
    Sha256(Sha256),
    Blake3(Box<blake3::Hasher>),
}

impl Default for Digest {
    fn default() -> Self {
        Self::new(DigestAlgorithm::Sha256)
    }
}

impl Digest {
    /// A digest of nothing so far.
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        Self(match algorithm {
            DigestAlgorithm::Sha256 => Hasher::Sha256(Sha256::new()),
            DigestAlgorithm::Blake3 => Hasher::Blake3(Box::default()),
        })
    }

    /// Digests further bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Blake3(hasher) => {
                hasher.update(bytes);
            }
        }
    }

    /// The digest of all bytes so far, as text.
    pub fn finish(self) -> String {
        match self.0 {
            Hasher::Sha256(hasher) => {
                let digest = hasher.finalize();
                digest.iter().map(|byte| format!("{byte:02x}")).collect()
            }
            Hasher::Blake3(hasher) => DigestAlgorithm::Blake3.text(&hasher.finalize().to_hex()),
        }
    }
}

impl io::Write for Digest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// The standard's test vector (FIPS 180-4, "abc"), and what b3sum says of it, in two pieces.
    #[test]
    fn pieces_are_digested_as_one() {
        let digest = |algorithm| {
            let mut digest = Digest::new(algorithm);
            digest.update(b"a");
            io::Write::write_all(&mut digest, b"bc").unwrap();
            digest.finish()
        };
        assert_eq!(
            digest(DigestAlgorithm::Sha256),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            digest(DigestAlgorithm::Blake3),
            "blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
        );
    }

    #[test]
    fn a_digests_text_tells_its_algorithm() {
        for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Blake3] {
            let text = algorithm.text("ab");
            assert_eq!(DigestAlgorithm::split(&text), Some((algorithm, "ab")));
        }
        assert_eq!(DigestAlgorithm::split("md5:ab"), None);
    }
}
