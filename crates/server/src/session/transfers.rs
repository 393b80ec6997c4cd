//! The bytes of files on their way to and from clients. A file is seen whole or not at all: an upload is a draft
//! until its last byte is there and its checksum is right; a download says which version its bytes are of.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use catalog::AuditOutcome;
use futures::StreamExt;
use futures::stream::BoxStream;
use sha2::{Digest, Sha256};
use storage::{FileInfo, Finished, ObjectPath, OnExisting, PlannedFile};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::error::{Error, Reason, Result};
use crate::exports::{file_format, write_error};
use crate::gate::{FilesOnRecord, Operation, hex};
use crate::places::{OpenStage, StagePath, path_in_stage};
use crate::policies::Meter;
use crate::turns::{Turn, Work};
use crate::uploads::{Begun, Uploads};

use super::Session;
use super::directory::uploaded;
use super::files::found;
use super::pace::at_the_readers_pace;

/// How often a transfer that lasts asks whether it still may: a role is revoked, a stage disabled.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Pieces of an upload that wait to be written.
const PIECES_WAITING_MAX: usize = 4;

/// A file on its way to a client.
pub(crate) struct Download {
    /// The version that is sent.
    pub(crate) info: FileInfo,
    /// Its bytes from the one that was asked for, and at last the SHA-256 of the whole file.
    pub(crate) parts: BoxStream<'static, Result<DownloadPart>>,
}

/// A part of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DownloadPart {
    /// The next bytes.
    Bytes(Bytes),
    /// The end: the SHA-256 of the file from its first byte to its last, in lower-case hexadecimal.
    Sha256(String),
}

/// What is known beforehand of a file that a client sends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    pub(crate) bytes: Option<u64>,
    /// In hexadecimal.
    pub(crate) sha256: Option<String>,
}

/// A file that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UploadedFile {
    pub(crate) path: ObjectPath,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) etag: Option<String>,
}

impl Session {
    /// Waits for a transfer's turn; who had to wait is looked up again.
    async fn transfer_turn(&mut self) -> Result<Turn> {
        self.take_turn(Work::Transfer).await
    }

    /// Sends a file from byte `from` on; with `etag`, that version and no other. It ends with an error when the
    /// principal may no longer have it.
    ///
    /// # Errors
    /// Those of opening the stage; [`Reason::FileNotFound`]; [`Reason::FileChanged`].
    pub(crate) async fn download_file(
        mut self,
        at: &StagePath,
        from: u64,
        etag: Option<&str>,
    ) -> Result<Download> {
        // The gate first: who is refused need not wait for it.
        self.open_for_files(&at.stage, Operation::DownloadFile)
            .await?;
        let turn = self.transfer_turn().await?;
        let stage = self
            .open_for_files(&at.stage, Operation::DownloadFile)
            .await?;
        let path = path_in_stage(&at.path)?;
        // From its beginning, for its checksum; what the client has already is not sent again.
        let reading = stage
            .store
            .open_file(&path, 0, etag)
            .await
            .map_err(found(&path))?;
        let info = reading.info;
        if from > info.bytes {
            return Err(Error::invalid_input(
                Reason::OptionInvalid,
                format_args!(
                    "offset {from} is behind the end of '{path}', which has {} bytes",
                    info.bytes
                ),
            ));
        }
        self.record_transfer(
            Operation::DownloadFile,
            &stage,
            &path,
            AuditOutcome::Done,
            format!("{} bytes from byte {from} on", info.bytes - from),
        )
        .await?;
        let sending = WholeFile {
            sending: self.sending(stage, reading.bytes, turn),
            digest: Some(Sha256::new()),
            skip: from,
        };
        let parts = futures::stream::try_unfold(sending, |mut sending| async move {
            let part = sending.next().await?;
            Ok(part.map(|part| (part, sending)))
        });
        Ok(Download {
            info,
            parts: at_the_readers_pace(parts.boxed()),
        })
    }

