//! A folder of the server's file system as a place: read by open file, written by drafts in its reserved
//! directory, published by renaming. Everything below the root goes through [`Beneath`].

mod beneath;
mod digest;
mod draft;
mod probe;
mod service;
mod sync;
mod write_behind;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use opendal::Operator;

use crate::backend::{
    Backend, BegunUpload, BegunUploads, DraftWriter, NotRemoved, PlannedFile, Published, Withdrawn,
};
use crate::error::{Error, ErrorKind, Result};
use crate::layers;
use crate::path::ObjectPath;
use crate::policy::Policy;
use crate::presigned::{PresignedAccess, PresignedRequest, not_presigned};
use crate::token::{Identity, Token, TokenKind};
use crate::validation::{Probe, Validation};

use beneath::Beneath;
use draft::FileDraft;
use service::FolderBuilder;

/// A folder, and optionally a folder below it, as a place.
#[derive(Debug)]
pub(crate) struct Folder {
    beneath: Arc<Beneath>,
    operator: Operator,
}

impl Folder {
    /// Opens a folder that exists and that the policy permits. Blocking.
    pub(crate) fn open(root: &Path, prefix: Option<ObjectPath>, policy: &Policy) -> Result<Self> {
        let beneath = Arc::new(Beneath::open(root, prefix, policy.clone())?);
        beneath.check_top()?;
        let operator = Operator::new(FolderBuilder::new(Arc::clone(&beneath)))
            .map_err(|e| Error::opendal(format_args!("open folder '{}'", root.display()), e))?;
        Ok(Self {
            beneath,
            operator: layers::folder(operator),
        })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Beneath>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let beneath = Arc::clone(&self.beneath);
        blocking(move || work(&beneath)).await
    }
}

/// Runs what may wait for a disk where waiting is allowed.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| ended_early("an operation on the file system", &e))?
}

/// The error of work that has not come to its end. Without what a panic said, which may quote data or a secret: whoever
/// runs the program logs where it was.
pub(crate) fn ended_early(what: &str, error: &tokio::task::JoinError) -> Error {
    let why = match error.is_panic() {
        true => "a defect of this program, whose place the log has",
        false => "the program stops",
    };
    Error::new(ErrorKind::Io, format!("{what} ended early: {why}"))
}

#[async_trait]
impl Backend for Folder {
    fn operator(&self) -> &Operator {
        &self.operator
    }

    fn keeps_to_versions(&self) -> bool {
        true
    }

    async fn draft(
        &self,
        work: &str,
        index: u32,
        _target: &ObjectPath,
    ) -> Result<Box<dyn DraftWriter>> {
        let work = work.to_owned();
        self.blocking(move |beneath| {
            let draft = FileDraft::begin(Arc::clone(beneath), work, index.to_string())?;
            Ok(Box::new(draft) as Box<dyn DraftWriter>)
        })
        .await
    }

    fn sweeps_by_work(&self) -> bool {
        true
    }

    async fn publish(&self, file: &PlannedFile) -> Result<Published> {
        let file = file.clone();
        self.blocking(move |beneath| {
            let draft = DraftName::of(&file.token)?;
            beneath.publish(&draft, &file)
        })
        .await
    }

    async fn withdraw(&self, file: &PlannedFile) -> Result<Withdrawn> {
        let file = file.clone();
        self.blocking(move |beneath| beneath.withdraw(&file))
            .await?;
        Ok(Withdrawn::Done)
    }

    async fn has_draft(&self, token: &Token) -> Result<bool> {
        let draft = DraftName::of(token)?;
        self.blocking(move |beneath| Ok(beneath.draft_identity(&draft)?.is_some()))
            .await
    }

    async fn discard(&self, token: &Token) -> Result<()> {
        let draft = DraftName::of(token)?;
        self.blocking(move |beneath| beneath.discard(&draft)).await
    }

    async fn sweep(&self, work: &str) -> Result<()> {
        let work = work.to_owned();
        self.blocking(move |beneath| beneath.sweep(&work)).await
    }

    async fn begun(&self, _wanted: &BegunUploads) -> Result<Vec<BegunUpload>> {
        Ok(Vec::new())
    }

    async fn sweep_all(&self) -> Result<()> {
        self.blocking(|beneath| beneath.sweep_all()).await
    }

    async fn is_place_of(&self, token: &Token) -> Result<bool> {
        let draft = DraftName::of(token)?;
        self.blocking(move |beneath| beneath.has_work(&draft)).await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<()> {
        let path = path.clone();
        self.blocking(move |beneath| beneath.delete(&path)).await
    }

    async fn delete_all(&self, paths: &[ObjectPath]) -> Result<Vec<NotRemoved>> {
        let paths = paths.to_vec();
        self.blocking(move |beneath| {
            let left = paths.into_iter().filter_map(|path| {
                let error = beneath.delete(&path).err()?;
                Some(NotRemoved { path, error })
            });
            Ok(left.collect())
        })
        .await
    }

    async fn presign(
        &self,
        _access: PresignedAccess,
        path: &ObjectPath,
        _good_for: Duration,
    ) -> Result<PresignedRequest> {
        Err(not_presigned(path))
    }

    async fn exists(&self, path: &ObjectPath) -> Result<bool> {
        let path = path.clone();
        self.blocking(move |beneath| beneath.exists(&path)).await
    }

    async fn validate(&self, probe: &Probe) -> Result<Validation> {
        self.try_all(probe).await
    }
}

/// A draft's place in the reserved directory: `.stagedoor/{work}/{name}`.
#[derive(Debug, Clone)]
pub(crate) struct DraftName {
    pub(crate) work: String,
    pub(crate) name: String,
    /// Of the finished draft, where it is known.
    pub(crate) identity: Option<Identity>,
}

impl DraftName {
    fn of(token: &Token) -> Result<Self> {
        match &token.0 {
            TokenKind::File {
                work,
                name,
                identity,
            } => Ok(Self {
                work: work.clone(),
                name: name.clone(),
                identity: *identity,
            }),
            TokenKind::Upload { .. } => Err(token.of_another_place()),
        }
    }

    fn path(&self) -> Result<ObjectPath> {
        for part in [&self.work, &self.name] {
            if part.contains('/') {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    format!("'{}' names no draft: it has a slash", part.escape_default()),
                ));
            }
        }
        ObjectPath::reserved(&format!("{}/{}", self.work, self.name))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::panic, clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[tokio::test]
    async fn a_panic_is_told_without_what_it_quotes() {
        let value = "planted-value";
        let work = move || -> Result<()> { panic!("no such file: {value}") };
        let error = blocking(work).await.unwrap_err();
        for text in [error.to_string(), format!("{error:?}")] {
            assert!(text.contains("ended early: a defect"), "{text}");
            assert!(!text.contains(value), "{text}");
        }
    }
}
