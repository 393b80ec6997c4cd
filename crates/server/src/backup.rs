//! A backup of a data directory: the catalog's own, and every file of tables and internal stages, with a manifest
//! written last that says what belongs there. It holds secrets only as ciphertext, and not the server key.

mod directories;

pub(crate) use directories::directories;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use catalog::Catalog;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::durable;
use crate::error::{Error, Reason, Result};
use crate::gate::hex;
use crate::instance::{Instance, OpenError};

/// The version of the manifest that is written and read.
const VERSION: u32 = 1;
const MANIFEST: &str = "stagedoor-backup.json";
const CATALOG: &str = "catalog";
/// Below the data directory: what is copied beside the catalog.
const FOLDERS: [&str; 2] = ["tables", "stages"];
/// Where unfinished exports are written; no backup has use for them.
const DRAFTS: &str = ".stagedoor";
const BUFFER_BYTES: usize = 1 << 20;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackedUp {
    /// How many files, the catalog's included.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// The number of the catalog's last change in it.
    pub catalog_changes: u64,
    /// The hash of the last audit record in it.
    pub audit_head: Vec<u8>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    version: u32,
    stagedoor_version: String,
    files: Vec<ManifestFile>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestFile {
    /// Relative to the backup's directory.
    path: String,
    bytes: u64,
    sha256: String,
}

/// Writes a backup while the server runs. Blocking.
///
/// # Errors
/// The directory is not empty, or cannot be written; what an error leaves has no manifest, and so is no backup.
pub(crate) fn write(instance: &Instance, to: &Path) -> Result<BackedUp> {
    // Files of tables that are dropped meanwhile stay as long as this is held.
    let _pin = instance.internal.pin();
    let internal = instance.settings.internal.stages.as_deref();
    if let Some(Ok(storage::Location::Folder { root, .. })) = internal.map(storage::Location::parse)
    {
        let really = |path: &Path| resolved(path).map_err(|e| failed("use", path, &e));
        if really(to)?.starts_with(really(&root)?) {
            return Err(Error::invalid_input(
                Reason::OptionInvalid,
                "that directory is where internal stages have their files (internal.stages), and a backup has what all accounts have; name a directory elsewhere",
            ));
        }
    }
    copy(&instance.catalog, &instance.settings.data_dir, to, |to| {
        instance.own.add_backup(to);
    })
}

/// Writes a backup of the directory that this catalog is in. No segment may be removed meanwhile. `begins` is told once
/// nothing is against the place, and before anything is there. Blocking.
///
/// # Errors
/// Those of [`write`].
pub(crate) fn copy(
    open: &Catalog,
    data_dir: &Path,
    to: &Path,
    begins: impl FnOnce(&Path),
) -> Result<BackedUp> {
    let really = |path: &Path| resolved(path).map_err(|e| failed("use", path, &e));
    if really(to)?.starts_with(really(data_dir)?) {
        return Err(Error::invalid_input(
            Reason::OptionInvalid,
            "a backup inside the data directory would be lost with it; name a directory elsewhere",
        ));
    }
    refuse_stages(open, &really(to)?)?;
    empty_directory(to).map_err(|e| failed("use", to, &e))?;
    begins(to);
    remember(data_dir, to);
    let catalog = open
        .backup(&to.join(CATALOG))
        .map_err(|e| Error::internal(Reason::StorageFailed, &e).with_source(e))?;
    let mut files = Vec::new();
    for entry in fs::read_dir(to.join(CATALOG)).map_err(|e| failed("read", to, &e))? {
        let path = entry.map_err(|e| failed("read", to, &e))?.path();
        files.push(described(to, &path).map_err(|e| failed("read", &path, &e))?);
    }
    for folder in FOLDERS {
        copy_folder(&data_dir.join(folder), &to.join(folder), to, &mut files)?;
    }
    let done = BackedUp {
        files: files.len() as u64,
        bytes: files.iter().map(|file| file.bytes).sum(),
        catalog_changes: catalog.last_seq,
        audit_head: from_hex(&catalog.audit_head),
    };
    let manifest = Manifest {
        version: VERSION,
        stagedoor_version: env!("CARGO_PKG_VERSION").to_owned(),
        files,
    };
    write_manifest(to, &manifest).map_err(|e| failed("write", &to.join(MANIFEST), &e))?;
    Ok(done)
}

/// Notes where a backup is. A disk that takes no more is no reason to have no backup of it.
fn remember(data_dir: &Path, backup: &Path) {
    if let Err(error) = directories::remember(data_dir, backup) {
        tracing::warn!(
            %error,
            "failed to note where the backup is: from the next start on, a stage that is made there could open it"
        );
    }
}

/// Refuses a directory that some stage opens to whoever may read it: a backup has what all accounts have.
fn refuse_stages(open: &Catalog, to: &Path) -> Result<()> {
    for account in open.accounts()? {
        for stage in open.stages(&account.name)? {
            let url = stage.definition.url.as_deref().unwrap_or_default();
            let Ok(storage::Location::Folder { root, .. }) = storage::Location::parse(url) else {
                continue;
            };
            // One that cannot be followed opens nothing now.
            let opens = |folder: PathBuf| to.starts_with(&folder) || folder.starts_with(to);
            if resolved(&root).is_ok_and(opens) {
                return Err(Error::invalid_input(
                    Reason::OptionInvalid,
                    format_args!(
                        "the stage {} of account {} opens that directory to whoever may read the stage, and a backup has what all accounts have; name a directory that no stage opens",
                        stage.name, account.name
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// Where a path leads that may not be there yet, symbolic links followed.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    let mut missing = Vec::new();
    for ancestor in path.ancestors() {
        match ancestor.canonicalize() {
            Ok(found) => return Ok(missing.iter().rev().fold(found, |at, part| at.join(part))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        // A link that leads nowhere would be followed once it does; `..` means something else then, too.
        let is_link = ancestor.symlink_metadata().is_ok();
        match ancestor.file_name() {
            Some(part) if !is_link => missing.push(part.to_owned()),
            Some(_) | None => break,
        }
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        "it is no absolute path without '..' and without links that lead nowhere",
    ))
}

/// Makes a data directory of a backup. Everything is verified before anything is written. Blocking.
///
/// # Errors
/// Ready for an operator: no finished backup, a damaged file by its name, a directory that is not empty.
pub fn restore(from: &Path, to: &Path) -> std::result::Result<BackedUp, OpenError> {
    let path = from.join(MANIFEST);
    let text = fs::read_to_string(&path).map_err(|e| {
        OpenError::new(format!(
            "'{}' is no finished backup: failed to read {MANIFEST}: {e}",
            from.display()
        ))
    })?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|e| {
        OpenError::damaged(format!(
            "'{}' is damaged: {e}; use another backup",
            path.display()
        ))
    })?;
    if manifest.version != VERSION {
        return Err(OpenError::new(format!(
            "'{}' is of version {}, this program reads version {VERSION}",
            path.display(),
            manifest.version
        )));
    }
    for file in &manifest.files {
        verify(from, file)?;
    }
    empty_directory(to)
        .map_err(|e| OpenError::new(format!("failed to use '{}': {e}", to.display())))?;
    for file in manifest
        .files
        .iter()
        .filter(|file| !file.path.starts_with("catalog/"))
    {
        let target = to.join(&file.path);
        copied(&from.join(&file.path), &target)
            .map_err(|e| OpenError::new(format!("failed to write '{}': {e}", target.display())))?;
        verify(to, file)?;
    }
    // Last: a data directory without a catalog is plainly unfinished.
    let catalog = Catalog::restore(&from.join(CATALOG), &to.join(CATALOG)).map_err(|e| {
        if e.kind() == catalog::ErrorKind::Corrupt {
            OpenError::damaged(e.to_string())
        } else {
            OpenError::new(e.to_string())
        }
    })?;
    // What it comes from has all accounts' data as much as what it has become.
    if let Ok(from) = std::path::absolute(from) {
        remember(to, &from);
    }
    Ok(BackedUp {
        files: manifest.files.len() as u64,
        bytes: manifest.files.iter().map(|file| file.bytes).sum(),
        catalog_changes: catalog.last_seq,
        audit_head: from_hex(&catalog.audit_head),
    })
}

fn verify(root: &Path, file: &ManifestFile) -> std::result::Result<(), OpenError> {
    let relative = Path::new(&file.path);
    let is_inside = relative
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    let path = root.join(relative);
    let found = if is_inside {
        digest(&path)
    } else {
        Err(io::Error::other("it lies outside the backup"))
    };
    match found {
        Ok((bytes, sha256)) if bytes == file.bytes && sha256 == file.sha256 => Ok(()),
        Ok(_) => Err(OpenError::damaged(format!(
            "'{}' is damaged: it is not what the backup's manifest says; use another backup",
            path.display()
        ))),
        Err(e) => {
            let text = format!(
                "failed to read '{}' of the backup: {e}; use another backup",
                path.display()
            );
            Err(match e.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => OpenError::damaged(text),
                _ => OpenError::new(text),
            })
        }
    }
}

fn copy_folder(from: &Path, to: &Path, root: &Path, files: &mut Vec<ManifestFile>) -> Result<()> {
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(failed("read", from, &e)),
    };
    for entry in entries {
        let entry = entry.map_err(|e| failed("read", from, &e))?;
        let (path, name) = (entry.path(), entry.file_name());
        let kind = entry.file_type().map_err(|e| failed("read", &path, &e))?;
        if kind.is_dir() && name != DRAFTS {
            copy_folder(&path, &to.join(&name), root, files)?;
        } else if kind.is_file() {
            let target = to.join(&name);
            match copied(&path, &target) {
                Ok(()) => {}
                // Replaced or removed while the backup ran.
                Err(e) if e.kind() == io::ErrorKind::NotFound && !path.exists() => continue,
                Err(e) => return Err(failed("copy", &path, &e)),
            }
            files.push(described(root, &target).map_err(|e| failed("read", &target, &e))?);
        }
    }
    Ok(())
}

/// A durable copy, in folders that are made where they are missing.
fn copied(from: &Path, to: &Path) -> io::Result<()> {
    let parent = to.parent().map(Path::to_path_buf).unwrap_or_default();
    durable::create_folders(&parent)?;
    durable::copy(from, to)
}

fn described(root: &Path, path: &Path) -> io::Result<ManifestFile> {
    let (bytes, sha256) = digest(path)?;
    let relative = path.strip_prefix(root).unwrap_or(path);
    Ok(ManifestFile {
        path: relative.to_string_lossy().into_owned(),
        bytes,
        sha256,
    })
}

fn digest(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, hex(&digest.finalize())));
        }
        digest.update(&buffer[..read]);
        bytes += read as u64;
    }
}

fn write_manifest(to: &Path, manifest: &Manifest) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(manifest).map_err(io::Error::other)?;
    durable::create(&to.join(MANIFEST), &text)
}

