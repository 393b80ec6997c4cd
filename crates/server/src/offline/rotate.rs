//! Rotating the server key: the new key is on the disk before the first secret is moved to it, the old one
//! until none needs it. A run that is killed anywhere is finished by the next one.

use std::path::{Path, PathBuf};

use catalog::{Catalog, KeyRing};

use super::{open, owner};
use crate::instance::OpenError;
use crate::key::{self, KeyFiles, Place, ServerKeyBytes};
use crate::settings::Settings;

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The id of the key that is in force now.
    pub to: String,
    /// How many secrets this run moved to it; those of an interrupted run are not counted.
    pub secrets: u64,
    /// Whether it went on with an earlier, interrupted rotation.
    pub resumed: bool,
    /// The files of keys that were removed, as nothing needs them.
    pub removed: Vec<PathBuf>,
    /// Indexes that were kept of an earlier loss (`catalog/index.ahead`), which open by the old key still.
    pub kept: Vec<PathBuf>,
    /// What the operator must do before the next start.
    pub to_do: Option<String>,
}

/// Moves all secrets to a new server key: that of `new_key_file`, or a random one. With a key file the new
/// key takes its place; a key from a variable or a program has to be changed there by the operator. An
/// interrupted rotation is gone on with. `progress` gets how many secrets were moved, and how many there
/// were. Blocking.
///
/// # Errors
/// Ready for an operator: a server runs, no data directory, a key that is missing or malformed, another
/// new key than that of the rotation that is not finished.
pub fn rotate_key(
    settings: &Settings,
    new_key_file: Option<&Path>,
    progress: impl FnMut(u64, u64),
) -> Result<Rotated, OpenError> {
    let given = new_key_file.map(key::load_file).transpose()?;
    match Place::of(settings) {
        Place::File(path) => in_files(settings, &path, given, progress),
        Place::Environment(name) => elsewhere(
            settings,
            given,
            &format!("the environment variable {name} (secrets.key_env)"),
            progress,
        ),
        Place::Command(_) => elsewhere(
            settings,
            given,
            "what the program of secrets.key_command prints",
            progress,
        ),
    }
}

fn in_files(
    settings: &Settings,
    path: &Path,
    given: Option<ServerKeyBytes>,
    progress: impl FnMut(u64, u64),
) -> Result<Rotated, OpenError> {
    super::catalog_in(&settings.data_dir)?;
    let current = key::load_file(path)?;
    let mut files = KeyFiles::beside(path)?;
    // Opened first, for only one can: from here on nobody else touches the files.
    let catalog = open(&settings.data_dir, Some(key::ring(settings)?), false)?;
    let resumed = files.new.is_some() || !files.old.is_empty();
    match (&files.new, given) {
        (Some(new), Some(given)) if given.id() != new.id() => return Err(unfinished(new)),
        (None, Some(given)) if resumed && given.id() != current.id() => {
            return Err(unfinished(&current));
        }
        (None, Some(given)) if !resumed && given.id() == current.id() => return Err(same(&given)),
        (None, given) if !resumed => files.put_new(match given {
            Some(given) => given,
            None => ServerKeyBytes::generate().map_err(OpenError::new)?,
        })?,
        (Some(_) | None, _) => {}
    }
    let new = files.new.as_ref().unwrap_or(&current);
    let to = new.id().to_string();
    let secrets = moved(catalog, settings, new, progress)?;
    if files.new.is_some() {
        files.swap()?;
    }
    Ok(Rotated {
        to,
        secrets,
        resumed,
        removed: files.remove_old()?,
        kept: kept(settings),
        to_do: None,
    })
}

fn elsewhere(
    settings: &Settings,
    given: Option<ServerKeyBytes>,
    source: &str,
    progress: impl FnMut(u64, u64),
) -> Result<Rotated, OpenError> {
    let Some(new) = given else {
        return Err(OpenError::new(format!(
            "the server key is {source}, where no new one can be put from here: make one in a file, give it with --new-key-file, then change {source} to it; docs/operations.md says how a key is made"
        )));
    };
    let current = key::load_or_create(settings)?;
    if current.id() == new.id() {
        return Err(same(&new));
    }
    let ring = KeyRing::new(current.to_server_key()).with_previous(new.to_server_key());
    let catalog = open(&settings.data_dir, Some(ring), false)?;
    let secrets = moved(catalog, settings, &new, progress)?;
    Ok(Rotated {
        to: new.id().to_string(),
        secrets,
        resumed: false,
        removed: Vec::new(),
        kept: kept(settings),
        to_do: Some(format!(
            "make {source} the new key before the next start; with the old one the server refuses to start"
        )),
    })
}

/// Moves all secrets, checks that none is left, and makes the index anew, whose files could still hold what the old key
/// opens; of the journal the rotation has seen to that.
fn moved(
    catalog: Catalog,
    settings: &Settings,
    new: &ServerKeyBytes,
    progress: impl FnMut(u64, u64),
) -> Result<u64, OpenError> {
    let failed = |e: catalog::Error| OpenError::of_catalog(&e, &settings.data_dir);
    let report = catalog
        .rotate_key(&owner(), new.to_server_key(), progress)
        .map_err(failed)?;
    match catalog.rotation_state().map_err(failed)? {
        None => {
            drop(catalog);
            let dir = settings.data_dir.join(super::CATALOG);
            Catalog::rebuild(&dir, catalog::Options::default()).map_err(failed)?;
            Ok(report.secrets)
        }
        Some(state) => Err(OpenError::new(format!(
            "{} secrets still need the server key {}; run this again",
            state.left, state.from
        ))),
    }
}

/// What a rebuild has set aside, for nobody but the operator knows when it is no longer needed.
fn kept(settings: &Settings) -> Vec<PathBuf> {
    let Ok(entries) = settings.data_dir.join(super::CATALOG).read_dir() else {
        return Vec::new();
    };
    let mut kept: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .starts_with("index.ahead")
        })
        .map(|entry| entry.path())
        .collect();
    kept.sort();
    kept
}

fn unfinished(to: &ServerKeyBytes) -> OpenError {
    OpenError::new(format!(
        "a rotation to the server key {} is not finished; run this without --new-key-file to finish it, then again for another key",
        to.id()
    ))
}

fn same(key: &ServerKeyBytes) -> OpenError {
    OpenError::new(format!(
        "the server key {} of --new-key-file is the one in force already; give another",
        key.id()
    ))
}
