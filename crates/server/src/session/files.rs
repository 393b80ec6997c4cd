//! The files of a stage: found, removed, and handed to others by presigned URLs. Their bytes are in `transfers`.

use std::sync::Arc;
use std::time::Duration;

use catalog::{AuditOutcome, FileChange};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use parser::Target;
use query::RowSource;
use secrecy::SecretString;
use storage::{ErrorKind, FileInfo, NotRemoved, ObjectPath, PresignedAccess, Store, Unnamed};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::error::{Error, Reason, Result};
use crate::exports::file_format;
use crate::gate::{FilesOnRecord, Object, Operation};
use crate::instance::Instance;
use crate::places::{OpenStage, StagePath, path_in_stage, squeezed};

use crate::stage_files::{self, LoadedFile, StageList};

use super::Session;
use super::result::{FileTransfer, Transfer};

/// Files as they are found, in their place's order; an error is the last item.
pub(crate) type FoundFiles = BoxStream<'static, Result<FileInfo>>;

/// What a path finds.
pub(crate) struct Found {
    pub(crate) files: FoundFiles,
    /// What is there and has no name that a statement can say; grows while the files are read.
    pub(crate) unnamed: Unnamed,
}

/// What a listing left out, for people; nothing of none.
pub(crate) fn unnamed_warning(unnamed: u64) -> Option<String> {
    let objects = match unnamed {
        0 => return None,
        1 => "1 object is left out: its key is no path".to_owned(),
        more => format!("{more} objects are left out: their keys are no paths"),
    };
    Some(format!(
        "{objects} that a statement can name (with a control character, an empty part, '..', '%2F' or the like)"
    ))
}

/// How many files are removed at a time: as many as one request of a store takes.
const REMOVED_AT_ONCE_MAX: usize = 1000;
/// How many files that were not removed an error names.
const LEFT_NAMED_MAX: usize = 5;
/// How many names of removed files the audit has of one statement.
const NAMES_ON_RECORD_MAX: usize = 20;
/// How long a presigned URL is good for if nobody says.
const PRESIGNED_FOR_S: u64 = 3600;

/// What REMOVE FILES has removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RemovedFiles {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// Objects that match and that no statement can name: they stay.
    pub(crate) unnamed: u64,
}

/// A presigned request for one file.
#[derive(Debug, Clone)]
pub(crate) struct PresignedFile {
    /// `GET` or `PUT`.
    pub(crate) method: &'static str,
    /// Whoever has it may make the request.
    pub(crate) url: SecretString,
    /// Headers that the request must carry.
    pub(crate) headers: Vec<(String, String)>,
    /// In microseconds since 1970 UTC.
    pub(crate) expires_us: u64,
}

impl Session {
    /// Opens a stage for an operation on its files, once the principal may do it. A refusal is audited.
    ///
    /// # Errors
    /// The gate's refusal; the exact texts of a missing and of a disabled stage; the place's.
    pub(super) async fn open_for_files(
        &self,
        stage: &str,
        operation: Operation,
    ) -> Result<OpenStage> {
        let (acting, name) = (self.acting(), stage.to_owned());
        let open = async {
            let work = move |_: &crate::instance::Instance| acting.locate_stage(&name, operation);
            let located = self.call.within(self.instance.blocking(work)).await??;
            self.call.within(self.instance.open_stage(located)).await?
        };
        let opened = open.await;
        self.audited(operation, stage, opened).await
    }

    /// What was found about a stage; a refusal is audited.
    pub(super) async fn audited<T>(
        &self,
        operation: Operation,
        stage: &str,
        found: Result<T>,
    ) -> Result<T> {
        let error = match found {
            Ok(found) => return Ok(found),
            Err(error) if !error.is_unaudited_refusal() => return Err(error),
            Err(error) => error,
        };
        let (acting, object) = (self.acting(), Object::Stage(stage.to_owned()));
        let audited = self
            .instance
            .blocking(move |_| Ok(acting.audit_refusal(operation, &object, error)));
        Err(audited.await.unwrap_or_else(|defect| defect))
    }

