//! Who calls, and whether it still may: looked up again when time has passed since the login.

use crate::error::{Error, Reason, Result};
use crate::gate::{CallContext, Principal};
use crate::instance::Instance;

use super::Session;

/// Who calls, as its protocol has found out.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) context: CallContext,
    pub(crate) login: Login,
}

/// How a caller has shown who it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    /// It owns the data directory, or has given its password with this very call.
    Itself,
    /// By the token with this SHA-256.
    Token([u8; 32]),
}

/// Without the hash.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Itself => "Itself",
            Self::Token(_) => "Token",
        })
    }
}

impl Login {
    /// That it still counts. Blocking.
    fn check(self, instance: &Instance) -> Result<()> {
        let Self::Token(hash) = self else {
            return Ok(());
        };
        let catalog = &instance.catalog;
        let is_live = match catalog.token(&hash)? {
            Some(record) => {
                let now_us = (catalog::system_clock())();
                catalog.token_state(&record, now_us)? == catalog::TokenState::Live
            }
            None => false,
        };
        if is_live {
            return Ok(());
        }
        Err(Error::new(
            Reason::Unauthenticated,
            1045,
            "28000",
            "Access denied: the token is no longer valid; log in again",
        ))
    }
}

impl Session {
    /// Looks up again who calls: what was true at the login, or before a wait, may not be so any more.
    ///
    /// # Errors
    /// [`Reason::Unauthenticated`] for a dropped or locked user or a token that has ended;
    /// [`Reason::RoleNotGranted`].
    pub(crate) async fn look_again(&mut self) -> Result<()> {
        let (principal, login) = (self.principal.clone(), self.login);
        let context = self.context.clone();
        self.principal = self
            .instance
            .blocking(move |instance| {
                let looked = principal.refreshed(&instance.catalog);
                let looked = looked.and_then(|now| login.check(instance).map(|()| now));
                looked.map_err(|error| {
                    if !error.sends_away() {
                        return error;
                    }
                    let logins = &instance.logins;
                    logins.record_gone(instance, &principal, &context, &error);
                    error.audited()
                })
            })
            .await?;
        Ok(())
    }
}
