//! SQL's way in: a parsed statement → one operation of the session → what the statement answers.
//! It translates and holds no rule: who may do what is the gate's, what it does the session's.

mod access;
mod exports;
mod files;
mod filter;
mod like;
mod passing;
mod show;
mod stages;

pub(crate) use access::secret;
pub(crate) use like::Like;
pub(crate) use show::{export_state, stage_change};
pub(crate) use stages::{given_credentials, shown_credentials, status as stage_status};

use std::collections::HashMap;

use futures::future::BoxFuture;
use parser::{ParameterRef, Plan, Secret};
use secrecy::SecretString;

use crate::error::{Error, Reason, Result};
use crate::session::{ChangeMode, Outcome, Session};

/// Values of the secrets that a statement has parameters for, by name, or by position from `1`.
pub(crate) type Secrets = HashMap<String, SecretString>;

/// The statement with its parameters filled.
///
/// # Errors
/// [`Reason::OptionInvalid`], naming the parameter without a value.
pub(crate) fn bind(plan: Plan, mut secrets: Secrets) -> Result<Plan> {
    plan.bind(&mut |parameter| {
        let key = match parameter {
            ParameterRef::Positional(at) => (at + 1).to_string(),
            ParameterRef::Named(name) => name.clone(),
        };
        secrets.remove(&key).map(Secret::from)
    })
    .map_err(|e| Error::invalid_input(Reason::OptionInvalid, &e))
}

/// Whether a statement waits for its turn. Those that show and end others do not: they must go when all turns are
/// taken, and they take next to nothing.
pub(crate) fn takes_turn(plan: &Plan) -> bool {
    !matches!(
        plan,
        Plan::ShowSessions
            | Plan::ShowProcesses { .. }
            | Plan::ShowDiagnostics(_)
            | Plan::Kill(_)
            | Plan::ShowExports
            | Plan::CancelExport(_)
    )
}

/// What running a statement leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: it gives rows, and can be run again for them.
    None,
    /// Something of its session, which the next statement finds.
    OnSession,
    /// Something that others find.
    Lasting,
}

/// No wildcard: a new statement has to say what it leaves behind.
pub(crate) fn effect(plan: &Plan) -> Effect {
    match plan {
        Plan::ShowStages { .. }
        | Plan::DescribeStage(_)
        | Plan::ShowStageHistory(_)
        | Plan::ExplainExport(_)
        | Plan::ShowExports
        | Plan::ListFiles(_)
        | Plan::InferSchema(_)
        | Plan::ShowDatabases { .. }
        | Plan::ShowTables(_)
        | Plan::ShowColumns(_)
        | Plan::DescribeTable(_)
        | Plan::ShowCreateTable(_)
        | Plan::ShowCreateView(_)
        | Plan::Query(_)
        | Plan::ShowAccounts { .. }
        | Plan::ShowUsers { .. }
        | Plan::ShowRoles { .. }
        | Plan::ShowGrants(_)
        | Plan::ShowTokens { .. }
        | Plan::ShowSessions
        | Plan::ShowProcesses { .. }
        | Plan::ShowServer(_)
        | Plan::ShowIndex(_)
        | Plan::ShowTableStatus(_)
        | Plan::ShowDiagnostics(_) => Effect::None,
        Plan::Use(_) | Plan::SetRole(_) | Plan::SetVariable(_) | Plan::Transaction(_) => {
            Effect::OnSession
        }
        Plan::CreateStage(statement) if statement.temporary => Effect::OnSession,
        Plan::CreateStage(_)
        | Plan::AlterStage(_)
        | Plan::DropStage(_)
        | Plan::UndropStage(_)
        // It asks the stage's place, and what it finds is kept.
        | Plan::ValidateStage(_)
        // It reads all of the export's files: once is enough.
        | Plan::VerifyExport(_)
        | Plan::Export(_)
        | Plan::CancelExport(_)
        | Plan::ResumeExport(_)
        | Plan::RemoveFiles(_)
        | Plan::Presign(_)
        | Plan::GetFiles(_)
        | Plan::PutFiles(_)
        | Plan::CreateDatabase(_)
        | Plan::DropDatabase(_)
        | Plan::CreateTable(_)
        | Plan::CreateExternalTable(_)
        | Plan::CreateLiveTable(_)
        | Plan::DropTable(_)
        | Plan::Truncate(_)
        | Plan::Insert(_)
        | Plan::LoadData(_)
        | Plan::Update(_)
        | Plan::Delete(_)
        | Plan::CreateTableAs(_)
        | Plan::CreateView(_)
        | Plan::AlterView(_)
        | Plan::DropView(_)
        | Plan::CreateAccount(_)
        | Plan::AlterAccount(_)
        | Plan::DropAccount(_)
        | Plan::CreateUser(_)
        | Plan::AlterUser(_)
        | Plan::DropUser(_)
        | Plan::SetPassword(_)
        | Plan::CreateRole(_)
        | Plan::DropRole(_)
        | Plan::Grant(_)
        | Plan::Revoke(_)
        | Plan::GrantRole(_)
        | Plan::RevokeRole(_)
        | Plan::CreateToken(_)
        | Plan::RevokeToken(_)
        | Plan::Kill(_) => Effect::Lasting,
    }
}

