//! SHA-256 of what is written, as manifests and records hold it: lower-case hexadecimal.

use std::io;

use sha2::{Digest as _, Sha256};

/// A running SHA-256; what is written to it is digested.
#[derive(Debug, Clone, Default)]
pub struct Digest(Sha256);

impl Digest {
    /// Digests further bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes so far: 64 lower-case hexadecimal digits.
    pub fn finish(self) -> String {
        let digest = self.0.finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
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

    /// The standard's test vector (FIPS 180-4, "abc"), in two pieces.
    #[test]
    fn pieces_are_digested_as_one() {
        let mut digest = Digest::default();
        digest.update(b"a");
        io::Write::write_all(&mut digest, b"bc").unwrap();
        assert_eq!(
            digest.finish(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
