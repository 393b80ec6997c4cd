//! The key file: made once, durable before the catalog is, and readable by the server's user alone.
//! A symbolic link is followed, as mounted secrets are ones; what counts is the file it leads to.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use zeroize::Zeroizing;

use super::{SOURCE_BYTES_MAX, ServerKeyBytes};
use crate::durable;

/// Read or write for the group or all.
const OTHERS: u32 = 0o077;

/// Reads the key of a file that must be there.
pub(super) fn load(path: &Path) -> Result<ServerKeyBytes, String> {
    open(path)
        .map_err(|e| format!("it cannot be opened: {e}"))
        .and_then(|file| read(file, path))
        .map_err(|why| format!("server key '{}': {why}", path.display()))
}

/// Reads the key, or makes one when there is no file and the data directory is new.
pub(super) fn load_or_create(path: &Path, is_new: bool) -> Result<ServerKeyBytes, String> {
    let about = |why: &str| format!("server key '{}': {why}", path.display());
    match open(path) {
        Ok(file) => read(file, path).map_err(|why| about(&why)),
        Err(e) if e.kind() == io::ErrorKind::NotFound && is_new => {
            create(path).map_err(|why| about(&why))
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(about(
            "the file is missing, and the data directory is not new: restore it from where you keep it (credentials of stages cannot be read without it), or say where it is with secrets.key_file",
        )),
        Err(e) => Err(about(&format!("it cannot be opened: {e}"))),
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        // A pipe of that name must not hold up the start.
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
}

fn read(file: File, path: &Path) -> Result<ServerKeyBytes, String> {
    let metadata = file.metadata().map_err(|e| e.to_string())?;
    if !metadata.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let mode = metadata.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(format!(
            "other users can read or change it (mode {:o}), so it is refused: chmod 600 '{}'",
            mode & 0o777,
            path.display()
        ));
    }
    if metadata.len() > SOURCE_BYTES_MAX {
        return Err(format!("it has {} bytes and is no key", metadata.len()));
    }
    // As long as it gets, so that no growth leaves a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(SOURCE_BYTES_MAX as usize + 1));
    file.take(SOURCE_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|e| format!("it cannot be read: {e}"))?;
    ServerKeyBytes::parse(&text)
}

/// Makes a new key, and returns once the file and its name are on the disk.
fn create(path: &Path) -> Result<ServerKeyBytes, String> {
    let key = ServerKeyBytes::generate()?;
    if let Err(error) = write_new(path, &key) {
        // No catalog was sealed with it; half a key would only be in the way of the next start.
        let _ = std::fs::remove_file(path);
        return Err(format!("it cannot be made: {error}"));
    }
    tracing::info!(file = %path.display(), "made a server key; keep a copy apart from the backups");
    Ok(key)
}

/// Writes a key to a file that must not be there yet, durably.
pub(super) fn write_new(path: &Path, key: &ServerKeyBytes) -> io::Result<()> {
    durable::create(path, key.to_line().as_bytes())
}
