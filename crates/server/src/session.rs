//! `Session`: one client's principal, current database and variables, and every operation it can ask for.
//! It knows no transport: the protocols unwrap requests, call one operation and wrap what it gives.

mod access;
mod admin;
mod deadline;
mod exports;
mod insert;
mod queries;
mod result;
mod roles;
mod securables;
mod stages;
mod tables;
mod tokens;
mod variables;

use std::sync::Arc;

use parser::{Limits, Plan};

pub(crate) use access::{AccountProperty, UserProperty, UserToMake};
use deadline::Deadline;
pub use result::{Done, Outcome, Rows, Warnings};
pub(crate) use roles::{GrantsOf, NamedGrant};
pub(crate) use stages::{
    ChangeMode, Etag, NewStage, StageProperties, StageUpdate, stage_not_exists,
};
pub(crate) use tables::ShownTable;

use crate::error::{Error, Reason, Result};
use crate::exports::ExportHandle;
use crate::gate::{Acting, CallContext, Object, Operation, Permit, Principal};
use crate::instance::Instance;
use crate::registry::{OpenSession, killed};
use crate::sql;
use crate::turns::Work;
use variables::Variables;

/// One client's principal, current database and variables.
#[derive(Debug, Clone)]
pub struct Session {
    instance: Arc<Instance>,
    principal: Principal,
    context: CallContext,
    database: String,
    variables: Variables,
    /// What others see of it, where it is an open session.
    entry: Option<Arc<OpenSession>>,
}

/// Who calls, as its protocol has found out.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) context: CallContext,
}

impl Session {
    /// A session of a caller that the gate knows.
    pub(crate) fn new(instance: Arc<Instance>, caller: Caller) -> Self {
        let database = instance.settings.default_database.clone();
        Self {
            instance,
            principal: caller.principal,
            context: caller.context,
            database,
            variables: Variables::default(),
            entry: None,
        }
    }

    /// Becomes an open session of this id; gives what others see of it.
    pub(crate) fn become_open(&mut self, id: String) -> Arc<OpenSession> {
        let entry = Arc::new(OpenSession::new(
            id,
            self.principal.account(),
            self.principal.user(),
            self.principal.role(),
            &self.context.client,
        ));
        self.entry = Some(Arc::clone(&entry));
        entry
    }

    /// Begins another call in an open session: it must be the same user's, who must still be what it was.
    ///
    /// # Errors
    /// [`Reason::SessionNotFound`] for another user; [`Reason::PermissionDenied`] for a token that is bound to
    /// another role than the session is in; [`Reason::Unauthenticated`], [`Reason::RoleNotGranted`].
    pub(crate) async fn enter(&mut self, caller: Caller) -> Result<()> {
        let entered = if self.principal.is_same_user(&caller.principal) {
            self.principal.entered_by(&caller.principal)
        } else {
            Err(session_not_found())
        };
        let id = self.entry.as_ref().map(|entry| entry.id.clone());
        let acting = Acting {
            instance: Arc::clone(&self.instance),
            principal: caller.principal,
            context: caller.context.clone(),
        };
        let principal = self
            .instance
            .blocking(move |instance| {
                let object = Object::Session(id.unwrap_or_default());
                entered
                    .map_err(|error| acting.refused(Operation::EnterSession, &object, error))?
                    .refreshed(&instance.catalog)
            })
            .await?;
        self.context = caller.context;
        self.principal = principal;
        Ok(())
    }

    /// Makes `database` the current one.
    ///
    /// # Errors
    /// [`Reason::DatabaseNotFound`].
    pub async fn use_database(&mut self, database: &str) -> Result<()> {
        let name = database.to_owned();
        self.act(
            Operation::UseDatabase,
            Object::Database(name.clone()),
            move |acting, permit| acting.existing_database(permit, &name),
        )
        .await?;
        self.database = database.to_owned();
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
        let plan = self.parse(text)?;
        self.run(plan).await
    }

    /// Runs one statement whose secrets come beside it.
    ///
    /// # Errors
    /// Those of [`Session::execute`]; [`Reason::OptionInvalid`] for a parameter without a value.
    pub(crate) async fn execute_with(
        &mut self,
        text: &str,
        secrets: sql::Secrets,
    ) -> Result<Outcome> {
        let plan = sql::bind(self.parse(text)?, secrets)?;
        self.run(plan).await
    }

