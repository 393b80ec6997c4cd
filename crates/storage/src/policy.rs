//! `Policy`: which parts of the server's own file system no place may reach, and by which way buckets are reached.
//! The server always denies its data directory; `/proc`, `/sys` and `/dev` are denied to everyone.

use std::path::{Path, PathBuf};

use crate::bucket::Transport;
use crate::error::{Error, ErrorKind, Result};
use crate::location::Location;

const ALWAYS_DENIED: [&str; 3] = ["/proc", "/sys", "/dev"];

/// What a [`Store`](crate::Store) on the file system may touch.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    denied: Vec<PathBuf>,
    denied_files: Vec<PathBuf>,
    allowed: Option<Vec<PathBuf>>,
    buckets: Option<Transport>,
}

impl Policy {
    /// Denies a folder and everything below it, such as the server's data directory.
    #[must_use]
    pub fn deny(mut self, folder: &Path) -> Self {
        self.denied.push(canonical(folder));
        self
    }

    /// Denies a file, where it really is and by the name that leads there, and what is called after it in its folder:
    /// `key` denies `key.new`, too.
    #[must_use]
    pub fn deny_file(mut self, file: &Path) -> Self {
        let real = canonical(file);
        // Its last part is not followed: the link itself is not to be replaced either.
        let named = match (file.parent(), file.file_name()) {
            (Some(folder), Some(name)) => canonical(folder).join(name),
            _ => file.to_owned(),
        };
        if named != real {
            self.denied_files.push(named);
        }
        self.denied_files.push(real);
        self
    }

    /// Permits only these folders and what is below them. Without this, every folder not denied.
    #[must_use]
    pub fn allow_only(mut self, folders: &[PathBuf]) -> Self {
        self.allowed = Some(folders.iter().map(|folder| canonical(folder)).collect());
        self
    }

    /// Permits buckets, reached through a transport whose endpoint policy says which.
    #[must_use]
    pub fn buckets(mut self, transport: Transport) -> Self {
        self.buckets = Some(transport);
        self
    }

    pub(crate) fn transport(&self) -> Option<&Transport> {
        self.buckets.as_ref()
    }

    /// That a folder, be it there or not, could be opened under this policy; other places pass. Blocking.
    ///
    /// # Errors
    /// [`ErrorKind::PermissionDenied`], naming the path.
    pub fn check_location(&self, location: &Location) -> Result<()> {
        match location {
            Location::Folder { root, prefix } => {
                self.check_denied(root)?;
                let root = canonical(root);
                self.check(&match prefix {
                    Some(prefix) => root.join(prefix.to_relative()),
                    None => root,
                })
            }
            Location::Bucket { .. } | Location::SubStage { .. } | Location::Memory(_) => Ok(()),
        }
    }

    /// Checks an absolute path without `..`, whose existing part has been resolved.
    ///
    /// # Errors
    /// [`ErrorKind::PermissionDenied`], naming the path.
    pub(crate) fn check(&self, path: &Path) -> Result<()> {
        self.check_denied(path)?;
        match &self.allowed {
            Some(allowed) if !allowed.iter().any(|folder| path.starts_with(folder)) => {
                Err(Error::new(
                    ErrorKind::PermissionDenied,
                    format!(
                        "path '{}' is not permitted: the setting paths.allow does not list it",
                        path.display()
                    ),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Whether something in this folder or below it is denied, so that what is found there has to be looked at.
    pub(crate) fn denies_within(&self, folder: &Path) -> bool {
        let denied = self.denied.iter().chain(&self.denied_files);
        let always = ALWAYS_DENIED.iter().map(Path::new);
        always
            .chain(denied.map(PathBuf::as_path))
            .any(|path| path.starts_with(folder))
    }

    /// Checks a path as it was written: `/proc/self/root/x` is resolved to `/x`, and is refused all the same.
    pub(crate) fn check_denied(&self, path: &Path) -> Result<()> {
        let denied = ALWAYS_DENIED
            .iter()
            .map(Path::new)
            .chain(self.denied.iter().map(PathBuf::as_path));
        for folder in denied {
            if path.starts_with(folder) {
                let message = format!(
                    "path '{}' is not permitted: the server keeps '{}' to itself",
                    path.display(),
                    folder.display()
                );
                return Err(Error::new(ErrorKind::PermissionDenied, message));
            }
        }
        // The name of a file that is denied for another's sake is none of the caller's business.
        if self.denied_files.iter().any(|file| is_of(path, file)) {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                format!(
                    "path '{}' is not permitted: it is one of the server's own files",
                    path.display()
                ),
            ));
        }
        Ok(())
    }
}

/// Whether a path is a file, or is called after it.
fn is_of(path: &Path, file: &Path) -> bool {
    if path.starts_with(file) {
        return true;
    }
    let names = (path.file_name(), file.file_name());
    let (Some(name), Some(of)) = names else {
        return false;
    };
    let rest = name.as_encoded_bytes().strip_prefix(of.as_encoded_bytes());
    path.parent() == file.parent() && rest.is_some_and(|rest| rest.starts_with(b"."))
}

/// The path with the symbolic links of its existing part resolved.
pub(crate) fn canonical(path: &Path) -> PathBuf {
    let mut missing = Vec::new();
    let mut existing = path;
    loop {
        if let Ok(resolved) = existing.canonicalize() {
            return missing
                .iter()
                .rev()
                .fold(resolved, |path, name| path.join(name));
        }
        match (existing.parent(), existing.file_name()) {
            (Some(parent), Some(name)) => {
                missing.push(name);
                existing = parent;
            }
            _ => return path.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn denies_own_folders_even_through_a_link_or_before_they_exist() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let link = root.join("link");
        std::os::unix::fs::symlink(&root, &link).unwrap();
        let policy = Policy::default().deny(&link.join("data"));
        assert_eq!(
            policy.check(&root.join("data/key")).unwrap_err().kind(),
            ErrorKind::PermissionDenied
        );
        assert!(policy.check(&root.join("database")).is_ok());
        assert!(policy.check(Path::new("/proc/self/mem")).is_err());
    }

    #[test]
    fn denies_a_file_by_every_name_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("real")).unwrap();
        std::fs::write(root.join("real/key-7"), "k").unwrap();
        std::os::unix::fs::symlink(root.join("real"), root.join("keys")).unwrap();
        std::os::unix::fs::symlink(root.join("real/key-7"), root.join("key")).unwrap();
        let policy = Policy::default()
            .deny_file(&root.join("key"))
            .deny_file(&root.join("keys/later"));
        for denied in ["key", "key.new", "key.old-1", "real/key-7", "real/later"] {
            let error = policy.check(&root.join(denied)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{denied}");
        }
        for permitted in ["keyless", "real", "real/key", "other/key", "real/late"] {
            policy.check(&root.join(permitted)).unwrap();
        }
    }

    #[test]
    fn allows_only_what_is_listed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let policy = Policy::default().allow_only(&[root.join("out")]);
        assert!(policy.check(&root.join("out/a.csv")).is_ok());
        assert!(policy.check(&root.join("outside")).is_err());
    }
}
