//! The operations on bearer tokens, and on the sessions that are open.

use std::sync::Arc;
use std::time::Duration;

use catalog::TokenRecord;
use secrecy::SecretString;

use crate::error::{About, Result, Subject};
use crate::gate::{Acting, Object, Operation, Permit};
use crate::sessions::{OpenSession, SessionRow};

use super::Session;

/// A token just made; its text is shown this once.
pub(crate) struct MadeToken {
    pub(crate) token: SecretString,
    pub(crate) record: TokenRecord,
}

impl Session {
    /// Makes a token for the caller in its present role, or for another user in that user's default role.
    ///
    /// # Errors
    /// [`Reason::OptionInvalid`](crate::Reason::OptionInvalid) for a life that is too long;
    /// [`Reason::UserNotFound`](crate::Reason::UserNotFound).
    pub(crate) async fn create_token(
        &self,
        user: Option<String>,
        label: String,
        life: Option<Duration>,
    ) -> Result<MadeToken> {
        let own = self.principal.user().to_owned();
        let (operation, user, role) = match user {
            Some(user) if user != own => (Operation::CreateTokenForUser, user, None),
            Some(_) | None => (
                Operation::CreateToken,
                own,
                Some(self.principal.role().to_owned()),
            ),
        };
        let object = Object::User(user.clone());
        self.act(operation, object, move |acting, permit| {
            let record = acting.existing_user(permit, &user)?;
            if operation == Operation::CreateTokenForUser {
                acting.allow_touching_admin(permit, &user)?;
            }
            let (token, new) =
                acting
                    .instance
                    .logins
                    .new_token(&record, role.as_deref(), &label, life)?;
            let record = acting
                .instance
                .catalog
                .create_token(permit.actor(), new)
                .about(Subject::Token)?;
            Ok(MadeToken { token, record })
        })
        .await
    }

    /// Revokes a token: one's own, or as administrator anyone's of the account.
    pub(crate) async fn revoke_token(&self, id: String) -> Result<()> {
        let object = Object::Token(id.clone());
        self.act(Operation::RevokeToken, object, move |acting, permit| {
            let catalog = &acting.instance.catalog;
            if !permit.sees_all() {
                let own = catalog.tokens(permit.account(), acting.principal.user())?;
                if !own.iter().any(|token| token.id == id) {
                    return Err(token_not_found(&id));
                }
            }
            catalog
                .revoke_token(permit.actor(), &id)
                .about(Subject::Token)
        })
        .await
    }

    /// The live tokens of a user, or of the caller; an administrator may ask for anyone's.
    pub(crate) async fn tokens(&self, user: Option<String>) -> Result<Vec<TokenRecord>> {
        let own = self.principal.user().to_owned();
        let (operation, user) = match user {
            Some(user) if user != own => (Operation::CreateTokenForUser, user),
            Some(_) | None => (Operation::ShowTokens, own),
        };
        self.act(
            operation,
            Object::User(user.clone()),
            move |acting, permit| {
                if user != acting.principal.user() {
                    acting.existing_user(permit, &user)?;
                }
                Ok(acting.instance.catalog.tokens(permit.account(), &user)?)
            },
        )
        .await
    }

    /// The sessions that the principal may see: its own, as account administrator the account's, as the cluster's
    /// all.
    pub(crate) async fn open_sessions(&self) -> Result<Vec<SessionRow>> {
        self.act(
            Operation::ShowSessions,
            Object::Account,
            |acting, permit| {
                let mut rows = acting.instance.sessions.rows();
                rows.retain(|row| acting.sees_session(permit, &row.account, &row.user));
                Ok(rows)
            },
        )
        .await
    }

    /// Ends a session and what runs in it.
    ///
    /// # Errors
    /// [`Reason::SessionNotFound`](crate::Reason::SessionNotFound), also for one that the principal may not see.
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
    fn sees_session(&self, permit: &Permit, account: &str, user: &str) -> bool {
        self.principal.is_cluster_admin() || (account == permit.account() && permit.sees(user))
    }
}

fn token_not_found(id: &str) -> crate::Error {
    crate::Error::internal(
        crate::Reason::TokenNotFound,
        format_args!("the token {id} not exists"),
    )
}