    /// Begins to receive a file. Nobody sees it before [`Upload::finish`]; dropped before that, nothing is left.
    ///
    /// # Errors
    /// Those of opening the stage; [`Reason::TargetExists`] where nothing is to be replaced.
    pub(crate) async fn upload_file(mut self, at: &StagePath, overwrite: bool) -> Result<Upload> {
        self.open_for_files(&at.stage, Operation::UploadFile)
            .await?;
        let turn = self.transfer_turn().await?;
        let stage = self
            .open_for_files(&at.stage, Operation::UploadFile)
            .await?;
        let path = path_in_stage(&at.path)?;
        let now_us = (catalog::system_clock())();
        let (format, _) = file_format(path.as_str());
        let admitted = stage.policies.admit_upload(format, now_us);
        self.audited(Operation::UploadFile, &at.stage, admitted)
            .await?;
        let policies = stage.policies.clone();
        let meter = self
            .instance
            .blocking(move |instance| Meter::begin(instance, policies, now_us))
            .await?;
        if !overwrite && stage.store.exists(&path).await? {
            return Err(Error::new(
                Reason::TargetExists,
                20406,
                "HY000",
                format!("file {} already exists", path.file_name()),
            ));
        }
        let begun = Uploads::begin(&self.instance, self.account(), &stage, &path).await?;
        let (pieces, waiting) = mpsc::channel(PIECES_WAITING_MAX);
        let (tell, written) = oneshot::channel();
        let writing = Arc::clone(&begun);
        tokio::spawn(async move {
            let draft = Arc::clone(&writing);
            let written = tokio::task::spawn_blocking(move || write(&draft, waiting, &meter)).await;
            let written = written
                .unwrap_or_else(|e| Err(Error::defect("writing an upload failed").with_source(e)));
            if written.is_err() {
                writing.end().await;
            }
            // Nobody takes it from a client that has left.
            let _ = tell.send(written);
        });
        Ok(Upload {
            session: self,
            stage,
            path,
            on_existing: match overwrite {
                true => OnExisting::Replace,
                false => OnExisting::Refuse,
            },
            begun,
            pieces,
            written,
            _turn: turn,
        })
    }

    pub(super) async fn record_transfer(
        &self,
        operation: Operation,
        stage: &OpenStage,
        path: &ObjectPath,
        outcome: AuditOutcome,
        reason: String,
    ) -> Result<()> {
        let files = FilesOnRecord {
            target: format!("stage://{}/{path}", stage.name),
            stage_version: stage.version,
        };
        let acting = self.acting();
        self.instance
            .blocking(move |_| {
                acting.record_files(operation, &files, outcome, &reason);
                Ok(())
            })
            .await
    }
}

/// Bytes on their way to a client, for as long as the principal may have them.
pub(super) struct Sending {
    session: Session,
    stage: OpenStage,
    bytes: BoxStream<'static, storage::Result<Bytes>>,
    looked: Instant,
    _turn: Turn,
}

impl Session {
    pub(super) fn sending(
        self,
        stage: OpenStage,
        bytes: BoxStream<'static, storage::Result<Bytes>>,
        turn: Turn,
    ) -> Sending {
        Sending {
            session: self,
            stage,
            bytes,
            looked: Instant::now(),
            _turn: turn,
        }
    }
}

impl Sending {
    pub(super) async fn next_piece(&mut self) -> Result<Option<Bytes>> {
        if self.looked.elapsed() >= LOOK_EVERY {
            self.session.look_again().await?;
            let now = self
                .session
                .open_for_files(&self.stage.name, Operation::DownloadFile)
                .await?;
            self.stage.check_still(&now)?;
            self.looked = Instant::now();
        }
        Ok(self.bytes.next().await.transpose()?)
    }
}

/// A whole file, of which a client may have the beginning already.
struct WholeFile {
    sending: Sending,
    /// Taken at the end.
    digest: Option<Sha256>,
    /// Bytes that the client has.
    skip: u64,
}

impl WholeFile {
    async fn next(&mut self) -> Result<Option<DownloadPart>> {
        let Some(digest) = &mut self.digest else {
            return Ok(None);
        };
        loop {
            let Some(mut piece) = self.sending.next_piece().await? else {
                let digest = self.digest.take().unwrap_or_default();
                return Ok(Some(DownloadPart::Sha256(hex(&digest.finalize()))));
            };
            digest.update(&piece);
            let skipped = self.skip.min(piece.len() as u64);
            self.skip -= skipped;
            let piece = piece.split_off(usize::try_from(skipped).unwrap_or(usize::MAX));
            if !piece.is_empty() {
                return Ok(Some(DownloadPart::Bytes(piece)));
            }
        }
    }
}

/// What goes to the thread that writes an upload.
enum Piece {
    Bytes(Bytes),
    End,
}

/// What came of writing it.
struct Written {
    finished: Finished,
    sha256: String,
}

/// A file that is being received.
pub(crate) struct Upload {
    session: Session,
    stage: OpenStage,
    path: ObjectPath,
    on_existing: OnExisting,
    begun: Arc<Begun>,
    pieces: mpsc::Sender<Piece>,
    written: oneshot::Receiver<Result<Written>>,
    _turn: Turn,
}

