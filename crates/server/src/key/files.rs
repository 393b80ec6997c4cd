//! The key files of a rotation: `KEY.new` while secrets are moved to it, `KEY.old-ID` while the one before
//! is still needed. Each step is one atomic change of a name, so that a kill leaves one of few states.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{ServerKeyBytes, file};
use crate::instance::OpenError;

/// What is beside a key file.
#[derive(Debug)]
pub(crate) struct KeyFiles {
    /// The key file, with symbolic links followed.
    path: PathBuf,
    /// The key that is to come into force.
    pub(crate) new: Option<ServerKeyBytes>,
    /// Keys that were in force, with their files.
    pub(crate) old: Vec<(PathBuf, ServerKeyBytes)>,
}

impl KeyFiles {
    /// Looks beside the key file, which must be there.
    ///
    /// # Errors
    /// Ready for an operator: a file beside it that is no key, or that others can read.
    pub(crate) fn beside(path: &Path) -> Result<Self, OpenError> {
        let failed = |e: io::Error| OpenError::new(format!("server key '{}': {e}", path.display()));
        let path = path.canonicalize().map_err(failed)?;
        let load = |path: &Path| file::load(path).map_err(OpenError::new);
        let mut files = Self {
            new: None,
            old: Vec::new(),
            path,
        };
        let new = files.with_ending("new");
        if new.try_exists().map_err(failed)? {
            files.new = Some(load(&new)?);
        }
        let beginning = file_name(&files.with_ending("old-"));
        let folder = files.path.parent().unwrap_or(Path::new("/"));
        let mut old = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?.path();
            if file_name(&entry).starts_with(&beginning) {
                old.push(entry);
            }
        }
        old.sort();
        for entry in old {
            let key = load(&entry)?;
            files.old.push((entry, key));
        }
        Ok(files)
    }

    /// Puts the key to come beside the one in force, durably and as a whole.
    pub(crate) fn put_new(&mut self, key: ServerKeyBytes) -> Result<(), OpenError> {
        let (new, part) = (self.with_ending("new"), self.with_ending("new.part"));
        let put = || {
            // Half of one, which a killed run has left.
            remove(&part)?;
            file::write_new(&part, &key)?;
            fs::rename(&part, &new)?;
            file::sync_folder(&new)
        };
        put().map_err(|e| failed("make", &new, &e))?;
        self.new = Some(key);
        Ok(())
    }

    /// Puts the new key in force; the key before keeps a name of its own. At no time is there no key file.
    pub(crate) fn swap(&mut self) -> Result<(), OpenError> {
        let current = file::load(&self.path).map_err(OpenError::new)?;
        let old = self.with_ending(&format!("old-{}", current.id()));
        let new = self.with_ending("new");
        let swap = || {
            match fs::hard_link(&self.path, &old) {
                // A killed run came as far as this.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                linked => linked?,
            }
            file::sync_folder(&old)?;
            fs::rename(&new, &self.path)?;
            file::sync_folder(&self.path)
        };
        swap().map_err(|e| failed("put the new key in the place of", &self.path, &e))?;
        self.new = None;
        if !self.old.iter().any(|(path, _)| *path == old) {
            self.old.push((old, current));
        }
        Ok(())
    }

    /// Removes the keys that are no longer needed; gives their files.
    pub(crate) fn remove_old(&mut self) -> Result<Vec<PathBuf>, OpenError> {
        let mut removed = Vec::new();
        for (path, _) in self.old.drain(..) {
            remove(&path)
                .and_then(|()| file::sync_folder(&path))
                .map_err(|e| failed("remove", &path, &e))?;
            removed.push(path);
        }
        Ok(removed)
    }

    fn with_ending(&self, ending: &str) -> PathBuf {
        let name = format!("{}.{ending}", file_name(&self.path));
        self.path.with_file_name(name)
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> OpenError {
    OpenError::new(format!("failed to {doing} '{}': {error}", path.display()))
}
