//! A disk for tests: it counts what it is asked for, fails where it is told to, and loses in a power
//! cut what was not synced. The files are real ones.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Disk, DiskFile, RealDisk};

/// What a disk can be asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Call {
    Create,
    Open,
    Write,
    Reserve,
    SyncData,
    SyncAll,
    SetLen,
    Rename,
    Remove,
    SyncDirectory,
}

/// Shared by a catalog and its test.
#[derive(Clone, Default)]
pub(crate) struct SimulatedDisk {
    state: Arc<Mutex<State>>,
    /// Done once, in the next sync of a whole file.
    during_sync_all: Arc<Mutex<Option<Meanwhile>>>,
}

/// What happens while the disk is busy.
type Meanwhile = Box<dyn FnOnce() + Send>;

impl std::fmt::Debug for SimulatedDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimulatedDisk").finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<Call>,
    /// The calls from this number on fail, so many of them.
    failing: Option<(usize, usize)>,
    /// What is on the disk of each file, by its inode.
    synced: HashMap<u64, Vec<u8>>,
    /// The directories that were synced, in order.
    directories: Vec<PathBuf>,
    /// Which names are on the disk.
    names: HashMap<PathBuf, BTreeMap<PathBuf, u64>>,
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    path: PathBuf,
    inode: u64,
    file: Box<dyn DiskFile>,
}

impl SimulatedDisk {
    /// How often it was asked for this.
    pub(crate) fn count(&self, call: Call) -> usize {
        self.state().calls.iter().filter(|&&c| c == call).count()
    }

    /// All that it was asked for.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The directories that were synced, in order.
    pub(crate) fn synced_directories(&self) -> Vec<PathBuf> {
        self.state().directories.clone()
    }

    /// Does this in the next sync of a whole file, after what the sync takes.
    pub(crate) fn during_sync_all(&self, what: impl FnOnce() + Send + 'static) {
        *self.during_sync_all.lock().unwrap() = Some(Box::new(what));
    }

    /// Fails `count` calls after `after` more have gone well.
    pub(crate) fn fail(&self, after: usize, count: usize) {
        let mut state = self.state();
        let from = state.calls.len() + after;
        state.failing = Some((from, count));
    }

    /// Leaves in `dir` only what was synced, under the names that were.
    pub(crate) fn cut_power(&self, dir: &Path) {
        let mut state = self.state();
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        let named = state.names.remove(dir).unwrap_or_default();
        let files: Vec<(PathBuf, Vec<u8>)> = named
            .into_iter()
            .map(|(name, inode)| (name, state.synced.get(&inode).cloned().unwrap_or_default()))
            .collect();
        state.synced.clear();
        let mut names = BTreeMap::new();
        for (name, bytes) in files {
            let path = dir.join(&name);
            fs::write(&path, &bytes).unwrap();
            let inode = fs::metadata(&path).unwrap().ino();
            names.insert(name, inode);
            state.synced.insert(inode, bytes);
        }
        state.names.insert(dir.to_owned(), names);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn call(&self, call: Call) -> io::Result<()> {
        let mut state = self.state();
        let number = state.calls.len();
        state.calls.push(call);
        match state.failing {
            Some((from, count)) if (from..from + count).contains(&number) => {
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
            _ => Ok(()),
        }
    }

    fn file(&self, path: &Path, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(SimulatedFile {
            disk: self.clone(),
            path: path.to_owned(),
            inode: fs::metadata(path).unwrap().ino(),
            file,
        })
    }
}

impl Disk for SimulatedDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.call(Call::Create)?;
        let file = RealDisk.create(path)?;
        let file = self.file(path, file);
        let inode = fs::metadata(path)?.ino();
        // A new file may have the inode of one that is gone.
        if !self.is_named(inode) {
            self.state().synced.remove(&inode);
        }
        Ok(file)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.call(Call::Open)?;
        let file = RealDisk.open(path)?;
        Ok(self.file(path, file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(Call::Rename)?;
        RealDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(Call::Remove)?;
        RealDisk.remove(path)
    }

    fn sync_directory(&self, dir: &Path) -> io::Result<()> {
        self.call(Call::SyncDirectory)?;
        RealDisk.sync_directory(dir)?;
        let mut names = BTreeMap::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.insert(PathBuf::from(entry.file_name()), entry.metadata()?.ino());
            }
        }
        let mut state = self.state();
        state.names.insert(dir.to_owned(), names);
        state.directories.push(dir.to_owned());
        Ok(())
    }
}

impl SimulatedDisk {
    fn is_named(&self, inode: u64) -> bool {
        let state = self.state();
        state
            .names
            .values()
            .any(|names| names.values().any(|&i| i == inode))
    }
}

impl SimulatedFile {
    fn keep(&self) -> io::Result<()> {
        // It may have been renamed; its content is what the inode has.
        let mut path = self.path.clone();
        if fs::metadata(&path).map(|data| data.ino()).ok() != Some(self.inode) {
            path = path.with_file_name(crate::journal::FILE_NAME);
        }
        let bytes = fs::read(path)?;
        self.disk.state().synced.insert(self.inode, bytes);
        Ok(())
    }
}

impl DiskFile for SimulatedFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if let Err(e) = self.disk.call(Call::Write) {
            // A full disk takes what still fits.
            self.file.write_at(offset, &bytes[..bytes.len() / 2])?;
            return Err(e);
        }
        self.file.write_at(offset, bytes)
    }

    fn reserve(&mut self, offset: u64, bytes: usize) -> io::Result<()> {
        if let Err(e) = self.disk.call(Call::Reserve) {
            self.file.reserve(offset, bytes / 2)?;
            return Err(e);
        }
        self.file.reserve(offset, bytes)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.disk.call(Call::SyncData)?;
        self.file.sync_data()?;
        self.keep()
    }

    fn sync_all(&mut self) -> io::Result<()> {
        self.disk.call(Call::SyncAll)?;
        self.file.sync_all()?;
        self.keep()?;
        let meanwhile = self.disk.during_sync_all.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        Ok(())
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.disk.call(Call::SetLen)?;
        self.file.set_len(bytes)
    }

    fn try_lock(&mut self) -> io::Result<bool> {
        self.file.try_lock()
    }
}
