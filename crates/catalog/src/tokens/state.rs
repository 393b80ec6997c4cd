//! Whether a token still counts, and if not, why.

use super::{TokenRecord, find, hex};
use crate::error::Error;
use crate::store::View;
use crate::{Catalog, accounts, roles, users};

/// Whether a token still counts. A stranger is told no more than that it does not.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TokenState {
    /// It counts.
    Live,
    /// Its time is over.
    Expired,
    /// It was removed.
    Revoked,
    /// Its account is gone.
    AccountGone,
    /// Its account is suspended.
    AccountSuspended,
    /// Its user was dropped, also if another has the name since.
    UserGone,
    /// Its user is locked.
    Locked,
    /// Its user's password was changed, or they were locked for a while, since it was made.
    PasswordChanged,
    /// Its user no longer has the role that it names.
    RoleGone,
}

impl Catalog {
    /// Whether a token that was read with [`Catalog::token`] counts at this time.
    pub fn token_state(&self, token: &TokenRecord, now_us: u64) -> Result<TokenState, Error> {
        self.store.read(|view| state(view, token, now_us))
    }
}

fn state(view: View<'_>, token: &TokenRecord, now_us: u64) -> Result<TokenState, Error> {
    let Some(account) = accounts::find(view, &token.account)? else {
        return Ok(TokenState::AccountGone);
    };
    let user = users::find(view, &token.account, &token.user)?;
    let Some(user) = user.filter(|user| user.id == token.user_id) else {
        return Ok(TokenState::UserGone);
    };
    // What was read before may have been removed since.
    if find(view, &hex(&token.hash))?.as_ref() != Some(token) {
        return Ok(TokenState::Revoked);
    }
    if token.expires_us <= now_us {
        return Ok(TokenState::Expired);
    }
    if account.suspended {
        return Ok(TokenState::AccountSuspended);
    }
    if user.locked {
        return Ok(TokenState::Locked);
    }
    if user.password_epoch != token.password_epoch {
        return Ok(TokenState::PasswordChanged);
    }
    if let Some(role) = &token.role
        && !roles::has(view, &token.account, user.id, role)?
    {
        return Ok(TokenState::RoleGone);
    }
    Ok(TokenState::Live)
}