impl Upload {
    /// Takes the next bytes; waits while the place is slower than the client.
    ///
    /// # Errors
    /// The place's.
    pub(crate) async fn write(&mut self, bytes: Bytes) -> Result<()> {
        if self.pieces.send(Piece::Bytes(bytes)).await.is_ok() {
            return Ok(());
        }
        // The thread has ended before its time: it says why.
        match (&mut self.written).await {
            Ok(Err(error)) => Err(error),
            Ok(Ok(_)) | Err(_) => Err(Error::defect("an upload's thread ended early")),
        }
    }

    /// Checks what was received and gives it its name, in one step.
    ///
    /// # Errors
    /// [`Reason::ChecksumMismatch`] when it is not what the client expects; [`Reason::TargetExists`]; the gate's
    /// when the principal may no longer write there. Nothing is left then.
    pub(crate) async fn finish(self, expected: Expected) -> Result<UploadedFile> {
        // A client that leaves now does not leave half of this behind.
        tokio::spawn(self.end(expected))
            .await
            .map_err(|e| Error::defect("the end of an upload failed").with_source(e))?
    }

    async fn end(mut self, expected: Expected) -> Result<UploadedFile> {
        let result = self.publish(&expected).await;
        self.begun.end().await;
        let (outcome, reason) = match &result {
            Ok(file) => (
                AuditOutcome::Done,
                format!("{} bytes, SHA-256 {}", file.bytes, file.sha256),
            ),
            Err(error) => (AuditOutcome::Failed, error.message().to_owned()),
        };
        let is_on_record = matches!(&result, Err(error) if error.is_audited());
        if !is_on_record {
            let (session, stage) = (&self.session, &self.stage);
            session
                .record_transfer(Operation::UploadFile, stage, &self.path, outcome, reason)
                .await?;
        }
        result
    }

    async fn publish(&mut self, expected: &Expected) -> Result<UploadedFile> {
        let ended = |_| Error::defect("an upload's thread ended early");
        // A thread that has ended says why below.
        let _ = self.pieces.send(Piece::End).await;
        let written = (&mut self.written).await.map_err(ended)??;
        let bytes = written.finished.bytes;
        check(expected, bytes, &written.sha256)?;
        // The stage may have been disabled while the client took its time.
        self.session.look_again().await?;
        let now = self
            .session
            .open_for_files(&self.stage.name, Operation::UploadFile)
            .await?;
        self.stage.check_still(&now)?;
        let (format, _) = file_format(self.path.as_str());
        now.policies
            .admit_upload(format, (catalog::system_clock())())?;
        let store = &self.stage.store;
        let file = PlannedFile {
            token: written.finished.token,
            target: self.path.clone(),
            on_existing: self.on_existing,
            bytes,
            digest: written.sha256.clone(),
        };
        let since_us = (catalog::system_clock())();
        store.publish(&file).await?;
        // For the client and the directory table alone: the file is there.
        let found = store.stat(&self.path).await.ok();
        let found = found.filter(|found| found.bytes == bytes);
        let noted = uploaded(&self.path, bytes, &written.sha256, found.as_ref(), since_us);
        let account = self.session.principal.account();
        self.session
            .instance
            .note_files(account, &self.stage, vec![noted])
            .await;
        let etag = found.and_then(|file| file.etag);
        Ok(UploadedFile {
            path: self.path.clone(),
            bytes,
            sha256: written.sha256,
            etag,
        })
    }
}

fn check(expected: &Expected, bytes: u64, sha256: &str) -> Result<()> {
    let wrong = |text: String| Err(Error::invalid_input(Reason::ChecksumMismatch, text));
    if let Some(wanted) = expected.bytes
        && wanted != bytes
    {
        return wrong(format!(
            "the file was to have {wanted} bytes, and {bytes} were received; nothing was stored"
        ));
    }
    if let Some(wanted) = &expected.sha256
        && !wanted.eq_ignore_ascii_case(sha256)
    {
        return wrong(format!(
            "the file was to have SHA-256 {wanted}, and what was received has {sha256}; nothing was stored"
        ));
    }
    Ok(())
}

/// Writes a draft, until its end or until the client has left. Blocking.
fn write(begun: &Begun, mut pieces: mpsc::Receiver<Piece>, meter: &Meter) -> Result<Written> {
    let mut draft = begun.draft()?;
    let mut digest = Sha256::new();
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Bytes(bytes) => {
                meter.bytes(bytes.len() as u64)?;
                digest.update(&bytes);
                draft
                    .write_all(&bytes)
                    .map_err(|e| write_error("the file", &e))?;
            }
            Piece::End => {
                return Ok(Written {
                    finished: draft.finish()?,
                    sha256: hex(&digest.finalize()),
                });
            }
        }
    }
    // Dropping the draft removes it.
    Err(Error::new(
        Reason::StatementKilled,
        1317,
        "70100",
        "Query execution was interrupted: the client left in the middle of a file",
    ))
}
