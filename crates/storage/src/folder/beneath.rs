//! Walking a folder component by component, never following a symbolic link and never leaving it.
//! What openat2's RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS does, on every Unix.

use std::collections::VecDeque;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use crate::backend::{PlannedFile, Published};
use crate::draft::OnExisting;
use crate::error::{Error, ErrorKind, Result, already_exists};
use crate::path::{ObjectPath, RESERVED_DIRECTORY, is_reserved};
use crate::policy::Policy;
use crate::token::Identity;

use super::DraftName;
use super::digest::digest_of;

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

    /// Moves a finished draft to its name and makes that durable: the file's folder is fsynced, and so
    /// is every folder that had to be created. On failure the created folders are removed again.
    pub(crate) fn publish(&self, draft: &DraftName, file: &PlannedFile) -> Result<Published> {
        let target = self.target_of(&file.target)?;
        let Some(found) = self.draft_identity(draft)? else {
            // Renamed by an earlier call, if the file of that name is the very one.
            return match self.identity(&target)? {
                Some(there) if draft.identity == Some(there) => {
                    self.sync_folder_of(&target)?;
                    Ok(Published::Before)
                }
                Some(_) | None => Err(gone(draft)),
            };
        };
        self.refuse_changed(draft, found, file)?;
        let mut created = Vec::new();
        let result = self.publish_into(draft, found, &target, file.on_existing, &mut created);
        if result.is_err() {
            for (parent, component) in created.iter().rev() {
                // Not ours any more if someone has put a file there meanwhile: then it stays.
                let _ = rustix::fs::unlinkat(parent, component.as_str(), AtFlags::REMOVEDIR);
            }
        }
        result
    }

    /// Refuses a draft that is not the one that was finished: neither by its identity nor, where a file system
    /// gives files another identity with time, by its bytes.
    fn refuse_changed(&self, draft: &DraftName, found: Identity, file: &PlannedFile) -> Result<()> {
        if draft.identity == Some(found) {
            return Ok(());
        }
        let path = draft.path()?;
        let opened = self.open_below_root(&path)?;
        let (bytes, sha256) =
            digest_of(opened).map_err(|e| Error::io(format_args!("read '{path}'"), e))?;
        if bytes == file.bytes && sha256 == file.sha256 {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Io,
            format!(
                "failed to publish '{}': its draft has been changed since it was finished ({} bytes then, {bytes} now)",
                file.target, file.bytes
            ),
        ))
    }

    fn publish_into(
        &self,
        draft: &DraftName,
        found: Identity,
        target: &ObjectPath,
        on_existing: OnExisting,
        created: &mut Vec<(OwnedFd, String)>,
    ) -> Result<Published> {
        let draft = draft.path()?;
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
        let renamed = match on_existing {
            OnExisting::Refuse => rename_no_replace(&from, old, &folder, new),
            OnExisting::Replace => {
                self.refuse_other_kinds(&folder, target)?;
                rustix::fs::renameat(&from, old, &folder, new)
            }
        };
        match renamed {
            Ok(()) => {}
            // Ours, where a file system links and unlinks instead of renaming, and we stopped in between.
            Err(Errno::EXIST) if identity_at(&folder, new).ok().flatten() == Some(found) => {
                let _ = rustix::fs::unlinkat(&from, old, AtFlags::empty());
                self.sync(&folder, target)?;
                return Ok(Published::Before);
            }
            Err(Errno::EXIST) => return Err(already_exists(target)),
            Err(Errno::XDEV) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "failed to publish '{target}': its folder is on another file system than '{}'",
                        self.root.display()
                    ),
                ));
            }
            Err(errno) => return Err(self.failed("publish", target, errno)),
        }
        // Nothing of ours can be swapped in the reserved directory; whoever owns the disk might.
        match identity_at(&folder, new) {
            Ok(Some(there)) if there.inode == found.inode && there.bytes == found.bytes => {}
            Ok(_) | Err(_) => {
                return Err(Error::new(
                    ErrorKind::Io,
                    format!("'{target}' was changed by somebody else while it was published"),
                ));
            }
        }
        self.sync(&folder, target)?;
        Ok(Published::Now)
    }

    /// OVERWRITE replaces a file, nothing else: not a link, a pipe or a folder that happens to have the name.
    fn refuse_other_kinds(&self, folder: &OwnedFd, target: &ObjectPath) -> Result<()> {
        match rustix::fs::statat(folder, target.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode).is_file() => Ok(()),
            Err(Errno::NOENT) => Ok(()),
            Ok(_) => Err(Error::new(
                ErrorKind::Invalid,
                format!("'{target}' is not a file, so it is not replaced"),
            )),
            Err(errno) => Err(self.failed("look at", target, errno)),
        }
    }

    /// Removes the file that this plan has published: the very one, by its identity.
    pub(crate) fn withdraw(&self, file: &PlannedFile) -> Result<()> {
        let draft = DraftName::of(&file.token)?;
        let target = self.target_of(&file.target)?;
        match self.identity(&target)? {
            Some(there) if draft.identity == Some(there) => self.remove(&target),
            Some(_) | None => Ok(()),
        }
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
        rustix::fs::fsync(folder).map_err(|errno| self.failed("sync the folder of", path, errno))
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
        let mut entries = Vec::new();
        for name in self.names(&open, &shown)? {
            let Ok(name) = ObjectPath::parse(&name) else {
                continue;
            };
            // Gone since it was read.
            let Ok(stat) = rustix::fs::statat(&open, name.as_str(), AtFlags::SYMLINK_NOFOLLOW)
            else {
                continue;
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

fn gone(draft: &DraftName) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("draft {} of {} is gone", draft.name, draft.work),
    )
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
