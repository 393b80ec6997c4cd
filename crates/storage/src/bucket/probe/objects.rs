//! Trying objects and uploads: written, read, listed, refused, replaced, given up, removed, and all gone at the end.

use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use opendal::Operator;

use super::{failed, is_refused, right, versioning};
use crate::bucket::error::{BucketError, BucketErrorKind, BucketResult};
use crate::bucket::uploads::{ObjectOptions, PartTag, UploadId, Uploads};
use crate::draft::OnExisting;
use crate::error::{Error, Result};
use crate::location::Provider;
use crate::path::ObjectPath;
use crate::validation::{Capabilities, Capability, Check, Probe, Validation, content};

const BYTES: usize = 4 << 10;
/// How long a list may be behind.
const LISTED_WITHIN: Duration = Duration::from_secs(5);

/// What is tried on, in one run.
pub(super) struct Objects<'a> {
    pub(super) uploads: Uploads,
    pub(super) operator: Operator,
    pub(super) probe: &'a Probe,
}

impl Objects<'_> {
    /// Tries it all; what needs nothing of each other at once, each on names of its own.
    pub(super) async fn try_all(&self, found: &mut Validation) -> Result<()> {
        let small = self.probe.file("written")?;
        let long = self.probe.file("uploaded")?;
        let given_up = self.probe.file("given-up")?;
        let (of_small, (is_versioned, of_long), of_given_up) = tokio::join!(
            self.small_file(&small),
            self.long_file(&long),
            self.upload_given_up(&given_up),
        );
        for part in [of_small, of_long, of_given_up] {
            found.join(part);
        }
        self.delete(&[&small, &long], is_versioned, found).await;
        found.skip_rest(
            &[Check::Read, Check::List, Check::ConditionalWrite],
            "it needs a file that could not be written",
        );
        found.skip_rest(
            &[Check::ConditionalCreate, Check::Overwrite],
            "it needs an upload, which did not work",
        );
        self.clean(&[&small, &long, &given_up], found).await;
        Ok(())
    }

    async fn small_file(&self, key: &ObjectPath) -> Validation {
        let mut found = Validation::default();
        if self.write(key, &mut found).await {
            let (mut read, mut listed) = (Validation::default(), Validation::default());
            tokio::join!(self.read(key, &mut read), self.list(key, &mut listed));
            found.join(read);
            found.join(listed);
            // It may replace what the others look at.
            self.conditional_write(key, &mut found).await;
        }
        found
    }

    /// Also gives whether the bucket is known to keep versions: what a refusal is worth depends on it.
    async fn long_file(&self, key: &ObjectPath) -> (bool, Validation) {
        let mut found = Validation::default();
        let is_versioned = versioning(&self.uploads, &mut found).await;
        if self.multipart(key, &mut found).await {
            self.conditional_create(key, is_versioned, &mut found).await;
            self.overwrite(key, &mut found).await;
        }
        (is_versioned, found)
    }

    async fn upload_given_up(&self, key: &ObjectPath) -> Validation {
        let mut found = Validation::default();
        self.abort(key, &mut found).await;
        found
    }

    fn provider(&self) -> Provider {
        self.uploads.address().provider
    }

    fn right(&self, s3: &str, oss: &str) -> String {
        right(self.provider(), s3, oss)
    }

    async fn put(&self, key: &ObjectPath, seed: u8, on_existing: OnExisting) -> BucketResult<bool> {
        let body = Bytes::from(content(seed, BYTES));
        let options = ObjectOptions::default();
        let done = self.uploads.put(key.as_str(), body, &options, on_existing);
        Ok(done.await?.verified)
    }

    async fn write(&self, key: &ObjectPath, found: &mut Validation) -> bool {
        match self.put(key, 1, OnExisting::Replace).await {
            Ok(verified) => {
                let checked = match verified {
                    true => "the store's checksum is ours",
                    false => "the store tells no checksum",
                };
                found.done(
                    Check::Write,
                    Capability::Write,
                    format!("{BYTES} bytes were written; {checked}"),
                );
                true
            }
            Err(error) => {
                found.can(Capability::Write, false);
                failed(found, Check::Write, &error, || {
                    self.right("s3:PutObject", "oss:PutObject")
                });
                false
            }
        }
    }

    async fn read(&self, key: &ObjectPath, found: &mut Validation) {
        match self.bytes_of(key).await {
            Ok(bytes) if bytes == content(1, BYTES) => {
                found.done(Check::Read, Capability::Read, "the same bytes came back");
            }
            Ok(_) => found.failed(
                Check::Read,
                "other bytes came back than were written",
                "do not use this stage before it is known where the bytes are changed",
            ),
            Err(error) => {
                found.can(Capability::Read, false);
                found.failed(
                    Check::Read,
                    error.to_string(),
                    self.right("s3:GetObject", "oss:GetObject"),
                );
            }
        }
    }

    async fn bytes_of(&self, key: &ObjectPath) -> Result<Vec<u8>> {
        let read = self.operator.read(key.as_str()).await;
        Ok(read.map_err(|e| Error::opendal("read a file", e))?.to_vec())
    }

    async fn is_listed(&self, key: &ObjectPath) -> Result<bool> {
        let failed = |e| Error::opendal("list files", e);
        let folder = format!("{}/", self.probe.folder()?);
        let listed = self.operator.list(&folder).await.map_err(failed)?;
        Ok(listed.iter().any(|entry| entry.path() == key.as_str()))
    }

    async fn list(&self, key: &ObjectPath, found: &mut Validation) {
        let begun = tokio::time::Instant::now();
        loop {
            match self.is_listed(key).await {
                Ok(true) => break,
                Ok(false) if begun.elapsed() < LISTED_WITHIN => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Ok(false) => {
                    found.can(Capability::ConsistentList, false);
                    return found.failed(
                        Check::List,
                        format!(
                            "the file was not listed within {} s",
                            LISTED_WITHIN.as_secs()
                        ),
                        "do not read files of this stage by patterns",
                    );
                }
                Err(error) => {
                    found.can(Capability::List, false);
                    return found.failed(
                        Check::List,
                        error.to_string(),
                        match self.provider() {
                            Provider::S3 => "give the access key s3:ListBucket for the stage's prefix; without it no file is found by a pattern",
                            Provider::Oss => "give the access key oss:ListObjects for the stage's prefix; without it no file is found by a pattern",
                        },
                    );
                }
            }
        }
        found.can(Capability::List, true);
        let waited = begun.elapsed();
        // The first request takes its time, too.
        if waited < Duration::from_millis(200) {
            found.can(Capability::ConsistentList, true);
            return found.ok(Check::List, "the file was listed at once");
        }
        let at_once = waited < Duration::from_secs(1);
        found.can(Capability::ConsistentList, at_once);
        match at_once {
            true => found.ok(Check::List, "the file was listed"),
            false => found.warning(
                Check::List,
                format!(
                    "the file was listed after {:.1} s only",
                    waited.as_secs_f32()
                ),
                "what reads files by patterns may miss new ones for so long",
            ),
        }
    }

    async fn conditional_write(&self, key: &ObjectPath, found: &mut Validation) {
        let again = self.put(key, 2, OnExisting::Refuse).await;
        if is_refused(&again) {
            return found.done(
                Check::ConditionalWrite,
                Capability::ConditionalWrite,
                "a second file of the same name was refused",
            );
        }
        found.can(Capability::ConditionalWrite, false);
        let detail = match again {
            Ok(_) => {
                "a second file of the same name replaced the first although it was told not to"
                    .to_owned()
            }
            Err(error) => error.to_string(),
        };
        // Exports do not write this way.
        found.warning(
            Check::ConditionalWrite,
            detail,
            "exports do not depend on it",
        );
    }

    /// An upload of one part, complete but for its last step.
    async fn begun(&self, key: &ObjectPath, seed: u8) -> BucketResult<(UploadId, PartTag)> {
        let options = ObjectOptions::default();
        let id = self.uploads.create(key.as_str(), &options).await?;
        let body = Bytes::from(content(seed, BYTES));
        match self.uploads.put_part(key.as_str(), &id, 1, body).await {
            Ok(part) => Ok((id, part)),
            Err(error) => {
                self.uploads.abort(key.as_str(), &id).await?;
                Err(error)
            }
        }
    }

    async fn published(
        &self,
        key: &ObjectPath,
        seed: u8,
        on_existing: OnExisting,
    ) -> BucketResult<()> {
        let (id, part) = self.begun(key, seed).await?;
        let done = self
            .uploads
            .complete(key.as_str(), &id, &[part], on_existing)
            .await;
        if done.is_err() {
            // What the store said of the completion counts; an upload that stays is found at the end.
            let _ = self.uploads.abort(key.as_str(), &id).await;
        }
        match done?.differs {
            true => Err(BucketError::new(
                BucketErrorKind::Corrupted,
                "the store's checksum of the object is not that of the bytes sent",
            )),
            false => Ok(()),
        }
    }

    async fn multipart(&self, key: &ObjectPath, found: &mut Validation) -> bool {
        // Without a condition: a store that has none may still take parts.
        match self.published(key, 1, OnExisting::Replace).await {
            Ok(()) => {
                found.done(
                    Check::Multipart,
                    Capability::Multipart,
                    "a file was begun, sent and completed; it was not to be seen before",
                );
                true
            }
            Err(error) => {
                found.can(Capability::Multipart, false);
                failed(found, Check::Multipart, &error, || {
                    self.right("s3:PutObject", "oss:PutObject")
                });
                false
            }
        }
    }

    async fn conditional_create(
        &self,
        key: &ObjectPath,
        is_versioned: bool,
        found: &mut Validation,
    ) {
        const ADVICE: &str = "exports look for the file just before they publish, and say so; a file that appears at the same moment may be replaced";
        let again = self.published(key, 2, OnExisting::Refuse).await;
        let is_refused = is_refused(&again);
        match again {
            Ok(()) => {
                found.can(Capability::ConditionalCreate, false);
                return found.warning(
                    Check::ConditionalCreate,
                    "a second file of the same name replaced the first although it was told not to",
                    ADVICE,
                );
            }
            Err(_) if is_refused => {}
            Err(error)
                if matches!(
                    error.kind(),
                    BucketErrorKind::Unsupported | BucketErrorKind::Invalid
                ) =>
            {
                found.can(Capability::ConditionalCreate, false);
                return found.warning(
                    Check::ConditionalCreate,
                    format!("the store does not complete an upload on a condition: {error}"),
                    ADVICE,
                );
            }
            // Neither yes nor no: exports ask for the condition, and look as well.
            Err(error) => {
                return found.warning(
                    Check::ConditionalCreate,
                    format!("whether a second file of the same name is refused could not be found out: {error}"),
                    "validate the stage again",
                );
            }
        }
        match (self.provider(), is_versioned) {
            (Provider::Oss, true) => {
                found.can(Capability::ConditionalCreate, false);
                found.warning(
                    Check::ConditionalCreate,
                    "a second file was refused this time, but the bucket keeps versions, and OSS promises nothing then",
                    ADVICE,
                );
            }
            (Provider::Oss, false) | (Provider::S3, _) => found.done(
                Check::ConditionalCreate,
                Capability::ConditionalCreate,
                "a second file of the same name was refused",
            ),
        }
    }

    async fn overwrite(&self, key: &ObjectPath, found: &mut Validation) {
        if let Err(error) = self.published(key, 3, OnExisting::Replace).await {
            found.can(Capability::Overwrite, false);
            return failed(found, Check::Overwrite, &error, || {
                self.right(
                    "s3:PutObject, and take away what locks objects,",
                    "oss:PutObject, and take away what locks objects,",
                )
            });
        }
        match self.bytes_of(key).await {
            Ok(bytes) if bytes == content(3, BYTES) => found.done(
                Check::Overwrite,
                Capability::Overwrite,
                "a file replaced the other",
            ),
            Ok(_) => {
                found.can(Capability::Overwrite, false);
                found.warning(
                    Check::Overwrite,
                    "right after the file was replaced, the old bytes came back",
                    "who reads right after an export with OVERWRITE may get the old file",
                );
            }
            Err(error) => found.skipped(
                Check::Overwrite,
                format!("the file was replaced, but cannot be read: {error}"),
            ),
        }
    }

    async fn open_uploads(&self) -> BucketResult<Vec<(String, UploadId)>> {
        let prefix = format!("{}/", self.probe.shown());
        let open = self.uploads.list(&prefix).try_collect::<Vec<_>>().await?;
        Ok(open
            .into_iter()
            .map(|upload| (upload.key, upload.id))
            .collect())
    }

    async fn abort(&self, key: &ObjectPath, found: &mut Validation) {
        let given_up = async {
            let (id, _) = self.begun(key, 1).await?;
            self.uploads.abort(key.as_str(), &id).await?;
            Ok::<_, BucketError>(id)
        };
        let id = match given_up.await {
            Ok(id) => id,
            Err(error) => {
                return failed(found, Check::Abort, &error, || {
                    self.right("s3:AbortMultipartUpload", "oss:AbortMultipartUpload")
                });
            }
        };
        match self.open_uploads().await {
            Ok(open) if open.iter().all(|(_, open)| *open != id) => {
                found.ok(Check::Abort, "an upload was given up and is gone");
            }
            Ok(_) => found.warning(
                Check::Abort,
                "an upload that was given up is still listed",
                "set a life-cycle rule that ends incomplete uploads",
            ),
            Err(error) => found.warning(
                Check::Abort,
                format!("an upload was given up; open ones cannot be listed: {error}"),
                match self.provider() {
                    Provider::S3 => "give the access key s3:ListBucketMultipartUploads: after a crash the server looks for the uploads it left",
                    Provider::Oss => "give the access key oss:ListMultipartUploads: after a crash the server looks for the uploads it left",
                },
            ),
        }
    }

    /// Whether the object is gone.
    async fn remove(&self, key: &ObjectPath) -> Result<bool> {
        self.operator
            .delete(key.as_str())
            .await
            .map_err(|e| Error::opendal("remove a file", e))?;
        match self.uploads.head(key.as_str()).await {
            Ok(_) => Ok(false),
            Err(error) if *error.kind() == BucketErrorKind::NotFound => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    async fn delete(&self, keys: &[&ObjectPath], is_versioned: bool, found: &mut Validation) {
        let written = [Capability::Write, Capability::Multipart];
        if !written
            .iter()
            .any(|capability| found.capabilities.get(*capability) == Some(true))
        {
            return found.skipped(Check::Delete, "it needs a file that could not be written");
        }
        for key in keys {
            match self.remove(key).await {
                Ok(true) => {}
                Ok(false) => {
                    found.can(Capability::Delete, false);
                    return found.failed(
                        Check::Delete,
                        "a file is still there after it was removed",
                        "take away what locks objects in the bucket",
                    );
                }
                Err(error) => {
                    found.can(Capability::Delete, false);
                    // Not needed for exports, but for OVERWRITE of several files and for REMOVE.
                    return found.failed(
                        Check::Delete,
                        error.to_string(),
                        self.right("s3:DeleteObject", "oss:DeleteObject"),
                    );
                }
            }
        }
        let kept = match is_versioned {
            true => "; the bucket keeps what was written as old versions",
            false => "",
        };
        found.done(
            Check::Delete,
            Capability::Delete,
            format!("what was written was removed{kept}"),
        );
    }

    /// Removes whatever is left, and says what stays.
    async fn clean(&self, keys: &[&ObjectPath], found: &mut Validation) {
        let gone = keys
            .iter()
            .map(|key| self.is_gone(key, &found.capabilities));
        let gone = futures::future::join_all(gone).await;
        let left = keys.iter().zip(gone).filter(|(_, gone)| !gone);
        let mut left: Vec<String> = left.map(|(key, _)| format!("'{key}'")).collect();
        if let Ok(open) = self.open_uploads().await {
            for (key, id) in open {
                if self.uploads.abort(&key, &id).await.is_err() {
                    left.push(format!("an upload of '{key}'"));
                }
            }
        }
        match left.is_empty() {
            true => found.ok(Check::Cleanup, "nothing is left of this validation"),
            false => found.failed(
                Check::Cleanup,
                format!(
                    "left in the bucket, below the stage's prefix: {}",
                    left.join(", ")
                ),
                "remove it by hand",
            ),
        }
    }

    /// Whether nothing is there of this name, once it was removed if it was there.
    async fn is_gone(&self, key: &ObjectPath, known: &Capabilities) -> bool {
        match self.uploads.head(key.as_str()).await {
            Err(error) if *error.kind() == BucketErrorKind::NotFound => true,
            // Without the right to look nothing is known of what was never written.
            Err(error) if *error.kind() == BucketErrorKind::AccessDenied => {
                known.get(Capability::Write) == Some(false)
                    && known.get(Capability::Multipart) == Some(false)
                    || matches!(self.remove(key).await, Ok(true))
            }
            Ok(_) | Err(_) => matches!(self.remove(key).await, Ok(true)),
        }
    }
}
