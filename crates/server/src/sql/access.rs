//! The statements of accounts, users, roles, grants, tokens and sessions.

use std::time::Duration;

use catalog::{CreateOutcome, Expected, NewRole, OnExists, Privilege, PrivilegeSet};
use parser::{
    AlterAccount, AlterAccountAction, AlterUser, AlterUserAction, CreateAccount, CreateRole,
    CreateToken, CreateUser, CredentialValue, DropAccount, DropRole, DropUser, Grant, Grantee,
    Kill, KillScope, NewUser, RoleGrant, SetRole, ShowGrants,
};
use secrecy::{ExposeSecret, SecretString};

use super::like::Like;
use super::show::session_state;
use crate::error::{Error, Reason, Result};
use crate::session::{
    AccountProperty, ChangeMode, GrantsOf, Outcome, Session, UserProperty, UserToMake,
};
use crate::time::timestamp_text;

/// The value of a password or credential, which is not a parameter any more, and not empty.
pub(crate) fn secret(value: CredentialValue) -> Result<SecretString> {
    match value {
        CredentialValue::Secret(secret) => Ok(secret.into_secret_string()),
        CredentialValue::Parameter(parameter) => Err(Error::invalid_input(
            Reason::OptionInvalid,
            format_args!("the parameter {} has no value", parameter.value),
        )),
    }
}

fn on_exists(if_not_exists: bool) -> OnExists {
    if if_not_exists {
        OnExists::Keep
    } else {
        OnExists::Error
    }
}

fn admin(user: NewUser) -> Result<(String, SecretString)> {
    Ok((user.name.value, secret(user.password)?))
}

pub(super) async fn create_account(session: &Session, statement: CreateAccount) -> Result<Outcome> {
    let verb = "CREATE ACCOUNT";
    let name = statement.name.value;
    let comment = statement.comment.map(|comment| comment.value);
    let created = session
        .create_account(
            name.clone(),
            admin(statement.admin)?,
            comment.unwrap_or_default(),
            on_exists(statement.if_not_exists),
            ChangeMode::default(),
        )
        .await?;
    Ok(kept_or_done(verb, created.outcome, "account", &name))
}

pub(super) async fn alter_account(session: &Session, statement: AlterAccount) -> Result<Outcome> {
    let verb = "ALTER ACCOUNT";
    let name = statement.name.value;
    let property = match statement.action {
        AlterAccountAction::Admin(user) => {
            let (name, password) = admin(user)?;
            AccountProperty::Admin { name, password }
        }
        AlterAccountAction::Suspend => AccountProperty::Suspended(true),
        AlterAccountAction::Open => AccountProperty::Suspended(false),
        AlterAccountAction::Comment(comment) => AccountProperty::Comment(comment.value),
    };
    match session
        .alter_account(
            name.clone(),
            vec![property],
            Expected::Any,
            ChangeMode::default(),
        )
        .await
    {
        Ok(_) => Ok(Outcome::done(verb)),
        Err(error) => unless_missing(
            error,
            Reason::AccountNotFound,
            statement.if_exists,
            verb,
            &name,
        ),
    }
}

pub(super) async fn drop_account(session: &Session, statement: DropAccount) -> Result<Outcome> {
    let verb = "DROP ACCOUNT";
    let name = statement.name.value;
    match session
        .drop_account(name.clone(), Expected::Any, ChangeMode::default())
        .await
    {
        Ok(()) => Ok(Outcome::done(verb)),
        Err(error) => unless_missing(
            error,
            Reason::AccountNotFound,
            statement.if_exists,
            verb,
            &name,
        ),
    }
}

pub(super) async fn show_accounts(session: &Session, like: Option<String>) -> Result<Outcome> {
    let rows = session.accounts().await?.into_iter().map(|account| {
        vec![
            Some(account.name),
            Some(account.admin_name),
            Some(timestamp_text(account.created_us)),
            Some(if account.suspended { "suspend" } else { "open" }.to_owned()),
            Some(account.comment),
        ]
    });
    filtered(
        "SHOW ACCOUNTS",
        &[
            "ACCOUNT_NAME",
            "ADMIN_NAME",
            "CREATED_TIME",
            "STATUS",
            "COMMENTS",
        ],
        rows,
        like,
    )
}

