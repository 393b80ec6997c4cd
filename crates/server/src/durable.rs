//! Files that are on the disk, name and all, when what writes them returns. Nothing else of the server syncs, so that
//! tests see every sync, and what was there when it was made.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// For the server's user alone.
const MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// Writes a file that must not be there yet. Until it is whole it has its name with `.draft` behind.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".draft");
    let draft = Path::new(&draft);
    let mut options = OpenOptions::new();
    options.create(true).truncate(true);
    write(&mut options, draft, bytes)?;
    let named = match fs::hard_link(draft, path) {
        // A file system without hard links.
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists && !path.try_exists()? => {
            fs::rename(draft, path)
        }
        linked => {
            fs::remove_file(draft)?;
            linked
        }
    };
    named?;
    sync_name(path)
}

/// Writes a file whole in the place of one that may be there. Until it is whole it is called `draft`, in the same folder.
pub(crate) fn replace(path: &Path, draft: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(true);
    write(&mut options, draft, bytes)?;
    rename(draft, path)
}

/// Gives a file another name in its folder, in the place of one that may have it.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_name(to)
}

/// Copies a file to a name that must not be there yet, in a folder that is. Half of it has the name before all of it has:
/// what tells that a copy is whole comes after it.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let mut target = File::create_new(to)?;
    io::copy(&mut source, &mut target)?;
    sync_bytes(&target, to)?;
    sync_name(to)
}

/// Makes a folder, and those above it that are missing, for the server's user alone.
pub(crate) fn create_folders(path: &Path) -> io::Result<()> {
    let create = || match DirBuilder::new().mode(FOLDER_MODE).create(path) {
        Ok(()) => sync_name(path),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(e) => Err(e),
    };
    match create() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => match path.parent() {
            Some(above) if !above.as_os_str().is_empty() => {
                create_folders(above)?;
                create()
            }
            Some(_) | None => Err(e),
        },
        created => created,
    }
}

/// Makes durable what has become of a name: that a file has it, or none any more.
pub(crate) fn sync_name(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    File::open(folder)?.sync_all()?;
    note_sync(folder);
    Ok(())
}

fn write(options: &mut OpenOptions, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = options.write(true).mode(MODE).open(path)?;
    file.write_all(bytes)?;
    sync_bytes(&file, path)
}

fn sync_bytes(file: &File, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    note_sync(path);
    Ok(())
}

#[cfg(not(test))]
fn note_sync(_: &Path) {}

#[cfg(test)]
use syncs::note_sync;

/// The syncs of a thread, with the names that were in the synced file's folder then.
#[cfg(test)]
pub(crate) mod syncs {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::cell::RefCell;
    use std::fs;
    use std::path::Path;

    thread_local! {
        static SYNCS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn note_sync(path: &Path) {
        let line = match path.is_dir() {
            true => {
                let entries = fs::read_dir(path).unwrap();
                let mut names: Vec<String> = entries
                    .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
                    .collect();
                names.sort();
                format!("folder of {}", names.join(", "))
            }
            false => {
                let name = path.file_name().unwrap().to_string_lossy();
                format!("{name}, {} bytes", fs::metadata(path).unwrap().len())
            }
        };
        SYNCS.with_borrow_mut(|syncs| syncs.push(line));
    }

    /// Those since this was asked last: `name, n bytes` for a file, `folder of name, name` for a folder.
    pub(crate) fn taken() -> Vec<String> {
        SYNCS.take()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Bytes first, then the name: a name that survives a power cut never stands for fewer bytes.
    #[test]
    fn the_bytes_are_durable_before_the_name_and_the_name_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        syncs::taken();

        create(&at("new"), b"12345").unwrap();
        assert_eq!(syncs::taken(), ["new.draft, 5 bytes", "folder of new"]);

        replace(&at("new"), &at("draft"), b"1234567").unwrap();
        assert_eq!(syncs::taken(), ["draft, 7 bytes", "folder of new"]);

        copy(&at("new"), &at("copy")).unwrap();
        assert_eq!(syncs::taken(), ["copy, 7 bytes", "folder of copy, new"]);

        rename(&at("copy"), &at("moved")).unwrap();
        assert_eq!(syncs::taken(), ["folder of moved, new"]);

        fs::remove_file(at("moved")).unwrap();
        sync_name(&at("moved")).unwrap();
        assert_eq!(syncs::taken(), ["folder of new"]);

        create_folders(&at("a/b")).unwrap();
        assert_eq!(syncs::taken(), ["folder of a, new", "folder of b"]);
        create_folders(&at("a/b")).unwrap();
        assert_eq!(syncs::taken(), Vec::<String>::new());
    }

    #[test]
    fn what_is_there_is_not_replaced_unasked() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("one"), dir.path().join("other"));
        create(&one, b"1").unwrap();
        create(&other, b"2").unwrap();
        for result in [create(&one, b"3"), copy(&other, &one)] {
            assert_eq!(result.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        }
        assert_eq!(fs::read(&one).unwrap(), b"1");
        let below_a_file = create_folders(&one.join("a/b")).unwrap_err();
        assert_eq!(below_a_file.kind(), io::ErrorKind::NotADirectory);
    }
}