    /// The files that a path finds: the file of that name, all below the folder of that name, or those that match a
    /// pattern; from behind `after` on. Streamed: memory does not grow with their number.
    ///
    /// # Errors
    /// Those of opening the stage; [`Reason::TargetInvalid`] for a malformed path or pattern.
    pub(crate) async fn list_files(
        &self,
        at: &StagePath,
        after: Option<&ObjectPath>,
    ) -> Result<Found> {
        let stage = self.open_for_files(&at.stage, Operation::ListFiles).await?;
        let within = format!("stage '{}'", at.stage);
        let found = stage.store.find(&squeezed(&at.path), after).await?;
        let unnamed = found.unnamed();
        let files = found.map_err(move |e| Error::from(e).within(&within));
        Ok(Found {
            files: files.boxed(),
            unnamed,
        })
    }

    /// Removes the file of a name, or the files that match a pattern; folders stay. What it has removed is on
    /// record, also when it fails in the middle.
    ///
    /// # Errors
    /// [`Reason::FileNotFound`] when nothing matches, unless that is fine; the place's.
    pub(crate) async fn remove_files(
        &self,
        at: StagePath,
        missing_is_fine: bool,
    ) -> Result<RemovedFiles> {
        let stage = self
            .open_for_files(&at.stage, Operation::RemoveFiles)
            .await?;
        let pattern = squeezed(&at.path);
        if pattern.trim_matches('/').is_empty() {
            return Err(Error::invalid_input(
                Reason::TargetInvalid,
                "stage file path is empty; all files of a stage are 'stage://name/**'",
            ));
        }
        let (acting, instance) = (self.acting(), self.instance.clone());
        let account = self.principal.account().to_owned();
        // A caller that leaves ends it between two requests, and what was done until then is on record.
        let (_stays, mut left) = oneshot::channel::<()>();
        let work = tokio::spawn(async move {
            let files = FilesOnRecord {
                target: at.to_string(),
                stage_version: stage.version,
            };
            let mut done = Removing::default();
            let result = done
                .remove(&instance, &account, &stage, &pattern, &mut left)
                .await;
            let removed = done.removed;
            let nothing = removed.files == 0;
            let is_missing = nothing && removed.unnamed == 0;
            let record = match &result {
                Ok(()) => (AuditOutcome::Done, done.in_words()),
                Err(error) => (
                    AuditOutcome::Failed,
                    format!("{}; then: {}", done.in_words(), error.message()),
                ),
            };
            if !(nothing && result.is_ok()) {
                let write = instance.blocking(move |_| {
                    acting.record_files(Operation::RemoveFiles, &files, record.0, &record.1);
                    Ok(())
                });
                write.await?;
            }
            result?;
            if is_missing && !missing_is_fine {
                return Err(file_not_found(&not_found_name(&at.path)));
            }
            Ok(removed)
        });
        work.await
            .map_err(|e| Error::defect("removing files failed").with_source(e))?
    }

