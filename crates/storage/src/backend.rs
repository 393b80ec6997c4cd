//! `Backend`: what a place has to be able to do. One implementor a kind of place: a folder, a bucket, memory.
//! Reading is OpenDAL's; writing is drafts, and publication from a plan that a caller has made durable.

use std::fmt;
use std::io;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use opendal::Operator;

use crate::draft::{Interrupt, OnExisting};
use crate::error::{Error, Result};
use crate::path::ObjectPath;
use crate::presigned::{PresignedAccess, PresignedRequest};
use crate::token::Token;
use crate::validation::{Probe, Validation};

/// What a place knows of a file that was to be taken away again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawn {
    /// The plan's file is not there, now or ever.
    Done,
    /// A file of the name is there, and the place cannot tell whether it is the plan's: it has to be read.
    Unknown,
}

/// A kind of place. [`Store`](crate::Store) is what callers hold; it puts limits and fallbacks on top.
///
/// `publish`, `withdraw` and `discard` are idempotent functions of a planned file: a caller that has the plan
/// may repeat them after a crash, as often as it takes.
#[async_trait]
pub trait Backend: fmt::Debug + Send + Sync {
    /// For reading: its root is the place's top, its layers (time-outs, retries, limits) are stacked.
    fn operator(&self) -> &Operator;

    /// Whether the operator itself sees to it that what is read with an etag is of that version, so that nobody need
    /// look at the answers.
    fn keeps_to_versions(&self) -> bool {
        false
    }

    /// Whether the operator lists what begins with any text, not only what is in a folder.
    fn lists_by_prefix(&self) -> bool {
        false
    }

    /// Begins file number `index` of the work `work`, which will be named `target`. Nobody sees it.
    ///
    /// # Errors
    /// The place's.
    async fn draft(
        &self,
        work: &str,
        index: u32,
        target: &ObjectPath,
    ) -> Result<Box<dyn DraftWriter>>;

    /// Whether [`Self::sweep`] finds drafts by their work alone, so that nobody need write their tokens down.
    fn sweeps_by_work(&self) -> bool;

    /// Gives a finished draft its name, durably and in one step.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists): another file has the name, and the draft is
    /// as it was. [`ErrorKind::NotFound`](crate::ErrorKind::NotFound): there is no such draft, and the place
    /// cannot tell from the token that the file of that name is it. Any other: it may have happened or not.
    async fn publish(&self, file: &PlannedFile) -> Result<Published>;

    /// Takes a file that this plan has published, and nothing else, away again; one that is not there is fine.
    ///
    /// # Errors
    /// The place's.
    async fn withdraw(&self, file: &PlannedFile) -> Result<Withdrawn>;

    /// Whether the draft still waits to be published.
    ///
    /// # Errors
    /// The place's.
    async fn has_draft(&self, token: &Token) -> Result<bool>;

    /// Whether this is the place that the draft was made in, as far as can be seen: an empty folder on which no disk
    /// is mounted now is another one. Asked where neither draft nor file is there.
    ///
    /// # Errors
    /// The place's.
    async fn is_place_of(&self, token: &Token) -> Result<bool>;

    /// Removes a draft, finished or not; its siblings stay.
    ///
    /// # Errors
    /// The place's.
    async fn discard(&self, token: &Token) -> Result<()>;

    /// Removes what is left of a piece of work whose tokens nobody wrote down, where the place knows drafts by their
    /// work; elsewhere nothing.
    ///
    /// # Errors
    /// The place's.
    async fn sweep(&self, work: &str) -> Result<()>;

    /// The drafts that `wanted` describes, of whatever work: for a place that does not know them by their work.
    ///
    /// # Errors
    /// The place's.
    async fn begun(&self, wanted: &BegunUploads) -> Result<Vec<BegunUpload>>;

    /// Removes every draft of the place, of whatever work: for a place that nobody else writes to.
    ///
    /// # Errors
    /// The place's.
    async fn sweep_all(&self) -> Result<()>;

    /// Removes a file. One that is not there is fine.
    ///
    /// # Errors
    /// The place's.
    async fn delete(&self, path: &ObjectPath) -> Result<()>;

    /// Removes files, in as few requests as the place has for that; gives those that were not removed, and why.
    ///
    /// # Errors
    /// The place's, when nothing is known of any of them: some may be gone.
    async fn delete_all(&self, paths: &[ObjectPath]) -> Result<Vec<NotRemoved>> {
        let mut left = Vec::new();
        for path in paths {
            if let Err(error) = self.delete(path).await {
                let path = path.clone();
                left.push(NotRemoved { path, error });
            }
        }
        Ok(left)
    }

    /// Makes a request for one file that whoever has it may send to the place itself, for so long.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) where nobody but this process reaches the place;
    /// those of signing.
    async fn presign(
        &self,
        access: PresignedAccess,
        path: &ObjectPath,
        good_for: Duration,
    ) -> Result<PresignedRequest>;

    /// Whether anything has this name.
    ///
    /// # Errors
    /// The place's.
    async fn exists(&self, path: &ObjectPath) -> Result<bool>;

    /// Tries what exports and readers need of the place, in the reserved directory, and takes away again what it
    /// has written. What does not work is a finding.
    ///
    /// # Errors
    /// None of the place's.
    async fn validate(&self, probe: &Probe) -> Result<Validation>;
}

/// A draft while it is written. Dropped unfinished, it removes itself as well as it can.
pub trait DraftWriter: io::Write + Send + fmt::Debug {
    /// Names the draft, from its beginning on.
    fn token(&self) -> Token;

    /// Whether beginning it may have left another draft that nobody knows, because the place's answer was lost:
    /// [`Backend::sweep`] finds it by what it is told of begun uploads.
    fn has_lost_sibling(&self) -> bool {
        false
    }

    /// What ends its waiting. A place that waits for nobody but a disk need not listen.
    fn interrupted_by(&mut self, _interrupt: Interrupt) {}

    /// Makes the bytes durable; gives the token that publishes them. Blocking.
    ///
    /// # Errors
    /// The place's; the draft is then gone.
    fn finish(self: Box<Self>) -> Result<Token>;
}

/// A file that was to be removed and was not.
#[derive(Debug)]
pub struct NotRemoved {
    /// Which.
    pub path: ObjectPath,
    /// Why.
    pub error: Error,
}

/// One file of a publication plan: all that is needed to publish it, now or after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// The finished draft.
    pub token: Token,
    /// The name that it gets.
    pub target: ObjectPath,
    /// What happens to a file that has the name.
    pub on_existing: OnExisting,
    /// How long the file is.
    pub bytes: u64,
    /// The digest of its bytes: 64 lower-case hexadecimal digits of SHA-256, or `blake3:` and its 64.
    pub digest: String,
}

/// Which of a bucket's open uploads may be of a piece of work that ended before it could write their tokens down.
#[derive(Debug, Clone, Default)]
pub struct BegunUploads {
    /// The names that its files would have got.
    pub targets: Vec<ObjectPath>,
    /// It began no earlier, by this machine's clock.
    pub since: Option<SystemTime>,
    /// It had ended by then, by this machine's clock.
    pub until: Option<SystemTime>,
}

/// An upload that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunUpload {
    /// What [`Backend::discard`] takes.
    pub token: Token,
    /// The name that its file would get.
    pub target: ObjectPath,
}

/// How a file came to be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// By this call.
    Now,
    /// By an earlier one, whose answer was lost.
    Before,
    /// A file with the very bytes had the name while the draft still waited: this plan's, or another's.
    Found,
}
