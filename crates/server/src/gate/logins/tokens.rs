//! Bearer tokens: what one stands for, and new ones. The catalog keeps their hashes.

use std::time::{Duration, Instant};

use catalog::{NewToken, TokenRecord, TokenState, UserRecord};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::super::principal::Binding;
use super::super::{CallContext, Principal};
use super::{LoginName, Logins, Network, fill_random, hex};
use crate::error::{Error, Reason, Result};
use crate::instance::Instance;

/// What every token begins with, so that secret scanners know one.
const TOKEN_PREFIX: &str = "sdt_";

impl Logins {
    /// The principal that a token stands for, and the token's record. Blocking, but only a look-up.
    ///
    /// A token that counts is taken whatever has failed before it: nobody guesses one.
    ///
    /// # Errors
    /// [`Reason::Unauthenticated`], saying whether it has expired or was revoked, but for a token that never was.
    pub(super) fn by_token(
        &self,
        instance: &Instance,
        token: &SecretString,
        context: &CallContext,
    ) -> Result<(Principal, TokenRecord)> {
        let network = Network::of(&context.client);
        let Some(record) = instance.catalog.token(&token_hash(token))? else {
            let now = Instant::now();
            let error = match self.throttle.wait_of_network(&network, now) {
                Some(wait) => self.throttled(wait),
                None => {
                    self.throttle.failed_unnamed(&network, now);
                    denied("is not valid")
                }
            };
            self.record_token(instance, None, &network, context, &error);
            return Err(error);
        };
        let now_us = (catalog::system_clock())();
        let why = match instance.catalog.token_state(&record, now_us)? {
            TokenState::Live => None,
            TokenState::Expired => Some("has expired"),
            TokenState::Revoked
            | TokenState::AccountGone
            | TokenState::AccountSuspended
            | TokenState::UserGone
            | TokenState::Locked
            | TokenState::PasswordChanged
            | TokenState::RoleGone => Some("is no longer valid"),
        };
        let login = LoginName {
            account: record.account.clone(),
            user: record.user.clone(),
            role: record.role.clone(),
        };
        if let Some(why) = why {
            let error = denied(why);
            self.record_token(instance, Some(&login), &network, context, &error);
            return Err(error);
        }
        let role = login.role.as_deref();
        let principal = Principal::resolve(&instance.catalog, &login.account, &login.user, role)?;
        let principal = match role {
            Some(_) => principal.bound(Binding {
                token: record.id.clone(),
                expires_us: record.expires_us,
            }),
            None => principal,
        };
        self.record_counts(instance, false);
        Ok((principal, record))
    }

    /// A new token for a user, bound to the role if there is one: its text, which is shown this once, and what is
    /// kept. One that a bound token makes ends with it.
    ///
    /// # Errors
    /// [`Reason::OptionInvalid`] for a life beyond `auth.token_s_max`, or beyond the one of the token `by`.
    pub(crate) fn new_token(
        &self,
        user: &UserRecord,
        role: Option<&str>,
        label: &str,
        life: Option<Duration>,
        by: Option<&Binding>,
    ) -> Result<(SecretString, NewToken)> {
        let now_us = (catalog::system_clock())();
        let left = by.map(|by| Duration::from_micros(by.expires_us.saturating_sub(now_us)));
        let life = match (life, left) {
            (Some(life), Some(left)) if life > left => {
                return Err(Error::invalid_input(
                    Reason::OptionInvalid,
                    format_args!(
                        "a token that a bound token makes ends with it, {} seconds from now at the latest, not {}",
                        left.as_secs(),
                        life.as_secs()
                    ),
                ));
            }
            (Some(life), _) => life,
            (None, Some(left)) => left.min(self.token_default),
            (None, None) => self.token_default,
        };
        if life.is_zero() || life > self.token_max {
            return Err(Error::invalid_input(
                Reason::OptionInvalid,
                format_args!(
                    "a token lives 1 to {} seconds (auth.token_s_max), not {}",
                    self.token_max.as_secs(),
                    life.as_secs()
                ),
            ));
        }
        let mut bytes = [0; 32];
        fill_random(&mut bytes)?;
        let token = SecretString::from(format!("{TOKEN_PREFIX}{}", hex(&bytes)));
        let life_us = u64::try_from(life.as_micros()).unwrap_or(u64::MAX);
        let new = NewToken {
            id: Uuid::new_v4().to_string(),
            hash: token_hash(&token),
            user: user.name.clone(),
            user_id: user.id,
            password_epoch: user.password_epoch,
            role: role.map(str::to_owned),
            label: label.to_owned(),
            expires_us: now_us.saturating_add(life_us),
            user_tokens_max: self.tokens_max,
        };
        Ok((token, new))
    }
}

fn denied(why: &str) -> Error {
    Error::new(
        Reason::Unauthenticated,
        1045,
        "28000",
        format!("Access denied: the token {why}; log in again"),
    )
}

fn token_hash(token: &SecretString) -> [u8; 32] {
    Sha256::digest(token.expose_secret().as_bytes()).into()
}
