//! A bucket as a place: each draft is a multipart upload to its final key, held open; publishing completes it, on
//! the condition that nothing is replaced unasked. No byte is copied twice.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use futures::TryStreamExt;
use opendal::Operator;

use super::Bucket;
use super::dialect::crc_of_both;
use super::draft::UploadDraft;
use super::error::{BucketError, BucketErrorKind};
use super::removal::{self, REMOVED_AT_ONCE_MAX};
use super::uploads::{Completed, ObjectOptions, PartTag, UploadId};
use crate::backend::{
    Backend, BegunUpload, BegunUploads, DraftWriter, NotRemoved, PlannedFile, Published, Withdrawn,
};
use crate::error::{Error, ErrorKind, Result, already_exists};
use crate::path::ObjectPath;
use crate::presigned::{PresignedAccess, PresignedRequest};
use crate::token::{Token, TokenKind, UploadedPart};
use crate::validation::{Probe, Validation};

/// How far apart the store's clock and ours may be: stores refuse requests beyond it.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(15 * 60);
/// How often completing is tried whose answers are lost.
const COMPLETED_TIMES_MAX: usize = 3;

/// A draft as its token tells it.
struct Draft<'a> {
    key: &'a str,
    id: UploadId,
    parts: &'a [UploadedPart],
}

impl<'a> Draft<'a> {
    fn of(token: &'a Token) -> Result<Self> {
        match &token.0 {
            TokenKind::Upload {
                key,
                upload_id,
                parts,
            } => Ok(Self {
                key,
                id: UploadId::recorded(upload_id),
                parts,
            }),
            TokenKind::File { .. } => Err(token.of_another_place()),
        }
    }

    fn tags(&self) -> Vec<PartTag> {
        self.parts
            .iter()
            .map(|part| PartTag {
                number: part.number,
                etag: part.etag.clone(),
                bytes: part.bytes,
                crc: part.crc64.unwrap_or_default(),
                verified: true,
            })
            .collect()
    }
}

/// What has become of an upload that can no longer be completed, or of which it is not known.
enum Fate {
    /// The object of its key is it.
    Completed,
    /// It is still open.
    Open,
    /// It is gone, and the object of its key, if there is one, is another.
    Gone,
    /// It is gone, and the store keeps no checksum that would tell whether the object of its key is it.
    Unknown,
}

impl Bucket {
    async fn is_open(&self, draft: &Draft<'_>) -> Result<bool> {
        let mut open = std::pin::pin!(self.uploads.list(draft.key));
        while let Some(upload) = open.try_next().await? {
            if upload.key == draft.key && upload.id == draft.id {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the object of the draft's key has its length and checksum; `None` where the store keeps none.
    async fn is_it(&self, draft: &Draft<'_>) -> Result<Option<bool>> {
        let head = match self.uploads.head(draft.key).await {
            Ok(head) => head,
            Err(error) if *error.kind() == BucketErrorKind::NotFound => return Ok(Some(false)),
            Err(error) => return Err(error.into()),
        };
        let bytes: u64 = draft.parts.iter().map(|part| part.bytes).sum();
        if head.bytes != bytes {
            return Ok(Some(false));
        }
        let provider = self.provider();
        let crc = draft.parts.iter().try_fold(0, |crc, part| {
            Some(crc_of_both(provider, crc, part.crc64?, part.bytes))
        });
        Ok(head.crc.zip(crc).map(|(there, ours)| there == ours))
    }

    /// Decides by looking: an open upload has not been completed; one that is gone has, if the object is it.
    async fn fate(&self, draft: &Draft<'_>) -> Result<Fate> {
        if self.is_open(draft).await? {
            return Ok(Fate::Open);
        }
        Ok(match self.is_it(draft).await? {
            Some(true) => Fate::Completed,
            Some(false) => Fate::Gone,
            None => Fate::Unknown,
        })
    }

    async fn complete(
        &self,
        draft: &Draft<'_>,
        file: &PlannedFile,
    ) -> std::result::Result<Completed, BucketError> {
        self.uploads
            .complete(draft.key, &draft.id, &draft.tags(), file.on_existing)
            .await
    }

    /// What a completed upload is: published, unless the store says that the object is not what was sent. Such a one
    /// is taken away again if it is certainly ours; the error says what has become of it, aloud.
    async fn published(&self, draft: &Draft<'_>, completed: &Completed) -> Result<Published> {
        if !completed.differs {
            return Ok(Published::Now);
        }
        let now = match self.take_back(draft, completed).await {
            Ok(true) => "it was removed again".to_owned(),
            Ok(false) => format!(
                "it may still be there: look at '{}', and remove it",
                draft.key
            ),
            Err(error) => format!("it is there and could not be removed, do so by hand ({error})"),
        };
        Err(Error::new(
            ErrorKind::NotFound,
            format!(
                "the store made an object '{}' whose checksum is not that of the bytes sent; {now}",
                draft.key
            ),
        ))
    }

    /// Removes the object that has just appeared; not one that has taken its place meanwhile.
    async fn take_back(&self, draft: &Draft<'_>, completed: &Completed) -> Result<bool> {
        let head = match self.uploads.head(draft.key).await {
            Ok(head) => head,
            Err(error) if *error.kind() == BucketErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(error.into()),
        };
        let bare =
            |etag: &Option<String>| etag.as_ref().map(|etag| etag.trim_matches('"').to_owned());
        let is_it = match (&head.version, &completed.version) {
            (Some(there), Some(ours)) => there == ours,
            (Some(_) | None, _) => head.etag.is_some() && bare(&head.etag) == bare(&completed.etag),
        };
        if is_it {
            self.delete(&ObjectPath::parse(draft.key)?).await?;
        }
        Ok(is_it)
    }
}

fn gone(draft: &Draft<'_>) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!(
            "the upload of '{}' is gone, and an object of that name, if there is one, has other bytes",
            draft.key
        ),
    )
}

#[async_trait]
impl Backend for Bucket {
    fn operator(&self) -> &Operator {
        &self.operator
    }

