//! SQL's way in: a parsed statement → one operation of the session → what the statement answers.
//! It translates and holds no rule: who may do what is the gate's, what it does the session's.

mod access;
mod exports;
mod files;
mod like;
mod passing;
mod show;
mod stages;

pub(crate) use access::secret;
pub(crate) use show::{export_state, stage_change};
pub(crate) use stages::{given_credentials, shown_credentials, status as stage_status};

use std::collections::HashMap;

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
        Plan::ShowSessions | Plan::Kill(_) | Plan::ShowExports | Plan::CancelExport(_)
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
        | Plan::ShowServer(_)
        | Plan::ShowIndex(_)
        | Plan::ShowTableStatus(_) => Effect::None,
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
pub(crate) async fn dispatch(session: &mut Session, plan: Plan) -> Result<Outcome> {
    let verb = plan.verb();
    match plan {
        Plan::CreateStage(statement) => stages::create(session, statement).await,
        Plan::AlterStage(statement) => stages::alter(session, statement).await,
        Plan::DropStage(statement) => stages::drop(session, statement).await,
        Plan::UndropStage(name) => stages::undrop(session, name.value).await,
        Plan::ShowStages { like } => stages::show(session, text(like)).await,
        Plan::DescribeStage(name) => stages::describe(session, name.value).await,
        Plan::ShowStageHistory(name) => stages::history(session, name.value).await,
        Plan::ValidateStage(name) => stages::validate(session, name.value).await,

        Plan::Export(statement) => session.export(statement).await.map(Outcome::Export),
        Plan::ExplainExport(statement) => exports::explain(session, statement).await,
        Plan::ShowExports => exports::show(session).await,
        Plan::ResumeExport(id) => session.resume_export(&id.value).await.map(Outcome::Export),
        Plan::VerifyExport(id) => exports::verify(session, id.value).await,
        Plan::CancelExport(id) => {
            session.cancel_export(&id.value).await?;
            Ok(Outcome::done(verb))
        }

        Plan::ListFiles(target) => files::list(session, target.value).await,
        Plan::RemoveFiles(statement) => files::remove(session, statement).await,
        Plan::Presign(statement) => files::presign(session, statement).await,
        Plan::GetFiles(statement) => files::get(session, statement).await,
        Plan::PutFiles(statement) => files::put(session, statement).await,

        Plan::CreateDatabase(statement) => session.create_database(statement).await,
        Plan::DropDatabase(statement) => session.drop_database(statement).await,
        Plan::Use(name) => {
            session.use_database(&name.value).await?;
            Ok(Outcome::done(verb))
        }
        Plan::ShowDatabases { like } => show::databases(session, text(like)).await,
        Plan::CreateTable(statement) => session.create_table(statement).await,
        Plan::CreateExternalTable(statement) => session.create_external_table(statement).await,
        Plan::CreateLiveTable(statement) => session.create_live_table(statement).await,
        Plan::DropTable(statement) => session.drop_table(statement).await,
        Plan::Truncate(name) => session.truncate_table(name).await,
        Plan::Insert(statement) => session.insert(statement).await,
        Plan::LoadData(statement) => session.load(statement).await,
        Plan::Update(statement) => session.update(statement).await,
        Plan::Delete(statement) => session.delete(statement).await,
        Plan::CreateTableAs(statement) => session.create_table_as(statement).await,
        Plan::CreateView(statement) => session.create_view(statement).await,
        Plan::AlterView(statement) => session.alter_view(statement).await,
        Plan::DropView(statement) => session.drop_view(statement).await,
        Plan::ShowCreateView(name) => show::create_view(session, name).await,
        Plan::ShowTables(statement) => show::tables(session, statement).await,
        Plan::ShowColumns(statement) => {
            let like = text(statement.like);
            show::columns(session, verb, statement.table, statement.full, like).await
        }
        Plan::DescribeTable(name) => show::columns(session, verb, name, false, None).await,
        Plan::ShowCreateTable(name) => show::create_table(session, name).await,
        Plan::Query(query) => session.query(query).await.map(Outcome::Rows),

        Plan::CreateAccount(statement) => access::create_account(session, statement).await,
        Plan::AlterAccount(statement) => access::alter_account(session, statement).await,
        Plan::DropAccount(statement) => access::drop_account(session, statement).await,
        Plan::ShowAccounts { like } => access::show_accounts(session, text(like)).await,
        Plan::CreateUser(statement) => access::create_user(session, statement).await,
        Plan::AlterUser(statement) => access::alter_user(session, statement).await,
        Plan::DropUser(statement) => access::drop_user(session, statement).await,
        Plan::ShowUsers { like } => access::show_users(session, text(like)).await,
        Plan::SetPassword(password) => {
            session.set_own_password(access::secret(password)?).await?;
            Ok(Outcome::done(verb))
        }
        Plan::CreateRole(statement) => access::create_role(session, statement).await,
        Plan::DropRole(statement) => access::drop_role(session, statement).await,
        Plan::ShowRoles { like } => access::show_roles(session, text(like)).await,
        Plan::SetRole(role) => access::set_role(session, role).await,
        Plan::Grant(statement) => access::grant(session, statement, true).await,
        Plan::Revoke(statement) => access::grant(session, statement, false).await,
        Plan::GrantRole(statement) => access::grant_role(session, statement, true).await,
        Plan::RevokeRole(statement) => access::grant_role(session, statement, false).await,
        Plan::ShowGrants(statement) => access::show_grants(session, statement).await,
        Plan::CreateToken(statement) => access::create_token(session, statement).await,
        Plan::RevokeToken(id) => {
            session
                .revoke_token(id.value, ChangeMode::default())
                .await?;
            Ok(Outcome::done(verb))
        }
        Plan::ShowTokens { of } => access::show_tokens(session, of.map(|user| user.value)).await,
        Plan::SetVariable(statement) => {
            session.set_variables(statement).await?;
            Ok(Outcome::done(verb))
        }
        Plan::Transaction(statement) => passing::transaction(session, statement).await,
        Plan::ShowServer(statement) => passing::server(session, statement).await,
        Plan::ShowIndex(statement) => passing::index(session, statement).await,
        Plan::ShowTableStatus(statement) => passing::table_status(session, statement).await,
        Plan::ShowSessions => access::show_sessions(session).await,
        Plan::Kill(statement) => access::kill(session, statement).await,
    }
}

fn text(like: Option<parser::Spanned<String>>) -> Option<String> {
    like.map(|like| like.value)
}
