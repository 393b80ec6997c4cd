//! The operations on bearer tokens, and on the sessions that are open.

use std::sync::Arc;
use std::time::Duration;

use catalog::{ErrorKind, TokenRecord};
use secrecy::SecretString;

use crate::error::{Reason, Result, Subject, about};
use crate::gate::{Acting, Object, Operation, Permit};
use crate::sessions::{OpenSession, SessionRow};

use super::{ChangeMode, Session};

/// A token just made; its text is shown this once.
pub(crate) struct MadeToken {
    pub(crate) token: SecretString,
    pub(crate) record: TokenRecord,
}

impl Session {
    /// Makes a token: for the caller, bound to its present role if the login or SET ROLE named it; for another user,
    /// bound to no role. By a token that is bound it is for the same role, and ends with it.
    ///
    /// # Errors
    /// [`Reason::OptionInvalid`] for a life that is too long, and for another user who has not the role;
    /// [`Reason::LimitExceeded`] when the user has as many as may be; [`Reason::UserNotFound`].
    pub(crate) async fn create_token(
        &self,
        user: Option<String>,
        label: String,
        life: Option<Duration>,
        mode: ChangeMode,
    ) -> Result<MadeToken> {
        let own = self.principal.user().to_owned();
        let (operation, user) = match user {
            Some(user) if user != own => (Operation::CreateTokenForUser, user),
            Some(_) | None => (Operation::CreateToken, own),
        };
        let object = Object::User(user.clone());
        self.change(operation, object, mode, move |acting, permit| {
            let record = acting.existing_user(permit, &user)?;
            let principal = &acting.principal;
            let binding = principal.binding();
            // For another user the role of who makes it says nothing, unless it may not be got rid of.
            let role = if operation == Operation::CreateToken || binding.is_some() {
                principal.role_of_new_token()
            } else {
                None
            };
            let (token, new) = acting
                .instance
                .logins
                .new_token(&record, role, &label, life, binding)?;
            let record = acting
                .instance
                .catalog
                .create_token(permit.actor(), new)
                .map_err(|error| {
                    let error = acting.about_user(&user, Subject::Token, error);
                    if error.reason() == Reason::LimitExceeded {
                        error.within("limits.tokens_user_max")
                    } else {
                        error
                    }
                })?;
            Ok(MadeToken { token, record })
        })
        .await
    }

    /// Revokes a token: one's own, or as who may do this with other users, anyone's of the account. Gives how many that
    /// were, which is one.
    ///
    /// # Errors
    /// [`Reason::TokenNotFound`], also for one that is another's affair.
    pub(crate) async fn revoke_token(&self, id: String, mode: ChangeMode) -> Result<u64> {
        let object = Object::Token(id.clone());
        self.change(
            Operation::RevokeToken,
            object.clone(),
            mode,
            move |acting, permit| {
                let of = match acting.may(Operation::RevokeTokenOfUser, &object)? {
                    true => None,
                    false => Some(acting.principal.user()),
                };
                acting
                    .instance
                    .catalog
                    .revoke_token(permit.actor(), &id, of)
                    .map_err(|error| match error.kind() {
                        // Of another, or of an administrator, whose tokens such a caller does not see either.
                        ErrorKind::Forbidden | ErrorKind::NotFound => token_not_found(&id),
                        _ => about(Subject::Token, error),
                    })
            },
        )
        .await
    }

    /// Revokes all tokens of a user; gives how many.
    ///
    /// # Errors
    /// [`Reason::UserNotFound`].
    pub(crate) async fn revoke_tokens_of(&self, user: String, mode: ChangeMode) -> Result<u64> {
        let operation = if user == self.principal.user() {
            Operation::RevokeToken
        } else {
            Operation::RevokeTokenOfUser
        };
        let object = Object::User(user.clone());
        self.change(operation, object, mode, move |acting, permit| {
            acting
                .instance
                .catalog
                .revoke_tokens_of(permit.actor(), &user)
                .map_err(|error| acting.about_user(&user, Subject::User, error))
        })
        .await
    }

    /// The tokens of a user, or of the caller, that have not been removed yet.
    pub(crate) async fn tokens(&self, user: Option<String>) -> Result<Vec<TokenRecord>> {
        let own = self.principal.user().to_owned();
        let (operation, user) = match user {
            Some(user) if user != own => (Operation::ShowTokensOfUser, user),
            Some(_) | None => (Operation::ShowTokens, own),
        };
        self.act(
            operation,
            Object::User(user.clone()),
            move |acting, permit| {
                if user != acting.principal.user() {
                    acting.existing_user(permit, &user)?;
                    acting.allow_looking_at(permit, &user)?;
                }
                Ok(acting.instance.catalog.tokens(permit.account(), &user)?)
            },
        )
        .await
    }

    /// The sessions that the principal may see: its own, as account administrator the account's, as the cluster's
    /// all. What those of other accounts run is theirs: it is left out.
    pub(crate) async fn open_sessions(&self) -> Result<Vec<SessionRow>> {
        self.act(
            Operation::ShowSessions,
            Object::Account,
            |acting, permit| {
                let mut rows = acting.instance.sessions.rows();
                rows.retain(|row| acting.sees_session(permit, &row.account, &row.user));
                for row in &mut rows {
                    if row.account != permit.account() {
                        row.statement.clear();
                    }
                }
                Ok(rows)
            },
        )
        .await
    }

    /// Ends a session and what runs in it.
    ///
    /// # Errors
    /// [`Reason::SessionNotFound`], also for one that the principal may not see.
    pub(crate) async fn kill_session(&self, id: String) -> Result<()> {
        self.kill_with(id, OpenSession::kill).await
    }

    /// Ends the statement that runs in a session.
    ///
    /// # Errors
    /// Those of [`Session::kill_session`].
    pub(crate) async fn kill_statement(&self, id: String) -> Result<()> {
        self.kill_with(id, OpenSession::kill_statement).await
    }

    async fn kill_with(&self, id: String, kill: fn(&OpenSession)) -> Result<()> {
        let object = Object::Session(id.clone());
        self.act(
            Operation::KillSession,
            object.clone(),
            move |acting, permit| {
                let found: Option<Arc<OpenSession>> = acting
                    .instance
                    .sessions
                    .get(&id)
                    .filter(|open| acting.sees_session(permit, &open.account, &open.user));
                let open = found.ok_or_else(super::session_not_found)?;
                kill(&open);
                acting.record(
                    Operation::KillSession,
                    &object,
                    catalog::AuditOutcome::Done,
                    "",
                );
                Ok(())
            },
        )
        .await
    }
}

impl Acting {
    /// An administrator's tokens are other administrators' alone to see.
    fn allow_looking_at(&self, permit: &Permit, user: &str) -> Result<()> {
        let roles = self.instance.catalog.roles_of(permit.account(), user)?;
        let admin = catalog::admin_role(permit.account());
        if !self.principal.is_admin() && roles.iter().any(|role| role.name == admin) {
            return Err(self.denied(Operation::GrantAdmin, &Object::User(user.to_owned())));
        }
        Ok(())
    }
    fn sees_session(&self, permit: &Permit, account: &str, user: &str) -> bool {
        self.principal.is_cluster_admin() || (account == permit.account() && permit.sees(user))
    }
}

fn token_not_found(id: &str) -> crate::Error {
    crate::Error::internal(
        Reason::TokenNotFound,
        format_args!("the token {id} not exists"),
    )
}
