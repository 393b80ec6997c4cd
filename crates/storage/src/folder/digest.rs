//! The digest of an open file, for telling a file by its bytes where its identity does not.

use std::fs::File;
use std::io::Read;

use crate::digest::Digest;
use crate::error::{Error, Result};

const BUFFER_BYTES: usize = 1 << 20;

/// How long a file is, and its digest by the algorithm of another one. `shown` is the file's name in errors.
///
/// # Errors
/// An algorithm that is not known here; those of reading.
pub(crate) fn digest_of(
    mut file: File,
    like: &str,
    shown: &dyn std::fmt::Display,
) -> Result<(u64, String)> {
    let mut digest = Digest::like(like)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer);
        match read.map_err(|e| Error::io(format_args!("read '{shown}'"), e))? {
            0 => return Ok((bytes, digest.finish())),
            read => {
                digest.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
}
