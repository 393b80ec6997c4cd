//! `Session`: one client's principal, current database and variables, and every operation it can ask for.
//! It knows no transport: the protocols unwrap requests, call one operation and wrap what it gives.

mod access;
mod admin;
mod assembled;
mod bounds;
mod caller;
mod change_rows;
mod create_as;
mod deadline;
mod diagnostics;
mod directory;
mod etag;
mod exports;
mod files;
mod infer;
mod ingest;
mod insert;
mod insert_files;
mod keys;
mod links;
mod live;
mod load;
mod loaded;
mod origins;
mod pace;
mod prepared;
mod processes;
mod queries;
mod query_errors;
mod reading;
mod result;
mod roles;
mod securables;
mod shown;
mod stage_pages;
mod stages;
mod table_columns;
mod tables;
mod temporary;
mod tokens;
mod traced;
mod transfers;
mod upsert;
mod validation;
mod variables;
mod views;

use std::sync::Arc;

use parser::Plan;

pub(crate) use access::{AccountProperty, UserProperty, UserToMake};
pub(crate) use bounds::Bounds;
pub(crate) use caller::{Caller, Login};
use deadline::Deadline;
pub(crate) use diagnostics::Diagnostics;
pub(crate) use etag::Etag;
pub(crate) use exports::{Verdict, VerifiedFile};
pub(crate) use files::{Found, FoundFiles, file_not_found, unnamed_warning};
pub(crate) use ingest::{IfMissing, IfThere, Ingested};
pub(crate) use insert::{Numbers, insert_target};
pub(crate) use keys::table_keys;
pub(crate) use links::{LinkedFile, percent_encoded};
pub use origins::{KeyPart, Origin};
pub(crate) use prepared::{Prepared, Ready};
pub(crate) use processes::Process;
pub(crate) use queries::{fields, internal_store};
pub(crate) use reading::is_long;
pub(crate) use result::text_batch;
pub use result::{Done, FileTransfer, Outcome, Rows, Transfer, Warnings};
pub(crate) use roles::{GrantsOf, NamedGrant};
pub(crate) use stages::{
    ChangeMode, NewStage, StageProperties, StageUpdate, stage_exists, stage_not_exists,
};
pub(crate) use tables::ShownTable;
pub(crate) use transfers::{DownloadPart, Expected};
pub(crate) use validation::{facts_in_words, known, looked_at_before};

use crate::error::{Error, Reason, Result};
use crate::exports::ExportHandle;
use crate::gate::{Acting, CallContext, Object, Operation, Permit, Principal};
use crate::instance::Instance;
use crate::internal::ReceivedFile;
use crate::sessions::{InUse, Killed, OpenSession, SessionState};
use crate::sql;
use crate::temporary_stages::TemporaryStages;
use crate::turns::{Turn, Work};
use variables::Variables;

/// One client's principal, current database and variables.
#[derive(Debug, Clone)]
pub struct Session {
    instance: Arc<Instance>,
    principal: Principal,
    context: CallContext,
    login: Login,
    database: String,
    variables: Variables,
    /// Of a call that is no statement: when it has to end.
    call: Deadline,
    /// Of the statement that runs, or ran last.
    statement: Bounds,
    /// What others see of it, and how they end its statement, where it is an open session.
    open: Option<(Arc<OpenSession>, Killed)>,
    temporary: Arc<TemporaryStages>,
    diagnostics: Arc<Diagnostics>,
    /// The file that the client has sent for the statement.
    received: Option<Arc<ReceivedFile>>,
    /// Of a call beside an open session's statements: what keeps the session open.
    _in_use: Option<Arc<InUse>>,
}

/// What becomes of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// It is run.
    Execute,
    /// Its result is described, by planning it.
    Describe,
}

/// What an open session keeps from one statement to the next.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) principal: Principal,
    database: String,
    variables: Variables,
    temporary: Arc<TemporaryStages>,
    diagnostics: Arc<Diagnostics>,
}

impl Kept {
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// The same, as one that may have temporary stages.
    pub(crate) fn with_temporary_stages(self) -> Self {
        Self {
            temporary: TemporaryStages::of_session(),
            ..self
        }
    }

    pub(crate) fn temporary_stages(&self) -> Arc<TemporaryStages> {
        Arc::clone(&self.temporary)
    }
}

impl Session {
    /// A session for one call that is no statement, of a caller that the gate knows. It has the time that a statement
    /// has.
    pub(crate) fn new(instance: Arc<Instance>, caller: Caller) -> Self {
        let call = Deadline::after(variables::time_limit(&instance.settings.limits, None));
        Self {
            call: call.or_until(caller.context.until),
            ..Self::for_statements(instance, caller)
        }
    }

