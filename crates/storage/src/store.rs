//! `Store`: an open place. Reading goes through OpenDAL, writing through drafts and publication.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use futures::TryStreamExt;
use opendal::options::ListOptions;
use opendal::services::{Fs, Memory};
use opendal::{EntryMode, Operator};

use crate::beneath::{Beneath, already_exists};
use crate::draft::{Draft, Finished, OnExisting};
use crate::error::{Error, ErrorKind, Result};
use crate::layers;
use crate::location::Location;
use crate::path::ObjectPath;
use crate::policy::Policy;

/// An open place. Cheap to clone; clones are the same place.
#[derive(Debug, Clone)]
pub struct Store {
    backend: Arc<Backend>,
    operator: Operator,
}

/// What listing or looking at a file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// Path within the place.
    pub path: ObjectPath,
    /// Length of the file.
    pub bytes: u64,
    /// When it was last written, where the place knows.
    pub modified: Option<SystemTime>,
}

#[derive(Debug)]
pub(crate) enum Backend {
    Folder(Arc<Beneath>),
    Memory(MemoryPlace),
}

/// Drafts of a place in memory, until they are published to its operator.
#[derive(Debug)]
pub(crate) struct MemoryPlace {
    drafts: Mutex<HashMap<(String, String), Vec<u8>>>,
}

