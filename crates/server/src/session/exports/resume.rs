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
    /// by whoever asks for it now, with the stage as it is now. Under its EXPORT ID, where it is the same user's.
    ///
    /// # Errors
    /// [`Reason::ExportNotFound`]; [`Reason::ExportState`] for one that has not failed; [`Reason::NotSupported`] for one
    /// whose record does not say all that it takes; those of [`Session::export`].
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
        let mut statement = match self.parse(&record.statement)? {
            Plan::Export(statement) => statement,
            _ => return Err(Error::defect("the statement of an export is none")),
        };
        can_be_repeated(&record, &statement)?;
        if statement.options.export_id.is_none() && record.user == self.principal.user() {
            statement.options.export_id = record.key.clone().map(Into::into);
        }
        self.context.statement = Plan::Export(statement.clone()).to_string();
        let own = std::mem::replace(&mut self.database, database);
        let started = self.export(statement).await;
        self.database = own;
        started
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