    /// Makes a URL by which whoever has it may read or write one file, until it expires, whatever becomes of the
    /// stage meanwhile. Of an object storage it is the store's own; of a folder it is one of this server's HTTP port.
    ///
    /// # Errors
    /// [`Reason::NotSupported`] where no URL leads; [`Reason::FileNotFound`]; [`Reason::OptionInvalid`] for a time
    /// that is too long.
    pub(crate) async fn presign_file(
        &self,
        at: &StagePath,
        access: PresignedAccess,
        expire_s: Option<u64>,
    ) -> Result<PresignedFile> {
        let operation = match access {
            PresignedAccess::Read => Operation::PresignDownload,
            PresignedAccess::Write => Operation::PresignUpload,
        };
        let stage = self.open_for_files(&at.stage, operation).await?;
        let path = path_in_stage(&at.path)?;
        let good_for_s = expire_s.unwrap_or(PRESIGNED_FOR_S);
        let most = storage::PRESIGNED_TIME_MAX.as_secs();
        if good_for_s == 0 || good_for_s > most {
            return Err(Error::invalid_input(
                Reason::OptionInvalid,
                format_args!("EXPIRE must be from 1 to {most} seconds, not {good_for_s}"),
            ));
        }
        if access == PresignedAccess::Read {
            stage.store.stat(&path).await.map_err(found(&path))?;
        }
        let now_us = (catalog::system_clock())();
        // What a token makes does not outlive it.
        let left_s = match self.principal.binding() {
            Some(binding) => binding.expires_us.saturating_sub(now_us) / 1_000_000,
            None => u64::MAX,
        };
        let good_for_s = good_for_s.min(left_s.max(1));
        let good_for = Duration::from_secs(good_for_s);
        let expires_us = now_us.saturating_add(good_for_s.saturating_mul(1_000_000));
        if access == PresignedAccess::Write {
            let (format, _) = file_format(path.as_str());
            let policies = &stage.policies;
            let admitted = policies.admit_presigned_upload(format, now_us, expires_us);
            self.audited(operation, &at.stage, admitted).await?;
        }
        let signed = stage.store.presign(access, &path, good_for).await;
        let presigned = match signed {
            Ok(request) => PresignedFile {
                method: request.method,
                url: request.url.into(),
                headers: request.headers,
                expires_us,
            },
            Err(error) if error.kind() == ErrorKind::Unsupported => match access {
                PresignedAccess::Read => PresignedFile {
                    method: "GET",
                    url: self.link(&stage, &path, expires_us).await?,
                    headers: Vec::new(),
                    expires_us,
                },
                PresignedAccess::Write => return Err(no_way_in()),
            },
            Err(error) => return Err(Error::from(error).within(format_args!("'{at}'"))),
        };
        let files = FilesOnRecord {
            target: format!("stage://{}/{path}", stage.name),
            stage_version: stage.version,
        };
        let acting = self.acting();
        let reason = format!("good for {good_for_s} s");
        self.instance
            .blocking(move |_| {
                acting.record_files(operation, &files, AuditOutcome::Done, &reason);
                Ok(())
            })
            .await?;
        Ok(presigned)
    }
}

fn no_way_in() -> Error {
    Error::not_supported(
        "no URL leads into this stage, which is in no object storage; use PUT in the shell, or `stagedoor file put`",
    )
}

/// A removal that is under way.
#[derive(Default)]
struct Removing {
    removed: RemovedFiles,
    names: Vec<String>,
}

impl Removing {
    async fn remove(
        &mut self,
        instance: &Arc<Instance>,
        account: &str,
        stage: &OpenStage,
        pattern: &str,
        left: &mut oneshot::Receiver<()>,
    ) -> Result<()> {
        let mut found = stage.store.matching(pattern).await?;
        loop {
            let mut files = Vec::new();
            while files.len() < REMOVED_AT_ONCE_MAX {
                match found.try_next().await? {
                    Some(file) => files.push(file),
                    None => break,
                }
            }
            self.removed.unnamed = found.unnamed().count();
            if files.is_empty() {
                return Ok(());
            }
            if matches!(left.try_recv(), Err(oneshot::error::TryRecvError::Closed)) {
                return Err(Error::new(
                    Reason::StatementKilled,
                    1317,
                    "70100",
                    "Query execution was interrupted: the client left",
                ));
            }
            let paths: Vec<ObjectPath> = files.iter().map(|file| file.path.clone()).collect();
            let since_us = (catalog::system_clock())();
            let deleted = stage.store.delete_all(&paths).await;
            match &deleted {
                Ok(left) => files.retain(|file| left.iter().all(|left| left.path != file.path)),
                // Some of them may be gone, and are on record as such.
                Err(_) => files = gone(&stage.store, files).await,
            }
            let noted = files
                .iter()
                .map(|file| FileChange::Removed {
                    path: file.path.to_string(),
                    since_us,
                })
                .collect();
            instance.note_files(account, stage, noted).await;
            for file in files {
                self.removed.files += 1;
                self.removed.bytes = self.removed.bytes.saturating_add(file.bytes);
                if self.names.len() < NAMES_ON_RECORD_MAX {
                    self.names.push(file.path.to_string());
                }
            }
            let within = format!("stage '{}'", stage.name);
            let left = deleted.map_err(|e| Error::from(e).within(&within))?;
            if let Some(error) = self.not_removed(left) {
                return Err(error.within(within));
            }
        }
    }