    /// Starts the export that a statement asks for, and nothing else.
    ///
    /// # Errors
    /// [`Reason::OptionInvalid`] for another statement; those of [`Session::execute`].
    pub(crate) async fn execute_export(
        &mut self,
        text: &str,
        secrets: sql::Secrets,
    ) -> Result<ExportHandle> {
        let plan = sql::bind(self.parse(text)?, secrets)?;
        if !matches!(plan, Plan::Export(_)) {
            return Err(Error::invalid_input(
                Reason::OptionInvalid,
                "an export is a SELECT … INTO OUTFILE statement",
            ));
        }
        match self.run(plan).await? {
            Outcome::Export(handle) => Ok(handle),
            Outcome::Done(_) | Outcome::Rows(_) => {
                Err(Error::defect("an export statement gave no export"))
            }
        }
    }

    fn parse(&self, text: &str) -> Result<Plan> {
        let limits = &self.instance.settings.limits;
        let plan = parser::parse_with(
            text,
            &Limits {
                statement_bytes_max: limits.statement_bytes_max,
                nesting_max: limits.nesting_max,
            },
        )?;
        Ok(plan)
    }

    async fn run(&mut self, plan: Plan) -> Result<Outcome> {
        let verb = plan.verb();
        self.context.statement = if let Plan::SetVariable(statement) = &plan {
            variables::shown(statement)
        } else {
            plan.to_string()
        };
        tracing::debug!(statement = self.context.statement, "executing");
        let result = match self.bounded(plan).await {
            Err(error) if error.is_unaudited_refusal() => Err(self.refused(verb, error).await),
            result => result,
        };
        match &result {
            Ok(_) => tracing::info!(verb, principal = %self.principal, "statement accepted"),
            Err(error) => {
                tracing::info!(verb, principal = %self.principal, reason = ?error.reason(), "statement refused or failed");
                // May hold values of rows.
                tracing::debug!(error = error.message(), "why");
            }
        }
        result
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

    /// Runs a statement in its turn, until it ends, is killed, or has run for too long.
    async fn bounded(&mut self, plan: Plan) -> Result<Outcome> {
        let turn = self
            .instance
            .turns
            .take(self.account(), Work::Statement)
            .await?;
        let entry = self.entry.clone();
        if let Some(entry) = &entry {
            entry.runs(self.principal.role(), &self.context.statement);
        }
        let killed_by_others = || {
            let entry = entry.clone();
            async move {
                match entry {
                    Some(entry) => entry.killed().await,
                    None => std::future::pending().await,
                }
            }
        };
        let deadline = Deadline::after(self.execution_max());
        // Leaving a statement in the middle is safe: a change is made whole, on a thread that nothing stops.
        let outcome = tokio::select! {
            biased;
            outcome = sql::dispatch(self, plan) => outcome?,
            () = killed_by_others() => return Err(killed()),
            () = deadline.passed() => return Err(deadline.error()),
        };
        Ok(match outcome {
            Outcome::Rows(rows) => {
                Outcome::Rows(rows.bounded(turn, Box::pin(killed_by_others()), deadline))
            }
            Outcome::Done(_) | Outcome::Export(_) => outcome,
        })
    }

    fn acting(&self) -> Acting {
        Acting {
            instance: Arc::clone(&self.instance),
            principal: self.principal.clone(),
            context: self.context.clone(),
        }
    }

    fn account(&self) -> &str {
        self.principal.account()
    }

    /// Every operation's way: the gate first, then the work, on a thread that may block.
    async fn act<T: Send + 'static>(
        &self,
        operation: Operation,
        object: Object,
        work: impl FnOnce(&Acting, &Permit) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let acting = self.acting();
        self.instance
            .blocking(move |_| {
                let permit = acting.allow(operation, &object)?;
                work(&acting, &permit)
                    .map_err(|error| acting.audit_refusal(operation, &object, error))
            })
            .await
    }

    /// The same for a change that can be tried, or asked for twice.
    async fn change<T: Send + 'static>(
        &self,
        operation: Operation,
        object: Object,
        mode: ChangeMode,
        work: impl FnOnce(&Acting, &Permit) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.act(operation, object, move |acting, permit| {
            work(acting, &permit.in_mode(mode))
        })
        .await
    }

    /// The gate alone, for an operation whose work is asynchronous.
    async fn allow(&self, operation: Operation, object: Object) -> Result<Permit> {
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