    /// A session for statements, each of which has its own time.
    pub(crate) fn for_statements(instance: Arc<Instance>, caller: Caller) -> Self {
        let database = instance.settings.default_database.clone();
        Self {
            instance,
            principal: caller.principal,
            context: caller.context,
            login: caller.login,
            database,
            variables: Variables::default(),
            call: Deadline::none(),
            statement: Bounds::none(),
            open: None,
            temporary: TemporaryStages::none(),
            diagnostics: Arc::default(),
            received: None,
            _in_use: None,
        }
    }

    /// The same as one of its own, which may have temporary stages.
    pub(crate) fn on_its_own(self) -> Self {
        Self {
            temporary: TemporaryStages::of_session(),
            ..self
        }
    }

    /// The same for a call that sees the temporary stages of an open session of the caller; of none if `id` is
    /// empty.
    ///
    /// # Errors
    /// [`Reason::SessionNotFound`]; [`Reason::PermissionDenied`] for a token that is bound to another role.
    pub(crate) async fn beside(self, id: &str) -> Result<Self> {
        if id.is_empty() {
            return Ok(self);
        }
        let found = self.instance.sessions.temporary_stages(id, &self.principal);
        let (temporary, in_use) = match found {
            Ok(found) => found,
            Err(error) => {
                let (acting, object) = (self.acting(), Object::Session(id.to_owned()));
                let entering = Operation::EnterSession;
                let recorded = self
                    .instance
                    .blocking(move |_| Ok(acting.audit_refusal(entering, &object, error)));
                return Err(recorded.await?);
            }
        };
        Ok(Self {
            temporary,
            _in_use: Some(in_use),
            ..self
        })
    }

    /// An open session for its next statement, which `killed` can end.
    pub(crate) fn resumed(
        instance: Arc<Instance>,
        kept: Kept,
        caller: Caller,
        open: Arc<OpenSession>,
        killed: Killed,
    ) -> Self {
        Self {
            principal: kept.principal,
            database: kept.database,
            variables: kept.variables,
            temporary: kept.temporary,
            diagnostics: kept.diagnostics,
            open: Some((open, killed)),
            ..Self::for_statements(instance, caller)
        }
    }

    /// What the next statement begins with.
    pub(crate) fn kept(&self) -> Kept {
        Kept {
            principal: self.principal.clone(),
            database: self.database.clone(),
            variables: self.variables.clone(),
            temporary: Arc::clone(&self.temporary),
            diagnostics: Arc::clone(&self.diagnostics),
        }
    }

    /// The same for a call, whose name the audit has already, that asks for this. No secret may be in it.
    pub(crate) fn asked(mut self, asked: impl std::fmt::Display) -> Self {
        let asked = format!("{} {asked}", self.context.statement);
        self.context.statement = crate::error::masked_urls(asked);
        self
    }

    /// The client's address.
    pub(crate) fn client(&self) -> &str {
        &self.context.client
    }

    /// Makes `database` the current one.
    ///
    /// # Errors
    /// [`Reason::DatabaseNotFound`].
    pub async fn use_database(&mut self, database: &str) -> Result<()> {
        // As statements fold it, for it comes from clients, too.
        let database = database.to_lowercase();
        let name = database.clone();
        self.act(
            Operation::UseDatabase,
            Object::Database(name.clone()),
            move |acting, permit| acting.existing_database(permit, &name),
        )
        .await?;
        self.database = database;
        if let Some((open, _)) = &self.open {
            open.uses(&self.database);
        }
        Ok(())
    }

    /// The current database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Who this session acts as.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// What the statement's family documents; [`Reason::SyntaxError`] for a text that is none.
    pub async fn execute(&mut self, text: &str) -> Result<Outcome> {
        let plan = self.parse(text, sql::Secrets::default()).await?;
        self.run(plan, Purpose::Execute).await
    }

    /// Runs one statement whose secrets come beside it. Gives its bounds, too, which hold until its results are with
    /// the client.
    ///
    /// # Errors
    /// Those of [`Session::execute`]; [`Reason::OptionInvalid`] for a parameter without a value.
    pub(crate) async fn execute_with(
        &mut self,
        text: &str,
        secrets: sql::Secrets,
    ) -> Result<(Outcome, Bounds)> {
        let plan = self.parse(text, secrets).await?;
        let outcome = self.run(plan, Purpose::Execute).await?;
        Ok((outcome, self.statement.clone()))
    }

