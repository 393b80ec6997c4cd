//! What of this machine's file system is the server's own and no stage may reach: its data directory, where internal
//! stages are, keys and other secrets that the settings name, and the backups that were made of it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use storage::Policy;

use crate::backup;
use crate::settings::Settings;

/// How a reference to a file's content begins.
const FILE: &str = "file:";

/// The server's own files and folders.
#[derive(Debug)]
pub(crate) struct OwnFiles {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    /// Where backups were written; while the server runs, more may come.
    backups: Vec<PathBuf>,
    /// What denies all of it, links followed: no opening waits for a disk that has nothing to do with it.
    policy: Policy,
}

impl OwnFiles {
    /// `internal` is where internal stages are, if that is a folder of its own. Blocking.
    pub(crate) fn new(settings: &Settings, internal: Option<PathBuf>) -> Self {
        let Settings {
            data_dir,
            tls,
            auth,
            secrets,
            internal: stages,
            notify,
            file,
            ..
        } = settings;
        let mut folders = vec![data_dir.clone()];
        folders.extend(internal);
        let mut files: Vec<PathBuf> = [
            file,
            &tls.cert,
            &tls.key,
            &tls.client_ca,
            &auth.root_password_file,
            &secrets.key_file,
            &notify.secret_file,
        ]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
        let references = secrets.references.iter().chain(stages.credentials.values());
        for reference in references.filter_map(|reference| reference.strip_prefix(FILE)) {
            match reference.ends_with('/') {
                true => folders.push(reference.into()),
                false => files.push(reference.into()),
            }
        }
        let own = Self {
            folders,
            files,
            now: Mutex::new(Now {
                backups: backup::directories(data_dir),
                policy: Policy::default(),
            }),
        };
        own.look_again();
        own
    }

    /// Another backup is about to be there. Blocking.
    pub(crate) fn add_backup(&self, directory: &Path) {
        let mut now = self.now();
        if !now.backups.iter().any(|known| known == directory) {
            now.backups.push(directory.to_owned());
            now.policy = now.policy.clone().deny(directory);
        }
    }

    /// Follows the links anew: what a name leads to may be another file than it was. Blocking.
    pub(crate) fn look_again(&self) {
        let backups = self.now().backups.clone();
        let mut policy = Policy::default();
        for folder in self.folders.iter().chain(&backups) {
            policy = policy.deny(folder);
        }
        for file in &self.files {
            policy = policy.deny_file(file);
        }
        let mut now = self.now();
        for since in now.backups.iter().skip(backups.len()) {
            policy = policy.deny(since);
        }
        now.policy = policy;
    }

    /// What places may touch, `allowed` alone or all but what is the server's own.
    pub(crate) fn policy(&self, allowed: Option<&[PathBuf]>) -> Policy {
        let policy = self.now().policy.clone();
        match allowed {
            Some(folders) => policy.allow_only(folders),
            None => policy,
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
