//! Who has which roles.

use super::{PUBLIC_ROLE, RoleRecord, existing, find};
use crate::error::Error;
use crate::format::Mark;
use crate::options::Actor;
use crate::requests::{Arguments, Operation};
use crate::store::View;
use crate::users::{self, admins};
use crate::{Catalog, Transaction, keys};

impl Catalog {
    /// Gives a user of the actor's account a role. Gives whether anything changed: to give a role
    /// twice, or `public` at all, changes nothing. Errors: `NotFound` for role and user.
    pub fn grant_role(&self, actor: &Actor, role: &str, user: &str) -> Result<bool, Error> {
        self.transaction(actor, |all| all.grant_role(role, user))
    }

    /// Takes a role from a user of the actor's account; a default role that it was becomes `public`.
    /// Gives whether anything changed.
    ///
    /// Errors: `NotFound` for role and user; `Invalid` for `public`; `InUse` for the admin role of the
    /// last admin.
    pub fn revoke_role(&self, actor: &Actor, role: &str, user: &str) -> Result<bool, Error> {
        self.transaction(actor, |all| all.revoke_role(role, user))
    }

    /// The roles that a user has, by name, with `public`, which everyone has; none for a user that
    /// does not exist.
    pub fn roles_of(&self, account: &str, user: &str) -> Result<Vec<RoleRecord>, Error> {
        self.store.read(|view| {
            let Some(user) = users::find(view, account, user)? else {
                return Ok(Vec::new());
            };
            let mut roles: Vec<RoleRecord> = view.list(&keys::roles(account))?;
            let marks = view.keys(&keys::user_roles(account, user.id))?;
            let ids: Vec<u64> = marks
                .iter()
                .map(|mark| keys::id(keys::last_part(mark)))
                .collect::<Result<_, _>>()?;
            roles.retain(|role| role.is_public() || ids.contains(&role.id));
            Ok(roles)
        })
    }
}

impl Transaction<'_> {
    /// As [`Catalog::grant_role`].
    pub fn grant_role(&mut self, role: &str, user: &str) -> Result<bool, Error> {
        let actor = self.actor;
        self.write_once(
            || format!("{role} to user {user}"),
            |_| Ok(Arguments::of(role).text(user)),
            Operation::GrantRole,
            |draft| {
                let account = &actor.account;
                let role = existing(draft.view(), account, role)?;
                let user = users::existing(draft.view(), account, user)?;
                if role.is_public() || is_member(draft.view(), account, user.id, role.id)? {
                    return Ok(false);
                }
                draft.mark(keys::user_role(account, user.id, role.id));
                Ok(true)
            },
        )
    }

    /// As [`Catalog::revoke_role`].
    pub fn revoke_role(&mut self, role: &str, user: &str) -> Result<bool, Error> {
        let actor = self.actor;
        self.write_once(
            || format!("{role} from user {user}"),
            |_| Ok(Arguments::of(role).text(user)),
            Operation::RevokeRole,
            |draft| {
                let account = &actor.account;
                let role = existing(draft.view(), account, role)?;
                let mut user = users::existing(draft.view(), account, user)?;
                if role.is_public() {
                    return Err(Error::invalid(format!(
                        "every user has the role {PUBLIC_ROLE}, it cannot be revoked"
                    )));
                }
                if !is_member(draft.view(), account, user.id, role.id)? {
                    return Ok(false);
                }
                if role.is_admin() {
                    let doing = format!("without the role {}", role.name);
                    admins::keep_one(draft.view(), account, &user, &doing)?;
                }
                draft.delete(keys::user_role(account, user.id, role.id));
                if user.default_role == Some(role.id) {
                    user.default_role = None;
                    users::put_next(draft, account, user);
                }
                Ok(true)
            },
        )
    }
}

/// Whether a user has the role of this name.
pub(crate) fn has(view: View<'_>, account: &str, user_id: u64, role: &str) -> Result<bool, Error> {
    match find(view, account, role)? {
        Some(role) => Ok(role.is_public() || is_member(view, account, user_id, role.id)?),
        None => Ok(false),
    }
}

/// Whether a user was given a role; `public` is given to nobody.
pub(crate) fn is_member(
    view: View<'_>,
    account: &str,
    user_id: u64,
    role_id: u64,
) -> Result<bool, Error> {
    let mark: Option<Mark> = view.get(&keys::user_role(account, user_id, role_id))?;
    Ok(mark.is_some())
}
