//! Grants that come and go with what they are on, or with who has them, in the same change.

use super::{Grant, Privilege, PrivilegeSet, Securable, of_role, prefix};
use crate::error::Error;
use crate::options::Actor;
use crate::roles;
use crate::store::Draft;

/// What `public` has on a new stage, as in the original; REVOKE narrows it.
const ON_NEW_STAGE: PrivilegeSet = PrivilegeSet::of(&[Privilege::Read, Privilege::Write]);

/// Grants what everybody gets on a new stage. An account that has no roles yet gets it when the
/// catalog is bootstrapped.
pub(crate) fn put_on_new_stage(
    draft: &mut Draft<'_>,
    actor: &Actor,
    stage_id: u64,
) -> Result<(), Error> {
    let account = &actor.account;
    if let Some(public) = roles::find(draft.view(), account, roles::PUBLIC_ROLE)? {
        put_stage_default(draft, actor, account, public.id, stage_id);
    }
    Ok(())
}

pub(crate) fn put_stage_default(
    draft: &mut Draft<'_>,
    actor: &Actor,
    account: &str,
    public_id: u64,
    stage_id: u64,
) {
    let on = Securable::Stage(stage_id);
    put(draft, actor, account, public_id, on, ON_NEW_STAGE);
}

/// Makes the actor's role the owner of something new; an admin role needs no grant, and a role that
/// the account does not have cannot own.
pub(crate) fn put_ownership(
    draft: &mut Draft<'_>,
    actor: &Actor,
    on: Securable,
) -> Result<(), Error> {
    let account = &actor.account;
    let role = roles::find(draft.view(), account, &actor.role)?;
    if let Some(role) = role.filter(|role| !role.is_admin()) {
        let ownership = PrivilegeSet::of(&[Privilege::Ownership]);
        put(draft, actor, account, role.id, on, ownership);
    }
    Ok(())
}

fn put(
    draft: &mut Draft<'_>,
    actor: &Actor,
    account: &str,
    role_id: u64,
    on: Securable,
    privileges: PrivilegeSet,
) {
    let grant = Grant {
        role_id,
        on,
        privileges,
        granted_by: actor.to_string(),
        granted_us: draft.now_us(),
    };
    draft.put(grant.key(account), &grant);
}

/// Deletes all grants on something that goes away.
pub(crate) fn delete_on(draft: &mut Draft<'_>, account: &str, on: Securable) -> Result<(), Error> {
    for key in draft.view().keys(&prefix(account, on))? {
        draft.delete(key);
    }
    Ok(())
}

/// Deletes all grants of a role that goes away.
pub(crate) fn delete_of_role(
    draft: &mut Draft<'_>,
    account: &str,
    role_id: u64,
) -> Result<(), Error> {
    for key in of_role(draft.view(), account, role_id)? {
        draft.delete(key);
    }
    Ok(())
}
