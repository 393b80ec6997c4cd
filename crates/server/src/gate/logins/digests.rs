//! Logins by what a client shows of a password without giving it, as `caching_sha2_password` does: against a digest
//! that is kept in memory for a while, once the password itself was given and was right.

use std::sync::Arc;
use std::time::Instant;

use secrecy::{ExposeSecret, SecretString};

use super::{Attempt, CallContext, KNOWN_FOR, Known, LoginName, Logins, Network, Principal};
use crate::error::Result;
use crate::gate::Credential;
use crate::instance::Instance;

impl Logins {
    /// The digest of a user's password, if it was right a moment ago.
    ///
    /// # Errors
    /// The catalog's.
    pub(crate) async fn digest(
        instance: &Arc<Instance>,
        login: &LoginName,
    ) -> Result<Option<[u8; 32]>> {
        let login = login.clone();
        instance
            .blocking(move |instance| {
                let logins = &instance.logins;
                logins.of_known(instance, &login, |known| known.digest)
            })
            .await
    }

    /// The principal of a client that has shown that it knows the password of `digest`; `None` when that is not, or no
    /// longer, the user's.
    ///
    /// # Errors
    /// Those of [`Logins::authenticate`].
    pub(crate) async fn authenticate_shown(
        instance: &Arc<Instance>,
        login: LoginName,
        digest: [u8; 32],
        context: &CallContext,
    ) -> Result<Option<Principal>> {
        let attempt = Attempt {
            full: login.full(),
            network: Network::of(&context.client),
            login,
            password: SecretString::default(),
            context: context.clone(),
        };
        instance
            .blocking(move |instance| {
                let logins = &instance.logins;
                logins.not_throttled(instance, &attempt)?;
                let known = logins.of_known(instance, &attempt.login, |known| known.digest)?;
                if known != Some(digest) {
                    return Ok(None);
                }
                logins.taken_again(instance, &attempt).map(Some)
            })
            .await
    }

    /// The principal of a password; it may be shown instead of given for a while after this.
    ///
    /// # Errors
    /// Those of [`Logins::authenticate`].
    pub(crate) async fn authenticate_to_be_shown(
        instance: &Arc<Instance>,
        login: LoginName,
        password: SecretString,
        context: &CallContext,
    ) -> Result<Principal> {
        let digest = mysql::digest(password.expose_secret().as_bytes());
        let credential = Credential::Password(login.clone(), password);
        let (principal, _) = Self::authenticate(instance, credential, context).await?;
        instance
            .blocking(move |instance| {
                let keep = |known: &mut Known| known.digest = Some(digest);
                instance.logins.of_known(instance, &login, keep)
            })
            .await?;
        Ok(principal)
    }

    /// What is known of a user whose password was right a moment ago. Blocking.
    fn of_known<T: Default>(
        &self,
        instance: &Instance,
        login: &LoginName,
        look: impl FnOnce(&mut Known) -> T,
    ) -> Result<T> {
        let LoginName { account, user, .. } = login;
        let Some(record) = instance.catalog.user(account, user)? else {
            return Ok(T::default());
        };
        let mut all = self.lock();
        let found = all
            .get_mut(&(account.clone(), user.clone()))
            .filter(|known| {
                known.user_id == record.id
                    && known.password_epoch == record.password_epoch
                    && known.at.elapsed() < KNOWN_FOR
            });
        Ok(found.map(look).unwrap_or_default())
    }

    /// Whose password was right a moment ago. Blocking.
    pub(super) fn taken_again(&self, instance: &Instance, by: &Attempt) -> Result<Principal> {
        let resolved = by.resolve(instance);
        match &resolved {
            Ok(_) => {
                self.throttle
                    .succeeded(&by.full, &by.network, Instant::now());
                self.record_known(instance, by);
            }
            Err(error) => self.record_repeated(instance, by, error),
        }
        resolved
    }
}
