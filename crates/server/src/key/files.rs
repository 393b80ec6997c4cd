//! The key files of a rotation: `KEY.new` while secrets are moved to it, `KEY.old-ID` while the one before
//! is still needed. Each step is one atomic change of a name, so that a kill leaves one of few states.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{ServerKeyBytes, file};
use crate::durable;
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
            durable::rename(&part, &new)
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
            durable::sync_name(&old)?;
            durable::rename(&new, &self.path)
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
                .and_then(|()| durable::sync_name(&path))
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::durable::syncs;

    /// Between any two steps of a rotation a power cut leaves the keys that secrets are sealed with.
    #[test]
    fn each_step_of_a_rotation_is_durable_before_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let key = ServerKeyBytes::generate().unwrap();
        let id = key.id().to_string();
        file::write_new(&path, &key).unwrap();
        let mut files = KeyFiles::beside(&path).unwrap();
        syncs::taken();

        files.put_new(ServerKeyBytes::generate().unwrap()).unwrap();
        let bytes = fs::metadata(&path).unwrap().len();
        assert_eq!(
            syncs::taken(),
            [
                format!("key.new.part.draft, {bytes} bytes"),
                "folder of key, key.new.part".to_owned(),
                "folder of key, key.new".to_owned(),
            ]
        );
        files.swap().unwrap();
        assert_eq!(
            syncs::taken(),
            [
                format!("folder of key, key.new, key.old-{id}"),
                format!("folder of key, key.old-{id}"),
            ]
        );
        files.remove_old().unwrap();
        assert_eq!(syncs::taken(), ["folder of key"]);
    }
}
