//! `stagedoor login`, `logout` and `whoami`: a token in a file instead of a password at each command.
//! The token itself is never printed.

use std::io::{self, Write};

use chrono::DateTime;
use proto::v1::{Caller, LoginResponse};
use serde_json::json;

use crate::args::{Answer, LoginArgs, LogoutArgs, WhoamiArgs};
use crate::client::Accounts;
use crate::connect::{Authorization, Connection, Place};
use crate::credentials::{self, Credential};
use crate::options::{self, Environment};
use crate::output::complain;
use crate::tokens::KeptLogin;
use crate::usage::Usage;

/// `stagedoor login`; writes to `out` who is logged in.
///
/// # Errors
/// Wrong options, a wrong password, a server that cannot be reached, a file that cannot be written.
pub(crate) async fn login(
    args: &LoginArgs,
    env: Environment<'_>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let options = &args.remote.login;
    let name = credentials::login_name(options, env)?.ok_or_else(|| {
        Usage::new("who is to log in? give --user 'account:user' (or STAGEDOOR_USER)")
    })?;
    let address = options::server(&args.remote.server, env)?;
    // Before a token is asked for that could not be kept.
    let file = options::token_file(env)?;
    file.find(&address.url)?;
    let transport = &args.remote.server.transport;
    let credential = options::by_password(name, &address, options, transport, env)?;
    let connection = Connection::open(&Place::Server(address.clone(), credential)).await?;
    let answer = Accounts::new(&connection).login(args.label.clone()).await?;
    let kept = KeptLogin::from(answer);
    match file.keep(&address.url, kept.clone()) {
        Ok(Some(replaced)) => revoke(&connection, &replaced).await?,
        Ok(None) => {}
        Err(error) => {
            // Nobody could use it, so nobody shall.
            revoke(&connection, &kept).await?;
            return Err(error);
        }
    }
    let whom = kept.whom();
    writeln!(
        out,
        "logged in to {} as {whom}, in role {}, until {}",
        address.url,
        kept.role,
        kept.expires()
    )?;
    Ok(())
}

/// Revokes a token that is no longer kept. If the server does not do it, the token expires by itself.
async fn revoke(connection: &Connection, login: &KeptLogin) -> anyhow::Result<()> {
    let authorization = Authorization::of(&login.credential())?;
    let revoked = Accounts::acting_as(connection, authorization)
        .logout()
        .await;
    if let Err(failure) = revoked {
        tracing::debug!(%failure, "cannot revoke the earlier token");
    }
    Ok(())
}

/// `stagedoor logout`.
///
/// # Errors
/// Wrong options, or a token file that cannot be read or written.
pub(crate) async fn logout(
    args: &LogoutArgs,
    env: Environment<'_>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let address = options::server(&args.server, env)?;
    let file = options::token_file(env)?;
    let url = address.url.clone();
    let Some(kept) = file.forget(&url)? else {
        writeln!(out, "no login is kept for {url}")?;
        return Ok(());
    };
    let revoked = async {
        options::may_send_secrets(&url, &args.server.transport)?;
        let connection = Connection::open(&Place::Server(address, kept.credential())).await?;
        let mut accounts = Accounts::new(&connection);
        match accounts.logout().await {
            // A token that the server no longer knows needs no revoking.
            Err(failure) if failure.is_unknown_caller() => Ok(()),
            answer => answer.map_err(anyhow::Error::from),
        }
    };
    if let Err(error) = revoked.await {
        complain(format_args!(
            "WARNING: the login is forgotten here, but the server could not be told, so the token stays good until {}: {error:#}",
            kept.expires()
        ));
    }
    writeln!(
        out,
        "logged out of {url}, where {} was logged in",
        kept.whom()
    )?;
    Ok(())
}

/// `stagedoor whoami`.
///
/// # Errors
/// Wrong options, or whatever keeps the server from saying who asks.
pub(crate) async fn whoami(
    args: &WhoamiArgs,
    env: Environment<'_>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let connection = Connection::open(&options::remote(&args.remote, env)?).await?;
    let caller = Accounts::new(&connection).caller().await?;
    describe(out, args.output, &caller)?;
    Ok(())
}

fn describe(out: &mut dyn Write, output: Answer, caller: &Caller) -> io::Result<()> {
    let Caller {
        account,
        user,
        role,
        roles,
    } = caller;
    match output {
        Answer::Text => writeln!(
            out,
            "{account}:{user}, in role {role}; may act in {}",
            roles.join(", ")
        ),
        Answer::Json => writeln!(
            out,
            "{}",
            json!({"account": account, "user": user, "role": role, "roles": roles})
        ),
    }
}

impl From<LoginResponse> for KeptLogin {
    fn from(answer: LoginResponse) -> Self {
        let caller = answer.caller.unwrap_or_default();
        Self {
            token: answer.token.into(),
            name: answer.name,
            account: caller.account,
            user: caller.user,
            role: caller.role,
            expires_s: answer.expire_time.unwrap_or_default().seconds,
        }
    }
}

impl KeptLogin {
    /// `account:user`.
    pub(crate) fn whom(&self) -> String {
        format!("{}:{}", self.account, self.user)
    }

    /// `2026-11-25 12:00:00 UTC`.
    pub(crate) fn expires(&self) -> String {
        let time = DateTime::from_timestamp(self.expires_s, 0).unwrap_or_default();
        time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
    }

    /// What to send.
    pub(crate) fn credential(&self) -> Credential {
        Credential::Token {
            login: self.whom(),
            token: self.token.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