    fn lists_by_prefix(&self) -> bool {
        true
    }

    async fn draft(
        &self,
        _work: &str,
        _index: u32,
        target: &ObjectPath,
    ) -> Result<Box<dyn DraftWriter>> {
        let options = ObjectOptions {
            content_type: content_type(target).map(str::to_owned),
        };
        let (id, has_lost_sibling) = self.uploads.begin(target.as_str(), &options).await?;
        Ok(Box::new(UploadDraft::new(
            self.uploads.clone(),
            target.clone(),
            id,
            has_lost_sibling,
        )))
    }

    fn sweeps_by_work(&self) -> bool {
        false
    }

    async fn publish(&self, file: &PlannedFile) -> Result<Published> {
        let draft = Draft::of(&file.token)?;
        for _ in 1..COMPLETED_TIMES_MAX {
            let error = match self.complete(&draft, file).await {
                Ok(completed) => return self.published(&draft, &completed).await,
                Err(error) => error,
            };
            match error.kind() {
                // Also the answer to an upload that an earlier call has completed.
                BucketErrorKind::AlreadyExists => match self.fate(&draft).await? {
                    Fate::Completed => return Ok(Published::Before),
                    Fate::Open => return Err(already_exists(&file.target)),
                    // The caller reads the object.
                    Fate::Gone | Fate::Unknown => return Err(gone(&draft)),
                },
                BucketErrorKind::NoSuchUpload | BucketErrorKind::NotFound => {
                    return match self.is_it(&draft).await? {
                        Some(true) => Ok(Published::Before),
                        Some(false) | None => Err(gone(&draft)),
                    };
                }
                BucketErrorKind::Ambiguous => match self.fate(&draft).await? {
                    Fate::Completed => return Ok(Published::Before),
                    Fate::Open => {}
                    Fate::Gone | Fate::Unknown => return Err(gone(&draft)),
                },
                _ => return Err(error.into()),
            }
        }
        match self.complete(&draft, file).await {
            Ok(completed) => self.published(&draft, &completed).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn withdraw(&self, file: &PlannedFile) -> Result<Withdrawn> {
        let draft = Draft::of(&file.token)?;
        match self.fate(&draft).await? {
            Fate::Completed => {
                self.delete(&file.target).await?;
                Ok(Withdrawn::Done)
            }
            Fate::Open | Fate::Gone => Ok(Withdrawn::Done),
            Fate::Unknown => Ok(Withdrawn::Unknown),
        }
    }

    async fn has_draft(&self, token: &Token) -> Result<bool> {
        self.is_open(&Draft::of(token)?).await
    }

    async fn is_place_of(&self, _token: &Token) -> Result<bool> {
        // Were it another bucket, or none, the store would have said so.
        Ok(true)
    }

    async fn discard(&self, token: &Token) -> Result<()> {
        let draft = Draft::of(token)?;
        Ok(self.uploads.abort(draft.key, &draft.id).await?)
    }

    async fn sweep(&self, _work: &str) -> Result<()> {
        Ok(())
    }

    async fn begun(&self, wanted: &BegunUploads) -> Result<Vec<BegunUpload>> {
        let since = wanted
            .since
            .and_then(|since| since.checked_sub(CLOCKS_APART_MAX))
            .unwrap_or(SystemTime::UNIX_EPOCH);
        let until = wanted
            .until
            .and_then(|until| until.checked_add(CLOCKS_APART_MAX));
        let mut begun = Vec::new();
        for target in &wanted.targets {
            let mut open = std::pin::pin!(self.uploads.list(target.as_str()));
            while let Some(upload) = open.try_next().await? {
                let is_of_then = upload
                    .initiated
                    .is_none_or(|at| at >= since && until.is_none_or(|until| at <= until));
                if upload.key == target.as_str() && is_of_then {
                    begun.push(BegunUpload {
                        token: Token(TokenKind::Upload {
                            key: upload.key,
                            upload_id: upload.id.as_str().to_owned(),
                            parts: Vec::new(),
                        }),
                        target: target.clone(),
                    });
                }
            }
        }
        Ok(begun)
    }

    async fn sweep_all(&self) -> Result<()> {
        let mut open = std::pin::pin!(self.uploads.list(""));
        while let Some(upload) = open.try_next().await? {
            self.uploads.abort(&upload.key, &upload.id).await?;
        }
        Ok(())
    }

    async fn delete(&self, path: &ObjectPath) -> Result<()> {
        self.operator
            .delete(path.as_str())
            .await
            .map_err(|e| Error::opendal(format_args!("remove '{path}'"), e))
    }

    async fn delete_all(&self, paths: &[ObjectPath]) -> Result<Vec<NotRemoved>> {
        let mut left = Vec::new();
        for paths in paths.chunks(REMOVED_AT_ONCE_MAX) {
            let keys: Vec<&str> = paths.iter().map(ObjectPath::as_str).collect();
            let removed = removal::delete_all(self.uploads.requests(), &keys).await;
            for (key, error) in removed? {
                left.push(NotRemoved {
                    path: ObjectPath::parse(&key)?,
                    error: error.into(),
                });
            }
        }
        Ok(left)
    }

    async fn presign(
        &self,
        access: PresignedAccess,
        path: &ObjectPath,
        good_for: Duration,
    ) -> Result<PresignedRequest> {
        let signed = match access {
            PresignedAccess::Read => self.uploads.presign_read(path.as_str(), good_for).await?,
            PresignedAccess::Write => self.uploads.presign_write(path.as_str(), good_for).await?,
        };
        Ok(signed)
    }

    async fn exists(&self, path: &ObjectPath) -> Result<bool> {
        match self.uploads.head(path.as_str()).await {
            Ok(_) => Ok(true),
            Err(error) if *error.kind() == BucketErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn validate(&self, probe: &Probe) -> Result<Validation> {
        self.try_all(probe).await
    }
}

/// The media type of a file by its suffix, as IANA registers them.
fn content_type(path: &ObjectPath) -> Option<&'static str> {
    let name = path.file_name().to_ascii_lowercase();
    match name.rsplit_once('.')?.1 {
        "csv" => Some("text/csv; charset=utf-8"),
        "json" => Some("application/json"),
        "jsonl" | "jsonline" | "ndjson" => Some("application/x-ndjson"),
        "parquet" => Some("application/vnd.apache.parquet"),
        "arrow" => Some("application/vnd.apache.arrow.file"),
        "gz" => Some("application/gzip"),
        "zst" => Some("application/zstd"),
        _ => None,
    }
}
