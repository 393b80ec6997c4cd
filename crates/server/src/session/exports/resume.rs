//! RESUME EXPORT: a failed export, asked for again as it was: from its beginning, as a new one.

use catalog::{AuditOutcome, ExportRecord, ExportState};
use parser::{Export, Plan, Target};

use super::Session;
use crate::error::{Error, Reason, Result};
use crate::exports::ExportHandle;
use crate::gate::{Object, Operation};
use crate::sql::export_state;

impl Session {
    /// Starts an export again that has failed or was cancelled: its statement, in the database that was current then,
    /// by whoever asks for it now, with the stage as it is now. Under its EXPORT ID, where it is the same user's, else
    /// under one of its own.
    ///
    /// # Errors
    /// [`Reason::ExportNotFound`]; [`Reason::ExportState`] for one that has not failed; [`Reason::NotSupported`] for one
    /// of another statement's, or whose record does not say all that it takes; those of [`Session::export`].
    pub(crate) async fn resume_export(&mut self, id: &str) -> Result<ExportHandle> {
        let (id, object) = (id.to_owned(), Object::Export(id.to_owned()));
        let record = self
            .act(
                Operation::ResumeExport,
                object.clone(),
                move |acting, permit| {
                    let record = acting.visible_export(permit, &id)?;
                    has_failed(&record)?;
                    acting.record(Operation::ResumeExport, &object, AuditOutcome::Done, "");
                    Ok(record)
                },
            )
            .await?;
        let Some(database) = record.database.clone() else {
            return Err(cannot(
                &record,
                "it was recorded by a version that did not note its database; run its statement again",
            ));
        };
        let Plan::Export(mut statement) =
            parser::parse_with(&record.statement, &self.parser_limits())?
        else {
            return Err(cannot(
                &record,
                "it was written by an INSERT or a LOAD DATA; run that statement again",
            ));
        };
        can_be_repeated(&record, &statement)?;
        self.is_still_its_stage(&record, &statement).await?;
        // Its own id is its user's alone. Without one it gets one, so that who asks twice has one export.
        if record.key.is_none() || record.user != self.principal.user() {
            statement.options.export_id = Some(format!("resume of {}", record.id).into());
        }
        self.context.statement = Plan::Export(statement.clone()).to_string();
        InDatabase::of(self, database).0.export(statement).await
    }

    /// That the name of its stage stands for the same one: it may have been dropped, or given to another, since.
    async fn is_still_its_stage(&self, record: &ExportRecord, statement: &Export) -> Result<()> {
        let Target::Stage { name, .. } = &statement.target.value else {
            return Ok(());
        };
        if self.temporary.get(name).is_some() {
            return Err(cannot(
                record,
                "a temporary stage of this session has the name of its stage now",
            ));
        }
        let (account, name) = (record.account.clone(), name.clone());
        let now = self.instance.blocking(move |instance| {
            let stage = instance.catalog.stage(&account, &name)?;
            Ok(stage.map(|stage| stage.id))
        });
        // One that is not there is told of by the export itself.
        match (now.await?, record.stage_id) {
            (Some(now), Some(then)) if now != then => Err(cannot(
                record,
                "its stage was dropped, or renamed, and another has its name now",
            )),
            (Some(_) | None, _) => Ok(()),
        }
    }
}

/// A session that is in another database until this is dropped, also where its statement is left in the middle.
struct InDatabase<'s>(&'s mut Session, String);

impl<'s> InDatabase<'s> {
    fn of(session: &'s mut Session, database: String) -> Self {
        let own = std::mem::replace(&mut session.database, database);
        Self(session, own)
    }
}

impl Drop for InDatabase<'_> {
    fn drop(&mut self) {
        self.0.database = std::mem::take(&mut self.1);
    }
}

fn has_failed(record: &ExportRecord) -> Result<()> {
    match record.state {
        ExportState::Failed | ExportState::Cancelled => Ok(()),
        state @ (ExportState::Admitted
        | ExportState::Running
        | ExportState::Prepared
        | ExportState::Committed) => Err(Error::internal(
            Reason::ExportState,
            format_args!(
                "export '{}' is {}: only one that has failed or was cancelled is resumed",
                record.id,
                export_state(state)
            ),
        )),
    }
}

/// That the statement on record is all of what was asked for.
fn can_be_repeated(record: &ExportRecord, statement: &Export) -> Result<()> {
    if statement.options.credentials.is_some() {
        return Err(cannot(
            record,
            "its statement has CREDENTIALS, and they are not kept; run the statement again",
        ));
    }
    match (&record.stage, &statement.target.value) {
        (None, Target::Stage { .. }) => {
            Err(cannot(record, "its temporary stage went with its session"))
        }
        (None, Target::Url { .. } | Target::Raw(_)) | (Some(_), _) => Ok(()),
    }
}

fn cannot(record: &ExportRecord, why: &str) -> Error {
    Error::not_supported(format_args!(
        "export '{}' cannot be resumed: {why}",
        record.id
    ))
}
