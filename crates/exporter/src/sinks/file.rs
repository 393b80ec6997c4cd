//! Files in a folder: written under names of their own that begin with a dot, and given their real ones when all of the
//! export are there.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::{NamedTempFile, TempPath};

use crate::part::{NewFile, Part, PartSink};

/// Writes the files of an export into a folder that is there: `rows.csv`, or several as `rows-%d.csv`.
///
/// Nothing is seen under a file's name before the export has ended well: files are written as `.stagedoor-….part` beside,
/// made durable, and renamed when all are finished, one after the other; a name that is taken is an error. If the export
/// fails or is cancelled, if its future is dropped, or if one of the renames fails, everything is removed again. A
/// process that is killed may leave its `.part` files, and one that is killed between two renames the first ones:
/// the last file is there only if all are.
#[derive(Debug)]
pub struct FileSink {
    folder: PathBuf,
    name: FileName,
    replaces: bool,
    finished: Finished,
}

/// Files that wait for their names.
type Finished = Arc<Mutex<Vec<(TempPath, PathBuf)>>>;

impl FileSink {
    /// Of the path of the file. `%d` or `%05d` in its name becomes the file's number, from 0 on; without one, an export
    /// that needs a second file in the same folder is an error. Rows that are partitioned go into folders beside.
    ///
    /// # Errors
    /// A path that ends in no name.
    pub fn new(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let (Some(name), Some(folder)) = (path.file_name().and_then(OsStr::to_str), path.parent())
        else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "'{}' ends in no name that a file could have",
                    path.display()
                ),
            ));
        };
        let folder = match folder.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => folder.to_owned(),
        };
        Ok(Self {
            folder,
            name: FileName::of(name),
            replaces: false,
            finished: Finished::default(),
        })
    }

    /// Files of these names that are there are replaced, each in one step; where a later one of several cannot be, those
    /// before it have been.
    pub fn replacing(self) -> Self {
        Self {
            replaces: true,
            ..self
        }
    }
}

impl PartSink for FileSink {
    type Part = FilePart;

    fn open(&mut self, file: &NewFile) -> io::Result<FilePart> {
        let name = self.name.numbered(file.number)?;
        let target = match &file.partition {
            Some(partition) => Path::new(&**partition).join(name),
            None => PathBuf::from(name),
        };
        let path = self.folder.join(&target);
        // That need not be found out after the last row.
        if !self.replaces && path.symlink_metadata().is_ok() {
            let what = "it is there already, and only a replacing sink replaces it";
            return Err(at(
                &path,
                io::Error::new(io::ErrorKind::AlreadyExists, what),
            ));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".stagedoor-").suffix(".part");
        // For whom a new file is, the process' mask says.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        Ok(FilePart {
            file: builder.tempfile_in(&self.folder)?,
            target,
            finished: Arc::clone(&self.finished),
        })
    }

    fn finish(&mut self) -> io::Result<()> {
        let files = std::mem::take(&mut *lock(&self.finished));
        let mut published = Published::default();
        for (file, target) in files {
            published.publish(file, &self.folder, &target, self.replaces)?;
        }
        published.keep()
    }
}

/// A file of a [`FileSink`].
#[derive(Debug)]
pub struct FilePart {
    file: NamedTempFile,
    /// As seen from the sink's folder.
    target: PathBuf,
    finished: Finished,
}

impl Part for FilePart {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn finish(self) -> io::Result<()> {
        self.file.as_file().sync_all()?;
        // Closed: however many there are, one is open.
        lock(&self.finished).push((self.file.into_temp_path(), self.target));
        Ok(())
    }

    fn abort(self) {
        // Dropped, it removes itself.
    }
}

/// What has been published so far: taken back when it is dropped.
#[derive(Debug, Default)]
struct Published {
    /// Made for it, outer ones first.
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
    /// Folders in which a name is new.
    changed: BTreeSet<PathBuf>,
}

