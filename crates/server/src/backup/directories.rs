//! Where backups were written, `backups.json` in the data directory: no stage may open one, which has what all accounts
//! have.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::durable;

/// The version of the file that is written and read.
const VERSION: u32 = 1;
const FILE: &str = "backups.json";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    version: u32,
    /// Absolute paths. What is no text is not among them: no stage can name it.
    directories: Vec<String>,
}

/// Where they are, also what cannot be seen now: the disk may be mounted later. Blocking.
pub(crate) fn directories(data_dir: &Path) -> Vec<PathBuf> {
    match read(data_dir) {
        Ok(listed) => listed,
        Err(error) => {
            tracing::warn!(
                %error,
                "failed to read {FILE} in the data directory: stages are not kept from earlier backups"
            );
            Vec::new()
        }
    }
}

/// Adds one, durably; those that were removed are forgotten. Blocking.
pub(super) fn remember(data_dir: &Path, backup: &Path) -> io::Result<()> {
    // Two at once would each write what it has read.
    static WRITING: Mutex<()> = Mutex::new(());
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(new) = backup.to_str() else {
        return Ok(());
    };
    let mut known = read(data_dir)?;
    known.retain(|path| path != backup && !was_removed(path));
    let known = known
        .iter()
        .filter_map(|path| path.to_str().map(str::to_owned));
    let listed = Listed {
        version: VERSION,
        directories: known.chain([new.to_owned()]).collect(),
    };
    let text = serde_json::to_vec_pretty(&listed)?;
    let path = data_dir.join(FILE);
    durable::replace(&path, &path.with_extension("json.draft"), &text)
}

/// Whether a folder is gone from one that is there; that no disk is mounted there now is not that.
fn was_removed(path: &Path) -> bool {
    let is_gone =
        matches!(path.symlink_metadata(), Err(error) if error.kind() == io::ErrorKind::NotFound);
    is_gone && path.parent().is_some_and(has_entries)
}

fn has_entries(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

fn read(data_dir: &Path) -> io::Result<Vec<PathBuf>> {
    let text = match fs::read(data_dir.join(FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let listed: Listed = serde_json::from_slice(&text)?;
    if listed.version != VERSION {
        return Err(io::Error::other(format!(
            "it is of version {}, this program reads version {VERSION}",
            listed.version
        )));
    }
    Ok(listed.directories.into_iter().map(PathBuf::from).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn those_that_are_there_are_known() {
        let dir = tempfile::tempdir().unwrap();
        assert!(directories(dir.path()).is_empty());
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        fs::create_dir(&one).unwrap();
        fs::create_dir(&two).unwrap();
        remember(dir.path(), &one).unwrap();
        remember(dir.path(), &two).unwrap();
        remember(dir.path(), &two).unwrap();
        assert_eq!(directories(dir.path()), [one.clone(), two.clone()]);
        // Not to be seen is not removed.
        fs::remove_dir(&one).unwrap();
        assert_eq!(directories(dir.path()), [one, two.clone()]);
        remember(dir.path(), &two).unwrap();
        assert_eq!(directories(dir.path()), [two]);
    }

    /// The bytes of version 1, which every later program must read.
    #[test]
    fn version_1_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap();
        let text = format!(
            "{{\n  \"version\": 1,\n  \"directories\": [\n    {:?}\n  ]\n}}",
            path.to_str().unwrap()
        );
        fs::write(path.join(FILE), &text).unwrap();
        assert_eq!(directories(&path), std::slice::from_ref(&path));
        remember(&path, &path).unwrap();
        assert_eq!(fs::read_to_string(path.join(FILE)).unwrap(), text);
        fs::write(path.join(FILE), text.replace('1', "2")).unwrap();
        assert!(read(&path).is_err());
        assert!(remember(&path, &path).is_err());
    }
}
