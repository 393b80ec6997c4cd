//! The manifest of a backup: what it is of, and length and digest of each file. It vouches for itself
//! by a digest, too.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{BackupFile, BackupReport};
use crate::error::{Error, ErrorKind};

/// The manifest's file.
pub(super) const FILE_NAME: &str = "backup.json";
/// The format that is written, and the highest that is read.
const FORMAT: u32 = 1;
/// A manifest is far smaller.
const BYTES_MAX: u64 = 1 << 20;

/// The file as it is stored.
#[derive(Deserialize, Serialize)]
pub(super) struct Manifest {
    catalog_backup: Body,
    /// The SHA-256 of the compact JSON of the body.
    sha256: String,
}

#[derive(Deserialize, Serialize)]
struct Body {
    format: u32,
    time_us: u64,
    last_seq: u64,
    audit_number: u64,
    audit_head: String,
    files: Vec<StoredFile>,
}

#[derive(Deserialize, Serialize)]
struct StoredFile {
    name: String,
    bytes: u64,
    sha256: String,
}

impl Manifest {
    /// The bytes of the manifest of a backup.
    pub(super) fn of(report: &BackupReport) -> Result<Vec<u8>, Error> {
        let body = Body {
            format: FORMAT,
            time_us: report.time_us,
            last_seq: report.last_seq,
            audit_number: report.audit_number,
            audit_head: report.audit_head.clone(),
            files: report
                .files
                .iter()
                .map(|file| StoredFile {
                    name: file.name.clone(),
                    bytes: file.bytes,
                    sha256: file.sha256.clone(),
                })
                .collect(),
        };
        let sha256 = body.digest()?;
        let manifest = Manifest {
            catalog_backup: body,
            sha256,
        };
        serde_json::to_vec_pretty(&manifest).map_err(unwritable)
    }

    /// Reads and checks the manifest of the backup in `dir`.
    pub(super) fn read(dir: &Path) -> Result<BackupReport, Error> {
        let path = dir.join(FILE_NAME);
        let mut bytes = Vec::new();
        match File::open(&path) {
            Ok(file) => file.take(BYTES_MAX).read_to_end(&mut bytes),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::not_found(format!(
                    "{} is no backup of a catalog, or one that was not finished: it has no {FILE_NAME}",
                    dir.display()
                )));
            }
            Err(e) => Err(e),
        }
        .map_err(|e| Error::io("read", &path, e))?;
        let damaged = |why: &str| {
            Error::corrupt(format!(
                "the file {} of the backup is damaged: {why}; use another backup",
                path.display()
            ))
        };
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|e| damaged(&e.to_string()))?;
        let body = manifest.catalog_backup;
        if body.digest()? != manifest.sha256 {
            return Err(damaged("it is not what its own digest was made of"));
        }
        if body.format > FORMAT {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the backup {} has format {}; this program reads formats up to {FORMAT}: use a newer one",
                    dir.display(),
                    body.format
                ),
            ));
        }
        Ok(BackupReport {
            time_us: body.time_us,
            last_seq: body.last_seq,
            audit_number: body.audit_number,
            audit_head: body.audit_head,
            files: body
                .files
                .into_iter()
                .map(|file| BackupFile {
                    name: file.name,
                    bytes: file.bytes,
                    sha256: file.sha256,
                })
                .collect(),
        })
    }
}

impl Body {
    fn digest(&self) -> Result<String, Error> {
        let bytes = serde_json::to_vec(self).map_err(unwritable)?;
        Ok(hex(&Sha256::digest(bytes)))
    }
}

/// Length and digest of a file.
pub(super) fn digest(dir: &Path, name: &str) -> Result<BackupFile, Error> {
    let path = dir.join(name);
    let failed = |e| Error::io("read", &path, e);
    let mut file = File::open(&path).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut bytes = 0;
    let mut part = vec![0; 1 << 16];
    loop {
        match file.read(&mut part).map_err(failed)? {
            0 => break,
            count => {
                hasher.update(part.get(..count).unwrap_or_default());
                bytes += count as u64;
            }
        }
    }
    Ok(BackupFile {
        name: name.to_owned(),
        bytes,
        sha256: hex(&hasher.finalize()),
    })
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unwritable(source: serde_json::Error) -> Error {
    Error::invalid(format!(
        "the manifest of the backup cannot be written: {source}"
    ))
    .with_source(source)
}
