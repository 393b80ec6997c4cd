//! Opening and closing sled. Both can go wrong where the rest cannot: it panics on some damaged
//! files, and closing it waits without end for a disk that is full.

use std::ops::Deref;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use super::pages::{Pages, guarded};
use super::recent::Recent;
use super::{DIRECTORY, Index};
use crate::disk;
use crate::error::Error;
use crate::options::Options;

/// How long closing may take before the index is left to the end of the process.
const CLOSE_WAIT: Duration = Duration::from_secs(10);
/// How often sled hands what it has to the disk by itself. A crash costs the catching up with so
/// much; every time costs a sync beside those of the journal.
const FLUSH_EVERY_MS: u64 = 5_000;

impl Index {
    /// Opens or makes the index of the catalog in `dir`.
    pub(crate) fn open(dir: &Path, options: &Options) -> Result<Index, Error> {
        let path = dir.join(DIRECTORY);
        disk::make_directory(&path).map_err(|e| Error::io("make the directory", &path, e))?;
        remove_generating(&path)?;
        let config = sled::Config::new()
            .path(&path)
            .cache_capacity(options.cache_bytes_max)
            .flush_every_ms(Some(FLUSH_EVERY_MS))
            .mode(sled::Mode::LowSpace);
        // The threads of an index that was just closed in this process may hold its file a little longer.
        let deadline = Instant::now() + Duration::from_secs(5);
        let db = guarded("open", "all of it", || {
            loop {
                match config.open() {
                    Err(sled::Error::Io(e)) if is_locked(&e) && Instant::now() < deadline => {
                        thread::sleep(Duration::from_millis(5));
                    }
                    result => break result,
                }
            }
        })?;
        Ok(Index {
            pages: Pages::new(Closing(Some(db)), options.index_page_bytes),
            recent: Recent::default(),
            recent_bytes_max: options.index_recent_bytes_max,
        })
    }
}

/// A database whose closing has an end. After a full disk, sled 0.34 waits in its drop for writes
/// that never come; it is then abandoned, which costs nothing but memory: the journal has it all.
#[derive(Debug)]
pub(crate) struct Closing(Option<sled::Db>);

impl Deref for Closing {
    type Target = sled::Db;

    #[expect(clippy::expect_used, reason = "it is taken out in drop alone")]
    fn deref(&self) -> &sled::Db {
        self.0.as_ref().expect("the index is open until dropped")
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        let Some(db) = self.0.take() else { return };
        let (done, closed) = mpsc::channel();
        let closing = thread::Builder::new()
            .name("catalog-close".into())
            .spawn(move || {
                drop(db);
                // Nobody waits any more after the time is up.
                let _ = done.send(());
            });
        if closing.is_ok() {
            let _ = closed.recv_timeout(CLOSE_WAIT);
        }
    }
}

// sled 0.34 reports a held file lock as an error of kind Other.
fn is_locked(e: &io::Error) -> bool {
    e.kind() == io::ErrorKind::WouldBlock || e.to_string().contains("could not acquire lock")
}

/// Removes unfinished snapshots of sled: it would take one for a finished one and not open. A
/// finished one never has such a name.
fn remove_generating(path: &Path) -> Result<(), Error> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io("read the directory", path, e)),
    };
    for entry in entries {
        let entry = entry.map_err(|e| Error::io("read the directory", path, e))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path()).map_err(|e| Error::io("remove", &entry.path(), e))?;
        }
    }
    Ok(())
}
