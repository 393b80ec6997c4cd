//! Walking a folder component by component, never following a symbolic link and never leaving it.
//! What openat2's RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS does, on every Unix.

mod probe;
mod publication;

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};
use crate::path::{ObjectPath, RESERVED_DIRECTORY, is_reserved};
use crate::policy::Policy;
use crate::token::Identity;

use super::DraftName;
use super::sync::sync_names;

pub(crate) use probe::{Renaming, Space};

/// Readable by the group, not by others: what MySQL gives the files of INTO OUTFILE.
const FILE_MODE: Mode = Mode::from_raw_mode(0o640);
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o750);
const RESERVED_MODE: Mode = Mode::from_raw_mode(0o700);

/// What a name in a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Folder,
    /// A link, a pipe, a socket, a device: nothing that a place gives.
    Other,
}

/// A name in a folder.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Within the place.
    pub(crate) path: ObjectPath,
    pub(crate) kind: EntryKind,
    pub(crate) identity: Identity,
}

impl Entry {
    fn new(path: ObjectPath, stat: &Stat) -> Self {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => EntryKind::File,
            FileType::Directory => EntryKind::Folder,
            _ => EntryKind::Other,
        };
        Self {
            path,
            kind,
            identity: identity_of(stat),
        }
    }

    pub(crate) fn modified(&self) -> SystemTime {
        let ns = self.identity.modified_ns;
        match u64::try_from(ns) {
            Ok(after) => SystemTime::UNIX_EPOCH + Duration::from_nanos(after),
            Err(_) => SystemTime::UNIX_EPOCH - Duration::from_nanos(ns.unsigned_abs()),
        }
    }
}