impl MemoryPlace {
    pub(crate) fn keep_draft(&self, id: &str, name: &str, bytes: Vec<u8>) {
        self.lock().insert((id.to_owned(), name.to_owned()), bytes);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), Vec<u8>>> {
        self.drafts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Opens a place. A folder must exist and be permitted by `policy`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::Invalid`] (not a folder), [`ErrorKind::PermissionDenied`];
    /// [`ErrorKind::Unsupported`] for buckets, and for sub-stages, which the caller resolves first.
    pub fn open(location: &Location, policy: &Policy) -> Result<Self> {
        match location {
            Location::Folder { root, prefix } => {
                let beneath = Arc::new(Beneath::open(root, prefix.clone(), policy.clone())?);
                beneath.check(None)?;
                let top = beneath.top();
                let service = Fs::default().root(&top.to_string_lossy());
                let operator = Operator::new(service).map_err(|e| {
                    Error::opendal(format_args!("open folder '{}'", top.display()), e)
                })?;
                let operator = layers::folder(operator, Arc::clone(&beneath));
                Ok(Self {
                    backend: Arc::new(Backend::Folder(beneath)),
                    operator,
                })
            }
            Location::Memory(_) => {
                let operator = Operator::new(Memory::default())
                    .map_err(|e| Error::opendal("open memory", e))?;
                let backend = Backend::Memory(MemoryPlace {
                    drafts: Mutex::default(),
                });
                Ok(Self {
                    backend: Arc::new(backend),
                    operator: layers::memory(operator),
                })
            }
            Location::Bucket { .. } => Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "place '{location}' cannot be opened: s3:// and oss:// are not built into this version"
                ),
            )),
            Location::SubStage { .. } => Err(Error::new(
                ErrorKind::Unsupported,
                format!("place '{location}' has to be resolved to its parent's place first"),
            )),
        }
    }

    /// Begins a file: number `index` of the export (or other piece of work) `id`. Blocking.
    ///
    /// # Errors
    /// The file system's, with the path.
    pub fn draft(&self, id: &str, index: u32) -> Result<Draft> {
        Draft::new(Arc::clone(&self.backend), id, index)
    }

    /// Gives a finished draft its name, durably and in one step. Blocking.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] with [`OnExisting::Refuse`]; the file system's.
    pub fn publish(
        &self,
        finished: &Finished,
        target: &ObjectPath,
        on_existing: OnExisting,
    ) -> Result<()> {
        match &*self.backend {
            Backend::Folder(beneath) => {
                beneath.publish(&finished.id, &finished.name, target, on_existing)
            }
            Backend::Memory(memory) => {
                let key = (finished.id.clone(), finished.name.clone());
                let body = memory.lock().get(&key).cloned();
                let body = body.ok_or_else(|| {
                    Error::new(
                        ErrorKind::NotFound,
                        format!("draft {} of {} is gone", finished.name, finished.id),
                    )
                })?;
                if on_existing == OnExisting::Refuse && self.exists(target)? {
                    return Err(already_exists(target));
                }
                futures::executor::block_on(self.operator.write(target.as_str(), body))
                    .map_err(|e| Error::opendal(format_args!("publish '{target}'"), e))?;
                memory.lock().remove(&key);
                Ok(())
            }
        }
    }

    /// Removes all drafts of `id` that were not published. Idempotent. Blocking.
    ///
    /// # Errors
    /// The file system's, with the path.
    pub fn discard(&self, id: &str) -> Result<()> {
        match &*self.backend {
            Backend::Folder(beneath) => beneath.discard(id),
            Backend::Memory(memory) => {
                memory.lock().retain(|(of, _), _| of != id);
                Ok(())
            }
        }
    }

    /// The ids that have drafts: running work, or what a crash left. Blocking.
    ///
    /// # Errors
    /// The file system's, with the path.
    pub fn draft_ids(&self) -> Result<Vec<String>> {
        match &*self.backend {
            Backend::Folder(beneath) => beneath.draft_ids(),
            Backend::Memory(memory) => Ok(memory.lock().keys().map(|(id, _)| id.clone()).collect()),
        }
    }

    /// Whether a finished draft still waits to be published. Blocking.
    ///
    /// # Errors
    /// The file system's, with the path.
    pub fn has_draft(&self, finished: &Finished) -> Result<bool> {
        match &*self.backend {
            Backend::Folder(beneath) => beneath.has_reserved(&finished.id, &finished.name),
            Backend::Memory(memory) => {
                let key = (finished.id.clone(), finished.name.clone());
                Ok(memory.lock().contains_key(&key))
            }
        }
    }

    /// A file to be read from its beginning, no symbolic link followed. Blocking.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; the file system's, with the path.
    pub fn open_file(&self, path: &ObjectPath) -> Result<Box<dyn std::io::Read + Send>> {
        match &*self.backend {
            Backend::Folder(beneath) => Ok(Box::new(beneath.open_file(path)?)),
            Backend::Memory(_) => {
                let body = futures::executor::block_on(self.operator.read(path.as_str()))
                    .map_err(|e| Error::opendal(format_args!("read '{path}'"), e))?;
                Ok(Box::new(std::io::Cursor::new(body.to_bytes())))
            }
        }
    }

    /// Whether anything has this name. Blocking.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when a symbolic link lies on the way; the file system's.
    pub fn exists(&self, path: &ObjectPath) -> Result<bool> {
        match &*self.backend {
            Backend::Folder(beneath) => beneath.exists(path),
            Backend::Memory(_) => futures::executor::block_on(self.operator.exists(path.as_str()))
                .map_err(|e| Error::opendal(format_args!("look at '{path}'"), e)),
        }
    }

    /// One file's size and time.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; the place's.
    pub async fn stat(&self, path: &ObjectPath) -> Result<FileInfo> {
        let found = self
            .operator
            .stat(path.as_str())
            .await
            .map_err(|e| Error::opendal(format_args!("look at '{path}'"), e))?;
        if found.mode() != EntryMode::FILE {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("'{path}' is not a file"),
            ));
        }
        Ok(FileInfo {
            path: path.clone(),
            bytes: found.content_length(),
            modified: found.last_modified().map(Into::into),
        })
    }

    /// A whole file. For files that fit memory, such as a manifest.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; the place's.
    pub async fn read(&self, path: &ObjectPath) -> Result<Bytes> {
        let body = self
            .operator
            .read(path.as_str())
            .await
            .map_err(|e| Error::opendal(format_args!("read '{path}'"), e))?;
        Ok(body.to_bytes())
    }

    /// The files that match a pattern, sorted by path: `*` and `?` and `[…]` stay within a component,
    /// `**` crosses them. Without a wildcard, the file of that name.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a malformed pattern; the place's.
    pub async fn glob(&self, pattern: &str) -> Result<Vec<FileInfo>> {
        let matcher = glob::Pattern::new(pattern).map_err(|e| {
            Error::new(
                ErrorKind::Invalid,
                format!("pattern '{pattern}' is malformed at {}: {}", e.pos, e.msg),
            )
        })?;
        let wildcard = pattern.find(['*', '?', '[']);
        let Some(wildcard) = wildcard else {
            let path = ObjectPath::parse(pattern)?;
            return match self.stat(&path).await {
                Ok(found) => Ok(vec![found]),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
                Err(error) => Err(error),
            };
        };
        let folder = pattern[..wildcard]
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        if !folder.is_empty() {
            ObjectPath::parse(folder)?;
        }
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: false,
        };
        let all = self.list(folder).await?;
        Ok(all
            .into_iter()
            .filter(|file| matcher.matches_with(file.path.as_str(), options))
            .collect())
    }

    /// All files below `folder` (`""` is the place itself), sorted by path. Stagedoor's own drafts,
    /// symbolic links and names that no [`ObjectPath`] can have are left out.
    ///
    /// # Errors
    /// The place's.
    pub async fn list(&self, folder: &str) -> Result<Vec<FileInfo>> {
        let options = ListOptions {
            recursive: true,
            ..Default::default()
        };
        let folder = if folder.is_empty() {
            "/".to_owned()
        } else {
            format!("{folder}/")
        };
        let failed = |e| Error::opendal(format_args!("list '{folder}'"), e);
        let mut lister = self
            .operator
            .lister_options(&folder, options)
            .await
            .map_err(failed)?;
        let mut files = Vec::new();
        while let Some(entry) = lister.try_next().await.map_err(failed)? {
            if entry.metadata().mode() != EntryMode::FILE {
                continue;
            }
            if let Ok(path) = ObjectPath::parse(entry.path()) {
                match self.stat(&path).await {
                    Ok(found) => files.push(found),
                    // Gone since it was listed, or a link: not a file of this place.
                    Err(error)
                        if matches!(
                            error.kind(),
                            ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::Invalid
                        ) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// The place for engines that read through `object_store`. Read-only for a folder.
    #[cfg(feature = "object-store")]
    pub fn object_store(&self) -> Arc<dyn object_store::ObjectStore> {
        Arc::new(object_store_opendal::OpendalStore::new(
            self.operator.clone(),
        ))
    }
}
