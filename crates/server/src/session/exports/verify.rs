//! VERIFY EXPORT: reads every file that an export has published, and compares it with what is on record.

mod proofs;

use std::sync::Arc;

use catalog::{AuditOutcome, ExportFile, ExportRecord, ExportState};
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use parser::Target;
use storage::{ErrorKind, ObjectPath, Store};

use crate::error::{Error, Reason, Result};
use crate::exports::digest_told;
use crate::gate::{Object, Operation};
use crate::sql::export_state;
use crate::turns::Work;

use super::Session;

/// Files that are read at a time.
const READ_AT_ONCE_MAX: usize = 4;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It has the bytes that were exported.
    Same,
    /// It has others.
    Changed,
    /// There is none of the name.
    Missing,
}

impl Verdict {
    /// As rows have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Same => "OK",
            Self::Changed => "CHANGED",
            Self::Missing => "MISSING",
        }
    }
}

/// A file that was read.
#[derive(Debug, Clone)]
pub(crate) struct VerifiedFile {
    /// As it is on record.
    pub(crate) file: ExportFile,
    pub(crate) verdict: Verdict,
    /// What differs; empty where nothing does.
    pub(crate) detail: String,
}

/// The files of an export, each as soon as it and those before it have been read.
pub(crate) type VerifiedFiles = BoxStream<'static, Result<VerifiedFile>>;

impl Session {
    /// Reads what an export has published: by everybody who sees the export, for it tells of no content.
    ///
    /// # Errors
    /// [`Reason::ExportNotFound`]; [`Reason::ExportState`] for one that is not committed; [`Reason::NotSupported`] for
    /// a place that cannot be opened again; the place's own.
    pub(crate) async fn verify_export(&mut self, id: String) -> Result<VerifiedFiles> {
        self.committed_export(id.clone()).await?;
        // Files are read whole, as when they are carried.
        let turn = self.take_turn(Work::Transfer).await?;
        // What was found before the wait may not be so behind it.
        let record = self.committed_export(id).await?;
        self.record_verification(&record).await?;
        can_be_opened_again(&record)?;
        let place = crate::exports::place(&self.instance, &record).await?;
        let store = Arc::new(place.store);
        let is_required = self.requires_manifest(&record).await?;
        let asked = proofs::Asked::by(&record, is_required, &self.parser_limits());
        let (record, proofs_in) = (Arc::new(record), Arc::clone(&store));
        let files = record.files.clone().into_iter().map(move |file| {
            let store = Arc::clone(&store);
            async move { verified(&store, file).await }
        });
        let verified = stream::iter(files).buffered(READ_AT_ONCE_MAX);
        let proofs =
            stream::once(async move { proofs::verified(&proofs_in, &record, asked).await })
                .flat_map(|proofs| match proofs {
                    Ok(proofs) => stream::iter(proofs.into_iter().map(Ok).collect::<Vec<_>>()),
                    Err(error) => stream::iter(vec![Err(error)]),
                });
        Ok(verified
            .chain(proofs)
            .map(move |file| {
                let _turn = &turn;
                file
            })
            .boxed())
    }

    /// An export that the caller sees and that has files to verify.
    async fn committed_export(&self, id: String) -> Result<ExportRecord> {
        let object = Object::Export(id.clone());
        self.act(Operation::VerifyExport, object, move |acting, permit| {
            let record = acting.visible_export(permit, &id)?;
            match record.state {
                ExportState::Committed => Ok(record),
                other => Err(Error::internal(
                    Reason::ExportState,
                    format_args!(
                        "export '{id}' is {}: only a committed one has files to verify",
                        export_state(other)
                    ),
                )),
            }
        })
        .await
    }

    /// Puts on record that an export's files are read.
    async fn record_verification(&self, export: &ExportRecord) -> Result<()> {
        let object = Object::Export(export.id.clone());
        let acting = self.acting();
        self.instance
            .blocking(move |_| {
                acting.record(Operation::VerifyExport, &object, AuditOutcome::Done, "");
                Ok(())
            })
            .await
    }

    /// Whether the stage, as it was when the export began, lets no export be without its manifest.
    async fn requires_manifest(&self, record: &ExportRecord) -> Result<bool> {
        if record.stage.is_none() {
            return Ok(false);
        }
        let record = record.clone();
        let located = self
            .instance
            .blocking(move |instance| instance.locate_stage_of(&record))
            .await?;
        let stage = self.instance.open_stage(located).await?;
        Ok(stage.policies.requires_manifest())
    }
}

fn can_be_opened_again(record: &ExportRecord) -> Result<()> {
    let why = match (&record.stage, Target::parse(&record.target)) {
        (Some(_), _) => return Ok(()),
        (None, Target::Raw(path)) if path.starts_with('/') => return Ok(()),
        (None, Target::Stage { .. }) => "its temporary stage went with its session",
        (None, Target::Url { .. } | Target::Raw(_)) => {
            "it went to a bucket that is no stage, and the keys that its statement had are not kept"
        }
    };
    Err(Error::not_supported(format_args!(
        "export '{}' cannot be verified: {why}",
        record.id
    )))
}

async fn verified(store: &Store, file: ExportFile) -> Result<VerifiedFile> {
    let path = ObjectPath::parse(&file.path)?;
    let verdict = |file, verdict, detail: String| {
        Ok(VerifiedFile {
            file,
            verdict,
            detail,
        })
    };
    let gone =
        |error: &storage::Error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Invalid);
    let found = match store.stat(&path).await {
        Ok(found) => found,
        Err(error) if gone(&error) => {
            return verdict(file, Verdict::Missing, "there is no such file".to_owned());
        }
        Err(error) => return Err(error.into()),
    };
    if found.bytes != file.bytes {
        let detail = format!("it has no longer {} bytes", file.bytes);
        return verdict(file, Verdict::Changed, detail);
    }
    match store.digest_like(&file.digest, &path).await {
        Ok(digest) if digest == file.digest => verdict(file, Verdict::Same, String::new()),
        Ok(_) => {
            let (algorithm, digits) = digest_told(&file.digest);
            let detail = format!("its {algorithm} is no longer {digits}");
            verdict(file, Verdict::Changed, detail)
        }
        Err(error) if gone(&error) => {
            verdict(file, Verdict::Missing, "there is no such file".to_owned())
        }
        Err(error) => Err(error.into()),
    }
}
