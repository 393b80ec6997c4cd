//! `Session`: one client's identity and current database, and the one way to run a statement.
//! It knows no transport: the protocols unwrap requests, call [`Session::execute`] and wrap [`Outcome`]s.

mod exports;
mod insert;
mod queries;
mod result;
mod show;
mod stages;
mod tables;

use std::sync::Arc;

use catalog::Actor;
use parser::{Limits, Plan};

pub use result::{Done, Outcome, Rows};
pub(crate) use stages::{stage_not_exists, status as stage_status};

use crate::error::{Error, Reason, Result};
use crate::exports::ExportHandle;
use crate::instance::{ACCOUNT, Instance};

/// One client's identity and current database.
#[derive(Debug, Clone)]
pub struct Session {
    instance: Arc<Instance>,
    actor: Actor,
    database: String,
}

impl Session {
    /// A session of the cluster administrator; logins come with accounts.
    pub(crate) fn new(instance: Arc<Instance>) -> Self {
        let database = instance.settings.default_database.clone();
        Self {
            instance,
            actor: Actor::new(ACCOUNT, "root", "moadmin"),
            database,
        }
    }

    /// Makes `database` the current one.
    ///
    /// # Errors
    /// [`Reason::DatabaseNotFound`].
    pub fn use_database(&mut self, database: &str) -> Result<()> {
        self.existing_database(database)?;
        self.database = database.to_owned();
        Ok(())
    }

    /// The current database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Who this session acts as, such as `sys:root`.
    pub fn principal(&self) -> String {
        format!("{}:{}", self.actor.account, self.actor.user)
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// What the statement's family documents; [`Reason::SyntaxError`] for a text that is none.
    pub async fn execute(&mut self, text: &str) -> Result<Outcome> {
        let plan = self.parse(text)?;
        self.run(plan).await
    }

    /// Starts the export that a statement asks for, and nothing else.
    ///
    /// # Errors
    /// [`Reason::OptionInvalid`] for another statement; those of [`Session::execute`].
    pub async fn execute_export(&mut self, text: &str) -> Result<ExportHandle> {
        let plan = self.parse(text)?;
        if !matches!(plan, Plan::Export(_)) {
            return Err(Error::invalid_input(
                Reason::OptionInvalid,
                "an export is a SELECT … INTO OUTFILE statement",
            ));
        }
        match self.run(plan).await? {
            Outcome::Export(handle) => Ok(handle),
            _ => Err(Error::defect("an export statement gave no export")),
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
        tracing::debug!(statement = %plan, "executing");
        let result = self.dispatch(plan).await;
        if let Err(error) = &result {
            tracing::info!(verb, reason = ?error.reason(), "statement refused or failed");
            // May hold values of rows.
            tracing::debug!(error = error.message(), "why");
        }
        result
    }

    async fn dispatch(&mut self, plan: Plan) -> Result<Outcome> {
        let verb = plan.verb();
        let masked = matches!(plan, Plan::Export(_)).then(|| plan.to_string());
        match plan {
            Plan::CreateStage(statement) => self.create_stage(statement).await,
            Plan::AlterStage(statement) => self.alter_stage(statement).await,
            Plan::DropStage(statement) => self.drop_stage(statement).await,
            Plan::UndropStage(name) => self.undrop_stage(&name).await,
            Plan::ShowStages { like } => {
                self.show_stages(like.as_ref().map(|like| like.value.as_str()))
            }
            Plan::DescribeStage(name) => self.describe_stage(&name),
            Plan::ShowStageHistory(name) => self.show_stage_history(&name),

            Plan::Export(statement) => self
                .export(statement, masked.unwrap_or_default())
                .await
                .map(Outcome::Export),
            Plan::ShowExports => self.show_exports(),
            Plan::CancelExport(id) => self.cancel_export(&id).await,

            Plan::CreateDatabase(statement) => self.create_database(statement).await,
            Plan::DropDatabase(statement) => self.drop_database(statement).await,
            Plan::Use(name) => {
                self.use_database(&name)?;
                Ok(Outcome::done(verb))
            }
            Plan::ShowDatabases { like } => {
                self.show_databases(like.as_ref().map(|like| like.value.as_str()))
            }
            Plan::CreateTable(statement) => self.create_table(statement).await,
            Plan::CreateExternalTable(statement) => self.create_external_table(statement).await,
            Plan::DropTable(statement) => self.drop_table(statement).await,
            Plan::Truncate(name) => self.truncate_table(name).await,
            Plan::Insert(statement) => self.insert(statement).await,
            Plan::ShowTables(statement) => self.show_tables(&statement),
            Plan::ShowColumns(statement) => self.show_columns(&statement),
            Plan::DescribeTable(name) => self.describe_table(&name),
            Plan::ShowCreateTable(name) => self.show_create_table(&name),

            Plan::Query(query) => self.query(query).await.map(Outcome::Rows),
            _ => Err(Error::not_implemented(verb)),
        }
    }

    /// Who acts in this session.
    pub(crate) fn actor(&self) -> Actor {
        self.actor.clone()
    }

    fn account(&self) -> &str {
        &self.actor.account
    }

    fn existing_database(&self, database: &str) -> Result<()> {
        if crate::system_tables::is_system_database(database)
            || self
                .instance
                .catalog
                .database(self.account(), database)?
                .is_some()
        {
            return Ok(());
        }
        Err(Error::new(
            Reason::DatabaseNotFound,
            1049,
            "42000",
            format!("Unknown database '{database}'"),
        ))
    }

    /// Runs blocking catalog work on behalf of this session.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Instance, &Actor) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let actor = self.actor.clone();
        self.instance
            .blocking(move |instance| work(instance, &actor))
            .await
    }
}
