//! The SHA-256 of an open file, for telling a file by its bytes where its identity does not.

use std::fs::File;
use std::io::Read;

use sha2::{Digest, Sha256};

const BUFFER_BYTES: usize = 1 << 20;

/// How long a file is, and its SHA-256 in lower-case hexadecimal.
pub(crate) fn digest_of(mut file: File) -> std::io::Result<(u64, String)> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((bytes, crate::store::hex(&digest.finalize()))),
            read => {
                digest.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
}
