//! Exports whose rows are no query's result: the files that INSERT adds to an external table, and the reports of
//! LOAD DATA. They are exports as any other, under the same rules and on the same records; their statement waits for them.

use std::sync::Arc;

use catalog::ExportRecord;
use parser::Export;

use super::{Conflicts, Entry, ExportRows, Session};
use crate::error::{Error, Result};
use crate::exports::{CancelCause, ExportHandle};

impl Session {
    /// That an export would be let in now: so that nobody works for long towards one that will not.
    ///
    /// # Errors
    /// Those of [`Session::export`].
    pub(in crate::session) async fn may_export(&self, statement: &Export) -> Result<()> {
        self.let_in(statement, Conflicts::Refused).await?;
        Ok(())
    }

    /// The same of a file that a table is to read again.
    ///
    /// # Errors
    /// Those of [`Session::export`]; [`Reason::PolicyDenied`](crate::Reason::PolicyDenied) where the stage's files are
    /// not what the rows are.
    pub(in crate::session) async fn may_add_file(&self, statement: &Export) -> Result<()> {
        match self.let_in(statement, Conflicts::Refused).await? {
            Entry::New(let_in) => let_in.target.policies().admit_table_file(),
            Entry::Before(_) => Err(Error::defect("rows of a statement have an EXPORT ID")),
        }
    }

    /// Exports rows to where `statement` says, in the turn of the statement that they are of, and waits until they are
    /// published. A statement that is given up takes its export along.
    ///
    /// # Errors
    /// Those of [`Session::export`], and why it failed.
    pub(in crate::session) async fn export_rows(
        &self,
        statement: &Export,
        rows: ExportRows,
    ) -> Result<ExportRecord> {
        let let_in = match self.let_in(statement, Conflicts::Refused).await? {
            Entry::New(let_in) => let_in,
            Entry::Before(_) => return Err(Error::defect("rows of a statement have an EXPORT ID")),
        };
        let plan = self.plan_of(statement, *let_in, rows, &[])?;
        let instance = Arc::clone(&self.instance);
        // Given up meanwhile, it is cancelled as soon as there is what to cancel.
        let starting = tokio::spawn(async move {
            let handle = crate::exports::start(&instance, plan).await;
            handle.map(Followed)
        });
        let followed = starting
            .await
            .map_err(|e| Error::defect("an export's start failed").with_source(e))??;
        if self.statement.deadline().limit().time.is_some() {
            followed.0.stop_when(self.statement.late());
        }
        followed.0.wait().await
    }
}

/// An export that goes with the statement that waits for it. One that has ended is past being cancelled.
struct Followed(ExportHandle);

impl Drop for Followed {
    fn drop(&mut self) {
        self.0.cancel_for(CancelCause::Abandoned);
    }
}