impl Published {
    fn publish(
        &mut self,
        file: TempPath,
        folder: &Path,
        target: &Path,
        replaces: bool,
    ) -> io::Result<()> {
        let mut path = folder.to_owned();
        for part in target.parent().unwrap_or(Path::new("")).components() {
            path.push(part);
            match fs::create_dir(&path) {
                Ok(()) => {
                    self.folders.push(path.clone());
                    self.changes(&path);
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
                Err(e) => return Err(at(&path, e)),
            }
        }
        let path = folder.join(target);
        self.changes(&path);
        if replaces {
            // What was there is gone, so there is nothing to take back.
            return file.persist(&path).map_err(|e| at(&path, e.error));
        }
        file.persist_noclobber(&path)
            .map_err(|e| at(&path, e.error))?;
        self.files.push(path);
        Ok(())
    }

    fn changes(&mut self, path: &Path) {
        self.changed.extend(path.parent().map(Path::to_owned));
    }

    /// Makes the names durable, and leaves them.
    fn keep(mut self) -> io::Result<()> {
        for folder in &self.changed {
            sync_folder(folder).map_err(|e| at(folder, e))?;
        }
        self.files.clear();
        self.folders.clear();
        Ok(())
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        // What cannot be removed stays: the export's error is told, not this one's.
        for path in &self.files {
            let _ = fs::remove_file(path);
        }
        for folder in self.folders.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Elsewhere a folder is nothing that could be synced.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// A file's name, around its number if it has one.
#[derive(Debug, PartialEq)]
enum FileName {
    Fixed(String),
    Numbered {
        before: String,
        width: usize,
        after: String,
    },
}

/// More digits than any number of files has.
const WIDTH_MAX: usize = 20;

impl FileName {
    fn of(name: &str) -> Self {
        for (place, _) in name.match_indices('%') {
            let (before, rest) = (&name[..place], &name[place + 1..]);
            let Some(end) = rest.find(|character: char| !character.is_ascii_digit()) else {
                break;
            };
            let (digits, after) = rest.split_at(end);
            let width = match digits {
                "" => Some(0),
                _ if digits.starts_with('0') => digits.parse().ok(),
                _ => None,
            };
            if let (Some(after), Some(width)) = (after.strip_prefix('d'), width)
                && width <= WIDTH_MAX
            {
                return Self::Numbered {
                    before: before.to_owned(),
                    width,
                    after: after.to_owned(),
                };
            }
        }
        Self::Fixed(name.to_owned())
    }

    fn numbered(&self, number: u32) -> io::Result<String> {
        match self {
            Self::Fixed(name) if number == 0 => Ok(name.clone()),
            Self::Fixed(name) => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "the export has a second file, and '{name}' is one name; a %d in it becomes the file's number"
                ),
            )),
            Self::Numbered {
                before,
                width,
                after,
            } => Ok(format!("{before}{number:0width$}{after}")),
        }
    }
}

fn at(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn lock(finished: &Finished) -> MutexGuard<'_, Vec<(TempPath, PathBuf)>> {
    finished.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_name_has_its_number_where_it_says() {
        let named = |name: &str, number| FileName::of(name).numbered(number);
        assert_eq!(named("x-%d.csv", 12).unwrap(), "x-12.csv");
        assert_eq!(named("%05d", 12).unwrap(), "00012");
        assert_eq!(named("100%-%03d.csv", 1234).unwrap(), "100%-1234.csv");
        for fixed in ["x.csv", "%", "100%", "%5d", "%05", "%099d", "%s %"] {
            assert_eq!(named(fixed, 0).unwrap(), fixed);
            assert!(
                named(fixed, 1).unwrap_err().to_string().contains("%d"),
                "{fixed}"
            );
        }
    }

    #[test]
    fn a_path_ends_in_a_name() {
        for path in ["", "/", "a/..", ".."] {
            let error = FileSink::new(path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{path}");
        }
        assert_eq!(FileSink::new("x.csv").unwrap().folder, Path::new("."));
    }
}
