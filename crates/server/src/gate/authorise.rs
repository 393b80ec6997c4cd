//! The decision: may this principal do this to that? And the record of every refusal.
//! What a change itself leaves in the audit is written by the catalog, in the change's own record.

use std::sync::Arc;

use catalog::{Actor, AuditEvent, AuditOutcome, Privilege, Securable, StageRecord};

use super::privileges::Need;
use super::{CallContext, Object, Operation, Principal, events};
use crate::error::{Error, Reason, Result, masked_urls};
use crate::instance::Instance;
use crate::session::{ChangeMode, stage_not_exists};
use crate::temporary_stages::TemporaryStages;

/// A principal about to act: what every operation begins with.
#[derive(Debug, Clone)]
pub(crate) struct Acting {
    pub(crate) instance: Arc<Instance>,
    pub(crate) principal: Principal,
    pub(crate) context: CallContext,
    /// The temporary stages of its session, which are nobody else's.
    pub(crate) temporary: Arc<TemporaryStages>,
}

/// That an operation may be done. The catalog's changes on a caller's behalf take their
/// actor from it; what the server does by itself has `system_actor`.
#[derive(Debug, Clone)]
pub(crate) struct Permit {
    actor: Actor,
    user: String,
    sees_all: bool,
}

impl Permit {
    /// Who acts, for the catalog.
    pub(crate) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The same for a change that is only to be tried, or that may be asked for twice.
    pub(crate) fn in_mode(&self, mode: ChangeMode) -> Self {
        let mut permit = self.clone();
        permit.actor.request.validate_only = mode.validate_only;
        permit.actor.request.idempotency_key = mode.request_id;
        permit
    }

    /// Whether the change is only to be tried.
    pub(crate) fn is_trial(&self) -> bool {
        self.actor.request.validate_only
    }

    /// What names the change, if it may be given again.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.actor.request.idempotency_key.as_deref()
    }

    /// Whether the catalog may have answered the very same request before.
    pub(crate) fn may_be_repeated(&self) -> bool {
        self.request_id().is_some()
    }

    /// The account, in which every name is looked up.
    pub(crate) fn account(&self) -> &str {
        &self.actor.account
    }

    /// Whether something of this user concerns the principal: its own, or for an administrator everyone's.
    pub(crate) fn sees(&self, user: &str) -> bool {
        self.sees_all || self.user == user
    }

    /// Whether it concerns everyone's.
    pub(crate) fn sees_all(&self) -> bool {
        self.sees_all
    }
}

impl Acting {
    /// The same, as one that knows permanent stages only.
    pub(crate) fn without_temporary_stages(self) -> Self {
        Self {
            temporary: TemporaryStages::none(),
            ..self
        }
    }

    /// Decides, before anything else is looked at. A refusal is audited. Blocking.
    ///
    /// # Errors
    /// [`Reason::PermissionDenied`]; its text tells nothing about whether the object exists.
    pub(crate) fn allow(&self, operation: Operation, object: &Object) -> Result<Permit> {
        if self.may(operation, object)? {
            return Ok(Permit {
                actor: self.principal.actor(&self.context),
                user: self.principal.user().to_owned(),
                sees_all: self.principal.is_admin(),
            });
        }
        Err(self.denied(operation, object))
    }

    /// Decides again about the stage that was found by its name: another may have taken the name since `allow` decided
    /// by it. Blocking.
    ///
    /// # Errors
    /// Those of [`Acting::allow`].
    pub(crate) fn allow_stage_found(
        &self,
        operation: Operation,
        object: &Object,
        id: u64,
    ) -> Result<()> {
        self.allow_found(
            operation,
            object,
            &[Securable::Stages, Securable::Stage(id)],
        )
    }

    /// The same about a table. Blocking.
    ///
    /// # Errors
    /// Those of [`Acting::allow`].
    pub(crate) fn allow_table_found(
        &self,
        operation: Operation,
        object: &Object,
        id: u64,
    ) -> Result<()> {
        let on = of_tables(self.database_securables(object)?, Some(id));
        self.allow_found(operation, object, &on)
    }

    fn allow_found(&self, operation: Operation, object: &Object, on: &[Securable]) -> Result<()> {
        let may = self.principal.is_admin()
            || match operation.need() {
                Need::Stage(privilege) => self.has(privilege, on)?,
                Need::Database(privilege) | Need::Table(privilege) => {
                    self.has(privilege, on)? || self.has(Privilege::Ownership, on)?
                }
                Need::AnyOnStage | Need::AnyOnTable => !self.granted(on)?.is_empty(),
                // None of these looks at the grants of one stage or table.
                Need::Login
                | Need::Own
                | Need::OwnOnly
                | Need::Admin
                | Need::ClusterAdmin
                | Need::Account(_)
                | Need::AccountOrOwner(_) => true,
            };
        if may {
            return Ok(());
        }
        Err(self.denied(operation, object))
    }

