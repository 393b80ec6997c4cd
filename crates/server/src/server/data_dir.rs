//! The data directory before anything in it is opened: made for the server's user alone, and refused
//! when others could change it or the server cannot.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::fs::Access;

use crate::instance::OpenError;

/// For its owner alone.
const PRIVATE: u32 = 0o700;
const ALL_CAN_WRITE: u32 = 0o002;
const OTHERS: u32 = 0o077;

/// Makes the directory, or judges the one that is there. Blocking.
pub(super) fn prepare(path: &Path) -> Result<(), OpenError> {
    let about = |why: String| OpenError::new(format!("data directory '{}' {why}", path.display()));
    DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE)
        .create(path)
        .map_err(|e| match e.kind() {
            std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::NotADirectory => {
                about(format!("is no directory: {e}"))
            }
            _ => about(format!("cannot be made: {e}")),
        })?;
    let metadata = fs::metadata(path).map_err(|e| about(format!("cannot be looked at: {e}")))?;
    let mode = metadata.mode() & 0o7777;
    if mode & ALL_CAN_WRITE != 0 {
        return Err(about(format!(
            "can be changed by every user of this machine (mode {mode:o}), so it is refused: chmod 700 '{}', or use a directory in it",
            path.display()
        )));
    }
    rustix::fs::access(path, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).map_err(|e| {
        about(format!(
            "is not writable for this process ({e}): mount it writable, and let it belong to the server's user"
        ))
    })?;
    let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
    if mode & OTHERS != 0 && is_own {
        tighten(path, mode).map_err(|e| about(format!("cannot be looked at: {e}")))?;
    }
    Ok(())
}

/// An empty directory becomes private; one in use is as its owner has decided, and that is said.
fn tighten(path: &Path, mode: u32) -> std::io::Result<()> {
    if fs::read_dir(path)?.next().is_none() {
        return fs::set_permissions(path, Permissions::from_mode(PRIVATE));
    }
    tracing::warn!(
        "data directory '{0}' can be read by other users of this machine (mode {mode:o}); if that is not meant: chmod 700 '{0}'",
        path.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_new_or_empty_one_becomes_private_and_one_in_use_stays() {
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("above/new");
        prepare(&new).unwrap();
        assert_eq!(mode(&new), 0o700);
        set_mode(&new, 0o755);
        prepare(&new).unwrap();
        assert_eq!(mode(&new), 0o700);
        fs::write(new.join("x"), "").unwrap();
        set_mode(&new, 0o750);
        prepare(&new).unwrap();
        assert_eq!(mode(&new), 0o750);
    }

    #[test]
    fn one_that_all_can_change_is_refused_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        for wide in [0o777, 0o1777, 0o702] {
            set_mode(folder.path(), wide);
            let error = prepare(folder.path()).unwrap_err().to_string();
            let expected = format!("(mode {wide:o}), so it is refused: chmod 700 '");
            assert!(error.contains(&expected), "{error}");
        }
    }

    #[test]
    fn what_is_no_directory_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for path in [file.path().to_owned(), file.path().join("below")] {
            let error = prepare(&path).unwrap_err().to_string();
            assert!(error.contains("is no directory"), "{error}");
        }
    }

    #[test]
    fn a_read_only_file_system_is_told_in_words() {
        // The one that is there for any user on any Linux.
        let error = prepare(Path::new("/proc/self")).unwrap_err().to_string();
        assert!(
            error.contains("is not writable for this process"),
            "{error}"
        );
    }
}