fn empty_directory(path: &Path) -> io::Result<()> {
    durable::create_folders(path)?;
    match fs::read_dir(path)?.next() {
        None => Ok(()),
        Some(_) => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "it is not empty; name a directory that is empty or does not exist",
        )),
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .filter_map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok())
        .collect()
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> Error {
    let reason = match error.kind() {
        io::ErrorKind::AlreadyExists => Reason::OptionInvalid,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Reason::StorageFull,
        _ => Reason::StorageFailed,
    };
    Error::internal(
        reason,
        format_args!("failed to {doing} '{}': {error}", path.display()),
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::durable::syncs;

    /// Every file, every name, and the manifest, by which a backup is one, last.
    #[test]
    fn a_backup_is_durable_when_it_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir_all(from.join("tables/t")).unwrap();
        fs::write(from.join("tables/t/1"), "12345").unwrap();
        syncs::taken();
        empty_directory(&to).unwrap();
        let mut files = Vec::new();
        copy_folder(&from.join("tables"), &to.join("tables"), &to, &mut files).unwrap();
        let manifest = Manifest {
            files,
            version: VERSION,
            stagedoor_version: "0".to_owned(),
        };
        write_manifest(&to, &manifest).unwrap();
        let bytes = fs::metadata(to.join(MANIFEST)).unwrap().len();
        assert_eq!(
            syncs::taken(),
            [
                "folder of from, to".to_owned(),
                "folder of tables".to_owned(),
                "folder of t".to_owned(),
                "1, 5 bytes".to_owned(),
                "folder of 1".to_owned(),
                format!("{MANIFEST}.draft, {bytes} bytes"),
                format!("folder of {MANIFEST}, tables"),
            ]
        );
    }
}