    /// The refusal of an operation, audited: for what the catalog decides, within the change itself.
    pub(crate) fn denied(&self, operation: Operation, object: &Object) -> Error {
        let error = refusal(operation, object, &self.principal);
        self.refused(operation, object, error)
    }

    /// Whether a login is all that an operation needs: then deciding looks nothing up, and cannot block.
    pub(crate) fn needs_no_look(operation: Operation) -> bool {
        matches!(operation.need(), Need::Login | Need::Own)
    }

    /// Whether the operation may be done; nothing is audited. For lists, which show only what may be seen. Blocking.
    pub(crate) fn may(&self, operation: Operation, object: &Object) -> Result<bool> {
        let principal = &self.principal;
        let need = operation.need();
        Ok(match need {
            Need::Login | Need::Own | Need::OwnOnly => true,
            Need::Admin => principal.is_admin(),
            Need::ClusterAdmin => principal.is_cluster_admin(),
            Need::Account(_)
            | Need::AccountOrOwner(_)
            | Need::Database(_)
            | Need::Table(_)
            | Need::AnyOnTable
            | Need::AnyOnStage
            | Need::Stage(_)
                if principal.is_admin() =>
            {
                true
            }
            Need::Account(privilege) => self.has(privilege, &[Securable::Account])?,
            Need::AccountOrOwner(privilege) => {
                self.has(privilege, &[Securable::Account])?
                    || self.has(Privilege::Ownership, &self.database_securables(object)?)?
            }
            Need::Database(privilege) => {
                let on = self.database_securables(object)?;
                // Who owns the table, or its database, may do with it what the database's privileges allow.
                self.has(privilege, &on)?
                    || self.has(Privilege::Ownership, &self.table_securables(object)?)?
            }
            Need::Table(privilege) => {
                let on = self.table_securables(object)?;
                self.has(privilege, &on)? || self.has(Privilege::Ownership, &on)?
            }
            Need::AnyOnTable => {
                let on = self.table_securables(object)?;
                !self.granted(&on)?.is_empty()
            }
            Need::AnyOnStage => !self.granted(&self.stage_securables(object)?)?.is_empty(),
            Need::Stage(privilege) => {
                let on = self.stage_securables(object)?;
                self.has(privilege, &on)?
            }
        })
    }

    /// Those of the stages that the principal may see: an administrator all, others what they have some privilege on.
    /// Blocking.
    pub(crate) fn visible_stages(&self, stages: Vec<StageRecord>) -> Result<Vec<StageRecord>> {
        if self.principal.is_admin() || !self.granted(&[Securable::Stages])?.is_empty() {
            return Ok(stages);
        }
        let mut visible = Vec::new();
        for stage in stages {
            if !self.granted(&[Securable::Stage(stage.id)])?.is_empty() {
                visible.push(stage);
            }
        }
        Ok(visible)
    }

    /// Refuses a token that is bound to a role what changes its own user, by which it would have another role.
    ///
    /// # Errors
    /// [`Reason::PermissionDenied`], audited.
    pub(crate) fn allow_changing_user(
        &self,
        operation: Operation,
        object: &Object,
        user: &str,
    ) -> Result<()> {
        if user == self.principal.user()
            && let Some(error) = self.principal.bound_user(operation.name())
        {
            return Err(self.refused(operation, object, error));
        }
        Ok(())
    }

    /// Audits a refusal, and gives it back.
    pub(crate) fn refused(&self, operation: Operation, object: &Object, error: Error) -> Error {
        self.record(operation, object, AuditOutcome::Refused, error.message());
        error.audited()
    }

    /// The same for a statement, by its verb, that was refused while it was made ready.
    pub(crate) fn refused_statement(&self, verb: &str, error: Error) -> Error {
        self.write(AuditEvent {
            actor: self.principal.actor(&self.context),
            operation: verb.to_owned(),
            target: String::new(),
            stage_version: None,
            outcome: AuditOutcome::Refused,
            reason: error.message().to_owned(),
        });
        error.audited()
    }

    /// The same for what an operation's work gave: if it was refused after the gate (by the policy on paths,
    /// endpoints or references, say), that is on record, too.
    pub(crate) fn audit_refusal(
        &self,
        operation: Operation,
        object: &Object,
        error: Error,
    ) -> Error {
        if error.is_unaudited_refusal() {
            self.refused(operation, object, error)
        } else {
            error
        }
    }

    /// Audits something that no change of the catalog carries.
    pub(crate) fn record(
        &self,
        operation: Operation,
        object: &Object,
        outcome: AuditOutcome,
        reason: &str,
    ) {
        let event = AuditEvent {
            actor: self.principal.actor(&self.context),
            operation: operation.name().to_owned(),
            target: object.to_string(),
            stage_version: None,
            outcome,
            reason: reason.to_owned(),
        };
        self.write(event);
    }

    /// Audits what was done with files of a stage, at the version that it was opened at.
    pub(crate) fn record_files(
        &self,
        operation: Operation,
        files: &FilesOnRecord,
        outcome: AuditOutcome,
        reason: &str,
    ) {
        let event = AuditEvent {
            actor: self.principal.actor(&self.context),
            operation: operation.name().to_owned(),
            target: files.target.clone(),
            stage_version: Some(files.stage_version),
            outcome,
            reason: reason.to_owned(),
        };
        self.write(event);
    }

