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
    /// Where backups were written; while the server runs, more may come.
    backups: Mutex<Vec<PathBuf>>,
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
        Self {
            folders,
            files,
            backups: Mutex::new(backup::directories(data_dir)),
        }
    }

    /// Another backup is there, or about to be.
    pub(crate) fn add_backup(&self, directory: &Path) {
        self.backups().push(directory.to_owned());
    }

    /// What places may touch, `allowed` alone or all but what is the server's own.
    pub(crate) fn policy(&self, allowed: Option<&[PathBuf]>) -> Policy {
        let mut policy = Policy::default();
        for folder in self.folders.iter().chain(self.backups().iter()) {
            policy = policy.deny(folder);
        }
        for file in &self.files {
            policy = policy.deny_file(file);
        }
        match allowed {
            Some(folders) => policy.allow_only(folders),
            None => policy,
        }
    }

    fn backups(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.backups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