    /// Starts the export that a statement asks for, and nothing else. A `request_id` that is not empty is its EXPORT ID.
    ///
    /// # Errors
    /// [`Reason::OptionInvalid`] for another statement, and for one that has an EXPORT ID, too; those of
    /// [`Session::execute`].
    pub(crate) async fn execute_export(
        &mut self,
        text: &str,
        secrets: sql::Secrets,
        request_id: String,
    ) -> Result<ExportHandle> {
        let invalid = |text| Err(Error::invalid_input(Reason::OptionInvalid, text));
        let Plan::Export(mut export) = self.parse(text, secrets).await? else {
            return invalid("an export is a SELECT … INTO OUTFILE statement");
        };
        if !request_id.is_empty() {
            if export.options.export_id.is_some() {
                return invalid("request_id is given, and the statement has an EXPORT ID, too");
            }
            export.options.export_id = Some(request_id.into());
        }
        self.run_export(Plan::Export(export)).await
    }

    /// The same of RESUME EXPORT.
    ///
    /// # Errors
    /// Those of the statement.
    pub(crate) async fn execute_resume(&mut self, id: &str) -> Result<ExportHandle> {
        let id = id.to_owned().into();
        self.run_export(Plan::ResumeExport(id)).await
    }

    async fn run_export(&mut self, plan: Plan) -> Result<ExportHandle> {
        // The call only starts it: the export may go on when the call has ended.
        self.context.until = None;
        match self.run(plan, Purpose::Execute).await? {
            Outcome::Export(handle) => Ok(handle),
            Outcome::Done(_) | Outcome::Rows(_) | Outcome::Transfer(_) => {
                Err(Error::defect("an export statement gave no export"))
            }
        }
    }

    async fn run(&mut self, plan: Plan, purpose: Purpose) -> Result<Outcome> {
        let verb = plan.verb();
        self.context.statement = if let Plan::SetVariable(statement) = &plan {
            variables::shown(statement)
        } else if let Plan::Export(_) = &plan {
            // What it is known by when it is asked for again.
            plan.to_string()
        } else {
            // A plan hides what it knows for a secret; a query's text, or a path, may hold a URL with one.
            crate::error::masked_urls(plan.to_string())
        };
        tracing::debug!(statement = self.context.statement, "executing");
        let began = std::time::Instant::now();
        let counted = match purpose {
            Purpose::Execute => verb,
            Purpose::Describe => "PREPARE",
        };
        let traced = self.begin_trace(counted);
        let speaks = self.speaks(&plan, purpose);
        let result = match self.bounded(plan, purpose).await {
            Err(error) if error.is_unaudited_refusal() => Err(self.refused(verb, error).await),
            result => result,
        };
        let span = self.end_trace(traced, &result);
        let result = result.map(|outcome| outcome.traced(span));
        if let Ok(Outcome::Done(done)) = &result {
            self.remember(done.insert_id);
        }
        self.ended(counted, began, &result);
        self.said(speaks, result)
    }

    /// Counts and logs a statement's end.
    fn ended<T>(&self, verb: &'static str, began: std::time::Instant, result: &Result<T>) {
        self.instance
            .metrics
            .statement(verb, began.elapsed(), result);
        match result {
            Ok(_) => tracing::info!(verb, principal = %self.principal, "statement accepted"),
            Err(error) => {
                tracing::info!(verb, principal = %self.principal, reason = ?error.reason(), "statement refused or failed");
                // May hold values of rows.
                tracing::debug!(error = error.message(), "why");
            }
        }
    }

    /// Audits a statement that was refused where no operation has seen it.
    async fn refused(&self, verb: &'static str, error: Error) -> Error {
        let acting = self.acting();
        let recorded = self
            .instance
            .blocking(move |_| Ok(acting.refused_statement(verb, error)))
            .await;
        recorded.unwrap_or_else(|defect| defect)
    }

    /// Runs a statement in its turn, until it ends, is killed, or its time is over, of which waiting is a part.
    async fn bounded(&mut self, plan: Plan, purpose: Purpose) -> Result<Outcome> {
        let mut bounds = self.begin();
        // What shows and ends others must go when all turns are taken.
        let turn = match sql::takes_turn(&plan) {
            true => Some(bounds.within(self.take_turn(Work::Statement)).await??),
            false => None,
        };
        // Leaving a statement in the middle is safe: a change is made whole, on a thread that nothing stops.
        let outcome = match purpose {
            Purpose::Execute => bounds.within(sql::dispatch(self, plan)).await??,
            Purpose::Describe => bounds.within(self.describe(plan)).await??,
        };
        Ok(match outcome {
            Outcome::Rows(rows) => Outcome::Rows(rows.bounded(turn, bounds)),
            Outcome::Done(_) | Outcome::Export(_) | Outcome::Transfer(_) => outcome,
        })
    }