    fn write(&self, mut event: AuditEvent) {
        event.target = masked_urls(event.target);
        event.reason = masked_urls(event.reason);
        events::record(&self.instance, event);
    }

    /// Records a change that account `sys` made to another one in the audit of that account, whose administrators
    /// cannot see the other.
    pub(crate) fn record_in_account(&self, account: &str, operation: Operation, object: &Object) {
        let principal = &self.principal;
        if account == principal.account() {
            return;
        }
        let by = principal.actor(&self.context);
        let actor = Actor::new(account, principal.to_string(), by.role).with_request(by.request);
        self.write(AuditEvent {
            actor,
            operation: operation.name().to_owned(),
            target: object.to_string(),
            stage_version: None,
            outcome: AuditOutcome::Done,
            reason: String::new(),
        });
    }

    fn has(&self, privilege: Privilege, on: &[Securable]) -> Result<bool> {
        Ok(self.granted(on)?.contains(privilege))
    }

    fn granted(&self, on: &[Securable]) -> Result<catalog::PrivilegeSet> {
        let principal = &self.principal;
        Ok(self
            .instance
            .catalog
            .privileges_on(principal.account(), principal.role_ids(), on)?)
    }

    fn stage_securables(&self, object: &Object) -> Result<Vec<Securable>> {
        let mut on = vec![Securable::Stages];
        if let Object::Stage(name) = object {
            let stage = self
                .instance
                .catalog
                .stage(self.principal.account(), name)?;
            on.extend(stage.map(|stage| Securable::Stage(stage.id)));
        }
        Ok(on)
    }

    fn database_securables(&self, object: &Object) -> Result<Vec<Securable>> {
        let mut on = vec![Securable::Databases];
        if let Object::Database(name) | Object::Table { database: name, .. } = object {
            let database = self
                .instance
                .catalog
                .database(self.principal.account(), name)?;
            on.extend(database.map(|database| Securable::Database(database.id)));
        }
        Ok(on)
    }

    fn table_securables(&self, object: &Object) -> Result<Vec<Securable>> {
        let mut id = None;
        if let Object::Table { database, name } = object {
            let account = self.principal.account();
            let table = self.instance.catalog.table(account, database, name)?;
            id = table.map(|table| table.id);
        }
        Ok(of_tables(self.database_securables(object)?, id))
    }
}

/// A table's privileges come from the table, from `d.*`, from `*.*`, and from owning the database.
fn of_tables(mut on: Vec<Securable>, id: Option<u64>) -> Vec<Securable> {
    on.extend(on.clone().iter().filter_map(|securable| match securable {
        Securable::Database(id) => Some(Securable::TablesOf(*id)),
        Securable::Account
        | Securable::Databases
        | Securable::Tables
        | Securable::TablesOf(_)
        | Securable::Table(_)
        | Securable::Stages
        | Securable::Stage(_) => None,
    }));
    on.push(Securable::Tables);
    on.extend(id.map(Securable::Table));
    on
}

/// Files of a stage, as the audit names them.
#[derive(Debug, Clone)]
pub(crate) struct FilesOnRecord {
    /// `stage://stage/path`.
    pub(crate) target: String,
    /// Of the stage.
    pub(crate) stage_version: u64,
}

/// An outcome as logs and rows show it.
pub(crate) fn outcome_name(outcome: AuditOutcome) -> &'static str {
    match outcome {
        AuditOutcome::Done => "done",
        AuditOutcome::Refused => "refused",
        AuditOutcome::Failed => "failed",
    }
}

/// The refusal's text: MatrixOne's for what only an administrator does, MySQL's for tables and databases.
fn refusal(operation: Operation, object: &Object, principal: &Principal) -> Error {
    const EXACT: &str = "do not have privilege to execute the statement";
    match operation.need() {
        Need::Table(_) | Need::AnyOnTable => Error::new(
            Reason::PermissionDenied,
            1142,
            "42000",
            format!(
                "{} command denied to user '{principal}' for table '{object}'",
                operation.name()
            ),
        ),
        Need::Database(_) => Error::new(
            Reason::PermissionDenied,
            1044,
            "42000",
            format!("Access denied for user '{principal}' to database '{object}'"),
        ),
        Need::Stage(privilege) => Error::internal(
            Reason::PermissionDenied,
            format_args!(
                "{EXACT}: {} on stage '{object}' is not granted to role '{}'",
                privilege.as_str(),
                principal.role()
            ),
        ),
        Need::Login
        | Need::Own
        | Need::OwnOnly
        | Need::Admin
        | Need::ClusterAdmin
        | Need::Account(_)
        | Need::AccountOrOwner(_) => Error::internal(Reason::PermissionDenied, EXACT),
        // As for one that is not there.
        Need::AnyOnStage => stage_not_exists(&object.to_string()),
    }
}