/// A folder that is missing is not made, and the error says why: a disk that is not mounted looks just like it.
fn not_opened(root: &Path, error: io::Error) -> Error {
    let is_missing = error.kind() == io::ErrorKind::NotFound;
    let error = Error::io(format_args!("open folder '{}'", root.display()), error);
    match is_missing {
        true => error.advising(
            "it is not made by itself, for it may be on a disk that is not mounted: mount that, or make the folder",
        ),
        false => error,
    }
}

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
        policy.check_denied(root)?;
        let resolved = root.canonicalize().map_err(|e| not_opened(root, e))?;
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

    /// Refuses a place whose top the policy denies, or to which a symbolic link leads. A top that does not exist
    /// yet is fine.
    pub(crate) fn check_top(&self) -> Result<()> {
        let Some(prefix) = &self.prefix else {
            return Ok(());
        };
        self.policy.check(&self.root.join(prefix.to_relative()))?;
        match self.walk(Some(prefix)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Creates a new file in the reserved directory.
    pub(crate) fn create_draft(&self, draft: &DraftName) -> Result<File> {
        let path = draft.path()?;
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

    /// Removes a file.
    pub(crate) fn delete(&self, path: &ObjectPath) -> Result<()> {
        let path = self.target_of(path)?;
        match self.walk(path.parent().as_ref()) {
            Ok(folder) => self.refuse_other_kinds(&folder, &path)?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
        self.remove(&path)
    }

    /// Unlinks a path below the root, durably.
    fn remove(&self, path: &ObjectPath) -> Result<()> {
        let folder = self.walk(path.parent().as_ref())?;
        no_matter_if_gone(rustix::fs::unlinkat(
            &folder,
            path.file_name(),
            AtFlags::empty(),
        ))
        .map_err(|errno| self.failed("remove", path, errno))?;
        self.sync(&folder, path)
    }

    fn sync(&self, folder: &OwnedFd, path: &ObjectPath) -> Result<()> {
        sync_names(folder).map_err(|errno| self.failed("sync the folder of", path, errno))
    }

    fn sync_folder_of(&self, path: &ObjectPath) -> Result<()> {
        self.sync(&self.walk(path.parent().as_ref())?, path)
    }

    /// Removes one draft, and the folders of the reserved directory that are empty then.
    pub(crate) fn discard(&self, draft: &DraftName) -> Result<()> {
        let path = draft.path()?;
        let folder = match self.walk(path.parent().as_ref()) {
            Ok(folder) => folder,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        no_matter_if_gone(rustix::fs::unlinkat(
            &folder,
            draft.name.as_str(),
            AtFlags::empty(),
        ))
        .map_err(|errno| self.failed("remove", &path, errno))?;
        self.remove_empty(&draft.work)
    }

    /// Removes all drafts of a piece of work.
    pub(crate) fn sweep(&self, work: &str) -> Result<()> {
        let path = reserved(work)?;
        match self.walk(Some(&path)) {
            Ok(drafts) => {
                for name in self.names(&drafts, &path)? {
                    // Gone meanwhile: a cancelled writer tidies up, too.
                    no_matter_if_gone(rustix::fs::unlinkat(
                        &drafts,
                        name.as_str(),
                        AtFlags::empty(),
                    ))
                    .map_err(|errno| self.failed("remove", &path, errno))?;
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        self.remove_empty(work)
    }

    /// Removes the folder of a piece of work, and the reserved directory, if nothing is in them.
    fn remove_empty(&self, work: &str) -> Result<()> {
        let path = reserved(work)?;
        let empty_only = |folder: &OwnedFd, name: &str| match rustix::fs::unlinkat(
            folder,
            name,
            AtFlags::REMOVEDIR,
        ) {
            Ok(()) | Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.failed("remove", &path, errno)),
        };
        match self.walk(path.parent().as_ref()) {
            Ok(reserved) => empty_only(&reserved, work)?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
        empty_only(&self.open_root()?, RESERVED_DIRECTORY)
    }

    /// Removes every draft, of whatever work.
    pub(crate) fn sweep_all(&self) -> Result<()> {
        let path = reserved("x")?;
        let works = match self.walk(path.parent().as_ref()) {
            Ok(reserved) => self.names(&reserved, &path)?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        works.iter().try_for_each(|work| self.sweep(work))
    }

    /// Makes the names of the drafts of `work` durable: fsync of their folder and of those above it.
    pub(crate) fn sync_drafts(&self, work: &str) -> Result<()> {
        let path = reserved(work)?;
        self.sync(&self.walk(Some(&path))?, &path)?;
        self.sync(&self.walk(path.parent().as_ref())?, &path)?;
        self.sync(&self.open_root()?, &path)
    }

    /// The identity of a draft that is there.
    pub(crate) fn draft_identity(&self, draft: &DraftName) -> Result<Option<Identity>> {
        self.identity(&draft.path()?)
    }

    /// Whether the folder of a draft's work is there. It is made with the first draft and removed when the work is
    /// over, so without it the root is not what it was.
    pub(crate) fn has_work(&self, draft: &DraftName) -> Result<bool> {
        match self.walk(draft.path()?.parent().as_ref()) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The identity of what has this name below the root; not through a link.
    fn identity(&self, path: &ObjectPath) -> Result<Option<Identity>> {
        match self.walk(path.parent().as_ref()) {
            Ok(folder) => identity_at(&folder, path.file_name())
                .map_err(|errno| self.failed("look at", path, errno)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens a file of the place for reading.
    pub(crate) fn open_file(&self, path: &ObjectPath) -> Result<File> {
        self.open_below_root(&self.target_of(path)?)
    }

    fn open_below_root(&self, path: &ObjectPath) -> Result<File> {
        let file = self
            .open_read(path)
            .map_err(|errno| self.not_opened("open", path, errno))?;
        match file.metadata() {
            Ok(found) if found.is_file() => Ok(file),
            _ => Err(Error::new(
                ErrorKind::Invalid,
                format!("'{path}' is not a file"),
            )),
        }
    }

    /// Opens beneath the root, following no link: in one step where the kernel can, component by component
    /// elsewhere.
    fn open_read(&self, path: &ObjectPath) -> std::result::Result<File, Errno> {
        // NONBLOCK: opening a pipe that nobody writes to must not wait.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let root = rustix::fs::open(&self.root, folder_flags(), Mode::empty())?;
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::ResolveFlags;
            let resolve =
                ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            match rustix::fs::openat2(&root, path.as_str(), flags, Mode::empty(), resolve) {
                // Forbidden by a sandbox, or a kernel before 5.6.
                Err(Errno::NOSYS | Errno::PERM) => {}
                opened => return opened.map(File::from),
            }
        }
        let mut folder = root;
        let count = path.components().count();
        for component in path.components().take(count - 1) {
            folder = rustix::fs::openat(&folder, component, folder_flags(), Mode::empty())?;
        }
        rustix::fs::openat(&folder, path.file_name(), flags, Mode::empty()).map(File::from)
    }

    /// What a file or folder of the place is; its top without a path.
    pub(crate) fn stat(&self, path: Option<&ObjectPath>) -> Result<Entry> {
        let Some(below) = self.below_root(path) else {
            let root = self.open_root()?;
            let stat = rustix::fs::fstat(&root)
                .map_err(|errno| Error::io("look at a folder", errno.into()))?;
            // The top has no name within itself; nobody looks at this one.
            return Ok(Entry::new(ObjectPath::reserved("top")?, &stat));
        };
        self.policy.check(&self.root.join(below.to_relative()))?;
        let folder = self.walk(below.parent().as_ref())?;
        let stat = rustix::fs::statat(&folder, below.file_name(), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|errno| self.failed("look at", &below, errno))?;
        if FileType::from_raw_mode(stat.st_mode).is_symlink() {
            return Err(self.is_symlink(&below));
        }
        Ok(Entry::new(path.cloned().unwrap_or(below), &stat))
    }

    /// What is in a folder of the place, in the byte order of whole paths. Links, drafts, what the policy denies
    /// and names that no [`ObjectPath`] can have are left out.
    pub(crate) fn list(&self, folder: Option<&ObjectPath>) -> Result<VecDeque<Entry>> {
        let below = self.below_root(folder);
        if let Some(below) = &below {
            self.policy.check(&self.root.join(below.to_relative()))?;
        }
        let open = self.walk(below.as_ref())?;
        let shown = below.clone().map_or_else(|| reserved("x"), Ok)?;
        let here = match &below {
            Some(below) => self.root.join(below.to_relative()),
            None => self.root.clone(),
        };
        let has_denied = self.policy.denies_within(&here);
        let mut entries = Vec::new();
        for name in self.names(&open, &shown)? {
            let Ok(name) = ObjectPath::parse(&name) else {
                continue;
            };
            if has_denied && self.policy.check_denied(&here.join(name.as_str())).is_err() {
                continue;
            }
            let looked = rustix::fs::statat(&open, name.as_str(), AtFlags::SYMLINK_NOFOLLOW);
            let stat = match looked {
                Ok(stat) => stat,
                // Gone since it was read.
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(self.failed("look at", &shown, errno)),
            };
            let path = match folder {
                Some(folder) => folder.join(&name),
                None => name,
            };
            entries.push(Entry::new(path, &stat));
        }
        // A folder sorts as what its paths begin with: `a-b` before `a/b`.
        entries.sort_by_cached_key(|entry| match entry.kind {
            EntryKind::Folder => format!("{}/", entry.path),
            EntryKind::File | EntryKind::Other => entry.path.to_string(),
        });
        Ok(entries.into())
    }

    /// Whether anything, even a symbolic link, has this name.
    pub(crate) fn exists(&self, path: &ObjectPath) -> Result<bool> {
        let path = self.target_of(path)?;
        Ok(self.identity(&path)?.is_some())
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

    /// A path of the place as one below the root, if the policy permits it.
    fn target_of(&self, path: &ObjectPath) -> Result<ObjectPath> {
        let below = match &self.prefix {
            Some(prefix) => prefix.join(path),
            None => path.clone(),
        };
        self.policy.check(&self.root.join(below.to_relative()))?;
        Ok(below)
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

    /// A path that did not open as a file, in one go: a link on the way is `LOOP` or `NOTDIR`, as the walk tells.
    fn not_opened(&self, what: &str, path: &ObjectPath, errno: Errno) -> Error {
        match errno {
            Errno::LOOP | Errno::NOTDIR | Errno::XDEV => match self.walk(path.parent().as_ref()) {
                Err(error) => error,
                Ok(folder) if is_link(&folder, path.file_name()) => self.is_symlink(path),
                Ok(_) => self.failed(what, path, errno),
            },
            errno => self.failed(what, path, errno),
        }
    }

    fn failed(&self, what: &str, path: &ObjectPath, errno: Errno) -> Error {
        Error::io(
            format_args!("{what} '{}'", self.root.join(path.to_relative()).display()),
            errno.into(),
        )
    }
}

fn reserved(work: &str) -> Result<ObjectPath> {
    if work.contains('/') {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("'{}' names no work: it has a slash", work.escape_default()),
        ));
    }
    ObjectPath::reserved(work)
}

fn identity_of(stat: &Stat) -> Identity {
    Identity {
        inode: stat.st_ino,
        bytes: u64::try_from(stat.st_size).unwrap_or_default(),
        modified_ns: stat
            .st_mtime
            .saturating_mul(1_000_000_000)
            .saturating_add(stat.st_mtime_nsec as i64),
    }
}

fn identity_at(folder: &OwnedFd, name: &str) -> std::result::Result<Option<Identity>, Errno> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(identity_of(&stat))),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// The identity of an open file.
pub(crate) fn identity_of_file(file: &File) -> std::io::Result<Identity> {
    Ok(identity_of(&rustix::fs::fstat(file)?))
}

/// Removing what is not there has succeeded.
fn no_matter_if_gone(result: std::result::Result<(), Errno>) -> std::result::Result<(), Errno> {
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