    /// The error of files that were not removed; the cause is the first one's.
    fn not_removed(&self, left: Vec<NotRemoved>) -> Option<Error> {
        let count = left.len();
        let names = left.iter().take(LEFT_NAMED_MAX);
        let names: Vec<String> = names.map(|left| format!("'{}'", left.path)).collect();
        let mut names = names.join(", ");
        if count > LEFT_NAMED_MAX {
            names.push_str(&format!(" and {} more", count - LEFT_NAMED_MAX));
        }
        let first = left.into_iter().next()?;
        let files = |count: u64| match count {
            1 => "1 file was".to_owned(),
            count => format!("{count} files were"),
        };
        Some(Error::from(first.error).within(format_args!(
            "{} removed and {} not ({names})",
            files(self.removed.files),
            files(count as u64)
        )))
    }

    /// For the audit: how many, and the first names.
    fn in_words(&self) -> String {
        let files = self.removed.files;
        let named = self.names.len() as u64;
        let mut words = format!("removed {files} files, {} bytes", self.removed.bytes);
        if named > 0 {
            words.push_str(": ");
            words.push_str(&self.names.join(", "));
        }
        if files > named {
            words.push_str(&format!(" and {} more", files - named));
        }
        words
    }
}

/// Those of the files that are no longer there for sure.
async fn gone(store: &Store, files: Vec<FileInfo>) -> Vec<FileInfo> {
    let mut gone = Vec::new();
    for file in files {
        if store.exists(&file.path).await.is_ok_and(|exists| !exists) {
            gone.push(file);
        }
    }
    gone
}

/// MatrixOne names a file by its last part, and a pattern as it was written.
fn not_found_name(path: &str) -> String {
    if path.contains(['*', '?', '[']) {
        return path.to_owned();
    }
    let path = path.trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

pub(crate) fn file_not_found(name: &str) -> Error {
    Error::new(
        Reason::FileNotFound,
        20405,
        "HY000",
        format!("file {name} is not found"),
    )
}

/// A place's error about a file that should be there.
pub(super) fn found(path: &ObjectPath) -> impl Fn(storage::Error) -> Error {
    let name = path.file_name().to_owned();
    move |error| match error.kind() {
        ErrorKind::NotFound => file_not_found(&name).with_source(error),
        _ => error.into(),
    }
}

impl Session {
    /// What `stage_list('stage://…')` gives: the files are found when the query reads them.
    pub(super) async fn stage_list(&self, argument: &str) -> Result<Arc<dyn RowSource>> {
        let at = StagePath::of(Target::parse(argument))?;
        let stage = self.open_for_files(&at.stage, Operation::ListFiles).await?;
        Ok(Arc::new(StageList {
            store: stage.store,
            path: squeezed(&at.path),
            shown: at.to_string(),
            runtime: Handle::current(),
        }))
    }

    /// What `load_file('stage://…?offset=1&size=2')` gives: the file is read when the query reads it.
    pub(super) async fn loaded_file(&self, argument: &str) -> Result<Arc<dyn RowSource>> {
        let (target, part) = stage_files::datalink(argument)?;
        let at = StagePath::of(Target::parse(target))?;
        let stage = self.open_for_files(&at.stage, Operation::ReadStage).await?;
        Ok(Arc::new(LoadedFile {
            store: stage.store,
            path: path_in_stage(&at.path)?,
            part,
            within: format!("stage '{}'", at.stage),
            bytes_max: self.instance.settings.limits.value_bytes_max as u64,
            runtime: Handle::current(),
        }))
    }

    /// What the client has to do for GET or PUT, once it is known that it may.
    ///
    /// # Errors
    /// The gate's refusal; the exact texts of a missing and of a disabled stage.
    pub(crate) async fn transfer(
        &self,
        direction: Transfer,
        at: StagePath,
        local_path: String,
        overwrite: bool,
    ) -> Result<FileTransfer> {
        let operation = match direction {
            Transfer::Get => Operation::DownloadFile,
            Transfer::Put => Operation::UploadFile,
        };
        self.open_for_files(&at.stage, operation).await?;
        Ok(FileTransfer {
            direction,
            stage: at.stage,
            path: at.path,
            local_path,
            overwrite,
        })
    }
}
