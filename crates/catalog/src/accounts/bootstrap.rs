//! The first account: `sys` with its roles and its user `root`, made once in every catalog, also in
//! one that already holds stages from before there were accounts.

use super::{SYS_ACCOUNT, change, find, removal};
use crate::error::Error;
use crate::options::Actor;
use crate::store::What;
use crate::users::PasswordHash;
use crate::{Catalog, grants};

/// The user that [`Catalog::bootstrap`] makes.
pub const ROOT_USER: &str = "root";

impl Catalog {
    /// Makes the account `sys`, its roles `moadmin` and `public`, and the user `root` who has `moadmin`
    /// by default, and grants READ and WRITE to `public` on every stage that exists already, all in
    /// one change. Without a password `root` cannot log in with one until it is set. Gives false, and
    /// does nothing, when the account exists.
    pub fn bootstrap(
        &self,
        actor: &Actor,
        root_password: Option<PasswordHash>,
    ) -> Result<bool, Error> {
        self.store.write(
            actor,
            || What::change("BOOTSTRAP ACCOUNT", SYS_ACCOUNT),
            |draft| {
                if find(draft.view(), SYS_ACCOUNT)?.is_some() {
                    return Ok(false);
                }
                let new = change::Beginning {
                    name: SYS_ACCOUNT.to_owned(),
                    admin_name: ROOT_USER.to_owned(),
                    admin_password: root_password,
                    comment: String::new(),
                    default_database: None,
                };
                let made = change::put_new(draft, new)?;
                for stage_id in removal::stage_ids(draft.view(), SYS_ACCOUNT)? {
                    grants::put_stage_default(draft, actor, SYS_ACCOUNT, made.public_id, stage_id);
                }
                Ok(true)
            },
        )
    }
}
