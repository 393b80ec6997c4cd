//! Granting and revoking.

use super::{Grant, PrivilegeSet, Securable, key};
use crate::error::Error;
use crate::options::Actor;
use crate::requests::{Arguments, Operation};
use crate::roles::{self, RoleRecord};
use crate::store::{View, What};
use crate::{Catalog, Transaction};

/// The answer of a grant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Granted {
    /// What the role has on it now.
    pub grant: Grant,
    /// What it had not had before; when empty, nothing was written.
    pub added: PrivilegeSet,
}

/// The answer of a revoke.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Revoked {
    /// What was really taken away; when empty, nothing was written.
    pub revoked: PrivilegeSet,
    /// What the role has left there, by itself: it may have more by its other grants.
    pub left: PrivilegeSet,
}

impl Catalog {
    /// Adds privileges to what a role of the actor's account has on something there. `None` when this request had
    /// done it before.
    ///
    /// Errors: `NotFound` for the role and the thing; `Invalid` for no privilege, for one that does not
    /// fit the thing, and for an admin role, which has every privilege.
    pub fn grant(
        &self,
        actor: &Actor,
        role: &str,
        on: Securable,
        privileges: PrivilegeSet,
    ) -> Result<Option<Granted>, Error> {
        self.transaction(actor, |all| all.grant(role, on, privileges))
    }

    /// Takes privileges from what a role of the actor's account has on something there. To take what
    /// it does not have changes nothing, and the answer says so. `None` when this request had done it before. Errors as
    /// of [`Catalog::grant`].
    pub fn revoke(
        &self,
        actor: &Actor,
        role: &str,
        on: Securable,
        privileges: PrivilegeSet,
    ) -> Result<Option<Revoked>, Error> {
        self.transaction(actor, |all| all.revoke(role, on, privileges))
    }
}

impl Transaction<'_> {
    /// As [`Catalog::grant`].
    pub fn grant(
        &mut self,
        role: &str,
        on: Securable,
        privileges: PrivilegeSet,
    ) -> Result<Option<Granted>, Error> {
        let actor = self.actor;
        self.write_once(
            || format!("{privileges} on {on} to role {role}"),
            |_| Ok(arguments(role, on, privileges)),
            Operation::Grant,
            |draft| {
                let account = &actor.account;
                let (role, before) = look_up(draft.view(), account, role, on, privileges)?;
                let had = before
                    .as_ref()
                    .map_or(PrivilegeSet::EMPTY, |grant| grant.privileges);
                let added = privileges.without(had);
                if let Some(grant) = before.filter(|_| added.is_empty()) {
                    return Ok(Some(Granted { grant, added }));
                }
                let named = on.named(draft.view(), account)?;
                draft.tell(What::change(
                    Operation::Grant.as_str(),
                    format!("{privileges} on {named} to role {}", role.name),
                ));
                let grant = Grant {
                    role_id: role.id,
                    on,
                    privileges: had.union(privileges),
                    granted_by: actor.to_string(),
                    granted_us: draft.now_us(),
                };
                draft.put(grant.key(account), &grant);
                Ok(Some(Granted { grant, added }))
            },
        )
    }

    /// As [`Catalog::revoke`].
    pub fn revoke(
        &mut self,
        role: &str,
        on: Securable,
        privileges: PrivilegeSet,
    ) -> Result<Option<Revoked>, Error> {
        let actor = self.actor;
        self.write_once(
            || format!("{privileges} on {on} from role {role}"),
            |_| Ok(arguments(role, on, privileges)),
            Operation::Revoke,
            |draft| {
                let account = &actor.account;
                let (role, before) = look_up(draft.view(), account, role, on, privileges)?;
                let Some(mut grant) = before else {
                    return Ok(Some(Revoked {
                        revoked: PrivilegeSet::EMPTY,
                        left: PrivilegeSet::EMPTY,
                    }));
                };
                let named = on.named(draft.view(), account)?;
                draft.tell(What::change(
                    Operation::Revoke.as_str(),
                    format!("{privileges} on {named} from role {}", role.name),
                ));
                let revoked = grant.privileges.intersection(privileges);
                let left = grant.privileges.without(privileges);
                if left.is_empty() {
                    draft.delete(grant.key(account));
                } else if !revoked.is_empty() {
                    grant.privileges = left;
                    grant.granted_by = actor.to_string();
                    grant.granted_us = draft.now_us();
                    draft.put(grant.key(account), &grant);
                }
                Ok(Some(Revoked { revoked, left }))
            },
        )
    }
}

/// What a grant or a revoke is known by when it is given again.
fn arguments(role: &str, on: Securable, privileges: PrivilegeSet) -> Arguments {
    Arguments::of(role)
        .text(&on.to_string())
        .text(&privileges.to_string())
}

fn look_up(
    view: View<'_>,
    account: &str,
    role: &str,
    on: Securable,
    privileges: PrivilegeSet,
) -> Result<(RoleRecord, Option<Grant>), Error> {
    check_fit(on, privileges)?;
    let role = roles::existing(view, account, role)?;
    if role.is_admin() {
        return Err(Error::invalid(format!(
            "the role {} has every privilege, none can be granted to it or revoked",
            role.name
        )));
    }
    on.check_exists(view, account)?;
    let grant = view.get(&key(account, on, role.id))?;
    Ok((role, grant))
}

fn check_fit(on: Securable, privileges: PrivilegeSet) -> Result<(), Error> {
    let fitting = on.all_privileges();
    let others = privileges.without(fitting);
    if !others.is_empty() {
        return Err(Error::invalid(format!(
            "{others} cannot be granted on {on}, only {fitting} can"
        )));
    }
    if privileges.is_empty() {
        return Err(Error::invalid(format!(
            "no privilege is named, {on} takes {fitting}"
        )));
    }
    Ok(())
}
