//! Walking a folder component by component, never following a symbolic link and never leaving it.
//! What openat2's RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS does, on every Unix.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::draft::OnExisting;
use crate::error::{Error, ErrorKind, Result};
use crate::path::{ObjectPath, RESERVED_DIRECTORY, is_reserved};
use crate::policy::Policy;

/// Readable by the group, not by others: what MySQL gives the files of INTO OUTFILE.
const FILE_MODE: Mode = Mode::from_raw_mode(0o640);
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o750);
const RESERVED_MODE: Mode = Mode::from_raw_mode(0o700);

/// A folder, and optionally a folder below it, as the top of a place.
#[derive(Debug)]
pub(crate) struct Beneath {
    /// Resolved once, when the place was opened.
    root: PathBuf,
    prefix: Option<ObjectPath>,
    policy: Policy,
}

impl Beneath {
    /// Resolves `root`, which must be a folder that exists.
    pub(crate) fn open(root: &Path, prefix: Option<ObjectPath>, policy: Policy) -> Result<Self> {
        let resolved = root
            .canonicalize()
            .map_err(|e| Error::io(format_args!("open folder '{}'", root.display()), e))?;
        if !resolved.is_dir() {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("'{}' is not a folder", root.display()),
            ));
        }
        policy.check(&resolved)?;
        // Another place's drafts are no place.
        let reserved = |part: Component<'_>| part.as_os_str().to_str().is_some_and(is_reserved);
        if resolved.components().any(reserved) {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "path '{}' is not allowed: '{RESERVED_DIRECTORY}' is reserved",
                    resolved.display()
                ),
            ));
        }
        Ok(Self {
            root: resolved,
            prefix,
            policy,
        })
    }

    /// The place's top as a path, for messages and for OpenDAL.
    pub(crate) fn top(&self) -> PathBuf {
        match &self.prefix {
            Some(prefix) => self.root.join(prefix.to_relative()),
            None => self.root.clone(),
        }
    }

    /// Refuses `path` when the policy denies it or a symbolic link lies on the way.
    /// A path, or a part of it, that does not exist is fine: nothing can be reached there.
    pub(crate) fn check(&self, path: Option<&ObjectPath>) -> Result<()> {
        let below = self.below_root(path);
        let Some(below) = below else { return Ok(()) };
        self.policy.check(&self.root.join(below.to_relative()))?;
        let mut folder = self.open_root()?;
        let count = below.components().count();
        for (index, component) in below.components().enumerate() {
            match rustix::fs::statat(&folder, component, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) if FileType::from_raw_mode(stat.st_mode).is_symlink() => {
                    return Err(self.is_symlink(&below));
                }
                Ok(_) if index + 1 == count => return Ok(()),
                Ok(_) => folder = self.descend(&folder, component, &below)?,
                Err(Errno::NOENT) => return Ok(()),
                Err(errno) => return Err(self.failed("read", &below, errno)),
            }
        }
        Ok(())
    }

    /// Creates a new file in the reserved directory: `.stagedoor/{id}/{name}`.
    pub(crate) fn create_reserved(&self, id: &str, name: &str) -> Result<File> {
        let path = ObjectPath::reserved(&format!("{id}/{name}"))?;
        self.policy.check(&self.root.join(path.to_relative()))?;
        // Another export may remove the empty reserved directory between our two steps: then once more.
        for _ in 0..16 {
            let folder = match self.reserved_folder(&path) {
                Ok(folder) => folder,
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(self.failed("create", &path, errno)),
            };
            let flags =
                OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            return match rustix::fs::openat(&folder, path.file_name(), flags, FILE_MODE) {
                Ok(file) => Ok(File::from(file)),
                Err(Errno::NOENT) => continue,
                Err(errno) => Err(self.failed("create", &path, errno)),
            };
        }
        Err(self.failed("create", &path, Errno::NOENT))
    }

    fn reserved_folder(&self, path: &ObjectPath) -> std::result::Result<OwnedFd, Errno> {
        let mut folder = rustix::fs::open(
            &self.root,
            folder_flags() & !OFlags::NOFOLLOW,
            Mode::empty(),
        )?;
        let count = path.components().count();
        for component in path.components().take(count - 1) {
            match rustix::fs::mkdirat(&folder, component, RESERVED_MODE) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
            }
            folder = rustix::fs::openat(&folder, component, folder_flags(), Mode::empty())?;
        }
        Ok(folder)
    }

    /// Moves a finished draft to its name and makes that durable: the file's folder is fsynced, and so
    /// is every folder that had to be created. On failure the created folders are removed again.
    pub(crate) fn publish(
        &self,
        id: &str,
        name: &str,
        target: &ObjectPath,
        on_existing: OnExisting,
    ) -> Result<()> {
        let draft = ObjectPath::reserved(&format!("{id}/{name}"))?;
        let target = self
            .below_root(Some(target))
            .ok_or_else(|| Error::new(ErrorKind::Invalid, "the target is empty"))?;
        self.policy.check(&self.root.join(target.to_relative()))?;
        let mut created = Vec::new();
        let result = self.publish_into(&draft, &target, on_existing, &mut created);
        if result.is_err() {
            for (parent, component) in created.iter().rev() {
                // Not ours any more if someone has put a file there meanwhile: then it stays.
                let _ = rustix::fs::unlinkat(parent, component.as_str(), AtFlags::REMOVEDIR);
            }
        }
        result
    }

    fn publish_into(
        &self,
        draft: &ObjectPath,
        target: &ObjectPath,
        on_existing: OnExisting,
        created: &mut Vec<(OwnedFd, String)>,
    ) -> Result<()> {
        let from = self.walk(draft.parent().as_ref())?;
        let mut folder = self.open_root()?;
        let count = target.components().count();
        for component in target.components().take(count - 1) {
            match rustix::fs::mkdirat(&folder, component, FOLDER_MODE) {
                Ok(()) => {
                    rustix::fs::fsync(&folder)
                        .map_err(|errno| self.failed("sync the folder of", target, errno))?;
                    let parent = folder
                        .try_clone()
                        .map_err(|e| Error::io("keep a folder open", e))?;
                    created.push((parent, component.to_owned()));
                }
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(self.failed("create the folder of", target, errno)),
            }
            folder = self.descend(&folder, component, target)?;
        }
        let (old, new) = (draft.file_name(), target.file_name());
        match on_existing {
            OnExisting::Refuse => rename_no_replace(&from, old, &folder, new),
            OnExisting::Replace => rustix::fs::renameat(&from, old, &folder, new),
        }
        .map_err(|errno| match errno {
            Errno::EXIST => already_exists(target),
            Errno::XDEV => Error::new(
                ErrorKind::Unsupported,
                format!(
                    "failed to publish '{target}': its folder is on another file system than '{}'",
                    self.root.display()
                ),
            ),
            errno => self.failed("publish", target, errno),
        })?;
        rustix::fs::fsync(&folder).map_err(|errno| self.failed("sync the folder of", target, errno))
    }

    /// Removes all drafts of `id`, and the reserved directory when it is empty.
    pub(crate) fn discard(&self, id: &str) -> Result<()> {
        let path = ObjectPath::reserved(id)?;
        let reserved = match self.walk(path.parent().as_ref()) {
            Ok(folder) => folder,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        match rustix::fs::openat(&reserved, id, folder_flags(), Mode::empty()) {
            Ok(drafts) => {
                for name in self.names(&drafts, &path)? {
                    // Gone meanwhile: a cancelled writer tidies up, too.
                    gone(rustix::fs::unlinkat(
                        &drafts,
                        name.as_str(),
                        AtFlags::empty(),
                    ))
                    .map_err(|errno| self.failed("remove", &path, errno))?;
                }
                gone(rustix::fs::unlinkat(&reserved, id, AtFlags::REMOVEDIR))
                    .map_err(|errno| self.failed("remove", &path, errno))?;
            }
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(self.failed("open", &path, errno)),
        }
        let root = self.open_root()?;
        match rustix::fs::unlinkat(&root, crate::RESERVED_DIRECTORY, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.failed("remove", &path, errno)),
        }
    }

    /// The ids that have drafts.
    pub(crate) fn draft_ids(&self) -> Result<Vec<String>> {
        let root = self.open_root()?;
        match rustix::fs::openat(
            &root,
            crate::RESERVED_DIRECTORY,
            folder_flags(),
            Mode::empty(),
        ) {
            Ok(reserved) => self.names(&reserved, &ObjectPath::reserved("x")?),
            Err(Errno::NOENT) => Ok(Vec::new()),
            Err(errno) => Err(self.failed("open", &ObjectPath::reserved("x")?, errno)),
        }
    }

    /// Makes the names of the drafts of `id` durable: fsync of their folder and of those above it.
    pub(crate) fn sync_reserved(&self, id: &str) -> Result<()> {
        let path = ObjectPath::reserved(id)?;
        let sync = |folder: &OwnedFd| {
            rustix::fs::fsync(folder).map_err(|errno| self.failed("sync", &path, errno))
        };
        sync(&self.walk(Some(&path))?)?;
        sync(&self.walk(path.parent().as_ref())?)?;
        sync(&self.open_root()?)
    }

    /// Whether `.stagedoor/{id}/{name}` is there.
    pub(crate) fn has_reserved(&self, id: &str, name: &str) -> Result<bool> {
        let path = ObjectPath::reserved(&format!("{id}/{name}"))?;
        self.is_there(&path)
    }

    /// Opens a file for reading.
    pub(crate) fn open_file(&self, path: &ObjectPath) -> Result<File> {
        let Some(path) = self.below_root(Some(path)) else {
            return Err(Error::new(ErrorKind::Invalid, "the path is empty"));
        };
        self.policy.check(&self.root.join(path.to_relative()))?;
        let folder = self.walk(path.parent().as_ref())?;
        // NONBLOCK: opening a pipe that nobody writes to must not wait.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&folder, path.file_name(), flags, Mode::empty())
            .map(File::from)
            .map_err(|errno| self.failed("open", &path, errno))?;
        match file.metadata() {
            Ok(found) if found.is_file() => Ok(file),
            _ => Err(Error::new(
                ErrorKind::Invalid,
                format!("'{path}' is not a file"),
            )),
        }
    }

    /// Whether anything, even a symbolic link, has this name.
    pub(crate) fn exists(&self, path: &ObjectPath) -> Result<bool> {
        self.check(Some(path))?;
        let Some(path) = self.below_root(Some(path)) else {
            return Ok(true);
        };
        self.is_there(&path)
    }

    /// Whether a path below the root is taken, be it by a symbolic link.
    fn is_there(&self, path: &ObjectPath) -> Result<bool> {
        let folder = match self.walk(path.parent().as_ref()) {
            Ok(folder) => folder,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        match rustix::fs::statat(&folder, path.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.failed("read", path, errno)),
        }
    }

    fn names(&self, folder: &OwnedFd, path: &ObjectPath) -> Result<Vec<String>> {
        let entries = Dir::read_from(folder).map_err(|errno| self.failed("list", path, errno))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|errno| self.failed("list", path, errno))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn walk(&self, folder: Option<&ObjectPath>) -> Result<OwnedFd> {
        let mut open = self.open_root()?;
        if let Some(path) = folder {
            for component in path.components() {
                open = self.descend(&open, component, path)?;
            }
        }
        Ok(open)
    }

    fn open_root(&self) -> Result<OwnedFd> {
        // The root itself is resolved already; NOFOLLOW catches one that was swapped for a link since.
        rustix::fs::open(&self.root, folder_flags(), Mode::empty()).map_err(|errno| {
            Error::io(
                format_args!("open folder '{}'", self.root.display()),
                errno.into(),
            )
        })
    }

    fn descend(&self, folder: impl AsFd, component: &str, path: &ObjectPath) -> Result<OwnedFd> {
        rustix::fs::openat(folder.as_fd(), component, folder_flags(), Mode::empty()).map_err(
            |errno| match errno {
                Errno::LOOP => self.is_symlink(path),
                // Linux answers ENOTDIR for a link opened with O_DIRECTORY | O_NOFOLLOW.
                Errno::NOTDIR if is_link(&folder, component) => self.is_symlink(path),
                errno => self.failed("open the folder of", path, errno),
            },
        )
    }

    fn below_root(&self, path: Option<&ObjectPath>) -> Option<ObjectPath> {
        match (&self.prefix, path) {
            (Some(prefix), Some(path)) => Some(prefix.join(path)),
            (Some(only), None) | (None, Some(only)) => Some(only.clone()),
            (None, None) => None,
        }
    }

    fn is_symlink(&self, path: &ObjectPath) -> Error {
        Error::new(
            ErrorKind::Invalid,
            format!("path '{path}' is not allowed: a symbolic link lies on it"),
        )
    }

    fn failed(&self, what: &str, path: &ObjectPath, errno: Errno) -> Error {
        Error::io(
            format_args!("{what} '{}'", self.root.join(path.to_relative()).display()),
            errno.into(),
        )
    }
}

/// The error for a target that is there already; MatrixOne's text (code 20406 there).
pub(crate) fn already_exists(target: &ObjectPath) -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        format!("file {} already exists", target.file_name()),
    )
}

/// Removing what is not there has succeeded.
fn gone(result: std::result::Result<(), Errno>) -> std::result::Result<(), Errno> {
    match result {
        Err(Errno::NOENT) => Ok(()),
        result => result,
    }
}

fn is_link(folder: impl AsFd, component: &str) -> bool {
    rustix::fs::statat(folder.as_fd(), component, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_symlink())
}

fn folder_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

/// renameat2(RENAME_NOREPLACE); link and unlink where the file system does not know it.
fn rename_no_replace(
    from: &OwnedFd,
    old: &str,
    to: &OwnedFd,
    new: &str,
) -> std::result::Result<(), Errno> {
    match rustix::fs::renameat_with(from, old, to, new, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            rustix::fs::linkat(from, old, to, new, AtFlags::empty())?;
            // Published. The draft's own name goes with its folder, now or later.
            let _ = rustix::fs::unlinkat(from, old, AtFlags::empty());
            Ok(())
        }
        result => result,
    }
}