/// Runs a statement. No wildcard: the compiler asks what a new one does.
///
/// Each statement's future is in a box of its own: a function that awaits one of eighty has room on its stack for all of
/// them, where it is built without optimisation.
pub(crate) fn dispatch(session: &mut Session, plan: Plan) -> BoxFuture<'_, Result<Outcome>> {
    let verb = plan.verb();
    match plan {
        Plan::CreateStage(statement) => boxed(move || stages::create(session, statement)),
        Plan::AlterStage(statement) => boxed(move || stages::alter(session, statement)),
        Plan::DropStage(statement) => boxed(move || stages::drop(session, statement)),
        Plan::UndropStage(name) => boxed(move || stages::undrop(session, name.value)),
        Plan::ShowStages { like } => boxed(move || stages::show(session, text(like))),
        Plan::DescribeStage(name) => boxed(move || stages::describe(session, name.value)),
        Plan::ShowStageHistory(name) => boxed(move || stages::history(session, name.value)),
        Plan::ValidateStage(name) => boxed(move || stages::validate(session, name.value)),

        Plan::Export(statement) => {
            boxed(move || async move { session.export(statement).await.map(Outcome::Export) })
        }
        Plan::ExplainExport(statement) => boxed(move || exports::explain(session, statement)),
        Plan::ShowExports => boxed(move || exports::show(session)),
        Plan::ResumeExport(id) => {
            boxed(
                move || async move { session.resume_export(&id.value).await.map(Outcome::Export) },
            )
        }
        Plan::VerifyExport(id) => boxed(move || exports::verify(session, id.value)),
        Plan::CancelExport(id) => boxed(move || async move {
            session.cancel_export(&id.value).await?;
            Ok(Outcome::done(verb))
        }),

        Plan::ListFiles(target) => boxed(move || files::list(session, target.value)),
        Plan::InferSchema(statement) => boxed(move || files::infer_schema(session, statement)),
        Plan::RemoveFiles(statement) => boxed(move || files::remove(session, statement)),
        Plan::Presign(statement) => boxed(move || files::presign(session, statement)),
        Plan::GetFiles(statement) => boxed(move || files::get(session, statement)),
        Plan::PutFiles(statement) => boxed(move || files::put(session, statement)),

        Plan::CreateDatabase(statement) => boxed(move || session.create_database(statement)),
        Plan::DropDatabase(statement) => boxed(move || session.drop_database(statement)),
        Plan::Use(name) => boxed(move || async move {
            session.use_database(&name.value).await?;
            Ok(Outcome::done(verb))
        }),
        Plan::ShowDatabases { filter } => boxed(move || show::databases(session, filter)),
        Plan::CreateTable(statement) => boxed(move || session.create_table(statement)),
        Plan::CreateExternalTable(statement) => {
            boxed(move || session.create_external_table(statement))
        }
        Plan::CreateLiveTable(statement) => boxed(move || session.create_live_table(statement)),
        Plan::DropTable(statement) => boxed(move || session.drop_table(statement)),
        Plan::Truncate(name) => boxed(move || session.truncate_table(name)),
        Plan::Insert(statement) => boxed(move || session.insert(statement)),
        Plan::LoadData(statement) => boxed(move || session.load(statement)),
        Plan::Update(statement) => boxed(move || session.update(statement)),
        Plan::Delete(statement) => boxed(move || session.delete(statement)),
        Plan::CreateTableAs(statement) => boxed(move || session.create_table_as(statement)),
        Plan::CreateView(statement) => boxed(move || session.create_view(statement)),
        Plan::AlterView(statement) => boxed(move || session.alter_view(statement)),
        Plan::DropView(statement) => boxed(move || session.drop_view(statement)),
        Plan::ShowCreateView(name) => boxed(move || show::create_view(session, name)),
        Plan::ShowTables(statement) => boxed(move || show::tables(session, statement)),
        Plan::ShowColumns(statement) => boxed(move || async move {
            let (table, full) = (statement.table, statement.full);
            show::columns(session, verb, table, full, statement.filter).await
        }),
        Plan::DescribeTable(name) => boxed(move || show::columns(session, verb, name, false, None)),
        Plan::ShowCreateTable(name) => boxed(move || show::create_table(session, name)),
        Plan::Query(query) => {
            boxed(move || async move { session.query(query).await.map(Outcome::Rows) })
        }

        Plan::CreateAccount(statement) => boxed(move || access::create_account(session, statement)),
        Plan::AlterAccount(statement) => boxed(move || access::alter_account(session, statement)),
        Plan::DropAccount(statement) => boxed(move || access::drop_account(session, statement)),
        Plan::ShowAccounts { like } => boxed(move || access::show_accounts(session, text(like))),
        Plan::CreateUser(statement) => boxed(move || access::create_user(session, statement)),
        Plan::AlterUser(statement) => boxed(move || access::alter_user(session, statement)),
        Plan::DropUser(statement) => boxed(move || access::drop_user(session, statement)),
        Plan::ShowUsers { like } => boxed(move || access::show_users(session, text(like))),
        Plan::SetPassword(password) => boxed(move || async move {
            session.set_own_password(access::secret(password)?).await?;
            Ok(Outcome::done(verb))
        }),
        Plan::CreateRole(statement) => boxed(move || access::create_role(session, statement)),
        Plan::DropRole(statement) => boxed(move || access::drop_role(session, statement)),
        Plan::ShowRoles { like } => boxed(move || access::show_roles(session, text(like))),
        Plan::SetRole(role) => boxed(move || access::set_role(session, role)),
        Plan::Grant(statement) => boxed(move || access::grant(session, statement, true)),
        Plan::Revoke(statement) => boxed(move || access::grant(session, statement, false)),
        Plan::GrantRole(statement) => boxed(move || access::grant_role(session, statement, true)),
        Plan::RevokeRole(statement) => boxed(move || access::grant_role(session, statement, false)),
        Plan::ShowGrants(statement) => boxed(move || access::show_grants(session, statement)),
        Plan::CreateToken(statement) => boxed(move || access::create_token(session, statement)),
        Plan::RevokeToken(id) => boxed(move || async move {
            session
                .revoke_token(id.value, ChangeMode::default())
                .await?;
            Ok(Outcome::done(verb))
        }),
        Plan::ShowTokens { of } => {
            boxed(move || access::show_tokens(session, of.map(|user| user.value)))
        }
        Plan::SetVariable(statement) => boxed(move || async move {
            session.set_variables(statement).await?;
            Ok(Outcome::done(verb))
        }),
        Plan::Transaction(statement) => boxed(move || passing::transaction(session, statement)),
        Plan::ShowServer(statement) => boxed(move || passing::server(session, statement)),
        Plan::ShowIndex(statement) => boxed(move || passing::index(session, statement)),
        Plan::ShowTableStatus(statement) => {
            boxed(move || passing::table_status(session, statement))
        }
        Plan::ShowDiagnostics(statement) => boxed(move || session.show_diagnostics(statement)),
        Plan::ShowSessions => boxed(move || access::show_sessions(session)),
        Plan::ShowProcesses { full } => boxed(move || show::processes(session, full)),
        Plan::Kill(statement) => boxed(move || access::kill(session, statement)),
    }
}

/// Makes a future out of sight of its caller, whose stack it does not take.
#[inline(never)]
fn boxed<'a, F>(make: impl FnOnce() -> F) -> BoxFuture<'a, Result<Outcome>>
where
    F: Future<Output = Result<Outcome>> + Send + 'a,
{
    Box::pin(make())
}

fn text(like: Option<parser::Spanned<String>>) -> Option<String> {
    like.map(|like| like.value)
}