pub(super) async fn create_user(session: &Session, statement: CreateUser) -> Result<Outcome> {
    let default_role = statement.default_role.map(|role| role.value);
    let comment = statement.comment.map(|comment| comment.value);
    let users = statement
        .users
        .into_iter()
        .map(|user| {
            Ok(UserToMake {
                name: user.name.value,
                password: secret(user.password)?,
                default_role: default_role.clone(),
                comment: comment.clone().unwrap_or_default(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let created = session
        .create_users(
            users,
            on_exists(statement.if_not_exists),
            ChangeMode::default(),
        )
        .await?;
    let warnings = created
        .into_iter()
        .filter_map(|created| kept(created.outcome, "user", &created.record.name));
    Ok(Outcome::done_with_warnings(
        "CREATE USER",
        warnings.collect(),
    ))
}

pub(super) async fn alter_user(session: &Session, statement: AlterUser) -> Result<Outcome> {
    let verb = "ALTER USER";
    let name = statement.name.value;
    let property = match statement.action {
        AlterUserAction::Password(password) => UserProperty::Password(secret(password)?),
        AlterUserAction::Lock => UserProperty::Locked(true),
        AlterUserAction::Unlock => UserProperty::Locked(false),
        AlterUserAction::DefaultRole(role) => {
            UserProperty::DefaultRole(role.map(|role| role.value))
        }
        AlterUserAction::Comment(comment) => UserProperty::Comment(comment.value),
    };
    match session
        .alter_user_by_statement(name.clone(), property)
        .await
    {
        Ok(()) => Ok(Outcome::done(verb)),
        Err(error) => unless_missing(
            error,
            Reason::UserNotFound,
            statement.if_exists,
            verb,
            &name,
        ),
    }
}

pub(super) async fn drop_user(session: &Session, statement: DropUser) -> Result<Outcome> {
    let names = statement.users.into_iter().map(|user| user.value).collect();
    let missing = session.drop_users(names, statement.if_exists).await?;
    let warnings = missing.iter().map(|name| not_there(name)).collect();
    Ok(Outcome::done_with_warnings("DROP USER", warnings))
}

pub(super) async fn show_users(session: &Session, like: Option<String>) -> Result<Outcome> {
    let rows = session.users().await?.into_iter().map(|(user, roles)| {
        let default = roles
            .iter()
            .find(|role| Some(role.id) == user.default_role)
            .map_or(catalog::PUBLIC_ROLE, |role| role.name.as_str())
            .to_owned();
        let roles: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
        vec![
            Some(user.name),
            Some(default),
            Some(roles.join(", ")),
            Some(if user.locked { "lock" } else { "unlock" }.to_owned()),
            Some(timestamp_text(user.created_us)),
            Some(user.comment),
        ]
    });
    filtered(
        "SHOW USERS",
        &[
            "USER_NAME",
            "DEFAULT_ROLE",
            "ROLES",
            "STATUS",
            "CREATED_TIME",
            "COMMENT",
        ],
        rows,
        like,
    )
}

pub(super) async fn create_role(session: &Session, statement: CreateRole) -> Result<Outcome> {
    let comment = statement.comment.map(|comment| comment.value);
    let roles = statement.roles.into_iter().map(|role| NewRole {
        name: role.value,
        comment: comment.clone().unwrap_or_default(),
    });
    let created = session
        .create_roles(
            roles.collect(),
            on_exists(statement.if_not_exists),
            ChangeMode::default(),
        )
        .await?;
    let warnings = created
        .into_iter()
        .filter_map(|created| kept(created.outcome, "role", &created.record.name));
    Ok(Outcome::done_with_warnings(
        "CREATE ROLE",
        warnings.collect(),
    ))
}

pub(super) async fn drop_role(session: &Session, statement: DropRole) -> Result<Outcome> {
    let names = statement.roles.into_iter().map(|role| role.value).collect();
    let missing = session.drop_roles(names, statement.if_exists).await?;
    let warnings = missing.iter().map(|name| not_there(name)).collect();
    Ok(Outcome::done_with_warnings("DROP ROLE", warnings))
}

pub(super) async fn show_roles(session: &Session, like: Option<String>) -> Result<Outcome> {
    let rows = session.roles().await?.into_iter().map(|role| {
        vec![
            Some(role.name),
            Some(if role.built_in { "built-in" } else { "" }.to_owned()),
            Some(timestamp_text(role.created_us)),
            Some(role.comment),
        ]
    });
    filtered(
        "SHOW ROLES",
        &["ROLE_NAME", "KIND", "CREATED_TIME", "COMMENT"],
        rows,
        like,
    )
}

pub(super) async fn set_role(session: &mut Session, role: SetRole) -> Result<Outcome> {
    let role = match role {
        SetRole::Role(name) => Some(name.value),
        SetRole::None => Some(catalog::PUBLIC_ROLE.to_owned()),
        SetRole::Default => None,
    };
    session.set_role(role).await?;
    Ok(Outcome::done("SET ROLE"))
}

pub(super) async fn grant(session: &Session, statement: Grant, is_grant: bool) -> Result<Outcome> {
    let privileges = set(&statement);
    let object = statement.object.value;
    let mode = ChangeMode::default();
    let roles: Vec<String> = statement.roles.into_iter().map(|role| role.value).collect();
    let mut warnings = Vec::new();
    if is_grant {
        let granted = session
            .grant(roles.clone(), object, privileges, mode)
            .await?;
        for (role, granted) in roles.iter().zip(granted) {
            if granted.is_some_and(|granted| granted.added.is_empty()) {
                warnings.push(format!("role {role} had this already; nothing was changed"));
            }
        }
    } else {
        let revoked = session
            .revoke(roles.clone(), object, privileges, mode)
            .await?;
        for (role, revoked) in roles.iter().zip(revoked) {
            if revoked.is_some_and(|revoked| revoked.revoked.is_empty()) {
                warnings.push(format!(
                    "role {role} was not granted this here; nothing was changed"
                ));
            }
        }
    }
    let verb = if is_grant { "GRANT" } else { "REVOKE" };
    Ok(Outcome::done_with_warnings(verb, warnings))
}

pub(super) async fn grant_role(
    session: &Session,
    statement: RoleGrant,
    is_grant: bool,
) -> Result<Outcome> {
    let roles = statement.roles.into_iter().map(|role| role.value).collect();
    let users = statement.users.into_iter().map(|user| user.value).collect();
    let mode = ChangeMode::default();
    let (verb, memberships) = if is_grant {
        ("GRANT ROLE", session.grant_roles(roles, users, mode).await?)
    } else {
        (
            "REVOKE ROLE",
            session.revoke_roles(roles, users, mode).await?,
        )
    };
    let unchanged = memberships.into_iter().filter(|one| !one.changed);
    let warnings =
        unchanged.map(|one| format!("role {}, user {}: nothing was changed", one.role, one.user));
    Ok(Outcome::done_with_warnings(verb, warnings.collect()))
}

pub(super) async fn show_grants(session: &Session, statement: ShowGrants) -> Result<Outcome> {
    let of = match statement.of {
        None => GrantsOf::Caller,
        Some(Grantee::User(name)) => GrantsOf::User(name.value),
        Some(Grantee::Role(name)) => GrantsOf::Role(name.value),
    };
    let rows = session.grants(of).await?.into_iter().map(|named| {
        vec![
            Some(named.role.clone()),
            Some(named.grant.privileges.to_string()),
            Some(named.on.clone()),
            Some(named.grant.granted_by),
            Some(timestamp_text(named.grant.granted_us)),
        ]
    });
    Outcome::text_rows(
        "SHOW GRANTS",
        &["ROLE", "PRIVILEGES", "ON", "GRANTED_BY", "GRANTED_TIME"],
        rows.collect(),
    )
}

pub(super) async fn create_token(session: &Session, statement: CreateToken) -> Result<Outcome> {
    let made = session
        .create_token(
            statement.user.map(|user| user.value),
            statement.label.map(|label| label.value).unwrap_or_default(),
            statement
                .expires_in_seconds
                .map(|seconds| Duration::from_secs(seconds.value)),
            ChangeMode::default(),
        )
        .await?;
    Outcome::text_rows(
        "CREATE TOKEN",
        &["TOKEN_ID", "TOKEN", "EXPIRES"],
        vec![vec![
            Some(made.record.id),
            // Here alone it is shown.
            Some(made.token.expose_secret().to_owned()),
            Some(timestamp_text(made.record.expires_us)),
        ]],
    )
}

pub(super) async fn show_tokens(session: &Session, of: Option<String>) -> Result<Outcome> {
    let rows = session.tokens(of).await?.into_iter().map(|token| {
        vec![
            Some(token.id),
            Some(token.user),
            token.role,
            Some(token.label),
            Some(timestamp_text(token.created_us)),
            Some(timestamp_text(token.expires_us)),
        ]
    });
    Outcome::text_rows(
        "SHOW TOKENS",
        &["TOKEN_ID", "USER", "ROLE", "LABEL", "CREATED", "EXPIRES"],
        rows.collect(),
    )
}

pub(super) async fn show_sessions(session: &Session) -> Result<Outcome> {
    let rows = session.open_sessions().await?.into_iter().map(|open| {
        vec![
            Some(open.id),
            Some(open.account),
            Some(open.user),
            Some(open.role),
            Some(open.client),
            Some(timestamp_text(open.opened_us)),
            Some(session_state(open.state).to_owned()),
            Some(open.idle.as_secs().to_string()),
            Some(open.statement),
            Some(open.number.to_string()),
        ]
    });
    Outcome::text_rows(
        "SHOW SESSIONS",
        &[
            "SESSION_ID",
            "ACCOUNT",
            "USER",
            "ROLE",
            "CLIENT",
            "OPENED",
            "STATE",
            "IDLE_S",
            "STATEMENT",
            "CONNECTION_ID",
        ],
        rows.collect(),
    )
}

pub(super) async fn kill(session: &Session, statement: Kill) -> Result<Outcome> {
    match statement.scope {
        KillScope::Connection => session.kill_session(statement.id.value).await?,
        KillScope::Query => session.kill_statement(statement.id.value).await?,
    }
    Ok(Outcome::done("KILL"))
}

/// The privileges named; `None` for ALL.
fn set(statement: &Grant) -> Option<PrivilegeSet> {
    let named: Option<Vec<Privilege>> = statement
        .privileges
        .iter()
        .map(|privilege| privilege_of(privilege.value))
        .collect();
    named.map(|named| PrivilegeSet::of(&named))
}

fn privilege_of(privilege: parser::Privilege) -> Option<Privilege> {
    use parser::Privilege as P;
    Some(match privilege {
        P::All => return None,
        P::CreateUser => Privilege::CreateUser,
        P::AlterUser => Privilege::AlterUser,
        P::DropUser => Privilege::DropUser,
        P::CreateRole => Privilege::CreateRole,
        P::DropRole => Privilege::DropRole,
        P::ManageGrants => Privilege::ManageGrants,
        P::CreateDatabase => Privilege::CreateDatabase,
        P::DropDatabase => Privilege::DropDatabase,
        P::CreateTable => Privilege::CreateTable,
        P::DropTable => Privilege::DropTable,
        P::ShowTables => Privilege::ShowTables,
        P::Ownership => Privilege::Ownership,
        P::Select => Privilege::Select,
        P::Insert => Privilege::Insert,
        P::Update => Privilege::Update,
        P::Delete => Privilege::Delete,
        P::Truncate => Privilege::Truncate,
        P::Read => Privilege::Read,
        P::Write => Privilege::Write,
        P::Remove => Privilege::Remove,
    })
}

/// MySQL's numbers of notes that a user or a role is there already, or is not. Accounts, of which MySQL has none, have the
/// same.
const IS_THERE: u16 = 3163;
const IS_NOT_THERE: u16 = 3162;

fn kept(outcome: CreateOutcome, what: &str, name: &str) -> Option<String> {
    match outcome {
        CreateOutcome::Kept => Some(format!(
            "{IS_THERE}: the {what} {name} exists; nothing was changed"
        )),
        CreateOutcome::Created | CreateOutcome::Replaced => None,
    }
}

fn kept_or_done(verb: &'static str, outcome: CreateOutcome, what: &str, name: &str) -> Outcome {
    Outcome::done_with_warnings(verb, kept(outcome, what, name).into_iter().collect())
}

fn not_there(name: &str) -> String {
    format!("{IS_NOT_THERE}: {name} not exists; nothing was changed")
}

/// The warning that IF EXISTS makes of a missing name; any other error as it is.
fn missing(error: Error, reason: Reason, if_exists: bool, name: &str) -> Result<String> {
    if if_exists && error.reason() == reason {
        Ok(not_there(name))
    } else {
        Err(error)
    }
}

fn unless_missing(
    error: Error,
    reason: Reason,
    if_exists: bool,
    verb: &'static str,
    name: &str,
) -> Result<Outcome> {
    let warning = missing(error, reason, if_exists, name)?;
    Ok(Outcome::done_with_warnings(verb, vec![warning]))
}

/// Rows whose first cell the pattern matches.
fn filtered(
    verb: &'static str,
    columns: &[&str],
    rows: impl Iterator<Item = Vec<Option<String>>>,
    like: Option<String>,
) -> Result<Outcome> {
    let like = like.as_deref().map(Like::new).transpose()?;
    let rows =
        rows.filter(|row| Like::allows(like.as_ref(), row[0].as_deref().unwrap_or_default()));
    Outcome::text_rows(verb, columns, rows.collect())
}
