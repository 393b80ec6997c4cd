//! What VALIDATE STAGE asks of a file system, below the root like everything else, and taking it away again.

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::{Beneath, FILE_MODE, RESERVED_MODE, folder_flags, no_matter_if_gone};
use crate::error::{Error, Result};
use crate::path::{ObjectPath, RESERVED_DIRECTORY};
use crate::validation::Probe;

/// Room on the file system of a folder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Space {
    /// For the server's user, in bytes.
    pub(crate) free: u64,
    /// In bytes.
    pub(crate) total: u64,
    /// Files that can still be made; `None` where the file system does not count them.
    pub(crate) files: Option<u64>,
}

/// How a file system renames without replacing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Renaming {
    /// As asked, in one step.
    Native,
    /// It does not know that; it links, which refuses to replace, too.
    Linking,
    /// It replaced.
    Replacing,
}

impl Beneath {
    /// How many folders of the place's own prefix are missing, so that a validation makes them.
    pub(crate) fn missing_folders(&self) -> usize {
        let Some(prefix) = &self.prefix else { return 0 };
        let mut folder = Some(prefix.clone());
        let mut missing = 0;
        while let Some(path) = folder {
            if self.walk(Some(&path)).is_ok() {
                break;
            }
            missing += 1;
            folder = path.parent();
        }
        missing
    }

    /// Room where the place is.
    pub(crate) fn space(&self) -> Result<Space> {
        let stat = rustix::fs::fstatvfs(&self.open_root()?).map_err(|errno| {
            Error::io(
                format_args!("look at the file system of '{}'", self.root.display()),
                errno.into(),
            )
        })?;
        Ok(Space {
            free: stat.f_bavail.saturating_mul(stat.f_frsize),
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
            files: (stat.f_files > 0).then_some(stat.f_favail),
        })
    }

    /// Whether a file can be made without a name and be linked later.
    pub(crate) fn makes_unnamed_files(&self, probe: &Probe) -> Result<bool> {
        let folder = self.folder_of_probe(probe)?;
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&folder, ".", flags, FILE_MODE) {
            Ok(file) => file,
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => return Ok(false),
            Err(errno) => return Err(self.failed("make a file in", &probe.folder()?, errno)),
        };
        // The way that needs no capability.
        let own = format!("/proc/self/fd/{}", file.as_raw_fd());
        let linked = rustix::fs::linkat(CWD, own, &folder, "unnamed", AtFlags::SYMLINK_FOLLOW);
        Ok(linked.is_ok())
    }

    /// How a file gets its name here.
    pub(crate) fn renaming(&self, probe: &Probe) -> Result<Renaming> {
        let folder = self.folder_of_probe(probe)?;
        let path = probe.folder()?;
        let failed = |errno| self.failed("rename a file in", &path, errno);
        for name in ["from", "from-too"] {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            rustix::fs::openat(&folder, name, flags, FILE_MODE).map_err(failed)?;
        }
        let rename =
            |from| rustix::fs::renameat_with(&folder, from, &folder, "to", RenameFlags::NOREPLACE);
        match rename("from") {
            Ok(()) => {}
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => return Ok(Renaming::Linking),
            Err(errno) => return Err(failed(errno)),
        }
        match rename("from-too") {
            Err(Errno::EXIST) => Ok(Renaming::Native),
            Ok(()) => Ok(Renaming::Replacing),
            Err(errno) => Err(failed(errno)),
        }
    }

    /// Removes all that a run has made, and the last `missing` folders of the prefix, if they are empty.
    pub(crate) fn remove_probe(&self, probe: &Probe, missing: usize) -> Result<()> {
        self.sweep(probe.work())?;
        let below = self.target_of(&probe.folder()?)?;
        if let Ok(folder) = self.walk(Some(&below)) {
            for name in self.names(&folder, &below)? {
                no_matter_if_gone(rustix::fs::unlinkat(
                    &folder,
                    name.as_str(),
                    AtFlags::empty(),
                ))
                .map_err(|errno| self.failed("remove", &below, errno))?;
            }
        }
        let mut empty = Some(below);
        // The run's folder, the reserved one, and those of the prefix that were not there.
        for _ in 0..2 + missing {
            let Some(path) = empty else { break };
            match self.walk(path.parent().as_ref()) {
                Ok(folder) => {
                    match rustix::fs::unlinkat(&folder, path.file_name(), AtFlags::REMOVEDIR) {
                        Ok(()) | Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT) => {}
                        Err(errno) => return Err(self.failed("remove", &path, errno)),
                    }
                }
                Err(_) => break,
            }
            empty = path.parent();
        }
        Ok(())
    }

    /// The run's folder below the place's top, where its files are published.
    fn folder_of_probe(&self, probe: &Probe) -> Result<OwnedFd> {
        let below: ObjectPath = self.target_of(&probe.folder()?)?;
        let failed = |errno| self.failed("make", &below, errno);
        let mut folder = self.open_root()?;
        for component in below.components() {
            let mode = match component {
                RESERVED_DIRECTORY => RESERVED_MODE,
                _ => super::FOLDER_MODE,
            };
            match rustix::fs::mkdirat(&folder, component, mode) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(failed(errno)),
            }
            folder = rustix::fs::openat(&folder, component, folder_flags(), Mode::empty())
                .map_err(failed)?;
        }
        Ok(folder)
    }
}
