//! `Store`: an open place, whatever its kind. Reading goes through OpenDAL, writing through drafts and
//! publication from a plan.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use opendal::{EntryMode, Operator};

use crate::backend::{
    Backend, BegunUpload, BegunUploads, NotRemoved, PlannedFile, Published, Withdrawn,
};
use crate::bucket::{Bucket, Retry};
use crate::credentials::BucketCredentials;
use crate::digest::Digest;
use crate::draft::{Draft, OnExisting};
use crate::error::{Error, ErrorKind, Result, already_exists};
use crate::folder::{self, Folder};
use crate::listing::FileInfo;
use crate::location::Location;
use crate::memory::MemoryPlace;
use crate::path::ObjectPath;
use crate::policy::Policy;
use crate::token::Token;
use crate::validation::{Capabilities, Capability, Probe, Validation};

/// An open place. Cheap to clone; clones are the same place. Its methods want a tokio runtime.
#[derive(Debug, Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
    known: Arc<Capabilities>,
    /// What refusals of the store begin with.
    name: Option<Arc<str>>,
}

impl Store {
    /// Opens a place. A folder must exist and be permitted by `policy`; a bucket wants credentials, and a policy
    /// that permits buckets. Of a bucket nothing is asked yet, but an Amazon bucket's region where nobody says it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::Invalid`] (not a folder, contradicting credentials),
    /// [`ErrorKind::PermissionDenied`]; [`ErrorKind::Unsupported`] for sub-stages, which the caller resolves first,
    /// and for buckets under a policy without them.
    pub async fn open(
        location: &Location,
        credentials: Option<&BucketCredentials>,
        policy: &Policy,
    ) -> Result<Self> {
        let backend: Arc<dyn Backend> = match location {
            Location::Folder { root, prefix } => {
                let (root, prefix, policy) = (root.clone(), prefix.clone(), policy.clone());
                let open = folder::blocking(move || Folder::open(&root, prefix, &policy));
                Arc::new(open.await?)
            }
            Location::Memory(name) => MemoryPlace::open(name)?,
            Location::Bucket { .. } => {
                let transport = policy.transport().ok_or_else(|| {
                    Error::new(
                        ErrorKind::Unsupported,
                        format!(
                            "place '{location}' cannot be opened: the policy permits no buckets"
                        ),
                    )
                })?;
                let credentials = credentials.ok_or_else(|| {
                    Error::new(
                        ErrorKind::Invalid,
                        format!(
                            "place '{location}' cannot be opened without credentials; the server's own are never used"
                        ),
                    )
                })?;
                let retry = Retry::default();
                Arc::new(Bucket::open(location, credentials, transport, retry).await?)
            }
            Location::SubStage { .. } => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!("place '{location}' has to be resolved to its parent's place first"),
                ));
            }
        };
        Ok(Self::from_backend(backend))
    }

    /// A place of a kind of the caller's own.
    pub fn from_backend(backend: Arc<dyn Backend>) -> Self {
        Self {
            backend,
            known: Arc::default(),
            name: None,
        }
    }

    /// The same place, called so where the store refuses its credentials: `stage 's'`.
    #[must_use]
    pub fn called(self, name: &str) -> Self {
        Self {
            name: Some(name.into()),
            ..self
        }
    }

    /// Names the place in what the store itself could not or would not do.
    pub(crate) fn named<T>(&self, result: Result<T>) -> Result<T> {
        match (&self.name, result) {
            (Some(name), Err(error)) if is_of_place(error.kind()) => Err(error.within(name)),
            (_, result) => result,
        }
    }

    /// The same place, with what a validation has found out about it: publication chooses by it.
    #[must_use]
    pub fn knowing(self, known: Capabilities) -> Self {
        Self {
            known: Arc::new(known),
            ..self
        }
    }

    /// Whether the place itself sees to it, as far as is known, that publication replaces nothing unasked.
    pub fn refuses_to_replace(&self) -> bool {
        self.known.get(Capability::ConditionalCreate) != Some(false)
    }

    /// Tries what exports and readers need of the place, and takes away again what that wrote. Each run has a
    /// probe of its own.
    ///
    /// # Errors
    /// None of the place's, which are findings; [`ErrorKind::Io`] when this process fails.
    pub async fn validate(&self, probe: &Probe) -> Result<Validation> {
        self.backend.validate(probe).await
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(crate) fn keeps_to_versions(&self) -> bool {
        self.backend.keeps_to_versions()
    }

    pub(crate) fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    pub(crate) fn operator(&self) -> &Operator {
        self.backend.operator()
    }

    /// Begins a file: number `index` of the export (or other piece of work) `work`, to be named `target`.
    ///
    /// # Errors
    /// The place's; [`ErrorKind::Invalid`] for a work with a slash in its name.
    pub async fn draft(&self, work: &str, index: u32, target: &ObjectPath) -> Result<Draft> {
        let draft = self.backend.draft(work, index, target).await;
        Ok(Draft::new(
            self.named(draft)?,
            self.backend.sweeps_by_work(),
        ))
    }

    /// Whether [`Self::sweep`] finds drafts by their work alone. Where it does not, write down what is to be drafted, and
    /// where, before [`Self::draft`], and the draft's token after it.
    pub fn sweeps_by_work(&self) -> bool {
        self.backend.sweeps_by_work()
    }

    /// Gives a finished draft its name, durably and in one step. Idempotent: a file that an earlier call has
    /// published, whose answer was lost, counts as published. It is told by its identity or its checksum, at
    /// last by its bytes, which are read for it.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] with [`OnExisting::Refuse`](crate::OnExisting::Refuse): another file has the
    /// name, and the draft waits as before. [`ErrorKind::NotFound`]: neither draft nor published file is there, in
    /// a place that is the draft's. Any other: it may have happened or not; ask again.
    pub async fn publish(&self, file: &PlannedFile) -> Result<Published> {
        let published = match (
            file.on_existing,
            self.known.get(Capability::ConditionalCreate),
        ) {
            (OnExisting::Refuse, Some(false)) => self.publish_checked(file).await,
            (OnExisting::Refuse, None) => self.publish_looking(file).await,
            (OnExisting::Refuse, Some(true)) | (OnExisting::Replace, _) => {
                self.backend.publish(file).await
            }
        };
        match self.named(published) {
            Err(gone) if gone.kind() == ErrorKind::NotFound => {
                if self.holds(file).await? {
                    return Ok(Published::Before);
                }
                if self.backend.is_place_of(&file.token).await? {
                    return Err(gone);
                }
                Err(Error::new(
                    ErrorKind::Io,
                    format!("{gone}, and so is all of its work: is the disk mounted?"),
                ))
            }
            result => result,
        }
    }

    /// Publishes on a place of which it is not known whether it keeps the condition: the name is looked at, too.
    async fn publish_looking(&self, file: &PlannedFile) -> Result<Published> {
        // A folder and memory replace nothing, and tell their own work. Without a draft an earlier call may have published
        // it, which a bucket can tell, too.
        if self.backend.sweeps_by_work()
            || !self.backend.exists(&file.target).await?
            || !self.backend.has_draft(&file.token).await?
        {
            return self.backend.publish(file).await;
        }
        self.refuse_unless_held(file).await
    }

    /// There is a file of the name, and the draft still waits: another's file, or the very one, where a store that was
    /// at it when the server ended has shown the file and not forgotten the upload.
    async fn refuse_unless_held(&self, file: &PlannedFile) -> Result<Published> {
        if !self.holds(file).await? {
            return Err(already_exists(&file.target));
        }
        self.backend.discard(&file.token).await?;
        Ok(Published::Found)
    }

    /// Publishes on a place that is known to replace although it is told not to: the name is looked at just
    /// before. A file that appears in between is replaced.
    async fn publish_checked(&self, file: &PlannedFile) -> Result<Published> {
        if self.backend.exists(&file.target).await? {
            return match self.backend.has_draft(&file.token).await? {
                true => self.refuse_unless_held(file).await,
                // By an earlier call, perhaps; the caller reads it.
                false => Err(Error::new(
                    ErrorKind::NotFound,
                    format!("the draft of '{}' is gone", file.target),
                )),
            };
        }
        let unconditional = PlannedFile {
            on_existing: OnExisting::Replace,
            ..file.clone()
        };
        self.backend.publish(&unconditional).await
    }

    /// Takes a file that [`Store::publish`] has published for this plan, and nothing else, away again. For plans
    /// of several files one of which cannot be published. Idempotent.
    ///
    /// # Errors
    /// The place's.
    pub async fn withdraw(&self, file: &PlannedFile) -> Result<()> {
        match self.named(self.backend.withdraw(file).await)? {
            Withdrawn::Unknown if self.holds(file).await? => {
                self.named(self.backend.delete(&file.target).await)
            }
            Withdrawn::Done | Withdrawn::Unknown => Ok(()),
        }
    }

    /// Whether a draft still waits to be published.
    ///
    /// # Errors
    /// The place's.
    pub async fn has_draft(&self, token: &Token) -> Result<bool> {
        self.named(self.backend.has_draft(token).await)
    }

    /// Whether the file of the planned name has the planned bytes: it is read.
    ///
    /// # Errors
    /// The place's.
    pub async fn holds(&self, file: &PlannedFile) -> Result<bool> {
        match self.stat(&file.target).await {
            Ok(found) if found.bytes == file.bytes => {}
            Ok(_) => return Ok(false),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Invalid) => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        Ok(self.digest_like(&file.digest, &file.target).await? == file.digest)
    }

    /// The SHA-256 of a file, in lower-case hexadecimal: it is read.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; the place's.
    pub async fn sha256(&self, path: &ObjectPath) -> Result<String> {
        self.digest_like("", path).await
    }

    /// The digest of a file, by the algorithm of another digest (see [`PlannedFile::digest`]), with which it can then
    /// be compared: it is read.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; [`ErrorKind::Unsupported`] for an unknown algorithm; the place's.
    pub async fn digest_like(&self, digest: &str, path: &ObjectPath) -> Result<String> {
        let failed = |e| Error::opendal(format_args!("read '{path}'"), e);
        let reader = self.operator().reader(path.as_str()).await;
        let reader = self.named(reader.map_err(failed))?;
        let stream = reader.into_stream(..).await;
        let mut stream = self.named(stream.map_err(failed))?;
        let mut digest = Digest::like(digest)?;
        while let Some(buffer) = self.named(stream.try_next().await.map_err(failed))? {
            for chunk in buffer {
                digest.update(&chunk);
            }
        }
        Ok(digest.finish())
    }

    /// Removes a draft; its siblings stay. Idempotent.
    ///
    /// # Errors
    /// The place's.
    pub async fn discard(&self, token: &Token) -> Result<()> {
        self.named(self.backend.discard(token).await)
    }

    /// Removes the drafts of `work` that were not published and whose tokens nobody wrote down, in a place that
    /// [knows them by their work](Self::sweeps_by_work); in another, nothing. Idempotent.
    ///
    /// # Errors
    /// The place's.
    pub async fn sweep(&self, work: &str) -> Result<()> {
        self.named(self.backend.sweep(work).await)
    }

    /// The open uploads that `wanted` describes, of whatever work they are: none in a place that knows drafts by
    /// their work. Whoever removes some must know first whose they are.
    ///
    /// # Errors
    /// The place's.
    pub async fn begun(&self, wanted: &BegunUploads) -> Result<Vec<BegunUpload>> {
        self.named(self.backend.begun(wanted).await)
    }

    /// Removes every draft of the place, of whatever work: only for a place that nobody else writes to.
    ///
    /// # Errors
    /// The place's.
    pub async fn sweep_all(&self) -> Result<()> {
        self.named(self.backend.sweep_all().await)
    }

    /// Removes a file. One that is not there is fine.
    ///
    /// # Errors
    /// The place's; [`ErrorKind::Invalid`] for what is no file.
    pub async fn delete(&self, path: &ObjectPath) -> Result<()> {
        self.named(self.backend.delete(path).await)
    }

    /// Removes files, in as few requests as the place has for that; gives those that were not removed, and why. One
    /// that is not there is removed.
    ///
    /// # Errors
    /// As [`Store::delete`], when nothing is known of any of them: some may be gone.
    pub async fn delete_all(&self, paths: &[ObjectPath]) -> Result<Vec<NotRemoved>> {
        self.named(self.backend.delete_all(paths).await)
    }

    /// Whether anything has this name.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] when a symbolic link lies on the way; the place's.
    pub async fn exists(&self, path: &ObjectPath) -> Result<bool> {
        self.named(self.backend.exists(path).await)
    }

    /// One file's size, time and etag.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; the place's.
    pub async fn stat(&self, path: &ObjectPath) -> Result<FileInfo> {
        let found = self
            .operator()
            .stat(path.as_str())
            .await
            .map_err(|e| Error::opendal(format_args!("look at '{path}'"), e));
        let found = self.named(found)?;
        if found.mode() != EntryMode::FILE {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("'{path}' is not a file"),
            ));
        }
        Ok(FileInfo::new(path.clone(), &found))
    }

    /// A whole file. For files that fit memory, such as a manifest.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; the place's.
    pub async fn read(&self, path: &ObjectPath) -> Result<Bytes> {
        let body = self
            .operator()
            .read(path.as_str())
            .await
            .map_err(|e| Error::opendal(format_args!("read '{path}'"), e));
        Ok(self.named(body)?.to_bytes())
    }

    /// Bytes of a file; fewer, or none, where it ends.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; the place's.
    pub async fn read_range(&self, path: &ObjectPath, range: Range<u64>) -> Result<Bytes> {
        let end = range.end.min(self.stat(path).await?.bytes);
        if range.start >= end {
            return Ok(Bytes::new());
        }
        let body = self
            .operator()
            .read_with(path.as_str())
            .range(range.start..end)
            .await
            .map_err(|e| Error::opendal(format_args!("read '{path}'"), e));
        Ok(self.named(body)?.to_bytes())
    }

    /// The place for engines that read through `object_store`. Its errors' sources say what went wrong, in this
    /// crate's words, and name the place, not the file.
    #[cfg(feature = "object-store")]
    pub fn object_store(&self) -> Arc<dyn object_store::ObjectStore> {
        self.object_store_of(Vec::new())
    }

    /// The same, in which these files are those that were listed: one that is another by now, or becomes so while it
    /// is read, is an error of kind [`ErrorKind::Changed`] in `Precondition`.
    #[cfg(feature = "object-store")]
    pub fn object_store_of(&self, listed: Vec<FileInfo>) -> Arc<dyn object_store::ObjectStore> {
        Arc::new(crate::objects::Objects::new(self, listed))
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Into a String: this cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether it is the place that failed, and no path, which the text names.
fn is_of_place(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Refused | ErrorKind::Io | ErrorKind::NoSpace => true,
        ErrorKind::Invalid
        | ErrorKind::NotFound
        | ErrorKind::AlreadyExists
        | ErrorKind::PermissionDenied
        | ErrorKind::Unsupported
        | ErrorKind::Changed => false,
    }
}
