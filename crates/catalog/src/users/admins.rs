//! Administrators: they are changed by administrators only, and an account keeps somebody who can administer it, so
//! the last one who can log in is not taken away.

use super::UserRecord;
use crate::error::{Error, ErrorKind};
use crate::options::Actor;
use crate::store::View;
use crate::{keys, roles};

/// Refuses a change of a user who has the admin role to an actor in another role: to change somebody's password,
/// say, is to become them. One's own user is one's own affair.
pub(crate) fn allow_touching(
    view: View<'_>,
    actor: &Actor,
    user: &UserRecord,
) -> Result<(), Error> {
    let role = roles::admin_role(&actor.account);
    if actor.role == role || actor.user == user.name {
        return Ok(());
    }
    let Some(admin) = roles::find(view, &actor.account, role)? else {
        return Ok(());
    };
    if !roles::is_member(view, &actor.account, user.id, admin.id)? {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Forbidden,
        format!(
            "the user {} has the role {role}, and is changed in that role only",
            user.name
        ),
    ))
}

/// Refuses what would leave the account without an admin who is not locked. `doing` fits "cannot be …".
pub(crate) fn keep_one(
    view: View<'_>,
    account: &str,
    without: &UserRecord,
    doing: &str,
) -> Result<(), Error> {
    let role = roles::admin_role(account);
    let Some(admin) = roles::find(view, account, role)? else {
        return Ok(());
    };
    if !can_administer(view, account, without, admin.id)? {
        return Ok(());
    }
    for user in view.list::<UserRecord>(&keys::users(account))? {
        if user.id != without.id && can_administer(view, account, &user, admin.id)? {
            return Ok(());
        }
    }
    Err(Error::new(
        ErrorKind::InUse,
        format!(
            "the user {} is the last unlocked one with the role {role} and cannot be {doing}; grant the role to another user first",
            without.name
        ),
    ))
}

fn can_administer(
    view: View<'_>,
    account: &str,
    user: &UserRecord,
    admin_id: u64,
) -> Result<bool, Error> {
    Ok(!user.locked && roles::is_member(view, account, user.id, admin_id)?)
}