    /// The bounds of a statement that begins now.
    fn begin(&mut self) -> Bounds {
        let deadline = Deadline::after(self.execution_max()).or_until(self.context.until);
        let bounds = match &self.open {
            Some((open, killed)) => {
                let shown = open.shows(self.principal.role(), &self.context.statement);
                Bounds::new(Some(killed.clone()), deadline, Some(shown))
            }
            None => Bounds::new(None, deadline, None),
        };
        self.statement = bounds.clone();
        bounds
    }

    /// A turn, if one is free.
    fn free_turn(&self, work: Work) -> Result<Option<Turn>> {
        self.instance.turns.try_take(self.account(), work)
    }

    /// Waits for a turn. Who had to wait is looked up again.
    ///
    /// # Errors
    /// [`Reason::LimitExceeded`]; those of [`Session::look_again`].
    async fn take_turn(&mut self, work: Work) -> Result<Turn> {
        if let Some(turn) = self.free_turn(work)? {
            return Ok(turn);
        }
        self.statement.show(SessionState::Waiting);
        let turn = self.instance.turns.take(self.account(), work).await?;
        self.statement.show(SessionState::Running);
        self.look_again().await?;
        Ok(turn)
    }

    fn acting(&self) -> Acting {
        Acting {
            instance: Arc::clone(&self.instance),
            principal: self.principal.clone(),
            context: self.context.clone(),
            temporary: Arc::clone(&self.temporary),
        }
    }

    fn account(&self) -> &str {
        self.principal.account()
    }

    /// Every operation's way: the gate first, then the work, on a thread that may block. What has not begun when
    /// the caller leaves, or its time is over, is not done; what has begun is made whole.
    async fn act<T: Send + 'static>(
        &self,
        operation: Operation,
        object: Object,
        work: impl FnOnce(&Acting, &Permit) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let acting = self.acting();
        let work = self.instance.blocking(move |_| {
            let permit = acting.allow(operation, &object)?;
            work(&acting, &permit).map_err(|error| acting.audit_refusal(operation, &object, error))
        });
        self.call.within(work).await?
    }

    /// The same for a change that can be tried, or asked for twice.
    async fn change<T: Send + 'static>(
        &self,
        operation: Operation,
        object: Object,
        mode: ChangeMode,
        work: impl FnOnce(&Acting, &Permit) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let target = object.to_string();
        let changed = self.act(operation, object, move |acting, permit| {
            work(acting, &permit.in_mode(mode))
        });
        let changed = changed.await?;
        tracing::info!(
            operation = operation.name(),
            target,
            principal = %self.principal,
            "change accepted"
        );
        Ok(changed)
    }

    /// The same for several of a kind in one change: the gate is asked about each of them before any is made.
    async fn change_all<T: Send + 'static>(
        &self,
        operation: Operation,
        objects: Vec<Object>,
        mode: ChangeMode,
        work: impl FnOnce(&Acting, &Permit) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut objects = objects.into_iter();
        let first = objects
            .next()
            .ok_or_else(|| Error::defect("a change of nothing"))?;
        self.change(operation, first, mode, move |acting, permit| {
            for object in objects {
                acting.allow(operation, &object)?;
            }
            work(acting, permit)
        })
        .await
    }

    /// The gate alone, for an operation whose work is asynchronous.
    async fn allow(&self, operation: Operation, object: Object) -> Result<Permit> {
        if Acting::needs_no_look(operation) {
            return self.acting().allow(operation, &object);
        }
        self.act(operation, object, |_, permit| Ok(permit.clone()))
            .await
    }
}

impl Acting {
    /// Whether a database is there, the server's own included.
    pub(crate) fn has_database(&self, permit: &Permit, database: &str) -> Result<bool> {
        let catalog = &self.instance.catalog;
        Ok(crate::system_tables::is_system_database(database)
            || catalog.database(permit.account(), database)?.is_some())
    }

    /// That a database is there, the server's own included.
    pub(crate) fn existing_database(&self, permit: &Permit, database: &str) -> Result<()> {
        if self.has_database(permit, database)? {
            return Ok(());
        }
        Err(Error::new(
            Reason::DatabaseNotFound,
            1049,
            "42000",
            format!("Unknown database '{database}'"),
        ))
    }
}

/// The one text for a session that is gone, or another user's.
pub(crate) fn session_not_found() -> Error {
    Error::internal(
        Reason::SessionNotFound,
        "there is no such session; it may have been idle for too long",
    )
}

#[cfg(test)]
mod tests;
